"""A device whose clock is behind, or is set while it tells: found all the same; what was kept stays what it was."""

import json
from collections.abc import Callable, Sequence
from functools import cache
from random import Random

import numpy as np
import pytest

from alerts.detectors import detectors
from alerts.detectors.clocks import Clocks
from alerts.detectors.detector import Columnar
from devices.adapters.carehub_columns import decode_vitals
from devices.columns import Columns
from hub.gathered import vitals_columns

from .wearers import MINUTE_MS, START_MIN, fresh

CLOCKS = Clocks()
ROW = np.zeros(1, np.int64)
HOUR, DAY = 60, 1440
SET_MIN, ILL_FROM, ILL_TO, END_MIN = 140, 150, 200, 215


def new_state(rows: int = 1) -> Columnar:
    return {n: np.full((rows, *f.shape), f.fill, np.dtype(f.dtype)) for n, f in CLOCKS.fields.items()}


def came(ages_min: Sequence[float], every_min: float = 1.0) -> Columns:
    """Messages that came one after the other, each so old."""
    batch = Columns.absent(len(ages_min))
    batch.received_ms[:] = [(START_MIN + k * every_min) * MINUTE_MS + 700 for k in range(len(ages_min))]
    batch.measured_ms[:] = batch.received_ms - [int(age * MINUTE_MS) for age in ages_min]
    return batch


def ages(state: Columnar, batch: Columns, at_once: int = 1) -> list[float]:
    """Return how old, in minutes, messages are by clocks that were put right."""
    told: list[float] = []
    for start in range(0, len(batch), at_once):
        part = batch.take(np.arange(start, min(start + at_once, len(batch))))
        right = CLOCKS.put_right(state, np.zeros(len(part), np.int64), part)
        told += ((part.received_ms - right.measured_ms) / MINUTE_MS).tolist()
    return told


@cache
def feverish(behind_min: Callable[[int], int]) -> list[tuple[str, int]]:
    """What is found, and when, in an illness told by a watch whose clock is behind by so much in each minute."""
    received = np.array([(START_MIN + m) * MINUTE_MS + 700 for m in range(END_MIN)])
    well, ill = {"hr": 70, "rr": 16, "temp": 36.8, "spo2": 97}, {"hr": 150, "rr": 27, "temp": 39.5, "spo2": 88}
    said = [
        {**(ill if ILL_FROM <= m < ILL_TO else well), "steps": 0, "at": (START_MIN + m - behind_min(m)) * MINUTE_MS}
        for m in range(END_MIN)
    ]
    batch = vitals_columns(
        decode_vitals([json.dumps(one).encode() for one in said], received), np.ones(END_MIN, np.int64), received
    )
    all_of_them, clocks, found = detectors(480), new_state(), []
    held = [fresh(one) for one in all_of_them]
    for m in range(END_MIN):
        right = CLOCKS.put_right(clocks, ROW, batch.take(np.array([m])))
        found += [(f.rule, m) for d, s in zip(all_of_them, held, strict=True) for f in d.observe(s, ROW, right)]
    return found


def always_right(_: int) -> int:
    return 0


@pytest.mark.parametrize(
    "behind_min",
    [
        lambda m: 7 * HOUR,
        lambda m: 3 * DAY,
        lambda m: 7 * HOUR * (m >= SET_MIN),
        lambda m: 3 * DAY * (m >= SET_MIN),
        lambda m: HOUR // 2 * (m >= SET_MIN),
        lambda m: 7 * HOUR * (m < SET_MIN),
        lambda m: 2 * HOUR * (m >= ILL_FROM + 10),
        lambda m: (0, 3 * DAY, -DAY, DAY)[m // 25 % 4],
    ],
    ids=["hours", "days", "set back", "days back", "half an hour back", "put right", "while ill", "to and fro"],
)
def test_clock_that_is_behind_or_set_changes_nothing(behind_min: Callable[[int], int]) -> None:
    assert {rule for rule, _ in feverish(always_right)} >= {"V2", "V4", "V6", "V7", "V8"}
    assert feverish(behind_min) == feverish(always_right)


def test_age_that_stays_the_same_is_a_clock_and_is_put_right_from_then_on() -> None:
    state = new_state()
    assert ages(state, came([0, 0, 180, 180, 180, 180, 180, 180.5])) == [0, 0, 180, 180, 180, 0, 0, 0.5]
    assert ages(state, came([0, 0])) == [0, 0]  # it was put right


def test_what_was_kept_is_not_of_now() -> None:
    flood = [300 - k * 4 for k in range(60)]  # five minutes' worth in one
    assert ages(new_state(), came(flood)) == flood
    between = [0 if k % 3 == 0 else 300 for k in range(60)]  # old and new in turn
    assert ages(new_state(), came(between)) == between
    at_once = came([180.0] * 60, every_min=0)
    assert ages(new_state(), at_once) == [180.0] * 60


def test_the_same_message_again_and_again_is_no_clock() -> None:
    batch = came([100.0 + 0.1 * k for k in range(30)], every_min=0.1)
    assert len(set(batch.measured_ms.tolist())) == 1
    assert ages(new_state(), batch, at_once=7) == pytest.approx([100.0 + 0.1 * k for k in range(30)])


def test_late_messages_are_late_as_before() -> None:
    late = [Random(k).uniform(0, 16) for k in range(50)]
    assert ages(new_state(), came(late)) == pytest.approx(late, abs=0.001)


def test_nothing_of_a_device_that_is_behind_is_said_to_come_from_the_future() -> None:
    state = new_state()
    ages(state, came([600.0] * 6))
    assert ages(state, came([599.5, 590.0, 600.2])) == pytest.approx([0, 0, 0.2])


@pytest.mark.parametrize("seed", range(20))
def test_batches_of_any_size_find_the_same_clocks(seed: int) -> None:
    chance, told = Random(seed), list[float]()
    while len(told) < 120:
        told += [chance.choice((0, 5, 30, 420, 4320)) + chance.choice((0, 0.2))] * chance.randint(1, 12)
    one, many, all_together = new_state(), new_state(), new_state()
    batch = came(told)
    assert ages(one, batch) == ages(many, batch, 7) == ages(all_together, batch, len(told))
    for name in one:
        assert (one[name] == many[name]).all()
        assert (one[name] == all_together[name]).all()


def test_devices_have_clocks_of_their_own() -> None:
    state, batch = new_state(2), came([420.0, 0.0] * 8, every_min=0.5)
    CLOCKS.put_right(state, np.tile(np.array([0, 1]), 8), batch)
    assert (state["behind_ms"] // MINUTE_MS).tolist() == [420, 0]
