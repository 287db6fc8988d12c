"""Whether NOTIFY comes through and the hub's clock goes evenly: both are only hints, and both fail without a word."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg
import structlog

from hub.loops.findings import Finding
from hub.store.pool import Connection, connect, hub_now
from hub.store.sql import queries

Q = queries("audit")
EVERY_S = 2.0
ECHO_LIMIT_S = 2.0
UNHEARD_MOST = 3  # echoes in a row that did not come: a pooler in transaction mode eats every one
JUMP_S = 2.0  # the hub's clock went this much more, or less, than ours between two looks
JUMP_SHOWN_S = 300.0

log = structlog.get_logger()


@dataclass(kw_only=True)
class Echo:
    """Calls through the database and listens for itself."""

    dsn: str
    name: str = "echo"
    _unheard: int = 0
    _jump_s: float = 0.0
    _jumped_at: float | None = None
    _last: tuple[datetime, float] | None = None

    async def run(self) -> None:
        """Call and listen until cancelled. A database that is away is the auditor's to tell."""
        while True:
            try:
                async with await connect(self.dsn, name="carehub echo") as conn:
                    await conn.execute("listen carehub_echo")
                    while True:
                        await self.look(conn)
                        await asyncio.sleep(EVERY_S)
            except (psycopg.Error, OSError) as err:
                log.warning("echo_waits_for_database", error=type(err).__name__)
                self._last = None  # while nobody looked, anything may have been right
            await asyncio.sleep(EVERY_S)

    async def look(self, conn: Connection) -> None:
        """Call once, wait for the echo, hold the hub's clock against ours."""
        await conn.execute(Q.call)
        heard = False
        async for _ in conn.notifies(timeout=ECHO_LIMIT_S, stop_after=1):
            heard = True
        self._unheard = 0 if heard else self._unheard + 1
        before, started = self._last, time.monotonic()
        self._last = (await hub_now(conn), started)
        if before is not None:
            jump_s = (self._last[0] - before[0]).total_seconds() - (started - before[1])
            if abs(jump_s) > JUMP_S:
                self._jump_s, self._jumped_at = jump_s, time.monotonic()
                log.error("clock_jumped", by_s=round(jump_s, 1))

    def findings(self) -> Sequence[Finding]:
        found = []
        if self._unheard >= UNHEARD_MOST:
            why = "LISTEN hears nothing: is there a pooler in transaction mode before the database?"
            found.append(Finding(rule="notify_broken", subject="notify", detail=why))
        if self._jumped_at is not None and time.monotonic() - self._jumped_at < JUMP_SHOWN_S:
            found.append(Finding(rule="clock_jumped", subject="clock", detail=f"by {self._jump_s:+.0f} s"))
        return found

    def says(self) -> str:
        return "silent" if self._unheard >= UNHEARD_MOST else "heard"
