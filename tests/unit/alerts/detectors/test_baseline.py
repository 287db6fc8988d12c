"""What is usual for a wearer: learnt by time of day, forgotten slowly, and not moved by what is measured today."""

import numpy as np
import pytest

from alerts.detectors import baseline
from alerts.detectors.detector import Columnar, new_state

NIGHT, NOON = 0, 4


def learnt(*days: dict[int, tuple[int, int]]) -> Columnar:
    """State of one wearer: per histogram part, how many minutes of which pulse."""
    state = new_state(baseline.FIELDS, 1)
    for day in days:
        for part, (times, bpm) in day.items():
            for _ in range(times):
                minute = np.array([part * baseline.PART_MIN])
                baseline.count(state, np.array([0]), minute, np.array([bpm]))
    return state


def limit(state: Columnar, part: int) -> int:
    return int(baseline.high_limit_bpm(state["rest_bins"], np.array([part]))[0])


def test_night_has_a_lower_limit_than_noon() -> None:
    state = learnt({NIGHT: (100, 60), NOON: (100, 85)})
    assert limit(state, NIGHT) == pytest.approx(87, abs=2)
    assert limit(state, NOON) == pytest.approx(112, abs=2)


def test_part_nobody_was_seen_in_takes_the_rest_of_the_day() -> None:
    assert limit(learnt({NOON: (180, 85)}), NIGHT) == pytest.approx(112, abs=2)
    assert limit(learnt({NOON: (100, 85)}), NIGHT) == baseline.UNKNOWN


def test_part_before_is_left_out_because_it_is_not_settled() -> None:
    assert limit(learnt({NOON: (180, 85)}), NOON + 1) == baseline.UNKNOWN


def test_wearer_with_fast_minutes_at_this_hour_has_a_limit_above_them() -> None:
    state = learnt({NOON: (100, 70)}, {NOON: (4, 118)})
    assert limit(state, NOON) > 118


def test_pulse_below_85_is_never_fast() -> None:
    assert limit(learnt({NIGHT: (100, 45)}), NIGHT) == 85


def test_full_histogram_forgets_half_and_keeps_its_shape() -> None:
    state = learnt({NIGHT: (90, 60)}, {NIGHT: (baseline.FULL, 70)})
    kept = state["rest_bins"][0, NIGHT].astype(int)
    assert sorted(kept[kept > 0].tolist()) == [45, 100]
    assert limit(state, NIGHT) == pytest.approx(97, abs=2)


def test_one_minute_in_four_is_counted_in_whatever_rhythm_a_device_reports() -> None:
    for rhythm in (1, 2, 3, 4, 5, 10, 15, 60):
        minutes = np.arange(29_000_000, 29_000_000 + 40_000 * rhythm, rhythm)
        assert 0.2 < baseline.sampled(minutes).mean() < 0.3, rhythm


def test_limit_stands_from_the_beginning_of_a_part_to_its_end() -> None:
    state = learnt({NOON: (100, 70)})
    row, noon = np.array([0]), NOON * baseline.PART_MIN
    baseline.begin_part(state, row, np.array([noon - 1]), np.array([noon]))
    before = state["high_bpm"].copy()
    for _ in range(50):
        baseline.count(state, row, np.array([noon + 30]), np.array([110]))
    assert (state["high_bpm"] == before).all()
    assert before[0, NOON] == pytest.approx(97, abs=2)
