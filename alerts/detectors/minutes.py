"""The last 64 minutes of every device: written in any order, read by age. What the vital-sign rules stand on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.detectors import baseline, detector, nights, oxygen, seldom, spent, temperature
from alerts.detectors.detector import Columnar, Field
from devices.columns import Columns

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

MINUTE_MS, LATE_MIN = detector.MINUTE_MS, detector.LATE_MIN
RING = 64  # minutes kept; a power of two, and the width of the bit masks
SETTLED_MIN = 20  # a minute this old goes into the personal baseline
AHEAD_MS = 2 * MINUTE_MS  # a device clock further ahead than this is not followed
REST_MIN = 12  # no steps for this long is rest
REST_KNOWN = 9  # of which so many minutes must have reported
CALM_BPM = 75  # of several values in one minute the calmest stands for it
CALM_RPM = 16
BREATHS = 32  # minutes of respiration kept: V6 looks at no more
SLOW_RPM, FAST_RPM = 8, 25  # V6
LOST_MIN = 3  # so many minutes in a row in which a device spoke without finding a pulse: it is not worn well
TRUST_MIN = 90  # a pulse is believed when none was lost for so long
ACTIVE_MIN = 30  # walking in these minutes explains some of the pulse

FIELDS: Mapping[str, Field] = {
    "newest_min": Field(dtype="int32"),  # 0 = never heard
    "hr": Field(dtype="uint8", shape=(RING,)),  # bpm by minute number modulo RING, 0 = unknown
    **oxygen.FIELDS,
    "rr": Field(dtype="uint8", shape=(BREATHS,)),  # breaths a minute, by minute number modulo BREATHS
    "no_steps": Field(dtype="uint64"),  # bit k: k minutes before the newest, steps were reported and were 0
    "moved": Field(dtype="uint64"),  # the same for steps > 0
    "pulse": Field(dtype="uint64"),  # the same for a heart rate
    "lost_min": Field(dtype="int32"),  # when a pulse was last lost, as far as that is settled
    "suspicious": Field(dtype="uint64"),  # the same for a value that some rule looks at
    "counts_steps": Field(dtype="uint8"),  # this device has reported steps at least once
    **spent.FIELDS,
    **baseline.FIELDS,
    **nights.FIELDS,
    **temperature.FIELDS,
}
RINGS = {"hr": RING, "rr": BREATHS}
TWELVE = np.uint64((1 << REST_MIN) - 1)
RECENT = np.uint64((1 << (RING - LATE_MIN)) - 1)
ACTIVE = np.uint64((1 << ACTIVE_MIN) - 1)


@dataclass(frozen=True, slots=True)
class Minutes:
    """n minutes of n different devices. Values are 0 where unknown, steps -1; `temp` as `temperature.code` has it."""

    row: Ints
    minute: Ints
    hr: NDArray[np.uint8]
    spo2: NDArray[np.uint8]
    rr: NDArray[np.uint8]
    temp: NDArray[np.uint8]
    steps: NDArray[np.int32]
    worn: NDArray[np.int8]

    def take(self, index: NDArray[np.intp] | Bools) -> "Minutes":
        return Minutes(*(getattr(self, f.name)[index] for f in fields(self)))


def rounds(rows: Ints, batch: Columns) -> Iterator[Minutes]:
    """Split a batch so that each part has a device at most once, every device's minutes rising."""
    hr, spo2, rr, temp, steps = (
        batch.heart_rate_bpm, batch.spo2_pct, batch.respiration_rpm, batch.temperature_c, batch.steps,
    )  # fmt: skip
    # NaN differs from itself.
    use = (hr == hr) | (spo2 == spo2) | (steps >= 0) | (rr == rr) | (temp == temp)  # noqa: PLR0124
    use &= batch.worn != 0
    minute = np.minimum(batch.measured_ms, batch.received_ms + AHEAD_MS) // MINUTE_MS
    order = np.lexsort((minute, rows))
    order = order[use[order]]
    if len(order) == 0:
        return
    told = Minutes(
        rows[order], minute[order], _byte(hr[order]), _byte(spo2[order]), _byte(rr[order]),
        temperature.code(temp[order]), steps[order], batch.worn[order],
    )  # fmt: skip
    new_row = np.append(True, told.row[1:] != told.row[:-1])
    new_minute = new_row | np.append(True, told.minute[1:] != told.minute[:-1])
    if not new_minute.all():
        told = _merge(told, np.flatnonzero(new_minute))
        new_row = new_row[new_minute]
    if new_row.all():
        yield told
        return
    for turn in turns(told.row):
        yield told.take(turn)


