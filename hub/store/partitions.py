"""Makes the telemetry tables, keeps their partitions ahead of time, and drops what is older than may be kept.

Hypertables where TimescaleDB is loaded and takes the table (hub.store.hypertables); otherwise native range partitions
by time, with a default partition as a net: a row never fails for want of a partition. Readers see the same table. What
is made of telemetry (packed days, hours, days of years) gets its partitions when it is made, by `piece`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import psycopg
from psycopg import sql

from hub.store import hypertables
from hub.store.sql import queries

Span: TypeAlias = tuple[int, datetime, datetime]  # a device, after when, until when
Connection: TypeAlias = psycopg.AsyncConnection[tuple[Any, ...]]
Q = queries("partitions")
ERASE = sql.SQL("delete from {table} where device_id = {device} and received_at > {begin} and received_at <= {end}")
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """One table cut by received_at. `ahead` partitions are made before they are needed."""

    name: str
    slice: timedelta
    ahead: int
    indexes: tuple[str, ...]


BY_DEVICE = "create index if not exists {0}_device on {0} (device_id, received_at desc)"
BY_BATCH = "create index if not exists {0}_batch on {0} using brin (batch) with (pages_per_range = 32)"
TELEMETRY = Table(name="telemetry", slice=DAY, ahead=2, indexes=(BY_DEVICE, BY_BATCH))
TABLES = (
    TELEMETRY,
    Table(name="observation", slice=DAY, ahead=2, indexes=(BY_DEVICE, BY_BATCH)),
    Table(name="accel_window", slice=DAY, ahead=2, indexes=(BY_DEVICE, BY_BATCH)),
    Table(name="raw_batch", slice=HOUR, ahead=3, indexes=()),
)
# Made of the above where PostgreSQL is alone; empty where TimescaleDB compresses and rolls up.
PACKED = Table(name="telemetry_packed", slice=DAY, ahead=0, indexes=())
HOURS = Table(name="measured_hour_rolled", slice=7 * DAY, ahead=0, indexes=())
DAYS = Table(name="measured_day_rolled", slice=91 * DAY, ahead=0, indexes=())
MADE = (PACKED, HOURS, DAYS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Retention:
    """How long each table is kept, and how many bytes of raw messages at most."""

    telemetry: timedelta = timedelta(days=400)
    observation: timedelta = timedelta(days=400)
    accel_window: timedelta = timedelta(days=7)
    raw_batch: timedelta = timedelta(hours=24)
    raw_bytes: int = 4 << 30
    measured_hour: timedelta = timedelta(days=180)
    measured_day: timedelta = timedelta(days=3653)


async def ensure(conn: Connection, now: datetime) -> None:
    """Make what is missing for the coming days. Idempotent; safe while rows are being written."""
    await conn.execute(Q.make_numbers)
    hyper = await hypertables.are(conn)
    fresh = await hypertables.available(conn)
    for table in TABLES:
        async with conn.transaction():
            if table.name not in hyper and not (fresh and await _made_hypertable(conn, table)):
                await _ensure_native(conn, table, now)
    if fresh and "telemetry" in await hypertables.are(conn):
        await hypertables.roll_up(conn)


async def sweep(conn: Connection, now: datetime, retention: Retention) -> list[str]:
    """Drop partitions older than `retention`, and the oldest raw ones beyond the limit of bytes; returns names."""
    hyper = await hypertables.are(conn)
    dropped = []
    for table in TABLES:
        if table.name in hyper:
            dropped += await hypertables.drop_older(conn, table.name, now - getattr(retention, table.name))
            if table.name == "raw_batch":
                dropped += await hypertables.drop_beyond(conn, table.name, retention.raw_bytes, now)
            continue
        dropped += await _sweep_native(conn, table, now, retention)
    for table, kept in zip(MADE, (retention.telemetry, retention.measured_hour, retention.measured_day), strict=True):
        oldest = partition_name(table, now - kept)
        dropped += await _drop(conn, [name for name, _ in await _children(conn, table) if name < oldest])
    return dropped + await hypertables.drop_rolled(conn, now - retention.measured_hour, now - retention.measured_day)


async def piece(conn: Connection, table: Table, at: datetime) -> None:
    """Make the partition of a table without a default one that holds `at`, if it is not there."""
    start = floor(at, table.slice)
    words = {
        "new": sql.Identifier(partition_name(table, at)), "parent": sql.Identifier(table.name),
        "low": sql.Literal(start.isoformat()), "high": sql.Literal((start + table.slice).isoformat()),
    }  # fmt: skip
    if await (await conn.execute(Q.kind, {"table": partition_name(table, at)})).fetchone() is None:
        text = "create table if not exists {new} partition of {parent} for values from ({low}) to ({high})"
        await conn.execute(sql.SQL(text).format(**words))


async def begins(conn: Connection, table: Table) -> datetime | None:
    """Return when the first partition, or chunk, begins that holds a row; None: there is no row."""
    if table.name in await hypertables.are(conn):
        chunk = await (await conn.execute(hypertables.Q.chunks, {"table": table.name})).fetchone()
        return chunk[0] - table.slice if chunk else None
    least = sql.SQL("select min(received_at) from {}").format(sql.Identifier(f"{table.name}_rest"))
    row = await (await conn.execute(least)).fetchone()
    found = [row[0]] if row is not None and row[0] is not None else []
    for name, _ in await _children(conn, table):
        some = sql.SQL("select received_at from {} limit 1").format(sql.Identifier(name))
        row = await (await conn.execute(some)).fetchone()
        if row is not None:
            found.append(row[0])
            break
    return floor(min(found), table.slice) if found else None


async def starts(conn: Connection, table: Table) -> list[datetime]:
    """Return where the native partitions of a table of days begin."""
    names = [str(name) for name, _ in await _children(conn, table)]
    return [datetime.strptime(name[-8:], "%Y%m%d").replace(tzinfo=UTC) for name in names]


async def erase(conn: Connection, table: str, spans: Sequence[Span]) -> int:
    """Delete what some devices said at their times; returns how many rows. Inside the caller's transaction.

    One device at a time, by values and not by a join: a compressed chunk is opened for that device alone.
    """
    await conn.execute(hypertables.NO_LIMIT)
    gone = 0
    for device, begin, end in spans:
        words = {"table": sql.Identifier(table), "device": sql.Literal(device),
                 "begin": sql.Literal(begin.isoformat()), "end": sql.Literal(end.isoformat())}  # fmt: skip
        gone += (await conn.execute(ERASE.format(**words))).rowcount
    if table == "telemetry":
        await hypertables.forget_rolled(conn, spans)
    return gone


def partition_name(table: Table, at: datetime) -> str:
    """Return the name of the partition that holds `at`; names sort by time."""
    form = "%Y%m%d" if table.slice >= DAY else "%Y%m%d%H"
    return f"{table.name}_{floor(at.astimezone(UTC), table.slice):{form}}"


async def _sweep_native(conn: Connection, table: Table, now: datetime, retention: Retention) -> list[str]:
    children = await _children(conn, table)
    before = now - getattr(retention, table.name)
    doomed = [name for name, _ in children if name < partition_name(table, before)]
    if table.name == "raw_batch":
        doomed += _beyond_bytes(
            [c for c in children if c[0] not in doomed], retention.raw_bytes, partition_name(table, now)
        )
    rest = sql.SQL("delete from {} where received_at < {}").format(
        sql.Identifier(f"{table.name}_rest"), sql.Literal(floor(before, table.slice).isoformat())
    )
    await conn.execute(rest)  # what came so late that its partition was gone
    return await _drop(conn, doomed)


async def _children(conn: Connection, table: Table) -> list[tuple[Any, ...]]:
    return await (await conn.execute(Q.children, {"table": table.name})).fetchall()


async def _drop(conn: Connection, names: Sequence[str]) -> list[str]:
    """Drop partitions; returns which. One that somebody reads for long stays until the next time."""
    done = []
    for name in names:
        try:
            async with conn.transaction():
                await conn.execute(hypertables.LOCK_WAIT)
                await conn.execute(sql.SQL("drop table {}").format(sql.Identifier(name)))
        except psycopg.errors.LockNotAvailable:
            break
        done.append(name)
    return done


def _beyond_bytes(children: list[tuple[Any, ...]], limit: int, current: str) -> list[str]:
    total = sum(int(size) for _, size in children)
    doomed = []
    for name, size in children:
        if total <= limit or name >= current:
            break
        doomed.append(str(name))
        total -= int(size)
    return doomed


async def _made_hypertable(conn: Connection, table: Table) -> bool:
    """Whether the table is one now. One that is there already, with native partitions or none, stays what it is."""
    if await (await conn.execute(Q.kind, {"table": table.name})).fetchone() is not None:
        return False
    try:
        async with conn.transaction():
            await conn.execute(getattr(Q, f"make_{table.name}"))
            await _dress(conn, table)  # before: chunks take over what the table has, and it is altered only here
            if not await hypertables.make(conn, table.name, table.slice):
                raise _Refused
    except _Refused:
        return False
    if table.name in hypertables.COMPRESSED:
        await hypertables.compress(conn, table.name)
    return True


class _Refused(Exception):  # noqa: N818 - undoes what was made for nothing
    pass


async def _ensure_native(conn: Connection, table: Table, now: datetime) -> None:
    make: bytes = getattr(Q, f"make_{table.name}")
    if await (await conn.execute(Q.kind, {"table": table.name})).fetchone() is None:
        await conn.execute(make + b" partition by range (received_at)")
        rest = sql.SQL("create table {} partition of {} default")
        await conn.execute(rest.format(sql.Identifier(f"{table.name}_rest"), sql.Identifier(table.name)))
        await _dress(conn, table)
    start = floor(now, table.slice)
    for offset in range(-1, table.ahead + 1):
        await _ensure_partition(conn, table, start + offset * table.slice)


async def _ensure_partition(conn: Connection, table: Table, start: datetime) -> None:
    """Attach the partition from `start`. Rows that had to go to the default partition move into it."""
    name = partition_name(table, start)
    if await (await conn.execute(Q.kind, {"table": name})).fetchone() is not None:
        return
    words = {
        "new": sql.Identifier(name), "parent": sql.Identifier(table.name), "rest": sql.Identifier(f"{table.name}_rest"),
        "low": sql.Literal(start.isoformat()), "high": sql.Literal((start + table.slice).isoformat()),
    }  # fmt: skip
    for text in (
        "create table {new} (like {parent} including defaults including constraints)",
        "with moved as (delete from {rest} where received_at >= {low} and received_at < {high} returning *)"
        " insert into {new} select * from moved",
        "alter table {parent} attach partition {new} for values from ({low}) to ({high})",
    ):
        await conn.execute(sql.SQL(text).format(**words))
    if table.name == "raw_batch":
        await _compress_raw(conn, name)


async def _dress(conn: Connection, table: Table) -> None:
    for index in table.indexes:
        await conn.execute(index.format(table.name).encode())
    if table.name == "raw_batch":
        await _compress_raw(conn, table.name)


async def _compress_raw(conn: Connection, name: str) -> None:
    # lz4 costs a tenth of PostgreSQL's own compression; where the server was built without it, bytes stay as they are.
    try:
        async with conn.transaction():
            await conn.execute(
                sql.SQL("alter table {} alter column body set compression lz4").format(sql.Identifier(name))
            )
    except psycopg.errors.FeatureNotSupported:
        await conn.execute(
            sql.SQL("alter table {} alter column body set storage external").format(sql.Identifier(name))
        )


def floor(at: datetime, size: timedelta) -> datetime:
    """Return the beginning of the slice that holds a moment."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return at - (at - epoch) % size
