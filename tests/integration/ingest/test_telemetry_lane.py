"""The telemetry lane's limits: how much goes into one transaction, and how much of what nobody can read is kept."""

from collections.abc import AsyncIterator

import pytest

from hub import telemetry_lane
from hub.ingest import Ingest
from hub.store.pool import connect
from hub.telemetry_lane import REJECTED_ROW_BYTES, SURGE
from tests.integration.ingest.conftest import Hub, picky, settings


@pytest.fixture
async def small(dsn: str) -> AsyncIterator[Hub]:
    """An ingest that decodes four messages at a time."""
    async with await connect(dsn) as conn, Ingest(settings(batch_messages=4), dsn) as ingest:
        yield Hub(ingest, conn)


async def batches(hub: Hub) -> list[int]:
    """Return how many messages each transaction held, in order."""
    rows = await hub.rows("select sum(messages)::int from raw_batch group by batch order by batch")
    return [count for (count,) in rows]


async def test_backlog_shares_transactions_up_to_the_surge(small: Hub) -> None:
    most = 4 * SURGE
    tokens = [small.vitals(f"w{number % 7}", seq=number, hr=70) for number in range(2 * most + 3)]
    await small.done()
    assert await batches(small) == [most, most, 3]
    assert small.line.acknowledged == tokens
    assert await small.one("select count(*) from telemetry") == len(tokens)


async def test_repeat_in_another_part_of_the_same_transaction_is_recognised(small: Hub) -> None:
    for number in (*range(6), *range(6)):
        small.vitals(seq=number, at=1_790_000_000 + number, hr=70)
    await small.done()
    assert len(await batches(small)) == 1
    assert await small.one("select count(*) from telemetry") == 6


async def test_few_heavy_messages_are_cut_by_their_bytes(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry_lane, "BATCH_BYTES", 1000)
    tokens = [hub.send("carehub/w1/status", b"x" * 600) for _ in range(5)]
    await hub.done()
    assert await batches(hub) == [2, 2, 1]
    assert hub.line.acknowledged == tokens
    assert not hub.ingest._telemetry.crowded(1, 1)


async def test_broken_frames_beyond_their_bytes_are_counted_and_there_is_room_after_the_commit(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telemetry_lane, "REJECTED_BYTES", 2 * (REJECTED_ROW_BYTES + 10))
    before = telemetry_lane.UNKEPT._value.get()
    for number in range(3):
        hub.ingest.rejected("listener", "", bytes([number]) * 10, "broken frame")
    await hub.done()
    hub.ingest.rejected("listener", "", b"\x07" * 10, "broken frame")
    await hub.done()
    assert telemetry_lane.UNKEPT._value.get() - before == 1
    assert await hub.rows("select get_byte(payload, 0) from unreadable order by id") == [(0,), (1,), (7,)]


async def test_messages_that_cannot_be_stored_stay_below_the_limit_of_bytes_too(hub: Hub) -> None:
    await hub.conn.execute(picky("telemetry", "new.heart_rate_bpm = 66"))
    hub.ingest._shelf.limit_bytes = 300
    for number in range(12):
        hub.vitals(seq=number, hr=66)
        await hub.done()
    assert len(hub.line.acknowledged) == 12
    kept = "select sum(octet_length(payload) + octet_length(topic)) from unreadable"
    assert await hub.one(kept) <= 300
    assert await hub.one("select payload from unreadable order by id desc limit 1") == b'{"seq": 11, "hr": 66}'
