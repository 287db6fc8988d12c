"""Puts days of telemetry away on plain PostgreSQL: one row a device and day, its columns as compressed arrays.

TimescaleDB compresses by itself. Here a day that has been over for `AFTER`, and is rolled up, is taken some devices at
a time: their rows are deleted and their arrays written in one statement, so that a crash leaves each row where it was
or where it goes. What comes later for such a day stays rows in the default partition until the next time, and then
becomes a packed row of its own beside the first: readers unite them all (migration 0053, decision 22).
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

import psycopg
import structlog
from psycopg import sql

from hub.store import hypertables, partitions
from hub.store.partitions import DAY, PACKED, TELEMETRY, Connection, Span
from hub.store.sql import queries
from hub.store.telemetry import WIDE

Q = queries("packing")
AFTER = timedelta(days=hypertables.COMPRESSED_AFTER_DAYS)  # a day has been over for so long: late batches come sooner
DEVICES_AT_ONCE = 100  # in one statement
GO_ON_S = 240.0  # in one go: what is left waits for the next, and other upkeep is not kept waiting for longer
PAUSE_S = 0.02  # between two: telemetry is being written beside
LOCK = 0x0CA61  # one process puts away
HUNDREDTHS = {
    "heart_rate": "heart_rate_bpm", "spo2": "spo2_pct", "respiration": "respiration_rpm",
    "temperature": "temperature_c", "systolic": "systolic_mmhg", "diastolic": "diastolic_mmhg",
    "battery": "battery_pct",
}  # fmt: skip
WHOLE = " and ".join(
    f"({one} is null or abs({one}) <= 327 and (round({one}::float8 * 100) / 100)::real = {one})"
    for one in HUNDREDTHS.values()
)
ARRAYS = ",\n       ".join(
    f"case when count({one}) > 0 then array_agg(round({one}::float8 * 100)::smallint) filter (where fits) end"
    for one in HUNDREDTHS.values()
)
PACK = Q.pack.replace(b"{whole}", WHOLE.encode()).replace(b"{hundredths}", ARRAYS.encode())
COLUMNS = sorted(name for name, _ in WIDE)

log = structlog.get_logger()


async def put_away(conn: Connection, now: datetime) -> int:
    """Pack the days that are over for long enough; returns how many devices' days. Bounded: call again.

    Call on a connection that is in no transaction. One process at a time: others return at once.
    """
    if TELEMETRY.name in await hypertables.are(conn) or not await _known(conn):
        return 0
    row = await (await conn.execute(Q.alone, {"lock": LOCK})).fetchone()
    if row is None or not row[0]:
        return 0
    try:
        return await _put_away(conn, now)
    finally:
        await conn.execute(Q.done, {"lock": LOCK})


async def erase(conn: Connection, spans: Sequence[Span]) -> int:
    """Delete what some devices said at their times, of days that are put away; returns how many messages.

    Inside the caller's transaction, after the rows were deleted: what is being put away meanwhile has ended by then.
    """
    gone = 0
    for device, begin, end in spans:
        first, last = (partitions.floor(at, DAY) for at in (begin, end))
        values = {"device": device, "begin": begin, "end": end, "edge": last + DAY, "first_ends": first + DAY,
                  "last_begins": last}  # fmt: skip
        back = (await conn.execute(Q.spread, values)).rowcount
        row = await (await conn.execute(Q.forget, values)).fetchone()
        gone += int(row[0]) - back if row else 0
    return gone


async def _put_away(conn: Connection, now: datetime) -> int:
    row = await (await conn.execute(Q.rolled_up)).fetchone()
    if row is None:
        return 0
    before = partitions.floor(min(now - AFTER, row[0]), DAY)
    packed, until = 0, time.monotonic() + GO_ON_S
    for day in await _days(conn, before):
        await partitions.piece(conn, PACKED, day)
        first = 0
        while time.monotonic() < until:
            at = {"day": day, "end": day + DAY, "first": first}
            found = await (await conn.execute(Q.next_device, at)).fetchone()
            if found is None or found[0] is None:
                await _drop(conn, day)
                break
            first = int(found[0]) + DEVICES_AT_ONCE
            packed += (await conn.execute(PACK, {**at, "first": found[0], "last": first})).rowcount
            await asyncio.sleep(PAUSE_S)
    if packed:
        log.info("days of telemetry put away", devices_days=packed)
    return packed


async def _days(conn: Connection, before: datetime) -> list[datetime]:
    """Return the days, the oldest first, whose rows wait: in partitions of their own or come late."""
    days = {at for (at,) in await (await conn.execute(Q.strays, {"before": before})).fetchall()}
    return sorted(days | {at for at in await partitions.starts(conn, TELEMETRY) if at < before})


async def _drop(conn: Connection, day: datetime) -> None:
    """Drop the day's own partition, if nothing came meanwhile; else, or while somebody reads it, the next time."""
    name = sql.Identifier(partitions.partition_name(TELEMETRY, day))
    try:
        async with conn.transaction():
            await conn.execute(hypertables.LOCK_WAIT)
            await conn.execute(sql.SQL("lock table only telemetry, {} in access exclusive mode").format(name))
            if await (await conn.execute(sql.SQL("select from {} limit 1").format(name))).fetchone() is None:
                await conn.execute(sql.SQL("drop table {}").format(name))
    except (psycopg.errors.LockNotAvailable, psycopg.errors.UndefinedTable):
        return


async def _known(conn: Connection) -> bool:
    """Whether a row holds what this release knows and nothing else: a newer one's column would be lost."""
    row = await (await conn.execute(Q.columns)).fetchone()
    return row is not None and row[0] == COLUMNS
