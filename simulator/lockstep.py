"""The town's clock: what is to happen, at its time, and the hub stepped along with it."""

import asyncio
import contextlib
import heapq
import itertools
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

import httpx
import msgspec

from simulator.town_file import Stepped
from simulator.wire import Traffic

STEP_LIMIT_S = 600.0  # real seconds for one step: two thousand presses in one minute take their time
SETTLE_LIMIT_S = 300.0

Deed = Callable[[], Awaitable[None] | None]


class StepError(Exception):
    """The hub could not step."""


class Lockstep:
    """Time. `at` says what happens when; `run` lets it happen, the hub's clock and ours in step.

    Args:
        url, key: of joined.json.
        begins: where both clocks stand.
        traffic: what is on its way; no step is made before it is acknowledged.
        pace: called before each step with the time it goes to; waits in real time when the town is watched.
    """

    def __init__(
        self, url: str, key: str, begins: datetime, traffic: Traffic,
        pace: Callable[[datetime], Awaitable[None]] | None = None,
    ) -> None:  # fmt: skip
        self.now = begins
        self.open = 0
        self.steps = 0
        self.hub_s = 0.0
        self.faults: list[str] = []
        self.after_step: list[Callable[[], Awaitable[None] | None]] = []
        self._url, self._traffic, self._pace = url, traffic, pace
        self._due: datetime | None = None
        self._heap: list[tuple[datetime, int, Deed]] = []
        self._order = itertools.count()
        self._sent = -1
        self._working: set[asyncio.Future[None]] = set()
        self._stirs = 0
        self._http = httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=STEP_LIMIT_S)

    def at(self, moment: datetime, deed: Deed) -> None:
        """Let something happen at a moment; what is past happens at once."""
        heapq.heappush(self._heap, (max(moment, self.now), next(self._order), deed))

    def soon(self, deed: Deed) -> None:
        """Let something happen when the step under way is over: only then it is known what time it is."""
        heapq.heappush(self._heap, (self.now, next(self._order), deed))

    def after(self, seconds: float, deed: Deed) -> None:
        self.at(self.now + timedelta(seconds=seconds), deed)

    def work(self, doing: Coroutine[Any, Any, None]) -> None:
        """Let something that waits for the wire go on by itself; no step is made before it is through."""
        self._traffic.out()
        task = asyncio.ensure_future(doing)
        self._working.add(task)
        task.add_done_callback(self._worked)

    def _worked(self, task: asyncio.Future[None]) -> None:
        self._working.discard(task)
        self._traffic.home()
        if not task.cancelled() and (error := task.exception()):
            self.fault(f"{type(error).__name__}: {error}")

    @property
    def stirred(self) -> int:
        """Another number whenever something may have changed that an operator sees."""
        return self._stirs + self._traffic.sent

    def stir(self) -> None:
        """Somebody did something that no line carried."""
        self._stirs += 1

    @property
    def pending(self) -> bool:
        return bool(self._heap)

    async def run(self, until: datetime, *, done: Callable[[], bool] = lambda: False) -> None:
        """Live until a moment, or until `done` says that it is over."""
        await self.settle()
        while self.now < until and not done():
            goal = min(self._heap[0][0], until) if self._heap else until
            if self.open and self._due is not None and self.now < self._due < goal:
                goal = self._due
            if self._pace:
                await self._pace(goal)
            await self._step(goal)
            await self.settle()

    async def settle(self) -> None:
        """Do everything that is due now, until nothing is on its way and the hub is at rest."""
        while True:
            while self._heap and self._heap[0][0] <= self.now:
                _, _, deed = heapq.heappop(self._heap)
                result = deed()
                if result is not None:
                    await result
            await self.quiet()
            if self._sent != self._traffic.sent:
                self._sent = self._traffic.sent
                await self._step(self.now)
                continue
            for look in self.after_step:
                result = look()
                if result is not None:
                    await result
            if self._sent == self._traffic.sent and not (self._heap and self._heap[0][0] <= self.now):
                return

    @staticmethod
    async def real(traffic: Traffic, seconds: float) -> None:
        """Wait for somebody else's traffic, so long in real time and no longer."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await traffic.idle.wait()

    async def quiet(self) -> None:
        """Wait until everything that was sent is acknowledged."""
        try:
            async with asyncio.timeout(SETTLE_LIMIT_S):
                await self._traffic.idle.wait()
        except TimeoutError:
            self.fault(f"{self._traffic.waiting} messages were not acknowledged in {SETTLE_LIMIT_S:.0f} s")
            self._traffic.home(self._traffic.waiting)

    async def _step(self, to: datetime) -> None:
        answer = await self._http.post(self._url, content=msgspec.json.encode({"to": to, "until_called": True}))
        if answer.status_code != 200:  # 503: it did not come to rest, and says why
            raise StepError(f"the hub answers {answer.status_code} to a step to {to}: {answer.text[:300]}")
        stepped = msgspec.json.decode(answer.content, type=Stepped)
        self.now, self._due, self.open = stepped.now, stepped.next_due, stepped.open
        self.steps += 1
        self._stirs += stepped.counts.timers + stepped.counts.pages
        self.hub_s += stepped.took_ms / 1000
        for words in stepped.faults:
            self.fault(f"hub: {words}")

    def fault(self, words: str) -> None:
        if len(self.faults) < 100 and words not in self.faults:
            self.faults.append(words)

    async def aclose(self) -> None:
        await self._http.aclose()
