"""B6 and B7: the empty bed at night, and who has left the safe area."""

import pytest

from alerts.detectors.detector import Columnar
from alerts.detectors.home_signs import Sign
from alerts.detectors.home_waiting import WAITING
from alerts.model import AlertKind, Severity

from .homes import DAY_MIN, EVERYTHING, HOME, MIDNIGHT_MIN, Seen, fresh, hours, live, ms, signs, told

LOW, MEDIUM = Severity.LOW, Severity.MEDIUM
IN, OUT = Sign.BED_IN, Sign.BED_OUT
EVENING = -hours(3)


def bed(**columns: int) -> Columnar:
    return fresh(has=1 << IN | 1 << OUT, **{"bed_out_p99_min": 20, **columns})


def lay(at: float) -> Seen:
    return Seen(at=at, sign=IN)


def left(at: float) -> Seen:
    return Seen(at=at, sign=OUT)


def night(
    *seen: Seen, state: Columnar | None = None, until: float = hours(9), every: float = 1
) -> list[tuple[str, int, float]]:
    found = live([lay(-hours(2.5)), *seen], until, state=bed() if state is None else state, start=EVENING, every=every)
    return told(found)


def test_half_an_hour_out_of_bed_at_night_is_low_and_an_hour_medium() -> None:
    found = live([lay(-90), left(120)], hours(5), state=bed(), start=EVENING)
    assert told(found) == [("B6", LOW, 150), ("B6", MEDIUM, 180)]
    assert {f.kind for f in found} == {AlertKind.ROUTINE}
    out = MIDNIGHT_MIN + 120
    assert [f.identity for f in found] == [f"B6:{out}", f"B6:long:{out}"]
    assert found[0].evidence == {"left_at": "02:00", "limit_min": 30, "usual_most_min": 20, "confidence": 0.8}


def test_it_is_said_two_minutes_later() -> None:
    assert night(left(120), until=151) == []
    assert night(left(120), until=152) == [("B6", LOW, 150)]


def test_return_ends_it_and_the_next_time_is_another() -> None:
    assert night(left(60), lay(80), left(120), lay(145)) == []
    assert night(left(60), lay(95), left(200), lay(235)) == [("B6", LOW, 90), ("B6", LOW, 230)]


def test_who_is_often_up_for_long_has_a_longer_limit() -> None:
    assert night(left(120), lay(165), state=bed(bed_out_p99_min=50)) == []
    assert night(left(120), lay(175), state=bed(bed_out_p99_min=50)) == [("B6", LOW, 170)]
    assert night(left(120), state=bed(bed_out_p99_min=90), until=hours(4)) == [("B6", MEDIUM, 210)]  # both at once


def test_who_is_not_known_well_yet_has_an_hour() -> None:
    found = live([lay(-90), left(60)], hours(4), state=bed(bed_out_p99_min=-1), start=EVENING)
    assert told(found) == [("B6", LOW, 120), ("B6", MEDIUM, 180)]
    assert (found[0].evidence["usual_most_min"], found[0].evidence["confidence"]) == (None, 0.5)


def test_who_has_not_gone_to_bed_yet_is_not_out_of_it() -> None:
    seen = [lay(-hours(17)), left(-hours(16))]
    assert told(live(seen, hours(5), state=bed(), start=-hours(17))) == []
    assert night(left(-hours(2) - 1)) == []  # left before ten


def test_who_rises_at_half_past_five_has_risen() -> None:
    assert night(left(hours(5.6))) == []


def test_day_has_no_night() -> None:
    assert night(left(hours(7)), lay(hours(13)), left(hours(13.5)), until=hours(20)) == []


def test_a_mat_that_has_fallen_silent_accuses_nobody() -> None:
    silent = bed(bed_out_p99_min=180)
    assert night(left(120), state=silent) == []
    heard = [left(120 + m) for m in range(30, 200, 30)]  # it says again that it is empty
    assert night(left(120), *heard, state=bed(bed_out_p99_min=180)) == [("B6", MEDIUM, 300)]
    told_by_shell = bed(bed_out_p99_min=180, bed_heard_min=MIDNIGHT_MIN + 200)
    assert night(left(120), state=told_by_shell) == [("B6", MEDIUM, 300)]


def test_a_mat_that_repeats_itself_does_not_begin_anew() -> None:
    assert night(left(120), *(left(120 + m) for m in range(5, 60, 5)), until=hours(4)) == [
        ("B6", LOW, 150),
        ("B6", MEDIUM, 180),
    ]


def test_a_visit_at_night_is_silent_and_the_clock_begins_at_its_end() -> None:
    visit = bed(quiet_from_ms=ms(100), quiet_until_ms=ms(200))
    assert night(left(120), state=visit, until=hours(4)) == [("B6", LOW, 230)]


def test_a_return_that_comes_late_by_a_minute_still_counts() -> None:
    late = Seen(at=149, sign=IN, came=151)
    assert night(left(120), late) == []


