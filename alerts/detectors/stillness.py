"""A worn wearer who does not move: B1 for half a day, B2 not up at the hour of other days. All devices at once.

A minute counts as moved when the device counted a step, as worn when it counted none and found a pulse or says that it
is worn. Only such time counts as still: a watch on its charger accuses nobody, nor does one that counts no steps.

A report tells of the steps of its own minute. Of the time before it COVERS_MIN count as still, and more of a device
that tells of minutes walked between its reports: a watch that speaks every quarter of an hour and counts one minute
of it would accuse one wearer in ten a day (measured on the recorded wearers, one minute in 15 of theirs).
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from alerts.detectors import minutes
from alerts.detectors.detector import Column, Columnar, Field, Finding
from alerts.detectors.home_signs import DAY_BEGINS_MIN, clock
from alerts.detectors.minutes import LATE_MIN, MINUTE_MS, Minutes
from alerts.model import AlertKind, Severity
from devices.columns import Columns

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

STILL_MIN, STILL_LONG_MIN = 12 * 60, 24 * 60  # B1
COVERS_MIN = 5  # a report speaks of so many minutes before it
BETWEEN_MIN = 30  # … and of so many where the device tells of steps between its reports,
LATE_MS = 2 * MINUTE_MS  # … which are steps without a pulse, this old when they come
DAYS = 14  # days of rising that are remembered
DAYS_LEAST = 7  # and so many before B2 says anything
UNIT_MIN = 6  # a time of rising fits a byte
LATER_MIN = 3 * 60  # B2: so much after the median,
LATER_THAN_LATEST_MIN = 60  # … and after the latest but one of those days, for who keeps no hours
STREAK_MIN = 60  # B2 wants the device on for so long: who has just put it on is up

HALF_DAY, WHOLE_DAY, LATE_UP = 1, 2, 4  # bits of `raised`,
BETWEEN = 8  # … and that the device tells of minutes walked between its reports


def _short(day: Column) -> Column:
    return day.astype(np.uint16)


class StillnessDetector:
    """B1 and B2 for all devices; `offset_min` is what the district's clock is ahead of UTC."""

    name = "stillness"
    fields: Mapping[str, Field] = {
        "moved_min": Field(dtype="int32"),  # newest minute with a step, or when that clock began anew; 0 = never
        "worn_min": Field(dtype="int32"),  # newest minute worn
        "since_min": Field(dtype="int32"),  # since when it was seen without a long pause
        "unseen_min": Field(dtype="int32"),  # between the last step and worn_min: time that does not count
        "raised": Field(dtype="uint8"),
        "day": Field(dtype="uint16", was=("day", _short)),  # today
        "up_min": Field(dtype="int16", fill=-1),  # first step of today, minutes from DAY_BEGINS_MIN; -1 = not yet
        "late_min": Field(dtype="int16", fill=-1),  # B2's limit for today, -1 = not known
        "ups": Field(dtype="uint8", shape=(DAYS,)),  # earlier days' up_min in UNIT_MIN, plus one; 0 = none
    }

    def __init__(self, offset_min: int = 0) -> None:
        self._shift_min = offset_min - DAY_BEGINS_MIN

    def observe(self, state: Columnar, rows: Ints, batch: Columns) -> list[Finding]:
        """Take a batch in. A message that is more than LATE_MIN late can end a stillness, and prolongs none."""
        found: list[Finding] = []
        told_later = batch.received_ms - batch.measured_ms >= LATE_MS
        state["raised"][rows[told_later & (batch.steps > 0) & np.isnan(batch.heart_rate_bpm)]] |= np.uint8(BETWEEN)
        for told in minutes.rounds(rows, batch):
            moved = told.steps > 0
            worn = moved | (told.steps == 0) & ((told.hr > 0) | (told.spo2 > 0) | (told.worn == 1))
            self._begin_days(state, told)
            self._move(state, told.take(moved))
            _wear(state, told.take(worn))
            found += _still(state, told.row[worn])
            found += self._late_up(state, told.take(worn & ~moved))
        return found

    def tick(self, state: Columnar, now_ms: int) -> list[Finding]:
        """Return nothing: who is not seen is T3's business."""
        return []

    def _day_of(self, minute: Ints) -> tuple[Ints, Ints]:
        local = minute + self._shift_min
        return local // 1440, local % 1440

    def _begin_days(self, state: Columnar, told: Minutes) -> None:
        """Keep when the wearer rose yesterday and say how late is late today."""
        day, _ = self._day_of(told.minute)
        new = np.flatnonzero(day > state["day"][told.row])
        if len(new) == 0:
            return
        row = told.row[new]
        up = state["up_min"][row]
        rose = np.flatnonzero(up >= 0)
        state["ups"][row[rose], state["day"][row[rose]] % DAYS] = up[rose] // UNIT_MIN + 1
        state["day"][row] = day[new]
        state["up_min"][row] = -1
        state["raised"][row] &= np.uint8(255 - LATE_UP)
        usual, latest, known = _rising(state["ups"][row])
        late = late_from(usual, latest)
        state["late_min"][row] = np.where(known >= DAYS_LEAST, late, -1)

    def _move(self, state: Columnar, told: Minutes) -> None:
        row, minute = told.row, told.minute
        day, at = self._day_of(minute)
        up = state["up_min"][row]
        first = (day == state["day"][row]) & ((up < 0) | (at < up))
        state["up_min"][row[first]] = at[first]
        newer = minute > state["moved_min"][row]
        row, minute = row[newer], minute[newer]
        state["moved_min"][row] = minute
        since = state["worn_min"][row] - minute
        # What was seen after a step that comes this late is not told from pauses: stillness begins where we are.
        state["unseen_min"][row] = np.where(since > LATE_MIN, since, 0)
        state["raised"][row] &= np.uint8(255 - HALF_DAY - WHOLE_DAY)

    def _late_up(self, state: Columnar, told: Minutes) -> list[Finding]:
        row = told.row
        day, at = self._day_of(told.minute)
        late, up = state["late_min"][row], state["up_min"][row]
        due = (late >= 0) & (up < 0) & (at >= late) & (day == state["day"][row])
        due &= ((state["raised"][row] & LATE_UP) == 0) & (told.minute - state["since_min"][row] >= STREAK_MIN)
        found = []
        for i in np.flatnonzero(due).tolist():
            usual, _, known = _rising(state["ups"][row[i : i + 1]])
            evidence = {
                "usual_at": self._clock(int(usual[0])),
                "limit_at": self._clock(int(late[i])),
                "days_known": int(known[0]),
                "confidence": round(int(known[0]) / DAYS, 2),
            }
            begins = int(day[i]) * 1440 - self._shift_min
            found.append(_finding(state, int(row[i]), Severity.LOW, f"B2:{day[i]}", evidence, since_min=begins))
        state["raised"][row[due]] |= np.uint8(LATE_UP)
        return found

    def _clock(self, minute: int) -> str:
        """Return a minute of our day as people write it."""
        return clock(minute, DAY_BEGINS_MIN)


