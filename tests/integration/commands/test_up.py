"""carehub up refuses what cannot work before it starts anything."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest

from hub.commands import up
from hub.config import load
from hub.errors import HubError


@pytest.fixture(autouse=True)
def run_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CAREHUB_RUN_DIR", str(tmp_path))
    return tmp_path


def test_unknown_scenario_is_refused_with_those_there_are(run_dir: Path) -> None:
    with pytest.raises(HubError, match="there are one_night, quiet_evening"):
        up.main(["--demo", "--scenario", "nope"])
    assert not (run_dir / "postgres").exists()


def test_second_hub_in_the_same_folder_is_refused(run_dir: Path) -> None:
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", "hub", "up"])
    try:
        while b"hub" not in Path(f"/proc/{other.pid}/cmdline").read_bytes():
            assert other.poll() is None  # the kernel shows the new name a moment after the start
        (run_dir / "pids.json").write_text(json.dumps({"up": other.pid}))
        with pytest.raises(HubError, match=f"a hub is running .*{other.pid}"):
            up.Run(settings=load(None), options=argparse.Namespace(demo=False)).play()
    finally:
        other.kill()
        other.wait()


def test_left_over_of_a_hub_that_is_gone_is_no_hindrance(run_dir: Path) -> None:
    (run_dir / "pids.json").write_text(json.dumps({"up": 2**22 - 1}))
    run = up.Run(settings=load(None), options=argparse.Namespace(demo=True, scenario="nope", headless=False))
    with pytest.raises(HubError, match="no scenario"):
        run.play()


@pytest.mark.parametrize("words", [["--headless"], ["--scenario", "one_night"]])
def test_options_of_the_demo_need_the_demo(words: list[str]) -> None:
    with pytest.raises(SystemExit):
        up.main(words)
