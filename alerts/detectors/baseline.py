"""What is usual for one wearer: resting heart rate by time of day, as small histograms. What V1 and V3 compare with.

A day has eight parts of three hours, each with a histogram of its own, because the same pulse is ordinary in the
afternoon and alarming in sleep. One minute in four is counted, chosen by its number, so that a byte a bin holds some
two weeks; a full histogram forgets half. The order in which minutes come makes no difference to a sum.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from alerts.detectors.detector import Column, Columnar, Field

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

PARTS = 8
PART_MIN = 1440 // PARTS  # parts begin at midnight UTC: they need only be the same every day
# Narrow where V3 looks, wide where only a limit far above is made of them. The roll-up in the database has the same.
EDGES_BPM = np.array([36, 40, 43, 46, 49, 52, 56, 60, 64, 68, 73, 78, 84, 91, 99, 108, 120])
BINS = len(EDGES_BPM) - 1  # what lies outside stands in the first or the last
BIN_OF = np.clip(np.searchsorted(EDGES_BPM, np.arange(256), side="right") - 1, 0, BINS - 1)
SAMPLE = 4  # one minute in so many is counted
FULL = 200  # a bin that holds so much halves its histogram; a byte could hold 255
PART_LEAST = 40  # counted minutes before a part of the day stands for itself; until then the rest of the day does
DAY_LEAST = 150  # counted minutes before anything is known: ten hours at rest
UNKNOWN = 255

RISE_BPM = 26.0  # V1: so far above the median is much for anybody,
SPREADS = 3.0  # … so many scaled deviations for somebody restless,
ABOVE_P99_BPM = 5.0  # … so far above what is seen one minute in a hundred for somebody who has such minutes,
LEAST_BPM = 85.0  # … and this in any case: below it no resting pulse is fast.


def _wider(old: Column) -> Column:
    """Return histograms of 32 bins of 3 bpm from 36 on as those of today: each minute at the middle of its bin."""
    if old.shape[1:] != (PARTS, 32):
        return old
    to = BIN_OF[36 + 3 * np.arange(32) + 1]
    bins = np.zeros((*old.shape[:2], BINS), np.int64)
    for k in range(32):
        bins[:, :, to[k]] += old[:, :, k]
    return np.where(bins.max(axis=2, keepdims=True) >= FULL, bins // 2, bins).clip(0, FULL - 1).astype(np.uint8)


FIELDS: Mapping[str, Field] = {
    "rest_bins": Field(dtype="uint8", shape=(PARTS, BINS), was=("rest_bins", _wider)),
    "high_bpm": Field(dtype="uint8", shape=(PARTS,), fill=UNKNOWN),  # V1's limit, as it was when the part began
}


def part_of(minute: Ints) -> Ints:
    """Return which part of the day each minute lies in."""
    return minute % 1440 // PART_MIN


def sampled(minute: Ints) -> NDArray[np.bool_]:
    """Return which minutes are counted: as good as one in SAMPLE at random, whatever rhythm a device reports in."""
    chosen: NDArray[np.bool_] = ((minute * 0x9E3779B1) >> 16) % SAMPLE == 0
    return chosen


def count(state: Columnar, row: Ints, minute: Ints, bpm: Ints) -> None:
    """Count one resting heart rate each of n different devices."""
    part = part_of(minute)
    bins = BIN_OF[bpm]
    counted = state["rest_bins"][row, part, bins] + np.uint8(1)
    state["rest_bins"][row, part, bins] = counted
    full = counted >= FULL
    if full.any():
        state["rest_bins"][row[full], part[full]] //= np.uint8(2)


def begin_part(state: Columnar, row: Ints, before: Ints, minute: Ints) -> None:
    """Set V1's limit for devices whose clock moves on from `before` to `minute`, a minute in another part of the day.

    The limit stands until the part ends: what is measured today does not move it. It comes from this part of the days
    before; the part that has just ended is left out, because not all of its minutes are settled.
    """
    part = part_of(minute)
    state["high_bpm"][row, part] = high_limit_bpm(state["rest_bins"][row], part)
    skipped = before // PART_MIN < minute // PART_MIN - 1
    if skipped.any():  # a late message may still belong to the part that nobody saw begin
        row, part = row[skipped], (part[skipped] - 1) % PARTS
        state["high_bpm"][row, part] = high_limit_bpm(state["rest_bins"][row], part)


def take_over(state: Columnar, row: Ints, minutes: Floats) -> None:
    """Write what was usual for n wearers, from elsewhere: (n, PARTS, BINS) minutes at rest. V1's limits follow."""
    counted = minutes / SAMPLE
    most = counted.max(axis=2, initial=0, keepdims=True)
    halved = np.maximum(np.ceil(np.log2(np.maximum(most, 1) / (FULL - 1))), 0)
    state["rest_bins"][row] = np.rint(counted / 2**halved).astype(np.uint8)
    for part in range(PARTS):
        state["high_bpm"][row, part] = high_limit_bpm(state["rest_bins"][row], np.full(len(row), part))


def high_limit_bpm(bins: NDArray[np.uint8], part: Ints) -> NDArray[np.uint8]:
    """Return (m,) above what a resting heart rate is unusual, or UNKNOWN; bins has the shape (m, PARTS, BINS)."""
    line = np.arange(len(bins))
    own = bins[line, part].astype(np.int64)
    rest = bins.sum(axis=1, dtype=np.int64) - bins[line, (part - 1) % PARTS]
    enough = own.sum(axis=1) >= PART_LEAST
    taken = np.where(enough[:, None], own, rest)
    median, low, high, p99 = quantiles_bpm(taken, (0.5, 0.25, 0.75, 0.99))
    spread = (high - low) / 1.349
    limit = np.maximum(median + np.maximum(RISE_BPM, SPREADS * spread), np.maximum(p99 + ABOVE_P99_BPM, LEAST_BPM))
    known = enough | (rest.sum(axis=1) >= DAY_LEAST)
    return np.where(known, np.minimum(np.rint(limit), UNKNOWN - 1), UNKNOWN).astype(np.uint8)


def quantiles_bpm(bins: Ints, shares: tuple[float, ...]) -> list[Floats]:
    """Return the quantiles of m histograms (m, BINS), one array (m,) a share; meaningless where nothing was counted."""
    total = bins.cumsum(axis=1)
    line = np.arange(len(bins))
    found = []
    for share in shares:
        wanted = share * total[:, -1]
        at = (total >= wanted[:, None]).argmax(axis=1)
        inside = np.maximum(bins[line, at], 1)
        below = total[line, at] - bins[line, at]
        found.append(EDGES_BPM[at] + (EDGES_BPM[at + 1] - EDGES_BPM[at]) * (wanted - below) / inside)
    return found


def usual_bpm(state: Columnar, row: int, minute: int) -> tuple[float, int]:
    """Return one wearer's median resting heart rate at this time of day and from how many minutes it is known."""
    bins = state["rest_bins"][row].astype(np.int64)
    own = bins[minute % 1440 // PART_MIN]
    taken = own if own.sum() >= PART_LEAST else bins.sum(axis=0)
    return float(quantiles_bpm(taken[None, :], (0.5,))[0][0]), int(taken.sum()) * SAMPLE


def p5_bpm(state: Columnar, rows: Ints) -> Floats:
    """Return (m,) the 5th percentile of resting heart rate over the whole day, NaN where too little is known."""
    bins = state["rest_bins"][rows].sum(axis=1, dtype=np.int64)
    return np.where(bins.sum(axis=1) >= DAY_LEAST, quantiles_bpm(bins, (0.05,))[0], np.nan)
