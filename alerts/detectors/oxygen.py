"""Saturations of the last 64 minutes in five bits each, and what is usual for the wearer: what V4 and V5 stand on.

What a living body shows, 70 to 100 %, and unknown. Bit s of plane p is bit p of the code in slot s, a minute's number
modulo 64. What is usual is a histogram of still readings; one that is full forgets half.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from alerts.detectors.detector import Column, Columnar, Field

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]

SLOTS, PLANES = 64, 5
SCALE_2 = 8  # scale 2 (hypercapnic failure) puts every limit so many points lower
LOWEST_PCT = 70  # code 1; less is no reading (devices.plausible)
ONE = np.uint64(1)
PLACES = np.arange(PLANES, dtype=np.uint64)


def _planes(old: Column) -> Column:
    """Return rings of bytes, (n, SLOTS), as planes."""
    code = _coded(old).astype(np.uint64)
    slots = np.arange(SLOTS, dtype=np.uint64)
    bits = [np.bitwise_or.reduce((code >> place & ONE) << slots, axis=1) for place in PLACES]
    return np.stack(bits, axis=1)


EDGES_PCT = np.array([90, 92, 93, 94])  # five bins: V5 need only know where in these what is low for her lies
BELOW_PCT = np.array([86, 89, 91, 92, 93])  # V5's limit for each: lower than that is low for her
FULL = 200  # a bin that holds so much halves its histogram
KNOWN_LEAST = 40  # counted readings before anything is usual
LOW_SHARE = 0.1  # of her readings are low for her

FIELDS: Mapping[str, Field] = {
    "spo2_bits": Field(dtype="uint64", shape=(PLANES,), was=("spo2", _planes)),
    "spo2_scale2": Field(dtype="uint8"),  # written by the shell
    "spo2_bins": Field(dtype="uint8", shape=(len(BELOW_PCT),)),
}


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


def count(state: Columnar, row: Ints, pct: Bytes) -> None:
    """Count one still reading each of n devices, 0 = none; rows may repeat. Of scale 2, raised as V4 and V5 see it."""
    told = np.flatnonzero(pct)
    if len(told) == 0:
        return
    row, place = row[told], np.searchsorted(EDGES_PCT, pct[told], side="right")
    np.add.at(state["spo2_bins"], (row, place), np.uint8(1))
    full = np.unique(row[state["spo2_bins"][row, place] >= FULL])
    state["spo2_bins"][full] //= np.uint8(2)


def lowish_pct(state: Columnar, rows: Ints) -> Ints:
    """Return (m,) up to what V5 finds a saturation low for the wearer; the same for everybody who is not known."""
    total = state["spo2_bins"][rows].cumsum(axis=1, dtype=np.int64)
    place = (total >= LOW_SHARE * total[:, -1:]).argmax(axis=1)
    limit: Ints = np.where(total[:, -1] >= KNOWN_LEAST, BELOW_PCT[place], BELOW_PCT[-1])
    return limit
