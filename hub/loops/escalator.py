"""Wakes what is due: each timer in a transaction of its own. Any number may run; rows decide who fires."""

import asyncio
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import psycopg
import structlog
from prometheus_client import Counter, Gauge, Histogram
from psycopg.types.numeric import Int8
from psycopg_pool import PoolTimeout

from alerts import events
from alerts.model import TimerKind
from hub import incidents
from hub.loops import bell
from hub.steady import database_fault
from hub.store import hot
from hub.store import incidents as store
from hub.store.pool import Connection, Pool
from hub.store.sql import queries

Q = queries("incidents")
NEVER_LONGER_S = 1.0  # a lost NOTIFY costs at most this
RUNG_PAUSE_S = 0.02  # from a ring to the look: a timer that was just set is not due sooner
AT_ONCE = 64  # timers that wait in line
AHEAD = timedelta(milliseconds=25)  # they are looked up before they are due, and waited for one by one
TOGETHER = 4  # fired side by side, each on a connection
CONNECTIONS = TOGETHER + 1  # one of them looks what comes next
WARM_EVERY_S = 2.0
WARMING_S = 0.1  # how long it may take: not when a timer is nearer
FAILED_FIRST_S = 1.0  # a case that cannot be advanced is tried again, at first after this …
FAILED_LAST_S = 30.0  # … and doubling up to this
REPORT_EVERY_S = 5.0
DRIFT_S = 0.5  # our own clock may differ from the hub's by this before we say so

# Operational errors that are one case's own: deadlock, serialization, a statement cut off, a lock not had. Taken for a
# database that is away, a case that always ends so would hold up every timer behind it.
OF_ONE_CASE = frozenset({"40P01", "40001", "57014", "55P03"})

FIRED = Counter("carehub_timers_fired_total", "Timers that fired", ["kind"])
LATE = Histogram(
    "carehub_timer_lateness_seconds", "When a timer fired minus when it was due",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 30),
)  # fmt: skip
FAILED = Counter("carehub_timer_failures_total", "Timers whose transaction failed; they are tried again")
OPEN = Gauge("carehub_incidents_open", "Incidents that have not ended", ["severity", "state"])
DRIFT = Gauge("carehub_clock_drift_seconds", "This process's clock minus the hub's")

log = structlog.get_logger()


@dataclass(kw_only=True)
class Penalty:
    """A case that failed: when to try again, and how often it has failed."""

    failures: int = 0
    until: float = 0.0


