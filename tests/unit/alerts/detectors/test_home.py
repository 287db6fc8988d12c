"""B1, B2, B5 and the welfare check as the duty log would tell them."""

import pytest

from alerts.detectors.detector import Columnar, Finding
from alerts.detectors.home import HomeDetector
from alerts.detectors.home_signs import LATE_MIN, Sign
from alerts.model import AlertKind, Severity

from .homes import DAY_MIN, EVERYTHING, HOME, MIDNIGHT_MIN, SINGLE, Seen, fresh, hours, live, ms, signs, told

H12, H24 = hours(12), hours(24)
ROUTINE = {"usual_up_min": 420, "latest_up_min": 450, "ups_known": 10}  # 07:00, and 07:30 on her late days


def moved(*at: float, sign: Sign = Sign.MOTION) -> list[Seen]:
    return [Seen(at=a, sign=sign) for a in at]


def meter(start: float, end: float, *, used: dict[float, float] | None = None, every: float = 30) -> list[Seen]:
    """A water meter that reports on the half-hour; `used` are litres drawn at these minutes."""
    readings, total = [], 100_000.0
    drawn = sorted((used or {}).items())
    at = start
    while at <= end:
        while drawn and drawn[0][0] <= at:
            total += drawn.pop(0)[1]
        readings.append(Seen(at=at, sign=Sign.WATER, value=total / 1000))
        at += every
    return readings


def one(found: list[Finding]) -> Finding:
    assert len(found) == 1, told(found)
    return found[0]


def test_half_a_day_without_movement_is_medium_and_a_whole_day_high() -> None:
    found = live(moved(60), hours(30))
    assert told(found) == [("B1", Severity.MEDIUM, 60 + H12), ("B1", Severity.HIGH, 60 + H24)]
    assert {f.kind for f in found} == {AlertKind.STILLNESS}
    began = MIDNIGHT_MIN + 60
    assert [f.identity for f in found] == [f"B1:{began}", f"B1:day:{began}"]
    assert found[0].evidence == {
        "still_min": 720, "last_at": "01:00", "last": "motion", "agree": {}, "confidence": 0.7,
    }  # fmt: skip


def test_it_is_said_ten_minutes_later_when_every_sign_must_be_here() -> None:
    assert live(moved(60), 60 + H12 + LATE_MIN - 1, every=1) == []
    assert told(live(moved(60), 60 + H12 + LATE_MIN, every=1)) == [("B1", Severity.MEDIUM, 60 + H12)]


def test_any_movement_begins_the_count_anew() -> None:
    assert live(moved(60, 700, 1400), hours(34)) == []
    assert live([*moved(60), *moved(700, sign=Sign.DOOR)], hours(22)) == []  # a door that opens is movement


def test_after_a_new_movement_the_next_stillness_is_a_new_one() -> None:
    found = live(moved(60, 60 + 800), hours(30))
    assert [f.identity for f in found] == [f"B1:{MIDNIGHT_MIN + 60}", f"B1:{MIDNIGHT_MIN + 860}"]


def test_getting_into_bed_is_movement_and_a_mat_that_repeats_itself_is_not() -> None:
    state = fresh(has=EVERYTHING, bed_out_p99_min=900)
    night = [Seen(at=hours(20), sign=Sign.BED_OUT), Seen(at=hours(22), sign=Sign.BED_IN)]
    again = [Seen(at=hours(22) + m, sign=Sign.BED_IN) for m in range(10, 900, 10)]
    found = live([*moved(hours(19)), *night, *again], hours(35), state=state)
    assert told(found) == [("B1", Severity.MEDIUM, hours(34))]


def test_a_drawn_bath_is_movement_and_a_dripping_tap_is_not() -> None:
    state = fresh(has=SINGLE | 1 << Sign.WATER)
    bath = meter(0, hours(20), used={hours(8): 60.0})
    assert told(live([*moved(60), *bath], hours(20), state=state)) == []
    drip = meter(0, hours(20), used={float(m): 1.0 for m in range(30, 1200, 30)})
    state = fresh(has=SINGLE | 1 << Sign.WATER)
    assert ("B1", 3, 60 + H12) in told(live([*moved(60), *drip], hours(20), state=state))


