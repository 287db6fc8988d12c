"""Holds the hub's clock against one that cannot be set. Where the hub's was set back, what waits is brought forward by
as much, so that no timer is late by the jump; where it was set forward, timers fire early and that is written down.

Any number may run: what was last seen is a row, and what has been put right shows on the rows themselves.
"""

import asyncio
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import structlog
from prometheus_client import Counter

from alerts.model import Decision, Incident
from alerts.values import replace
from hub import incidents
from hub.loops.escalator import OF_ONE_CASE
from hub.steady import database_fault
from hub.store import incidents as store
from hub.store.incidents import Situation
from hub.store.pool import Connection, connect
from hub.store.sql import queries

Q = queries("clock")
EVERY_S = 0.5
JUMP = timedelta(seconds=0.5)  # less is a clock being trimmed
BLUR_S = 0.1  # the two clocks are read within this of each other, or the reading says nothing
STALE_S = 3600.0  # a mark older than this has drifted by itself; what waits then tells by its own time
AT_ONCE = 200  # timers or pages put right in one go
PASSES = 1_000  # of so many; the rest waits for the next pass
SPARE = timedelta(seconds=30)  # a lease is not shortened below this

JUMPS = Counter("carehub_clock_jumps_total", "The hub's clock was set", ["direction"])
SHIFTED = Counter("carehub_timers_shifted_total", "Timers brought forward because the clock went back")

log = structlog.get_logger()


