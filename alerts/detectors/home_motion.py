"""When a home last moved, as it stood at any of the last minutes. And its local days, which begin at 04:00."""

from collections.abc import Mapping

import numpy as np

from alerts.detectors.detector import Columnar, Field
from alerts.detectors.home_signs import DAY_BEGINS_MIN, Ints

SPAN = 32  # minutes whose movement is kept one by one: more than LATE_MIN and AHEAD_MIN together

FIELDS: Mapping[str, Field] = {
    "moved_min": Field(dtype="int32"),  # newest minute of movement, 0 = none known. The shell may write it at a rebuild
    "moves": Field(dtype="uint32"),  # bit k: moved k minutes before that
    "before_min": Field(dtype="int32"),  # newest movement the bits no longer reach
    "door_min": Field(dtype="int32"),
}


def note(state: Columnar, row: Ints, minute: Ints) -> None:
    """Take movements in. Newest and bits are the same in whatever order they come."""
    if len(row) == 0:
        return
    rows, which = np.unique(row, return_inverse=True)
    old = state["moved_min"][rows].astype(np.int64)
    new = old.copy()
    np.maximum.at(new, which, minute)
    _shift(state, rows, old, new)
    age = new[which] - minute
    near = age < SPAN
    np.bitwise_or.at(state["moves"], row[near], np.uint32(1) << age[near].astype(np.uint32))
    np.maximum.at(state["before_min"], row[~near], minute[~near].astype(np.int32))
    state["moved_min"][rows] = new


def _shift(state: Columnar, rows: Ints, old: Ints, new: Ints) -> None:
    by = np.minimum(new - old, SPAN).astype(np.uint64)
    bits = state["moves"][rows].astype(np.uint64)
    bits = np.where((bits == 0) & (old > 0), np.uint64(1), bits)  # the shell wrote moved_min alone
    lost = bits >> (np.uint64(SPAN) - by)
    newest_lost = old - (SPAN - by.astype(np.int64)) - _lowest(lost)
    state["before_min"][rows] = np.where(
        lost > 0, np.maximum(state["before_min"][rows], newest_lost), state["before_min"][rows]
    )
    state["moves"][rows] = ((bits << by) & np.uint64(0xFFFFFFFF)).astype(np.uint32)


def _lowest(bits: np.ndarray[tuple[int, ...], np.dtype[np.uint64]]) -> Ints:
    """Return (m,) the number of the lowest bit that is set, 0 for none."""
    alone = (bits & (~bits + np.uint64(1))).astype(np.float64)
    return np.log2(np.maximum(alone, 1)).astype(np.int64)


def newest(state: Columnar, cutoff_min: int) -> Ints:
    """Return (n,) the newest minute of movement up to the cutoff, 0 where none is known."""
    moved = state["moved_min"].astype(np.int64)
    ahead = np.flatnonzero(moved > cutoff_min)
    if len(ahead) == 0:
        return moved
    by = moved[ahead] - cutoff_min
    left = state["moves"][ahead].astype(np.uint64) >> np.minimum(by, SPAN).astype(np.uint64)
    moved[ahead] = np.where(left > 0, cutoff_min - _lowest(left), state["before_min"][ahead])
    return moved


def day_of(minute: int, offset_min: int) -> int:
    """Return the local day, which begins at 04:00."""
    return (minute + offset_min - DAY_BEGINS_MIN) // 1440


def midnight(day: int, offset_min: int) -> int:
    """Return the minute of UTC that is the 00:00 before a local day begins; 04:00 is 240 after it."""
    return day * 1440 - offset_min
