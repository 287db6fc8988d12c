"""An operator who sits at the console while it is killed and frozen: what it told her is done must be on disk."""

import asyncio
import random
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx

from hub.bench import town
from hub.passwords import hash_password
from hub.store.pool import Connection
from simulator.neighbourhood import Console
from simulator.operator import ConsoleClient

LOOK_EVERY_S = 0.5
ONE_IN = 4  # she takes so many of the cases she looks at: the others must ring on, so that they are paged
DONE = 204


class Clerk:
    """Looks at the queue, notes something on a case, takes one now and then. Knows what the console confirmed."""

    def __init__(self, url: str, console: Console, person: int, rng: random.Random) -> None:
        self.person = person
        self.noted: dict[str, int] = {}  # words the console said are written, and of which case
        self.taken: set[int] = set()
        self.tried = 0
        self.turned_away = 0
        self.looked_at = 0.0
        self._url, self._console, self._rng = url, console, rng

    @classmethod
    async def hired(cls, conn: Connection, url: str, rng: random.Random) -> "Clerk":
        password = secrets.token_urlsafe(12)
        person = await town.add_person(conn, "丙", "operator", "soak", hash_password(password))
        return cls(url, Console(person=person, role="operator", login="soak", password=password), person, rng)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """She works for the length of the block."""
        task = asyncio.create_task(self._work(), name="clerk")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if not task.cancelled():
            task.result()

    async def _work(self) -> None:
        """Work until cancelled. A console that is away is tried again; one that was replaced asks who she is."""
        while True:
            client = ConsoleClient(self._url, self._console)
            try:
                await client.sign_in()
                while True:
                    await self._look(client)
                    await asyncio.sleep(LOOK_EVERY_S)
            except (httpx.HTTPError, PermissionError):
                self.turned_away += 1
            finally:
                with suppress(httpx.HTTPError):
                    await client.aclose()
            await asyncio.sleep(LOOK_EVERY_S)

    async def _look(self, client: ConsoleClient) -> None:
        cases, _ = await client.queue()
        self.looked_at = time.monotonic()
        if not cases:
            return
        case, words = self._rng.choice(cases), secrets.token_hex(8)
        self.tried += 1
        status, _ = await client.do(case.incident, "note", text=words)
        if status == DONE:
            self.noted[words] = case.incident
        if self._rng.randrange(ONE_IN) == 0:
            status, _ = await client.do(case.incident, "take")
            if status == DONE:
                self.taken.add(case.incident)
