"""The few statements that TimescaleDB is asked for, and what happens when it refuses one: the hub goes on without it.

Nothing a press needs is here. Where a table cannot be made a hypertable it is cut into native partitions; where rows
cannot be compressed or rolled up by the extension they stay as they are, and `hub.store.vital_hours` rolls up. What was
verified of which release stands in hub/decisions/0021.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeAlias

import psycopg
import structlog
from psycopg import sql

from hub.store import vital_rollup
from hub.store.sql import queries

Connection: TypeAlias = psycopg.AsyncConnection[tuple[Any, ...]]
Q = queries("partitions")
COMPRESSED = ("telemetry", "observation")  # the others live for days
COMPRESSED_AFTER_DAYS = 3  # late batches come sooner
# Not beside whoever has just made the table, and fills it.
SOON = b", if_not_exists => true, initial_start => now() + interval '1 hour')"
CREATE_EXTENSION = b"create extension if not exists timescaledb"
CREATE = (
    "select create_hypertable(%s::regclass, by_range('received_at', %s::interval), create_default_indexes => false)"
)
LOCK_WAIT = "set local lock_timeout = '500ms'"  # whoever writes waits behind us while we wait: then rather not now
DROP = "select drop_chunks(%s::regclass, older_than => %s::timestamptz)"
REFRESH = (  # not by batches, as policies (vital_rollup); releases before know no such option
    "call refresh_continuous_aggregate(%s::regclass, %s::timestamptz, %s::timestamptz,"
    """ options => '{"buckets_per_batch": 0}')""",
    "call refresh_continuous_aggregate(%s::regclass, %s::timestamptz, %s::timestamptz)",
)
IN_PART = (
    "delete from {{}} where device_id = %(device)s"
    " and ({0} > %(begin)s::timestamptz - interval '{1}' and {0} <= %(end)s"
)
MEANT = " or day > %(begin)s::timestamptz - interval '24 hours' and day <= %(end)s"
FORGET = {
    "vital_hour_kept": IN_PART.format("hour", "1 hour") + ")",
    "measured_hour_kept": IN_PART.format("arrived", "1 hour") + MEANT + ")",
    "measured_day_kept": IN_PART.format("arrived_on", "24 hours") + MEANT + ")",
}
# Else a day that is compressed is emptied exclusively at the end, and whoever looks at any day waits behind that while
# somebody reads this one. Now its rows are deleted then. Before 2.28 who read meanwhile might have seen them twice.
GIVE_WAY = (
    b"do $$ begin if (select string_to_array(split_part(extversion, '-', 1), '.')::int[] >= '{2,28}'"
    b" from pg_extension where extname = 'timescaledb') then"
    b" execute format('alter database %I set timescaledb.compress_truncate_behaviour = truncate_or_delete',"
    b" current_database()); end if; end $$"
)
# Erasing one wearer must not stop at a number of rows. Where the extension is not loaded this is a name nobody reads.
NO_LIMIT = "select set_config('timescaledb.max_tuples_decompressed_per_dml_transaction', '0', true)"

log = structlog.get_logger()


def columnstore(table: str) -> Sequence[Sequence[bytes]]:
    """Return the ways to have a table compressed, as releases from 2.18 on say it and as those before did.

    By device, because every reader asks for one device's time; when three days old, because late batches come sooner.
    """
    name, days = table.encode(), b"interval '%d days'" % COMPRESSED_AFTER_DAYS
    return (
        (
            b"alter table " + name + b" set (timescaledb.enable_columnstore, timescaledb.segmentby = 'device_id',"
            b" timescaledb.orderby = 'received_at desc')",
            b"call add_columnstore_policy('" + name + b"', after => " + days + SOON,
        ),
        (
            b"alter table " + name + b" set (timescaledb.compress, timescaledb.compress_segmentby = 'device_id',"
            b" timescaledb.compress_orderby = 'received_at desc')",
            b"select add_compression_policy('" + name + b"', compress_after => " + days + SOON,
        ),
    )  # fmt: skip


async def available(conn: Connection) -> bool:
    """Whether new tables may be hypertables: the library is preloaded, and the extension is or could be made."""
    row = await (await conn.execute(Q.timescale_available)).fetchone()
    if row != (True, True):
        return False
    kind = await (await conn.execute(Q.kind, {"table": "telemetry"})).fetchone()
    if kind is not None and kind[0] in {"p", b"p"}:
        return False  # made as native partitions before the extension came: it stays so
    return await accepted(conn, "native partitions instead of hypertables", [[CREATE_EXTENSION]])


async def are(conn: Connection) -> set[str]:
    """Return which tables are hypertables."""
    try:
        async with conn.transaction():
            return {str(row[0]) for row in await (await conn.execute(Q.hypertables)).fetchall()}
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return set()  # no such extension


async def make(conn: Connection, table: str, slice_: timedelta) -> bool:
    """Make a plain, empty table a hypertable. False: it was refused, and the table is as it was."""
    try:
        async with conn.transaction():
            await conn.execute(CREATE.encode(), (table, slice_))
    except psycopg.errors.Error as err:
        _fault(err, f"{table} is cut into native partitions")
        return False
    return True


async def compress(conn: Connection, table: str) -> None:
    """Let the extension compress what is some days old."""
    if await accepted(conn, f"{table} stays uncompressed", columnstore(table)):
        await accepted(conn, "who reads waits while a day is compressed that somebody reads", [[GIVE_WAY]])


async def roll_up(conn: Connection) -> None:
    """Let the extension keep the hours of vital signs, if it does not yet."""
    row = await (await conn.execute(vital_rollup.Q.there)).fetchone()
    if row is None or not row[0]:
        await accepted(conn, "hours of vital signs are rolled up by the hub", vital_rollup.ways())


async def forget_rolled(conn: Connection, spans: Sequence[tuple[int, datetime, datetime]]) -> None:
    """Take devices' times out of what the extension rolled up; hours and days that were theirs in part go whole.

    A refresh makes the rest of such an hour again, and would take out the others by itself, as far as it looks back;
    but nobody is to wait for it.
    """
    try:
        async with conn.transaction():
            for view, *table in await (await conn.execute(Q.rolled_in)).fetchall():
                forget = sql.SQL(FORGET[view]).format(sql.Identifier(*table))
                for device, begin, end in spans:
                    await conn.execute(forget, {"device": device, "begin": begin, "end": end})
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return  # no such extension
    except psycopg.errors.Error as err:
        _fault(err, "what was rolled up of somebody erased goes with the next refresh")


async def refreshed(conn: Connection, view: str, since: datetime, until: datetime) -> bool:
    """Whether an aggregate was made anew between two bounds of its buckets. Not inside a transaction: it has its own.

    Never without a beginning: what was dropped from its source would go from it as well.
    """
    tries = [partial(conn.execute, call.encode(), (view, since, until)) for call in REFRESH]
    return await _one_of(tries, f"{view} is filled from its beginning another time")


async def drop_rolled(conn: Connection, hours_before: datetime, days_before: datetime) -> list[str]:
    """Drop chunks of the aggregates by hour and by day that hold nothing younger; returns their names."""
    row = await (await conn.execute(Q.rolled)).fetchone()
    if row is None or not row[0]:
        return []
    dropped = await drop_older(conn, "measured_hour_kept", hours_before)
    return dropped + await drop_older(conn, "measured_day_kept", days_before)


async def drop_older(conn: Connection, table: str, before: datetime) -> list[str]:
    """Drop the chunks that hold nothing younger; returns their names. While somebody reads one for long: none.

    It gives way before PostgreSQL looks for deadlocks (after a second, as it comes): whoever inserts into a new chunk
    waits for the same rows of the extension's catalogue, and might be the one that is ended.
    """
    try:
        async with conn.transaction():
            await conn.execute(LOCK_WAIT.encode())
            rows = await (await conn.execute(DROP.encode(), (table, before))).fetchall()
    except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
        return []
    return [str(row[0]).rpartition(".")[2] for row in rows]


async def drop_beyond(conn: Connection, table: str, limit_bytes: int, now: datetime) -> list[str]:
    """Drop the oldest chunks beyond a limit of bytes, never the one that is being written; returns their names."""
    chunks = await (await conn.execute(Q.chunks, {"table": table})).fetchall()
    total, before = sum(int(size) for _, size in chunks), None
    for end, size in chunks:
        if total <= limit_bytes or end > now:
            break
        total, before = total - int(size), end
    return await drop_older(conn, table, before) if before is not None else []


async def accepted(conn: Connection, instead: str, ways: Sequence[Sequence[bytes]]) -> bool:
    """Whether one of the ways was taken, all its statements or none; else says what the hub does instead."""
    return await _one_of([partial(_together, conn, way) for way in ways], instead)


async def _together(conn: Connection, statements: Sequence[bytes]) -> None:
    async with conn.transaction():
        for statement in statements:
            await conn.execute(statement)


async def _one_of(tries: Iterable[Callable[[], Awaitable[object]]], instead: str) -> bool:
    """Whether one of them was taken, the first that is; else says by the first refusal what the hub does instead."""
    error: psycopg.Error | None = None
    for attempt in tries:
        try:
            await attempt()
        except psycopg.errors.Error as err:
            error = error or err
            _fault(err)
        else:
            return True
    if error is not None:
        _fault(error, instead)
    return False


def _fault(error: psycopg.Error, instead: str = "") -> None:
    """Say what was refused. A connection that was lost is not a refusal: whoever called tries again."""
    if isinstance(error, psycopg.OperationalError) and error.sqlstate is None:
        raise error
    if instead:
        log.warning("TimescaleDB refused", instead=instead, error=str(error).splitlines()[0][:200])
