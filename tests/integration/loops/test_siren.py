"""The local siren: a real command, a real broker. It sounds as long as it must and says when it cannot."""

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import aiomqtt
import pytest

from hub.loops.findings import Finding, Standing
from hub.loops.siren import QUIET_FILE, Siren
from hub.watch_settings import AuditSettings
from tests.conftest import Mosquitto
from tests.integration.loops.waiting import running, until
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.anyio
LOST = Standing(finding=Finding(rule="canary_lost", subject="page"), lasts_s=60.0)


class Desk:
    """What is wrong by the auditor, to be changed by the story."""

    def __init__(self) -> None:
        self.alarms: list[Standing] = []

    def __call__(self) -> list[Standing]:
        return self.alarms


def settings(folder: Path, script: str, **more: object) -> AuditSettings:
    fast = AuditSettings(siren_command=("sh", "-c", script), siren_pause_s=0.1, siren_after_s=1.0)
    return replace(fast, **more)  # type: ignore[arg-type]


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_siren_sounds_again_and_again_until_it_is_acknowledged(tmp_path: Path, desk: Desk) -> None:
    heard = tmp_path / "heard"
    script = f'echo "$CAREHUB_SIREN_RULES" >> {heard}'
    siren = Siren(settings=settings(tmp_path, script), alarms=desk, run_dir=tmp_path)
    async with running(siren):
        desk.alarms = [LOST]
        await until(lambda: len(lines(heard)) >= 3)
        assert set(lines(heard)) == {"canary_lost"}
        desk.alarms = []
        runs = 0
        async with asyncio.timeout(PATIENCE_S):
            while runs != len(lines(heard)):  # what is under way ends …
                runs = len(lines(heard))
                await asyncio.sleep(0.5)  # … and silence is the thing to be shown
        assert siren.says() == "silent"


async def test_fault_of_a_moment_wakes_nobody(tmp_path: Path, desk: Desk) -> None:
    heard = tmp_path / "heard"
    async with running(Siren(settings=settings(tmp_path, f"echo >> {heard}"), alarms=desk, run_dir=tmp_path)):
        desk.alarms = [replace(LOST, lasts_s=0.5)]
        await asyncio.sleep(0.8)
        assert lines(heard) == []


async def test_acknowledging_cuts_the_sound_off_with_all_it_has_started(tmp_path: Path, desk: Desk) -> None:
    pids = tmp_path / "pids"
    script = f"sleep 600 & echo $! >> {pids}; wait"
    async with running(Siren(settings=settings(tmp_path, script), alarms=desk, run_dir=tmp_path)):
        desk.alarms = [LOST]
        await until(lambda: lines(pids))
        player = int(lines(pids)[0])
        desk.alarms = []
        await until(lambda: not _runs(player))


@pytest.mark.parametrize(
    ("script", "limit_s", "why"), [("exit 3", 30.0, "ended with 3"), ("sleep 600", 0.3, "did not end in 0.3 s")]
)
async def test_siren_that_fails_is_a_finding_and_is_tried_again(
    tmp_path: Path, desk: Desk, script: str, limit_s: float, why: str
) -> None:
    tries = tmp_path / "tries"
    how = settings(tmp_path, f"echo >> {tries}; {script}", siren_limit_s=limit_s)
    async with running(Siren(settings=how, alarms=desk, run_dir=tmp_path)) as siren:
        desk.alarms = [LOST]
        await until(siren.findings)
        assert list(siren.findings()) == [Finding(rule="siren_broken", subject="command", detail=why)]
        await until(lambda: len(lines(tries)) >= 2)


async def test_player_that_is_not_installed_is_found_before_it_is_needed(tmp_path: Path, desk: Desk) -> None:
    how = AuditSettings(siren_command=("no-such-player", "x.wav"))
    async with running(Siren(settings=how, alarms=desk, run_dir=tmp_path)) as siren:
        await until(siren.findings)
        assert siren.findings()[0].detail == "no-such-player is not there or cannot be run"


async def test_siren_gets_no_secret_of_the_hub(tmp_path: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAREHUB_SECRETS_LINK_KEY", "a secret")
    seen = tmp_path / "seen"
    async with running(Siren(settings=settings(tmp_path, f"env >> {seen}"), alarms=desk, run_dir=tmp_path)):
        desk.alarms = [LOST]
        await until(lambda: lines(seen))
        assert "a secret" not in seen.read_text()


async def test_word_left_on_this_machine_silences_what_was_wrong_then(tmp_path: Path, desk: Desk) -> None:
    heard = tmp_path / "heard"
    siren = Siren(settings=settings(tmp_path, f"echo >> {heard}"), alarms=desk, run_dir=tmp_path)
    (tmp_path / QUIET_FILE).write_text("马班长: 机房停电\n")
    desk.alarms = [LOST]
    assert siren.sounding() == []
    older = time.time() - 300
    os.utime(tmp_path / QUIET_FILE, (older, older))
    assert siren.sounding() == [LOST], "it went wrong after the word was left"
    desk.alarms = [replace(LOST, lasts_s=400.0)]
    assert siren.sounding() == []
    older = time.time() - 601
    os.utime(tmp_path / QUIET_FILE, (older, older))
    assert siren.sounding() == desk.alarms, "still wrong after ten minutes"


async def test_siren_at_a_broker_is_switched_on_and_off(
    tmp_path: Path, desk: Desk, mosquitto: Callable[..., Mosquitto]
) -> None:
    broker = mosquitto()
    how = AuditSettings(siren_topic="cmnd/siren/POWER", siren_port=broker.port, siren_pause_s=0.3)
    siren = Siren(settings=how, alarms=desk, run_dir=tmp_path)
    async with running(siren), aiomqtt.Client("127.0.0.1", broker.port) as relay:
        await relay.subscribe("cmnd/siren/POWER")
        await _word(relay, b"OFF")
        desk.alarms = [LOST]
        await _word(relay, b"ON")
        desk.alarms = []
        await _word(relay, b"OFF")
        assert siren.findings() == []


async def test_siren_whose_broker_is_away_is_broken_and_comes_back(
    tmp_path: Path, desk: Desk, mosquitto: Callable[..., Mosquitto], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.loops.siren.BROKER_AWAY_S", 0.5)
    monkeypatch.setattr("hub.loops.siren.BROKER_AGAIN_S", 0.1)
    broker = mosquitto()
    how = AuditSettings(siren_topic="siren", siren_port=broker.port, siren_pause_s=0.2)
    async with running(Siren(settings=how, alarms=desk, run_dir=tmp_path)) as siren:
        broker.kill()
        await until(siren.findings)
        assert siren.findings()[0].subject == "broker"
        broker.start()
        await until(lambda: not siren.findings())


async def _word(relay: aiomqtt.Client, wanted: bytes) -> None:
    async with asyncio.timeout(PATIENCE_S):
        async for message in relay.messages:
            if message.payload == wanted:
                return


def _runs(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
