"""A story says what it expects; what did not come so is told beside what was, and the run has failed."""

from typing import Any

import pytest

from simulator import expect, story_file
from simulator.expect import Expect
from simulator.scenario import ScenarioError
from simulator.times import spread
from simulator.verdict import Alarms, Kind, Lent, Level, Verdict
from tests.unit.simulator.test_oracle import NOON, judged, truth

HEAD = """
title = "x"

[town]
residents = 3
starts = "2026-03-02 08:00"
days = 1

[expect]                       # 这个故事应当怎样收场
"""


def read(lines: str) -> Expect:
    found = story_file.read(HEAD + lines, "x.toml").expect
    assert found is not None
    return found


def test_expectations_are_read_as_an_official_writes_them() -> None:
    assert read("""
cases = 0                               # 一个警情也没有
false_alarms = { vitals = 2, all = 3 }
found = { "falls" = 0.5 }
human = "90s"
door = "45m"
unanswered = 0
levels = ["answered 60s", "door 45m"]
other_name = 0
""") == Expect(
        cases={"all": 0}, false_alarms={"vitals": 2, "all": 3}, found={"falls": 0.5}, human_s=90.0, door_s=2700.0,
        unanswered=0, levels=("answered 60s", "door 45m"), other_name=0,
    )  # fmt: skip
    assert read('found = ["falls", "gets a fever"]').found == {"falls": 1.0, "gets a fever": 1.0}
    assert story_file.read(HEAD.partition("[expect]")[0], "x.toml").expect is None


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("kases = 0", "kases is not a word here"), ("cases = -1", "at most so many"),
        ("cases = true", "at most so many"),
        ("cases = { fals = 1 }", "fals is no kind of alert"), ('found = ["fals"]', "fals is nothing that happens"),
        ('found = { "falls" = 2 }', "one in two"), ('human = "soon"', "is no time"), ("unanswered = 0.5", "at most"),
        ('levels = ["answered 5s"]', "answered 60s, answered 180s"),
    ],
)  # fmt: skip
def test_mistake_in_an_expectation_is_told_with_its_line(line: str, why: str) -> None:
    with pytest.raises(ScenarioError, match=why) as told:
        read(line)
    assert told.value.line == HEAD.count("\n") + 1


def what_was() -> Verdict:
    return Verdict(
        cases={"sos": 2, "silence": 3, "all": 5}, calls=2,
        alarms=[Alarms(kind="vitals", alerts=3, right=1, false=2), Alarms(kind="fall", alerts=1, false=1)],
        kinds=[Kind(what="falls", happened=4, found=3)], to_human_s=spread([10.0, 80.0]), to_door_s=spread([600.0]),
        unanswered=1, levels=[Level(what="answered", within_s=60.0, wanted=0.975, reached=0.5, of=2)],
        lent=[Lent(who="r0", at=NOON, until=None, shown=["vitals V2"])],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("met", "unmet"),
    [
        ({"cases": {"all": 5}}, {"cases": {"all": 4}}), ({"cases": {"silence": 3}}, {"cases": {"silence": 2}}),
        ({"cases": {"fall": 0}}, {"cases": {"sos": 1}}), ({"false_alarms": {"all": 3}}, {"false_alarms": {"all": 2}}),
        ({"false_alarms": {"vitals": 2}}, {"false_alarms": {"fall": 0}}),
        ({"found": {"falls": 0.75}}, {"found": {"falls": 0.8}}), ({"human_s": 80.0}, {"human_s": 79.0}),
        ({"door_s": 600.0}, {"door_s": 599.0}), ({"unanswered": 1}, {"unanswered": 0}),
        ({"other_name": 1}, {"other_name": 0}),
        ({"calls": 2}, {"calls": 1}), ({}, {"found": {"gets a fever": 0.0}}), ({}, {"levels": ("answered 60s",)}),
    ],
)  # fmt: skip
def test_each_expectation_is_met_up_to_its_limit_and_not_beyond(met: dict[str, Any], unmet: dict[str, Any]) -> None:
    assert all(each.met for each in expect.compared(Expect(**met), what_was()))
    (told,) = expect.compared(Expect(**unmet), what_was())
    assert not told.met


def test_nobody_reached_a_door_where_one_was_to_be_reached_is_not_as_expected() -> None:
    (told,) = expect.compared(Expect(door_s=600.0), Verdict())
    assert (told.was, told.met) == ("–", False)


def test_run_that_did_not_come_as_expected_has_failed_and_says_so() -> None:
    told = truth()
    told.expect = Expect(unanswered=3, cases={"sos": 1})
    verdict = judged(told)
    assert [(each.what, each.wanted, each.was) for each in verdict.unmet] == [("cases: sos", "≤ 1", "2")]
    assert not verdict.passed
    assert verdict.words()[2:] == ["expectations met 1 of 2", "not as expected: cases: sos ≤ 1, was 2"]
    told.expect = Expect(unanswered=3, cases={"sos": 2})
    assert judged(told).passed
