"""A resident's water meter: two days of its total by half-hours. B3 no use, B4 a leak, and use as a sign of life."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.detectors.detector import Columnar, Field
from alerts.detectors.home_signs import Bools, Ints

SLOTS = 96  # half-hours kept: two days
SLOT_MIN = 30
ROOM = 65_000  # litres between the oldest and the newest of them; a leak of more loses the oldest
HALF_ROOM = 40_000
MOST_M3 = 2_000_000.0  # no meter counts further
FASTEST_L_PER_MIN, AT_ONCE_L = 100, 1_000  # a total that rises faster is another meter
PAUSE = 6  # half-hours: a meter that says nothing for longer cannot tell what was not used
DRY_L = 10  # B3: less than this
DRY, DRY_NOISY = 24, 48  # … in so many whole half-hours
DRAWN_L = 5  # so much in one half-hour is a person
LEAK_L = 2_000  # B4: more than this in a day,
FLOWING = 48  # … or some use in so many half-hours on end
CHUNK = 4_096  # homes looked at together

FIELDS: Mapping[str, Field] = {
    "rises": Field(dtype="uint8", shape=(SLOTS,)),  # of the highest total by half-hour since the one before; 0 = none
    "read_l": Field(dtype="int32"),  # newest reading,
    "read_min": Field(dtype="int32"),  # … and when
    "looked_slot": Field(dtype="int32"),  # last half-hour the rules have seen
    "read_slot": Field(dtype="int32"),  # last one of those that had a reading
    "drawn_min": Field(dtype="int32"),  # last use by a person
    "dry_min": Field(dtype="int32"),  # B3 holds: since when nothing was used, else 0
    "dry_due_min": Field(dtype="int32"),  # … and since when that is so long
    "leak_day": Field(dtype="uint16"),  # first of the days on end with a leak. With the next the shell may write it
    "leak_last_day": Field(dtype="uint16"),  # … at a rebuild, from the day table: a leak older than two days is known
}


# What a byte stands for: litres one by one as long as people or a drip make them, wider where only a burst pipe does.
LITRES = np.concatenate([np.arange(150), np.arange(150, 500, 10), np.geomspace(500, ROOM, 70).astype(np.int64)])
NEAREST = (LITRES[1:] + LITRES[:-1]) // 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Leak:
    """B4 for one home: since which local day, from which minute it was one, and what was used today."""

    row: int
    day: int
    due_min: int
    used_l: int
    flowing_min: int


def note(state: Columnar, row: Ints, minute: Ints, total_m3: NDArray[np.float64]) -> None:
    """Take readings in. A total that falls, or rises faster than water flows, is another meter: it starts anew."""
    use = (total_m3 >= 0) & (total_m3 <= MOST_M3)
    row, minute = row[use], minute[use]
    if len(row) == 0:
        return
    litres = (total_m3[use] * 1000 + 0.5).astype(np.int64)
    rows, row = np.unique(row, return_inverse=True)
    held = _unpacked(state, rows)
    known = np.flatnonzero(held["read_min"] > 0)
    last_min = held["read_min"][known].astype(np.int64)
    row, minute = np.append(row, known), np.append(minute, last_min)
    litres = np.append(litres, state["read_l"][rows[known]].astype(np.int64))
    order = np.lexsort((litres, minute, row))
    row, minute, litres = row[order], minute[order], litres[order]
    first, fresh = _since_exchange(row, minute, litres)
    newest = np.append(np.flatnonzero(row[1:] != row[:-1]), len(row) - 1)
    last = np.zeros(len(rows), np.int64)
    last[known] = last_min
    exchanged = (last > 0) & (minute[first] > last)  # what was known is of the meter before
    every, anew = np.arange(len(rows)), exchanged | (last == 0)
    _make_room(held, every[anew], litres[newest[anew]], anew=True)
    _make_room(held, every, litres[newest], anew=False)
    _advance(held, every, last, minute[newest])
    _write(held, row[fresh], minute[fresh], litres[fresh], minute[newest][row[fresh]])
    state["read_l"][rows] = litres[newest]
    _pack(state, rows, held)


def _unpacked(state: Columnar, rows: Ints) -> Columnar:
    """Return the columns of some meters with (m, SLOTS) `litres` for `rises`: highest total above base_l by half-hour,
    plus one; 0 = none. The base lies low enough for what is late."""
    order = _oldest_first(state["read_min"][rows])
    rises = np.take_along_axis(state["rises"][rows], order, axis=1)
    total = np.cumsum(LITRES[np.maximum(rises.astype(np.int64) - 1, 0)], axis=1)
    base = state["read_l"][rows].astype(np.int64) - total[:, -1]
    held = np.zeros((len(rows), SLOTS), np.int64)
    np.put_along_axis(held, order, np.where(rises > 0, total + HALF_ROOM + 1, 0), axis=1)
    others = {name: state[name][rows] for name in ("read_min", "dry_min")}
    return {"litres": held, "base_l": base - HALF_ROOM, **others}


def _pack(state: Columnar, rows: Ints, held: Columnar) -> None:
    """Put back what was unpacked: how much each known total lies above the one before."""
    order = _oldest_first(held["read_min"])
    litres = np.take_along_axis(held["litres"], order, axis=1)
    known = litres > 0
    most = np.maximum.accumulate(litres, axis=1)
    before = np.concatenate([np.zeros_like(most[:, :1]), most[:, :-1]], axis=1)
    rise = np.where(before > 0, np.maximum(litres - before, 0), 0)  # of the oldest nothing is known
    rises = np.where(known, np.searchsorted(NEAREST, rise) + 1, 0).astype(np.uint8)
    packed = np.zeros_like(rises)
    np.put_along_axis(packed, order, rises, axis=1)
    state["rises"][rows] = packed
    for name in ("read_min", "dry_min"):
        state[name][rows] = held[name]


def _oldest_first(read_min: NDArray[Any]) -> Ints:
    """Return (m, SLOTS) the places of the half-hours that end with each newest reading, oldest first."""
    ordered: Ints = (read_min[:, None] // SLOT_MIN + 1 + np.arange(SLOTS)) % SLOTS
    return ordered


def _since_exchange(row: Ints, minute: Ints, litres: Ints) -> tuple[Ints, Bools]:
    """Return the index of each row's first reading of the meter that is there now, and which readings are of it."""
    same = np.append(False, row[1:] == row[:-1])
    more = np.append(0, np.diff(litres))
    most = np.append(0, np.diff(minute)) * FASTEST_L_PER_MIN + AT_ONCE_L
    begins = np.where(~same | (more < 0) | (more > most), np.arange(len(row)), 0)
    newest = np.append(np.flatnonzero(~same[1:]), len(row) - 1)
    first = np.maximum.accumulate(begins)[newest]
    which = np.cumsum(~same) - 1
    return first, np.arange(len(row)) >= first[which]


