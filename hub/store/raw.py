"""Keeps bytes: every batch as it came, and what could not be read with its error, both up to a limit of bytes.

Layout of raw_batch.body, little-endian: n u32; received_ms i64 × n; topic length u32 × n; payload length u32 × n; the
topics; the payloads.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import msgspec
import numpy as np
from prometheus_client import Counter, Gauge

from hub.store import hot
from hub.store.pool import Connection
from hub.store.sql import queries
from hub.store.telemetry import clean

Q = queries("raw")
NOT_KEPT = Counter("carehub_raw_not_kept_messages", "Telemetry stored whose bytes as they came were not kept")
SHARE = Gauge("carehub_raw_share", "Share of telemetry batches whose bytes are kept as they came")
SHARE.set(1.0)
NUMBERS_AT_ONCE = 1000
WINDOW_S = 60.0  # a share holds for so long
PACKED = 0.35  # what lz4 leaves of the bytes: 0.30 of vital signs as JSON, 167 bytes a message and 50 on the disk
ROOM = 0.8  # of the budget for telemetry: the rest is for urgent messages and for what a rate rises
SPREAD = 0.6180339887498949  # numbers times this fall evenly into [0, 1)
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
    """Return (received_ms, topic, payload) of every message in a raw batch; none of one whose bytes were not kept."""
    if not body:
        return []
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


class Budget:
    """How much of the telemetry's bytes can be kept for as long as is wanted: all of it, or a share by batches.

    The share is what fits at the rate of the last minutes; a metric tells it, and what was left out is counted.
    Urgent messages are not asked about here: they are kept always.

    Args:
        limit_bytes: of table raw_batch.
        keep_s: how long it is wanted.
    """

    def __init__(self, limit_bytes: int, keep_s: float) -> None:
        self.limit_bytes, self.keep_s = limit_bytes, keep_s
        self.share = 1.0
        self._since: float | None = None
        self._bytes = 0

    def keeps(self, number: int, bodies: Sequence[tuple[int, bytes]], now_s: float) -> bool:
        """Whether this batch's bytes are kept. The share changes once in a window."""
        if self._since is None:
            self._since = now_s
        self._bytes += sum(len(body) for _, body in bodies)
        passed = now_s - self._since
        if passed >= WINDOW_S:
            wanted = self._bytes / passed * self.keep_s * PACKED
            self.share = min(1.0, ROOM * self.limit_bytes / wanted) if wanted else 1.0
            SHARE.set(self.share)
            self._since, self._bytes = now_s, 0
        return (number * SPREAD) % 1.0 < self.share


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
