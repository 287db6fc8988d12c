"""Up to which minute each rule's episodes of a device are over: two bytes a rule, told against its newest minute.

A minute is kept as what is left of it in two bytes, 45 days; what is older than anything looks back to is forgotten at
each new part of the day.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from alerts.detectors.detector import Column, Columnar, Field

Ints = NDArray[np.int64]

RULES, FIRST = 8, 4
ROUND = 65_535  # minutes that two bytes tell apart, 0 being none
LOOKED_BACK_MIN = 2 * 1440  # no rule looks further


def coded(minute: Column) -> NDArray[np.uint16]:
    """Return minutes as they are kept; 0 stays none."""
    return np.where(minute > 0, minute.astype(np.int64) % ROUND + 1, 0).astype(np.uint16)


FIELDS: Mapping[str, Field] = {
    "cleared": Field(dtype="uint16", shape=(RULES,), was=("cleared_min", coded)),  # minutes up to this one are spent
    "begun": Field(dtype="uint16", shape=(FIRST,)),  # when the newest episode began, of the first rules
}


def put(state: Columnar, name: str, row: Ints | int, column: int, minute: Ints | int) -> None:
    """Keep a minute of a rule."""
    state[name][row, column] = coded(np.asarray(minute))


def told(state: Columnar, name: str, row: Ints | int, column: int, newest: Ints | int) -> Ints:
    """Return the minute that is kept of a rule, 0 where none is. No later than the newest."""
    code = state[name][row, column].astype(np.int64)
    minute: Ints = np.where(code > 0, newest - (newest - (code - 1)) % ROUND, 0)
    return minute


def forget(state: Columnar, row: Ints, newest: Ints, ahead: Ints) -> None:
    """Drop what is too old to matter of n devices that have moved on by `ahead` minutes to `newest`."""
    for name in FIELDS:
        kept = state[name][row]
        if not kept.any():
            continue
        age = (newest[:, None] - (kept.astype(np.int64) - 1)) % ROUND
        state[name][row] = np.where((age > LOOKED_BACK_MIN) | (ahead >= LOOKED_BACK_MIN)[:, None], 0, kept)