def test_a_home_of_which_no_movement_is_known_accuses_nobody() -> None:
    assert live([], hours(50)) == []
    assert live(moved(60, sign=Sign.DOOR), hours(50), state=fresh(has=1 << Sign.DOOR)) == []  # a door alone cannot say


def test_a_gateway_that_is_dead_accuses_nobody() -> None:
    assert live(moved(60), hours(40), deaf=(hours(2), hours(99))) == []


def test_when_it_is_heard_again_the_count_begins_anew() -> None:
    found = live(moved(60), hours(35), deaf=(hours(9), hours(20)))
    assert told(found) == [("B1", Severity.MEDIUM, hours(20) + H12)]
    assert found[0].evidence["last"] == "unknown"


def test_a_pause_that_is_normal_for_its_sensors_counts() -> None:
    assert told(live(moved(60), hours(15), deaf=(hours(3), hours(4.5)))) == [("B1", Severity.MEDIUM, 60 + H12)]
    slow = fresh(alive_every_min=1500)
    assert told(live(moved(60), hours(15), deaf=(hours(2), hours(13)), state=slow)) == [
        ("B1", Severity.MEDIUM, 60 + H12)
    ]


def test_stillness_is_told_only_as_far_as_the_home_was_heard() -> None:
    assert live(moved(60), hours(15), deaf=(hours(12), hours(99)), state=fresh(alive_every_min=1500)) == []


def test_neither_a_meter_nor_a_watch_shows_that_the_sensor_is_alive() -> None:
    state = fresh(has=EVERYTHING, fence_m=500)
    away = [Seen(at=m, sign=Sign.PLACE, value=20) for m in range(0, 2000, 30)]
    HOME.observe(state, signs([*moved(60), *away, *meter(0, 2000)]), ms(2000))
    assert state["alive_ms"][0] == ms(60)


def absent(start: float, end: float) -> Columnar:
    return fresh(quiet_from_ms=ms(start), quiet_until_ms=ms(end))


def test_nothing_is_said_while_she_is_away_and_the_count_begins_at_her_return() -> None:
    state = absent(hours(2), hours(30))
    found = live(moved(60), hours(60), state=state)
    assert told(found) == [("B1", Severity.MEDIUM, hours(42)), ("B1", Severity.HIGH, hours(54))]
    assert state["anew_ms"][0] == ms(hours(30))


def test_an_absence_that_begins_later_takes_nothing_back_and_says_nothing_more() -> None:
    found = live(moved(60), hours(60), state=absent(hours(20), hours(90)))
    assert told(found) == [("B1", Severity.MEDIUM, 60 + H12)]


def test_an_absence_cut_short_ends_then() -> None:
    state = absent(hours(2), hours(90))
    assert live(moved(60), hours(20), state=state) == []
    state["quiet_until_ms"][:] = ms(hours(20))
    assert told(live([], hours(33), state=state, start=hours(20) + 5)) == [("B1", Severity.MEDIUM, hours(32))]


def test_a_door_unopened_for_a_day_strengthens_and_never_speaks_alone() -> None:
    door = moved(30, sign=Sign.DOOR)
    still = live([*door, *moved(hours(10), hours(20))], hours(33))
    assert one(still).evidence["agree"] == {"B5": "00:30"}
    assert one(still).evidence["confidence"] == 0.8
    busy = moved(*range(0, 3000, 300))
    assert live([*door, *busy], hours(50)) == []
    opened = live([*moved(hours(10), hours(19), sign=Sign.DOOR), *moved(hours(20))], hours(33))
    assert one(opened).evidence["agree"] == {}


def test_the_last_sign_may_have_been_the_door_behind_her() -> None:
    found = live([*moved(60), *moved(70, sign=Sign.DOOR)], hours(14))
    assert one(found).evidence["last"] == "door"


def test_who_moves_again_in_those_ten_minutes_is_told_of_and_said_to_have_moved() -> None:
    found = live(moved(60, 60 + H12 + 4), hours(14), every=1)
    assert one(found).evidence["moved_again_at"] == "13:04"


