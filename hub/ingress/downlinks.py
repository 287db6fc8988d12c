"""Rows of table `downlink` on their way to devices: in order per topic, again until the device acknowledges."""

import asyncio
import bisect
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, Protocol, Self, runtime_checkable

import msgspec
import psycopg
import structlog
from psycopg_pool import PoolTimeout

from devices.adapter import Downlink
from hub.ingress import counters
from hub.ingress.arrival import Outlet
from hub.ingress.awaited import Awaited
from hub.ingress.outcomes import Outcomes
from hub.loops import bell
from hub.store.pool import Pool, connect, open_pool
from hub.store.sql import queries

log = structlog.get_logger(__name__)

SIDE_BY_SIDE = 64  # topics being delivered to at once
CONNECTIONS = 4
MOST_WAITING = 50_000  # rows known at once; the rest stays in the table
RELOAD_S = 30.0
LOOK_S = 0.5  # for topics whose pause is over
UNREACHED_S = 5.0  # a topic that nobody hears is looked at again after this, or when somebody comes within reach
RETRY_S = (0.5, 30.0)
RECONNECT_S = (0.2, 5.0)
SEND_AGAIN_S = 120.0  # a command that is not answered for so long is sent again
MOST_TRIES = 3  # of one command

Q = queries("downlinks")
COMMANDS = queries("device_commands")
AGAIN = {"tries": MOST_TRIES, "again_s": SEND_AGAIN_S}


@runtime_checkable
class Announcer(Protocol):
    """An outlet that tells when somebody came within reach."""

    def when_reachable(self, tell: Callable[[], None]) -> None:
        """Call `tell` then."""


@runtime_checkable
class Remembering(Protocol):
    """An outlet that gives the last retained downlink to whoever subscribes."""

    def remember(self, downlink: Downlink) -> None:
        """Keep it."""


@runtime_checkable
class Hearing(Protocol):
    """An outlet that hears what devices answer."""

    def when_heard(self, awaited: Awaited) -> None:
        """Show it every frame, as long as it waits for some."""


class Key(msgspec.Struct, frozen=True):
    """What is kept in order: one topic. A device number beside it keeps devices of a shared topic apart; an operator's
    commands wait for no other words, nor those for them.
    """

    topic: str
    device_id: int | None
    asked: bool = False


class Line(msgspec.Struct):
    """Rows that wait for one key, oldest first."""

    ids: list[int]
    pause_s: float = 0.0
    not_before: float = 0.0


