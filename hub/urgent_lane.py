"""The urgent lane: small transactions, one at a time per device so that order is kept, many devices side by side.

When more wait than there are workers, several jobs of different devices share a transaction: the first ones go alone
and at once, and the more wait behind them the more go together, so that nobody early waits for somebody late.

A press of somebody's device goes before those of devices nobody has claimed, which anybody can send; these have every
eighth turn all the same, because one of them may be real. What is not pressing waits for both, and has every eighth
turn of theirs.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from enum import IntEnum
from typing import Any, Protocol, TypeAlias

import psycopg
import structlog
from prometheus_client import Counter, Gauge, Histogram

from hub.steady import Backoff, Steady, database_fault
from hub.store.pool import Connection, tuned

QUICK_TRIES = 3  # a job that fails for its own sake is tried so often before it is given up
LONGEST_PAUSE_S = 5.0
TURN = 8  # every so manieth transaction is the next line's while both wait
MOST_TOGETHER = 48  # jobs in one transaction: a tenth of a second's work, which the next press may have to wait for
WARM_EVERY_S = 2.0  # plans that the counting of rows threw away are made again within this, by who has nothing to do
APART_S = 0.2  # and not by all workers at one moment

WAITING = Gauge("carehub_urgent_waiting", "Presses and alerts received and not yet committed")
TOGETHER = Histogram("carehub_urgent_together", "Jobs in one transaction", buckets=(1, 2, 4, 8, 16, 32, 48))
RETRIES = Counter("carehub_urgent_retries", "Transactions tried again", ["why"])
GIVEN_UP = Counter("carehub_urgent_given_up", "Messages kept unread after failing for their own sake")
log = structlog.get_logger()


class Line(IntEnum):
    """Who goes first."""

    SOMEBODY = 0  # presses of residents' devices, and what responders say
    STRANGER = 1  # presses of devices that are nobody's
    FINDING = 2  # nobody is known to be in need


class Job(Protocol):
    """One small transaction."""

    key: str  # jobs of one key are carried out in order, one at a time

    @property
    def line(self) -> Line:
        """Where it waits."""

    @property
    def alone(self) -> bool:
        """Whether it must have a transaction of its own."""

    async def prepare(self, conn: Connection) -> None:
        """What must be committed before, by itself. Repeated at every try."""

    async def run(self, conn: Connection) -> None:
        """The work, inside a transaction and a pipeline (no COPY). Repeated at every try; must not change memory."""

    def committed(self) -> None:
        """It is saved: acknowledge, show it to the detectors. Never raises."""

    async def give_up(self, conn: Connection, error: Exception) -> None:
        """Keep what can be kept and call a technician, inside a transaction. If this fails too, the job stays."""


Key: TypeAlias = tuple[Line, str]
Together: TypeAlias = Callable[[Connection, Sequence[Any]], Awaitable[None]]
Warm: TypeAlias = Callable[[Connection], Awaitable[None]]


class UrgentLane:
    """Carries jobs out on a few connections of its own, and never lets one go that is not committed.

    Args:
        dsn: the database.
        workers: connections, so many transactions side by side.
        together: runs several jobs, none of them `alone`, in the transaction and pipeline it is given. Without it each
            job has its own.
        full: hears what the database refused: it may be that it has no room.
        warm: makes the plans of a job's statements, on a connection that has nothing to do.
    """

    def __init__(
        self, dsn: str, workers: int, together: Together | None = None, warm: Warm | None = None,
        full: Callable[[BaseException], object] = lambda _: None,
    ) -> None:  # fmt: skip
        self._full = full
        self._dsn, self._workers, self._together, self._warm = tuned(dsn), workers, together, warm
        self._jobs: dict[Key, deque[Job]] = {}  # a key is here while it has work, waiting or under way
        self._ready: dict[Line, deque[Key]] = {line: deque() for line in Line}
        self._turns = dict.fromkeys(Line, 0)  # each line had since the next one had its own
        self._tokens = asyncio.Semaphore(0)
        self._idle = asyncio.Event()
        self._idle.set()
        self.waiting = 0

    def put(self, job: Job) -> None:
        """Take a job. Returns at once."""
        key = (job.line, job.key)
        self.waiting += 1
        WAITING.set(self.waiting)
        self._idle.clear()
        queue = self._jobs.get(key)
        if queue is None:
            self._jobs[key] = deque((job,))
            self._offer(key)
        else:
            queue.append(job)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for number in range(self._workers):
                group.create_task(self._work(number), name=f"urgent {number}")

    async def drained(self) -> None:
        """Return when nothing waits."""
        await self._idle.wait()

    def _offer(self, key: Key) -> None:
        self._ready[key[0]].append(key)
        self._tokens.release()

    async def _work(self, number: int) -> None:
        async with Steady(self._dsn, f"carehub urgent {number}") as steady:
            await self._warmed(steady)
            while True:
                await self._token(steady, WARM_EVERY_S + number * APART_S)
                keys = [self._ready[self._turn()].popleft()]
                if self._together is not None and not self._jobs[keys[0]][0].alone:
                    keys += await self._more(keys[0][0])
                TOGETHER.observe(len(keys))
                if len(keys) == 1 or not await self._carry_out_together(steady, keys):
                    for key in keys:
                        await self._one(steady, key)

    def _turn(self) -> Line:
        """Return the line whose turn it is. Something waits in one of them."""
        first, *others = [line for line in Line if self._ready[line]]
        for line in others:
            self._turns[first] = (self._turns[first] + 1) % TURN
            if self._turns[first]:
                return first
            first = line
        return first

    async def _token(self, steady: Steady, patience_s: float) -> None:
        """Wait for work, and meanwhile keep the connection warm."""
        while self._warm is not None and self._tokens.locked():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    await self._tokens.acquire()
                    return
            await self._warmed(steady)
        await self._tokens.acquire()

    async def _warmed(self, steady: Steady) -> None:
        if self._warm is None:
            return
        try:
            await self._warm(await steady.get())
        except (psycopg.Error, OSError) as err:  # the next job meets the same and says so
            log.info("urgent connection not warmed", error=type(err).__name__)

    async def _more(self, which: Line) -> list[Key]:
        """Return what else goes into the transaction: its share of those that wait, in their order."""
        line, more = self._ready[which], list[Key]()
        share = min(MOST_TOGETHER - 1, len(line) // self._workers)
        while len(more) < share and line and not self._jobs[line[0]][0].alone and not self._tokens.locked():
            await self._tokens.acquire()  # returns at once
            more.append(line.popleft())
        return more

    async def _carry_out_together(self, steady: Steady, keys: Sequence[Key]) -> bool:
        """Whether they are committed. If not, each is tried by itself: one at fault must not harm the others."""
        assert self._together is not None
        jobs = [self._jobs[key][0] for key in keys]
        conn = await steady.get()
        try:
            for job in jobs:
                await job.prepare(conn)
            async with conn.pipeline(), conn.transaction():
                await self._together(conn, jobs)
        except Exception as err:
            RETRIES.labels("together").inc()
            log.warning("urgent transaction of several failed", jobs=len(jobs), error=type(err).__name__)
            return False
        for key, job in zip(keys, jobs, strict=True):
            job.committed()
            self._done(key)
        return True

    async def _one(self, steady: Steady, key: Key) -> None:
        pause_s = await self._carry_out(steady, self._jobs[key][0])
        if pause_s:  # it stays first in its line, but does not hold this worker
            asyncio.get_running_loop().call_later(pause_s, self._offer, key)
        else:
            self._done(key)

    def _done(self, key: Key) -> None:
        queue = self._jobs[key]
        queue.popleft()
        self.waiting -= 1
        WAITING.set(self.waiting)
        if queue:
            self._offer(key)
        else:
            del self._jobs[key]
        if self.waiting == 0:
            self._idle.set()

    async def _carry_out(self, steady: Steady, job: Job) -> float:
        """Return 0 when the job is committed or given up, else how many seconds to leave it."""
        backoff = Backoff()
        tries = 0
        while True:
            conn = await steady.get()
            try:
                await job.prepare(conn)
                # In pipeline mode only an answer that is looked at is waited for, the last one being that of COMMIT:
                # a press waits for the network three times instead of fifteen.
                async with conn.pipeline(), conn.transaction():
                    await job.run(conn)
            except Exception as err:
                if database_fault(err):
                    self._full(err)
                    RETRIES.labels("database").inc()
                    await asyncio.sleep(backoff.next_s())
                    continue
                tries += 1
                RETRIES.labels("content").inc()
                log.warning("urgent transaction failed", key=job.key, tries=tries, exc_info=err)
                if tries >= QUICK_TRIES:
                    return 0 if await self._give_up(conn, job, err) else LONGEST_PAUSE_S
            else:
                job.committed()
                return 0

    async def _give_up(self, conn: Connection, job: Job, error: Exception) -> bool:
        """Keep the message unread and call a technician. If that fails too, the fault is not the message's."""
        try:
            async with conn.transaction():
                await job.give_up(conn, error)
        except Exception as err:
            log.error("cannot give up a message either, keeping it unacknowledged", key=job.key, exc_info=err)
            return False
        GIVEN_UP.inc()
        job.committed()
        return True
