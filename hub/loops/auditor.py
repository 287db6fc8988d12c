"""Watches the others from a process of its own: nothing may be silent, late or broken without being said."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import psycopg
import structlog
from prometheus_client import Counter, Gauge

from hub.loops.chains import Chains
from hub.loops.findings import Finding, Loud, Part, Standing
from hub.store import partitions
from hub.store.outbox import WORKERS
from hub.store.pool import Connection, connect, hub_now
from hub.store.sql import queries

__all__ = ["Auditor", "Finding"]

Q = queries("audit")
EVERY_S = 1.0
LATE = timedelta(seconds=2)  # a timer or a page that waits longer than this is late
UNHEARD = timedelta(seconds=60)  # nobody's phone has rung for so long
STARTING = timedelta(seconds=10)  # a hub that starts, or whose database came back, has its dispatcher by then
STUCK = timedelta(seconds=10)  # a lease that ended this long ago should have been taken back
OUTBOX_MOST = 20_000  # pages that are due and not yet claimed; a disaster's first minute is half of it
HOMES_OLD = timedelta(minutes=10)  # they are read twice a minute; after a start they are brought back first
COVERAGE_OLD = timedelta(hours=3)  # it is worked out hourly, whatever changes
PASS_LIMIT_S = 10.0  # a database that hangs is away as well: the pass is given up and begun anew
AWAY_S = 5.0  # without a pass for longer, the database is away
PARTITIONS_EVERY_S = 600.0

WRONG = Gauge("carehub_audit_findings", "Findings that are not over", ["rule"])
FOUND = Counter("carehub_audit_found_total", "Findings", ["rule"])
PASSES = Counter("carehub_audit_passes_total", "Passes of the auditor; when this stops, nobody watches")

log = structlog.get_logger()


@dataclass(kw_only=True)
class Auditor:
    """Looks once a second until cancelled."""

    dsn: str
    parts: Sequence[Part] = ()  # what else watches in this process, and what it found
    chains: Chains = field(default_factory=Chains)
    passed_at: float = 0.0
    since: datetime | None = None  # the hub's time when this session began; None: ask for everything at once
    started_at: float = field(default_factory=time.monotonic)
    _open: tuple[Standing, ...] = ()
    _tended_at: float | None = None

    async def run(self) -> None:
        self.started_at = time.monotonic()
        while True:
            try:
                async with await connect(self.dsn, name="carehub audit") as conn:
                    await self._watch(conn)
            except (psycopg.Error, OSError) as err:  # a pass that took too long is an OSError as well
                log.error("auditor_sees_no_database", error=type(err).__name__)
                await asyncio.sleep(EVERY_S)

    async def _watch(self, conn: Connection) -> None:
        self.since = await hub_now(conn)
        while True:
            started = time.monotonic()
            async with asyncio.timeout(PASS_LIMIT_S):
                await self.look(conn)
            await self._tend(conn)
            for part in self.parts:
                await conn.execute(Q.beat, {"role": part.name, "says": part.says()})
            await asyncio.sleep(max(0.0, EVERY_S - (time.monotonic() - started)))

    def standing(self) -> tuple[Standing, ...]:
        """Return everything that is wrong by the last pass, and that there was none lately. Asks nobody."""
        age_s = time.monotonic() - max(self.passed_at, self.started_at)
        if age_s <= AWAY_S:
            return self._open
        away = Finding(rule="database_away", subject="database", detail=f"no pass in {AWAY_S:g} s")
        here = tuple(Standing(finding=f, lasts_s=0.0) for part in self.parts for f in part.findings())
        return (*here, Standing(finding=away, lasts_s=age_s - AWAY_S))

    def loud(self, least: Loud, *, again_s: float) -> list[Standing]:
        """Return what is wrong, at least so loud, and not acknowledged."""
        return [s for s in self.standing() if s.finding.loud >= least and s.stands(again_s)]

    async def look(self, conn: Connection) -> list[Finding]:
        """Look once; returns everything that is wrong now."""
        now, findings = await _wrong(conn, self.since)
        findings += [
            Finding(rule="broken_chain", subject=b.subject, detail=b.why) for b in await self.chains.check(conn, now)
        ]
        findings += [finding for part in self.parts for finding in part.findings()]
        values = {
            "now": now, "rules": [f.rule for f in findings], "subjects": [f.subject for f in findings],
            "details": [f.detail for f in findings],
        }  # fmt: skip
        for fresh, rule, subject, detail, _ in await (await conn.execute(Q.remember, values)).fetchall():
            if fresh:
                FOUND.labels(rule).inc()
                log.error("audit_finding", rule=rule, subject=subject, detail=detail)
            else:
                log.info("audit_finding_over", rule=rule, subject=subject)
        self._open = tuple(_standing(*row) for row in await (await conn.execute(Q.standing, {"now": now})).fetchall())
        WRONG.clear()
        for standing in self._open:
            WRONG.labels(standing.finding.rule).inc()
        PASSES.inc()
        self.passed_at = time.monotonic()
        return sorted(set(findings))

    async def _tend(self, conn: Connection) -> None:
        """Keep partitions ahead even when no ingest process is up to do it."""
        if self._tended_at is not None and time.monotonic() - self._tended_at < PARTITIONS_EVERY_S:
            return
        self._tended_at = time.monotonic()
        try:
            await partitions.ensure(conn, await hub_now(conn))
        except (psycopg.errors.DuplicateTable, psycopg.errors.UniqueViolation):
            log.info("partitions_made_by_another")


async def _wrong(conn: Connection, since: datetime | None) -> tuple[datetime, list[Finding]]:
    values = {
        "late": LATE, "unheard": UNHEARD, "workers": WORKERS, "since": since, "starting": STARTING, "stuck": STUCK,
        "outbox_most": OUTBOX_MOST, "coverage_old": COVERAGE_OLD, "homes_old": HOMES_OLD,
    }  # fmt: skip
    rows = await (await conn.execute(Q.wrong, values)).fetchall()
    now: datetime = rows[0][0]
    return now, [
        Finding(rule=rule, subject=subject, detail=detail) for _, rule, subject, detail in rows if rule is not None
    ]


def _standing(rule: str, subject: str, detail: str, lasts_s: float, acknowledged_s: float | None) -> Standing:
    finding = Finding(rule=rule, subject=subject, detail=detail)
    return Standing(finding=finding, lasts_s=lasts_s, acknowledged_s=acknowledged_s)
