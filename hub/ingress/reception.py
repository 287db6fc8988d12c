"""What listener and gateway do alike with whom they took in: read nobody while ingest is full, sweep, end in order."""

import asyncio
from collections.abc import Coroutine
from typing import Any, ClassVar, Generic, TypeVar

import structlog

from hub.ingress.arrival import Intake
from hub.ingress.guest import Guest

log = structlog.get_logger(__name__)

BACKLOG = 2_048
G = TypeVar("G", bound=Guest)


class Reception(Generic[G]):
    """Its guests, its tasks. Who inherits says what a sweep does.

    Args:
        sweep_s: between two sweeps.
    """

    name: ClassVar[str]
    loop: asyncio.AbstractEventLoop

    def __init__(self, intake: Intake, sweep_s: float) -> None:
        self.intake = intake
        self.paused = False
        self._sweep_s = sweep_s
        self._connections: set[G] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def pause(self) -> None:
        """Ingest is full: read nobody until it has room."""
        if self.paused:
            return
        self.paused = True
        for connection in self._connections:
            if connection.transport is not None and not connection.transport.is_closing():
                connection.transport.pause_reading()
        self._start(self._resume(), f"{self.name} resume")

    async def _resume(self) -> None:
        await self.intake.wait_room()
        self.paused = False
        for connection in list(self._connections):
            connection.read_on()

    async def _sweeps(self) -> None:
        while True:
            await asyncio.sleep(self._sweep_s)
            try:
                self._sweep(self.loop.time())
            except Exception:
                log.exception("sweep failed", way=self.name)

    def _sweep(self, now: float) -> None:
        """End the silent and the slow; bring the counts to the metrics."""
        raise NotImplementedError

    def _start(self, coroutine: Coroutine[Any, Any, None], name: str) -> None:
        task = self.loop.create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ended(self) -> None:
        """End the tasks, and give transports the turn of the loop in which they close."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)
