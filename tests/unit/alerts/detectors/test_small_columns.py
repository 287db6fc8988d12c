"""What is kept in few bits comes back whole: saturations by the minute, minutes that are spent."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from alerts.detectors import oxygen, spent
from alerts.detectors.detector import new_state

ROW, MINUTE = np.array([0]), 29_000_000


@given(st.lists(st.tuples(st.integers(0, 90), st.sampled_from([0, 70, 83, 88, 91, 92, 93, 94, 100])), max_size=60))
def test_saturations_are_those_of_a_ring_of_bytes(told: list[tuple[int, int]]) -> None:
    state, ring, newest = new_state(oxygen.FIELDS, 1), np.zeros(64, np.uint8), MINUTE
    for step, pct in told:
        ahead, minute = step, newest + step
        ring[[(newest + k) & 63 for k in range(1, min(ahead, 64) + 1)]] = 0
        oxygen.advance(state, ROW, np.array([minute]), np.array([ahead]))
        newest, slot = minute, np.array([minute & 63])
        ring[slot[0]] = max(ring[slot[0]], pct)
        assert oxygen.write(state, ROW, slot, np.array([pct], np.uint8))[0] == ring[slot[0]]
        assert oxygen.read(state, ROW, np.arange(64)[None])[0].tolist() == ring.tolist()


@given(st.integers(1, 2 * spent.ROUND), st.integers(0, 2000))
def test_spent_minute_is_told_until_it_is_too_old_to_matter(minute: int, later: int) -> None:
    state, row, newest = new_state(spent.FIELDS, 1), ROW, minute + later
    spent.put(state, "cleared", row, 3, np.array([minute]))
    spent.forget(state, row, np.array([newest]), np.array([1]))
    assert spent.told(state, "cleared", row, 3, np.array([newest])).tolist() == [minute]
    spent.forget(state, row, np.array([newest + spent.LOOKED_BACK_MIN]), np.array([spent.LOOKED_BACK_MIN]))
    assert not state["cleared"].any()


def test_spent_minute_of_a_device_that_was_silent_for_the_whole_round_is_forgotten() -> None:
    state = new_state(spent.FIELDS, 1)
    spent.put(state, "cleared", ROW, 0, np.array([MINUTE]))
    spent.forget(state, ROW, np.array([MINUTE + spent.ROUND + 1]), np.array([spent.ROUND + 1]))
    assert spent.told(state, "cleared", ROW, 0, np.array([MINUTE + spent.ROUND + 1])).tolist() == [0]
