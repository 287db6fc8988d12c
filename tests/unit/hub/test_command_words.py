"""Whoever mistypes a command hears so, and which one may be meant."""

import pytest

from hub.__main__ import COMMANDS, main


@pytest.mark.parametrize(("said", "meant"), [("device", "Did you mean devices"), ("polcy", "Did you mean policy?")])
def test_command_that_is_nearly_one_names_it(said: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([said]) == 2
    assert meant in capsys.readouterr().err


def test_command_that_is_none_is_named_with_all_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nonsense"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("carehub: there is no command 'nonsense'. There are ")
    assert all(name in said for name in COMMANDS)
    assert "mean" not in said


def test_help_is_no_mistake_and_no_command_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert main([]) == 2
    assert capsys.readouterr().err == ""
