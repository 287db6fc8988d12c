"""What remains of a day of each device when its telemetry has gone: the last battery level, how long it was worn. Pure.

Worn is what the device says (worn, taken off, skin contact); of a device that does not say, a heart rate is: there is
none on a bedside table. What was said holds until the next message, at most half an hour: a watch that falls silent is
not worn for ever. Time that nobody reported is not counted, so the figure is a lower bound.
"""

import numpy as np
from numpy.typing import NDArray

from alerts.detectors.detector import Columnar
from alerts.supervision_battery import LEVEL_SIGNAL_EVERY_MS, LOW_PCT, RISE_PCT
from devices.columns import Columns

DAY_MS = 86_400_000
HOLDS_MS = 30 * 60_000
LATE_MS = 26 * 3_600_000  # a message that was made longer ago is of a day that has been written already
SLOTS = 2  # today and yesterday, by the parity of the day
FIELDS: dict[str, tuple[str, tuple[int, ...], float]] = {  # column: type, shape of a device, what it begins with
    "day": ("int32", (SLOTS,), -1),  # of the district, since 1970
    "battery": ("float32", (SLOTS,), np.nan),
    "charged": ("uint8", (SLOTS,), 0),
    "worn_ms": ("int32", (SLOTS,), -1),  # since it was last written; -1: it said nothing of it
    "fresh": ("uint8", (), 0),  # something to write
    "level": ("float32", (), np.nan),
    "said_ms": ("int64", (), 0),  # device time of the newest message that says whether it is worn
    "worn": ("uint8", (), 0),
    "signal_hour": ("int64", (), 0),  # of the last low level that counted as a signal
}