def _make_room(state: Columnar, rows: Ints, newest_l: Ints, *, anew: bool) -> None:
    """Lay the base so that the newest total fits. Only differences are ever looked at."""
    if anew:
        state["litres"][rows] = 0
        state["base_l"][rows] = np.maximum(newest_l - HALF_ROOM, 0)
        state["dry_min"][rows] = 0
        return
    full = newest_l - state["base_l"][rows] > ROOM
    rows, newest_l = rows[full], newest_l[full]
    if len(rows) == 0:
        return
    by = newest_l - HALF_ROOM - state["base_l"][rows]
    held = state["litres"][rows]
    state["litres"][rows] = np.where(held > by[:, None], held - by[:, None], 0)
    state["base_l"][rows] += by


def _advance(state: Columnar, rows: Ints, last_min: Ints, newest_min: Ints) -> None:
    """Empty the half-hours that begin with the newest reading."""
    before, now = last_min // SLOT_MIN, newest_min // SLOT_MIN
    further = (now > before) & (before > 0)
    rows, before, now = rows[further], before[further], now[further]
    slot = now[:, None] - (now[:, None] - np.arange(SLOTS)) % SLOTS
    held = state["litres"][rows]
    held[slot > before[:, None]] = 0
    state["litres"][rows] = held


def _write(state: Columnar, row: Ints, minute: Ints, litres: Ints, newest_min: Ints) -> None:
    slot, above = minute // SLOT_MIN, litres - state["base_l"][row] + 1
    fits = (newest_min // SLOT_MIN - slot < SLOTS) & (above > 0)
    np.maximum.at(state["litres"], (row[fits], slot[fits] % SLOTS), above[fits])
    np.maximum.at(state["read_min"], row, minute.astype(np.int32))


def look(state: Columnar, cutoff_min: int, silent: Bools, offset_min: int) -> list[Leak]:
    """Bring what is known of water up to the last half-hour that is over, and return leaks not yet told.

    Args:
        silent: (n,) who is known to be away, or has a visitor: nothing is dry there, and starts anew at `anew_ms`.
    """
    slot = cutoff_min // SLOT_MIN - 1
    read = state["read_min"]
    due = np.flatnonzero((read > 0) & (state["looked_slot"] < slot) & (read // SLOT_MIN > slot - SLOTS))
    found: list[Leak] = []
    for rows in _chunks(due):
        found += _Totals(state, rows, slot).judge(silent[rows], offset_min)
    return found


def _chunks(rows: Ints) -> Iterator[Ints]:
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]


class _Totals:
    """The totals of m homes in the SLOTS half-hours up to `slot`, oldest first."""

    def __init__(self, state: Columnar, rows: Ints, slot: int) -> None:
        self.state, self.rows, self.slot = state, rows, slot
        slots = np.arange(slot - SLOTS + 1, slot + 1)
        held = _unpacked(state, rows)["litres"][:, slots % SLOTS]
        # The ring ends with the newest reading, and that need not be in the last of these half-hours.
        newest = (state["read_min"][rows] // SLOT_MIN)[:, None]
        held[(slots > newest) | (slots <= newest - SLOTS)] = 0
        self.place = np.arange(SLOTS)
        self.known = held > 0
        self.total = np.maximum.accumulate(held, axis=1)
        self.at = np.maximum.accumulate(np.where(self.known, self.place, -1), axis=1)  # last reading up to here
        self.told = (self.at >= 0) & (self.place - self.at <= PAUSE)  # and it is not long ago
        before = np.zeros_like(self.told)
        before[:, 1:] = self.told[:, :-1]
        rise = np.diff(self.total, axis=1, prepend=self.total[:, :1])
        self.rise = np.where(self.known & before, rise, 0)

    def judge(self, silent: Bools, offset_min: int) -> list[Leak]:
        state, rows = self.state, self.rows
        used = self.rise > 0
        flowing = self.place - np.maximum.accumulate(np.where(used, -1, self.place), axis=1)
        self._people(flowing)
        self._dry(silent)
        newest = self.at[:, -1]
        state["read_slot"][rows] = np.where(newest >= 0, self.slot - SLOTS + 1 + newest, 0)
        state["looked_slot"][rows] = self.slot
        return self._leaks(flowing, offset_min)

    def _people(self, flowing: Ints) -> None:
        """Keep when somebody last drew water. What by then had run all day and night is no person."""
        drawn = np.where((self.rise >= DRAWN_L) & (flowing < FLOWING), self.place, -1).max(axis=1)
        rows = self.rows[drawn >= 0]
        minute = (self.slot - SLOTS + 2 + drawn[drawn >= 0]) * SLOT_MIN - 1
        self.state["drawn_min"][rows] = np.maximum(self.state["drawn_min"][rows], minute)

    def _dry(self, silent: Bools) -> None:
        """Keep since when nothing was used, if that is long enough: the first of the windows on end that say so."""
        state, rows = self.state, self.rows
        noisy = state["meter_noisy"][rows] != 0
        holds = np.where(noisy[:, None], self._dry_windows(DRY_NOISY), self._dry_windows(DRY))
        holds &= ~silent[:, None]
        wide = np.where(noisy, DRY_NOISY, DRY) + 1
        began = np.maximum.accumulate(np.where(holds, -1, self.place), axis=1)[:, -1] + 1
        dry = began < SLOTS
        since = (self.slot - SLOTS + 2 + began - wide) * SLOT_MIN
        standing = dry & (state["dry_min"][rows] > 0)  # its beginning may have left the two days
        state["dry_due_min"][rows] = np.where(standing, state["dry_due_min"][rows], since + wide * SLOT_MIN)
        state["dry_min"][rows] = np.where(standing, state["dry_min"][rows], np.where(dry, since, 0))

    def _dry_windows(self, whole: int) -> Bools:
        """Return (m, SLOTS) where less than DRY_L was used in the `whole` half-hours before the last reading's own."""
        wide = whole + 1
        untold = np.cumsum(~self.told, axis=1)
        holds = np.zeros_like(self.told)
        then = slice(0, SLOTS - wide)
        holds[:, wide:] = (
            self.known[:, wide:]
            & self.told[:, then]
            & (untold[:, wide:] == untold[:, then])
            & (self.total[:, wide:] - self.total[:, then] < DRY_L)
        )
        anew = (self.state["anew_ms"][self.rows] // 60_000 // SLOT_MIN)[:, None]
        holds[:, wide:] &= self.slot - SLOTS + 1 + self.place[then] > anew
        held: Bools = np.take_along_axis(holds, np.maximum(self.at, 0), axis=1) & self.told
        return held

    def _leaks(self, flowing: Ints, offset_min: int) -> list[Leak]:
        state, rows = self.state, self.rows
        day = ((self.slot + 1) * SLOT_MIN - 1 + offset_min) // 1440
        midnight = SLOTS - 1 - (((self.slot + 1) * SLOT_MIN - 1 + offset_min) % 1440) // SLOT_MIN  # place of its first
        today = self._leaking(flowing, midnight, SLOTS)
        yesterday = self._leaking(flowing, max(midnight - 48, 0), midnight)
        told = (state["leak_day"][rows] > 0) & (state["leak_last_day"][rows].astype(np.int64) >= day - 1)
        new = today & ~told
        state["leak_day"][rows[new]] = np.where(yesterday[new], day - 1, day)
        state["leak_last_day"][rows[today]] = day
        return [self._leak(i, day, midnight, flowing[i]) for i in np.flatnonzero(new).tolist()]

    def _leak(self, i: int, day: int, midnight: int, flowing: Ints) -> Leak:
        """Tell of one home: the first half-hour that made it a leak is when it was one."""
        row = int(self.rows[i])
        since = int(self.state["leak_day"][row])
        start, end = (midnight, SLOTS) if since == day else (max(midnight - 48, 0), midnight)
        over = (np.cumsum(self.rise[i, start:end]) > LEAK_L) | (flowing[start:end] >= FLOWING)
        due = (self.slot - SLOTS + 2 + start + int(np.argmax(over))) * SLOT_MIN
        used = int(self.rise[i, midnight:].sum())
        return Leak(row=row, day=since, due_min=due, used_l=used, flowing_min=int(flowing[-1]) * SLOT_MIN)

    def _leaking(self, flowing: Ints, start: int, end: int) -> Bools:
        """Return which of the homes leaked in these half-hours."""
        much = self.rise[:, start:end].sum(axis=1) > LEAK_L
        leaking: Bools = much | (flowing[:, start:end] >= FLOWING).any(axis=1)
        return leaking
