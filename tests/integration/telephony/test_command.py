"""`carehub telephone`: extensions, numbers of devices, what a provider is told, a call to try."""

import pytest

from hub.__main__ import main
from tests.integration.telephony.desk import calls
from tests.integration.telephony.pbx import KEY, Pbx
from tests.integration.web.conftest import Served
from tests.integration.web.world import World


@pytest.fixture(autouse=True)
def settings(world: World, pbx: Pbx, console: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "DATABASE_DSN": world.dsn, "CONSOLE_PORT": str(console.port), "TELEPHONE_PROVIDER": "pbx",
        "TELEPHONE_URL": pbx.url, "SECRETS_TELEPHONE_KEY": KEY,
    }.items():  # fmt: skip
        monkeypatch.setenv(f"CAREHUB_{name}", value)


def test_extension_and_sim_are_entered_and_nonsense_is_refused(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    assert main(["telephone", "extension", "li", "8077"]) == 0
    assert main(["telephone", "sim", str(world.devices["watch-he"]), "139 0000 0009"]) == 0
    assert world.sql("select extension from person where id = %(p)s", p=world.people["li"]) == [("8077",)]
    assert main(["telephone", "sim", "1", "call me"]) == 2
    assert main(["telephone", "sim", "999", "139 0000 0009"]) == 2
    assert "no telephone number" in capsys.readouterr().err


def test_call_to_try_reaches_the_console(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["telephone", "ring", "0951 000 0001"]) == 0
    assert [(c["state"], c["party"]) for c in calls(world)] == [("ringing", "resident")]
    assert main(["telephone", "callbacks"]) == 0
    assert capsys.readouterr().out.rstrip().endswith("/telephony/pbx/events")