class Downlinks:
    """`async with Downlinks(dsn, outlets)`: the first outlet that reaches a row's topic gets it.

    A row is delivered when the device has acknowledged it; a page carried by it is delivered in the same
    transaction. Rows past their time are left. The database may go and come back. Rows that an operator's commands are
    in are also answered, by frames that the outlets hear.
    """

    def __init__(self, dsn: str, outlets: Sequence[Outlet]) -> None:
        self._dsn = dsn
        self._outlets = outlets
        self._lines: dict[Key, Line] = {}
        self._known: set[int] = set()
        self._busy: dict[Key, asyncio.Task[None]] = {}
        self._next: OrderedDict[Key, None] = OrderedDict()  # lines to look at: with thousands, not all at every wake
        self._look_at = 0.0  # when to look at all of them: a pause may be over
        self._wake = asyncio.Event()
        self._awaited = Awaited()
        self._sending: set[int] = set()  # commands
        self._outcomes: Outcomes
        self._pool: Pool
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._pool = open_pool(self._dsn, name="carehub downlinks", largest=CONNECTIONS)
        await self._pool.open()
        self._outcomes = Outcomes(self._pool, self._awaited)
        for outlet in self._outlets:
            if isinstance(outlet, Announcer):
                outlet.when_reachable(self._reachable)
            if isinstance(outlet, Hearing):
                outlet.when_heard(self._awaited)
        self._tasks = [
            asyncio.create_task(self._listen(), name="downlinks listen"),
            asyncio.create_task(self._offer(), name="downlinks offer"),
            asyncio.create_task(self._outcomes.note_answers(), name="downlinks answers"),
            asyncio.create_task(self._outcomes.look_for_results(), name="downlinks results"),
        ]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        running = [*self._tasks, *self._busy.values()]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._pool.close()

    def _reachable(self) -> None:
        """Somebody came within reach: pauses are over for everyone, since nobody says who it was."""
        for line in self._lines.values():
            line.not_before = line.pause_s = 0.0
        self._look_at = 0.0
        self._wake.set()

    # In lock-step.

    def hasten(self) -> None:
        """Time was moved: pauses are over."""
        self._reachable()

    def in_hand(self, waiting: Iterable[int]) -> bool:
        """Whether any of these rows is not known yet, is being delivered, or is about to be."""
        at = asyncio.get_running_loop().time()
        return (
            bool(self._busy)
            or any(number not in self._known for number in waiting)
            or any(line.not_before <= at and self._outlet(key.topic) is not None for key, line in self._lines.items())
        )

    # What waits.

    async def _listen(self) -> None:
        pause_s = RECONNECT_S[0]
        while True:
            try:
                async with await connect(self._dsn, name="carehub downlinks listen") as conn:
                    await conn.execute("listen carehub_downlink")
                    await self._load_retained(conn)
                    pause_s = RECONNECT_S[0]
                    while True:
                        await self._outcomes.catch_up(conn, self._sending)
                        rows = await _rows(conn, Q.waiting, most=MOST_WAITING, **AGAIN)
                        self._forget_all_but({number for number, *_ in rows})
                        self._learn(rows)
                        await self._follow(conn, asyncio.get_running_loop().time() + RELOAD_S)
            except (psycopg.Error, OSError) as error:
                log.warning("downlinks: database gone", error=type(error).__name__)
            except Exception:
                log.exception("downlinks: listening failed")
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, RECONNECT_S[1])

    async def _follow(self, conn: psycopg.AsyncConnection[tuple[Any, ...]], until: float) -> None:
        """Learn of new rows until it is time to look at the whole table again."""
        while (left_s := until - asyncio.get_running_loop().time()) > 0:
            notices = conn.notifies(timeout=left_s, stop_after=1)
            named = [int(notice.payload) async for notice in notices if notice.payload.isdecimal()]
            if named:
                self._learn(await _rows(conn, Q.announced, ids=named))

    async def _load_retained(self, conn: psycopg.AsyncConnection[tuple[Any, ...]]) -> None:
        rows = await _rows(conn, Q.retained, most=MOST_WAITING)
        for outlet in self._outlets:
            if isinstance(outlet, Remembering):
                for topic, payload in rows:
                    outlet.remember(Downlink(topic=topic, payload=payload, retain=True))

    def _learn(self, rows: Iterable[tuple[int, str, int | None, bool]]) -> None:
        for number, topic, device_id, asked in rows:
            if number not in self._known and len(self._known) < MOST_WAITING:
                self._known.add(number)
                key = Key(topic, device_id, asked)
                line = self._lines.setdefault(key, Line([]))
                bisect.insort(line.ids, number)
                self._next[key] = None
                line.not_before = line.pause_s = 0.0  # what is new is often an answer: whoever spoke can be told
        self._wake.set()

    def _forget_all_but(self, waiting: set[int]) -> None:
        """Rows that expired, or that another process delivered, wait for nobody."""
        for key, line in list(self._lines.items()):
            if key not in self._busy:
                line.ids = [number for number in line.ids if number in waiting]
                if not line.ids:
                    del self._lines[key]
        self._known = {number for line in self._lines.values() for number in line.ids}

    # What goes out.

    async def _offer(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await bell.sleep(LOOK_S, self._wake)
            self._wake.clear()
            if loop.time() >= self._look_at:
                self._look_at = loop.time() + LOOK_S
                self._next.update(dict.fromkeys(self._lines))
            while self._next and len(self._busy) < SIDE_BY_SIDE:
                self._begin(self._next.popitem(last=False)[0], loop)

    def _begin(self, key: Key, loop: asyncio.AbstractEventLoop) -> None:
        """Deliver a line, unless it is being delivered, has a pause or nobody hears it."""
        line = self._lines.get(key)
        if line is None or key in self._busy or line.not_before > loop.time():
            return
        if self._outlet(key.topic) is None:
            line.not_before = loop.time() + UNREACHED_S
            return
        self._busy[key] = loop.create_task(self._deliver(key, line), name=f"downlink {key.topic}")

    def _outlet(self, topic: str) -> Outlet | None:
        return next((outlet for outlet in self._outlets if outlet.reaches(topic)), None)

    async def _deliver(self, key: Key, line: Line) -> None:
        """Deliver a line's rows one after the other, until one is not heard."""
        try:
            while line.ids:
                number = line.ids[0]
                if not await self._attempt(number, key.topic):
                    self._pause(line)
                    return
                line.ids.remove(number)
                self._known.discard(number)
                line.pause_s = 0.0
            del self._lines[key]
        except (psycopg.Error, PoolTimeout, OSError) as error:
            log.warning("downlink not delivered: database gone", topic=key.topic, error=type(error).__name__)
            self._pause(line)
        except Exception:
            log.exception("downlink failed", topic=key.topic)
            self._pause(line)
        finally:
            self._busy.pop(key, None)
            self._wake.set()

    def _pause(self, line: Line) -> None:
        first_s, longest_s = RETRY_S
        line.pause_s = min(max(first_s, line.pause_s * 2), longest_s)
        line.not_before = asyncio.get_running_loop().time() + line.pause_s

    async def _attempt(self, number: int, topic: str) -> bool:
        """Try one row. True also when there is nothing left to deliver: done elsewhere, or past its time."""
        async with self._pool.connection() as conn:
            rows = await _rows(conn, Q.load, id=number, tries=MOST_TRIES)
        if not rows:
            counters.DOWNLINKS.labels("no longer waiting").inc()
            return True
        payload, retain, page_id, command, answers, again = rows[0]
        outlet = self._outlet(topic)
        if outlet is None:
            return False
        key = f"downlink-{number}" if page_id is None else f"page-{page_id}"
        downlink = Downlink(topic=topic, payload=payload, retain=retain)
        if command is not None:
            return await self._tell(outlet, downlink, key, number, command, answers=answers, again=again)
        heard = await outlet.deliver(downlink, key)
        counters.DOWNLINKS.labels("acknowledged" if heard else "not acknowledged").inc()
        if heard:
            async with self._pool.connection() as conn:
                await conn.execute(Q.mark_delivered, {"id": number})
        return heard

    # An operator's commands.

    async def _tell(
        self, outlet: Outlet, downlink: Downlink, key: str, number: int, command: int, *, answers: bool, again: bool
    ) -> bool:
        """Send a command, listening for its answer before the device's line has confirmed it.

        One that must not be done twice is noted first: if this process ends before it can note more, it stays at that.
        True also when another has begun it, or when nobody can say whether the device has it.
        """
        if not again and not await self._begin_once(command):
            return True
        if answers:
            self._awaited.expect(command, downlink.topic, downlink.payload)
        self._sending.add(command)
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            heard = await outlet.deliver(downlink, key)
            counters.DOWNLINKS.labels("acknowledged" if heard else "not acknowledged").inc()
            if heard:
                async with self._pool.connection() as conn, conn.transaction():
                    await conn.execute(Q.mark_delivered, {"id": number})
                    await conn.execute(COMMANDS.sent, {"id": command, "took_s": loop.time() - began})
                self._outcomes.expected()
            elif not again:
                return not await self._may_wait(outlet, downlink.topic, command)
            return heard
        finally:
            self._sending.discard(command)

    async def _begin_once(self, command: int) -> bool:
        async with self._pool.connection() as conn:
            return bool(await _rows(conn, COMMANDS.begin, id=command))

    async def _may_wait(self, outlet: Outlet, topic: str, command: int) -> bool:
        """Whether a command that was not confirmed waits for another try. Whoever was there and is gone may have it."""
        if not outlet.reaches(topic):
            return False
        async with self._pool.connection() as conn:
            await conn.execute(COMMANDS.not_begun, {"id": command})
        return True


async def _rows(conn: psycopg.AsyncConnection[tuple[Any, ...]], query: bytes, **values: Any) -> list[tuple[Any, ...]]:
    return await (await conn.execute(query, values)).fetchall()
