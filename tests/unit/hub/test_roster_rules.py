"""Rules of a calendar: what would be followed to the end of time is found in advance, and what is usual is not."""

import math
import time
from datetime import UTC, datetime, timedelta

import icalendar
import pytest
from dateutil.rrule import rrulestr  # type: ignore[import-untyped]

from hub.roster_rules import REPEATING_LIMIT, YEARS_28, YEARS_8000, Rules

NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)
QUICK_S = 5.0  # it was three to twelve seconds for each such rule


def entry(rule: str, began: str = "20261124T080000") -> icalendar.Event:
    """An entry that began on a Tuesday."""
    text = f"BEGIN:VEVENT\r\nUID:1\r\nDTSTART:{began}\r\nRRULE:{rule}\r\nEND:VEVENT\r\n"
    event = icalendar.Event.from_ical(text)
    assert isinstance(event, icalendar.Event)
    return event


def codes(rule: str, began: str = "20261124T080000") -> list[str]:
    return [code for code, _ in Rules(now=NOW).faults(entry(rule, began))]


NEVER = (
    "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "FREQ=WEEKLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=MONTHLY;BYMONTH=4;BYMONTHDAY=31",
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;INTERVAL=7;BYDAY=MO", "FREQ=DAILY;BYDAY=MO;BYSETPOS=40",
    "FREQ=YEARLY;BYWEEKNO=1;BYMONTH=7", "FREQ=MONTHLY;INTERVAL=12;BYMONTH=5", "FREQ=MONTHLY;BYDAY=6MO",
    "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;UNTIL=20270301T000000Z", "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=3",
    "FREQ=YEARLY;BYYEARDAY=366;BYMONTH=3",
)  # fmt: skip


@pytest.mark.parametrize("rule", NEVER)
def test_rule_that_never_comes_true_is_refused_at_once(rule: str) -> None:
    began = time.process_time()
    assert codes(rule) == ["never"]
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU", "FREQ=DAILY;BYDAY=SA,SU", "FREQ=DAILY;INTERVAL=7;BYDAY=TU",
        "FREQ=MONTHLY;BYDAY=2TU", "FREQ=MONTHLY;BYDAY=-1FR", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "FREQ=MONTHLY;BYMONTHDAY=31", "FREQ=DAILY;BYMONTH=7,8", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
        "FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO", "FREQ=YEARLY;BYDAY=20MO", "FREQ=YEARLY;BYYEARDAY=366", "FREQ=YEARLY",
        "FREQ=DAILY;BYMONTH=1;COUNT=5", "FREQ=WEEKLY;BYDAY=TU;UNTIL=20270301T000000Z",
    ],
)  # fmt: skip
def test_rule_as_duty_lists_have_them_is_followed(rule: str) -> None:
    assert codes(rule) == []


def test_rule_is_named_with_its_fault() -> None:
    assert list(Rules(now=NOW).faults(entry(NEVER[0]))) == [("never", "FREQ=DAILY;BYMONTHDAY=30;BYMONTH=2")]


def test_file_full_of_such_rules_is_refused_in_seconds_and_says_to_split_it() -> None:
    rules, began, found = Rules(now=NOW), time.process_time(), set[str]()
    for _ in range(REPEATING_LIMIT):
        found |= {code for code, _ in rules.faults(entry(NEVER[0], "20081125T080000"))}
    assert found == {"never", "too_many_rules"}
    assert time.process_time() - began < QUICK_S


@pytest.mark.parametrize(("began", "wrong"), [("20050101T080000", ["bad_time"]), ("20950101T080000", ["bad_time"])])
def test_rule_that_began_too_long_ago_or_begins_in_another_age_is_refused(began: str, wrong: list[str]) -> None:
    assert codes("FREQ=MONTHLY;BYMONTHDAY=31", began) == wrong


@pytest.mark.parametrize("year", range(2006, 2090, 7))
def test_rules_come_true_on_the_same_days_28_and_8000_years_away(year: int) -> None:
    """The ground on which a rule is tried in the last years there are."""
    start, span = datetime(year, 3, 31, 8), timedelta(days=9 * 365)  # noqa: DTZ001 - a wall
    away = start + (YEARS_8000 - math.ceil((year - 1990) / 28) * YEARS_28)
    assert away.year > 9900
    for rule in ("FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO", "FREQ=MONTHLY;BYDAY=5SA", "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=29"):
        here, there = (
            [at - began for at in rrulestr(rule, dtstart=began).between(began, began + span)] for began in (start, away)
        )
        assert here == there != []
