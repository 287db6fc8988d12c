"""Keeps bytes: every batch as it came, and what could not be read with its error, both up to a limit of bytes.

Layout of raw_batch.body, little-endian: n u32; received_ms i64 × n; topic length u32 × n; payload length u32 × n; the
topics; the payloads.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import msgspec
import numpy as np

from hub.store import hot
from hub.store.pool import Connection
from hub.store.sql import queries
from hub.store.telemetry import clean

Q = queries("raw")
NUMBERS_AT_ONCE = 1000
TRIM_TO = 0.9  # of the limit, so that the oldest are looked for seldom


class Unreadable(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes nobody could read."""

    at: datetime
    source: str
    topic: str
    payload: bytes
    error: str
    device_id: int | None = None


def pack(topics: Sequence[str], payloads: Sequence[bytes], received_ms: Sequence[int]) -> bytes:
    """Return the body of one raw batch."""
    names = [topic.encode("utf-8", "surrogatepass") for topic in topics]
    count = len(names)
    head = (
        np.array([count], "<u4"), np.array(received_ms, "<i8"),
        np.fromiter(map(len, names), "<u4", count), np.fromiter(map(len, payloads), "<u4", count),
    )  # fmt: skip
    return b"".join((*(part.tobytes() for part in head), *names, *payloads))


def unpack(body: bytes) -> list[tuple[int, str, bytes]]:
    """Return (received_ms, topic, payload) of every message in a raw batch."""
    count = int(np.frombuffer(body, "<u4", 1)[0])
    received = np.frombuffer(body, "<i8", count, 4)
    lengths = np.frombuffer(body, "<u4", 2 * count, 4 + 8 * count)
    ends = 4 + 16 * count + np.cumsum(lengths, dtype=np.int64)
    starts = ends - lengths
    cut = [body[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
    return [
        (ms, topic.decode("utf-8", "surrogatepass"), payload)
        for ms, topic, payload in zip(received.tolist(), cut[:count], cut[count:], strict=True)
    ]


async def keep_batch(conn: Connection, received_at: datetime, batch: int, messages: int, body: bytes) -> None:
    """Store the bytes of one batch. Call inside its transaction."""
    await conn.execute(Q.keep_batch, {"received_at": received_at, "batch": batch, "messages": messages, "body": body})


async def keep_batches(conn: Connection, batches: Sequence[tuple[datetime, int, int, bytes]]) -> None:
    """Store the bytes of several batches (received_at, batch, messages, body). Call inside their transaction."""
    received_at, numbers, messages, bodies = (list(column) for column in zip(*batches, strict=True))
    values = {"received_at": received_at, "batch": numbers, "messages": messages, "body": bodies}
    await hot.execute(conn, Q.keep_batches, values)


async def is_kept(conn: Connection, batch: int) -> bool:
    """Whether a batch was committed, although nobody heard so."""
    return await (await conn.execute(Q.is_kept, {"batch": batch})).fetchone() is not None


class UnreadableShelf:
    """Table `unreadable` with its limit of bytes; the oldest go first."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self._bytes = 0

    async def measure(self, conn: Connection) -> None:
        """Learn what is there already."""
        row = await (await conn.execute(Q.unreadable_bytes)).fetchone()
        self._bytes = int(row[0]) if row else 0

    async def keep(self, conn: Connection, rows: Sequence[Unreadable]) -> None:
        """Store rows. Call inside a transaction, and `trim` some time after it."""
        # Counted even if the transaction comes to nothing: that makes `trim` look too early, and looking sets it right.
        self._bytes += sum(len(row.payload) + len(row.topic.encode("utf-8", "replace")) for row in rows)
        async with conn.cursor() as cursor:
            await cursor.executemany(Q.keep_unreadable, [self._line(row) for row in rows])

    async def trim(self, conn: Connection) -> int:
        """Let the oldest go if the limit is passed. Returns how many went."""
        if self._bytes <= self.limit_bytes:
            return 0
        found = await (await conn.execute(Q.trim_unreadable, {"limit": int(self.limit_bytes * TRIM_TO)})).fetchone()
        await self.measure(conn)
        return int(found[1]) if found else 0

    def _line(self, row: Unreadable) -> dict[str, object]:
        return {
            "at": row.at, "source": row.source, "topic": clean(row.topic), "payload": row.payload[: self.limit_bytes],
            "error": clean(row.error)[:500], "device_id": row.device_id,
        }  # fmt: skip


class BatchNumbers:
    """Rising batch numbers, fetched by the thousand, and up to which one everything is done."""

    def __init__(self) -> None:
        self._next = self._end = 0
        self._lock = asyncio.Lock()
        self._open: set[int] = set()

    async def take(self, conn: Connection) -> int:
        """Return the next number. Call outside a transaction that may be rolled back; a gap is harmless."""
        async with self._lock:
            if self._next == self._end:
                row = await (await conn.execute(Q.next_numbers)).fetchone()
                assert row is not None
                self._next = int(row[0]) * NUMBERS_AT_ONCE
                self._end = self._next + NUMBERS_AT_ONCE
            self._next += 1
            self._open.add(self._next - 1)
            return self._next - 1

    def done(self, number: int) -> None:
        """The batch is stored and the detectors have seen it, or it will never be stored."""
        self._open.discard(number)

    @property
    def through(self) -> int:
        """Every batch up to this one is done."""
        return min(self._open) - 1 if self._open else self._next - 1
