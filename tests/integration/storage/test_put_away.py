"""Days of telemetry are put away and are as they were: whoever reads, erases, or comes late sees no difference.

Where CAREHUB_TEST_DSN names a server with TimescaleDB the extension compresses, elsewhere the hub packs.
"""

import random
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from devices.records import Record
from hub.store import hypertables, packing, partitions, records
from hub.store.partitions import DAY, HOUR, Retention
from hub.store.pool import Connection, connect
from tests.integration.ingest.conftest import add_resident
from tests.integration.storage.days import all_said, put_away, rolled, say

MINUTE = timedelta(minutes=1)
ODD = (None, 0, 36.6, 71.25, 99.999, -1.5, 327.0, 327.1, 4000.5, float("nan"), float("inf"))


async def ours(conn: Connection) -> None:
    """Skip what is of our own packing alone."""
    if "telemetry" in await hypertables.are(conn):
        pytest.skip("TimescaleDB compresses here")


async def packed(conn: Connection) -> tuple[int, int]:
    """Return how many devices' days are put away, and how many rows are not."""
    row = await (
        await conn.execute("select (select count(*) from telemetry_packed), (select count(*) from telemetry)")
    ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


async def a_week(conn: Connection, now: datetime, devices: int = 3, every: timedelta = 7 * MINUTE) -> None:
    day = partitions.floor(now, DAY) - 7 * DAY
    for device in range(1, devices + 1):
        await conn.execute(
            "insert into telemetry (received_at, device_id, batch, measured_at, sequence, heart_rate_bpm, steps, worn)"
            " select at + interval '431 ms', %(device)s, 1000 + n, at, n, 60 + n %% 37, n %% 5, true"
            " from (select %(day)s::timestamptz + n * %(every)s::interval as at, n"
            "       from generate_series(0, %(last)s::int) n) told",
            {"device": device, "day": day, "every": every, "last": (now - day) // every},
        )


def anything(dice: random.Random, at: datetime) -> dict[str, Any]:
    """Return a message as no device sends it."""
    late = dice.choice((timedelta(), timedelta(milliseconds=dice.randrange(-90_000, 10**8)), timedelta(days=-20_000)))
    reals = ("heart_rate_bpm", "spo2_pct", "respiration_rpm", "temperature_c", "systolic_mmhg", "diastolic_mmhg")
    return {
        "received_at": at + timedelta(microseconds=dice.choice((0, 0, 0, 1, 999))), "measured_at": at + late,
        "batch": dice.choice((1, 7, 2**40, 5)), "sequence": dice.choice((None, 0, 3, 2**31, -(2**63), 2**63 - 1)),
        **{name: dice.choice(ODD) for name in (*reals, "battery_pct")},
        "steps": dice.choice((None, 0, 60, 40_000, -(2**31))), "worn": dice.choice((None, True, False)),
        "implausible": dice.choice((None, True)),
    }  # fmt: skip


async def test_week_that_is_put_away_says_the_same(conn: Connection, now: datetime) -> None:
    await a_week(conn, now)
    before = await all_said(conn)
    assert await put_away(conn, now)
    assert await all_said(conn) == before
    assert await put_away(conn, now) in {0, 4}  # TimescaleDB names what is compressed already


async def test_any_row_comes_back_as_it_was(conn: Connection, now: datetime) -> None:
    dice = random.Random(20261123)
    day = partitions.floor(now, DAY) - 5 * DAY
    for n in range(300):
        at = day + timedelta(milliseconds=dice.randrange(86_399_000))
        await say(conn, device=1 + n % 4, **{"at": at} | anything(dice, at))
    before = await all_said(conn)
    await put_away(conn, now)
    assert await all_said(conn) == before


async def test_only_days_that_are_over_for_long_enough_and_rolled_up_are_put_away(
    conn: Connection, now: datetime
) -> None:
    await ours(conn)
    await a_week(conn, now, devices=2)
    assert await packing.put_away(conn, now) == 0, "nothing is rolled up yet"
    await rolled(conn, now)
    assert await packing.put_away(conn, now) == 2 * 4
    row = await (await conn.execute("select min(received_at) from telemetry")).fetchone()
    assert row is not None
    assert partitions.floor(row[0], DAY) == partitions.floor(now, DAY) - 3 * DAY
    names = {name for (name,) in await (await conn.execute("select relname::text from pg_class")).fetchall()}
    assert partitions.partition_name(partitions.TELEMETRY, now - 4 * DAY) not in names, "its room is given back"


async def test_late_message_of_a_day_put_away_is_kept_and_joins_it_the_next_time(
    conn: Connection, now: datetime
) -> None:
    await a_week(conn, now, devices=1)
    await put_away(conn, now)
    week = len(await all_said(conn))
    await say(conn, now - 5 * DAY, heart_rate_bpm=111, batch=5000)
    await say(conn, now - 6 * DAY, device=2, heart_rate_bpm=112)
    before = await all_said(conn)
    assert len(before) == week + 2
    await put_away(conn, now)
    assert await all_said(conn) == before
    await partitions.ensure(conn, now)
    assert await all_said(conn) == before


async def test_server_that_ends_the_session_in_the_middle_loses_and_doubles_nothing(
    conn: Connection, now: datetime, dsn: str
) -> None:
    await ours(conn)
    await a_week(conn, now)
    await rolled(conn, now)
    before = await all_said(conn)
    await conn.execute(
        "create function dies() returns trigger language plpgsql as"
        " $$ begin perform pg_terminate_backend(pg_backend_pid()); return new; end $$;"
        " create trigger dies before insert on telemetry_packed for each row when (new.device_id = 2)"
        " execute function dies()"
    )
    async with await connect(dsn) as other:
        with pytest.raises(psycopg.OperationalError):
            await packing.put_away(other, now)
    assert await all_said(conn) == before
    assert await packed(conn) == (0, len(before))
    await conn.execute("drop trigger dies on telemetry_packed")
    assert await packing.put_away(conn, now) == 3 * 4
    assert await all_said(conn) == before


async def test_who_reads_for_long_delays_only_the_room_that_is_given_back(
    conn: Connection, now: datetime, dsn: str
) -> None:
    await ours(conn)
    await a_week(conn, now, devices=1)
    await rolled(conn, now)
    before = await all_said(conn)
    async with await connect(dsn) as reader, reader.transaction():
        await reader.execute("select from telemetry limit 1")
        assert await packing.put_away(conn, now) == 4
        assert await all_said(conn) == before
    assert await packing.put_away(conn, now) == 0
    starts = await partitions.starts(conn, partitions.TELEMETRY)
    assert min(starts) >= partitions.floor(now, DAY) - 3 * DAY


async def test_two_processes_do_not_put_away_together(conn: Connection, now: datetime, dsn: str) -> None:
    await ours(conn)
    await a_week(conn, now, devices=1)
    await rolled(conn, now)
    async with await connect(dsn) as other:
        await other.execute("select pg_advisory_lock(%s)", (packing.LOCK,))
        assert await packing.put_away(conn, now) == 0
        await other.execute("select pg_advisory_unlock(%s)", (packing.LOCK,))
        assert await packing.put_away(conn, now) == 4


async def test_column_of_a_newer_release_is_not_lost(conn: Connection, now: datetime) -> None:
    await ours(conn)
    await a_week(conn, now, devices=1)
    await rolled(conn, now)
    await conn.execute("alter table telemetry add column glucose_mmol real")
    assert await packing.put_away(conn, now) == 0


async def test_what_was_hers_is_erased_out_of_days_put_away(conn: Connection, now: datetime) -> None:
    await a_week(conn, now, devices=2)
    begin, end = now - 6 * DAY, now - 4 * DAY  # both in the middle of a day
    before = await all_said(conn)
    at, whose = packing.COLUMNS.index("received_at") - 1, packing.COLUMNS.index("device_id") - 1
    hers = [row for row in before if row[whose] == 1 and begin < row[at] <= end]
    assert len(hers) > 200
    await put_away(conn, now)
    spans = [(1, begin, end)]
    async with conn.transaction():
        gone = await partitions.erase(conn, "telemetry", spans)
        gone += await packing.erase(conn, spans)
    assert gone == len(hers)
    left = [row for row in before if row not in hers]
    assert await all_said(conn) == left
    await put_away(conn, now)
    assert await all_said(conn) == left


async def test_days_put_away_go_when_their_time_is_over(conn: Connection, now: datetime) -> None:
    await a_week(conn, now, devices=1)
    await put_away(conn, now)
    await say(conn, now - 7 * DAY, heart_rate_bpm=111)  # after its day was put away
    await partitions.sweep(conn, now, Retention(telemetry=timedelta(days=5)))
    found = await all_said(conn)
    at = packing.COLUMNS.index("received_at") - 1
    assert min(row[at] for row in found) >= partitions.floor(now - 5 * DAY, DAY)
    assert len({partitions.floor(row[at], DAY) for row in found}) == 6


async def test_export_and_last_words_know_the_days_put_away(conn: Connection, now: datetime, dsn: str) -> None:
    add_resident(dsn)
    day = partitions.floor(now, DAY) - 6 * DAY
    for minute in range(90):
        at = day + minute * MINUTE
        await say(conn, at + timedelta(milliseconds=5), measured_at=at, sequence=minute, heart_rate_bpm=60 + minute)

    async def export() -> list[Record]:
        speaker = await records.device(conn, "carehub:w1")
        async with conn.transaction():
            return [one async for one in records.said(conn, speaker, day - DAY, now)]

    before = await export()
    assert [one.value for one in before] == [60.0 + minute for minute in range(90)]
    await put_away(conn, now)
    assert await export() == before
    async with conn.transaction():
        speaker = await records.device(conn, "carehub:w1")
        part = [one async for one in records.said(conn, speaker, day + 10 * MINUTE, day + HOUR)]
    assert [one.value for one in part] == [float(60 + minute) for minute in range(10, 60)]
    last = await (await conn.execute("select max(received_at) from telemetry_heard where device_id = 1")).fetchone()
    assert last == (day + 89 * MINUTE + timedelta(milliseconds=5),)
