"""What the detectors know, saved block by block and brought back: nothing twice, nothing forgotten."""

import zlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import psycopg
import pytest

from alerts.detectors.device_health import DeviceHealth
from alerts.detectors.vitals import VitalsDetector
from devices.columns import Columns
from hub import detection, keeper
from hub.detection import Detection
from hub.device_table import DeviceTable
from hub.fall_streams import FallStreams
from hub.keeper import REPLAY_LIMIT, TURNS, Keeper
from hub.store import checkpoints, partitions, telemetry
from hub.store.pool import Connection, connect
from hub.store.raw import BatchNumbers
from tests.unit.ingest.test_columns import columns, table_of

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
DEVICES = 4 * TURNS  # in blocks of two: two blocks a turn


class Hub:
    """One life of a hub: it hears, saves and restores on the same database as the lives before it."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self.table: DeviceTable = table_of(DEVICES)
        self.detection = Detection(self.table, (VitalsDetector(), DeviceHealth()))
        self.numbers = BatchNumbers()
        self.keeper = Keeper(self.detection, self.numbers, 0)

    async def hear(self, *rows: int, at_ms: int = NOW_MS, judged: bool = True) -> int:
        """Store one message of each device and show it to the detectors, unless the hub dies in between."""
        at = np.array(rows, np.int64)
        batch: Columns = columns([7] * len(rows), device=at + 1, received_ms=np.full(len(rows), at_ms))
        number = await self.numbers.take(self.conn)
        async with self.conn.transaction():
            await telemetry.write_wide(self.conn, batch, number)
        if judged:
            self.detection.observe(at, batch)
            self.numbers.done(number)
        return number

    async def hear_odd(self, row: int, at_ms: int) -> list[str]:
        """Store a message with a value no body shows and show it; returns the rules that are raised."""
        at = np.array([row])
        batch = columns([-1], device=at + 1, received_ms=np.array([at_ms]), measured_ms=[at_ms - 900])
        batch = replace(batch, implausible=np.ones(1, np.bool_))
        number = await self.numbers.take(self.conn)
        async with self.conn.transaction():
            await telemetry.write_wide(self.conn, batch, number)
        return [finding.rule for finding in self.detection.observe(at, batch)]

    async def save(self, *, everything: bool = False) -> int:
        return await self.keeper.save(self.conn, NOW, everything=everything)

    async def restore(self) -> None:
        await self.keeper.restore(self.conn, FallStreams(None, 1), NOW)

    def heard(self) -> list[int]:
        """Return which rows the detectors remember having heard."""
        return [int(row) for row in np.flatnonzero(self.detection.states["device_health"]["heard_ms"])]


@pytest.fixture
async def conn(dsn: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Connection]:
    """A database with its tables; two devices make a block."""
    for module in (detection, keeper):
        monkeypatch.setattr(module, "BLOCK", 2)
    async with await connect(dsn) as conn:
        await partitions.ensure(conn, NOW)
        yield conn


async def through(conn: Connection) -> int:
    """Return up to which batch the summary says that everything is saved."""
    first, *_ = [part async for part in checkpoints.load(conn, 0)]
    return first.through_batch


async def test_one_save_is_a_part_of_the_work_and_after_all_turns_nothing_is_left(conn: Connection) -> None:
    hub = Hub(conn)
    await hub.hear(*range(DEVICES))
    assert [await hub.save() for _ in range(TURNS + 1)] == [2] * TURNS + [0]


async def test_summary_waits_for_the_block_that_was_saved_longest_ago(conn: Connection) -> None:
    hub = Hub(conn)
    first = await hub.hear(*range(DEVICES))
    await hub.save(everything=True)
    assert await through(conn) == first
    last = await hub.hear(*range(DEVICES))
    for _ in range(TURNS - 1):
        await hub.save()
        assert await through(conn) == first
    await hub.save()
    assert await through(conn) == last


async def test_blocks_saved_and_blocks_replayed_make_the_whole(conn: Connection) -> None:
    before = Hub(conn)
    await before.hear(*range(DEVICES))
    await before.save()
    after = Hub(conn)
    await after.restore()
    assert after.heard() == list(range(DEVICES))


async def test_block_already_saved_is_not_shown_the_same_batch_again(conn: Connection) -> None:
    before = Hub(conn)
    await before.hear(*range(DEVICES))
    await before.save()
    after = Hub(conn)
    await after.restore()
    shown = [bool(dirty) for dirty in after.detection.dirty]
    assert shown == [False] * 2 + [True] * (DEVICES // 2 - 2)


async def test_batch_committed_but_not_judged_before_the_crash_is_judged_after_it(conn: Connection) -> None:
    before = Hub(conn)
    await before.hear(0)
    lost = await before.hear(5, judged=False)
    await before.hear(9)
    await before.save(everything=True)
    assert await through(conn) < lost
    after = Hub(conn)
    await after.restore()
    assert after.heard() == [0, 5, 9]


async def test_block_that_could_not_be_saved_is_saved_next_time(conn: Connection) -> None:
    hub = Hub(conn)
    await hub.hear(0, 2)
    await conn.execute("alter table checkpoint add constraint picky check (part <> 'block:00001')")
    with pytest.raises(psycopg.errors.CheckViolation):
        await hub.save(everything=True)
    await conn.execute("alter table checkpoint drop constraint picky")
    assert await hub.save(everything=True) == 1
    assert [part.part async for part in checkpoints.load(conn, 0)] == ["all", "block:00000", "block:00001"]


async def written(conn: Connection, since: str) -> list[tuple[str, int]]:
    """Return the pieces of the first block that were written after a moment of the log."""
    query = (
        "select name, slot from checkpoint_piece where part = 'block:00000' and xmin::text::bigint >= %s order by 1, 2"
    )
    return await (await conn.execute(query, (since,))).fetchall()


async def next_transaction(conn: Connection) -> str:
    row = await (await conn.execute("select pg_current_xact_id()::text::bigint + 1")).fetchone()
    assert row is not None
    return str(row[0])


async def test_only_what_has_changed_is_written(conn: Connection) -> None:
    hub = Hub(conn)
    await hub.hear(0, 1)
    await hub.save(everything=True)
    since = await next_transaction(conn)
    hub.detection.dirty[0] = True
    hub.detection.states["vitals"]["hr"][0, 5] = 77
    await hub.save(everything=True)
    assert await written(conn, since) == [("vitals.hr", 5)]
    after = Hub(conn)
    await after.restore()
    assert after.detection.states["vitals"]["hr"][0, 5] == 77


async def test_what_was_restored_is_not_written_again(conn: Connection) -> None:
    before = Hub(conn)
    await before.hear(0, 1)
    await before.save(everything=True)
    after = Hub(conn)
    await after.restore()
    since = await next_transaction(conn)
    after.detection.dirty[0] = True
    await after.save(everything=True)
    assert await written(conn, since) == []


async def test_block_is_written_whole_after_a_save_that_failed(conn: Connection) -> None:
    hub = Hub(conn)
    await hub.hear(0)
    await hub.save(everything=True)
    since = await next_transaction(conn)
    hub.detection.dirty[0] = True
    await conn.execute("alter table checkpoint add constraint picky check (part <> 'block:00000') not valid")
    with pytest.raises(psycopg.errors.CheckViolation):
        await hub.save(everything=True)
    await conn.execute("alter table checkpoint drop constraint picky")
    await hub.save(everything=True)
    row = await (await conn.execute("select count(*) from checkpoint_piece where part = 'block:00000'")).fetchone()
    assert row is not None
    assert len(await written(conn, since)) == row[0]


async def test_state_that_an_earlier_release_saved_whole_comes_back(conn: Connection) -> None:
    before = Hub(conn)
    device, columns = before.detection.block_columns(0)
    columns["vitals.hr"][1, 5] = 77
    whole = {name: (column.dtype.str, column.shape, column.tobytes()) for name, column in columns.items()}
    body = zlib.compress(msgspec.msgpack.encode([device.astype("<i8").tobytes(), whole]), 0)
    await checkpoints.save(conn, 0, checkpoints.Part("block:00000", 3, body, NOW))
    after = Hub(conn)
    await after.restore()
    assert after.detection.states["vitals"]["hr"][1, 5] == 77


async def test_telemetry_of_long_ago_is_not_looked_at_again_without_a_checkpoint(conn: Connection) -> None:
    before = Hub(conn)
    await before.hear(0, at_ms=NOW_MS - int((REPLAY_LIMIT + timedelta(minutes=1)).total_seconds() * 1000))
    await before.hear(1, at_ms=NOW_MS - 60_000)
    after = Hub(conn)
    await after.restore()
    assert after.heard() == [1]


async def test_telemetry_of_a_device_that_is_gone_stops_no_restart(conn: Connection) -> None:
    before = Hub(conn)
    await before.hear(0, 1)
    after = Hub(conn)
    after.table = table_of(1)
    after.detection = Detection(after.table, (DeviceHealth(),))
    after.keeper = Keeper(after.detection, after.numbers, 0)
    await after.restore()
    assert after.heard() == [0]


async def test_rejected_readings_are_counted_on_after_a_restart(conn: Connection) -> None:
    """What no living body shows is no telemetry; that there was one is stored beside it."""
    before = Hub(conn)
    for minute in range(9):
        await before.hear_odd(3, NOW_MS - (20 - minute) * 60_000)
    after = Hub(conn)
    await after.restore()  # without a checkpoint: all of it from what was stored
    assert await after.hear_odd(3, NOW_MS - 60_000) == ["T4"]
