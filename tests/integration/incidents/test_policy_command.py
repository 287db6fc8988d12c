"""carehub policy: faults with file and line, words, publishing."""

import asyncio
from pathlib import Path

import pytest

from hub.__main__ import main
from tests.integration.incidents.world import POLICY, World

pytestmark = pytest.mark.anyio


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(POLICY, encoding="utf-8")
    return path


def test_sound_policy_passes(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "check", str(policy)]) == 0
    assert "2 policies, no fault" in capsys.readouterr().out


def test_fault_is_named_with_file_and_line(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy.write_text(POLICY.replace('"property"', '"janitor"'), encoding="utf-8")
    assert main(["policy", "check", str(policy)]) == 1
    line = 1 + POLICY.replace('"property"', '"janitor"').split('"janitor"', maxsplit=1)[0].count("\n")
    assert f"policy.toml:{line}: " in capsys.readouterr().err


@pytest.mark.parametrize(("lang", "word"), [("zh", "家属"), ("en", "family")])
def test_policy_is_explained_in_words(policy: Path, capsys: pytest.CaptureFixture[str], lang: str, word: str) -> None:
    assert main(["policy", "explain", str(policy), "--lang", lang]) == 0
    assert word in capsys.readouterr().out


def test_missing_file_says_what_to_give(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "check", "/nowhere/policy.toml"]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_publishing_without_a_database_says_what_to_set(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "publish", str(policy)]) == 2
    assert "CAREHUB_DATABASE_DSN" in capsys.readouterr().err


async def test_published_policy_is_the_one_of_new_incidents(
    world: World, policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy.write_text(POLICY.replace('"call"', '"call anew"'), encoding="utf-8")  # noqa: ASYNC240
    monkeypatch.setenv("CAREHUB_DATABASE_DSN", world.dsn)
    await world.forward(1)
    assert await asyncio.to_thread(main, ["policy", "publish", str(policy)]) == 0
    incident = await world.press()
    assert (await world.incident(incident)).policy.name == "call anew"


async def test_policy_that_asks_for_a_duty_list_nobody_is_on_is_not_published(
    world: World, policy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    night = POLICY.replace('role = "property"', 'role = "property", roster = "night"')
    policy.write_text(night, encoding="utf-8")  # noqa: ASYNC240
    monkeypatch.setenv("CAREHUB_DATABASE_DSN", world.dsn)
    assert await asyncio.to_thread(main, ["policy", "publish", str(policy)]) == 1
    assert "night" in capsys.readouterr().err
    await world.conn.execute("update shift set roster = 'night' where person_id = %s", (world.names["guard"],))
    assert await asyncio.to_thread(main, ["policy", "publish", str(policy)]) == 0
    incident = await world.press()
    await world.forward(30)
    await world.fire()
    assert len(await world.pages(incident, "guard")) == 1
