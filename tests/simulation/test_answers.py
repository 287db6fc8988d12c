"""People who answer wrongly, against a whole hub: what they tapped, beside what stands in the chain of their case.

The story is `wrong_answers`; `carehub simulate wrong_answers --report answers.html` shows the same with plots.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

SEED = "7"
LIMIT_S = 600.0  # on a machine that does other things; alone it is half a minute
HERE = Path(__file__).parents[2]
Row = dict[str, Any]


class Evening:
    """What happened, as people did it and as the hub wrote it down."""

    def __init__(self, folder: Path) -> None:
        self.verdict: Row = json.loads((folder / "v.json").read_text(encoding="utf-8"))
        truth = json.loads((folder / "run" / "truth.json").read_text(encoding="utf-8"))
        account = json.loads((folder / "run" / "account.json").read_text(encoding="utf-8"))
        joined = json.loads((folder / "run" / "joined.json").read_text(encoding="utf-8"))
        self.numbers = {each["key"]: each["person"] for each in joined["people"]}
        self.visits: list[Row] = [each for each in truth["received"] if each["taps"]]
        self.cases: dict[int, Row] = {each["incident"]: each for each in account["incidents"]}

    def of(self, place: str) -> Iterator[tuple[Row, list[Row]]]:
        """Yield each visit of a community's people with what its case's chain says of whoever made it."""
        for visit in self.visits:
            if place in visit["person"]:
                who = f"person:{self.numbers[visit['person']]}"
                events = self.cases[visit["incident"]]["events"]
                yield visit, [each for each in events if each["actor"] == who]

    def after(self, incident: int, at: str) -> list[str]:
        """Return what was written in a case's chain from a moment on, whoever did it."""
        since = datetime.fromisoformat(at)
        return [each["what"] for each in self.cases[incident]["events"] if datetime.fromisoformat(each["at"]) >= since]


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Evening:
    folder = tmp_path_factory.mktemp("answers")
    words = ["simulate", "wrong_answers", "--seed", SEED, "--json", str(folder / "v.json")]
    done = subprocess.run(
        [sys.executable, "-m", "hub", *words, "--keep", str(folder / "run")], cwd=HERE,
        capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    print(f"seed {SEED}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}")
    assert (folder / "v.json").exists(), f"no verdict, exit code {done.returncode}"
    return Evening(folder)


def _verbs(visit: Row) -> list[str]:
    return [tap["verb"] for tap in visit["taps"] if not tap["refused"]]


def test_no_wrong_answer_loses_invents_or_leaves_a_case_open(evening: Evening) -> None:
    verdict = evening.verdict
    assert (verdict["lost"], verdict["invented"], verdict["late"], verdict["unended"]) == ([], [], [], [])
    assert verdict["faults"] == []
    assert verdict["unanswered"] == 0
    assert len(evening.cases) == 15


def test_who_said_no_by_mistake_and_then_yes_has_the_case_and_others_were_called_between(evening: Evening) -> None:
    corrected = [pair for place in ("和平", "兴旺") for pair in evening.of(place)
                 if _verbs(pair[0])[:2] == ["cannot_go", "accept"]]  # fmt: skip
    assert corrected
    for visit, own in corrected:
        said = [each["what"] for each in own if each["what"] in ("cannot_go", "taken", "arrived", "handed_over")]
        assert said[:3] == ["cannot_go", "taken", "arrived"]
        no = next(tap["at"] for tap in visit["taps"] if tap["verb"] == "cannot_go")
        assert {"nobody_can", "rung"} & set(evening.after(visit["incident"], no)[:3])


def test_who_said_no_by_mistake_too_late_to_take_it_back_leaves_it_to_whoever_came_instead(evening: Evening) -> None:
    for visit in (visit for visit, _ in evening.of("和平") if "cannot_go" in _verbs(visit)):
        others = [each for each in evening.visits if each["incident"] == visit["incident"] and each is not visit]
        assert any(_verbs(each)[-1:] == ["handed_over"] for each in (visit, *others))


def test_code_that_is_none_is_refused_and_writes_nothing(evening: Evening) -> None:
    wrong = [(visit, tap, own) for visit, own in evening.of("和平社区-")
             for tap in visit["taps"] if tap["refused"].startswith("410")]  # fmt: skip
    assert len(wrong) >= 3
    for _, tap, own in wrong:
        assert tap["at"] not in {each["at"] for each in own}


def test_page_of_the_case_before_takes_nothing_of_this_one(evening: Evening) -> None:
    first = [(visit, visit["taps"][0], own) for visit, own in evening.of("community-和平社区")
             if visit["taps"][0]["verb"] == "accept" and not visit["taps"][0]["refused"].startswith("410")]  # fmt: skip
    assert first
    for _, tap, own in first:
        assert tap["at"] not in {each["at"] for each in own}


def test_who_says_from_elsewhere_that_he_is_there_is_not_believed_until_he_is(evening: Evening) -> None:
    arrivals = [[each for each in own if each["what"] in ("arrived", "proved")] for _, own in evening.of("兴旺")]
    seen = [found for found in arrivals if len(found) > 1]
    assert seen
    for said, proved, *_ in seen:
        assert (said["what"], said["body"]["proof"]) == ("arrived", None)
        assert said["body"]["distance_m"] > 4000
        assert (proved["what"], proved["body"]["proof"]) == ("proved", "position")


def test_who_handed_over_by_mistake_is_told_so_and_the_desk_ends_it(evening: Evening) -> None:
    mistaken = [
        visit for visit, _ in evening.of("兴旺") if [tap["verb"] for tap in visit["taps"]].count("handed_over") > 1
    ]
    assert mistaken
    for visit in mistaken:
        over = [tap["verb"] for tap in visit["taps"]].index("handed_over")
        again = visit["taps"][over + 1]
        assert again["verb"] == "arrived"
        assert again["refused"].startswith("409")
        last = [each for each in evening.cases[visit["incident"]]["events"] if each["what"] in ("resolved", "closed")]
        assert len(last) == 2  # by an operator, who has spoken with somebody


def test_second_who_comes_too_is_written_down_and_the_first_keeps_the_case(evening: Evening) -> None:
    too = [own for _, own in evening.of("民乐") if any(each["what"] == "also_en_route" for each in own)]
    assert len(too) >= 3
    for own in too:
        said = {each["what"] for each in own}
        assert "taken" not in said
        assert "also_on_scene" in said or "arrived" in said  # whoever is there first is the one who is there
    for case in evening.cases.values():
        assert [each["what"] for each in case["events"]].count("handed_over") <= 1


def test_guard_who_goes_off_duty_hands_over_to_a_colleague_or_turns_back_and_the_next_shift_comes(
    evening: Evening,
) -> None:
    seven = [(visit, tap) for visit, _ in evening.of("property-金凤") for tap in visit["taps"]
             if tap["verb"] in ("handed_over", "cannot_go") and tap["at"][14:16] in ("59", "00")]  # fmt: skip
    assert {tap["verb"] for _, tap in seven} == {"handed_over", "cannot_go"}
    assert all("-0-" in visit["person"] for visit, _ in seven), "the day's shift"
    for visit, tap in seven:
        if tap["verb"] == "cannot_go":
            others = [each for each in evening.visits if each["incident"] == visit["incident"] and each is not visit]
            assert any("arrived" in _verbs(each) for each in others)
