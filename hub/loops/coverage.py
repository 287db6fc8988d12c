"""Keeps coverage up to date: soon after anything it stands on changes, at least hourly; lays rotations out every day.

It has connections of its own and computes in a thread, so whoever shares the process is not held up.
"""

import asyncio
import threading
import time
from dataclasses import dataclass, field
from typing import Self

import psycopg
import structlog
from prometheus_client import Counter, Gauge

from alerts.town import HOURS, RADIUS_MIN
from hub.config import Settings
from hub.errors import HubError
from hub.loops import bell
from hub.store import coverage, rosters
from hub.store.coverage import MAX_DAYS
from hub.store.pool import connect

CHANNEL = "carehub_coverage"
QUIET_S = 2.0  # changes come in bunches: wait until none came for so long …
NEVER_LONGER_S = 30.0  # … but not longer than this after the first
HOURLY_S = 3600.0
DAILY_S = 86_400.0
UNPROVED_S = 60.0  # a check-in that is missing is time passing, not a change: looked at every minute
AGAIN_S = 5.0
RESTS = 19.0  # in a large town, times as long as each part took: a change a minute must not take a core for ever

COVERED = Gauge("carehub_coverage_covered_ratio", "Residents × hours with somebody within the radius")
TOOK = Gauge("carehub_coverage_seconds", "How long the last computation took")
RUNS = Counter("carehub_coverage_runs_total", "Computations")
FAILED = Counter("carehub_coverage_failures_total", "Computations that failed; tried again")
log = structlog.get_logger()


class StoppedError(HubError):
    """The process ends; what was being worked out is worked out anew by the next."""


@dataclass(kw_only=True)
class CoverageLoop:
    """Runs until cancelled."""

    dsn: str
    hours: int = HOURS
    radius_min: float = RADIUS_MIN
    quiet_s: float = QUIET_S
    runs: int = 0
    _ending: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        how = settings.coverage
        return cls(dsn=settings.database.dsn, hours=24 * min(how.days, MAX_DAYS), radius_min=how.radius_min)

    async def run(self) -> None:
        listener = bell.Bell(self.dsn, [CHANNEL])
        rung = listener.subscribe()
        async with asyncio.TaskGroup() as group:
            group.create_task(listener.run(), name="coverage bell")
            group.create_task(self._follow(rung), name="coverage")

    async def _follow(self, rung: asyncio.Event) -> None:
        topped_up = -DAILY_S
        while True:
            rung.clear()
            try:
                if time.monotonic() - topped_up >= DAILY_S:
                    await self._top_up()
                    topped_up = time.monotonic()
                    rung.clear()  # our own shifts rang it
                await self._compute()
            except (psycopg.Error, OSError, HubError) as err:
                FAILED.inc()
                log.warning("coverage_failed", error=type(err).__name__, detail=str(err)[:200])
                await asyncio.sleep(AGAIN_S)
                continue
            except Exception:  # a fault of ours must not end what the process does besides
                FAILED.inc()
                log.exception("coverage_failed")
                await asyncio.sleep(AGAIN_S)
                continue
            await bell.sleep(HOURLY_S if await self._nobody_checks_in() else UNPROVED_S, rung)
            await self._settle(rung)

    async def _compute(self) -> None:
        # A thread with a loop of its own: reading a town takes Python's time as well, not only its arithmetic.
        try:
            run = await asyncio.to_thread(lambda: asyncio.run(self._recomputed()))
        except asyncio.CancelledError:
            self._ending.set()
            raise
        self.runs += 1
        RUNS.inc()
        COVERED.set(run.covered)
        TOOK.set(run.took_s)
        log.debug("coverage", residents=run.residents, covered=round(run.covered, 4), took_s=run.took_s)

    async def _recomputed(self) -> coverage.Run:
        async with await connect(self.dsn, name="carehub coverage") as conn:
            return await coverage.recompute(conn, hours=self.hours, radius_min=self.radius_min, rest=self._rest)

    def _rest(self, took_s: float) -> None:
        if self._ending.wait(RESTS * took_s):
            raise StoppedError("the process ends")

    async def _top_up(self) -> None:
        async with await connect(self.dsn, name="carehub rotations") as conn:
            written = await rosters.top_up(conn)
        log.info("rotations_laid_out", shifts=written)

    async def _nobody_checks_in(self) -> bool:
        try:
            async with await connect(self.dsn, name="carehub coverage") as conn:
                return not any(row.needs_check_in for row in await rosters.rosters(conn))
        except (psycopg.Error, OSError):
            return False

    async def _settle(self, rung: asyncio.Event) -> None:
        """Let a bunch of changes come to its end."""
        until = time.monotonic() + NEVER_LONGER_S
        while rung.is_set() and time.monotonic() < until:
            rung.clear()
            await bell.sleep(self.quiet_s, rung)
