"""The resting heart rate of a wearer's nights, and V9: higher than the nights before, at once or little by little.

A night is 00:00 to 06:00 of the district; its value is the mean of the resting minutes that `minutes` has settled (one
in four is counted), so that neither order nor repeats matter. It is judged when it is over, by the first message
after half past six, against the median and the scaled deviation of the 28 nights before. A night with too few minutes
is no night; a gap adds nothing to the sum.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from alerts.detectors.baseline import SAMPLE
from alerts.detectors.detector import MINUTE_MS, Columnar, Field, Finding
from alerts.model import AlertKind, Severity

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

ENDS_MIN = 6 * 60
JUDGED_MIN = ENDS_MIN + 30  # later than what settles last
NIGHTS = 28
NIGHTS_LEAST = 14
COUNTED_LEAST = 20  # of 90: an hour and twenty minutes at rest
MINUTES_LEAST = COUNTED_LEAST * SAMPLE
LOWEST_BPM, UNIT_BPM = 30.0, 0.5  # a night is a byte; 0 = none
SPREAD_LEAST_BPM = 2.0  # nobody's nights are more alike than that for a reason
Z_LIMIT, CUSUM_LIMIT, SLACK, CALM_CUSUM = 3.0, 4.0, 1.0, 1.0
CUSUM_UNIT = 1 / 16

FIELDS: Mapping[str, Field] = {
    "nights": Field(dtype="uint8", shape=(NIGHTS,)),  # by day number modulo NIGHTS
    "night_sum": Field(dtype="uint16"),  # of this night so far
    "night_count": Field(dtype="uint8"),
    "night_cusum": Field(dtype="uint8"),  # how far the nights have risen, in CUSUM_UNIT
    "night_raised": Field(dtype="uint8"),
}


def within(minute: Ints, offset_min: int) -> Bools:
    """Return which minutes belong to a night."""
    inside: Bools = (minute + offset_min) % 1440 < ENDS_MIN
    return inside


def count(state: Columnar, row: Ints, bpm: NDArray[np.uint8]) -> None:
    """Count resting heart rates of this night; rows may repeat."""
    np.add.at(state["night_sum"], row, bpm.astype(np.uint16))
    np.add.at(state["night_count"], row, np.uint8(1))


def ending(newest: Ints, minute: Ints, offset_min: int) -> NDArray[np.intp]:
    """Return which devices leave a night behind when they move on from `newest` to `minute`."""
    over = (newest > 0) & (_day(minute, offset_min) > _day(newest, offset_min))
    return np.flatnonzero(over)


def close(state: Columnar, row: Ints, newest: Ints, minute: Ints, offset_min: int) -> list[Finding]:
    """End the night of m different devices that moved on from `newest` to `minute`, and judge it."""
    day, today = _day(newest, offset_min), _day(minute, offset_min)
    counted = state["night_count"][row]
    slept = counted >= COUNTED_LEAST
    mean = state["night_sum"][row] / np.maximum(counted, 1)
    usual, spread, known = _usual(state["nights"][row])
    judged = np.flatnonzero(slept & (known >= NIGHTS_LEAST))
    z = (mean - usual) / spread
    raised = judged[_rise(state, row[judged], z[judged])]
    found = [
        _finding(int(row[i]), int(day[i]), offset_min, int(known[i]), {
            "night_bpm": mean[i], "usual_bpm": usual[i], "spread_bpm": spread[i], "z": z[i],
            "cusum": state["night_cusum"][row[i]] * CUSUM_UNIT,
        })
        for i in raised.tolist()
    ]  # fmt: skip
    _keep(state, row, day, today, np.where(slept, mean, np.nan))
    return found


def _rise(state: Columnar, row: Ints, z: Floats) -> NDArray[np.intp]:
    """Add one night to the sums; returns which of the m devices begin an episode with it."""
    risen = np.clip(state["night_cusum"][row] * CUSUM_UNIT + z - SLACK, 0, 255 * CUSUM_UNIT)
    state["night_cusum"][row] = np.rint(risen / CUSUM_UNIT)
    on = state["night_raised"][row] == 1
    begin = ~on & ((z >= Z_LIMIT) | (risen >= CUSUM_LIMIT))
    state["night_raised"][row] = begin | (on & (risen >= CALM_CUSUM))
    return np.flatnonzero(begin)


def _keep(state: Columnar, row: Ints, day: Ints, today: Ints, mean: Floats) -> None:
    """Put the night among the others and begin the next one; nights nobody told anything of are none."""
    state["nights"][row, day % NIGHTS] = _coded(mean)
    for k in range(1, min(int((today - day).max(initial=0)), NIGHTS + 1)):
        missed = today - day > k
        state["nights"][row[missed], (day[missed] + k) % NIGHTS] = 0
    state["night_sum"][row] = 0
    state["night_count"][row] = 0


def _day(minute: Ints, offset_min: int) -> Ints:
    return (minute + offset_min - JUDGED_MIN) // 1440


def over(day: int, minute: int, offset_min: int) -> bool:
    """Return whether the night that ends on a local day is over by a minute, and among the NIGHTS before."""
    return 0 < (minute + offset_min - JUDGED_MIN) // 1440 - (day - 1) <= NIGHTS


def slot_of(day: int) -> int:
    """Return where the night that ends on a local day stands among the others."""
    return (day - 1) % NIGHTS


def take_over(state: Columnar, row: Ints, bpm: Floats, minute: int, offset_min: int) -> None:
    """Write what the nights of n wearers before a minute were, from elsewhere.

    The sums follow, each night against those before it. An episode that began in one of them is not told again.

    Args:
        bpm: (n, NIGHTS) as `slot_of` has them, NaN: none.
    """
    state["nights"][row], state["night_cusum"][row], state["night_raised"][row] = 0, 0, 0
    today = (minute + offset_min - JUDGED_MIN) // 1440
    for day in range(today - NIGHTS, today):
        mean = bpm[:, day % NIGHTS]
        usual, spread, known = _usual(state["nights"][row])
        judged = np.flatnonzero(~np.isnan(mean) & (known >= NIGHTS_LEAST))
        _rise(state, row[judged], ((mean - usual) / spread)[judged])
        state["nights"][row, day % NIGHTS] = _coded(mean)


def _coded(bpm: Floats) -> NDArray[np.uint8]:
    value = np.clip(np.rint((np.nan_to_num(bpm) - LOWEST_BPM) / UNIT_BPM) + 1, 1, 255)
    return np.where(np.isnan(bpm), 0, value).astype(np.uint8)


def _usual(nights: NDArray[np.uint8]) -> tuple[Floats, Floats, Ints]:
    """Return (m,) median, scaled median deviation and number of the nights (m, NIGHTS)."""
    bpm = np.where(nights > 0, (nights - 1.0) * UNIT_BPM + LOWEST_BPM, np.inf)
    known = (nights > 0).sum(axis=1)
    usual = _median(bpm, known)
    away = np.where(nights > 0, np.abs(bpm - np.where(known > 0, usual, 0.0)[:, None]), np.inf)
    return usual, np.maximum(1.4826 * _median(away, known), SPREAD_LEAST_BPM), known


def _median(values: Floats, known: Ints) -> Floats:
    """Return the median of the finite ones in each line; they are sorted first, and `known` says how many there are."""
    order, line = np.sort(values, axis=1), np.arange(len(values))
    low, high = np.maximum(known - 1, 0) // 2, known // 2
    return np.where(known > 0, (order[line, low] + order[line, np.minimum(high, NIGHTS - 1)]) / 2, 0.0)


def _finding(row: int, day: int, offset_min: int, known: int, measured: Mapping[str, float]) -> Finding:
    """Confidence: how much of the four weeks before is known."""
    evidence = {name: round(float(value), 1) for name, value in measured.items()}
    return Finding(
        row=row, rule="V9", kind=AlertKind.VITALS, severity=Severity.LOW,
        at_ms=((day + 1) * 1440 + ENDS_MIN - offset_min) * MINUTE_MS, identity=f"V9:{day}",
        evidence={**evidence, "nights": known, "confidence": round(known / NIGHTS, 2)},
    )  # fmt: skip
