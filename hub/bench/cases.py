"""Presses that run their course: PUBACK, 收到, page and screen are timed; then the case is taken and closed."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field

import aiohttp

from alerts.model import Disposition
from hub import desk
from hub.bench.consoles import Browser, seat
from hub.bench.load import PASSWORD
from hub.bench.packets import name
from hub.bench.receiver import Receiver
from hub.bench.wire import LIMIT_S, BareMqtt
from hub.loops.ending import ended
from hub.store.pool import Connection, connect

MEASURES = ("puback", "heard", "page", "screen")
WORKED_EVERY_S = 4.0  # a case is taken so long after its press, and closed so long after that
PAUSE_S = 0.05  # between two presses where nothing else happens


@dataclass(kw_only=True)
class Cases:
    """Who presses, who is called, who works the cases."""

    port: int
    receiver: Receiver
    screen: "Screen"
    conn: Connection
    operator: int
    ms: dict[str, list[float]] = field(default_factory=lambda: {measure: [] for measure in MEASURES})
    missed: list[str] = field(default_factory=list)
    closed: int = 0
    _busy: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def one(self, number: int) -> int:
        """Let one resident press; returns her case. What does not come within the limit is noted as missed."""
        watch = name(number)
        told: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        async with BareMqtt(self.port, watch, PASSWORD) as line:
            await line.subscribe(f"carehub/{watch}/command")

            def hear(_body: bytes, at: float) -> None:
                if not told.done():
                    told.set_result(at)

            line.hear = hear
            body = b'{"event":"sos","id":"%s"}' % secrets.token_hex(6).encode()
            began, wall = time.perf_counter(), time.time()
            moments = {"puback": await line.publish(f"carehub/{watch}/event", body)}
            case = await self._case(number + 1)
            with self._noted("heard"):
                async with asyncio.timeout(LIMIT_S):
                    moments["heard"] = await told
            with self._noted("page"):
                moments["page"] = began + await self.receiver.first(f"/c/{number + 1}") - wall
            with self._noted("screen"):
                moments["screen"] = await self.screen.shows(case)
        for measure, at in moments.items():
            self.ms[measure].append((at - began) * 1000)
        return case

    async def course(self, number: int) -> None:
        """Press, be taken, be closed."""
        await self._work(await self.one(number), pause_s=WORKED_EVERY_S)

    async def _work(self, case: int, *, pause_s: float) -> None:
        await asyncio.sleep(pause_s)
        async with self._busy:
            await desk.take(self.conn, case, self.operator)
        await asyncio.sleep(pause_s)
        async with self._busy:
            await desk.resolve(self.conn, case, self.operator, "voice")
            await desk.close(
                self.conn, case, self.operator, disposition=Disposition.REASSURED, done="问过", with_whom="女儿",
                called_back=True,
            )  # fmt: skip
        self.closed += 1

    async def several(self, numbers: Sequence[int]) -> None:
        """One press after the other, each taken and closed: a quiet day."""
        for number in numbers:
            await self._work(await self.one(number), pause_s=0.0)
            await asyncio.sleep(PAUSE_S)

    async def rate(self, numbers: Sequence[int], per_minute: float) -> None:
        """So many presses a minute, each running its course, until all have run theirs."""
        began = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as group:
            for place, number in enumerate(numbers):
                due = began + place * 60 / per_minute
                await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
                group.create_task(self.course(number), name=f"press {number}")

    async def _case(self, resident: int) -> int:
        async with self._busy:
            query = b"select id from incident where resident_id = %s"
            row = await (await self.conn.execute(query, (resident,))).fetchone()
        assert row is not None, "a press was acknowledged and there is no case"
        return int(row[0])

    @contextlib.contextmanager
    def _noted(self, measure: str) -> Iterator[None]:
        try:
            yield
        except TimeoutError:
            self.missed.append(measure)


class Screen:
    """An operator's console: when the row of each case was first there."""

    def __init__(self) -> None:
        self.first: dict[int, float] = {}
        self._came = asyncio.Event()

    def seen(self, incident: int, _presses: int) -> None:
        """A row came."""
        self.first.setdefault(incident, time.perf_counter())
        self._came.set()

    async def shows(self, incident: int) -> float:
        """Return when the row of a case was first there, waiting for it."""
        async with asyncio.timeout(LIMIT_S):
            while incident not in self.first:
                self._came.clear()
                await self._came.wait()
        return self.first[incident]


@contextlib.asynccontextmanager
async def at_work(dsn: str, url: str, port: int, receiver: Receiver) -> AsyncIterator[Cases]:
    """An operator with her console open, and the desk's connection."""
    async with contextlib.AsyncExitStack() as stack:
        conn = await stack.enter_async_context(await connect(dsn, name="bench desk"))
        token = await seat(conn, 0)
        row = await (await conn.execute("select id from person where login = 'bench00'")).fetchone()
        assert row is not None
        client = await stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        screen = Screen()
        browser = Browser(url=url, token=token, client=client, on_told=lambda _: None, on_seen=screen.seen)
        tasks = [asyncio.create_task(work, name="bench console") for work in (browser.follow(), browser.fetch())]
        stack.push_async_callback(ended, *tasks)
        async with asyncio.timeout(LIMIT_S):
            await browser.connected.wait()
        yield Cases(port=port, receiver=receiver, screen=screen, conn=conn, operator=int(row[0]))