@dataclass(kw_only=True)
class Escalator:
    """Fires timers until cancelled."""

    pool: Pool
    bell: asyncio.Event
    penalties: dict[int, Penalty] = field(default_factory=dict)
    fired: int = 0
    passed_at: float = 0.0  # monotonic time of the last pass that reached the database
    _warmed_at: float = float("-inf")
    _taken: set[int] = field(default_factory=set)  # cases in line or in hand

    async def run(self) -> None:
        reported = 0.0
        while True:
            self.bell.clear()
            try:
                pause = await self.once()
                until = time.monotonic() + min(pause, NEVER_LONGER_S)
                if time.monotonic() - reported > REPORT_EVERY_S:
                    reported = time.monotonic()
                    await self._report()
                if pause > WARMING_S and time.monotonic() - self._warmed_at > WARM_EVERY_S:
                    self._warmed_at = time.monotonic()
                    await asyncio.gather(*(self._warm() for _ in range(TOGETHER)))
            except (psycopg.Error, PoolTimeout, OSError) as err:
                log.warning("escalator_waits_for_database", error=type(err).__name__)
                until = time.monotonic() + NEVER_LONGER_S
                await self._mend()
            await self._sleep(until)

    async def _sleep(self, until: float) -> None:
        """Until the next timer, or until somebody set one. That needs no answer at once: pages go first, and a burst
        of cases is looked at together."""
        await bell.sleep(max(0.0, until - time.monotonic()), self.bell)
        await asyncio.sleep(max(0.0, min(until - time.monotonic(), RUNG_PAUSE_S)))

    async def _mend(self) -> None:
        """A timer does not wait for its connection to be tried out: those that are gone are found here, all at once."""
        with suppress(psycopg.Error, PoolTimeout, OSError):
            await self.pool.check()

    async def _warm(self) -> None:
        """While nothing is due: a timer that fires must not wait for its statements to be planned."""
        async with self.pool.connection() as conn:
            await store.warm(conn)

    async def once(self) -> float:
        """Fire everything that is due, or will be in a moment, and return the seconds until one should look again."""
        line: deque[tuple[int, float]] = deque()
        at_work: set[asyncio.Task[bool]] = set()
        try:
            while True:
                now, look_at, due = await self._ticking(AT_ONCE - len(line))
                line += due
                self._taken |= {incident_id for incident_id, _ in due}
                if not line and not at_work:  # a bell rings for every press, and most often nothing is due
                    return NEVER_LONGER_S if look_at is None else (look_at - now).total_seconds()
                while len(at_work) < min(TOGETHER, len(line)):
                    at_work.add(asyncio.create_task(self._along(line)))
                # The next ones are looked up while these are waited for and fired.
                done, at_work = await asyncio.wait(at_work, timeout=AHEAD.total_seconds() / 2)
                # Nothing of ours: another escalator is at it. Asking again at once would only spin.
                if not any(await asyncio.gather(*done)) and not at_work:
                    return 0.01
        finally:
            for task in at_work:  # the database is away: what was not committed is found again
                task.cancel()
            await asyncio.gather(*at_work, return_exceptions=True)
            self._taken.clear()

    async def _ticking(self, limit: int) -> tuple[datetime, datetime | None, list[tuple[int, float]]]:
        """Return the hub's time, when to look again, and the timers that nobody here is at, each with the monotonic
        time at which it is due."""
        values = {"except": [Int8(number) for number in (*self._punished(), *self._taken)], "limit": limit}
        async with self.pool.connection() as conn:
            row = await (await hot.execute(conn, Q.ticking, values | {"ahead": AHEAD})).fetchone()
        assert row is not None
        # Counted from the answer, which is later than the hub's `now`: never early, and late by half a round trip.
        self.passed_at = time.monotonic()
        now, look_at, due, due_in_s = row
        return now, look_at, [(each, self.passed_at + in_s) for each, in_s in zip(due, due_in_s, strict=True)]

    async def _along(self, line: deque[tuple[int, float]]) -> bool:
        """Fire one after the other, each when it is due, until the line is empty."""
        fired = False
        while line:
            incident_id, at = line.popleft()
            fired |= await self._fire(incident_id, at)
            self._taken.discard(incident_id)
        return fired

    async def _fire(self, incident_id: int, at: float) -> bool:
        """Fire one timer, not before `at`. A case that fails waits alone; the others go on."""
        try:
            async with self.pool.connection() as conn:
                while (left_s := at - time.monotonic()) > 0:  # noqa: ASYNC110 - a timer may end half a millisecond early
                    await asyncio.sleep(left_s)
                fired = await fire(conn, incident_id)
        except Exception as err:  # one broken case must not silence the rest
            if database_fault(err) and getattr(err, "sqlstate", None) not in OF_ONE_CASE:
                raise  # the database is away: that is nobody's fault in particular
            self._punish(incident_id)
            return True
        self.penalties.pop(incident_id, None)
        self.fired += fired
        return fired

    def _punish(self, incident_id: int) -> None:
        FAILED.inc()
        penalty = self.penalties.setdefault(incident_id, Penalty())
        pause = min(FAILED_LAST_S, FAILED_FIRST_S * 2**penalty.failures)
        penalty.failures += 1
        penalty.until = time.monotonic() + pause
        log.exception("timer_failed", incident=incident_id, failures=penalty.failures, again_in_s=pause)

    def _punished(self) -> list[int]:
        now = time.monotonic()
        return [incident_id for incident_id, penalty in self.penalties.items() if penalty.until > now]

    async def _report(self) -> None:
        async with self.pool.connection() as conn:
            rows = await (await conn.execute(Q.count_open)).fetchall()
            now = await (await conn.execute("select hub_now(), exists (select from clock)")).fetchone()
        OPEN.clear()
        for severity, state, count in rows:
            OPEN.labels(severity=str(severity), state=state).set(count)
        assert now is not None
        drift = (datetime.now(UTC) - now[0]).total_seconds()
        DRIFT.set(drift)
        if abs(drift) > DRIFT_S and not now[1]:
            log.warning("clock_drift", seconds=round(drift, 3))


async def fire(conn: Connection, incident_id: int) -> bool:
    """Advance one incident whose timer is due, unless somebody else is at it or it no longer is. Its own
    transaction."""
    async with conn.pipeline(), conn.transaction():  # the network is waited for twice: look, commit
        at = await store.by_id_or_skip(conn, incident_id)
        timer = at and at.incident and at.incident.timer
        if not at or not timer or timer.due_at > at.now:
            return False
        await incidents.apply(conn, at, events.Due(), "timer")
        late = (at.now - timer.due_at).total_seconds()
    FIRED.labels(kind=TimerKind(timer.kind)).inc()
    LATE.observe(late)
    return True
