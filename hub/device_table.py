"""Every device the hub knows, in memory: address -> row, and what the hot path asks about a row."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.supervision import class_of
from devices.standards import SKIN
from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("device_table")
ROOM = 1024  # rows at the start; grown by half
NONE = -1
WORN = "watch"  # the class of devices that are worn day and night
SUPERVISED = frozenset({"bound", "tested", "live"})  # by the deadline of its class: before that it lies in a box


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
        self._row_by_id: dict[int, int] = {}
        self._mark = ""

    def __len__(self) -> int:
        return len(self.address)

    async def load(self, conn: Connection) -> None:
        """Read every device."""
        self._mark = await _mark(conn)
        self.put(await (await conn.execute(Q.load)).fetchall())

    async def refresh(self, conn: Connection) -> int:
        """Read what changed since the last load or refresh; returns how many devices that were."""
        mark = await _mark(conn)
        rows = await (await conn.execute(Q.load_changed, {"mark": self._mark})).fetchall()
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
        return self._row_by_id.get(device_id, NONE)

    def rows_of_ids(self, device_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the row of each device number, -1 where there is none."""
        find = self._row_by_id.get
        return np.fromiter((find(one, NONE) for one in device_ids.tolist()), np.int64, len(device_ids))

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
            row = self._row_by_id.get(device_id)
            if row is None:
                row = self._add(device_id, address)
            elif self.address[row] != address:
                if self.row_of.get(self.address[row]) == row:  # another device may have taken the name over already
                    del self.row_of[self.address[row]]
                self.row_of[address] = row
                self.address[row] = address
            self.adapter[row], self.model[row], self.area[row] = adapter, model, area
            told = since[2] if len(since) > 2 else state != "seen"
            self.stated_model[row] = model if told else ""
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
                   "wearable", "skin", "spo2_scale2")  # fmt: skip
        for name, fill in (("resident_id", NONE), *((number, 0) for number in numbers)):
            column = getattr(self, name)
            setattr(self, name, np.concatenate([column, np.full(more, fill, column.dtype)]))
        self.first_row = np.concatenate([self.first_row, np.arange(len(self.first_row), len(self.device_id))])


async def _mark(conn: Connection) -> str:
    row = await (await conn.execute(Q.mark)).fetchone()
    assert row is not None
    return str(row[0])
