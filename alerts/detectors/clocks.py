"""Devices whose clock is behind: put right before the detectors look, or they would deafen themselves for days.

A clock that runs ahead is not believed by anybody. One that is behind looks like a message that was kept: a watch whose
battery was empty has lost that time, one that was set to another zone loses hours, and everything it says from then on
is older than what was heard before. What was kept comes faster than it was measured, so its age falls from message to
message, or stands between messages of now. Where the age stays the same for SURE_MIN of our own time, it is the
clock that is behind by so much.

Only what was measured and when it came is looked at, so a replay finds the same.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from alerts.detectors.detector import LATE_MIN, MINUTE_MS, Column, Columnar, Field
from devices.columns import Columns

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

LATE_MS = LATE_MIN * MINUTE_MS  # on its way for so long, nothing is wrong with its clock
SAME_MS = 90_000  # ages that differ by no more are the same: lines are slow at times
SURE_MIN = 3  # of our time in which the age must stay the same,
SURE_TIMES = 4  # … for so many messages


MOST_MS = 2**32 - 1  # seven weeks: `devices.plausible` believes no clock that is further behind


def _short(age_ms: Column) -> Column:
    return np.clip(age_ms, 0, MOST_MS).astype(np.uint32)


def _seconds(ms: Column) -> Column:
    seconds: Column = np.maximum(ms // 1000, 0).astype(np.uint32)
    return seconds


class Clocks:
    """Not a detector, but its state lives, grows and is checkpointed as theirs does."""

    name = "clocks"
    fields: Mapping[str, Field] = {
        "behind_ms": Field(dtype="uint32", was=("behind_ms", _short)),  # its clock is behind ours, 0 = it is right
        "odd_ms": Field(dtype="uint32", was=("odd_ms", _short)),  # the age that is looked into
        "odd_since_s": Field(dtype="uint32", was=("odd_since_ms", _seconds)),  # since when, by our clock, 0 = none is
        "odd_last_s": Field(dtype="uint32", was=("odd_last_ms", _seconds)),  # newest device time of these
        "odd_times": Field(dtype="uint8"),
    }

    def put_right(self, state: Columnar, rows: Ints, batch: Columns) -> Columns:
        """Return the batch with times by clocks that are right, as far as is known. Messages in order of arrival."""
        age = batch.received_ms - batch.measured_ms
        behind = state["behind_ms"][rows].astype(np.int64)
        odd = (age > LATE_MS) | (behind > 0)
        if not odd.any():
            if (state["odd_since_s"][rows] > 0).any():
                state["odd_since_s"][rows] = 0  # a message of now: what was older had been kept
            return batch
        steady = (behind > 0) & (np.abs(age - behind) <= SAME_MS) & (state["odd_since_s"][rows] == 0)
        looked = np.isin(rows, rows[odd & ~steady])
        for i in np.flatnonzero(looked).tolist():
            behind[i] = _look(state, int(rows[i]), int(batch.received_ms[i]), int(batch.measured_ms[i]))
        calm = ~looked & ~odd
        state["odd_since_s"][rows[calm]] = 0
        right = np.where(behind > 0, np.minimum(batch.measured_ms + behind, batch.received_ms), batch.measured_ms)
        return replace(batch, measured_ms=right)


def _look(state: Columnar, row: int, received_ms: int, measured_ms: int) -> int:
    """Take one message in; return by how much its device's clock is behind."""
    age, behind = min(received_ms - measured_ms, MOST_MS), int(state["behind_ms"][row])
    if age < behind - LATE_MS:
        behind = state["behind_ms"][row] = 0  # it was set: nothing is on its way for less than no time
    if age <= behind + LATE_MS:
        state["odd_since_s"][row] = 0
        return behind
    since = int(state["odd_since_s"][row])
    if since == 0 or abs(age - int(state["odd_ms"][row])) > SAME_MS:
        state["odd_ms"][row], state["odd_since_s"][row] = age, received_ms // 1000
        state["odd_last_s"][row], state["odd_times"][row] = max(measured_ms // 1000, 0), 1
        return behind
    if measured_ms // 1000 > state["odd_last_s"][row]:  # not the same again
        state["odd_last_s"][row] = measured_ms // 1000
        state["odd_times"][row] = min(int(state["odd_times"][row]) + 1, SURE_TIMES)
    if state["odd_times"][row] < SURE_TIMES or received_ms - since * 1000 < SURE_MIN * MINUTE_MS:
        return behind
    state["behind_ms"][row], state["odd_since_s"][row] = state["odd_ms"][row], 0
    return int(state["behind_ms"][row])
