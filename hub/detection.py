"""Holds the detectors' state for every device: makes room, keeps it in blocks that are checkpointed, brings it back."""

import dataclasses
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Protocol

import msgspec
import numpy as np
import structlog
from numpy.typing import NDArray
from prometheus_client import Counter

from alerts.detectors import stillness
from alerts.detectors.clocks import Clocks
from alerts.detectors.detector import Columnar, Detector, Finding
from alerts.detectors.device_health import excuse
from devices.columns import Columns
from hub.device_table import DeviceTable
from hub.repeats import Repeats

BLOCK = 16_384  # rows checkpointed together, and looked at by one tick without a pause
COMPRESSION = 1
HEALTH = "device_health"  # the detector whose deadlines and pauses the shell knows about
SCORE = "early_warning"  # the detector that is shown all devices of a resident under the row of her first one
WRITTEN = {  # state columns that are the table's
    HEALTH: ("deadline_s", "bound_ms", "created_ms", "wearable"),
    "vitals": ("skin", "spo2_scale2"),
    SCORE: ("spo2_scale2",),
}
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


class _Body(msgspec.Struct, array_like=True):
    device: bytes  # device numbers, <i8
    columns: dict[str, tuple[str, tuple[int, ...], bytes]]


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
        if HEALTH in self.states:
            self._bound_anew(self.states[HEALTH], self.table.bound_ms[:count])
        for name, columns in WRITTEN.items():
            for column in columns if name in self.states else ():
                self.states[name][column][:] = getattr(self.table, column)[:count]

    def _bound_anew(self, health: Columnar, bound_ms: NDArray[np.int64]) -> None:
        """What is known of a wearer is not known of the next one."""
        anew = (health["bound_ms"] != bound_ms) & ((health["bound_ms"] != 0) | (health["heard_ms"] != 0))
        rows = np.flatnonzero(anew)
        if len(rows) == 0:
            return
        health["silent"][rows] = 0  # whose silence it was is over; it is missed anew where it is now
        self.dirty[np.unique(rows // BLOCK)] = True
        for holder in self._holders:
            if holder.name in HERS:
                for key in HERS[holder.name] or tuple(holder.fields):
                    self.states[holder.name][key][rows] = holder.fields[key].fill

    def observe(self, rows: NDArray[np.int64], batch: Columns) -> list[Finding]:
        """Show one stored batch to every detector. Repeats have been taken out before."""
        if len(rows) == 0:
            return []
        self.dirty[np.unique(rows // BLOCK)] = True
        self.dirty[np.unique(self.table.first_row[rows] // BLOCK)] = True
        self.repeats.remember(self.states["repeats"], rows, self.repeats.keys(batch))
        batch = self.clocks.put_right(self.states["clocks"], rows, batch)
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

    def block_columns(self, block: int) -> tuple[NDArray[np.int64], dict[str, NDArray[Any]]]:
        """Return device numbers and a copy of one block's columns: what `pack` makes bytes of, in another thread."""
        part = slice(block * BLOCK, min((block + 1) * BLOCK, len(self.table)))
        columns = {
            f"{name}.{key}": full[part].copy() for name, state in self.states.items() for key, full in state.items()
        }
        return self.table.device_id[part].copy(), columns

    def restore(self, body: bytes, through: int) -> None:
        """Put a saved block back. Rows are found by device number; columns whose type changed start anew."""
        saved = msgspec.msgpack.decode(zlib.decompress(body), type=_Body)
        rows = self.table.rows_of_ids(np.frombuffer(saved.device, "<i8"))
        known = rows >= 0
        for holder in self._holders:
            for key, field in holder.fields.items():
                kind, shape, raw = saved.columns.get(f"{holder.name}.{key}", ("", (), b""))
                if kind == np.dtype(field.dtype).str and tuple(shape[1:]) == tuple(field.shape):
                    self.states[holder.name][key][rows[known]] = np.frombuffer(raw, kind).reshape(shape)[known]
        for block in np.unique(rows[known] // BLOCK).tolist():
            self.saved_through[block] = max(int(self.saved_through[block]), through)

    def hub_was_here(self, until_ms: int) -> None:
        """After a restore: up to this moment the hub was alive, although the saved blocks may be older."""
        if HEALTH in self.states:
            ticked, created = self.states[HEALTH]["ticked_ms"], self.states[HEALTH]["created_ms"]
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
        whose = self.table.first_row[rows] if detector.name == SCORE else rows
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
        for holder in self._holders:
            state = self._full[holder.name]
            for key, field in holder.fields.items():
                grown = field.column(room)
                if key in state:
                    grown[: self._room] = state[key]
                state[key] = grown
        self._room = room


def pack(device: NDArray[np.int64], columns: dict[str, NDArray[Any]]) -> bytes:
    """Return one block's columns as compressed bytes."""
    body = _Body(device.astype("<i8").tobytes(), {k: (c.dtype.str, c.shape, c.tobytes()) for k, c in columns.items()})
    return zlib.compress(msgspec.msgpack.encode(body), COMPRESSION)
