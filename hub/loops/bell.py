"""Wakes loops early: LISTEN on some channels, and an event that is set when one rings. Only a hint: everybody looks
at the database every second anyway, so a bell that is broken costs time, never a page."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress

import psycopg
import structlog

from hub.store.pool import connect

REPAIR_EVERY_S = 1.0
log = structlog.get_logger()


class Bell:
    """One LISTEN connection for a process. Loops `subscribe`; `run` is a task of the composition root."""

    def __init__(self, dsn: str, channels: Iterable[str]) -> None:
        self._dsn = dsn
        self._channels = tuple(channels)
        self._waiting: list[asyncio.Event] = []

    def subscribe(self) -> asyncio.Event:
        """Return an event that is set on every ring; clear it before looking at the database, never after."""
        event = asyncio.Event()
        self._waiting.append(event)
        return event

    async def run(self) -> None:
        """Listen until cancelled; a lost connection is opened again."""
        while True:
            try:
                await self._listen()
            except (psycopg.Error, OSError) as err:
                log.warning("bell_broken", error=type(err).__name__)
            self.ring()  # whatever rang meanwhile was not heard
            await asyncio.sleep(REPAIR_EVERY_S)

    def ring(self) -> None:
        for event in self._waiting:
            event.set()

    async def _listen(self) -> None:
        async with await connect(self._dsn, name="carehub bell") as conn:
            for channel in self._channels:
                await conn.execute(f'listen "{channel}"'.encode())
            self.ring()
            async for _ in conn.notifies():
                self.ring()


async def sleep(seconds: float, bell: asyncio.Event) -> None:
    """Sleep, or wake when the bell rings."""
    # Not wait_for: in Python 3.11 it swallows a cancellation that meets a ring, and the loop would never end.
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await bell.wait()
