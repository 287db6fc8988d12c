"""One interface, two kinds of tables: what is asked of hub.store.partitions has the same answer on either.

Where CAREHUB_TEST_DSN names a server with TimescaleDB these tables are hypertables, elsewhere native partitions.
"""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from hub.store import hypertables, partitions, raw, vital_hours, vital_rollup
from hub.store.partitions import DAY, HOUR, Retention
from hub.store.pool import Connection, connect, tuned
from tests import given
from tests.integration.storage.conftest import clock_says


@pytest.fixture(autouse=True)
def nobody_writes_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four weeks are 672 hours, and after each the hub leaves a fiftieth of a second to telemetry: 13 s here."""
    monkeypatch.setattr(vital_hours, "PAUSE_S", 0.0)


@pytest.fixture
async def now(conn: Connection) -> datetime:
    return await clock_says(conn, "date_trunc('hour', now()) + interval '30 minutes'")


async def beat(conn: Connection, at: datetime, device: int = 1, bpm: float = 70) -> None:
    await conn.execute(
        "insert into telemetry (received_at, device_id, batch, measured_at, heart_rate_bpm, steps)"
        " values (%(at)s, %(device)s, 1, %(at)s, %(bpm)s, 0)",
        {"at": at, "device": device, "bpm": bpm},
    )


async def heard(conn: Connection, device: int = 1) -> list[datetime]:
    rows = await conn.execute("select received_at from telemetry where device_id = %s order by 1", (device,))
    return [at for (at,) in await rows.fetchall()]


async def compressed(conn: Connection) -> int:
    """Compress what the policy would, where the extension does; returns how many chunks that were."""
    if "telemetry" not in await hypertables.are(conn):
        return 0
    rows = await conn.execute("select compress_chunk(c, true) from show_chunks('telemetry') c")
    return len(await rows.fetchall())


async def test_tables_are_what_the_head_of_the_run_says(conn: Connection) -> None:
    found = given.facts(given.named()) if given.named() else None
    hyper = {table.name for table in partitions.TABLES}
    assert await hypertables.are(conn) == (hyper if found and found.timescale and found.preloaded else set())


async def test_extension_compresses_and_rolls_up_where_it_is(conn: Connection) -> None:
    if not await hypertables.are(conn):
        pytest.skip("no TimescaleDB on this server")
    rows = await conn.execute(
        "select hypertable_name::text, proc_name::text from timescaledb_information.jobs"
        " where hypertable_name is not null"
    )
    jobs = {(table, name) for table, name in await rows.fetchall()}
    assert {table for table, name in jobs if "compression" in name or "columnstore" in name} >= {
        "telemetry",
        "observation",
    }
    assert any("refresh_continuous_aggregate" in name for _, name in jobs)
    row = await (await conn.execute(vital_rollup.Q.there)).fetchone()
    assert row == (True,)


async def test_rows_of_any_day_are_kept_and_the_oldest_days_go(conn: Connection, now: datetime) -> None:
    days = (9, 8, 7, 3, 0, -2, -20)
    for back in days:
        await beat(conn, now - back * DAY)
    await compressed(conn)
    await partitions.ensure(conn, now - 9 * DAY)  # what a native default partition holds is given its day
    await partitions.ensure(conn, now - 8 * DAY)
    await partitions.sweep(conn, now, Retention(telemetry=timedelta(days=7)))
    assert await heard(conn) == [now - back * DAY for back in (7, 3, 0, -2, -20)]
    assert await partitions.sweep(conn, now, Retention(telemetry=timedelta(days=7))) == []


async def test_late_message_finds_its_place_in_a_day_that_is_compressed(conn: Connection, now: datetime) -> None:
    await beat(conn, now - 5 * DAY)
    await compressed(conn)
    await beat(conn, now - 5 * DAY + HOUR)
    assert await heard(conn) == [now - 5 * DAY, now - 5 * DAY + HOUR]


async def test_one_devices_time_is_erased_and_nobody_elses(conn: Connection, now: datetime) -> None:
    for device in (1, 2):
        for back in (6, 5, 4, 0):
            await beat(conn, now - back * DAY, device)
    await compressed(conn)
    async with conn.transaction():
        gone = await partitions.erase(conn, "telemetry", [(1, now - 6 * DAY, now - DAY)])
    assert gone == 2
    assert await heard(conn, 1) == [now - 6 * DAY, now]
    assert await heard(conn, 2) == [now - back * DAY for back in (6, 5, 4, 0)]


async def test_raw_bytes_beyond_the_budget_go_hour_by_hour_and_the_current_one_stays(
    conn: Connection, now: datetime
) -> None:
    await partitions.ensure(conn, now - HOUR)
    for hours in (3, 2, 1, 0):
        at = now - hours * HOUR
        await partitions.ensure(conn, at)
        await raw.keep_batch(conn, at, 3 - hours, 1, bytes(range(256)) * 64)
    await partitions.ensure(conn, now)
    assert await partitions.sweep(conn, now, Retention(raw_bytes=1))
    rows = await conn.execute("select batch from raw_batch order by 1")
    assert [number for (number,) in await rows.fetchall()] == [3]


async def test_hours_are_the_same_whoever_rolls_them_up(conn: Connection, now: datetime) -> None:
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) - 3 * HOUR
    for minute in range(60):
        await beat(conn, hour + timedelta(minutes=minute), bpm=60 + minute % 3)
    row = await (await conn.execute(vital_rollup.Q.there)).fetchone()
    if row == (True,):
        assert await hypertables.refreshed(conn, "vital_hour_kept", hour - DAY, hour + 2 * HOUR)
    while await vital_hours.refresh(conn, now):
        pass
    rows = await (await conn.execute("select device_id, hour, still, still_sum, blind from vital_hour")).fetchall()
    assert rows == [(1, hour, 60, 60 * 61, 0)]


async def test_what_the_extension_refuses_leaves_native_partitions_and_a_warning(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that has no such functions refuses them really: the hub comes up all the same."""
    if await hypertables.are(conn):
        pytest.skip("this server does not refuse")

    async def said_to_be(_: Connection) -> bool:
        return True

    monkeypatch.setattr(hypertables, "available", said_to_be)
    for table in partitions.TABLES:
        await conn.execute(f"drop table {table.name} cascade".encode())
    await partitions.ensure(conn, datetime.now(UTC))
    kinds = await conn.execute(
        "select relkind from pg_class where relname = any(%s)", ([t.name for t in partitions.TABLES],)
    )
    assert {bytes(kind) if isinstance(kind, bytes) else str(kind).encode() for (kind,) in await kinds.fetchall()} == {
        b"p"
    }
    await hypertables.compress(conn, "telemetry")
    await hypertables.roll_up(conn)
    row = await (await conn.execute(vital_rollup.Q.there)).fetchone()
    assert row == (False,)


async def test_lost_connection_is_no_refusal(dsn: str) -> None:
    conn = await connect(dsn)
    await conn.close()
    with pytest.raises(psycopg.OperationalError):
        await hypertables.compress(conn, "telemetry")


async def test_press_is_never_compiled(dsn: str) -> None:
    """A server with JIT, as Debian's 15, took 15 s for the roster of one: what is switched off counts as dear."""
    async with await connect(tuned(dsn)) as conn:
        rows = await conn.execute("select current_setting('jit'), current_setting('enable_seqscan')")
        assert await rows.fetchone() == ("off", "off")
