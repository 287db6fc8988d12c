"""Body temperature against V7: fever or a body too cold, said by two readings at least five minutes apart.

Readings are rare (a thermometer twice a day) or regular (a watch), so what is kept is which of the last 32 minutes had
an odd one and which a good one, and when the newest odd one before that was. A good reading between two odd ones parts
them; a gap does not join what a day parts.

What the wrist feels is skin. A device that feels the skin by its kind (`skin`, written by the shell) is believed when
it finds a fever, because skin is never warmer than the body by itself, and never when it finds cold. Of any other
device that counts steps, less than WRIST_LEAST_C is skin too, or a watch on a table. A thermometer counts no steps:
whatever it measures is believed, so a person at 31 degrees is found by it.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from alerts.detectors import spent
from alerts.detectors.detector import LATE_MIN, MINUTE_MS, Columnar, Field, Finding
from alerts.model import AlertKind, Severity

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]

LOWEST_C = 25.0  # code 1; a tenth of a degree each, up to what a living body shows (devices.plausible)
FEVER_C, COLD_C = 39.1, 35.0
GOOD_C = (36.1, 38.5)
WRIST_LEAST_C = 33.0
APART_MIN = 5
DAY_MIN = 1440  # readings further apart say nothing together, and an episode without any is over
KEPT = 32  # minutes in the masks

FIELDS: Mapping[str, Field] = {
    "skin": Field(dtype="uint8"),  # 1 = feels the skin; written by the shell
    "temp_odd": Field(dtype="uint32"),  # bit k: k minutes before the newest, a reading V7 looks at
    "temp_good": Field(dtype="uint32"),  # the same for a reading that ends an episode
    "odd_min": Field(dtype="int32"),  # newest odd reading older than the masks with no good one since, 0 = none
}


def code(celsius: NDArray[np.float32]) -> Bytes:
    """Return temperatures as bytes, 0 where unknown."""
    known = np.where(celsius >= LOWEST_C, celsius, LOWEST_C - 0.1)  # NaN fails the comparison
    coded: Bytes = np.rint(np.minimum((known - LOWEST_C) * 10, 253) + 1).astype(np.uint8)
    return coded


def celsius(coded: int) -> float:
    """Return what a byte stands for."""
    return round(LOWEST_C + (coded - 1) / 10, 1)


def _coded(limit_c: float) -> int:
    return round((limit_c - LOWEST_C) * 10) + 1


FEVER, COLD, LEAST_WRIST, CALM = _coded(FEVER_C), _coded(COLD_C), _coded(WRIST_LEAST_C), _coded(37.0)
GOOD_FROM, GOOD_TO = _coded(GOOD_C[0]), _coded(GOOD_C[1])


def write(state: Columnar, row: Ints, temp: Bytes, steps: NDArray[np.int32], age: NDArray[np.uint64]) -> None:
    """Note one minute each of n different devices, `age` minutes before their newest."""
    told = np.flatnonzero((temp > 0) & (age < KEPT))
    if len(told) == 0:
        return
    row, temp, back = row[told], temp[told], age[told].astype(np.uint32)
    skin = state["skin"][row] == 1
    wrist = skin | (state["counts_steps"][row] == 1) | (steps[told] >= 0)
    odd = (temp >= FEVER) | ((temp <= COLD) & ~skin & ((temp >= LEAST_WRIST) | ~wrist))
    good = (temp <= GOOD_TO) & ((temp >= GOOD_FROM) | (skin & (temp >= LEAST_WRIST)))
    state["temp_odd"][row] |= odd.astype(np.uint32) << back
    state["temp_good"][row] |= good.astype(np.uint32) << back


def advance(state: Columnar, row: Ints, newest: Ints, ahead: Ints) -> None:
    """Move n devices on by `ahead` minutes; remember the newest odd reading that leaves the masks."""
    odd, good = state["temp_odd"][row], state["temp_good"][row]
    some = np.flatnonzero(odd | good)
    if len(some) == 0:
        return
    row, newest, odd, good = row[some], newest[some], odd[some].astype(np.uint64), good[some].astype(np.uint64)
    shift = np.minimum(ahead[some], KEPT).astype(np.uint64)
    leaving = np.uint64(KEPT) - shift
    odd_age, good_age = _youngest(odd >> leaving << leaving), _youngest(good >> leaving << leaving)
    before = state["odd_min"][row]
    state["odd_min"][row] = np.where(odd_age < good_age, newest - odd_age, np.where(good_age < KEPT, 0, before))
    for name, mask in (("temp_odd", odd), ("temp_good", good)):
        state[name][row] = (mask << shift).astype(np.uint32)


def _youngest(mask: NDArray[np.uint64]) -> Ints:
    """Return (m,) the age of the youngest bit, KEPT where there is none."""
    alone = mask & (~mask + np.uint64(1))
    return np.where(mask != 0, np.bitwise_count(alone - np.uint64(1)), KEPT).astype(np.int64)


def judge(state: Columnar, row: Ints, temp: Bytes, bit: int) -> list[Finding]:
    """Return the V7 of devices that have just told a temperature. `bit` is the rule's latch."""
    told = np.flatnonzero((temp > 0) & ((state["temp_odd"][row] != 0) | (state["latched"][row] >> bit & 1 != 0)))
    found = (_one(state, int(row[i]), int(temp[i]), bit) for i in told.tolist())
    return [finding for finding in found if finding is not None]


