"""The short stories against a whole hub, to their end, each with what it expects; exit code 0 says that it came so.

Played by hand as well: `carehub simulate locked_door --seed 7 --report door.html`. The long ones: simulator/README.md.
"""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from simulator import scenario, story_file
from simulator.verdict import Verdict

SEED = os.environ.get("CAREHUB_STORY_SEED", "7")
LIMIT_S = 900.0  # on a machine that does other things; alone each is less than half a minute
SHORT = ("locked_door", "blocked_line", "only_help", "on_hold")


def shipped() -> list[str]:
    """Names of the towns' stories that come with the program."""
    return [
        path.stem for path in sorted(scenario.SHIPPED.glob("*.toml")) if story_file.is_story(path.read_text("utf-8"))
    ]


@pytest.mark.parametrize("name", SHORT)
def test_story_comes_to_the_end_that_it_expects(name: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hub", "simulate", name, "--seed", SEED, "--json", str(tmp_path / "verdict.json")],
        capture_output=True, text=True, timeout=LIMIT_S, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 0, f"seed {SEED}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
    verdict = msgspec.json.decode((tmp_path / "verdict.json").read_bytes(), type=Verdict)
    assert verdict.expected
    assert verdict.faults == []


@pytest.mark.parametrize("name", shipped())
def test_every_story_says_what_it_expects(name: str) -> None:
    path = scenario.find(name)
    assert story_file.read(path.read_text("utf-8"), path.name).expect is not None
