"""What could not be read is kept up to a limit of bytes, and batch numbers rise whoever takes them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from hub.store import partitions, raw
from hub.store.pool import Connection, connect
from hub.store.raw import NUMBERS_AT_ONCE, BatchNumbers, Unreadable, UnreadableShelf

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
async def conn(dsn: str) -> AsyncIterator[Connection]:
    """A connection to a database with its telemetry tables."""
    async with await connect(dsn) as conn:
        await partitions.ensure(conn, NOW)
        yield conn


def riddle(name: str, size: int = 96) -> Unreadable:
    """Return a message nobody can read, with four bytes of topic."""
    payload = name.encode().ljust(size, b".")
    return Unreadable(at=NOW, source="listener", topic="t/xx", payload=payload, error="no grammar")


async def shelve(shelf: UnreadableShelf, conn: Connection, *names: str) -> int:
    async with conn.transaction():
        await shelf.keep(conn, [riddle(name) for name in names])
    return await shelf.trim(conn)


async def kept(conn: Connection) -> list[str]:
    rows = await (await conn.execute("select payload from unreadable order by id")).fetchall()
    return [bytes(payload).rstrip(b".").decode() for (payload,) in rows]


async def test_shelf_that_is_just_full_lets_nothing_go(conn: Connection) -> None:
    assert await shelve(UnreadableShelf(300), conn, "a", "b", "c") == 0
    assert await kept(conn) == ["a", "b", "c"]


async def test_one_too_many_pushes_out_the_oldest_and_leaves_some_room(conn: Connection) -> None:
    shelf = UnreadableShelf(1000)
    assert await shelve(shelf, conn, *"abcdefghij") == 0
    assert await shelve(shelf, conn, "k") == 2
    assert await kept(conn) == list("cdefghijk")
    assert await shelve(shelf, conn, "l") == 0


async def test_shelf_counts_what_was_there_before_the_restart(conn: Connection) -> None:
    await shelve(UnreadableShelf(1000), conn, *"abcde")
    successor = UnreadableShelf(500)
    await successor.measure(conn)
    assert await shelve(successor, conn, "f") == 2
    assert await kept(conn) == list("cdef")


async def test_transaction_that_came_to_nothing_costs_no_kept_message(conn: Connection) -> None:
    shelf = UnreadableShelf(500)
    await shelve(shelf, conn, *"abc")
    async with conn.transaction(force_rollback=True):
        await shelf.keep(conn, [riddle(name) for name in "xyz"])
    assert await shelf.trim(conn) == 0
    assert await kept(conn) == list("abc")


async def test_message_longer_than_the_shelf_is_cut_not_refused(conn: Connection) -> None:
    shelf = UnreadableShelf(50)
    await shelf.keep(conn, [riddle("endless", 5000)])
    row = await (await conn.execute("select octet_length(payload) from unreadable")).fetchone()
    assert row == (50,)


async def test_two_who_take_numbers_never_get_the_same(conn: Connection) -> None:
    before, after = BatchNumbers(), BatchNumbers()
    first = [await before.take(conn) for _ in range(3)]
    second = [await after.take(conn) for _ in range(3)]
    more = [await before.take(conn) for _ in range(NUMBERS_AT_ONCE)]
    taken = [*first, *second, *more]
    assert len(set(taken)) == len(taken)
    assert min(second) > max(first)
    assert sorted(more) == more


async def test_batch_is_known_as_kept_once_its_transaction_is_through(conn: Connection) -> None:
    async with conn.transaction(force_rollback=True):
        await raw.keep_batch(conn, NOW, 7, 0, raw.pack([], [], []))
    assert not await raw.is_kept(conn, 7)
    await raw.keep_batch(conn, NOW, 7, 0, raw.pack([], [], []))
    assert await raw.is_kept(conn, 7)
