"""Tables cut by time: no row without a place, what is too old goes, what is of today stays."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone

import pytest

from hub.store import hypertables, partitions, raw
from hub.store.partitions import DAY, HOUR, TABLES, Retention, partition_name
from hub.store.pool import Connection, connect

NOW = datetime(2027, 3, 1, 0, 30, tzinfo=UTC)
TELEMETRY, *_, RAW = TABLES


@pytest.fixture
async def conn(dsn: str) -> AsyncIterator[Connection]:
    """A connection to a database whose tables are ready for `NOW`; those of the day the test runs on are not there."""
    async with await connect(dsn) as conn:
        if await hypertables.are(conn):
            pytest.skip("TimescaleDB cuts the tables here: tests/integration/storage says what is the same")
        for table in TABLES:
            await conn.execute(f"drop table {table.name} cascade".encode())
        await partitions.ensure(conn, NOW)
        yield conn


async def beat(conn: Connection, at: datetime, device: int = 1) -> str:
    """Store one line of telemetry; returns the partition it went to."""
    row = await (
        await conn.execute(
            "insert into telemetry (received_at, device_id, batch, measured_at) values (%s, %s, 1, %s)"
            " returning tableoid::regclass::text",
            (at, device, at),
        )
    ).fetchone()
    assert row is not None
    return str(row[0])


async def heard(conn: Connection) -> list[tuple[str, datetime]]:
    """Return where every line of telemetry stands now."""
    rows = await conn.execute("select tableoid::regclass::text, received_at from telemetry order by received_at")
    return [(str(where), at) for where, at in await rows.fetchall()]


async def messages(conn: Connection) -> list[int]:
    """Return the numbers of the raw batches that are still there."""
    return [number for (number,) in await (await conn.execute("select batch from raw_batch order by batch")).fetchall()]


async def test_yesterdays_and_the_coming_days_telemetry_has_its_partition(conn: Connection) -> None:
    days = [NOW + offset * DAY for offset in (-1, 0, 1, 2)]
    assert [await beat(conn, day) for day in days] == [
        "telemetry_20270228", "telemetry_20270301", "telemetry_20270302", "telemetry_20270303",
    ]  # fmt: skip


async def test_midnight_belongs_to_the_day_that_begins(conn: Connection) -> None:
    midnight = datetime(2027, 3, 2, tzinfo=UTC)
    assert await beat(conn, midnight - timedelta(microseconds=1)) == "telemetry_20270301"
    assert await beat(conn, midnight) == "telemetry_20270302"


async def test_row_nobody_made_a_partition_for_is_kept_and_moves_when_its_day_is_made(conn: Connection) -> None:
    later = NOW + 20 * DAY
    assert await beat(conn, later) == "telemetry_rest"
    assert await beat(conn, later + 9 * DAY, device=2) == "telemetry_rest"
    await partitions.ensure(conn, later)
    assert await heard(conn) == [("telemetry_20270321", later), ("telemetry_rest", later + 9 * DAY)]


async def test_making_partitions_twice_changes_nothing(conn: Connection) -> None:
    await beat(conn, NOW)
    names = "select relname from pg_class where relkind in ('r', 'p', 'i', 'I') order by 1"
    before = await (await conn.execute(names)).fetchall()
    await partitions.ensure(conn, NOW)
    assert await (await conn.execute(names)).fetchall() == before
    assert await heard(conn) == [("telemetry_20270301", NOW)]


async def test_clock_of_yinchuan_makes_the_partitions_of_utc(conn: Connection) -> None:
    seven_in_the_morning = datetime(2027, 3, 11, 7, tzinfo=timezone(timedelta(hours=8)))
    await partitions.ensure(conn, seven_in_the_morning)
    assert await beat(conn, seven_in_the_morning) == "telemetry_20270310"
    assert partition_name(TELEMETRY, seven_in_the_morning) == "telemetry_20270310"


async def test_sweep_drops_what_is_too_old_and_keeps_the_day_that_is_half_so(conn: Connection) -> None:
    old, edge = NOW - 9 * DAY, NOW - 7 * DAY
    for day in (old, edge):
        await partitions.ensure(conn, day)
    for at in (old, edge, NOW):
        await beat(conn, at)
    dropped = await partitions.sweep(conn, NOW, Retention(telemetry=timedelta(days=7)))
    assert [name for name in dropped if name.startswith("telemetry")] == [
        partition_name(TELEMETRY, NOW - days * DAY) for days in (10, 9, 8)
    ]
    assert [at for _, at in await heard(conn)] == [edge, NOW]


async def test_each_table_is_kept_for_its_own_time(conn: Connection) -> None:
    await partitions.ensure(conn, NOW - 20 * DAY)
    dropped = await partitions.sweep(conn, NOW, Retention())
    kinds = {name.rsplit("_", 1)[0] for name in dropped}
    assert kinds == {"accel_window", "raw_batch"}


async def test_second_sweep_finds_nothing_and_the_table_still_takes_rows(conn: Connection) -> None:
    await partitions.ensure(conn, NOW - 20 * DAY)
    assert await partitions.sweep(conn, NOW, Retention(telemetry=DAY))
    assert await partitions.sweep(conn, NOW, Retention(telemetry=DAY)) == []
    assert await beat(conn, NOW - 20 * DAY) == "telemetry_rest"


async def test_too_many_raw_bytes_let_the_oldest_hours_go_first(conn: Connection) -> None:
    await partitions.ensure(conn, NOW - 2 * HOUR)
    for number in (3, 2, 1, 0):
        await raw.keep_batch(conn, NOW - number * HOUR, 3 - number, 1, bytes(range(256)) * 4)
    # Hours still to come take a little as well: what fits is measured, not guessed.
    query = "select sum(pg_total_relation_size(relid)) from pg_partition_tree('raw_batch') where relid <> %s::regclass"
    row = await (await conn.execute(query.encode(), ("raw_batch_rest",))).fetchone()
    assert row is not None
    assert await partitions.sweep(conn, NOW, Retention(raw_bytes=int(row[0]))) == []
    assert await partitions.sweep(conn, NOW, Retention(raw_bytes=int(row[0]) - 1)) == [
        partition_name(RAW, NOW - 3 * HOUR)
    ]
    assert await messages(conn) == [1, 2, 3]


async def test_hour_that_is_being_written_is_never_dropped_however_full(conn: Connection) -> None:
    await raw.keep_batch(conn, NOW - HOUR, 1, 1, b"an hour ago")
    await raw.keep_batch(conn, NOW, 2, 1, b"now")
    dropped = await partitions.sweep(conn, NOW, Retention(raw_bytes=0))
    assert dropped == [partition_name(RAW, NOW - HOUR)]
    assert await messages(conn) == [2]
