"""B3 and B4: what a water meter tells of the person who draws from it, or of a pipe."""

import math

import pytest

from alerts.detectors.detector import Columnar, Finding
from alerts.detectors.home_signs import MINUTE_MS, Sign
from alerts.model import AlertKind, Severity

from .homes import DAY_MIN, HOME, MIDNIGHT_MIN, SINGLE, Seen, fresh, hours, live, ms, signs, told

LOW, MEDIUM = Severity.LOW, Severity.MEDIUM
CUBIC = 1000.0


def home(**columns: int) -> Columnar:
    return fresh(has=1 << Sign.WATER, **columns)


def meter(
    start: float, end: float, used: dict[float, float] | None = None, *, every: float = 30, total: float = 100_000.0
) -> list[Seen]:
    """Readings `every` minutes; `used` are litres drawn at these minutes."""
    drawn, readings, at = sorted((used or {}).items()), [], start
    while at <= end:
        while drawn and drawn[0][0] <= at:
            total += drawn.pop(0)[1]
        readings.append(Seen(at=at, sign=Sign.WATER, value=total / CUBIC))
        at += every
    return readings


def running(start: float, end: float, litres: float) -> dict[float, float]:
    """So many litres every half-hour."""
    return dict.fromkeys((float(m) for m in range(int(start), int(end), 30)), litres)


def flat(state: Columnar | None, readings: list[Seen], until: float) -> list[tuple[str, int, float]]:
    return told(live(readings, until, state=home() if state is None else state, start=readings[0].at))


def only(found: list[Finding], rule: str) -> list[Finding]:
    return [f for f in found if f.rule == rule]


def test_no_water_in_half_a_day_is_medium() -> None:
    found = live(meter(0, hours(20), {hours(2): 30.0}), hours(20), state=home())
    assert told(found) == [("B3", MEDIUM, hours(2.5) + hours(12.5))]
    dry = found[0]
    assert (dry.kind, dry.identity) == (AlertKind.STILLNESS, f"B3:{MIDNIGHT_MIN + 150}")
    assert dry.evidence == {"hours": 12, "since": "02:30", "below_l": 10, "agree": {}, "confidence": 0.7}


def test_nine_litres_are_none_and_ten_are_some() -> None:
    drops = {hours(2): 30.0, hours(5): 3.0, hours(7): 3.0, hours(9): 3.0}
    assert [x[0] for x in flat(None, meter(0, hours(16), drops), hours(16))] == ["B3"]
    assert flat(None, meter(0, hours(16), {**drops, hours(9): 4.0}), hours(16)) == []


def test_use_ends_it_and_the_next_drought_is_another() -> None:
    used = {hours(1): 30.0, hours(16): 50.0}
    found = live(meter(0, hours(32), used), hours(32), state=home())
    assert [f.identity for f in found] == [f"B3:{MIDNIGHT_MIN + 90}", f"B3:{MIDNIGHT_MIN + 16 * 60 + 30}"]


def test_one_drought_is_said_once_however_long() -> None:
    assert len(live(meter(0, hours(110), {60.0: 30.0}), hours(110), state=home(), every=15)) == 1


def test_a_noisy_meter_has_a_whole_day() -> None:
    found = live(meter(0, hours(30), {hours(2): 30.0}), hours(30), state=home(meter_noisy=1))
    assert told(found) == [("B3", MEDIUM, hours(2.5) + hours(24.5))]
    assert found[0].evidence["hours"] == 24


def test_a_meter_that_reports_every_third_hour_can_say_it_and_one_that_reports_once_a_day_cannot() -> None:
    assert [x[0] for x in flat(None, meter(0, hours(20), every=180), hours(20))] == ["B3"]
    assert flat(None, meter(0, hours(96), every=DAY_MIN), hours(96)) == []
    assert flat(None, meter(0, hours(96), every=hours(6)), hours(96)) == []


def test_a_meter_that_falls_silent_says_nothing_more() -> None:
    assert flat(None, meter(0, hours(9)), hours(60)) == []


def test_a_gap_in_the_readings_is_no_drought() -> None:
    readings = [*meter(0, hours(6)), *meter(hours(13), hours(24))]
    assert flat(None, readings, hours(24)) == []
    later = [*meter(0, hours(6)), *meter(hours(13), hours(27))]
    assert flat(None, later, hours(27)) == [("B3", MEDIUM, hours(13.5) + hours(12.5))]


def test_a_new_meter_starts_anew() -> None:
    """At ten o'clock the old one, at 812 m3, is taken out; the new one begins at 0.002."""
    old = meter(0, hours(10), {30.0: 20.0}, total=812_000)
    new = meter(hours(10.5), hours(26), total=2)
    assert flat(None, [*old, *new], hours(22)) == []
    assert flat(None, [*old, *new], hours(26)) == [("B3", MEDIUM, hours(11) + hours(12.5))]


def test_a_meter_that_is_full_begins_at_nought_and_no_flood_is_reported() -> None:
    full = meter(0, hours(10), running(0, hours(10), 9.0), total=99_999_900)
    over = meter(hours(10.5), hours(20), running(hours(10.5), hours(20), 9.0), total=5)
    assert flat(None, [*full, *over], hours(20)) == []


def test_an_exchange_for_a_used_meter_is_no_leak() -> None:
    old = meter(0, hours(10), running(0, hours(10), 20.0), total=5)
    used = meter(hours(10.5), hours(20), running(hours(10.5), hours(20), 20.0), total=640_000)
    assert flat(None, [*old, *used], hours(20)) == []


