"""Scenarios an official can write: what is understood, and what is said about a mistake."""

import pytest

from simulator import scenario
from simulator.scenario import Does, Plays, ScenarioError, What

NIGHT = """\
title = "一个晚上"
operator = "simulated"
at_most = "2m"

[[event]]
at = "6s"
who = "李国庆"
what = "presses for help"
times = 2
apart = "500ms"
operator_takes_after = "20s"

[[event]]
at = "2s"
who = "王秀兰"
what = "falls"

[[responder]]
who = "王丽"
does = "cannot go"
answers_after = "1500ms"

[[responder]]
who = "family"
hands_over_to = "邻居"
"""


def test_scenario_reads_in_the_order_things_happen() -> None:
    night = scenario.read(NIGHT, "night.toml", ["王秀兰", "李国庆"])
    assert [(event.at_s, event.who, event.what) for event in night.events] == [
        (2.0, "王秀兰", What.FALLS), (6.0, "李国庆", What.PRESSES),
    ]  # fmt: skip
    assert night.events[1].times == 2
    assert night.events[1].apart_s == 0.5
    assert night.operator is Plays.SIMULATED
    assert night.at_most_s == 120
    assert night.patience("李国庆") == 20
    assert night.patience("somebody else") == 3


def test_colleague_waits_as_long_as_the_evening_says() -> None:
    evening = scenario.read(
        NIGHT.replace('"simulated"', '"whoever is at the browser, and a colleague who waits"').replace(
            'at_most = "2m"', 'operator_takes_after = "150s"'
        ),
        "evening.toml",
    )
    assert evening.operator is Plays.COLLEAGUE
    assert evening.patience("王秀兰") == evening.patience("somebody else") == 150
    assert evening.patience("李国庆") == 20
    assert evening.at_speed(2.0).patience("王秀兰") == 75


def test_evening_that_is_watched_goes_at_the_pace_of_people() -> None:
    """Time enough to see each step; 120 is called last, so whoever else would go must have said so before."""
    evening = scenario.read(scenario.find("quiet_evening").read_text(encoding="utf-8"), "quiet_evening.toml")
    for role in ("family", "property", "third_party", "ambulance"):
        person = evening.behaviour("", role)
        assert person.answers_after_s >= 20
        assert person.leaves_after_s + person.arrives_after_s >= 45
        assert person.hands_over_after_s >= 30
    guard, ambulance = evening.behaviour("", "property"), evening.behaviour("", "ambulance")
    assert ambulance.answers_after_s > guard.answers_after_s
    assert evening.patience("王秀兰") > 120


def test_person_answers_as_written_then_as_her_role_then_by_going() -> None:
    night = scenario.read(NIGHT, "night.toml")
    assert night.behaviour("王丽", "family").does is Does.CANNOT_GO
    assert night.behaviour("王丽", "family").answers_after_s == 1.5
    assert night.behaviour("陈亮", "family").hands_over_to == "邻居"
    assert night.behaviour("冯师傅", "property").does is Does.GOES


def test_quicker_people_change_every_span_and_nothing_else() -> None:
    night = scenario.read(NIGHT, "night.toml").at_speed(2.0)
    assert [event.at_s for event in night.events] == [1.0, 3.0]
    assert night.behaviour("王丽", "family").answers_after_s == 0.75
    assert night.events[1].times == 2
    assert night.at_most_s == 120


@pytest.mark.parametrize(
    ("wrong", "right", "line", "reason"),
    [
        ('at = "6s"', 'at = "soon"', 6, "'soon' is no time"),
        ('at = "6s"', "at = 6", 6, "6 is no time"),
        ('who = "王秀兰"', 'who = "王秀"', 15, "nobody here is called 王秀"),
        ('what = "falls"', 'what = "flies"', 16, "'flies' is not a word here"),
        ('what = "falls"', 'waht = "falls"', 16, "waht is not a word here"),
        ("times = 2", "times = 0", 9, "0 is no count"),
        ("times = 2", "times = true", 9, "True is no count"),
        ('does = "cannot go"', 'does = "maybe"', 20, "'maybe' is not a word here"),
        ('operator = "simulated"', 'operator = "me"', 2, "'me' is not a word here"),
        ('title = "一个晚上"\n', "", 1, "title is missing"),
        ('who = "李国庆"\n', "", 5, "who is missing"),
        ("[[event]]\nat", "[event]\nat", 5, "write [[event]] with two brackets"),
        ("times = 2", "times = ", 9, "not TOML"),
    ],
)
def test_mistake_is_told_with_its_line_and_what_to_write(wrong: str, right: str, line: int, reason: str) -> None:
    text = NIGHT.replace(wrong, right, 1)
    if "[event]\n" in right:
        text = text[: text.index("\n[[event]]", text.index("[event]\n"))]
    with pytest.raises(ScenarioError) as told:
        scenario.read(text, "night.toml", ["王秀兰", "李国庆"])
    assert reason in told.value.reason
    assert str(told.value).startswith(f"night.toml, line {line}: ")


@pytest.mark.parametrize("name", ["one_night", "quiet_evening"])
def test_shipped_scenarios_can_be_played(name: str) -> None:
    path = scenario.find(name)
    assert scenario.read(path.read_text(encoding="utf-8"), path.name).events


def test_name_that_is_no_shipped_scenario_is_a_file() -> None:
    assert str(scenario.find("/tmp/mine.toml")) == "/tmp/mine.toml"
