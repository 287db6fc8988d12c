"""Saturations of the last 64 minutes in five bits each: what a living body shows, 70 to 100 %, and unknown.

Bit s of plane p is bit p of the code in slot s, a minute's number modulo 64.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from alerts.detectors.detector import Column, Columnar, Field

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]

SLOTS, PLANES = 64, 5
LOWEST_PCT = 70  # code 1; less is no reading (devices.plausible)
ONE = np.uint64(1)
PLACES = np.arange(PLANES, dtype=np.uint64)


def _planes(old: Column) -> Column:
    """Return rings of bytes, (n, SLOTS), as planes."""
    code = _coded(old).astype(np.uint64)
    slots = np.arange(SLOTS, dtype=np.uint64)
    bits = [np.bitwise_or.reduce((code >> place & ONE) << slots, axis=1) for place in PLACES]
    return np.stack(bits, axis=1)


FIELDS: Mapping[str, Field] = {"spo2_bits": Field(dtype="uint64", shape=(PLANES,), was=("spo2", _planes))}


def _coded(pct: Column) -> Bytes:
    return np.where(pct > 0, np.clip(pct, LOWEST_PCT, 100) - (LOWEST_PCT - 1), 0).astype(np.uint8)


def _told(code: Bytes) -> Bytes:
    return np.where(code > 0, code + np.uint8(LOWEST_PCT - 1), np.uint8(0))


def write(state: Columnar, row: Ints, slot: Ints, pct: Bytes) -> Bytes:
    """Put one minute each of n different devices in; returns what stands there, the highest of what was told."""
    if not pct.any():  # most minutes say nothing of it
        return read(state, row, slot[:, None])[:, 0]
    code, at = _coded(pct).astype(np.uint64), slot.astype(np.uint64)
    planes = state["spo2_bits"][row]
    bits = (planes >> at[:, None]) & ONE
    old = (bits << PLACES).sum(axis=1, dtype=np.uint64)
    new = np.maximum(old, code)
    state["spo2_bits"][row] = planes & ~(ONE << at)[:, None] | ((new[:, None] >> PLACES) & ONE) << at[:, None]
    return _told(new.astype(np.uint8))


def read(state: Columnar, row: Ints, slot: Ints) -> Bytes:
    """Return (n, k) percent in the slots (n, k), 0 where unknown."""
    planes, at = state["spo2_bits"][row], slot.astype(np.uint64)
    code = np.zeros(slot.shape, np.uint8)
    for place in range(PLANES):
        code |= ((planes[:, place, None] >> at) & ONE).astype(np.uint8) << np.uint8(place)
    return _told(code)


def advance(state: Columnar, row: Ints, minute: Ints, ahead: Ints) -> None:
    """Empty the slots of the minutes that n devices have moved on by, up to `minute`."""
    many = np.minimum(ahead, SLOTS - 1).astype(np.uint64)
    mask = (ONE << many) - ONE
    first = ((minute - many.astype(np.int64) + 1) % SLOTS).astype(np.uint64)
    wrapped = np.where(first > 0, mask >> ((np.uint64(SLOTS) - first) & np.uint64(SLOTS - 1)), np.uint64(0))
    gone = np.where(ahead >= SLOTS, ~np.uint64(0), mask << first | wrapped)
    state["spo2_bits"][row] &= ~gone[:, None]
