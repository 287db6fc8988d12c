"""Every device the hub knows, in memory: address -> row, and what the hot path asks about a row."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.supervision import class_of
from devices.standards import SKIN
from hub.store.pool import Connection
from hub.store.sql import queries
from hub.store.telemetry import UNIX_TO_POSTGRES_MS

Q = queries("device_table")
ROOM = 1024  # rows at the start; grown by half
LOADED_AT_ONCE = 50_000  # devices read with one statement at a start
PARTS = "\x1f"  # between words, see load_some
WORDS = 4  # a device has in load_some
BOUND, RETIRED = 1, 2  # kinds of state in load_some
STATED, SCALE_2 = 1, 2  # marks in load_some
NONE = -1
WORN = "watch"  # the class of devices that are worn day and night
SUPERVISED = frozenset({"bound", "tested", "live"})  # by the deadline of its class: before that it lies in a box
LINE = np.dtype([
    ("id", ">i8"), ("owner", ">i8"), ("own_s", ">i8"), ("test_us", ">i8"), ("bound_us", ">i8"), ("created_us", ">i8"),
    ("kind", ">i4"), ("marks", ">i4"),
])  # fmt: skip


class DeviceTable:
    """One row a device, never given back. Arrays have shape (room,); the first `len` rows are devices.

    `device_id`, `resident_id` (-1: nobody's), `deadline_s` (0: not supervised; its own, else that of its class),
    `bound_ms` (since when it is its resident's), `created_ms`, `test_until_ms` (0: not in test mode); `first_row`, that
    of the first device of the same resident, its own where it is nobody's; `wearable` (1: somebody wears it), `skin`
    (1: its temperature is that of skin), `spo2_scale2` (1: hers is SpO2 scale 2).
    """

    def __init__(self, default_deadline_s: int = 0) -> None:
        self.default_deadline_s = default_deadline_s
        self.row_of: dict[str, int] = {}  # address -> row
        self.address: list[str] = []
        self.adapter: list[str] = []
        self.model: list[str] = []
        self.stated_model: list[str] = []  # by whoever claimed the device; "" while only the device itself says one
        self.area: list[str] = []
        self.device_id = np.zeros(ROOM, np.int64)
        self.resident_id = np.full(ROOM, NONE, np.int64)
        self.deadline_s = np.zeros(ROOM, np.int64)
        self.bound_ms = np.zeros(ROOM, np.int64)
        self.created_ms = np.zeros(ROOM, np.int64)
        self.test_until_ms = np.zeros(ROOM, np.int64)
        self.first_row = np.arange(ROOM)
        self.wearable = np.zeros(ROOM, np.uint8)
        self.skin = np.zeros(ROOM, np.uint8)
        self.spo2_scale2 = np.zeros(ROOM, np.uint8)
        self.behind_ms = np.zeros(ROOM, np.int64)  # what the detectors' clocks have found; not the database's
        self._loaded = 0  # rows that came with `load`: their numbers rise, and are looked up by halves
        self._row_by_id: dict[int, int] = {}  # of the others
        self._words: dict[str, str] = {}  # adapters, models and areas: each is kept once, however many devices have it
        self._mark = ""

    def __len__(self) -> int:
        return len(self.address)

    @property
    def created_s(self) -> NDArray[np.int64]:
        """Return since when the hub knows each device, in seconds."""
        return self.created_ms // 1000

    async def load(self, conn: Connection) -> None:
        """Read every device."""
        self._mark = await _mark(conn)
        after = 0
        while True:
            given = {"after": after, "limit": LOADED_AT_ONCE}
            async with conn.cursor(binary=True) as cursor:
                row = await (await cursor.execute(Q.load_some, given)).fetchone()
            if row is None or row[0] is None:
                break
            lines, words = np.frombuffer(row[0], LINE), row[1].split(PARTS)
            if len(words) == WORDS * len(lines) and self._loaded == len(self):
                self._put_page(lines, words)
            else:
                self.put(await (await conn.execute(Q.load_again, given)).fetchall())
            after = int(lines["id"][-1])
            await asyncio.sleep(0)
        self._share_all()

    async def refresh(self, conn: Connection) -> int:
        """Read what changed since the last load or refresh; returns how many devices that were."""
        mark = await _mark(conn)
        devices, residents = [
            [number for (number,) in await (await conn.execute(query, {"mark": self._mark})).fetchall()]
            for query in (Q.changed_devices, Q.changed_residents)
        ]
        given = {"devices": devices, "residents": residents}
        rows = await (await conn.execute(Q.load_these, given)).fetchall() if devices or residents else []
        self._mark = mark
        self.put(rows)
        return len(rows)

    async def register(self, conn: Connection, fresh: Sequence[tuple[str, str, str]], now: datetime) -> None:
        """Add devices (address, adapter, model) heard for the first time, in state `seen`."""
        addresses, adapters, models = (list(column) for column in zip(*fresh, strict=True))
        given = {"addresses": addresses, "adapters": adapters, "models": models, "now": now}
        self.put(await (await conn.execute(Q.register, given)).fetchall())

    def row_of_id(self, device_id: int) -> int:
        """Return the row of a device number, -1 if there is none."""
        row = self._row_by_id.get(device_id, NONE)
        if row == NONE and self._loaded:
            at = int(np.searchsorted(self.device_id[: self._loaded], device_id))
            return at if at < self._loaded and self.device_id[at] == device_id else NONE
        return row

    def rows_of_ids(self, device_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the row of each device number, -1 where there is none."""
        loaded = self.device_id[: self._loaded]
        rows = np.full(len(device_ids), NONE, np.int64)
        if self._loaded:
            at = np.minimum(np.searchsorted(loaded, device_ids), self._loaded - 1)
            rows = np.where(loaded[at] == device_ids, at, NONE)
        if self._row_by_id:
            for place in np.flatnonzero(rows == NONE).tolist():
                rows[place] = self._row_by_id.get(int(device_ids[place]), NONE)
        return rows

    def resident(self, row: int) -> int | None:
        """Return whose device this is."""
        found = int(self.resident_id[row])
        return None if found == NONE else found

    def in_test(self, row: int, now_ms: int) -> bool:
        """Whether an installer is testing this device right now."""
        return bool(self.test_until_ms[row] > now_ms)

    def put(self, rows: Iterable[Sequence[Any]]) -> None:
        """Add or change devices, as the queries return them."""
        moved: set[int] = set()  # residents who got a device or lost one
        for device_id, address, adapter, model, resident_id, area, deadline_s, test_until, state, *since in rows:
            row = self.row_of_id(device_id)
            if row == NONE:
                row = self._add(device_id, address)
            elif self.address[row] != address:
                if self.row_of.get(self.address[row]) == row:  # another device may have taken the name over already
                    del self.row_of[self.address[row]]
                self.row_of[address] = row
                self.address[row] = address
            keep = self._words.setdefault
            self.adapter[row], self.area[row] = keep(adapter, adapter), keep(area, area)
            self.model[row] = keep(model, model)
            told = since[2] if len(since) > 2 else state != "seen"
            self.stated_model[row] = self.model[row] if told else ""
            owner = NONE if resident_id is None else resident_id
            if owner != self.resident_id[row]:
                moved |= {int(self.resident_id[row]), owner}
                self.resident_id[row], self.first_row[row] = owner, row
            self.wearable[row] = owner != NONE and state in SUPERVISED and class_of(address, model).name == WORN
            self.skin[row] = address.partition(":")[0] in SKIN
            self.spo2_scale2[row] = len(since) > 3 and since[3] == 2
            self.deadline_s[row] = self._deadline_s(address, model, deadline_s, state)
            for column, at in zip((self.bound_ms, self.created_ms), since, strict=False):
                column[row] = 0 if at is None else int(at.timestamp() * 1000)
            self.test_until_ms[row] = 0 if test_until is None else int(test_until.timestamp() * 1000)
        self._share(moved - {NONE})

    def _put_page(self, lines: NDArray[Any], words: list[str]) -> None:
        """Add devices that nobody knew, as `load_some` returns them."""
        first, count = len(self), len(lines)
        while len(self.device_id) < first + count:
            self._grow()
        rows, keep = slice(first, first + count), self._words.setdefault
        address, model = words[::WORDS], [keep(word, word) for word in words[2::WORDS]]
        stated = (lines["marks"] & STATED) != 0
        self.address += address
        self.adapter += [keep(word, word) for word in words[1::WORDS]]
        self.area += [keep(word, word) for word in words[3::WORDS]]
        self.model += model
        self.stated_model += [one if told else "" for one, told in zip(model, stated.tolist(), strict=True)]
        self.row_of.update(zip(address, range(first, first + count), strict=True))
        self._loaded = first + count
        self.device_id[rows], self.resident_id[rows] = lines["id"], lines["owner"]
        self.spo2_scale2[rows] = (lines["marks"] & SCALE_2) != 0
        self.bound_ms[rows] = _milliseconds(lines["bound_us"].astype(np.int64))
        self.created_ms[rows] = _milliseconds(lines["created_us"].astype(np.int64))
        tested_ms = _milliseconds(lines["test_us"].astype(np.int64))
        if tested_ms.any():  # what nobody writes to takes no room
            self.test_until_ms[rows] = tested_ms
        self._class_page(lines, address, model, rows)

    def _class_page(self, lines: NDArray[Any], address: list[str], model: list[str], rows: slice) -> None:
        """Write what follows from the class of each device."""
        classes = [class_of(one, its) for one, its in zip(address, model, strict=True)]
        schemes = [one.partition(":")[0] in SKIN for one in address]
        count, supervised = len(classes), lines["kind"] == BOUND
        by_class = np.fromiter((one.deadline_s for one in classes), np.int64, count)
        unknown = np.fromiter((one.name == "unknown" for one in classes), np.bool_, count)
        own = lines["own_s"].astype(np.int64)
        deadline = np.where(supervised & ~unknown, by_class, self.default_deadline_s)
        deadline = np.where(own >= 0, own, deadline)
        self.deadline_s[rows] = np.where(lines["kind"] == RETIRED, 0, deadline)
        worn = np.fromiter((one.name == WORN for one in classes), np.bool_, count)
        self.wearable[rows] = worn & supervised & (lines["owner"] != NONE)
        self.skin[rows] = schemes

    def _share_all(self) -> None:
        """Let every device know the first one of the same resident."""
        rows = np.flatnonzero(self.resident_id[: len(self)] != NONE)
        _, first, place = np.unique(self.resident_id[rows], return_index=True, return_inverse=True)
        self.first_row[rows] = rows[first][place]

    def _share(self, residents: set[int]) -> None:
        """Let every device of these residents know the first one of the same resident."""
        if not residents:
            return
        owner = self.resident_id[: len(self)]
        rows = np.flatnonzero(np.isin(owner, np.fromiter(residents, np.int64, len(residents))))
        _, first, place = np.unique(owner[rows], return_index=True, return_inverse=True)
        self.first_row[rows] = rows[first][place]

    def _deadline_s(self, address: str, model: str, own: int | None, state: str) -> int:
        if state == "retired":
            return 0
        if own is not None:
            return own
        if state not in SUPERVISED:
            return self.default_deadline_s
        its = class_of(address, model)
        return self.default_deadline_s if its.name == "unknown" else its.deadline_s

    def _add(self, device_id: int, address: str) -> int:
        row = len(self.address)
        if row == len(self.device_id):
            self._grow()
        self.address.append(address)
        self.adapter.append("")
        self.model.append("")
        self.stated_model.append("")
        self.area.append("")
        self.device_id[row] = device_id
        self.row_of[address] = self._row_by_id[device_id] = row
        return row

    def _grow(self) -> None:
        more = len(self.device_id) // 2
        numbers = ("device_id", "deadline_s", "bound_ms", "created_ms", "test_until_ms",
                   "wearable", "skin", "spo2_scale2", "behind_ms")  # fmt: skip
        for name, fill in (("resident_id", NONE), *((number, 0) for number in numbers)):
            column = getattr(self, name)
            setattr(self, name, np.concatenate([column, np.full(more, fill, column.dtype)]))
        self.first_row = np.concatenate([self.first_row, np.arange(len(self.first_row), len(self.device_id))])


def _milliseconds(since_2000_us: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return moments as `put` has them: state is a wearer's as long as her `bound_ms` is the same to the last digit."""
    return ((since_2000_us + UNIX_TO_POSTGRES_MS * 1000) / 1e6 * 1000).astype(np.int64)


async def _mark(conn: Connection) -> str:
    row = await (await conn.execute(Q.mark)).fetchone()
    assert row is not None
    return str(row[0])
