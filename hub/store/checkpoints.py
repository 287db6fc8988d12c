"""Detector state in the database, what was stored after it, and the lock of the one who owns it."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from devices.columns import Columns
from hub.pieces import Cut, Place, write_layout
from hub.store.pool import Connection
from hub.store.sql import queries
from hub.store.telemetry import UNIX_TO_POSTGRES_MS

Q = queries("checkpoints")
LOCK_CLASS = 0x1A6E57
SUMMARY = "all"  # the part without a body: how far everything is saved
REPLAY_ROWS = 8192  # rows in one step of a replay
REALS = (
    "heart_rate_bpm", "spo2_pct", "respiration_rpm", "temperature_c", "systolic_mmhg", "diastolic_mmhg", "battery_pct",
)  # fmt: skip
TIMES = ("received_us", "measured_us")
LINE = np.dtype([
    ("batch", ">i8"), ("device", ">i8"), *((name, ">i8") for name in TIMES), ("sequence", ">i8"),
    *((name, ">f4") for name in REALS), ("steps", ">i4"), ("worn", ">i2"), ("implausible", ">i2"),
])  # fmt: skip
SAME = ("device", "sequence", *REALS, "steps")  # columns that are told as they are kept


class Part(NamedTuple):
    """One saved block, its columns in pieces, or the summary."""

    part: str
    through_batch: int
    body: bytes
    at: datetime
    pieces: Mapping[Place, bytes] = MappingProxyType({})


async def save(conn: Connection, partition: int, part: Part) -> None:
    """Store or replace one part."""
    await conn.execute(
        Q.save,
        {"partition": partition, "part": part.part, "through": part.through_batch, "body": part.body, "at": part.at},
    )


async def save_block(conn: Connection, partition: int, part: Part, whole: Cut, before: Cut | None) -> None:
    """Store one block: of its pieces those that are not as they were saved `before`."""
    some = whole.since(before)
    values = {"partition": partition, "part": part.part}
    async with conn.transaction():
        if before is None or before.layout != whole.layout:
            await conn.execute(Q.forget_pieces, values)
        if some:
            names, slots = zip(*(whole.places[one] for one in some), strict=True)
            bodies = [whole.bodies[one] for one in some]
            await conn.execute(Q.save_pieces, {**values, "names": list(names), "slots": list(slots), "bodies": bodies})
        await save(conn, partition, part._replace(body=write_layout(whole.layout)))


async def load(conn: Connection, partition: int) -> AsyncIterator[Part]:
    """Yield every part of a partition, the summary first. One at a time: all of them are hundreds of megabytes."""
    names = await (await conn.execute(Q.parts, {"partition": partition})).fetchall()
    for (name,) in names:
        given = {"partition": partition, "part": name}
        async with conn.cursor(binary=True) as cursor:
            row = await (await cursor.execute(Q.load, given)).fetchone()
            pieces = await (await cursor.execute(Q.load_pieces, given)).fetchall()
        if row is not None:
            part, through, body, at = row
            yield Part(part, through, bytes(body), at, {(name, slot): bytes(body) for name, slot, body in pieces})


async def telemetry_after(
    conn: Connection, through: int, since: datetime
) -> AsyncIterator[tuple[np.ndarray[tuple[int], np.dtype[np.int64]], Columns]]:
    """Yield (batch number of each row, the rows) of all telemetry after a batch, in order, some thousand at a time."""
    async with conn.transaction(), conn.cursor(name="replay", binary=True) as cursor:
        cursor.itersize = REPLAY_ROWS
        await cursor.execute(Q.telemetry_after, {"through": through, "since": since})
        while rows := await cursor.fetchmany(REPLAY_ROWS):
            lines = np.frombuffer(b"".join(row[0] for row in rows), LINE)
            yield lines["batch"].astype(np.int64), _columns(lines)


def _columns(lines: np.ndarray[tuple[int], np.dtype[Any]]) -> Columns:
    received_ms, measured_ms = (lines[name].astype(np.int64) // 1000 + UNIX_TO_POSTGRES_MS for name in TIMES)
    return Columns(
        received_ms=received_ms, measured_ms=measured_ms, worn=lines["worn"].astype(np.int8),
        implausible=lines["implausible"] == 1,
        **{name: lines[name].astype(lines.dtype[name].newbyteorder("=")) for name in SAME},
    )  # fmt: skip


async def windows_since(
    conn: Connection, since: datetime
) -> list[tuple[int, int, int, int, float, bytes, bytes | None]]:
    """Return (batch, device, received_ms, first, rate_hz, accel, gyro) of the acceleration windows since a moment."""
    return await (await conn.execute(Q.windows_since, {"since": since})).fetchall()


async def own(conn: Connection, partition: int) -> None:
    """Wait until nobody else owns the partition, then own it as long as this connection lives."""
    await conn.execute(Q.own, {"class": LOCK_CLASS, "partition": partition})


async def try_own(conn: Connection, partition: int) -> bool:
    """Own the partition if nobody else does."""
    row = await (await conn.execute(Q.try_own, {"class": LOCK_CLASS, "partition": partition})).fetchone()
    return bool(row and row[0])
