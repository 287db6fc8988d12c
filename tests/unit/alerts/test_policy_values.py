"""Single words of a policy file: what is read, and what is refused at its line."""

from collections.abc import Callable
from datetime import time, timedelta

import pytest

from alerts.model import AlertKind, Severity
from alerts.policy import PolicyError
from alerts.policy_lines import Lines
from alerts.policy_values import Words, seconds_of

TEXT = '[policy."夜"]\nwhen = { severity = "hihg" }\nzone = "Mars"\nrepeat_last = "soon"\n'
WORDS = Words(Lines(TEXT))
AT = ("夜",)


def refused(read: Callable[[], object]) -> str:
    with pytest.raises(PolicyError) as told:
        read()
    return told.value.reason


@pytest.mark.parametrize(
    ("written", "seconds"), [("30s", 30), ("1.5m", 90), ("1h", 3600), ("24h", 86_400), ("1000ms", 1), ("1s", 1)]
)
def test_duration_is_read(written: str, seconds: float) -> None:
    assert WORDS.duration(written, AT) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("", "is no duration"),
        ("30", "is no duration"),
        (30, "is no duration"),
        ("-5s", "is no duration"),
        ("5s\n", "is no duration"),
        ("5 s", "is no duration"),
        ("1e3s", "is no duration"),
        ("5d", "is no duration"),
        ("24.1h", "longer than 86400 s"),
        ("9" * 400 + "h", "longer than 86400 s"),
        ("999ms", "too short: at least 1s"),
        ("0s", "too short: at least 1s"),
    ],
)
def test_duration_nobody_can_wait_for_is_refused(written: object, why: str) -> None:
    assert why in refused(lambda: WORDS.duration(written, AT))


def test_delay_may_be_nothing_where_nothing_makes_sense() -> None:
    assert WORDS.duration("0s", AT, zero=True) == timedelta(0)
    assert "longer than 60 s" in refused(lambda: WORDS.duration("61s", AT, longest=timedelta(minutes=1)))
    assert seconds_of(timedelta(milliseconds=1500)) == "1.5 s"


def test_hours_may_run_over_midnight_and_may_be_toml_times() -> None:
    window = WORDS.window(["22:00", time(7)], AT)
    assert window.covers(time(23, 59))
    assert window.covers(time(6, 59, 59))
    assert not window.covers(time(7))
    assert not window.covers(time(21, 59))


@pytest.mark.parametrize(
    ("hours", "why"),
    [
        ("22:00-07:00", 'hours are written ["07:00", "22:00"]'),
        (["07:00"], 'hours are written ["07:00", "22:00"]'),
        (["07:00", "07:00"], "could never be reached"),
        (["07:00", "24:30"], "'24:30' is no time of day"),
        (["seven", "22:00"], "'seven' is no time of day"),
        ([7, 22], "7 is no time of day"),
        (["07:00+08:00", "22:00"], "without a zone"),
    ],
)
def test_hours_that_are_none_are_refused(hours: object, why: str) -> None:
    assert why in refused(lambda: WORDS.window(hours, AT))


@pytest.mark.parametrize("name", ["Mars", "Asia", "", "../etc/passwd", "/etc/localtime", 8, None, "Asia/Shanghai\0"])
def test_zone_that_is_none_is_refused(name: object) -> None:
    assert "unknown time zone" in refused(lambda: WORDS.zone(name, AT))


def test_fault_is_told_in_its_own_line() -> None:
    with pytest.raises(PolicyError) as told:
        WORDS.zone("Mars", (*AT, "zone"))
    assert told.value.line == 3


def test_word_that_is_none_is_answered_with_those_there_are() -> None:
    assert WORDS.word(AlertKind, "fall", AT) is AlertKind.FALL
    assert WORDS.severity("high", AT) is Severity.HIGH
    assert refused(lambda: WORDS.word(AlertKind, "trip", AT)).startswith("unknown kind 'trip'; known: sos, fall")
    assert refused(lambda: WORDS.severity("hihg", AT)).startswith("unknown severity 'hihg'; known: ")
    assert "unknown severity 1" in refused(lambda: WORDS.severity(1, AT))
    assert "unknown kind ['fall']" in refused(lambda: WORDS.word(AlertKind, ["fall"], AT))


def test_key_that_is_none_is_answered_with_those_there_are() -> None:
    WORDS.keys({"zone": 1}, frozenset({"zone"}), AT)
    reason = refused(lambda: WORDS.keys({"zoen": 1}, frozenset({"zone", "when"}), AT))
    assert reason == "unknown key 'zoen'; known: when, zone"
