"""B1 and B2 as the duty log would tell them."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.detectors.detector import Columnar, Finding
from alerts.detectors.stillness import DAYS, StillnessDetector, begin_anew, day_of, take_over
from alerts.model import AlertKind, Severity

from .wearers import START_MIN, Said, fresh, tell

STILLNESS = StillnessDetector()
MIDNIGHT = -START_MIN % 1440  # minutes from START_MIN to a midnight


def lying(start: int, end: int, every: int = 1) -> list[Said]:
    return [Said(minute=m, hr=64, steps=0) for m in range(start, end, every)]


def heard(said: list[Said], batch: int = 1, state: Columnar | None = None) -> list[Finding]:
    return tell(STILLNESS, fresh(STILLNESS) if state is None else state, said, batch)


def late_up(said: list[Said]) -> list[Finding]:
    return [f for f in heard(said) if f.rule == "B2"]


def told(found: list[Finding]) -> list[tuple[str, Severity, int]]:
    return [(f.rule, f.severity, f.at_ms // 60_000 - START_MIN) for f in found]


STEP = Said(minute=0, hr=80, steps=20)


def test_half_a_day_without_a_step_is_medium_and_a_whole_day_high() -> None:
    found = heard([STEP, *lying(1, 1500)])
    assert told(found) == [("B1", Severity.MEDIUM, 720), ("B1", Severity.HIGH, 1440)]
    assert {f.kind for f in found} == {AlertKind.STILLNESS}
    assert found[0].identity == f"B1:{START_MIN}"
    assert found[0].evidence == {"still_min": 720, "unseen_min": 0, "confidence": 1.0}


def test_a_step_begins_the_count_anew() -> None:
    assert told(heard([STEP, *lying(1, 700), Said(minute=700, hr=80, steps=3), *lying(701, 1400)])) == []


def test_watch_on_its_charger_accuses_nobody() -> None:
    charging = [Said(minute=m, steps=0) for m in range(1, 2000)]
    assert heard([STEP, *charging]) == []
    assert heard([STEP, *(Said(minute=m, hr=70, steps=0, worn=0) for m in range(1, 2000))]) == []


def test_watch_that_counts_no_steps_says_nothing_about_movement() -> None:
    assert heard([STEP, *(Said(minute=m, hr=70) for m in range(1, 2000))]) == []
    assert heard(lying(0, 2000)) == []  # nor does one that never counted any


def test_of_a_long_pause_five_minutes_count() -> None:
    found = heard([STEP, *lying(1, 300), *lying(600, 1300)])
    assert told(found) == [("B1", Severity.MEDIUM, 720 + (301 - 5))]
    assert found[0].evidence["unseen_min"] == 296


def test_report_every_quarter_of_an_hour_tells_of_a_third_of_it() -> None:
    assert told(heard([STEP, *lying(15, 2500, every=15)])) == [("B1", Severity.MEDIUM, 2160)]


def test_watch_that_tells_of_minutes_walked_between_its_reports_sees_all_of_it() -> None:
    walked = Said(minute=-9, steps=20, received=0)  # when it came, beside the report of minute 0
    said = [walked, Said(minute=0, hr=70, steps=0), *lying(15, 800, every=15)]
    assert told(heard(said)) == [("B1", Severity.MEDIUM, 720)]


def test_device_that_says_it_is_worn_needs_no_pulse() -> None:
    found = heard([STEP, *(Said(minute=m, steps=0, worn=1) for m in range(1, 800))])
    assert told(found) == [("B1", Severity.MEDIUM, 720)]


def test_step_that_comes_late_ends_the_stillness() -> None:
    late = Said(minute=500, hr=70, steps=9, received=600)
    assert heard([STEP, *lying(1, 600), late, *lying(600, 1300)]) == []


def days(up_at: list[int]) -> list[Said]:
    """Worn round the clock, walking in the evening, at noon, and at these minutes after midnight."""
    said = []
    for day, up in enumerate(up_at):
        for minute in range(0, 1440, 5):
            steps = 30 if minute in {up, 1200} or (up < 720 == minute) else 0
            said.append(Said(minute=MIDNIGHT + day * 1440 + minute, hr=64, steps=steps))
    return said


def test_not_up_three_hours_after_the_usual_time_is_noticed_once() -> None:
    found = late_up(days([420, 430, 410, 425, 420, 440, 415, 420, 840]))
    assert [(f.rule, f.severity) for f in found] == [("B2", Severity.LOW)]
    at = found[0].at_ms // 60_000 % 1440
    assert 600 <= at <= 610
    assert found[0].evidence == {"usual_at": "07:00", "limit_at": "10:00", "days_known": 8, "confidence": 0.57}


def test_in_the_first_week_nobody_is_late() -> None:
    assert late_up(days([420, 430, 410, 425, 420, 840])) == []


def test_who_keeps_no_hours_is_not_late_at_eleven() -> None:
    assert late_up(days([420, 650, 410, 660, 420, 640, 415, 420, 680])) == []


def test_day_begins_by_the_clock_of_the_district() -> None:
    ahead = StillnessDetector(offset_min=480)
    said = [Said(minute=s.minute - 480, hr=s.hr, steps=s.steps) for s in days([420] * 8 + [840])]
    found = tell(ahead, fresh(ahead), said)
    assert [f.evidence["usual_at"] for f in found if f.rule == "B2"] == ["07:00"]


def test_walk_at_three_in_the_night_is_not_getting_up() -> None:
    said = [*days([420] * 8), *(Said(minute=MIDNIGHT + 8 * 1440 + m, hr=64, steps=40 if m == 180 else 0)
                                for m in range(0, 700, 5))]  # fmt: skip
    assert [f.rule for f in late_up(said)] == ["B2"]


def test_state_is_small_and_goes_on_after_a_restore() -> None:
    said = [STEP, *lying(1, 800)]
    state = fresh(STILLNESS)
    assert heard(said[:400], state=state) == []
    restored = {n: np.frombuffer(v.tobytes(), v.dtype).reshape(v.shape).copy() for n, v in state.items()}
    assert [f.identity for f in heard(said[400:], state=restored)] == [f"B1:{START_MIN}"]
    assert sum(v.nbytes for v in fresh(STILLNESS, 100).values()) / 100 <= 48


@settings(max_examples=8, deadline=None)
@given(st.randoms(use_true_random=False), st.lists(st.integers(0, 900), max_size=3))
def test_shuffled_and_repeated_batch_gives_the_same(chance: object, steps_at: list[int]) -> None:
    said = [Said(minute=m, hr=64, steps=20 if m in (0, *steps_at) else 0) for m in range(0, 1700, 7)]
    mixed = said + said[::3]
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    once, twice = fresh(STILLNESS), fresh(STILLNESS)
    found = tell(STILLNESS, once, said, batch=len(said))
    again = tell(STILLNESS, twice, mixed, batch=len(mixed))
    assert sorted(f.identity for f in found) == sorted(f.identity for f in again)
    assert all((once[name] == twice[name]).all() for name in once)


def test_clock_that_begins_anew_says_twelve_hours_from_there() -> None:
    state = fresh(STILLNESS)
    assert told(heard([STEP, *lying(1, 800)], state=state)) == [("B1", Severity.MEDIUM, 720)]
    begin_anew(state, 0, (START_MIN + 800) * 60_000 - 1)
    assert told(heard(lying(800, 1600), state=state)) == [("B1", Severity.MEDIUM, 800 + 720)]


def test_clock_that_begins_anew_counts_no_pause_from_before_and_every_one_from_after() -> None:
    state = fresh(STILLNESS)
    heard([STEP, *lying(1, 100), *lying(400, 500)], state=state)  # a pause that is over
    begin_anew(state, 0, (START_MIN + 450) * 60_000)
    assert told(heard(lying(500, 1300), state=state)) == [("B1", Severity.MEDIUM, 450 + 720)]
    state = fresh(STILLNESS)
    heard([STEP, *lying(1, 100), *lying(700, 710)], state=state)  # it began anew in the pause
    begin_anew(state, 0, (START_MIN + 300) * 60_000)
    assert told(heard(lying(710, 1500), state=state)) == [("B1", Severity.MEDIUM, 700 + 720)]


def test_step_newer_than_where_the_clock_begins_anew_stays() -> None:
    state = fresh(STILLNESS)
    heard([STEP], state=state)
    begin_anew(state, 0, (START_MIN - 60) * 60_000)
    assert told(heard(lying(1, 800), state=state)) == [("B1", Severity.MEDIUM, 720)]


def rises_at(up_min: list[int], minute: int) -> Columnar:
    """Return a new watch that was told when its wearer rose on the days before a minute, after midnight."""
    state, today = fresh(STILLNESS), day_of(START_MIN + minute, 0)
    up = np.full((1, DAYS), np.nan)
    for back, at in enumerate(reversed(up_min), start=1):
        up[0, (today - back) % DAYS] = at - 240
    take_over(state, np.array([0]), up, START_MIN + minute, 0)
    return state


def test_new_watch_knows_from_elsewhere_when_she_rises_and_says_so_from_tomorrow_on() -> None:
    begin = MIDNIGHT + 8 * 1440 + 600  # it is put on at ten
    state = rises_at([420, 430, 410, 425, 420, 440, 415], begin)
    still = [Said(minute=m, hr=64, steps=0) for m in range(begin, begin + 2 * 1440, 5)]
    found = [f for f in heard(still, state=state) if f.rule == "B2"]
    assert [(f.at_ms // 60_000 - START_MIN - MIDNIGHT) // 1440 for f in found] == [9]
    assert found[0].evidence["days_known"] == 7


def test_what_a_watch_has_seen_itself_is_not_written_over() -> None:
    said = days([420] * 5)
    state = fresh(STILLNESS)
    heard(said, state=state)
    before, own = state["ups"].copy(), state["up_min"].copy()
    take_over(state, np.array([0]), np.full((1, DAYS), 300.0), START_MIN + said[-1].minute, 0)
    assert (state["ups"][before > 0] == before[before > 0]).all()
    assert (state["ups"] > 0).all()
    assert (state["up_min"] == own).all()
