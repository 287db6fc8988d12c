"""V1 to V5 as the duty log would tell them."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.detectors.detector import Columnar, Finding
from alerts.detectors.vitals import VitalsDetector
from alerts.model import AlertKind, Severity

from .wearers import START_MIN, Said, fresh, resting, tell

VITALS = VitalsDetector()
CALM = [70.0] * 12  # long enough to be at rest


def heard(said: list[Said], batch: int = 1) -> list[Finding]:
    return tell(VITALS, fresh(VITALS), said, batch)


def minutes_of(found: list[Finding]) -> list[tuple[str, int]]:
    return [(f.rule, f.at_ms // 60_000 - START_MIN) for f in found]


def test_fast_heart_at_rest_raises_after_five_minutes() -> None:
    found = heard(resting(CALM + [135.0] * 10))
    assert minutes_of(found) == [("V2", 16)]
    assert found[0].severity is Severity.HIGH
    assert found[0].kind is AlertKind.VITALS
    assert found[0].identity == f"V2:{START_MIN + 12}"
    assert found[0].evidence["heart_rate_bpm"] == 135


def test_fast_heart_for_four_minutes_raises_nothing() -> None:
    assert heard(resting(CALM + [135.0] * 4 + CALM)) == []


def test_heart_rate_of_130_raises_nothing() -> None:
    assert heard(resting(CALM + [130.0] * 60)) == []


def test_fast_heart_while_walking_raises_nothing() -> None:
    walking = [Said(minute=k, hr=140, steps=60) for k in range(60)]
    assert heard(walking) == []


def test_fast_heart_right_after_walking_waits_for_twelve_still_minutes() -> None:
    walk = [Said(minute=k, hr=90, steps=60) for k in range(12)]
    found = heard(walk + resting([135.0] * 30, start=12))
    assert minutes_of(found) == [("V2", 12 + 11 + 4)]


def test_two_lost_minutes_do_not_start_the_count_anew() -> None:
    found = heard(resting([*CALM, 135.0, 135.0, None, 135.0, None, 135.0, 135.0]))
    assert minutes_of(found) == [("V2", 18)]


def test_gap_never_makes_an_alert() -> None:
    before, after = resting(CALM + [135.0] * 4), resting([135.0] * 3, start=60)
    assert heard(before + after) == []
    assert VITALS.tick(fresh(VITALS), 10**13) == []


def test_device_without_step_counter_still_raises() -> None:
    silent = [Said(minute=k, hr=140) for k in range(10)]
    assert [f.rule for f in heard(silent)] == ["V2"]


def test_values_of_a_watch_taken_off_are_left_out() -> None:
    off = [Said(minute=k, hr=140, steps=0, worn=0) for k in range(40)]
    assert heard(off) == []


def test_one_episode_raises_once_until_ten_calm_minutes() -> None:
    wobble = ([135.0] * 6 + [118.0] * 5) * 4
    assert len(heard(resting(CALM + wobble))) == 1
    found = heard(resting(CALM + [135.0] * 6 + [118.0] * 12 + [135.0] * 6))
    assert minutes_of(found) == [("V2", 16), ("V2", 34)]


def test_heart_rate_between_the_limits_keeps_the_episode_open() -> None:
    found = heard(resting(CALM + [135.0] * 6 + [125.0] * 30 + [135.0] * 10))
    assert len(found) == 1


def test_new_episode_after_hours_without_data_raises_again() -> None:
    first = resting(CALM + [135.0] * 6)
    second = resting(CALM + [135.0] * 6, start=300)
    assert len(heard(first + second)) == 2


def test_slow_heart_raises_medium_after_ten_minutes_without_baseline() -> None:
    found = heard(resting(CALM + [39.0] * 12))
    assert [(f.rule, f.severity) for f in found] == [("V3", Severity.MEDIUM)]


def test_very_slow_heart_raises_high_after_three_minutes() -> None:
    found = heard(resting(CALM + [29.0] * 4))
    assert [(f.rule, f.severity) for f in found] == [("V3", Severity.HIGH)]
    assert found[0].at_ms // 60_000 - START_MIN == 14


def test_slow_heart_that_is_normal_for_this_wearer_raises_nothing() -> None:
    state = fresh(VITALS)
    assert tell(VITALS, state, resting([46.0] * 800)) == []
    assert tell(VITALS, state, resting([40.0] * 30, start=800)) == []
    found = tell(VITALS, state, resting([37.0] * 30, start=830))
    assert [f.rule for f in found] == ["V3"]
    assert found[0].evidence["personal_p5_bpm"] == pytest.approx(46, abs=1)


@cache
def _learnt(bpm: float) -> Columnar:
    state = fresh(VITALS)
    said = [Said(minute=m, hr=bpm + m % 5 - 2, steps=0) for m in range(2880)]
    assert tell(VITALS, state, said, batch=2880) == []
    return state


def known(bpm: float = 65.0) -> Columnar:
    """A wearer of whom two days at rest are known, a little livelier than a clock."""
    return {name: column.copy() for name, column in _learnt(bpm).items()}


def rising(bpm: Sequence[float], start: int = 2880, steps: int = 0) -> list[Said]:
    return [Said(minute=start + k, hr=value, steps=steps) for k, value in enumerate(bpm)]


def test_pulse_far_above_the_own_baseline_raises_after_ten_minutes() -> None:
    found = tell(VITALS, known(), rising([104.0] * 20))
    assert [(f.rule, f.severity, f.at_ms // 60_000 - START_MIN) for f in found] == [("V1", Severity.MEDIUM, 2889)]
    told = found[0].evidence
    assert (told["heart_rate_bpm"], told["usual_bpm"], told["limit_bpm"]) == (104, 66, 92)
    assert told["confidence"] < 1  # two days are little


@pytest.mark.parametrize(("said", "rule", "confidence"), [
    (resting(CALM + [135.0] * 5), "V2", 0.67),  # 5 of 7 minutes with data
    (resting([*CALM, 135.0, None, 135.0, None, 135.0, 135.0, 135.0]), "V2", 0.86),  # 5 of 5
    (resting(CALM + [38.0] * 10), "V3", 0.69),  # 10 of 14
    (resting(CALM + [28.0] * 3), "V3", 0.67),  # 3 of 4
    ([Said(minute=k, spo2=89) for k in range(3)], "V4", 0.8),  # 3 of 3
    ([Said(minute=k, spo2=92) for k in range(0, 60, 10)], "V5", 0.83),  # 4 of 4
])  # fmt: skip
def test_share_of_known_minutes_that_hold_is_the_confidence_less_where_few_are_known(
    said: list[Said], rule: str, confidence: float
) -> None:
    (found,) = heard(said)
    assert found.rule == rule
    assert found.evidence["confidence"] == confidence


def test_same_pulse_is_nothing_for_who_always_has_it() -> None:
    assert tell(VITALS, known(bpm=90.0), rising([104.0] * 60)) == []


def test_same_pulse_is_nothing_while_the_wearer_is_not_known() -> None:
    assert heard(resting([104.0] * 300)) == []


def test_nine_minutes_above_the_baseline_raise_nothing() -> None:
    assert tell(VITALS, known(), rising([104.0] * 9 + [70.0] * 30)) == []


def test_gap_does_not_complete_the_ten_minutes() -> None:
    state = known()
    assert tell(VITALS, state, rising([104.0] * 6)) == []
    assert tell(VITALS, state, rising([104.0] * 6, start=2900)) == []


def test_pulse_after_a_walk_has_time_to_come_down() -> None:
    walk = rising([110.0] * 15, steps=80)
    assert tell(VITALS, known(), walk + rising([100.0] * 22, start=2895)) == []
    assert [f.rule for f in tell(VITALS, known(), walk + rising([100.0] * 60, start=2895))] == ["V1"]


def test_sensor_that_was_just_put_on_is_not_believed() -> None:
    state = known()
    off = [Said(minute=2880 + k, steps=0) for k in range(30)]
    assert tell(VITALS, state, off + rising([150.0] * 60, start=2910)) == []
    assert [f.rule for f in tell(VITALS, state, rising([150.0] * 60, start=2970))] == ["V2"]


def test_fast_heart_speaks_for_the_baseline_too_and_follows_it() -> None:
    assert [f.rule for f in tell(VITALS, known(), rising([140.0] * 30))] == ["V2"]
    found = tell(VITALS, known(), rising([104.0] * 15 + [140.0] * 10))
    assert [f.rule for f in found] == ["V1", "V2"]


def test_rise_over_the_own_baseline_raises_once_until_it_is_over() -> None:
    found = tell(VITALS, known(), rising([104.0] * 20 + [88.0] * 15 + [104.0] * 20))
    assert [f.rule for f in found] == ["V1"]
    found = tell(VITALS, known(), rising([104.0] * 20 + [70.0] * 15 + [104.0] * 20))
    assert [f.rule for f in found] == ["V1", "V1"]


def test_baseline_restored_from_a_checkpoint_is_the_same() -> None:
    state = known()
    restored = {n: np.frombuffer(v.tobytes(), v.dtype).reshape(v.shape).copy() for n, v in state.items()}
    said = rising([104.0] * 20)
    assert [f.identity for f in tell(VITALS, restored, said)] == [f.identity for f in tell(VITALS, state, said)]


def test_low_saturation_raises_after_three_readings_in_ten_minutes() -> None:
    found = heard(resting(spo2=[96, 90, None, None, 91, None, None, 90]))
    assert [(f.rule, f.severity) for f in found] == [("V4", Severity.HIGH)]


def test_three_low_readings_within_twenty_minutes_raise_nothing() -> None:
    readings: list[float | None] = ([90.0] + [None] * 9) * 2 + [90.0]
    assert heard(resting(spo2=readings)) == []


def test_low_saturation_while_walking_raises_nothing() -> None:
    assert heard([Said(minute=k, spo2=88, steps=30) for k in range(30)]) == []


def test_scale_two_lowers_the_limits_by_eight() -> None:
    state = fresh(VITALS)
    state["spo2_scale2"][:] = 1
    assert tell(VITALS, state, resting(spo2=[86.0] * 60)) == []
    assert [f.rule for f in tell(VITALS, state, resting(spo2=[83.0] * 5, start=60))] == ["V4"]


def test_lowish_saturation_raises_low_after_thirty_minutes() -> None:
    found = heard(resting(spo2=[93.0] * 40))
    assert [(f.rule, f.severity) for f in found] == [("V5", Severity.LOW)]
    assert 29 <= found[0].at_ms // 60_000 - START_MIN <= 30


def test_slow_reporter_raises_lowish_saturation_too() -> None:
    readings: list[float | None] = ([92.0] + [None] * 9) * 4
    assert [f.rule for f in heard(resting(spo2=readings))] == ["V5"]


def test_good_reading_between_starts_lowish_saturation_anew() -> None:
    assert heard(resting(spo2=[93.0] * 20 + [95.0] + [93.0] * 20)) == []


def test_low_saturation_speaks_for_lowish() -> None:
    assert [f.rule for f in heard(resting(spo2=[90.0] * 60))] == ["V4"]


def test_saturation_clears_at_94_for_ten_minutes() -> None:
    dip = [90.0] * 5
    assert len(heard(resting(spo2=dip + [94.0] * 8 + [92.0] + dip))) == 1
    assert len(heard(resting(spo2=dip + [94.0] * 15 + dip))) == 2


def test_state_restored_from_a_checkpoint_goes_on_as_if_nothing_happened() -> None:
    said = resting(CALM + [135.0] * 30)
    state = fresh(VITALS)
    assert tell(VITALS, state, said[:15]) == []
    restored = {n: np.frombuffer(v.tobytes(), v.dtype).reshape(v.shape).copy() for n, v in state.items()}
    found = tell(VITALS, restored, said[15:])
    assert [f.identity for f in found] == [f.identity for f in heard(said)]
    # And a checkpoint older than the alert gives the alert again under the same identity.
    assert [f.identity for f in tell(VITALS, state, said[15:])] == [f.identity for f in found]


def test_message_of_yesterday_changes_nothing() -> None:
    state = fresh(VITALS)
    tell(VITALS, state, resting(CALM))
    before = {n: v.copy() for n, v in state.items()}
    assert tell(VITALS, state, [Said(minute=-1440, hr=200, steps=0, received=12)]) == []
    assert all((state[n] == before[n]).all() for n in before)


def test_device_clock_years_ahead_does_not_deafen_the_detector() -> None:
    state = fresh(VITALS)
    tell(VITALS, state, [Said(minute=60 * 24 * 400, hr=70, steps=0, received=0)])
    assert [f.rule for f in tell(VITALS, state, resting(CALM + [135.0] * 6, start=5))] == ["V2"]


def test_devices_do_not_hear_each_other() -> None:
    said = [
        Said(minute=k, row=row, hr=(135 if row == 3 and k >= 12 else 70), steps=0)
        for k in range(20)
        for row in range(6)
    ]
    found = tell(VITALS, fresh(VITALS, 6), said, batch=6)
    assert [(f.row, f.rule) for f in found] == [(3, "V2")]


def test_state_stays_below_550_bytes_a_device() -> None:
    assert sum(v.nbytes for v in fresh(VITALS, 100).values()) / 100 <= 550


PULSE = st.sampled_from([None, 28.0, 38.0, 44.0, 70.0, 118.0, 125.0, 133.0, 150.0])
OXYGEN = st.sampled_from([None, None, 88.0, 91.0, 93.0, 94.0, 97.0])
STEPS = st.sampled_from([None, 0, 0, 0, 0, 0, 0, 30])


@st.composite
def histories(draw: st.DrawFn) -> list[Said]:
    """Two wearers whose values stay the same for some minutes at a time, as bodies do."""
    said: list[Said] = []
    for row in (0, 1):
        minute = 0
        while minute < 90:
            stretch = draw(st.integers(1, 25))
            hr, spo2, steps = draw(PULSE), draw(OXYGEN), draw(STEPS)
            said += [Said(minute=minute + k, row=row, hr=hr, spo2=spo2, steps=steps) for k in range(stretch)]
            minute += stretch
    return sorted(said, key=lambda s: (s.minute, s.row))


@settings(max_examples=25, deadline=None)
@given(histories(), st.randoms(use_true_random=False))
def test_shuffled_and_repeated_batch_gives_the_same_state_and_findings(said: list[Said], chance: object) -> None:
    mixed = said + said[::3]
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    once, twice, single = (fresh(VITALS, 2) for _ in range(3))
    found = tell(VITALS, once, said, batch=len(said))
    again = tell(VITALS, twice, mixed, batch=len(mixed))
    alone = tell(VITALS, single, said, batch=1)
    names = sorted((f.row, f.identity) for f in found)
    assert names == sorted((f.row, f.identity) for f in again) == sorted((f.row, f.identity) for f in alone)
    for name in once:
        assert (once[name] == twice[name]).all(), name
        assert (once[name] == single[name]).all(), name


@settings(max_examples=25, deadline=None)
@given(histories(), st.data())
def test_repeats_and_late_messages_leave_the_same_rings(said: list[Said], data: st.DataObject) -> None:
    late = data.draw(st.lists(st.integers(0, 6), min_size=len(said), max_size=len(said)))
    arriving = [
        s
        for _, s in sorted(
            zip([s.minute + d for s, d in zip(said, late, strict=True)], said, strict=True), key=lambda x: x[0]
        )
    ]
    straight, bent = fresh(VITALS, 2), fresh(VITALS, 2)
    tell(VITALS, straight, said)
    found = tell(VITALS, bent, arriving)
    for name in ("newest_min", "hr", "spo2_bits", "no_steps", "moved", "pulse", "lost_min", "rest_bins", "high_bpm"):
        assert (straight[name] == bent[name]).all(), name
    assert tell(VITALS, bent, said[-20:]) == []  # sent again: nothing new
    assert len({(f.row, f.identity) for f in found}) == len(found)


@pytest.mark.parametrize(("worse", "milder", "low", "after"), [("V4", "V5", 88, 97), ("V2", "V1", 150, 70)])
def test_milder_rule_does_not_speak_of_a_worse_episode_when_that_is_over(
    worse: str, milder: str, low: int, after: int
) -> None:
    """Not in time, and not when one message of the end came late and made the worse one seem over before."""
    value = "spo2" if worse == "V4" else "hr"
    days = [Said(minute=k, hr=70, spo2=97, steps=0) for k in range(3 * 1440)]
    start = len(days)
    ill = [replace(one, minute=start + k, **{value: low}) for k, one in enumerate(days[:50])]  # type: ignore[arg-type]
    well = [replace(one, minute=start + 50 + k, **{value: after}) for k, one in enumerate(days[:40])]  # type: ignore[arg-type]
    for late in (None, 44, 49):
        told = [*ill, *well]
        if late is not None:
            told.insert(late + 13, replace(told.pop(late), received=start + late + 13))
        state = fresh(VITALS)
        tell(VITALS, state, days, len(days))
        assert [f.rule for f in tell(VITALS, state, told)] == [worse], late


def test_late_minute_that_shows_when_low_saturation_began_does_not_raise_the_milder_rule() -> None:
    low = [Said(minute=minute, spo2=88.0) for minute in (41, 42, 44)]
    said = [Said(minute=0, spo2=93.0), *low, Said(minute=43, spo2=88.0, received=45)]
    state = fresh(VITALS)
    assert [found.rule for one in said for found in tell(VITALS, state, [one])] == ["V4"]
