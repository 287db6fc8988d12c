"""Every maker's devices against a whole hub: each says all it can, through its own line, and the oracle judges.

`carehub simulate every_maker --report makers.html` shows the same with plots.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from simulator.encoders.registry import ENCODERS

SEED = "7"
LIMIT_S = 600.0  # on a machine that does other things; alone it is less than a minute
TOLD_BY = {"press", "fall", "smoke", "gas", "water"}


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The verdict. What was said on the way is shown when a test fails."""
    folder = tmp_path_factory.mktemp("makers")
    words = ["simulate", "every_maker", "--seed", SEED, "--json", str(folder / "day.json")]
    done = subprocess.run(
        [sys.executable, "-m", "hub", *words], capture_output=True, text=True, timeout=LIMIT_S, check=False,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    print(f"seed {SEED}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}")
    assert (folder / "day.json").exists(), f"no verdict, exit code {done.returncode}"
    verdict: dict[str, Any] = msgspec.json.decode((folder / "day.json").read_bytes())
    return verdict


def test_nothing_of_any_maker_is_lost_invented_late_or_left_open(day: dict[str, Any]) -> None:
    assert (day["lost"], day["invented"], day["late"], day["unended"]) == ([], [], [], [])
    assert day["faults"] == []


def test_every_maker_spoke_and_was_acknowledged(day: dict[str, Any]) -> None:
    families = {each["family"]: each for each in day["families"]}
    assert set(families) == set(ENCODERS)
    assert [name for name, each in families.items() if not 0 < each["saved"] == each["sent"]] == []


def test_every_maker_s_alarms_came_to_a_case(day: dict[str, Any]) -> None:
    families = {each["family"]: each for each in day["families"]}
    able = {name for name, encoder in ENCODERS.items() if TOLD_BY & encoder.says}
    assert {name for name, each in families.items() if each["told"]} == able
    assert day["told"] == sum(len(TOLD_BY & encoder.says) for encoder in ENCODERS.values())
    right = {each["kind"]: each["right"] for each in day["alarms"]}
    assert {kind: right[kind] for kind in ("sos", "fall", "smoke", "gas", "water")} == {
        kind: sum(word in encoder.says for encoder in ENCODERS.values())
        for kind, word in (("sos", "press"), ("fall", "fall"), ("smoke", "smoke"), ("gas", "gas"), ("water", "water"))
    }