def _one(state: Columnar, row: int, temp: int, bit: int) -> Finding | None:
    odd, good, newest = int(state["temp_odd"][row]), int(state["temp_good"][row]), int(state["newest_min"][row])
    before, cleared = int(state["odd_min"][row]), int(spent.told(state, "cleared", row, bit, newest))
    before = before if newest - before <= DAY_MIN else 0
    found = None
    if state["latched"][row] >> bit & 1 and not before and not odd & ~1:
        _release(state, row, bit, newest - 1)  # a day without anything odd, nor anything good
        cleared = newest - 1
    if not state["latched"][row] >> bit & 1:
        pair = _pair(odd, good, before, newest, cleared)
        if pair is not None:
            state["latched"][row] |= np.uint8(1 << bit)
            found = _finding(row, temp, pair, odd.bit_count() / (odd.bit_count() + good.bit_count()))
    well = _lowest(good)
    if state["latched"][row] >> bit & 1 and well < _lowest(odd):
        _release(state, row, bit, newest - well)
    return found


def _pair(odd: int, good: int, before: int, newest: int, cleared: int) -> tuple[int, int] | None:
    """Return the minutes of the first two odd readings that stand together and are not spent: second, first."""
    for age in range(LATE_MIN - 1, -1, -1):
        if not odd >> age & 1:
            continue
        parted = _lowest(good >> age) + age  # the next good one before this reading
        run = (odd & ((1 << parted) - 1)) >> age
        first = newest - age - run.bit_length() + 1
        if parted >= KEPT and before:
            first = before
        if first > cleared and newest - age - first >= APART_MIN:
            return newest - age, first
    return None


def _lowest(mask: int) -> int:
    return (mask & -mask).bit_length() - 1 if mask else KEPT


def _release(state: Columnar, row: int, bit: int, minute: int) -> None:
    state["latched"][row] &= np.uint8(255 - (1 << bit))
    spent.put(state, "cleared", row, bit, minute)


def _finding(row: int, temp: int, pair: tuple[int, int], share: float) -> Finding:
    """Confidence: the share of the last half-hour's readings that were odd, of those that were odd or good."""
    at, first = pair
    evidence = {
        "temperature_c": celsius(temp), "minutes": at - first, "limit_c": FEVER_C if temp >= CALM else COLD_C,
        "confidence": round(share, 2),
    }  # fmt: skip
    return Finding(
        row=row, rule="V7", kind=AlertKind.VITALS, severity=Severity.MEDIUM, at_ms=at * MINUTE_MS,
        identity=f"V7:{first}", evidence=evidence,
    )  # fmt: skip