def this_machine() -> str:
    """Name what our monotonic clock is common to: this machine since it was started, and this name space of time."""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/time').readlink()}"
    return str(uuid.uuid4())


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Both clocks at one moment, and the last wait that had been set."""

    monotonic_s: float
    now: datetime
    set_no: int


@dataclass(frozen=True, kw_only=True)
class Jump:
    """The clock was set back by `back` some time between two marks."""

    number: int
    noticed_at: datetime
    back: timedelta
    before_no: int
    after_no: int

    @property
    def values(self) -> dict[str, object]:
        return {
            "id": self.number, "noticed_at": self.noticed_at, "back": self.back, "before_no": self.before_no,
            "after_no": self.after_no, "limit": AT_ONCE,
        }  # fmt: skip


@dataclass(kw_only=True)
class Timekeeper:
    """Looks twice a second until cancelled.

    Args:
        monotonic: seconds on a clock that nobody sets, the same for every process that names the same `machine`.
        by_hand: simulations: the hub's clock stands and is moved by hand, and so is `monotonic`.
    """

    dsn: str
    machine: str = field(default_factory=this_machine)
    monotonic: Callable[[], float] = time.monotonic
    by_hand: bool = False
    shifted: int = 0
    stuck: set[int] = field(default_factory=set)  # cases that cannot be written; said once

    async def run(self) -> None:
        while True:
            try:
                async with await connect(self.dsn, name="carehub timekeeper") as conn:
                    while True:
                        await self.look(conn)
                        await asyncio.sleep(EVERY_S)
            except (psycopg.Error, OSError) as err:
                log.warning("timekeeper_waits_for_database", error=type(err).__name__)
                await asyncio.sleep(EVERY_S)

    async def look(self, conn: Connection) -> bool:
        """Look once: notice a jump, put right what is left of any, then what nobody noticed.

        Returns:
            Whether the clocks could be compared. They cannot where the hub's stands, and when the answer took too long.
        """
        seen = await self._notice(conn)
        for row in await (await conn.execute(Q.unfinished)).fetchall():
            number, noticed_at, back, before_no, after_no = row
            await self._put_right(conn, Jump(
                number=number, noticed_at=noticed_at, back=back, before_no=before_no, after_no=after_no
            ))  # fmt: skip
        if seen is not None:
            await self._unnoticed(conn, seen.now)
        return seen is not None

    async def _notice(self, conn: Connection) -> Seen | None:
        """Hold both clocks against what was last seen from this machine. None: the clock stands, or we were held up."""
        async with conn.transaction():
            row = await (await conn.execute(Q.hold_mark, {"machine": self.machine})).fetchone()
            assert row is not None
            last_s, last_at, before_no = row
            asked_s = self.monotonic()
            look = await (await conn.execute(Q.look)).fetchone()
            blur_s = self.monotonic() - asked_s
            assert look is not None
            now, stands, set_no = look
            if (stands and not self.by_hand) or blur_s > BLUR_S:
                return None
            seen = Seen(monotonic_s=asked_s + blur_s / 2, now=now, set_no=set_no)
            passed_s = seen.monotonic_s - last_s
            if 0 <= passed_s <= STALE_S:
                back = timedelta(seconds=passed_s) - (now - last_at)
                if abs(back) > JUMP:
                    await self._jumped(conn, seen, back, before_no)
            mark = {"machine": self.machine, "monotonic_s": seen.monotonic_s, "now": now, "set_no": set_no}
            await conn.execute(Q.mark, mark)
        return seen

    async def _jumped(self, conn: Connection, seen: Seen, back: timedelta, before_no: int) -> None:
        values = {"now": seen.now, "back": back, "before_no": before_no, "after_no": seen.set_no}
        await conn.execute(Q.jumped, values)
        if back > timedelta(0):
            await conn.execute(Q.shift_leases, {"back": back, "spare": SPARE})
            await conn.execute(Q.shift_presence)
        direction = "back" if back > timedelta(0) else "forward"
        JUMPS.labels(direction).inc()
        log.error("clock_jumped", direction=direction, seconds=round(abs(back).total_seconds(), 3))

    async def _put_right(self, conn: Connection, jump: Jump) -> None:
        """Bring forward whatever waits since before a jump. Anybody may go on where we are cut off."""
        await self._shift_pages(conn, jump)
        for _ in range(PASSES):
            rows = await (await conn.execute(Q.waiting, jump.values)).fetchall()
            moved = sum([await self._forward(conn, int(row[0]), jump) for row in rows])
            await conn.execute(Q.shifted, {"id": jump.number, "timers": moved})
            if not moved:
                break  # none is left, others are at it, or what is left cannot be moved: the next pass sees
        left = await (await conn.execute(Q.waiting, jump.values)).fetchone()
        pages = await (await conn.execute(Q.left_pages, jump.values)).fetchone()
        if left is None and pages == (0,):
            await conn.execute(Q.done, {"id": jump.number})
            log.warning("clock_jump_put_right", jump=jump.number, back_s=round(jump.back.total_seconds(), 3))

    async def _shift_pages(self, conn: Connection, jump: Jump) -> None:
        for _ in range(PASSES):
            if (await conn.execute(Q.shift_pages, jump.values)).rowcount < AT_ONCE:
                return

    async def _unnoticed(self, conn: Connection, now: datetime) -> None:
        """A timer that was set in the future waited through a jump nobody saw: it waits no longer than it had to."""
        values = {"now": now, "drift": JUMP, "limit": AT_ONCE}
        for (incident_id,) in await (await conn.execute(Q.from_the_future, values)).fetchall():
            await self._forward(conn, incident_id, None)

    async def _forward(self, conn: Connection, incident_id: int, jump: Jump | None) -> bool:
        """One incident, unless its timer was set anew meanwhile. One that cannot be moved does not hold up the rest."""
        try:
            async with conn.transaction():
                at = await incidents.situation(conn, incident_id)
                back = await _still(conn, incident_id, jump)
                if back is None or at.incident is None or at.incident.timer is None:
                    return False
                await bring_forward(conn, at, back)
        except Exception as err:
            if database_fault(err) and getattr(err, "sqlstate", None) not in OF_ONE_CASE:
                raise
            if incident_id not in self.stuck:
                log.exception("timer_not_shifted", incident=incident_id)
            self.stuck.add(incident_id)
            return False
        self.shifted += 1
        return True


async def _still(conn: Connection, incident_id: int, jump: Jump | None) -> timedelta | None:
    """By how much the timer of an incident that we hold has to be brought forward; None: it was set anew."""
    if jump is None:
        row = await (await conn.execute(Q.ahead, {"id": incident_id, "drift": JUMP})).fetchone()
        return None if row is None else row[0]
    row = await (await conn.execute(Q.still_waiting, jump.values | {"id": incident_id})).fetchone()
    return None if row is None else jump.back


async def bring_forward(conn: Connection, at: Situation, back: timedelta) -> Incident:
    """Let an incident that this transaction holds wait as long as it would have, had the clock not been set back."""
    incident = at.incident
    assert incident is not None
    assert incident.timer is not None
    sooner = replace(
        incident,
        timer=replace(incident.timer, due_at=incident.timer.due_at - back),
        expires_at=incident.expires_at and incident.expires_at - back,
        paged_at=incident.paged_at and incident.paged_at - back,
        version=incident.version + 1,
    )
    why = ("clock_shifted", {"back_s": round(back.total_seconds(), 3)})
    await store.change(conn, at, Decision(incident=sooner, reasons=(why,)), said=(), actor="hub", alert=None)
    SHIFTED.inc()
    return sooner
