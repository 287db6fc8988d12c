"""Holds the detectors' state for every device: makes room, keeps it in blocks that are checkpointed, brings it back."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np
import structlog
from numpy.typing import NDArray
from prometheus_client import Counter

from alerts.detectors import stillness, vitals
from alerts.detectors.clocks import Clocks
from alerts.detectors.detector import Columnar, Detector, Field, Finding, carried
from alerts.detectors.device_health import excuse
from devices.columns import Columns
from hub.device_table import NONE, DeviceTable
from hub.repeats import Repeats

BLOCK = 16_384  # rows checkpointed together, and looked at by one tick without a pause
WORD = 8  # bytes that the widest numbers are aligned to
HEALTH = "device_health"  # the detector whose deadlines and pauses the shell knows about
VITALS = "vitals"  # the detector that knows whether a pulse can be believed
SCORE = "early_warning"  # the detector that is shown all devices of a resident under the row of her first one
WRITTEN = {  # state columns that are the table's
    HEALTH: ("deadline_s", "bound_ms", "created_s", "wearable"),
    "vitals": ("skin", "spo2_scale2"),
    SCORE: ("spo2_scale2",),
}
SELDOM = frozenset({  # state columns that few messages write to: a hundred and more bytes of a device
    "vitals.rest_bins", "vitals.high_bpm", "vitals.nights", "vitals.spo2_bins", "vitals.cleared", "vitals.begun",
    "stillness.ups",
})  # fmt: skip
OWNER = "table.resident_id"  # saved beside the columns: whose each device was
HERS = {  # state of a wearer, gone when a device becomes somebody else's: these detectors' all, of others some
    "vitals": None, "stillness": None, SCORE: None, HEALTH: ("unworn_min", "wear"),
}  # fmt: skip


FAILURES = Counter("carehub_detector_failures", "Batches a detector could not judge", ["detector"])
log = structlog.get_logger()


class Stateful(Protocol):
    """What a detector, `Repeats` and `Clocks` have in common."""

    name: str

    @property
    def fields(self) -> Any: ...


class Detection:
    """State columns `detector.column` with one row for each row of the device table."""

    def __init__(self, table: DeviceTable, detectors: Sequence[Detector]) -> None:
        self.detectors = tuple(detectors)
        self.repeats, self.clocks = Repeats(), Clocks()
        self.table = table
        self._holders: tuple[Stateful, ...] = (*self.detectors, self.repeats, self.clocks)
        self._room = 0
        self._full: dict[str, Columnar] = {holder.name: {} for holder in self._holders}
        self.states: dict[str, Columnar] = {}
        self.dirty = np.zeros(0, bool)  # blocks changed since they were saved
        self.saved_through = np.zeros(0, np.int64)  # last batch in the saved state of each block
        self.restored_at_ms = 0
        self.failed: set[str] = set()  # detectors that raised since somebody looked
        self._asked = np.zeros(0, bool)  # devices for which somebody looked up what is usual for their wearer
        self._owner, self._first = np.zeros(0, np.int64), np.zeros(0, np.int64)  # of the table, as they were
        self._scored = np.zeros((0, 2), np.int64)  # rows that were saved with a score, and whose that was
        self._brought: list[int] = []  # rows that got a score since the last fit
        self.fit()

    def fit(self) -> None:
        """Make room for every device of the table and take over what it knows. Call after the table changed."""
        count = len(self.table)
        if count > self._room or self._room == 0:
            self._grow(max(1024, count, self._room * 3 // 2))
        self.states = {name: {key: full[:count] for key, full in state.items()} for name, state in self._full.items()}
        blocks = -(-count // BLOCK)
        if blocks > len(self.dirty):
            more = blocks - len(self.dirty)
            self.dirty = np.concatenate([self.dirty, np.zeros(more, bool)])
            self.saved_through = np.concatenate([self.saved_through, np.zeros(more, np.int64)])
        self._asked = np.concatenate([self._asked, np.zeros(count - len(self._asked), bool)])
        scores = self._scores_moved(count) + [self._score(row, row) for row in self._brought]
        self._brought.clear()
        if HEALTH in self.states:
            self._bound_anew(self.states[HEALTH], self.table.bound_ms[:count])
        self._put_scores(scores)
        behind = np.flatnonzero(self.table.behind_ms[:count] != self.states["clocks"]["behind_ms"])
        self.table.behind_ms[behind] = self.states["clocks"]["behind_ms"][
            behind
        ]  # mostly none: unwritten takes no room
        for name, columns in WRITTEN.items():
            for column in columns if name in self.states else ():
                self.states[name][column][:] = getattr(self.table, column)[:count]

    def _bound_anew(self, health: Columnar, bound_ms: NDArray[np.int64]) -> None:
        """What is known of a wearer is not known of the next one."""
        anew = (health["bound_ms"] != bound_ms) & ((health["bound_ms"] != 0) | (health["heard_ms"] != 0))
        rows = np.flatnonzero(anew)
        if len(rows) == 0:
            return
        self._asked[rows] = False
        health["silent"][rows] = 0  # whose silence it was is over; it is missed anew where it is now
        self.dirty[np.unique(rows // BLOCK)] = True
        for holder in self._holders:
            if holder.name in HERS:
                for key in HERS[holder.name] or tuple(holder.fields):
                    self.states[holder.name][key][rows] = holder.fields[key].fill

    def _scores_moved(self, count: int) -> list[tuple[int, int, dict[str, NDArray[Any]]]]:
        """Return (old row, new row, state) of the scores of residents who have another first device than before."""
        owner, first = self.table.resident_id[:count], self.table.first_row[:count]
        had = len(self._owner)
        same = (owner[:had] == self._owner) & (first[:had] == self._first)
        before, self._owner, old = self._owner, owner.copy(), self._first
        self._first = first.copy()
        if had == 0 or SCORE not in self.states or (count == had and same.all()):
            return []
        changed = np.flatnonzero(~same)
        hers = np.unique(np.concatenate([before[changed], owner[changed], owner[had:]]))
        was, old_row = _firsts(before, old, hers)
        now, new_row = _firsts(owner, first, hers)
        _, i, j = np.intersect1d(was, now, assume_unique=True, return_indices=True)
        pairs = [(a, b) for a, b in zip(old_row[i].tolist(), new_row[j].tolist(), strict=True) if a != b]
        return [self._score(a, b) for a, b in pairs]

    def _score(self, old: int, new: int) -> tuple[int, int, dict[str, NDArray[Any]]]:
        return old, new, {key: column[old].copy() for key, column in self.states[SCORE].items()}

    def _put_scores(self, moved: list[tuple[int, int, dict[str, NDArray[Any]]]]) -> None:
        """A score is a resident's, whichever of her devices is the first: take it along."""
        if not moved:
            return
        fields = next(d for d in self.detectors if d.name == SCORE).fields
        for old, _, _ in moved:
            for key, field in fields.items():
                self.states[SCORE][key][old] = field.fill
        for old, new, state in moved:
            for key, value in state.items():
                self.states[SCORE][key][new] = value
            self.dirty[[old // BLOCK, new // BLOCK]] = True

    def unasked(self) -> NDArray[np.int64]:
        """Return the devices of residents for which nobody has looked up yet what is usual for her."""
        return np.flatnonzero(~self._asked & (self.table.resident_id[: len(self._asked)] != NONE))

    def asked(self, rows: NDArray[np.int64]) -> None:
        """Note that somebody has."""
        self._asked[rows] = True

    def changed(self, rows: NDArray[np.int64]) -> None:
        """Save these devices' blocks again: somebody else wrote into their state."""
        self.dirty[np.unique(rows // BLOCK)] = True

    def observe(self, rows: NDArray[np.int64], batch: Columns) -> list[Finding]:
        """Show one stored batch to every detector. Repeats have been taken out before."""
        if len(rows) == 0:
            return []
        self.dirty[np.unique(rows // BLOCK)] = True
        self.dirty[np.unique(self.table.first_row[rows] // BLOCK)] = True
        self.repeats.remember(self.states["repeats"], rows, self.repeats.keys(batch))
        batch = self.clocks.put_right(self.states["clocks"], rows, batch)
        self.table.behind_ms[rows] = self.states["clocks"]["behind_ms"][rows]
        return [f for detector in self.detectors for f in self._shown(detector, rows, batch)]

    def fresh(self, rows: NDArray[np.int64], batch: Columns) -> NDArray[np.bool_]:
        """Return which messages were not heard before. Changes nothing."""
        return self.repeats.fresh(self.states["repeats"], rows, self.repeats.keys(batch))

    def tick(self, now_ms: int) -> Iterator[list[Finding]]:
        """Let time pass, one block of devices at a time, so that the caller may pause between them."""
        for start in range(0, len(self.table), BLOCK):
            found: list[Finding] = []
            for detector in self.detectors:
                part = {key: column[start : start + BLOCK] for key, column in self.states[detector.name].items()}
                noticed = self._guarded(detector, partial(detector.tick, part, now_ms))
                found += [dataclasses.replace(f, row=f.row + start) if start else f for f in noticed]
            if found:
                self.dirty[start // BLOCK] = True
            yield found

    def block_columns(self, block: int) -> tuple[NDArray[np.int64], Columnar]:
        """Return device numbers and a copy of one block's columns: what is cut into pieces in another thread."""
        part = slice(block * BLOCK, min((block + 1) * BLOCK, len(self.table)))
        columns = {
            f"{name}.{key}": full[part].copy() for name, state in self.states.items() for key, full in state.items()
        }
        columns[OWNER] = self.table.resident_id[part].copy()
        return self.table.device_id[part].copy(), columns

    def restore(self, device: NDArray[np.int64], saved: Columnar, through: int) -> None:
        """Put a saved block back. Rows are found by device number; columns whose type changed start anew."""
        rows = self.table.rows_of_ids(device)
        known = rows >= 0
        for holder in self._holders:
            for key, field in holder.fields.items():
                kept = _kept(saved, holder.name, key, field)
                if kept is not None and (f"{holder.name}.{key}" not in SELDOM or (kept != field.fill).any()):
                    self.states[holder.name][key][rows[known]] = kept[known]
        self._remember_owners(saved, rows)
        for block in np.unique(rows[known] // BLOCK).tolist():
            self.saved_through[block] = max(int(self.saved_through[block]), through)

    def _remember_owners(self, saved: Columnar, rows: NDArray[np.int64]) -> None:
        if OWNER not in saved or SCORE not in self.states:
            return
        owner, state = saved[OWNER], self.states[SCORE]
        fields = next(d for d in self.detectors if d.name == SCORE).fields
        scored = np.zeros(len(rows), bool)
        for key in set(fields) - set(WRITTEN[SCORE]):
            scored |= (state[key][rows] != fields[key].fill).reshape(len(rows), -1).any(axis=1)
        scored &= (rows >= 0) & (owner != NONE)
        self._scored = np.concatenate([self._scored, np.stack([rows[scored], owner[scored]], axis=1)])

    def bring_scores(self) -> None:
        """After a restore: while the hub was away a resident's first device may have become another one."""
        count, (row, owner) = len(self.table), self._scored.T
        self._scored = np.zeros((0, 2), np.int64)
        residents, first = _firsts(self.table.resident_id[:count], self.table.first_row[:count], owner)
        _, i, j = np.intersect1d(owner, residents, return_indices=True)
        moved = [self._score(a, b) for a, b in zip(row[i].tolist(), first[j].tolist(), strict=True) if a != b]
        self._put_scores(moved)
        self._brought = [b for _, b, _ in moved]

    def hub_was_here(self, until_ms: int) -> None:
        """After a restore: up to this moment the hub was alive, although the saved blocks may be older."""
        if HEALTH in self.states:
            ticked, created = self.states[HEALTH]["ticked_ms"], self.states[HEALTH]["created_s"].astype(np.int64) * 1000
            there = (ticked > 0) | ((created > 0) & (created < until_ms))  # it never spoke: no block of it was saved
            ticked[there] = np.maximum(ticked[there], until_ms)

    def excuse(self, rows: NDArray[np.int64], now_ms: int) -> None:
        """Let the deadlines of these devices begin now: what they speak through was not there."""
        if len(rows):
            excuse(self.states[HEALTH], rows, now_ms)
            self.dirty[np.unique(rows // BLOCK)] = True

    def look_again(self, rows: NDArray[np.int64]) -> None:
        """Find these silent once more at the next tick, if they are: what seemed to explain it does not."""
        if len(rows):
            self.states[HEALTH]["silent"][rows] = 0
            self.dirty[np.unique(rows // BLOCK)] = True

    def begin_anew(self, row: int, at_ms: int) -> None:
        """What a wearer was still before this moment means nothing: she was known to be away, or to have visitors."""
        stillness.begin_anew(self.states[stillness.StillnessDetector.name], row, at_ms)
        self.dirty[row // BLOCK] = True

    def _shown(self, detector: Detector, rows: NDArray[np.int64], batch: Columns) -> list[Finding]:
        whose = rows
        if detector.name == SCORE:
            whose = self.table.first_row[rows]
            if VITALS in self.states:
                batch = vitals.only_believed(self.states[VITALS], rows, batch)
        return self._guarded(detector, partial(detector.observe, self.states[detector.name], whose, batch))

    def _guarded(self, detector: Detector, look: Callable[[], list[Finding]]) -> list[Finding]:
        """One detector's fault must not stop the others, nor the storing: the same batch would come again for ever."""
        try:
            return look()
        except Exception:
            self.failed.add(detector.name)
            FAILURES.labels(detector.name).inc()
            log.exception("detector failed", detector=detector.name)
            return []

    def _grow(self, room: int) -> None:
        """Make room for so many devices.

        A message looks at forty numbers of one device: they lie side by side, as the fields of a record, or each would
        be a fetch from memory of its own. The passing of time looks at a few numbers of every device: those of
        `HEALTH` are columns. What few messages write to are columns as well, and take room where somebody wrote.
        """
        layout = _layout(self._holders)
        records = np.zeros(room, layout)
        for holder in self._holders:
            state = self._full[holder.name]
            for key, field in holder.fields.items():
                named = f"{holder.name}.{key}"
                grown = (
                    records[named] if named in (layout.fields or {}) else np.zeros((room, *field.shape), field.dtype)
                )
                if field.fill:  # what nobody writes to takes no room
                    grown[...] = field.fill
                if key in state:
                    grown[: self._room] = state[key]
                state[key] = grown
        self._room = room


def _layout(holders: Iterable[Stateful]) -> np.dtype[Any]:
    """Return a record of what every message looks at, the widest first: so all of it is aligned."""
    fields = [
        (f"{one.name}.{key}", field) for one in holders if one.name != HEALTH for key, field in one.fields.items()
        if f"{one.name}.{key}" not in SELDOM
    ]  # fmt: skip
    fields.sort(key=lambda named: -np.dtype(named[1].dtype).itemsize)
    packed = np.dtype([(name, field.dtype, field.shape) for name, field in fields])
    places: Mapping[str, Any] = packed.fields or {}
    return np.dtype({
        "names": [name for name, _ in fields], "formats": [places[name][0] for name, _ in fields],
        "offsets": [places[name][1] for name, _ in fields], "itemsize": -(-packed.itemsize // WORD) * WORD,
    })  # fmt: skip


def _firsts(
    owner: NDArray[np.int64], first: NDArray[np.int64], residents: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return those of some residents who have a device, and the row of their first one."""
    rows = np.flatnonzero(np.isin(owner, residents) & (owner != NONE))
    found, at = np.unique(owner[rows], return_index=True)
    return found, first[rows[at]]


def _kept(saved: Columnar, holder: str, key: str, field: Field) -> NDArray[Any] | None:
    """Return a saved column in the form it has now, None where what was saved cannot be told in it."""
    for name in (key, field.was[0]) if field.was else (key,):
        column = saved.get(f"{holder}.{name}")
        if column is not None:
            return carried(field, name, column)
    return None