def days(*up_at: float, state: Columnar | None = None, until: float = hours(20)) -> list[Finding]:
    """Midnight to `until`: moving late in the evening before, and at these minutes."""
    return live(moved(-90, *up_at), until, state=fresh(**ROUTINE) if state is None else state, start=-60)


def test_not_up_three_hours_after_the_usual_time_is_low() -> None:
    found = days(hours(10.4), until=hours(11))
    late = next(f for f in found if f.rule == "B2")
    assert (late.severity, late.kind, late.at_ms) == (Severity.LOW, AlertKind.STILLNESS, ms(600))
    assert late.identity == "B2:20600"
    assert late.evidence == {"usual_at": "07:00", "limit_at": "10:00", "days_known": 10, "confidence": 0.71}


def test_who_is_up_in_time_is_not_late() -> None:
    assert days(590, until=hours(20)) == []
    assert days(590, hours(13), until=hours(22), state=fresh(**ROUTINE)) == []


def test_who_keeps_no_hours_is_late_an_hour_after_the_latest_of_them() -> None:
    late = fresh(**(ROUTINE | {"latest_up_min": 660}))
    assert told(days(120, hours(12.5), state=late, until=hours(13)), "B2") == [("B2", Severity.LOW, 720)]


def test_who_walks_at_three_is_up_in_the_night_and_not_up_early() -> None:
    assert told(days(180, hours(10.5), until=hours(11))) == [("B2", Severity.LOW, 600)]
    assert days(241, hours(10.5), until=hours(11)) == []


@pytest.mark.parametrize("unknown", [{"ups_known": 6}, {"usual_up_min": -1}])
def test_who_is_not_known_well_yet_is_never_late(unknown: dict[str, int]) -> None:
    assert days(hours(10.4), state=fresh(**(ROUTINE | unknown)), until=hours(11)) == []


def test_late_is_said_once_a_day_and_again_the_next() -> None:
    found = days(hours(10.4), hours(18), hours(23), DAY_MIN + hours(10.4), until=DAY_MIN + hours(11))
    assert told(found, "B2") == [("B2", Severity.LOW, 600), ("B2", Severity.LOW, DAY_MIN + 600)]


def test_who_comes_home_during_the_day_is_not_late_that_day() -> None:
    state = fresh(**ROUTINE, quiet_from_ms=ms(-30), quiet_until_ms=ms(hours(8)))
    assert told(days(state=state, until=hours(19)), "B2") == []


def test_a_home_not_heard_since_before_dawn_may_hide_that_she_is_up() -> None:
    state = fresh(**ROUTINE)
    found = live(moved(-90), hours(11), state=state, start=-60, deaf=(hours(3), hours(9)))
    assert told(found) == []


def test_not_up_in_time_is_not_said_of_whom_nobody_has_seen_since_yesterday_noon() -> None:
    found = live(moved(-hours(13)), hours(11), state=fresh(**ROUTINE), start=-hours(12))
    assert told(found) == [("B1", Severity.MEDIUM, -60)]  # it says more, and said it first


NIGHT = [*moved(-hours(3)), Seen(at=-hours(2), sign=Sign.BED_IN), *moved(-hours(8), sign=Sign.DOOR)]


def known_home(**columns: int) -> Columnar:
    return fresh(has=EVERYTHING, **ROUTINE, bed_out_p99_min=20, **columns)


def test_late_and_long_out_of_bed_are_one_welfare_check() -> None:
    """She left her bed at 02:40, and nothing has been heard since: B6 at night, and in the morning one call."""
    out = [Seen(at=160, sign=Sign.BED_OUT)]
    mats = [Seen(at=160 + m, sign=Sign.BED_OUT) for m in range(30, 480, 30)]
    found = live([*NIGHT, *out, *mats], hours(14), state=known_home(), start=-hours(8))
    assert told(found) == [("B6", 4, 190), ("B6", 3, 220), ("B0", 3, 600)]
    check = found[-1]
    assert (check.kind, check.identity) == (AlertKind.STILLNESS, "B0:20600")
    assert check.evidence["signs"] == [
        {"sign": "out_of_bed", "since": "03:10", "weight": 2}, {"sign": "late_up", "since": "10:00", "weight": 2},
    ]  # fmt: skip
    assert (check.evidence["score"], check.evidence["enough"], check.evidence["last_at"]) == (4, 4, "02:40")
    assert check.evidence["usual_at"] == "07:00"


