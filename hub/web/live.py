"""Tells every open console what changed: one LISTEN connection in the process, any number of streams.

A stream holds the numbers of changed incidents, not messages: the same incident changed ten times is one entry, and a
browser that reads too slowly is told once to fetch everything again. Nothing here can grow with the load. What changed
is read once, before anybody is told; the rows go out with the event (hub/web/rows.py), so that nobody has to ask.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self, TypeAlias

import msgspec
import psycopg
import structlog
from prometheus_client import Counter, Gauge

from hub.store import console as store
from hub.store.pool import Pool, connect
from hub.web.auth import Seat
from hub.web.board import CENTRE, Board

CHANNELS = (
    "carehub_incident", "carehub_page", "carehub_config", "carehub_look", "carehub_audit", "carehub_session",
)  # fmt: skip
NAMED = frozenset({"carehub_incident", "carehub_look"})  # whose word is an incident's number
PAGES_KEPT = 200  # changed pages whose cases are looked up together; beyond it, everything is fetched
CHANGES_KEPT = 64  # changed incidents a slow browser may have waiting; beyond it, it fetches everything
STREAMS = 500  # open consoles of one process
STREAMS_EACH = 20  # of one person: beyond it her oldest ends, and nobody else's
BEAT_S = 4.0  # presence is refreshed at least every 5 s
RETRY_S = 1.0
OLD_S = 15.0  # while changes come, all of the queue is read again this often
log = structlog.get_logger()
Compose: TypeAlias = Callable[["Stream", Sequence[int]], dict[str, Any]]  # what an event says of these cases

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
        self.board = Board(lambda: self.generation)
        self._incidents: set[int] = set()  # announced, and not read yet; 0 as in a stream
        self._pages: set[int] = set()
        self._news = asyncio.Event()
        self._streams: dict[str, Stream] = {}
        self._gone: list[str] = []
        self._stir = asyncio.Event()
        self._offset_s = time.time() - time.monotonic()  # the hub's clock less ours, set by every beat
        self._stack = AsyncExitStack()
        self._hushed = False
        self.generation = 0  # how often anything was announced, or may have been missed
        self.listening = False
        self.heard = False  # the last beat reached the database

    async def __aenter__(self) -> Self:
        group = asyncio.TaskGroup()
        await self._stack.enter_async_context(group)
        tasks = [
            group.create_task(self._listen(), name="console listen"),
            group.create_task(self._beat(), name="console beat"),
            group.create_task(self._follow(), name="console follow"),
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

    @property
    def kept(self) -> dict[str, int]:
        """How much is remembered of consoles and of what was announced."""
        announced = len(self._incidents) + len(self._pages)
        return {"streams": len(self._streams), "gone": len(self._gone), "announced": announced}

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
        mine = [one for one in self._streams.values() if one.seat.person_id == seat.person_id and not one.closed]
        for oldest in mine[: max(0, len(mine) + 1 - STREAMS_EACH)]:
            oldest.demand(close=True)
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

    def events(self, stream: Stream, compose: Compose) -> list[bytes]:
        """Take what a stream has waiting, as lines of text/event-stream; `compose` adds what a console shows of it."""
        stream.wake.clear()
        now_ms = int(self.now().timestamp() * 1000)
        out: list[bytes] = []
        if stream.refresh:
            out.append(_event("hub:refresh", {"now": now_ms}))
        elif stream.changed:
            changed = sorted(stream.changed)
            out.append(_event("hub:changed", {"now": now_ms, "incidents": changed, **compose(stream, changed)}))
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
        if channel == "carehub_session":
            self._ended(payload)
            return
        self.generation += 1
        if channel == "carehub_page" and payload.isdecimal() and len(self._pages) < PAGES_KEPT:
            self._pages.add(int(payload))
        else:
            incident = int(payload) if channel in NAMED and payload.isdecimal() else 0
            self._incidents.add(incident)
            self.board.changed(incident)  # whoever asks from now on is answered with it
        self._news.set()

    def _ended(self, who: str) -> None:
        """A session, by its digest, or all of a person, by his number: who may still hear opens a new stream."""
        for stream in self._streams.values():
            if who in (stream.seat.token_sha256.hex(), str(stream.seat.person_id)):
                stream.demand(close=True)

    async def _follow(self) -> None:
        """Read what was announced, once for all, and say it. What comes meanwhile is read together after it."""
        while True:
            await self._news.wait()
            self._news.clear()
            incidents, self._incidents = self._incidents, set()
            pages, self._pages = self._pages, set()
            told: set[int] = set()
            try:
                async with self._pool.connection() as conn:
                    for row in await store.rows(conn, store.Q.pages_of, pages=list(pages)) if pages else ():
                        incidents.add(row["incident_id"])
                        told |= {row["told"]} - {None}
                        self.board.changed(row["incident_id"])
                    if self._streams:
                        await self.board.read(conn, CENTRE, stale_s=OLD_S)
            except (psycopg.Error, OSError) as err:
                log.warning("console_follow_lost", error=type(err).__name__)
                self.board.changed(0)
                self._all(refresh=True)
                continue
            self._say(incidents, told)

    def _say(self, incidents: set[int], told: set[int]) -> None:
        for stream in self._streams.values():
            for incident in incidents:
                stream.offer(0 if stream.seat.scoped else incident)  # others' numbers are not his
            if stream.seat.person_id in told:
                stream.offer(0)

    def _all(self, *, refresh: bool = False, beat: bool = False) -> None:
        self.generation += refresh
        if refresh:
            self.board.changed(0)
        for stream in self._streams.values():
            stream.demand(refresh=refresh, beat=beat)

    async def pulse(self) -> None:
        """Keep the present present and learn the hub's time. In lock-step after every move of the clock."""
        await self._forget()
        await self._keep()

    async def _beat(self) -> None:
        while True:
            try:
                await self.pulse()
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