def test_signs_of_the_meter_before_that_come_late_are_not_believed() -> None:
    state = home()
    new = meter(hours(10.5), hours(11), total=2)
    old = meter(hours(9), hours(10), total=812_000)
    for batch in (new, old):
        HOME.observe(state, signs(batch), ms(hours(11)))
    assert flat(state, meter(hours(11.5), hours(26), total=2), hours(22)) == []


def test_absurd_totals_are_dropped() -> None:
    state = home()
    odd = [Seen(at=5, sign=Sign.WATER, value=v) for v in (-1.0, math.nan, math.inf, 1e12)]
    HOME.observe(state, signs(odd), ms(10))
    assert state["read_min"][0] == 0


def test_absence_is_no_drought_and_the_count_begins_at_her_return() -> None:
    state = home(quiet_from_ms=ms(hours(3)), quiet_until_ms=ms(hours(40)))
    assert flat(state, meter(0, hours(55), {hours(2): 30.0}), hours(55)) == [("B3", MEDIUM, hours(53.5))]


def test_a_drought_in_a_still_home_is_said_with_it() -> None:
    state = fresh(has=SINGLE | 1 << Sign.WATER)
    readings = meter(-hours(10), hours(16), {hours(1): 30.0, -hours(5): 30.0})
    found = live([*readings, Seen(at=60)], hours(16), state=state, start=-hours(10))
    assert told(found) == [("B1", MEDIUM, 89 + hours(12)), ("B3", MEDIUM, 90 + hours(12.5))]  # the half-hour is hers
    assert found[1].evidence["agree"] == {"B1": "01:29"}
    assert found[1].evidence["confidence"] == 0.8


def test_more_than_two_cubic_metres_in_a_day_are_low_once() -> None:
    burst = {hours(m): 350.0 for m in range(8, 20)}  # 350 l an hour
    found = live(meter(0, hours(24), burst), hours(26), state=home())
    leak = only(found, "B4")
    assert told(leak) == [("B4", LOW, hours(13.5))]
    assert (leak[0].kind, leak[0].identity) == (AlertKind.ROUTINE, "B4:20600")
    assert leak[0].evidence == {"used_l": 2100, "limit_l": 2000, "flowing_h": 0, "confidence": 0.8}


def test_two_cubic_metres_over_two_days_are_none() -> None:
    used = {hours(m): 300.0 for m in range(20, 28)}  # 1.2 m3 before midnight, 1.2 after
    assert only(live(meter(0, hours(40), used), hours(40), state=home()), "B4") == []


def test_use_in_every_half_hour_of_a_day_is_a_leak() -> None:
    found = only(live(meter(0, hours(26), running(30, hours(26), 2.0)), hours(26), state=home()), "B4")
    assert told(found) == [("B4", LOW, hours(24.5))]
    assert (found[0].evidence["used_l"], found[0].evidence["flowing_h"]) == (2, 24)
    pause = running(30, hours(26), 2.0) | {hours(3): 0.0}
    assert only(live(meter(0, hours(26), pause), hours(26), state=home()), "B4") == []


def test_a_leak_of_days_is_said_once_and_again_after_a_normal_day() -> None:
    leaking = running(30, hours(80), 60.0)
    again = running(hours(130), hours(150), 80.0)
    found = only(live(meter(0, hours(150), leaking | again), hours(150), state=home(), every=15), "B4")
    assert [f.identity for f in found] == ["B4:20600", "B4:20605"]


def test_a_leak_is_told_while_she_is_away() -> None:
    state = home(quiet_from_ms=ms(-1), quiet_until_ms=ms(hours(90)))
    assert flat(state, meter(0, hours(24), running(30, hours(24), 90.0)), hours(24)) == [("B4", LOW, hours(12))]


def test_what_runs_day_and_night_is_no_sign_of_life() -> None:
    state = fresh(has=SINGLE | 1 << Sign.WATER)
    water = meter(-hours(30), hours(20), running(-hours(30), hours(20), 8.0))
    found = live([*water, Seen(at=60)], hours(20), state=state, start=-hours(30))
    assert ("B1", MEDIUM, 60 + hours(12)) in told(found)


def test_a_flood_of_forty_cubic_metres_still_fits() -> None:
    burst = running(30, hours(46), 1_400.0)
    found = live(meter(0, hours(60), burst), hours(60), state=home())
    assert [f.identity for f in only(found, "B4")] == ["B4:20600"]
    assert told(only(found, "B3")) == [("B3", MEDIUM, hours(46) + hours(12.5))]


@pytest.mark.parametrize("leak_day", [20_590, 20_597])
def test_a_leak_known_from_the_day_table_is_not_said_again(leak_day: int) -> None:
    state = home(leak_day=leak_day, leak_last_day=20_599)
    assert only(live(meter(0, hours(24), running(30, hours(24), 90.0)), hours(24), state=state), "B4") == []


def test_homes_without_a_meter_cost_nothing() -> None:
    state = fresh(3)
    HOME.observe(state, signs([Seen(at=5, row=1)]), ms(5))
    HOME.tick(state, ms(100))
    assert state["looked_slot"].tolist() == [0, 0, 0]


def test_the_moment_is_that_of_the_meter_and_not_of_the_look() -> None:
    late = live(meter(0, hours(20), {hours(2): 30.0}), hours(20), state=home(), every=25)
    assert late[0].at_ms == ms(hours(15))
    assert late[0].at_ms % (30 * MINUTE_MS) == 0
