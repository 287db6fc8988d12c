"""What is asked of TimescaleDB, as far as any PostgreSQL can judge it: who may ask, and what an aggregate may hold."""

import re
from datetime import UTC, datetime

import pytest
from psycopg.conninfo import make_conninfo

from hub.store import hypertables, measured, partitions, vital_rollup
from hub.store.partitions import DAY, Retention
from hub.store.pool import Connection, connect, upgrade
from tests import given
from tests.integration.storage.days import YINCHUAN, rolled, say

NO_SUPERUSER = "-c role=carehub_web"  # tells the server as little as any role may
ARGUMENT = re.compile(r"(?:sum|count|min|max)\(((?:[^()]|\([^()]*\))+)\) as")


def plain(statement: bytes) -> str:
    return re.sub(r"\s+", " ", re.sub(r"--[^\n]*", "", statement.decode()))


async def test_user_who_is_no_superuser_may_ask_whether_the_extension_is_there(dsn: str) -> None:
    bound = make_conninfo(dsn, options=NO_SUPERUSER)
    found = given.facts(bound)
    async with await connect(bound) as conn:
        row = await (await conn.execute(hypertables.Q.timescale_available)).fetchone()
    assert row == (bool(found.timescale), found.preloaded)


async def test_setting_of_a_library_that_is_not_loaded_is_no_library(conn: Connection) -> None:
    """Else CREATE EXTENSION, refused by ending the session, would keep the hub from coming up."""
    row = await (await conn.execute(hypertables.Q.timescale_available)).fetchone()
    assert row is not None
    if row[1]:
        pytest.skip("TimescaleDB is loaded here")
    await conn.execute("set timescaledb.max_background_workers = 8")
    told = await conn.execute("select current_setting('timescaledb.max_background_workers')")
    assert await told.fetchone() == ("8",)
    row = await (await conn.execute(hypertables.Q.timescale_available)).fetchone()
    assert row is not None
    assert row[1] is False
    assert not await hypertables.available(conn)


async def test_what_aggregates_hold_is_immutable(conn: Connection) -> None:
    """PostgreSQL takes into an index only what an aggregate is made of without a warning."""
    await conn.execute("create table judge (like telemetry)")
    hours = plain(measured.continuous(measured.midnight(YINCHUAN, datetime.now(UTC)))[0])
    vital = plain(vital_rollup.continuous()[0])
    day = re.search(r"as arrived, (.+?) as day,", hours)
    assert day is not None
    asked = [day[1], *(one for text in (hours, vital) for one in ARGUMENT.findall(text) if one != "*")]
    assert len(asked) > 45
    for one in asked:
        await conn.execute(f"create index on judge (({one}))".encode())
    which = re.search(r" where (.+) group by 1, 2 with no data", vital)
    assert which is not None
    await conn.execute(f"create index on judge (device_id) where {which[1]}".encode())


async def test_compression_gives_way_to_who_reads_by_a_setting_of_this_database_alone(conn: Connection) -> None:
    await conn.execute(hypertables.GIVE_WAY)  # where there is no such extension it sets nothing
    rows = await conn.execute(
        "select s.setconfig from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase"
        " where d.datname = current_database() and s.setrole = 0"
    )
    set_ = [one for (config,) in await rows.fetchall() for one in config if one.startswith("timescaledb.")]
    wanted = ["timescaledb.compress_truncate_behaviour=truncate_or_delete"]
    assert set_ == (wanted if await hypertables.are(conn) else [])


async def test_policies_are_ours_and_not_what_the_extension_takes_by_default(conn: Connection, now: datetime) -> None:
    if not await hypertables.are(conn):
        pytest.skip("no TimescaleDB on this server")
    await rolled(conn, now)
    rows = await conn.execute(
        "select hypertable_name::text, (config ->> 'compress_after')::interval from timescaledb_information.jobs"
        " where config ? 'compress_after' order by 1"
    )
    after = hypertables.COMPRESSED_AFTER_DAYS * DAY
    assert await rows.fetchall() == [(table, after) for table in sorted(hypertables.COMPRESSED)]
    rows = await conn.execute(
        "select distinct config ->> 'buckets_per_batch' from timescaledb_information.jobs"
        " where proc_name = 'policy_refresh_continuous_aggregate'"
    )
    assert await rows.fetchall() == [("0",)]
    rows = await conn.execute(
        "select view_name::text, materialized_only from timescaledb_information.continuous_aggregates order by 1"
    )
    views = ("measured_day_kept", "measured_hour_kept", "vital_hour_kept")
    assert await rows.fetchall() == [(view, True) for view in views]


async def test_next_start_finds_everything_made_and_changes_nothing(conn: Connection, now: datetime, dsn: str) -> None:
    await say(conn, now - DAY)
    await rolled(conn, now)
    what = (
        "select relname::text, relkind::text from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where nspname in ('public', 'carehub_web') order by 1, 2"
    )
    before = await (await conn.execute(what.encode())).fetchall()
    assert await upgrade(dsn) == []
    assert await (await conn.execute(what.encode())).fetchall() == before


async def test_who_reads_an_old_day_for_long_keeps_nobody_waiting(conn: Connection, now: datetime, dsn: str) -> None:
    """What is to go is let go the next time: whoever writes or looks would stand behind us, and a press among them."""
    await partitions.ensure(conn, now - 9 * DAY)
    await say(conn, now - 9 * DAY)
    keep = Retention(telemetry=7 * DAY)
    async with await connect(dsn) as reader, reader.transaction():
        await reader.execute("select from telemetry where received_at < %s", (now - 8 * DAY,))
        await partitions.sweep(conn, now, keep)
        await say(conn, now)
        rows = await conn.execute("select received_at from telemetry order by 1")
        assert await rows.fetchall() == [(now - 9 * DAY,), (now,)]
    await partitions.sweep(conn, now, keep)
    rows = await conn.execute("select received_at from telemetry order by 1")
    assert await rows.fetchall() == [(now,)]
