"""A town's story as a civil servant writes it: what is understood, and what is said about a mistake."""

from pathlib import Path

import pytest

from simulator import scenario, story_file
from simulator.scenario import ScenarioError
from simulator.story import Answers, Breaks, Happens, Script, Span

STORY = """\
title = "一天"

[town]
residents = 40
communities = ["和平社区", "兴旺社区"]
starts = "2026-03-10 22:00"
days = 2
reports = "15m"
wrist = { carehub = 0.6, watch_3g = 0.4 }

[[resident]]
name = "王秀兰"
wears = "carehub"

[[event]]
at = "day 2 02:14:07"
who = "王秀兰"
what = "falls behind a locked door"
lasts = "2h"

[[event]]
at = "23:30"
who = "20 residents of 和平社区"
what = "presses for help"
within = "1m"

[[trouble]]
at = "+90m"
who = "residents of 兴旺社区"
what = "the network is down"
lasts = "1h"

[[people]]
who = "family"
answers_after = "20s to 3m"
cannot_go = 0.2

[[people]]
who = "property"
of = "和平社区"
does = "does not answer"
on_duty = "19:00 to 07:00"

[operators]
number = 3
script = "puts calls on hold"
"""


def test_story_reads_in_the_order_things_happen() -> None:
    day = story_file.read(STORY, "day.toml")
    assert [(event.at_s, event.what) for event in day.events] == [
        (5400.0, Happens.PRESSES), (15247.0, Happens.FALLS_LOCKED),
    ]  # fmt: skip
    assert (day.events[0].who.number, day.events[0].who.community) == (20, "和平社区")
    assert day.events[1].who.name == "王秀兰"
    assert (day.faults[0].what, day.faults[0].at_s, day.faults[0].lasts_s) == (Breaks.NETWORK, 5400.0, 3600.0)
    assert day.town.begins.isoformat() == "2026-03-10T22:00:00+08:00"
    assert (day.town.reports_every_min, day.town.days, day.desk.script) == (15, 2.0, Script.HOLDS)


def test_person_answers_as_her_community_then_her_role_then_by_going() -> None:
    day = story_file.read(STORY, "day.toml")
    assert day.manners("赵师傅", "property", "和平社区").does is Answers.SILENT
    assert day.manners("钱师傅", "property", "兴旺社区").does is Answers.GOES
    assert day.manners("王丽", "family", "").answers == Span(low_s=20, high_s=180)


def test_time_of_day_is_the_next_one_after_the_beginning() -> None:
    early = story_file.read(STORY.replace('at = "23:30"', 'at = "06:00"'), "day.toml")
    assert {event.at_s for event in early.events} == {8 * 3600.0, 15247.0}


@pytest.mark.parametrize(
    ("wrong", "right", "line", "reason"),
    [
        ("residents = 40", "residents = 0", 4, "0 is no count"),
        ("residents = 40\n", "", 3, "None is no count"),
        ('starts = "2026-03-10 22:00"', 'starts = "tonight"', 6, "write when it begins"),
        ("days = 2", "days = 90", 7, "up to 60"),
        ('reports = "15m"', 'reports = "90s"', 8, "whole minutes"),
        ("wrist = { carehub = 0.6, watch_3g = 0.4 }", 'wrist = "carehub"', 9, "mix of devices"),
        ('who = "王秀兰"', 'who = "王秀"', 17, "nobody here is called 王秀"),
        ('what = "falls behind a locked door"', 'what = "flies"', 18, "'flies' is not a word here"),
        ('at = "day 2 02:14:07"', 'at = "day 9 02:14"', 16, "after the end of the town's days"),
        ('at = "day 2 02:14:07"', 'at = "day 1 02:14"', 16, "before the town begins"),
        ('at = "day 2 02:14:07"', 'at = "25:00"', 16, "no time of day"),
        ('at = "day 2 02:14:07"', 'at = "soon"', 16, "'soon' is no time"),
        ("20 residents of 和平社区", "20 residents of 和平", 23, "和平 is no community here"),
        ('what = "the network is down"', 'what = "rain"', 30, "'rain' is not a word here"),
        ('"20s to 3m"', '"3m to 20s"', 35, "the first time is the shorter one"),
        ('"20s to 3m"', '"soon"', 35, "'soon' is no time"),
        ("cannot_go = 0.2", "cannot_go = 20", 36, "no share"),
        ('on_duty = "19:00 to 07:00"', 'on_duty = "nights"', 42, "no shift"),
        ("number = 3", "number = 3\nmood = 1", 46, "mood is not a word here"),
        ("[operators]", "[[operators]]", 44, "with one bracket"),
        ("[[trouble]]", "[trouble]", 27, "write [[trouble]] with two brackets"),
        ("days = 2", "days = ", 7, "not TOML"),
    ],
)
def test_mistake_is_told_with_its_line_and_what_to_write(wrong: str, right: str, line: int, reason: str) -> None:
    with pytest.raises(ScenarioError) as told:
        story_file.read(STORY.replace(wrong, right, 1), "day.toml")
    assert reason in told.value.reason
    assert told.value.line == line


def test_every_shipped_file_can_be_played_and_is_told_in_chinese() -> None:
    for path in sorted(scenario.SHIPPED.glob("*.toml")):
        text = path.read_text(encoding="utf-8")
        if not story_file.is_story(text):
            assert scenario.read(text, path.name).events
            continue
        told = story_file.read(text, path.name)
        assert any("\u4e00" <= letter <= "\u9fff" for letter in told.title), path.name
        assert len(told.about) > 20, path.name


def test_story_without_a_town_is_a_play(tmp_path: Path) -> None:
    assert not story_file.is_story('title = "x"\n')
    assert story_file.is_story(STORY)
