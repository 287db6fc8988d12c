"""The last 64 minutes of a device: what stands in them after messages in any order, and what is forgotten."""

import numpy as np
import pytest

from alerts.detectors import minutes, oxygen
from alerts.detectors.detector import Columnar, new_state
from tests.unit.alerts.detectors.wearers import START_MIN, Said, columns


def rings(*said: Said, state: Columnar | None = None) -> Columnar:
    """One batch into a state of two devices."""
    if state is None:
        state = new_state(minutes.FIELDS, 2)
    for told in minutes.rounds(*columns(said)):
        minutes.write(state, told)
    return state


def heart(state: Columnar, minute: int, row: int = 0) -> int:
    return int(state["hr"][row, (START_MIN + minute) & (minutes.RING - 1)])


def newest(state: Columnar, row: int = 0) -> int:
    return int(state["newest_min"][row]) - START_MIN


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_calmest_heart_and_best_saturation_stand_for_a_minute(order: tuple[int, ...]) -> None:
    said = [Said(minute=5, hr=140, spo2=88), Said(minute=5, hr=72, spo2=None), Said(minute=5, hr=None, spo2=95)]
    state = rings(*(said[k] for k in order))
    one_by_one = rings()
    for k in order:
        rings(said[k], state=one_by_one)
    for told in (state, one_by_one):
        assert heart(told, 5) == 72
        assert oxygen.read(told, np.array([0]), np.arange(oxygen.SLOTS)[None]).max() == 95


def test_minutes_passed_over_hold_nothing_of_an_hour_ago() -> None:
    state = rings(*(Said(minute=m, hr=60, steps=0) for m in range(64)))
    rings(Said(minute=70, hr=80, steps=5), state=state)
    assert newest(state) == 70
    assert [heart(state, m) for m in range(64, 71)] == [0, 0, 0, 0, 0, 0, 80]
    assert heart(state, 63) == 60
    assert int(state["moved"][0]) == 1
    assert int(state["no_steps"][0]) & 0x7F == 0  # the newest walked, six said nothing


def test_silence_of_more_than_the_ring_leaves_nothing() -> None:
    state = rings(*(Said(minute=m, hr=140, steps=0) for m in range(64)))
    rings(Said(minute=500, hr=80), state=state)
    assert np.count_nonzero(state["hr"][0]) == 1
    assert int(state["no_steps"][0]) == 0
    assert int(state["suspicious"][0]) == 0


def test_late_minute_goes_into_its_own_place_and_an_older_one_nowhere() -> None:
    state = rings(Said(minute=100, hr=70))
    rings(Said(minute=37, hr=61), Said(minute=36, hr=62), Said(minute=90, hr=135, steps=0), state=state)
    assert newest(state) == 100
    assert heart(state, 37) == 61  # 63 minutes old: the last that is kept
    assert heart(state, 100) == 70  # 36 has the same place as 100
    assert heart(state, 90) == 135
    assert int(state["suspicious"][0]) == 1 << 10
    assert int(state["no_steps"][0]) == 1 << 10


def test_clock_in_the_future_is_followed_two_minutes_and_no_further() -> None:
    assert newest(rings(Said(minute=900, hr=70, received=5))) == 7
    assert newest(rings(Said(minute=6, hr=70, received=5))) == 6


@pytest.mark.parametrize("said", [Said(minute=3, battery=50), Said(minute=3, hr=70, steps=4, worn=0)])
def test_message_without_a_vital_sign_or_off_the_wrist_moves_nothing(said: Said) -> None:
    assert int(rings(said)["newest_min"][0]) == 0


def test_device_that_counts_no_steps_is_taken_to_be_at_rest() -> None:
    state = rings(*(Said(minute=m, row=r, hr=70, steps=None if r else 0) for m in range(8) for r in (0, 1)))
    still, rest = minutes.stillness(state, np.array([0, 1]))
    assert still[:, 0].all()
    assert rest[:, 0].tolist() == [False, True]  # eight known minutes are too few; a blind device has no better


def test_twelve_minutes_after_the_last_step_are_rest() -> None:
    state = rings(Said(minute=0, hr=90, steps=40), *(Said(minute=m, hr=70, steps=0) for m in range(1, 13)))
    _, rest = minutes.stillness(state, np.array([0]))
    assert rest[0, :3].tolist() == [True, False, False]


def test_stillness_needs_twelve_minutes_that_are_still_kept() -> None:
    state = rings(*(Said(minute=m, hr=70, steps=0) for m in range(64)))
    still, rest = minutes.stillness(state, np.array([0]))
    assert still[0, :53].all()
    assert not still[0, 53:].any()
    assert not rest[0, 53:].any()


def trusted_now(*said: Said) -> bool:
    return bool(minutes.trusted(rings(*said), np.array([0]))[0, 0])


def found_pulse(start: int, end: int) -> list[Said]:
    return [Said(minute=m, hr=70, steps=0) for m in range(start, end)]


def test_pulse_is_believed_ninety_minutes_after_the_sensor_lost_it() -> None:
    lost = [Said(minute=m, steps=0) for m in range(100, 103)]
    before = found_pulse(0, 100)
    assert trusted_now(*before)
    assert not trusted_now(*before, *lost)
    assert not trusted_now(*before, *lost, *found_pulse(103, 190))
    assert trusted_now(*before, *lost, *found_pulse(103, 195))


def test_line_that_was_lost_says_nothing_about_the_sensor() -> None:
    assert trusted_now(*found_pulse(0, 50), *found_pulse(80, 100))


def test_loss_is_remembered_through_a_gap_longer_than_the_ring() -> None:
    lost = [Said(minute=m, steps=0) for m in range(100, 110)]
    assert not trusted_now(*found_pulse(0, 100), *lost, Said(minute=190, hr=70, steps=0))


def test_walking_of_the_last_half_hour_is_counted() -> None:
    state = rings(*(Said(minute=m, hr=90, steps=40 if m < 10 else 0) for m in range(35)))
    assert minutes.active_min(state, np.array([0]))[0, [0, 4, 5, 20]].tolist() == [5, 9, 10, 10]