class DayBook:
    """Columns of days for all devices. The shell grows them, takes what is fresh, puts back what it could not write."""

    def __init__(self, offset_ms: int = 0) -> None:
        self.offset_ms = offset_ms  # of the district's midnight from UTC
        self.columns: Columnar = {name: _filled(name, 0) for name in FIELDS}

    def fit(self, count: int) -> None:
        """Make room for so many devices."""
        have = len(self.columns["fresh"])
        if count <= have:
            return
        room = max(1024, count, have * 3 // 2)
        for name, column in self.columns.items():
            grown = _filled(name, room)
            grown[:have] = column
            self.columns[name] = grown

    def observe(self, rows: NDArray[np.int64], batch: Columns) -> NDArray[np.int64]:
        """Take a batch in; returns the positions of messages whose level is a low-battery signal."""
        if len(rows) == 0:
            return np.zeros(0, np.int64)
        at_ms = np.minimum(batch.measured_ms, batch.received_ms)
        on_time = batch.received_ms - at_ms <= LATE_MS
        told = on_time & ((batch.worn >= 0) | ~np.isnan(batch.heart_rate_bpm))
        if told.any():
            worn = np.where(batch.worn >= 0, batch.worn == 1, ~np.isnan(batch.heart_rate_bpm))
            self._wear(rows[told], at_ms[told], worn[told])
        level = np.flatnonzero(on_time & ~np.isnan(batch.battery_pct))
        if len(level) == 0:
            return np.zeros(0, np.int64)
        self._levels(rows[level], at_ms[level], batch.battery_pct[level])
        return level[self._signals(rows[level], at_ms[level], batch.battery_pct[level])]

    def fresh(self, most: int, after: int) -> NDArray[np.int64]:
        """Return up to `most` rows with something to write, from row `after` on and then from the first."""
        waiting = np.flatnonzero(self.columns["fresh"])
        start = int(np.searchsorted(waiting, after))
        return np.concatenate([waiting[start:], waiting[:start]])[:most]

    def take(self, rows: NDArray[np.int64]) -> Columnar:
        """Return copies of what these rows have to write, and begin the counting of worn time anew."""
        taken = {name: self.columns[name][rows].copy() for name in ("day", "battery", "charged", "worn_ms")}
        self.columns["fresh"][rows] = 0
        worn = self.columns["worn_ms"]
        worn[rows] = np.where(worn[rows] >= 0, 0, -1)
        return taken

    def put_back(self, rows: NDArray[np.int64], taken: Columnar) -> None:
        """It was not written: it is still to be."""
        self.columns["fresh"][rows] = 1
        same = self.columns["day"][rows] == taken["day"]
        add = np.where(same & (taken["worn_ms"] > 0), taken["worn_ms"], 0)
        self.columns["worn_ms"][rows] += add

    def _wear(self, rows: NDArray[np.int64], at_ms: NDArray[np.int64], worn: NDArray[np.bool_]) -> None:
        """Add the time since each device's message before, if it was worn then. What is older than that is passed."""
        order = np.lexsort((at_ms, rows))
        order = order[at_ms[order] > self.columns["said_ms"][rows[order]]]
        rows, at_ms, worn = rows[order], at_ms[order], worn[order]
        if len(rows) == 0:
            return
        first = np.concatenate([[True], rows[1:] != rows[:-1]])
        before_ms = np.where(first, self.columns["said_ms"][rows], np.concatenate([[0], at_ms[:-1]]))
        before = np.where(first, self.columns["worn"][rows] == 1, np.concatenate([[False], worn[:-1]]))
        held = np.where(before & (before_ms > 0), np.minimum(at_ms - before_ms, HOLDS_MS), 0)
        slot = self._slot(rows, at_ms)
        minutes = self.columns["worn_ms"]
        minutes[rows, slot] = np.maximum(minutes[rows, slot], 0)
        np.add.at(minutes, (rows, slot), held.astype(np.int32))
        last = np.concatenate([rows[1:] != rows[:-1], [True]])
        self.columns["said_ms"][rows[last]], self.columns["worn"][rows[last]] = at_ms[last], worn[last]

    def _levels(self, rows: NDArray[np.int64], at_ms: NDArray[np.int64], level: NDArray[np.float32]) -> None:
        order = np.lexsort((at_ms, rows))
        rows, at_ms, level = rows[order], at_ms[order], level[order]
        first = np.concatenate([[True], rows[1:] != rows[:-1]])
        before = np.where(first, self.columns["level"][rows], np.concatenate([[np.nan], level[:-1]]))
        slot = self._slot(rows, at_ms)
        self.columns["battery"][rows, slot] = level  # of several the last stays: they stand in their order
        rose = level - before >= RISE_PCT  # not a number: false
        self.columns["charged"][rows[rose], slot[rose]] = 1
        self.columns["level"][rows] = level

    def _signals(
        self, rows: NDArray[np.int64], at_ms: NDArray[np.int64], level: NDArray[np.float32]
    ) -> NDArray[np.int64]:
        """Return the first low level of each device and clock hour, whatever batches they come in."""
        hour = at_ms // LEVEL_SIGNAL_EVERY_MS
        low = np.flatnonzero((level <= LOW_PCT) & (hour > self.columns["signal_hour"][rows]))
        _, one = np.unique(np.stack([rows[low], hour[low]]), axis=1, return_index=True)
        low = low[one]
        np.maximum.at(self.columns["signal_hour"], rows[low], hour[low])
        return low

    def _slot(self, rows: NDArray[np.int64], at_ms: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the slot of each message's day; a slot that still holds another day begins anew."""
        day = ((at_ms + self.offset_ms) // DAY_MS).astype(np.int32)
        slot = (day % SLOTS).astype(np.int64)
        other = self.columns["day"][rows, slot] != day
        if other.any():
            r, s = rows[other], slot[other]
            for name in ("battery", "charged", "worn_ms"):
                self.columns[name][r, s] = FIELDS[name][2]
            self.columns["day"][r, s] = day[other]
        self.columns["fresh"][rows] = 1
        return slot


def _filled(name: str, count: int) -> NDArray[np.generic]:
    kind, shape, fill = FIELDS[name]
    return np.full((count, *shape), fill, np.dtype(kind))
