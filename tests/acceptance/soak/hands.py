"""Hands that hurt a running hub: what a bad night does to processes, database, line and clock."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from hub.bench.stack import Stack
from hub.embedded import EmbeddedPostgres, EmbeddedPostgresError
from hub.ports import free_port
from hub.store.pool import connect
from tests.acceptance.soak.cutter import Cut, Cutter
from tests.conftest import Mosquitto

PAUSE_S = (0.3, 3.0)
LEASE_S = 4.0
WEBHOOK_TIMEOUT_S = 1.0
FROZEN_S = WEBHOOK_TIMEOUT_S + 5.0 + 1.0  # past the longest lease a page can have then
JUMPS_S = (-3600.0, 3600.0, 0.0)


class Spare:
    """A second dispatch process, outside the supervisor's care: it may be frozen for as long as we like."""

    def __init__(self, folder: Path, environ: dict[str, str], dsn: str) -> None:
        self._log = folder / "spare.log"
        self._environ = environ | {"CAREHUB_DATABASE_DSN": dsn, "CAREHUB_METRICS_DISPATCH_PORT": str(free_port())}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "hub", "dispatch"], env=self._environ, stdout=out, stderr=out
            )

    def say(self, what: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(what)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(how)
            self.process.wait(20)
            self.process = None


@dataclass(kw_only=True)
class Hands:
    """What can be done to the hub, by name. `done` counts what was."""

    stack: Stack
    spare: Spare
    server: EmbeddedPostgres
    broker: Mosquitto
    cutter: Cutter
    rng: random.Random
    done: Counter[str] = field(default_factory=Counter)
    frozen: dict[str, int] = field(default_factory=dict)  # role -> pid, left so: its supervisor must replace it
    hurt_at: dict[str, float] = field(default_factory=dict)  # role -> when it was killed or frozen last

    @property
    def deck(self) -> dict[str, Callable[[], Awaitable[bool]]]:
        return {
            "ingest killed": lambda: self._kill("ingest"),
            "dispatch killed": lambda: self._kill("dispatch"),
            "spare dispatch killed": self._kill_spare,
            "dispatch frozen past its lease": self._freeze_spare,
            "ingest frozen": self._freeze_ingest,
            "console killed": lambda: self._kill("console"),
            "console frozen": lambda: self._freeze_for_good("console"),
            "auditor killed": lambda: self._kill("audit"),
            "auditor frozen": lambda: self._freeze_for_good("audit"),
            "broker killed": self._kill_broker,
            "database stopped hard": lambda: self._stop_database(
                signal.SIGQUIT
            ),  # what `pg_ctl stop -m immediate` sends
            "database killed": lambda: self._stop_database(signal.SIGKILL),
            "line cut before COMMIT": lambda: self.cutter.cut(Cut.BEFORE),
            "line cut after COMMIT": lambda: self.cutter.cut(Cut.AFTER),
            "clock set": self._set_clock,
        }

    async def hurt(self, times: int) -> None:
        """Do everything at least once, as far as `times` goes, then whatever comes; at last the clock is right."""
        deck = self.deck
        names = self.rng.sample(sorted(deck), len(deck))
        while sum(self.done.values()) < times:
            await asyncio.sleep(self.rng.uniform(*PAUSE_S))
            name = names.pop() if names else self.rng.choice(sorted(deck))
            if await deck[name]():
                self.done[name] += 1
                print(f"  {datetime.now(UTC):%T} {sum(self.done.values())}/{times} {name}", flush=True)
        await self._put_clock(0.0)

    async def _kill(self, role: str) -> bool:
        if self.not_replaced(role):
            return False  # whoever is frozen is the supervisor's to end
        self.hurt_at[role] = time.monotonic()
        return self.stack.kill(role)

    async def _kill_spare(self) -> bool:
        await asyncio.to_thread(self.spare.stop, signal.SIGKILL)
        self.spare.start()
        return True

    async def _freeze_spare(self) -> bool:
        """Whatever it holds is taken back meanwhile; what it writes when it goes on must change nothing."""
        self.spare.say(signal.SIGSTOP)
        await asyncio.sleep(FROZEN_S)
        self.spare.say(signal.SIGCONT)
        return True

    async def _freeze_ingest(self) -> bool:
        with suppress(ProcessLookupError, KeyError):
            pid = self.stack.pids()["ingest"]
            os.kill(pid, signal.SIGSTOP)
            await asyncio.sleep(self.rng.uniform(0.5, 2.0))
            os.kill(pid, signal.SIGCONT)
            return True
        return False

    async def _freeze_for_good(self, role: str) -> bool:
        """Nobody wakes it: the supervisor must notice that it does not answer, end it and start another."""
        with suppress(ProcessLookupError, KeyError):
            pid = self.stack.pids()[role]
            if self.frozen.get(role) != pid:
                os.kill(pid, signal.SIGSTOP)
                self.frozen[role], self.hurt_at[role] = pid, time.monotonic()
                return True
        return False

    def not_replaced(self, *roles: str) -> list[str]:
        """Return which of these, or of all, were frozen and are still the same processes."""
        pids = self.stack.pids()
        return [role for role in roles or self.frozen if role in self.frozen and pids.get(role) == self.frozen[role]]

    async def _kill_broker(self) -> bool:
        await asyncio.to_thread(self.broker.kill)
        await asyncio.sleep(self.rng.uniform(0.0, 0.5))
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with suppress(AssertionError):  # whoever tries its port may for a moment have been given that very port
                await asyncio.to_thread(self.broker.start)
                return True
            await asyncio.sleep(0.3)
        raise AssertionError("the broker does not come back")

    async def _stop_database(self, how: signal.Signals) -> bool:
        process = self.server.process
        assert process is not None
        process.send_signal(how)
        await asyncio.to_thread(process.wait)
        await asyncio.sleep(self.rng.uniform(0.0, 1.0))
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with suppress(EmbeddedPostgresError):  # a killed server's children hold its memory for a moment
                await asyncio.to_thread(self.server.start)
                return True
            await asyncio.sleep(0.3)
        raise AssertionError("the database does not come back")

    async def _set_clock(self) -> bool:
        return await self._put_clock(self.rng.choice(JUMPS_S))

    async def _put_clock(self, ahead_s: float) -> bool:
        with suppress(psycopg.Error):
            async with await connect(self.server.dsn(), name="soak clock") as conn:
                await conn.execute(
                    "insert into clock (at, ahead) values (null, %s)"
                    " on conflict (one) do update set ahead = excluded.ahead",
                    (timedelta(seconds=ahead_s),),
                )
                return True
        return False
