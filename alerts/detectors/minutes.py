"""The last 64 minutes of every device: written in any order, read by age. What the vital-sign rules stand on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from alerts.detectors.detector import Columnar, Field
from devices.columns import Columns

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

MINUTE_MS = 60_000
RING = 64  # minutes kept; a power of two, and the width of the bit masks
LATE_MIN = 16  # a message may be this late and still complete a window
SETTLED_MIN = 20  # a minute this old goes into the personal baseline
AHEAD_MS = 2 * MINUTE_MS  # a device clock further ahead than this is not followed
REST_MIN = 12  # no steps for this long is rest
REST_KNOWN = 9  # of which so many minutes must have reported
CALM_BPM = 75  # of several values in one minute the calmest stands for it
HALF_LIFE = 20_160  # resting minutes (14 days) after which the baseline forgets half
BIN_BPM, LOWEST_BPM, BINS = 2, 30, 40

FIELDS: Mapping[str, Field] = {
    "newest_min": Field(dtype="int32"),  # 0 = never heard
    "hr": Field(dtype="uint8", shape=(RING,)),  # bpm by minute number modulo RING, 0 = unknown
    "spo2": Field(dtype="uint8", shape=(RING,)),
    "no_steps": Field(dtype="uint64"),  # bit k: k minutes before the newest, steps were reported and were 0
    "moved": Field(dtype="uint64"),  # the same for steps > 0
    "suspicious": Field(dtype="uint64"),  # the same for a value that some rule looks at
    "counts_steps": Field(dtype="uint8"),  # this device has reported steps at least once
    "rest_bins": Field(dtype="uint16", shape=(BINS,)),  # resting heart rate, 2 bpm a bin from 30
    "rest_total": Field(dtype="uint16"),
}
TWELVE = np.uint64((1 << REST_MIN) - 1)


@dataclass(frozen=True, slots=True)
class Minutes:
    """n minutes of n different devices. Values are 0 where unknown, steps -1."""

    row: Ints
    minute: Ints
    hr: NDArray[np.uint8]
    spo2: NDArray[np.uint8]
    steps: NDArray[np.int32]

    def take(self, index: NDArray[np.intp] | Bools) -> "Minutes":
        return Minutes(*(getattr(self, f.name)[index] for f in fields(self)))


def rounds(rows: Ints, batch: Columns) -> Iterator[Minutes]:
    """Split a batch so that each part has a device at most once, every device's minutes rising."""
    hr, spo2, steps = batch.heart_rate_bpm, batch.spo2_pct, batch.steps
    use = ((hr == hr) | (spo2 == spo2) | (steps >= 0)) & (batch.worn != 0)  # noqa: PLR0124 (NaN differs from itself)
    minute = np.minimum(batch.measured_ms, batch.received_ms + AHEAD_MS) // MINUTE_MS
    order = np.lexsort((minute, rows))
    order = order[use[order]]
    if len(order) == 0:
        return
    told = Minutes(rows[order], minute[order], _byte(hr[order]), _byte(spo2[order]), steps[order])
    new_row = np.append(True, told.row[1:] != told.row[:-1])
    new_minute = new_row | np.append(True, told.minute[1:] != told.minute[:-1])
    if not new_minute.all():
        told = _merge(told, np.flatnonzero(new_minute))
        new_row = new_row[new_minute]
    if new_row.all():
        yield told
        return
    first = np.flatnonzero(new_row)
    turn = np.arange(len(new_row)) - np.repeat(first, np.diff(np.append(first, len(new_row))))
    for k in range(int(turn.max()) + 1):
        yield told.take(turn == k)