def _byte(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    known = np.where(values >= 1, values, 0)  # NaN fails the comparison
    return np.minimum(known + np.float32(0.5), 255).astype(np.uint8)


def _merge(told: Minutes, start: NDArray[np.intp]) -> Minutes:
    """Several messages in one minute of one device: calmest values, highest saturation, most steps."""
    hr, rr, temp = (
        (np.minimum.reduceat(calmness(values, calm), start) & 255).astype(np.uint8)
        for values, calm in ((told.hr, CALM_BPM), (told.rr, CALM_RPM), (told.temp, temperature.CALM))
    )
    spo2, steps = np.maximum.reduceat(told.spo2, start), np.maximum.reduceat(told.steps, start)
    worn = np.maximum.reduceat(told.worn, start)
    return Minutes(told.row[start], told.minute[start], hr, spo2, rr, temp, steps, worn)


def calmness(values: NDArray[np.uint8], calm: int) -> Ints:
    """Sort key: known before unknown, nearer to `calm` first; the value itself in the low byte."""
    wide = values.astype(np.int64)
    return np.where(wide > 0, np.abs(wide - calm), 255) * 256 + wide


def calmer(old: NDArray[np.uint8], new: NDArray[np.uint8], calm: int) -> NDArray[np.uint8]:
    """Return the calmer of two values each of n minutes, unknown where both are."""
    if not old.any():
        return new
    return (np.minimum(calmness(old, calm), calmness(new, calm)) & 255).astype(np.uint8)


def write(state: Columnar, told: Minutes, offset_min: int = 0) -> None:
    """Put one minute of each of n devices into their rings; a device's clock moves on to its newest minute.

    `offset_min` is what the district's clock is ahead of UTC: nights are counted by it.
    """
    row = told.row
    newest = state["newest_min"][row].astype(np.int64)
    ahead = told.minute - newest
    forward = ahead > 0
    if forward.all():
        _advance(state, row, newest, ahead, offset_min)
    else:
        _advance(state, row[forward], newest[forward], ahead[forward], offset_min)
        keep = ahead > -RING
        told, row, ahead = told.take(keep), row[keep], ahead[keep]
    age = np.maximum(-ahead, 0).astype(np.uint64)
    slot = told.minute & (RING - 1)
    hr = calmer(state["hr"][row, slot], told.hr, CALM_BPM)
    state["hr"][row, slot] = hr
    spo2 = oxygen.write(state, row, slot, told.spo2)
    rr = _breathe(state, told, ahead) if told.rr.any() else told.rr
    temperature.write(state, told.row, told.temp, told.steps, age)
    state["no_steps"][row] |= (told.steps == 0).astype(np.uint64) << age
    state["moved"][row] |= (told.steps > 0).astype(np.uint64) << age
    state["pulse"][row] |= (hr > 0).astype(np.uint64) << age
    high = state["high_bpm"][row, baseline.part_of(told.minute)]
    odd = (hr >= 131) | ((hr > 0) & (hr <= 40)) | ((spo2 > 0) & (spo2 <= 93)) | ((hr > high) & (told.steps <= 0))
    odd |= (rr >= FAST_RPM) | ((rr > 0) & (rr <= SLOW_RPM))
    if odd.any():
        state["suspicious"][row] |= odd.astype(np.uint64) << age
    state["counts_steps"][row] |= (told.steps >= 0).astype(np.uint8)


def _breathe(state: Columnar, told: Minutes, ahead: Ints) -> NDArray[np.uint8]:
    """Put respiration into its shorter ring; returns what stands there, 0 where a message came too late for it."""
    slot = told.minute & (BREATHS - 1)
    rr = np.where(ahead > -BREATHS, calmer(state["rr"][told.row, slot], told.rr, CALM_RPM), np.uint8(0))
    kept = ahead > -BREATHS
    state["rr"][told.row[kept], slot[kept]] = rr[kept]
    return rr


def _advance(state: Columnar, row: Ints, newest: Ints, ahead: Ints, offset_min: int) -> None:
    """Move n devices on by `ahead` minutes: settle what grows old, shift the masks, empty the slots passed over."""
    _settle(state, row, newest, ahead, offset_min)
    _settle_losses(state, row, newest, ahead)
    temperature.advance(state, row, newest, ahead)
    gone = ahead >= RING
    shift = np.minimum(ahead, RING - 1).astype(np.uint64)
    for name in ("no_steps", "moved", "pulse", "suspicious"):
        mask = state[name][row] << shift
        if gone.any():
            mask[gone] = 0
        state[name][row] = mask
    minute = newest + ahead
    far = np.flatnonzero(ahead > 1)
    for name, length in RINGS.items():
        state[name][row, minute & (length - 1)] = 0
        if len(far):
            passed = ((minute[far, None] - np.arange(length)) & (length - 1)) < ahead[far, None]
            state[name][row[far]] = np.where(passed, 0, state[name][row[far]])
    oxygen.advance(state, row, minute, ahead)
    state["newest_min"][row] = minute
    entered = np.flatnonzero(minute // baseline.PART_MIN != newest // baseline.PART_MIN)
    if len(entered):
        baseline.begin_part(state, row[entered], newest[entered], minute[entered])
        spent.forget(state, row[entered], minute[entered], ahead[entered])


def _settle(state: Columnar, row: Ints, newest: Ints, ahead: Ints, offset_min: int) -> None:
    """Count the resting heart rates that pass SETTLED_MIN into the personal baseline, and into the night."""
    _settle_minute(state, row, newest, np.full(len(row), SETTLED_MIN - 1), offset_min)
    skipping = np.flatnonzero(ahead > 1)
    if len(skipping):  # as many minutes as were passed over, one line each
        more = np.minimum(ahead[skipping], SETTLED_MIN) - 1
        line = np.repeat(skipping, more)
        nth = np.arange(len(line)) - np.repeat(np.cumsum(more) - more, more)
        _settle_minute(state, row[line], newest[line], SETTLED_MIN - 2 - nth, offset_min, repeats=True)


def _settle_minute(
    state: Columnar, row: Ints, newest: Ints, age: Ints, offset_min: int, *, repeats: bool = False
) -> None:
    """Count one minute each of n devices, if the wearer was at rest; `repeats` if a device may be there twice.

    A device that has reported no steps for as long as is kept counts none: a bed mat's nights are nights as well.
    """
    minute = newest - age
    alone = seldom.settled(state, row, age)  # each of its few readings counts
    use = np.flatnonzero(baseline.sampled(minute) | alone)
    row, minute, age, alone = row[use], minute[use], age[use], alone[use]
    hr = state["hr"][row, minute & (RING - 1)]
    back = age.astype(np.uint64)
    moved = (state["moved"][row] >> back) & TWELVE
    known = np.bitwise_count((state["no_steps"][row] >> back) & TWELVE)
    calm = (hr > 0) & (moved == 0)
    resting = calm & ((known >= REST_KNOWN) | (alone & (known > 0)))  # who counts no steps is not known to rest
    asleep = np.flatnonzero((resting | (calm & (known == 0))) & nights.within(minute, offset_min))
    if len(asleep):
        blind = ((state["moved"][row[asleep]] | state["no_steps"][row[asleep]]) >> back[asleep]) == 0
        asleep = asleep[resting[asleep] | blind]
        nights.count(state, row[asleep], hr[asleep])
    still = np.flatnonzero(moved == 0)
    pct = oxygen.read(state, row[still], minute[still, None] & (RING - 1))[:, 0]
    lift = state["spo2_scale2"][row[still]] * np.uint8(oxygen.SCALE_2)
    oxygen.count(state, row[still], np.where(pct > 0, pct + lift, pct))
    row, minute, bpm = row[resting], minute[resting], hr[resting].astype(np.int64)
    if not repeats:
        baseline.count(state, row, minute, bpm)
        return
    for turn in turns(row):
        baseline.count(state, row[turn], minute[turn], bpm[turn])


def _settle_losses(state: Columnar, row: Ints, newest: Ints, ahead: Ints) -> None:
    """Keep when a pulse was last lost, of the minutes that pass SETTLED_MIN: the ring may be too short to show it."""
    passing = np.maximum(SETTLED_MIN - ahead, 0).astype(np.uint64)
    lost = _lost(state, row) >> passing
    some = np.flatnonzero(lost)
    if len(some):
        youngest = lost[some] & (~lost[some] + np.uint64(1))
        age = np.bitwise_count(youngest - np.uint64(1)) + passing[some]
        minute = newest[some] - age.astype(np.int64)
        state["lost_min"][row[some]] = np.maximum(state["lost_min"][row[some]], minute)


def _lost(state: Columnar, row: Ints) -> NDArray[np.uint64]:
    """Return (m,) masks by age: here and in the minutes before, LOST_MIN in all, the device spoke and had no pulse."""
    lost: NDArray[Any] = (state["moved"][row] | state["no_steps"][row]) & ~state["pulse"][row]
    for _ in range(LOST_MIN - 1):
        lost = lost & (lost >> np.uint64(1))
    return lost


def turns(row: Ints) -> Iterator[NDArray[np.intp]]:
    """Split lines that are grouped by row so that each part has a row at most once, in order."""
    if len(row) == 0:
        return
    first = np.flatnonzero(np.append(True, row[1:] != row[:-1]))
    turn = np.arange(len(row)) - np.repeat(first, np.diff(np.append(first, len(row))))
    for k in range(int(turn.max()) + 1):
        yield np.flatnonzero(turn == k)


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


def trusted(state: Columnar, rows: Ints) -> Bools:
    """Return (m, LATE_MIN) by age: for TRUST_MIN the device has not spoken LOST_MIN times in a row without a pulse.

    A sensor that has just been put on, or taken off and laid down, finds pulses of 150 in the light. A line that was
    lost is something else: then the device did not speak.
    """
    ages = np.arange(LATE_MIN, dtype=np.uint64)
    recent = ((_lost(state, rows)[:, None] >> ages) & RECENT) == 0
    since = state["newest_min"][rows, None] - np.arange(LATE_MIN) - state["lost_min"][rows, None]
    believed: Bools = recent & (since >= TRUST_MIN)
    return believed


def believed(state: Columnar, rows: Ints, minute: Ints) -> Bools:
    """Return (n,) whether a pulse of each message is `trusted` in its own minute; rows may repeat."""
    age = np.clip(state["newest_min"][rows] - minute, 0, RING - 1).astype(np.uint64)
    recent = ((_lost(state, rows) >> age) & RECENT) == 0
    found: Bools = recent & (minute - state["lost_min"][rows] >= TRUST_MIN)
    return found


def active_min(state: Columnar, rows: Ints) -> Ints:
    """Return (m, RING) by age: in how many of the ACTIVE_MIN minutes before the wearer walked."""
    ages = np.arange(RING, dtype=np.uint64)
    walked: Ints = np.bitwise_count((state["moved"][rows, None] >> ages) & ACTIVE).astype(np.int64)
    return walked
