"""Tells every open console what changed: one LISTEN connection in the process, any number of streams.

A stream holds the numbers of changed incidents, not messages: the same incident changed ten times is one entry, and a
browser that reads too slowly is told once to fetch everything again. Nothing here can grow with the load.
"""

import asyncio
import secrets
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import msgspec
import psycopg
import structlog
from prometheus_client import Counter, Gauge

from hub.store import console as store
from hub.store.pool import Pool, connect
from hub.web.auth import Seat

CHANNELS = ("carehub_incident", "carehub_page", "carehub_config", "carehub_look", "carehub_audit")
CHANGES_KEPT = 64  # changed incidents a slow browser may have waiting; beyond it, it fetches everything
STREAMS = 500  # open consoles of one process
BEAT_S = 4.0  # presence is refreshed at least every 5 s
RETRY_S = 1.0
log = structlog.get_logger()

OPEN_STREAMS = Gauge("carehub_console_streams", "Consoles connected to this process")
EVENTS = Counter("carehub_console_events_total", "Events sent to consoles", ["event"])
OVERFLOWS = Counter("carehub_console_overflows_total", "Streams too slow for single events, told to refresh")
LISTEN_LOST = Counter("carehub_console_listen_lost_total", "Times the database's notifications were lost")


@dataclass(eq=False, kw_only=True)
class Stream:
    """One open console."""

    seat: Seat
    key: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    changed: set[int] = field(default_factory=set)  # 0: something that belongs to no single incident
    refresh: bool = False
    beat: bool = False
    closed: bool = False
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, incident_id: int) -> None:
        """Note that an incident changed."""
        if len(self.changed) >= CHANGES_KEPT and incident_id not in self.changed:
            self.changed.clear()
            self.refresh = True
            OVERFLOWS.inc()
        elif not self.refresh:
            self.changed.add(incident_id)
        self.wake.set()

    def demand(self, *, refresh: bool = False, beat: bool = False, close: bool = False) -> None:
        self.refresh |= refresh
        self.beat |= beat
        self.closed |= close
        self.wake.set()


