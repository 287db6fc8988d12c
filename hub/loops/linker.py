"""Notices cases that belong together, off the path of the press: every second it looks at what opened since.

Any number may run; a pair is written once. What it missed while it was away it finds when it is back, for an hour.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg
import structlog
from prometheus_client import Counter
from psycopg_pool import PoolTimeout

from alerts.links import TOGETHER, Case, gateway_of, related
from alerts.model import AlertKind
from hub.store.pool import Connection, Pool
from hub.store.sql import queries

Q = queries("cases")
EVERY_S = 1.0
RESTS = 9  # times as long as a look took: ten thousand new cases must leave the dispatcher its processor
LOOKS_BACK = timedelta(hours=1)  # at its start
AT_ONCE = 200  # new cases of one look
COMPARED = 400  # cases a new one is compared with, the latest first
# Numbers are given in order but committed out of it: so many are asked for again. In a wave every connection of the
# urgent lane has a transaction of several presses under way.
BEHIND = 400

LINKS = Counter("carehub_links_total", "Pairs of cases that were found to belong together", ["why"])
log = structlog.get_logger()


@dataclass(kw_only=True)
class Linker:
    """Links until cancelled."""

    pool: Pool
    after: int | None = None  # the last number it has looked at
    seen: frozenset[int] = frozenset()  # looked at, of the last numbers
    passed_at: float = 0.0

    async def run(self) -> None:
        while True:
            began = time.monotonic()
            try:
                more = await self.once()
            except (psycopg.Error, PoolTimeout, OSError) as err:
                log.warning("linker_waits_for_database", error=type(err).__name__)
                more = False
            took_s = time.monotonic() - began
            await asyncio.sleep(took_s * RESTS if more else max(EVERY_S, took_s * RESTS))

    async def once(self) -> bool:
        """Look at what opened since the last look; True when there may be more."""
        async with self.pool.connection() as conn:
            if self.after is None:
                row = await (await conn.execute(Q.first_to_link, {"within": LOOKS_BACK})).fetchone()
                assert row is not None
                self.after = int(row[0])
            values = {"after": self.after - BEHIND, "limit": AT_ONCE + BEHIND}
            found = [_case(row) for row in await (await conn.execute(Q.new_cases, values)).fetchall()]
            new = [case for case in found if case.incident_id not in self.seen]
            for case in new:
                await link(conn, case)
        self.seen = frozenset(case.incident_id for case in found)
        if found:
            self.after = max(self.after, found[-1].incident_id)
        self.passed_at = time.monotonic()
        return len(new) >= AT_ONCE


async def link(conn: Connection, case: Case) -> None:
    """Find and write what one case has in common with those before it."""
    if case.resident_id is None and not case.address and not gateway_of(case.device):
        return  # nothing that another could have as well
    values = {
        "id": case.incident_id, "since": case.opened_at - TOGETHER, "resident": case.resident_id, "limit": COMPARED,
    }  # fmt: skip
    others = [_case(row) for row in await (await conn.execute(Q.neighbours, values)).fetchall()]
    pairs = related(case, others)
    if not pairs:
        return
    found = await conn.execute(Q.links_found, {
        "a": [other for other, _ in pairs], "b": [case.incident_id] * len(pairs), "why": [w.value for _, w in pairs],
    })  # fmt: skip
    if written := len(await found.fetchall()):
        LINKS.labels(pairs[0][1].value).inc(written)


def _case(row: Sequence[Any]) -> Case:
    number, kind, opened_at, resident_id, area, address, device = row
    return Case(
        incident_id=number, kind=AlertKind(kind), opened_at=opened_at, resident_id=resident_id, area=area,
        address=address, device=device,
    )  # fmt: skip
