"""console.second_factor: for everybody, for nobody, or for the roles that are named."""

import pytest

from hub.config import ConfigError, load


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("required", ("required",)), ("off", ("off",)),
        ("supervisor, administrator", ("supervisor", "administrator")),
    ],
)  # fmt: skip
def test_setting_is_one_word_or_roles(said: str, read: tuple[str, ...]) -> None:
    assert load(None, {"CAREHUB_CONSOLE_SECOND_FACTOR": said}).console.second_factor == read


@pytest.mark.parametrize("said", ["always", "required,supervisor", "family", ""])
def test_setting_that_would_protect_nobody_is_refused(said: str) -> None:
    with pytest.raises(ConfigError, match="second_factor"):
        load(None, {"CAREHUB_CONSOLE_SECOND_FACTOR": said})
