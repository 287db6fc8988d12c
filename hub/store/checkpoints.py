"""Detector state in the database, what was stored after it, and the lock of the one who owns it."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import NamedTuple

import numpy as np

from devices.columns import Columns
from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("checkpoints")
LOCK_CLASS = 0x1A6E57
SUMMARY = "all"  # the part without a body: how far everything is saved
REPLAY_ROWS = 8192  # rows in one step of a replay


class Part(NamedTuple):
    """One saved block, or the summary."""

    part: str
    through_batch: int
    body: bytes
    at: datetime


async def save(conn: Connection, partition: int, part: Part) -> None:
    """Store or replace one part."""
    await conn.execute(
        Q.save,
        {"partition": partition, "part": part.part, "through": part.through_batch, "body": part.body, "at": part.at},
    )


async def load(conn: Connection, partition: int) -> list[Part]:
    """Return every part of a partition, the summary first."""
    rows = await (await conn.execute(Q.load, {"partition": partition})).fetchall()
    return [Part(part, through, bytes(body), at) for part, through, body, at in rows]


async def telemetry_after(
    conn: Connection, through: int, since: datetime
) -> AsyncIterator[tuple[np.ndarray[tuple[int], np.dtype[np.int64]], Columns]]:
    """Yield (batch number of each row, the rows) of all telemetry after a batch, in order, some thousand at a time."""
    async with conn.transaction(), conn.cursor(name="replay") as cursor:
        cursor.itersize = REPLAY_ROWS
        await cursor.execute(Q.telemetry_after, {"through": through, "since": since})
        while rows := await cursor.fetchmany(REPLAY_ROWS):
            batch, *values = zip(*rows, strict=True)
            yield np.array(batch, np.int64), _columns(values)


def _columns(values: list[tuple[object, ...]]) -> Columns:
    kinds = ("i8", "i8", "i8", "i8", "f4", "f4", "f4", "f4", "f4", "f4", "i4", "f4", "i1")
    names = (
        "device", "received_ms", "measured_ms", "sequence", "heart_rate_bpm", "spo2_pct", "respiration_rpm",
        "temperature_c", "systolic_mmhg", "diastolic_mmhg", "steps", "battery_pct", "worn",
    )  # fmt: skip
    return Columns(**{n: np.array(v, k) for n, k, v in zip(names, kinds, values, strict=True)})


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