def test_more_signs_than_may_wait_go_through_in_order() -> None:
    flapping = [Seen(at=120 + i / 10, sign=IN if i % 2 else OUT) for i in range(3 * WAITING + 1)]
    state = bed()
    HOME.observe(state, signs([lay(-90), *reversed(flapping)]), ms(123))
    assert (state["waiting"] > 0).sum() == WAITING
    HOME.tick(state, ms(130))
    assert state["out_min"][0] == MIDNIGHT_MIN + 121  # the last word was that she left


# The fence.


def fenced(**columns: int) -> Columnar:
    return fresh(has=EVERYTHING, fence_m=500, **columns)


def walk(*places: tuple[float, float]) -> list[Seen]:
    """(minute, metres from home)"""
    return [Seen(at=at, sign=Sign.PLACE, value=metres) for at, metres in places]


def trip(
    *places: tuple[float, float], state: Columnar | None = None, until: float = hours(6)
) -> list[tuple[str, int, float]]:
    return told(live(walk(*places), until, state=fenced() if state is None else state, every=1))


def test_five_minutes_outside_the_fence_are_medium() -> None:
    found = live(walk((60, 20), (62, 300), (64, 620), (66, 700), (70, 850)), 100, state=fenced(), every=1)
    assert told(found) == [("B7", MEDIUM, 69)]
    out = found[0]
    assert (out.kind, out.identity) == (AlertKind.WANDERING, f"B7:{(MIDNIGHT_MIN + 64) * 60}")
    assert out.evidence == {"outside_since": "01:04", "away_m": 850, "fence_m": 500, "confidence": 0.9}


def test_one_far_position_is_no_exit() -> None:
    assert trip((60, 20), (62, 9_000), (64, 25), (66, 30)) == []
    assert trip((60, 20), (62, 9_000)) == []  # nor is the silence after it
    assert trip((60, 20), (62, 9_000), (64, 25), (68, 9_000), (70, 20)) == []


def test_a_gap_is_no_exit() -> None:
    assert trip((60, 20), (62, 620), (62 + 200, 640), (62 + 203, 20)) == []
    assert trip((60, 20), (62, 620), (62 + 200, 640), (62 + 206, 660)) == [("B7", MEDIUM, 62 + 205)]
    assert trip((60, 20)) == []


def test_a_watch_that_reports_every_half_hour_is_enough() -> None:
    assert trip((60, 20), (90, 700), (120, 900), (150, 800)) == [("B7", MEDIUM, 95)]


def test_one_near_position_is_no_return() -> None:
    seen = walk((60, 600), (66, 700), (70, 400), (72, 700), (80, 800), (90, 900))
    assert len(live(seen, 200, state=fenced(), every=1)) == 1


def test_five_minutes_inside_end_it_and_the_next_exit_is_another() -> None:
    out_again = ((60, 600), (66, 700), (80, 100), (84, 90), (86, 80), (100, 600), (106, 700))
    assert trip(*out_again) == [("B7", MEDIUM, 65), ("B7", MEDIUM, 105)]


def test_who_is_back_before_it_can_be_said_is_not_sought() -> None:
    assert trip((60, 600), (64, 700), (64.5, 100), (66, 90)) == []


def test_without_a_fence_nobody_is_watched() -> None:
    assert trip((60, 6_000), (70, 7_000), (90, 8_000), state=fresh(has=EVERYTHING)) == []


def test_a_known_absence_is_no_wandering_and_afterwards_it_is() -> None:
    away = fenced(quiet_from_ms=ms(30), quiet_until_ms=ms(120))
    assert trip((60, 4_000), (70, 4_000), (110, 4_000), (121, 4_000), (126, 4_000), state=away) == [("B7", MEDIUM, 125)]


def test_a_quiet_home_is_not_hers_while_her_watch_is_seen_outside() -> None:
    abroad = walk(*((float(m), 4_000.0) for m in range(60, 1_000, 30)))
    found = live([Seen(at=50), *abroad], hours(16), state=fenced())
    assert told(found) == [("B7", MEDIUM, 65)]
    lost = live([Seen(at=50), *abroad[:10]], hours(16), state=fenced())  # two hours after the last position it counts
    assert told(lost) == [("B7", MEDIUM, 65), ("B1", MEDIUM, 50 + hours(12))]


def test_absurd_distances_are_kept_within_bounds() -> None:
    found = live(walk((60, 1e9), (70, 1e9), (75, float("inf")), (76, -5)), 100, state=fenced(), every=1)
    assert [f.evidence["away_m"] for f in found] == [(1 << 18) - 1]


@pytest.mark.parametrize("days", [1, 2])
def test_each_day_has_its_own_exit(days: int) -> None:
    seen = [
        (d * DAY_MIN + m, far) for d in range(days) for m, far in ((60, 20), (65, 600), (71, 600), (75, 20), (81, 20))
    ]
    assert len(trip(*seen, until=days * DAY_MIN)) == days