def take_over(state: Columnar, row: Ints, up_min: NDArray[np.float64], minute: int, offset_min: int) -> None:
    """Write when n wearers rose on the days before a minute's, from elsewhere, where a device does not know it.

    Whoever is met for the first time is not late today: she may have risen before this device could see it.

    Args:
        up_min: (n, DAYS) minutes from DAY_BEGINS_MIN by the number of the day modulo DAYS, NaN: not known.
    """
    ups = np.where(np.isnan(up_min), 0, np.nan_to_num(up_min) // UNIT_MIN + 1).astype(np.uint8)
    state["ups"][row] = np.where(state["ups"][row] > 0, state["ups"][row], ups)
    new = row[state["day"][row] == 0]
    state["day"][new] = day_of(minute, offset_min)


def day_of(minute: int, offset_min: int) -> int:
    """Return the day of the wearer, which begins at DAY_BEGINS_MIN, that a minute belongs to."""
    return (minute + offset_min - DAY_BEGINS_MIN) // 1440


def late_from(usual_min: Ints, latest_min: Ints) -> Ints:
    """Return (m,) B2's limit, of the median and the latest but one of the times of rising."""
    return np.maximum(usual_min + LATER_MIN, latest_min + LATER_THAN_LATEST_MIN)


def still_min(state: Columnar, rows: Ints) -> Ints:
    """Return (m,) how many minutes each device has been on its wearer since the last step, 0 where none is known."""
    still = state["worn_min"][rows].astype(np.int64) - state["moved_min"][rows] - state["unseen_min"][rows]
    return np.where(state["moved_min"][rows] > 0, np.maximum(still, 0), 0)


def begin_anew(state: Columnar, row: int, at_ms: int) -> None:
    """Let B1's clock of one device begin at a moment: what it was still before means nothing. Newer steps stay."""
    minute = -(-at_ms // MINUTE_MS)
    if minute <= state["moved_min"][row]:
        return
    state["moved_min"][row] = minute
    # All pauses that may lie behind the moment ended by `since_min`.
    state["unseen_min"][row] = max(0, min(int(state["unseen_min"][row]), int(state["since_min"][row]) - minute))
    state["raised"][row] &= np.uint8(255 - HALF_DAY - WHOLE_DAY)


def _wear(state: Columnar, told: Minutes) -> None:
    row, minute = told.row, told.minute
    pause = minute - state["worn_min"][row]
    newer = pause > 0
    row, minute, pause = row[newer], minute[newer], pause[newer]
    covers = np.where(state["raised"][row] & BETWEEN, BETWEEN_MIN, COVERS_MIN)
    long = pause > covers
    state["unseen_min"][row[long]] += np.where(
        state["moved_min"][row[long]] < minute[long], pause[long] - covers[long], 0
    ).astype(np.int32)
    state["since_min"][row[long]] = minute[long]
    state["worn_min"][row] = minute


def _still(state: Columnar, rows: Ints) -> list[Finding]:
    found = []
    still = still_min(state, rows)
    for bit, limit, severity, tag in (
        (HALF_DAY, STILL_MIN, Severity.MEDIUM, ""),
        (WHOLE_DAY, STILL_LONG_MIN, Severity.HIGH, "day:"),
    ):
        due = np.flatnonzero((still >= limit) & ((state["raised"][rows] & bit) == 0))
        state["raised"][rows[due]] |= np.uint8(bit)
        for i in due.tolist():
            row = int(rows[i])
            moved, unseen = int(state["moved_min"][row]), int(state["unseen_min"][row])
            evidence = {
                "still_min": int(still[i]),
                "unseen_min": unseen,
                "confidence": round(int(still[i]) / (int(still[i]) + unseen), 2),
            }
            found.append(_finding(state, row, severity, f"B1:{tag}{moved}", evidence, since_min=moved))
    return found


def _rising(ups: NDArray[np.uint8]) -> tuple[Ints, Ints, Ints]:
    """Return (m,) median and latest but one of the times of rising (m, DAYS), in minutes, and how many are known."""
    order = np.sort(ups.astype(np.int64), axis=1)
    known = (order > 0).sum(axis=1)
    middle = order[np.arange(len(order)), np.minimum(DAYS - known + known // 2, DAYS - 1)]
    return (middle - 1) * UNIT_MIN, (order[:, -2] - 1) * UNIT_MIN, known


def _finding(
    state: Columnar, row: int, severity: Severity, identity: str, evidence: Mapping[str, object], *, since_min: int
) -> Finding:
    return Finding(
        row=row,
        rule=identity.partition(":")[0],
        kind=AlertKind.STILLNESS,
        severity=severity,
        at_ms=int(state["worn_min"][row]) * MINUTE_MS,
        identity=identity,
        evidence=evidence,
        since_ms=since_min * MINUTE_MS,
    )