class Live:
    """The fan-out. Enter it with `async with`; `hush` ends all streams at once."""

    def __init__(self, dsn: str, pool: Pool) -> None:
        self._dsn = dsn
        self._pool = pool
        self._streams: dict[str, Stream] = {}
        self._gone: list[str] = []
        self._stir = asyncio.Event()
        self._offset_s = time.time() - time.monotonic()  # the hub's clock less ours, set by every beat
        self._stack = AsyncExitStack()
        self._hushed = False
        self.listening = False
        self.heard = False  # the last beat reached the database

    async def __aenter__(self) -> Self:
        group = asyncio.TaskGroup()
        await self._stack.enter_async_context(group)
        tasks = [
            group.create_task(self._listen(), name="console listen"),
            group.create_task(self._beat(), name="console beat"),
        ]
        self._stack.callback(lambda: [task.cancel() for task in tasks])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hush()
        await self._stack.__aexit__(kind, error, trace)
        await self._forget()

    @property
    def healthy(self) -> bool:
        """Whether what the consoles show follows the database."""
        return self.listening and self.heard

    def now(self) -> datetime:
        """The hub's time as of the last beat, carried on by our own monotonic clock. For showing only."""
        return datetime.fromtimestamp(time.monotonic() + self._offset_s, UTC)

    def hush(self) -> None:
        """End all streams and take no more: the process is stopping."""
        self._hushed = True
        for stream in self._streams.values():
            stream.demand(close=True)

    async def open(self, seat: Seat) -> Stream | None:
        """Note a console as present, or return None when there are too many."""
        if self._hushed or len(self._streams) >= STREAMS:
            return None
        stream = Stream(seat=seat)
        async with self._pool.connection() as conn:
            await conn.execute(store.Q.arrive, {"person": seat.person_id, "stream": stream.key})
        self._streams[stream.key] = stream
        OPEN_STREAMS.set(len(self._streams))
        return stream

    def leave(self, stream: Stream) -> None:
        """Note a console as gone. Never waits, so that a cancelled request can call it."""
        if self._streams.pop(stream.key, None) is not None:
            self._gone.append(stream.key)
            OPEN_STREAMS.set(len(self._streams))
            self._stir.set()

    def end(self, session: bytes) -> None:
        """End the streams of a session that was signed out."""
        for stream in self._streams.values():
            if stream.seat.token_sha256 == session:
                stream.demand(close=True)

    def events(self, stream: Stream) -> list[bytes]:
        """Take what a stream has waiting, as lines of text/event-stream."""
        stream.wake.clear()
        now_ms = int(self.now().timestamp() * 1000)
        out: list[bytes] = []
        if stream.refresh:
            out.append(_event("hub:refresh", {"now": now_ms}))
        elif stream.changed:
            out.append(_event("hub:changed", {"now": now_ms, "incidents": sorted(stream.changed)}))
        if stream.beat:
            out.append(_event("hub:beat", {"now": now_ms, "healthy": self.healthy}))
        if stream.closed:
            out.append(_event("hub:bye", {"now": now_ms}))
        stream.changed.clear()
        stream.refresh = stream.beat = False
        return out

    def hello(self, stream: Stream) -> bytes:
        now_ms = int(self.now().timestamp() * 1000)
        return _event("hub:hello", {"now": now_ms, "stream": stream.key, "healthy": self.healthy})

    async def _listen(self) -> None:
        while True:
            try:
                async with await connect(self._dsn, name="carehub console listen") as conn:
                    for channel in CHANNELS:
                        await conn.execute(f"listen {channel}".encode())
                    self.listening = True
                    self._all(refresh=True, beat=True)  # what was said while nobody listened is unknown
                    while True:
                        async for note in conn.notifies(timeout=10.0):
                            self._tell(note.channel, note.payload)
                        await conn.execute("select 1")  # a connection that died silently is noticed
            except (psycopg.Error, OSError) as err:
                if self.listening:
                    LISTEN_LOST.inc()
                log.warning("console_listen_lost", error=type(err).__name__, retry_s=RETRY_S)
                self.listening = False
                self._all(beat=True)
                await asyncio.sleep(RETRY_S)

    def _tell(self, channel: str, payload: str) -> None:
        named = channel in {"carehub_incident", "carehub_look"} and payload.isdecimal()
        for stream in self._streams.values():
            stream.offer(int(payload) if named else 0)

    def _all(self, *, refresh: bool = False, beat: bool = False) -> None:
        for stream in self._streams.values():
            stream.demand(refresh=refresh, beat=beat)

    async def _beat(self) -> None:
        while True:
            try:
                await self._forget()
                await self._keep()
                self.heard = True
            except (psycopg.Error, OSError) as err:
                log.warning("console_beat_lost", error=type(err).__name__)
                self.heard = False
            self._all(beat=True)
            await self._pause()

    async def _pause(self) -> None:
        """Wait for the next beat, letting presence end at once when a console goes."""
        deadline = time.monotonic() + BEAT_S
        while (rest_s := deadline - time.monotonic()) > 0:
            try:
                async with asyncio.timeout(rest_s):
                    await self._stir.wait()
            except TimeoutError:
                return
            self._stir.clear()
            try:
                await self._forget()
            except (psycopg.Error, OSError):
                return  # the next beat says so

    async def _keep(self) -> None:
        streams = list(self._streams.values())
        sessions = {s.seat.token_sha256 for s in streams}
        async with self._pool.connection() as conn:
            now, living = await store.beat(conn, [s.key for s in streams], list(sessions))
        self._offset_s = now.timestamp() - time.monotonic()
        for stream in streams:
            if stream.seat.token_sha256 not in living:
                stream.demand(close=True)

    async def _forget(self) -> None:
        gone, self._gone = self._gone + ([*self._streams] if self._hushed else []), []
        if not gone:
            return
        try:
            async with self._pool.connection() as conn:
                await conn.execute(store.Q.leave, {"streams": gone})
        except (psycopg.Error, OSError):
            self._gone = (gone + self._gone)[:STREAMS]
            raise


def _event(name: str, body: dict[str, object]) -> bytes:
    EVENTS.labels(name).inc()
    return b"event: " + name.encode() + b"\ndata: " + msgspec.json.encode(body) + b"\n\n"
