"""Watches the others from a process of its own: nothing may be silent, late or broken without being said."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import psycopg
import structlog
from prometheus_client import Counter, Gauge

from hub.loops.chains import Chains
from hub.store import partitions
from hub.store.outbox import WORKERS
from hub.store.pool import Connection, connect, hub_now
from hub.store.sql import queries

Q = queries("audit")
EVERY_S = 1.0
LATE = timedelta(seconds=2)  # a timer or a page that waits longer than this is late
UNHEARD = timedelta(seconds=60)  # nobody's phone has rung for so long
STARTING = timedelta(seconds=10)  # a hub that starts, or whose database came back, has its dispatcher by then
PARTITIONS_EVERY_S = 600.0

WRONG = Gauge("carehub_audit_findings", "Findings that are not over", ["rule"])
FOUND = Counter("carehub_audit_found_total", "Findings", ["rule"])
PASSES = Counter("carehub_audit_passes_total", "Passes of the auditor; when this stops, nobody watches")

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, order=True)
class Finding:
    """Something that should not be."""

    rule: str
    subject: str
    detail: str = ""


@dataclass(kw_only=True)
class Auditor:
    """Looks once a second until cancelled."""

    dsn: str
    chains: Chains = field(default_factory=Chains)
    passed_at: float = 0.0
    since: datetime | None = None  # the hub's time when this session began; None: ask for everything at once
    _tended_at: float | None = None

    async def run(self) -> None:
        while True:
            try:
                async with await connect(self.dsn, name="carehub audit") as conn:
                    await self._watch(conn)
            except (psycopg.Error, OSError) as err:
                log.error("auditor_sees_no_database", error=type(err).__name__)
                await asyncio.sleep(EVERY_S)

    async def _watch(self, conn: Connection) -> None:
        self.since = await hub_now(conn)
        while True:
            started = time.monotonic()
            await self.look(conn)
            await self._tend(conn)
            await asyncio.sleep(max(0.0, EVERY_S - (time.monotonic() - started)))

    async def look(self, conn: Connection) -> list[Finding]:
        """Look once; returns everything that is wrong now."""
        now, findings = await _wrong(conn, self.since)
        findings += [
            Finding(rule="broken_chain", subject=b.subject, detail=b.why) for b in await self.chains.check(conn, now)
        ]
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
        WRONG.clear()
        for finding in findings:
            WRONG.labels(finding.rule).inc()
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
    values = {"late": LATE, "unheard": UNHEARD, "workers": WORKERS, "since": since, "starting": STARTING}
    rows = await (await conn.execute(Q.wrong, values)).fetchall()
    now: datetime = rows[0][0]
    return now, [
        Finding(rule=rule, subject=subject, detail=detail) for _, rule, subject, detail in rows if rule is not None
    ]
