"""The third composition root: one process, the same classes as in production, and time that is moved by hand.

Messages, people's answers and pages are real: MQTT, TCP, webhooks, the console, PostgreSQL. Only the time is a row. A
step lets it pass up to a moment, and stops on the way wherever something is due: everything happens at its own time.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

import httpx
import structlog

from hub import clock
from hub.channels import means_of, open_channels
from hub.channels.transport import AiohttpTransport
from hub.commands.console import ConsoleServer, options_of, server
from hub.config import Settings
from hub.errors import HubError
from hub.ingest import Ingest
from hub.ingress.arrival import Outlet
from hub.ingress.credentials import Credentials
from hub.ingress.downlinks import Downlinks
from hub.ingress.gateway import Gateway
from hub.ingress.listener import Listener
from hub.lockstep_works import Work, works
from hub.loops.auditor import Auditor
from hub.loops.dispatcher import PROVIDERS_AT_ONCE, Dispatcher
from hub.loops.escalator import fire
from hub.simulated.formats import Counts, Stepped
from hub.store import lockstep as rows
from hub.store import outbox
from hub.store.pool import connect, open_pool, tuned

STEP_LIMIT_S = 540.0  # of real time: a step that has not come to rest by then has a fault
WORDS_LIMIT_S = 5.0  # a device that is connected and does not acknowledge its words is left to the next moment
LOOK_S = 0.001  # between two looks whether words have been acknowledged
CONSOLE_LIMIT_S = 30.0
PULSE = timedelta(minutes=5)  # open consoles keep their sessions alive this often; who is present, the clock says
FAULTS_KEPT = 200
AT_ONCE = 16
log = structlog.get_logger()


class BackwardsError(HubError):
    """A step into the past."""

    def __init__(self, now: datetime, to: datetime) -> None:
        super().__init__(f"the clock stands at {now.isoformat()} and cannot go back to {to.isoformat()}")


class NotAtRestError(HubError):
    """Something was still in hand when the patience for a step was over."""


class LockStep:
    """`async with LockStep(settings, begins) as hub: await hub.step(to)`.

    Args:
        settings: with a database that is migrated; ports of 0 are chosen freely but the console's, which stands in
            links.
        begins: where the clock stands at first; where it stands in this database already it stays.
    """

    def __init__(self, settings: Settings, begins: datetime) -> None:
        self.settings, self.begins = settings, begins
        self.now = begins
        self.counts = Counts()
        self.faults: list[str] = []
        self.auditor = Auditor(dsn=settings.database.dsn)
        self._stack = AsyncExitStack()
        self._failed: set[int] = set()  # cases whose timer failed at this moment
        self._turn = asyncio.Lock()
        self._pulsed = begins
        self._done = Counts()  # of the step under way
        self._told = 0

    async def __aenter__(self) -> Self:
        try:
            await self._open(self._stack)
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _open(self, stack: AsyncExitStack) -> None:
        settings, dsn = self.settings, self.settings.database.dsn
        self._conn = await stack.enter_async_context(await connect(tuned(dsn), name="carehub lockstep"))
        self.now = await rows.begin(self._conn, self.begins)
        clock.stand(self.now)
        stack.callback(clock.run)
        self.ingest = await stack.enter_async_context(Ingest(settings, dsn, by_hand=True))
        await self._ways_in(stack)
        pool = await stack.enter_async_context(open_pool(dsn, name="carehub lockstep", largest=AT_ONCE + 8))
        lines = settings.dispatch.senders * PROVIDERS_AT_ONCE
        http = await stack.enter_async_context(httpx.AsyncClient(trust_env=False, transport=AiohttpTransport(lines)))
        channels = open_channels(means_of(settings, pool, http))
        self._proof = await stack.enter_async_context(await connect(tuned(dsn), name="carehub dispatcher"))
        self._dispatcher = Dispatcher(
            dsn=dsn, pool=pool, bell=asyncio.Event(), channels=channels, public_url=settings.public_url,
            link_key=settings.secrets.link_key, senders=settings.dispatch.senders, lease_s=settings.dispatch.lease_s,
            worker=await outbox.enlist(self._proof),
        )  # fmt: skip
        self._works = await works(
            stack, settings, self.ingest, pool, channels=channels, auditor=self.auditor
        )  # fmt: skip
        for work in self._works:
            work.after = self.now
        self._console = await stack.enter_async_context(_console(settings))

    async def _ways_in(self, stack: AsyncExitStack) -> None:
        settings, ingest = self.settings, self.ingest
        credentials = await stack.enter_async_context(Credentials(settings.database.dsn))
        self.listener = await stack.enter_async_context(Listener(settings.listener, ingest, credentials))
        outlets: list[Outlet] = [self.listener]
        self.trackers: dict[str, int] = {}
        if settings.gateway.enabled:
            gateway = await stack.enter_async_context(Gateway(settings.gateway, ingest))
            self.trackers = dict(gateway.ports)
            outlets.append(gateway)
        self._downlinks = await stack.enter_async_context(Downlinks(settings.database.dsn, outlets))

    # A step.

    async def step(self, to: datetime, *, late: bool = False, until_called: bool = False) -> Stepped:
        """Let time pass up to a moment; `late`: if it is over by the time it is one's turn, up to the present.

        Args:
            until_called: and no further than where a page left: whoever was called may answer before that moment.

        Raises:
            BackwardsError: That is over.
            NotAtRestError: It did not come to rest within the limit.
        """
        async with self._turn:
            to = max(to, self.now) if late else to
            if to < self.now:
                raise BackwardsError(self.now, to)
            began, self._done = time.monotonic(), Counts()
            try:
                async with asyncio.timeout(STEP_LIMIT_S):
                    next_due, open_cases = await self._pass(to, until_called=until_called)
            except TimeoutError:
                raise NotAtRestError(await self._in_hand()) from None
            self.counts.add(self._done)
            new, self._told = self.faults[self._told :], len(self.faults)
            return Stepped(
                now=self.now, next_due=next_due, open=open_cases, counts=self._done, faults=new,
                took_ms=round((time.monotonic() - began) * 1000),
            )  # fmt: skip

    async def _pass(self, to: datetime, *, until_called: bool) -> tuple[datetime | None, int]:
        """Stand at every moment at which something is due, in order, and at last at the one that was asked for."""
        next_due, open_cases = await self._rest()
        while self.now < to and not (until_called and self._done.pages):
            works_due = min(work.due() for work in self._works)
            await self._stand(min(to, works_due, next_due or to))
            for work in self._works:
                if work.due() <= self.now:
                    await self._do(work)
            next_due, open_cases = await self._rest()
        return next_due, open_cases

    async def _stand(self, at: datetime) -> None:
        """Move both clocks, the row first: nobody reads a message's time and finds the database earlier."""
        if not await rows.move(self._conn, at):
            raise NotAtRestError(f"somebody else moved the clock beyond {at.isoformat()}")
        self.now = at
        clock.stand(at)
        self._failed.clear()
        self._done.moments += 1
        self._downlinks.hasten()
        live = self._console.app.state.parts.live
        if live.kept["streams"] and at - self._pulsed >= PULSE:
            self._pulsed = at
            await live.pulse()

    async def _do(self, work: Work) -> None:
        """Do a work of the hour. What fails is tried at its next moment, as in production."""
        try:
            await work.once(self.now)
        except Exception as err:
            self._fault(f"{work.name}: {type(err).__name__}: {err}", err)
        self._done.ticks += work.name == "ticks"

    async def _rest(self) -> tuple[datetime | None, int]:
        """Come to rest: the rule of lock-step.

        At rest is who has committed, judged and acknowledged every message received; has no timer, no page and no lease
        that is due; sends nothing and waits for no receipt but those that take time; and has told every device within
        reach what it is to be told. One may lead to another, so it is all looked at again until nothing was found.
        What runs beside it in real time (connections, consoles' streams) only shows.

        Returns:
            When something is due next, and how many cases are open.
        """
        while True:
            await self._received()
            due = await self._look()
            if due.timers:
                await self._fire()
            if due.pages:
                self._done.pages += await self._dispatcher.once(self._proof)
            told = await self._heard(due.words)
            if not due.timers and not due.pages and not told and self.ingest.waiting == 0:
                return due.next_due, due.open_cases

    async def _look(self) -> rows.Look:
        return await rows.look(self._conn, self._failed)

    async def _received(self) -> None:
        """Wait for the ingest, or fail with it."""
        lost = self.ingest.lost
        assert lost is not None
        drained = asyncio.ensure_future(self.ingest.drained())
        try:
            await asyncio.wait((drained, lost), return_when=asyncio.FIRST_COMPLETED)
            if lost.done():
                lost.result()
            await drained
        finally:
            drained.cancel()

    async def _fire(self) -> None:
        """Fire what is due, in order, one after the other: the same town takes the same course."""
        for incident_id, late in await rows.due_timers(self._conn, self._failed):
            try:
                fired = await fire(self._conn, incident_id)
            except Exception as err:
                self._failed.add(incident_id)
                self._fault(f"timer of incident {incident_id}: {type(err).__name__}: {err}", err)
                continue
            self._done.timers += fired
            self._done.late_ms = max(self._done.late_ms, round(late.total_seconds() * 1000))

    async def _heard(self, words: list[int]) -> bool:
        """Wait until devices within reach have acknowledged their words; whether there were any to wait for."""
        if not words and not self._downlinks.in_hand(words):
            return False
        until, waited = time.monotonic() + WORDS_LIMIT_S, False
        while self._downlinks.in_hand(words) and time.monotonic() < until:
            waited = True
            await asyncio.sleep(LOOK_S)
            words = (await self._look()).words
        return waited

    def _fault(self, words: str, err: Exception) -> None:
        log.error("lockstep_fault", fault=words, exc_info=err)
        self._done.failed += 1
        if len(self.faults) < FAULTS_KEPT:
            self.faults.append(f"{self.now.isoformat()} {words[:300]}")

    async def _in_hand(self) -> str:
        due = await self._look()
        left = [
            name for name, there in (
                (f"{self.ingest.waiting} messages not committed", self.ingest.waiting), ("timers due", due.timers),
                ("pages due", due.pages), (f"{len(due.words)} words to devices not acknowledged", due.words),
            ) if there
        ]  # fmt: skip
        return f"not at rest after {STEP_LIMIT_S:g} s at {self.now.isoformat()}: {', '.join(left) or 'a work hangs'}"


class _Inside(ConsoleServer):
    """Inside another's loop: signals are its own business."""

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


@contextlib.asynccontextmanager
async def _console(settings: Settings) -> AsyncIterator[ConsoleServer]:
    running = server(options_of(settings), settings.console.host, settings.console.port, _Inside)
    task = asyncio.create_task(running.serve(), name="console")
    try:
        async with asyncio.timeout(CONSOLE_LIMIT_S):
            while not running.started and not task.done():  # noqa: ASYNC110 - uvicorn tells nobody
                await asyncio.sleep(0.01)
        if task.done():
            raise HubError(f"the console did not start on port {settings.console.port}")
        yield running
    finally:
        running.should_exit = True
        await task
