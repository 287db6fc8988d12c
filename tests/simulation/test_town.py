"""A whole town against a whole hub, in lock-step: one day of two hundred residents, judged by the oracle.

`CAREHUB_TOWN_SEED` plays another day; the long form is `carehub simulate ordinary_week --report week.html`.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

SEED = os.environ.get("CAREHUB_TOWN_SEED", "7")
LIMIT_S = 900.0  # on a machine that does other things; alone it is some two minutes


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The verdict of the day. What was said on the way is shown when a test fails."""
    folder = tmp_path_factory.mktemp("town")
    words = ["simulate", "ordinary_day", "--seed", SEED, "--report", str(folder / "day.html")]
    done = subprocess.run(
        [sys.executable, "-m", "hub", *words, "--json", str(folder / "day.json")],
        capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    print(f"seed {SEED}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}")
    assert (folder / "day.json").exists(), f"no verdict, exit code {done.returncode}"
    verdict: dict[str, Any] = msgspec.json.decode((folder / "day.json").read_bytes())
    verdict["exit"], verdict["page"] = done.returncode, _page(folder / "day.html")
    return verdict


def _page(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_nothing_is_lost_nothing_is_invented_and_every_case_ends(day: dict[str, Any]) -> None:
    assert (day["lost"], day["invented"], day["unended"]) == ([], [], [])
    assert day["exit"] == 0


def test_day_was_one_in_which_something_happened(day: dict[str, Any]) -> None:
    assert day["told"] >= 8
    assert day["incidents"] >= 8
    assert day["messages_saved"] > 10_000
    assert day["pages"] > 0
    assert {each["what"] for each in day["kinds"]} >= {"falls", "burns the supper", "gets short of breath"}


def test_presses_falls_and_alarms_were_found_by_their_own_kind(day: dict[str, Any]) -> None:
    right = {each["kind"]: each["right"] for each in day["alarms"]}
    assert right["sos"] >= 5  # three for help, two by accident, a test, a lonely one: some share a case
    assert right["smoke"] >= 1
    assert right["fall"] >= 1
    assert right["silence"] + right["system"] >= 10  # a community without a network, a gateway that died
    smoke = next(each for each in day["kinds"] if each["what"] == "burns the supper")
    assert smoke["found"] == smoke["happened"] >= 1


def test_nothing_went_wrong_with_desk_lines_or_hub(day: dict[str, Any]) -> None:
    assert day["faults"] == []


def test_press_reaches_its_case_at_once_and_a_human_soon(day: dict[str, Any]) -> None:
    assert day["late"] == []
    assert day["to_human_s"]["p50"] <= 60


def test_report_has_its_plots(day: dict[str, Any]) -> None:
    assert day["page"].count("<svg") >= 3
