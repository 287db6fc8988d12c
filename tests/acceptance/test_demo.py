"""The whole hub in one command: a night is played to its end, and a night nobody attends to is not called good."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ports import own_ports

NIGHT_LIMIT_S = 600  # a quiet machine takes 70 s; one that runs other tests beside it, longer
NOBODY_COMES = """\
title = "没有人来 Nobody comes"
operator = "simulated"
vitals_every = "5s"
at_most = "8s"

[[event]]
at = "500ms"
who = "王秀兰"
what = "presses for help"
operator_takes_after = "10m"
"""
SILENT = '\n[[responder]]\nwho = "{role}"\ndoes = "does not answer"\n'
NAMED = ("王丽", "王强", "family", "community", "property", "third_party", "ambulance")


@pytest.fixture
def run_dir() -> Iterator[Path]:
    """A folder the database's own account may enter, which pytest's are not when root runs the tests."""
    folder = Path(f"/tmp/carehub-demo-{os.getpid()}-{time.monotonic_ns()}")
    folder.mkdir()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def play(run_dir: Path, database: dict[str, str], *arguments: str) -> tuple[int, str, set[int]]:
    """Run the headless demo; return its exit code, what it printed, and every process it had started."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("CAREHUB_")}
    command = [sys.executable, "-m", "hub", "up", "--demo", "--headless", *arguments]
    started: set[int] = set()
    with (run_dir / "out.txt").open("wb") as out:
        demo = subprocess.Popen(
            command, env={**environ, **database, **own_ports(), "CAREHUB_RUN_DIR": str(run_dir)}, stdout=out,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            deadline = time.monotonic() + NIGHT_LIMIT_S
            while demo.poll() is None and time.monotonic() < deadline:
                started |= pids(run_dir)
                time.sleep(0.2)
        finally:
            if demo.poll() is None:
                demo.terminate()
                demo.wait(30)
    return demo.returncode, (run_dir / "out.txt").read_text(encoding="utf-8"), started - {demo.pid}


def pids(run_dir: Path) -> set[int]:
    try:
        return set(json.loads((run_dir / "pids.json").read_text()).values())
    except (OSError, ValueError):
        return set()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_night_in_the_neighbourhood_ends_with_everybody_looked_after(
    run_dir: Path, hub_environ: dict[str, str]
) -> None:
    code, said, started = play(run_dir, hub_environ)
    assert code == 0, said
    assert "every incident was closed by a person; nothing was lost" in said
    headings = re.findall(r"^── 警情 incident \d+  (\S+ .*?)  级别", said, re.MULTILINE)
    # On a busy machine her second press may come when the first is closed: a case of its own.
    assert len(headings) in (8, 9)
    assert sum("跌倒 fall" in heading for heading in headings) == 2
    assert sum("体征 vitals" in heading for heading in headings) == 1
    for word in ("接警 taken", "到场 arrived", "交接 handed over", "结案 closed", "取消 cancelled", "去不了 cannot go"):
        assert word in said
    assert len(started) >= 6
    assert [pid for pid in started if alive(pid)] == []
    told = json.loads((run_dir / "simulator-report.json").read_text(encoding="utf-8"))
    assert told["faults"] == []
    assert told["saved"]["watch accel"] == told["sent"]["watch accel"]
    by_watch = [press for press in told["presses"] if press["identity"]]
    assert by_watch
    assert all(press["heard_at"] for press in by_watch)  # 收到 was shown on the watch
    assert any("handed_over" in page["answered"] for page in told["pages"] if page["channel"] == "webhook")
    assert any("handed_over" in page["answered"] for page in told["pages"] if page["channel"] == "mqtt")


def test_night_without_anybody_who_comes_is_a_failure(run_dir: Path, hub_environ: dict[str, str]) -> None:
    scenario = run_dir / "nobody.toml"
    text = NOBODY_COMES + "".join(SILENT.format(role=role) for role in NAMED)
    scenario.write_text(text, encoding="utf-8")
    code, said, started = play(run_dir, hub_environ, "--scenario", str(scenario))
    assert code == 1, said
    assert re.search(r"^PROBLEM incident \d+: is still open$", said, re.MULTILINE)
    assert "the play was not over after 8 s" in said
    assert "响铃 rung" in said
    assert [pid for pid in started if alive(pid)] == []
