"""carehub simulate and a drill, from the first word to the last: a village of its own, real processes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from hub.simulated.drills import Drill, DrillError, Drills
from tests.patience import PATIENCE_S

STORY = """
title = "小村 A village"

[town]
residents = 4
starts = "2026-03-02 08:00"
days = 0.01
reports = "5m"
lives_by_itself = false
wrist = { carehub = 1.0 }
button = { zigbee2mqtt = 1.0 }

[[event]]
at = "8:03"
who = "1 resident"
what = "presses for help"

[operators]
number = 1
"""


@pytest.fixture
def story(tmp_path: Path) -> Path:
    path = tmp_path / "village.toml"
    path.write_text(STORY, encoding="utf-8")
    return path


def simulate(*words: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CAREHUB_")}
    return subprocess.run(
        [sys.executable, "-m", "hub", "simulate", *words], env=environ, capture_output=True, text=True, check=False
    )  # fmt: skip


def eventually(there: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 4 * PATIENCE_S
    while not there():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


def test_a_village_lives_an_hour_and_nothing_is_lost(story: Path, tmp_path: Path) -> None:
    kept, report, verdict = tmp_path / "kept", tmp_path / "report.html", tmp_path / "verdict.json"
    done = simulate(str(story), "--seed", "3", "--keep", str(kept), "--report", str(report), "--json", str(verdict))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "lost 0, invented 0" in done.stdout
    account = json.loads((kept / "account.json").read_bytes())
    (case,) = account["incidents"]
    assert (case["kind"], case["state"]) == ("sos", "closed")
    assert account["totals"]["steps"]["failed"] == 0
    assert account["faults"] == []
    assert (kept / "joined.json").stat().st_mode & 0o077 == 0, "it holds the secrets of the run"
    assert report.stat().st_size > 1_000
    assert json.loads(verdict.read_bytes())


def test_report_that_cannot_be_written_is_refused_before_the_run_and_not_after(story: Path, tmp_path: Path) -> None:
    for words in (["--report", str(tmp_path / "no" / "x.html")], ["--json", str(tmp_path)]):
        refused = simulate(str(story), *words)
        assert refused.returncode == 2
        assert "cannot be written" in refused.stderr
        assert refused.stdout == "", "no town was invented"


def test_story_that_is_not_there_is_answered_with_those_that_are() -> None:
    refused = simulate("eartquake")
    assert refused.returncode == 2
    assert "earthquake" in refused.stderr
    assert "one_night" not in refused.stderr, "a play for `carehub up --demo` is no town's story"


def test_mistake_in_a_story_is_told_with_its_line(story: Path) -> None:
    story.write_text(STORY.replace('"8:03"', '"28:03"'), encoding="utf-8")
    refused = simulate(str(story))
    assert refused.returncode == 2
    assert f"village.toml, line {STORY[: STORY.index('8:03')].count(chr(10)) + 1}" in refused.stderr


def test_interrupted_run_ends_its_children_and_leaves_no_folder(story: Path, tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CAREHUB_")}
    with subprocess.Popen(
        [sys.executable, "-m", "hub", "simulate", str(story), "--speed", "1"], env={**environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert any("messages" in line for line in process.stdout), "the town did not begin to live"
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=4 * PATIENCE_S)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert list(tmp_path.glob("carehub-simulate-*")) == []
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def test_what_cannot_begin_says_why(tmp_path: Path) -> None:
    nothing = simulate(str(tmp_path / "nothing.toml"))
    assert nothing.returncode == 2
    assert "nothing.toml" in nothing.stderr
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "of things").touch()
    full = simulate("quiet_night", "--keep", str(tmp_path / "full"))
    assert (full.returncode, "is not empty" in full.stderr) == (2, True)


def test_a_drill_is_worked_by_people_and_leaves_marks(story: Path, tmp_path: Path) -> None:
    drills = Drills(tmp_path / "run")
    with pytest.raises(DrillError, match="no_story"):
        drills.start("no such story", seed=1, speed=1, by="秦主任")
    drills.start("village", body=story.read_bytes(), seed=3, speed=10, by="秦主任")

    def running() -> Drill:
        drill = drills.running()
        assert drill is not None, drills.all()[0].said
        return drill

    try:
        with pytest.raises(DrillError, match="one_at_once"):
            drills.start("quiet_night", seed=1, speed=1, by="秦主任")
        eventually(lambda: bool(running().word), "it is never ready")
        word = running().word
        page = httpx.get(f"{word['console_url']}/login", trust_env=False).text
        assert "drill-banner" in page
        assert "小村 A village" in page
        assert [account["login"] for account in word["accounts"]] == ["desk1"]
    finally:
        drills.stop(running().name)
    eventually(lambda: drills.running() is None, "it does not end")
    (over,) = drills.all()
    assert over.stopped
    assert over.marks is not None
    assert [one["name"] for one in over.marks["operators"]] == ["desk1"]
    assert not drills.stop(over.name)
