"""Watches that speak every five or fifteen minutes, as the duty log would tell; and what is low for one wearer."""

import pytest

from alerts.detectors.detector import Columnar, Finding
from alerts.detectors.vitals import VitalsDetector
from alerts.model import Severity

from .wearers import START_MIN, Said, fresh, tell

VITALS = VitalsDetector()
DAY = 1440


def every(minutes: int, start: int, end: int, hr: float = 62.0, **more: float | None) -> list[Said]:
    return [Said(minute=m, hr=hr, steps=0, **more) for m in range(start, end, minutes)]  # type: ignore[arg-type]


def known(minutes: int) -> Columnar:
    """Return a state that has learnt a wearer in eight days of rest around 62."""
    state = fresh(VITALS)
    tell(VITALS, state, every(minutes, -8 * DAY, 0), batch=500)
    return state


def rules(found: list[Finding]) -> list[tuple[str, int]]:
    return [(f.rule, f.at_ms // 60_000 - START_MIN) for f in found]


@pytest.mark.parametrize(("minutes", "raised"), [(5, 5), (10, 10), (15, 15)])
def test_two_readings_in_a_row_are_a_fast_heart(minutes: int, raised: int) -> None:
    said = [*every(minutes, -60, 0), *every(minutes, 0, 40, hr=150.0)]
    found = tell(VITALS, fresh(VITALS), said)
    assert rules(found) == [("V2", raised)]
    assert found[0].evidence["minutes"] == found[0].evidence["known_min"] == 2


def test_good_reading_between_begins_the_row_anew() -> None:
    turns = [*every(15, -60, 0), *every(30, 0, 120, hr=150.0), *every(30, 15, 120)]
    assert tell(VITALS, fresh(VITALS), sorted(turns, key=lambda s: s.minute)) == []


def test_step_between_begins_the_row_anew() -> None:
    walked = Said(minute=9, steps=40, received=15)
    said = [*every(15, -60, 0), *every(15, 0, 15, hr=150.0), walked, *every(15, 15, 30, hr=150.0), *every(15, 30, 90)]
    assert tell(VITALS, fresh(VITALS), said) == []


def test_watch_that_speaks_every_minute_and_was_lost_for_a_while_is_judged_by_its_minutes() -> None:
    said = [*every(1, -60, 0), *every(15, 0, 40, hr=150.0)]
    assert tell(VITALS, fresh(VITALS), said) == []


def test_three_readings_far_above_her_own_are_a_rise() -> None:
    found = tell(VITALS, known(15), every(15, 0, 60, hr=105.0))
    assert rules(found) == [("V1", 30)]
    assert found[0].evidence["usual_bpm"] == 62


def test_fast_heart_is_over_after_two_good_readings_and_may_be_told_again() -> None:
    said = [*every(15, -60, 0)]
    for start in (0, 120):
        said += [*every(15, start, start + 45, hr=150.0), *every(15, start + 45, start + 120)]
    assert rules(tell(VITALS, fresh(VITALS), said)) == [("V2", 15), ("V2", 135)]


def test_night_of_a_watch_that_speaks_every_quarter_of_an_hour_is_judged() -> None:
    state = fresh(VITALS)
    nights = [s for day in range(20) for s in every(15, day * DAY, (day + 1) * DAY, hr=62.0 + day % 3)]
    assert tell(VITALS, state, nights, batch=500) == []
    found = tell(VITALS, state, every(15, 20 * DAY, 22 * DAY, hr=82.0), batch=500)
    assert [f.rule for f in found if f.rule == "V9"] == ["V9"]


def test_lowish_saturation_that_is_as_usual_for_her_raises_nothing() -> None:
    state = fresh(VITALS)
    tell(VITALS, state, every(1, 0, 600, spo2=92.0), batch=100)
    state["latched"][:] = 0
    assert tell(VITALS, state, every(1, 600, 700, spo2=92.0)) == []


def test_lowish_saturation_of_who_is_not_known_or_usually_higher_raises_low() -> None:
    for before in ([], every(1, -600, 0, spo2=96.0)):
        state = fresh(VITALS)
        assert tell(VITALS, state, before, batch=100) == []
        found = tell(VITALS, state, every(10, 0, 60, spo2=92.0))
        assert [(f.rule, f.severity) for f in found] == [("V5", Severity.LOW)]


@pytest.mark.parametrize(("minutes", "raised"), [(5, 20), (10, 20), (15, 30)])
def test_low_saturation_in_a_row_for_twenty_minutes_is_told(minutes: int, raised: int) -> None:
    said = [*every(minutes, -60, 0, spo2=96.0), *every(minutes, 0, 60, spo2=89.0)]
    found = tell(VITALS, fresh(VITALS), said)
    assert [(rule, at) for rule, at in rules(found) if rule == "V4"] == [("V4", raised)]


def test_good_saturation_between_says_that_she_stopped_breathing_for_a_moment() -> None:
    dips = [*every(10, 0, 120, spo2=88.0), *every(10, 5, 120, spo2=95.0)]
    said = [*every(5, -60, 0, spo2=96.0), *sorted(dips, key=lambda s: s.minute)]
    assert tell(VITALS, fresh(VITALS), said) == []
