"""What becomes of operators' commands: devices' answers, the readings and places that follow, the time that is up."""

import asyncio
from typing import Any

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from hub.ingress.awaited import Awaited
from hub.steady import Backoff
from hub.store import device_commands
from hub.store.pool import Connection, Pool

log = structlog.get_logger(__name__)

RESULT_S = 300.0  # so long what a command asked for is looked for all the time; afterwards now and then
RESULT_LOOK_S = 2.0
RECONNECT_S = (0.2, 5.0)
MOST_READ = 50_000


class Outcomes:
    """Both loops run until cancelled; the database may go and come back."""

    def __init__(self, pool: Pool, awaited: Awaited) -> None:
        self._pool = pool
        self._awaited = awaited
        self._until = 0.0
        self._asked = asyncio.Event()

    def expected(self) -> None:
        """A command was sent: what it asked for may come soon."""
        self._until = asyncio.get_running_loop().time() + RESULT_S
        self._asked.set()

    async def catch_up(self, conn: Connection, under_way: set[int]) -> None:
        """Write down what came meanwhile, and wait again for what predecessors of this process sent."""
        await device_commands.settle(conn)
        rows = await (await conn.execute(device_commands.Q.awaited, {"most": MOST_READ})).fetchall()
        self._awaited.renew([(row[0], row[1], row[2]) for row in rows], under_way)

    async def note_answers(self) -> None:
        """Write down what devices answered. One that cannot be written is written later: the queue holds the rest."""
        while True:
            command, answer = await self._awaited.answers.get()
            words = answer.words.replace("\0", "")
            await self._persist({"id": command, "words": words, "refused": answer.refused})

    async def look_for_results(self) -> None:
        """Soon after a command its reading, or its place, comes as telemetry: whoever asked is waiting for it."""
        loop = asyncio.get_running_loop()
        while True:
            if loop.time() >= self._until:
                await self._asked.wait()
                self._asked.clear()
            await asyncio.sleep(RESULT_LOOK_S)
            try:
                async with self._pool.connection() as conn:
                    await device_commands.settle(conn)
            except (psycopg.Error, PoolTimeout, OSError) as error:
                log.warning("results not looked for: database gone", error=type(error).__name__)

    async def _persist(self, values: dict[str, Any]) -> None:
        backoff = Backoff(*RECONNECT_S)
        while True:
            try:
                async with self._pool.connection() as conn:
                    await conn.execute(device_commands.Q.answered, values)
                return
            except (psycopg.OperationalError, PoolTimeout, OSError) as error:
                log.warning("answer not written: database gone", error=type(error).__name__)
            except Exception:
                log.exception("answer not written", command_id=values["id"])
                return
            await asyncio.sleep(backoff.next_s())
