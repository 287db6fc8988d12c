"""What the rules of homes stand on: movement as of any minute, weights that add up, when a local day begins."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.detectors import home_joined, home_motion
from alerts.detectors.home_joined import NEVER, WEIGHTS, holding
from alerts.detectors.home_signs import AHEAD_MIN, LATE_MIN, clock

from .homes import MIDNIGHT_MIN, OFFSET_MIN, fresh

MINUTES = st.lists(st.integers(0, 200), min_size=1, max_size=40)


@given(MINUTES, st.integers(1, 5), st.integers(0, LATE_MIN + AHEAD_MIN))
def test_the_newest_movement_up_to_a_minute_is_known_in_whatever_batches_it_came(
    minutes: list[int], batch: int, before: int
) -> None:
    state = fresh(2)
    for at in range(0, len(minutes), batch):
        part = np.array(minutes[at : at + batch], np.int64) + MIDNIGHT_MIN
        home_motion.note(state, np.ones(len(part), np.int64), part)
    cutoff = max(minutes) - before
    until = [m for m in minutes if m <= cutoff]
    expected = MIDNIGHT_MIN + max(until) if until else 0
    assert home_motion.newest(state, MIDNIGHT_MIN + cutoff).tolist() == [0, expected]


def test_movement_the_shell_remembers_counts_like_any_other() -> None:
    state = fresh(1, moved_min=MIDNIGHT_MIN)
    home_motion.note(state, np.zeros(1, np.int64), np.array([MIDNIGHT_MIN + 5]))
    assert home_motion.newest(state, MIDNIGHT_MIN + 4).tolist() == [MIDNIGHT_MIN]
    home_motion.note(state, np.zeros(1, np.int64), np.array([MIDNIGHT_MIN + 500]))
    assert home_motion.newest(state, MIDNIGHT_MIN + 495).tolist() == [MIDNIGHT_MIN + 5]


@pytest.mark.parametrize(("local_min", "day"), [(239, 20_599), (240, 20_600), (1679, 20_600), (1680, 20_601)])
def test_a_local_day_begins_at_four(local_min: int, day: int) -> None:
    assert home_motion.day_of(MIDNIGHT_MIN + local_min, OFFSET_MIN) == day
    assert home_motion.midnight(20_600, OFFSET_MIN) == MIDNIGHT_MIN


def test_minutes_are_written_as_the_clock_on_her_wall_shows_them() -> None:
    assert clock(MIDNIGHT_MIN + 425, OFFSET_MIN) == "07:05"
    assert clock(1679, 0) == "03:59"


@pytest.mark.parametrize("held", [c for n in range(5) for c in combinations(WEIGHTS, n)])
def test_signs_are_enough_from_the_one_that_fills_the_measure(held: tuple[str, ...]) -> None:
    since = {name: 100 * (place + 1) for place, name in enumerate(held)}
    weak = [holding(name, np.array([since.get(name, 0)]), np.array([name in since])) for name in WEIGHTS]
    expected, total = NEVER, 0
    for name in held:
        total += WEIGHTS[name]
        if total >= home_joined.ENOUGH and expected == NEVER:
            expected = since[name]
    assert home_joined.enough_since(weak).tolist() == [expected]
    told = home_joined.evidence(weak, 0, 0)
    assert [(sign["sign"], sign["weight"]) for sign in told] == [(name, WEIGHTS[name]) for name in held]


def test_no_sign_is_enough_alone() -> None:
    assert max(WEIGHTS.values()) < home_joined.ENOUGH
    assert WEIGHTS["door_unopened"] + WEIGHTS["no_water"] < home_joined.ENOUGH