def test_late_without_water_and_with_the_door_unopened_is_one_welfare_check() -> None:
    water = meter(-hours(20), hours(11), used={-hours(12): 40.0, -hours(5): 40.0, -100: 9.0, -90: 9.0})
    door = moved(-hours(16), sign=Sign.DOOR)
    seen = [*door, *moved(-90), *water]
    state = fresh(has=SINGLE | 1 << Sign.WATER, **ROUTINE)
    found = live(seen, hours(10.4), state=state, start=-hours(20))
    assert told(found) == [("B0", 3, 600)]
    assert [s["sign"] for s in found[0].evidence["signs"]] == ["door_unopened", "no_water", "late_up"]


def test_without_the_door_the_same_morning_is_merely_late() -> None:
    water = meter(-hours(20), hours(11), used={-hours(12): 40.0, -hours(5): 40.0, -100: 9.0, -90: 9.0})
    state = fresh(has=SINGLE | 1 << Sign.WATER, **ROUTINE)
    found = live([*moved(-90), *water], hours(10.2), state=state, start=-hours(20))
    assert told(found) == [("B2", 4, 600)]


def test_who_is_being_looked_after_is_not_found_still_as_well_until_a_whole_day() -> None:
    out = [Seen(at=160, sign=Sign.BED_OUT)]
    found = live([*NIGHT, *out], hours(28), state=known_home(), start=-hours(8))
    assert told(found) == [("B6", 4, 190), ("B6", 3, 220), ("B0", 3, 600), ("B1", 2, 160 + H24)]


def test_who_was_found_still_before_is_not_checked_on_as_well() -> None:
    seen = [*moved(-hours(16), sign=Sign.DOOR), *moved(-hours(9)), Seen(at=-hours(8), sign=Sign.BED_IN)]
    seen += [Seen(at=-hours(3), sign=Sign.BED_OUT), *moved(-hours(2.9))]  # left the bed before the night began
    found = live(seen, hours(11), state=known_home(), start=-hours(16))
    assert told(found) == [("B1", 3, hours(9.1))]


def test_who_has_been_seen_since_leaving_the_bed_needs_no_welfare_check() -> None:
    seen = [*NIGHT, Seen(at=160, sign=Sign.BED_OUT), *moved(250, 400)]
    assert told(live(seen, hours(12), state=known_home(), start=-hours(8)), "B0") == []


def test_a_meter_that_is_silent_is_no_weak_sign() -> None:
    water = meter(-hours(20), hours(2), used={-hours(12): 40.0, -hours(5): 40.0, -100: 9.0, -90: 9.0})
    state = fresh(has=SINGLE | 1 << Sign.WATER, **ROUTINE)
    seen = [*moved(-hours(16), sign=Sign.DOOR), *moved(-90), *water]
    assert told(live(seen, hours(10.2), state=state, start=-hours(20))) == [("B2", 4, 600)]


def test_homes_do_not_mix() -> None:
    state = fresh(3)
    seen = [Seen(at=60, row=0), Seen(at=60, row=2), *(Seen(at=m, row=2) for m in range(100, 1900, 100))]
    assert [f.row for f in live(seen, hours(14), state=state)] == [0]


def test_an_empty_hub_and_signs_from_the_future_say_nothing() -> None:
    assert HOME.tick(fresh(0), ms(0)) == []
    state = fresh()
    assert HOME.observe(state, signs(moved(500, -1e9)), ms(0)) == []
    assert state["moved_min"][0] == 0


def test_what_the_shell_remembers_of_the_last_movement_is_enough() -> None:
    state = fresh(moved_min=MIDNIGHT_MIN - 3000)
    assert [f.identity for f in live([], 0, state=state)] == [
        f"B1:{MIDNIGHT_MIN - 3000}", f"B1:day:{MIDNIGHT_MIN - 3000}",
    ]  # fmt: skip


def test_a_resident_takes_less_than_four_hundred_bytes() -> None:
    assert sum(column.nbytes for column in fresh(1).values()) <= 400
    assert set(HomeDetector.fields) == set(fresh(1))