def _byte(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    known = np.where(values >= 1, values, 0)  # NaN fails the comparison
    return np.minimum(known + np.float32(0.5), 255).astype(np.uint8)


def _merge(told: Minutes, start: NDArray[np.intp]) -> Minutes:
    """Several messages in one minute of one device: calmest heart rate, highest saturation, most steps."""
    key = _calmness(told.hr)
    calmest = (np.minimum.reduceat(key, start) & 255).astype(np.uint8)
    spo2, steps = np.maximum.reduceat(told.spo2, start), np.maximum.reduceat(told.steps, start)
    return Minutes(told.row[start], told.minute[start], calmest, spo2, steps)


def _calmness(hr: NDArray[np.uint8]) -> Ints:
    """Sort key: known before unknown, nearer to CALM_BPM first; the value itself in the low byte."""
    wide = hr.astype(np.int64)
    return np.where(wide > 0, np.abs(wide - CALM_BPM), 255) * 256 + wide


def write(state: Columnar, told: Minutes) -> None:
    """Put one minute of each of n devices into their rings; a device's clock moves on to its newest minute."""
    row = told.row
    newest = state["newest_min"][row].astype(np.int64)
    ahead = told.minute - newest
    forward = ahead > 0
    if forward.all():
        _advance(state, row, newest, ahead)
    else:
        told, row, ahead = _late(state, told, newest, ahead, forward)
    age = np.maximum(-ahead, 0).astype(np.uint64)
    slot = told.minute & (RING - 1)
    old = state["hr"][row, slot]
    hr = told.hr if not old.any() else (np.minimum(_calmness(old), _calmness(told.hr)) & 255).astype(np.uint8)
    spo2 = np.maximum(state["spo2"][row, slot], told.spo2)
    state["hr"][row, slot] = hr
    state["spo2"][row, slot] = spo2
    state["no_steps"][row] |= (told.steps == 0).astype(np.uint64) << age
    state["moved"][row] |= (told.steps > 0).astype(np.uint64) << age
    odd = (hr >= 131) | ((hr > 0) & (hr <= 40)) | ((spo2 > 0) & (spo2 <= 93))
    if odd.any():
        state["suspicious"][row] |= odd.astype(np.uint64) << age
    state["counts_steps"][row] |= (told.steps >= 0).astype(np.uint8)


def _late(state: Columnar, told: Minutes, newest: Ints, ahead: Ints, forward: Bools) -> tuple[Minutes, Ints, Ints]:
    _advance(state, told.row[forward], newest[forward], ahead[forward])
    keep = ahead > -RING
    told = told.take(keep)
    return told, told.row, ahead[keep]


def _advance(state: Columnar, row: Ints, newest: Ints, ahead: Ints) -> None:
    """Move n devices on by `ahead` minutes: settle what grows old, shift the masks, empty the slots passed over."""
    _settle(state, row, newest, ahead)
    gone = ahead >= RING
    shift = np.minimum(ahead, RING - 1).astype(np.uint64)
    for name in ("no_steps", "moved", "suspicious"):
        mask = state[name][row] << shift
        if gone.any():
            mask[gone] = 0
        state[name][row] = mask
    minute = newest + ahead
    slot = minute & (RING - 1)
    state["hr"][row, slot] = 0
    state["spo2"][row, slot] = 0
    far = np.flatnonzero(ahead > 1)
    if len(far):
        passed = ((minute[far, None] - np.arange(RING)) & (RING - 1)) < ahead[far, None]
        for name in ("hr", "spo2"):
            state[name][row[far]] = np.where(passed, 0, state[name][row[far]])
    state["newest_min"][row] = minute


def _settle(state: Columnar, row: Ints, newest: Ints, ahead: Ints) -> None:
    """Count the resting heart rates that pass SETTLED_MIN into the personal baseline."""
    _settle_minute(state, row, newest, np.full(len(row), SETTLED_MIN - 1))
    skipping = np.flatnonzero(ahead > 1)
    if len(skipping):  # as many minutes as were passed over, one line each
        more = np.minimum(ahead[skipping], SETTLED_MIN) - 1
        line = np.repeat(skipping, more)
        nth = np.arange(len(line)) - np.repeat(np.cumsum(more) - more, more)
        _settle_minute(state, row[line], newest[line], SETTLED_MIN - 2 - nth, repeats=True)


def _settle_minute(state: Columnar, row: Ints, newest: Ints, age: Ints, *, repeats: bool = False) -> None:
    """Count one minute each of n devices, if the wearer was at rest; `repeats` if a device may be there twice."""
    hr = state["hr"][row, (newest - age) & (RING - 1)]
    some = np.flatnonzero(hr)
    if len(some) < len(row):
        row, age, hr = row[some], age[some], hr[some]
    back = age.astype(np.uint64)
    moved = (state["moved"][row] >> back) & TWELVE
    known = np.bitwise_count((state["no_steps"][row] >> back) & TWELVE)
    resting = np.flatnonzero((moved == 0) & (known >= REST_KNOWN))
    row, bpm = row[resting], hr[resting].astype(np.int64)
    bins = np.clip((bpm - LOWEST_BPM) // BIN_BPM, 0, BINS - 1)
    if repeats:
        np.add.at(state["rest_bins"], (row, bins), np.uint16(1))
        np.add.at(state["rest_total"], row, np.uint16(1))
    else:  # four times as quick
        state["rest_bins"][row, bins] += np.uint16(1)
        state["rest_total"][row] += np.uint16(1)
    full = row[state["rest_total"][row] >= HALF_LIFE]
    if len(full):
        full = np.unique(full)
        state["rest_bins"][full] //= np.uint16(2)
        state["rest_total"][full] = state["rest_bins"][full].sum(axis=1)


def stillness(state: Columnar, rows: Ints) -> tuple[Bools, Bools]:
    """Return (still, rest) by age, both (m, RING): no known steps for 12 minutes; known not to have walked.

    A device that has never counted steps cannot show movement: absolute limits must still hold for it, so it is taken
    to be at rest. Ages whose 12 minutes are not all kept are neither.
    """
    ages = np.arange(RING, dtype=np.uint64)
    moved = (state["moved"][rows, None] >> ages) & TWELVE
    known = np.bitwise_count((state["no_steps"][rows, None] >> ages) & TWELVE)
    still = moved == 0
    still[:, RING - REST_MIN + 1 :] = False
    blind = (state["counts_steps"][rows] == 0)[:, None]
    return still, still & ((known >= REST_KNOWN) | blind)


def resting_p5_bpm(state: Columnar, rows: Ints, least: int) -> NDArray[np.float64]:
    """Return (m,) the 5th percentile of resting heart rate, NaN where fewer than `least` minutes are known."""
    bins = state["rest_bins"][rows].cumsum(axis=1, dtype=np.int64)
    total = bins[:, -1]
    p5 = LOWEST_BPM + BIN_BPM * (bins >= 0.05 * total[:, None]).argmax(axis=1) + BIN_BPM / 2
    return np.where(total >= least, p5, np.nan)
