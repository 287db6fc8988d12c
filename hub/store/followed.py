"""Reads whose homes are followed by what, and what is known of them, as arrays: a million homes in a few seconds."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, TypeAlias

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

from alerts.detectors.home_signs import Sign
from alerts.supervision import deadline_s
from hub.store.pool import Connection
from hub.store.sql import queries
from hub.store.telemetry import UNIX_TO_POSTGRES_MS

Q = queries("followed")
RESIDENTS_AT_ONCE = 50_000  # whose devices are read with one statement
NAMES_AT_ONCE = 10_000  # sensors whose address and model are looked at with one statement
EVERYBODY = 0  # a resident's number in QUIET: all who are not named
Table: TypeAlias = NDArray[Any]
Ints: TypeAlias = NDArray[np.int64]

SENSOR = np.dtype([
    ("resident", ">i8"), ("device", ">i8"), ("since_us", ">i8"), ("kind", ">i8"), ("own_s", ">i4"), ("sign", ">i4"),
])  # fmt: skip
FENCE = np.dtype([("resident", ">i8"), ("lat", ">f8"), ("lon", ">f8"), ("fence_m", ">i8")])
QUIET = np.dtype([("resident", ">i8"), ("from_ms", ">i8"), ("until_ms", ">i8"), ("ended_ms", ">i8")])
USUAL = np.dtype([
    ("resident", ">i8"), ("up_min", ">i4"), ("latest_min", ">i4"), ("ups", ">i4"), ("bed_out_min", ">i4"),
    ("noisy", ">i4"),
])  # fmt: skip
TIMES = np.dtype([("device", ">i8"), ("at_us", ">i8")])
NUMBER = np.dtype(">i8")


class Numbers:
    """Whole numbers as a parameter of type bigint[]: three million of them in some milliseconds."""

    def __init__(self, values: NDArray[np.int64] | Sequence[int]) -> None:
        self.values = np.asarray(values, np.int64)


class _NumbersDumper(Dumper):
    format = Format.BINARY
    oid = 1016  # int8[]

    def dump(self, obj: Numbers) -> Buffer:
        n = len(obj.values)
        if n == 0:
            return np.array([0, 0, 20], ">i4").tobytes()
        body = np.empty(n, [("bytes", ">i4"), ("value", ">i8")])
        body["bytes"], body["value"] = 8, obj.values
        return np.array([1, 0, 20, n, 1], ">i4").tobytes() + body.tobytes()


psycopg.adapters.register_dumper(Numbers, _NumbersDumper)


@dataclass(frozen=True, kw_only=True)
class Sensors:
    """The devices of followed residents, as rows of `SENSOR`: once for each sign a device gives.

    Sign 0: none, it may be a watch. `deadline_s`: how long each may be silent, of those that see motion.
    """

    lines: Table
    deadline_s: Ints
    fences: Table  # rows of FENCE: who has one, and where she lives


@dataclass(kw_only=True)
class Deadlines:
    """How long sensors may be silent by their classes. Address and model are looked at once, by what they hash to."""

    kind: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # rising
    seconds: Ints = field(default_factory=lambda: np.zeros(0, np.int64))

    async def of(self, conn: Connection, lines: Table) -> Ints:
        """Return the deadline of every line that sees motion, its own one first; 0: none, or it sees none."""
        asked = np.flatnonzero((lines["sign"] == Sign.MOTION) & (lines["own_s"] < 0))
        kinds, first = np.unique(lines["kind"][asked].astype(np.int64), return_index=True)
        known = np.isin(kinds, self.kind, assume_unique=True)
        seconds = np.zeros(len(kinds), np.int64)
        seconds[known] = self.seconds[np.searchsorted(self.kind, kinds[known])]
        devices = lines["device"][asked[first[~known]]].astype(np.int64)
        seconds[~known] = await _class_deadlines(conn, devices)
        self.kind, self.seconds = kinds, seconds
        out = np.maximum(lines["own_s"].astype(np.int64), 0)
        out[asked] = seconds[np.searchsorted(kinds, lines["kind"][asked].astype(np.int64))]
        return out


async def _class_deadlines(conn: Connection, devices: Ints) -> Ints:
    out = np.zeros(len(devices), np.int64)
    for start in range(0, len(devices), NAMES_AT_ONCE):
        some = devices[start : start + NAMES_AT_ONCE]
        rows = await (await conn.execute(Q.names, {"devices": Numbers(some)})).fetchall()
        told = {device: deadline_s(address, model) for device, address, model in rows}
        out[start : start + len(some)] = [told.get(device, 0) for device in some.tolist()]
    return out


async def sensors(conn: Connection, most: int, deadlines: Deadlines) -> tuple[Sensors, bool]:
    """Return the devices of the first `most` residents that are followed, and whether there are more of them."""
    residents = (await table(conn, Q.followed, NUMBER, limit=most + 1)).astype(np.int64)
    over, residents = len(residents) > most, residents[:most]
    parts = [np.zeros(0, SENSOR)]
    for start in range(0, len(residents), RESIDENTS_AT_ONCE):
        some = residents[start : start + RESIDENTS_AT_ONCE]
        low, high = int(some[0]), int(some[-1])
        parts.append(await table(conn, Q.sensors, SENSOR, residents=Numbers(some), low=low, high=high))
    lines = np.concatenate(parts)
    fences = await table(conn, Q.fences, FENCE)
    return Sensors(lines=lines, deadline_s=await deadlines.of(conn, lines), fences=fences), over


async def quiet(conn: Connection, now: datetime, back: timedelta) -> Table:
    """Return every known silence that is not over, or that ended in the time before, as rows of `QUIET`; 0: none."""
    return await table(conn, Q.quiet, QUIET, now=now, back=back)


async def usual(conn: Connection, first: date, today: date, *, zone: str, dry_min: int, dry_days: int) -> Table:
    """Return how the days from `first` to yesterday went, as rows of `USUAL`; -1: not known."""
    return await table(conn, Q.usual, USUAL, first=first, today=today, zone=zone, dry=dry_min, dry_days=dry_days)


async def times(conn: Connection, query: bytes, devices: Ints, **values: Any) -> Ints:
    """Return (n, 2) device and milliseconds, of one of `steps`, `steps_past`, `heard`, `heard_past`."""
    found = await table(conn, query, TIMES, devices=Numbers(devices), **values)
    return np.stack([found["device"].astype(np.int64), milliseconds(found["at_us"])], axis=1)


async def online(conn: Connection, devices: Ints) -> Ints:
    """Return those of some devices whose gateway says that it is there."""
    return (await table(conn, Q.online, NUMBER, devices=Numbers(devices))).astype(np.int64)


async def areas(conn: Connection, residents: Sequence[int]) -> dict[int, str]:
    """Return where some residents live."""
    rows = await (await conn.execute(Q.areas, {"residents": list(residents)})).fetchall()
    return {int(resident): str(area) for resident, area in rows}


def milliseconds(since_2000_us: NDArray[Any]) -> Ints:
    """Return what the server sends of moments as milliseconds since 1970."""
    return since_2000_us.astype(np.int64) // 1000 + UNIX_TO_POSTGRES_MS


async def table(conn: Connection, query: bytes, kind: "np.dtype[Any]", **values: Any) -> Table:
    """Return rows that the server hands over as the bytes of one value."""
    async with conn.cursor(binary=True) as cursor:
        row = await (await cursor.execute(query, values)).fetchone()
    return np.frombuffer(row[0] if row and row[0] is not None else b"", kind)
