"""Recordings and captures sent to a running demo, through a kill of its ingest process."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psycopg
import pytest

from simulator import motion
from tests.conftest import hub_database
from tests.ports import own_ports

START_LIMIT_S = 60
REPLAY_LIMIT_S = 90
NOTHING_HAPPENS = 'title = "nothing happens"\noperator = "whoever is at the browser"\n'
CAPTURES = (
    {"kind": "mqtt", "type": "z2m", "input": {"topic": "zigbee2mqtt/Hall button", "payload": '{"action":"emergency"}'}},
    {"kind": "tcp", "type": "tcp.watch", "input": {"text": "[3G*8800000099*000B*LK,10,0,90]"}},
    {"kind": "lorawan", "type": "some.button", "input": {"hex": "00"}},
)


@pytest.fixture(scope="module")
def demo(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A running demo in which nobody does anything; its run folder."""
    with hub_database(request) as database:
        yield from _demo(database)


def _demo(database: dict[str, str]) -> Iterator[Path]:
    folder = Path(f"/tmp/carehub-replay-{os.getpid()}-{time.monotonic_ns()}")
    folder.mkdir()
    (folder / "nothing.toml").write_text(NOTHING_HAPPENS, encoding="utf-8")
    with (folder / "out.txt").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "hub", "up", "--demo", "--scenario", str(folder / "nothing.toml")],
            env=environ(folder) | database | own_ports(), stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            until(folder, "Ctrl-C stops everything", process)
            yield folder
        finally:
            process.send_signal(signal.SIGINT)
            code = process.wait(60)
    shutil.rmtree(folder, ignore_errors=True)
    assert code == 0


def environ(folder: Path) -> dict[str, str]:
    plain = {k: v for k, v in os.environ.items() if not k.startswith("CAREHUB_")}
    return {**plain, "CAREHUB_RUN_DIR": str(folder)}


def until(folder: Path, words: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while words not in (said := (folder / "out.txt").read_text(encoding="utf-8")):
        assert process.poll() is None, said
        assert time.monotonic() < deadline, said
        time.sleep(0.1)


def replay(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "hub", "replay", *arguments], env=environ(folder), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def recordings(folder: Path) -> Path:
    """A fall and a walk, arriving as a watch sends them: five samples every 100 ms."""
    rng = np.random.default_rng(1)
    parts = {"fall": motion.fall_of_a_walker(rng, before_s=5, after_s=6), "walk": motion.walking(10, rng)}
    sizes = [len(part.accel_mg) for part in parts.values()]
    path = folder / "wrist.npz"
    np.savez(
        path, rec_id=np.array(list(parts)), offset=np.array([0, *np.cumsum(sizes)]),
        t_ms=np.concatenate([np.arange(n) // 5 * 100 + np.arange(n) % 5 * 2 for n in sizes]).astype(np.int32),
        acc_mg=np.concatenate([part.accel_mg for part in parts.values()]),
        gyro_2mrad=np.concatenate([part.gyro_2mrad for part in parts.values()]),
    )  # fmt: skip
    return path


def bursts_stored(folder: Path) -> int:
    with psycopg.connect(json.loads((folder / "running.json").read_text())["dsn"]) as conn:
        row = conn.execute(
            "select count(*) from accel_window w join device d on d.id = w.device_id"
            " where d.address like '%replay-%fall'"
        ).fetchone()
    return int(row[0]) if row else 0


def test_recorded_fall_opens_an_incident_though_ingest_is_killed_meanwhile(demo: Path) -> None:
    sending = replay(demo, "falls", str(recordings(demo)), "--speed", "2")
    deadline = time.monotonic() + REPLAY_LIMIT_S
    log = demo / "logs" / "ingest.log"
    while bursts_stored(demo) < 20:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(json.loads((demo / "pids.json").read_text())["ingest"], signal.SIGKILL)
    said, _ = sending.communicate(timeout=deadline - time.monotonic())
    assert sending.returncode == 0, said + log.read_text()[-2000:]
    assert re.search(r"^fall +bursts +\d+ +acknowledged +\d+ +fall: incident \d+$", said, re.MULTILINE), said
    assert re.search(r"^walk .* no fall$", said, re.MULTILINE), said
    counts = re.search(r"2 recordings: (\d+) bursts sent, (\d+) acknowledged", said)
    assert counts
    assert counts.group(1) == counts.group(2)


def test_captures_go_in_where_they_can_and_the_rest_is_counted(demo: Path) -> None:
    path = demo / "captures.jsonl"
    path.write_text("\n".join(json.dumps(each) for each in CAPTURES), encoding="utf-8")
    sending = replay(demo, "devices", str(path))
    said, _ = sending.communicate(timeout=REPLAY_LIMIT_S)
    assert sending.returncode == 0, said
    assert re.search(r"^mqtt +sent +1 +acknowledged +1$", said, re.MULTILINE), said
    assert re.search(r"^tcp +sent +1 +acknowledged +1 ", said, re.MULTILINE), said
    assert "no way in for lorawan some.button: 1" in said
    assert "kept unreadable: 0" in said
    assert "incidents opened: 1 (sos 1)" in said
