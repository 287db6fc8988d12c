"""Follows the homes: what their sensors told, as signs of life; how their days usually go; and who has fallen silent.

Any number may run, one works: it has the advisory lock, the others wait for it. All it knows is made anew from what is
stored, so whoever takes over goes on, and finds what was found before under the same name.
"""

import asyncio
import time
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo

import numpy as np
import psycopg
import structlog
from prometheus_client import Counter, Gauge, Histogram

from alerts.detectors.home_signs import Sign
from alerts.model import Alert
from hub import incidents
from hub.alerts_made import system_alert
from hub.config import Settings
from hub.home_places import SIGN_ROOM, among, distinct
from hub.homes import Homes
from hub.loops.turns import take_turns
from hub.routine_days import Days
from hub.steady import database_fault
from hub.store import checkpoints, followed
from hub.store import homes as store
from hub.store.followed import Deadlines, Ints, Table
from hub.store.pool import Connection, hub_now
from hub.store.raw import NUMBERS_AT_ONCE

EVERY_S = 30.0
MOST_HOMES = 1_200_000  # residents followed; more raise a technical alert, and those who were registered first stay
BACK = timedelta(hours=48)  # what the state is made of at the start: the longest rule looks back a day
BEHIND = 2 * NUMBERS_AT_ONCE  # batches are numbered in order and committed out of it: so many are asked for again
ROWS_AT_ONCE = 100_000  # … rows of one look, and of so many looks a pass; the next pass follows at once
LOOKS = 5
STORED_WITHIN = timedelta(days=1)  # a batch is committed this soon after its messages came
HOMES_AT_ONCE = 1_000  # brought back in one step
FOLLOW_EVERY = 10  # passes between two looks at who lives where with which devices, and at what was heard of them
OVERLAP = timedelta(seconds=240)  # steps and words of the last pass are asked for again: nothing counts them
RAISED_AT_ONCE = 200  # alerts written in a pass; the others wait for the next, which comes soon
WAITING_MOST = 10_000  # while so many wait nothing more is looked for: what is due then is due later as well
DEAF = timedelta(minutes=5)  # nobody listened for longer: the homes' clocks begin anew
UNKNOWN_MOST = 100_000  # devices remembered for nobody's, till the next look

Q = followed.Q

SIGNS = Counter("carehub_home_signs_total", "Signs of life read from homes", ["sign"])
HOMES = Gauge("carehub_homes_followed", "Residents whose homes are followed")
PASS = Histogram(
    "carehub_home_pass_seconds", "How long a pass over the homes took", buckets=(0.03, 0.1, 0.3, 1, 3, 10, 30)
)
LAG = Gauge("carehub_home_lag_seconds", "Age of the last pass that read everything, when the next ended")
FOUND = Counter("carehub_home_findings_total", "What was found about homes", ["rule"])
log = structlog.get_logger()


@dataclass(kw_only=True)
class RoutineLoop:
    """Runs until cancelled. `once` is one pass."""

    dsn: str
    zone: ZoneInfo
    every_s: float = EVERY_S
    most: int = MOST_HOMES
    rows: int = ROWS_AT_ONCE
    homes: Homes | None = None  # None: to be made of what is stored
    days: Days = field(init=False)
    deadlines: Deadlines = field(default_factory=Deadlines)
    waiting: dict[str, Alert] = field(default_factory=dict)  # found and not yet saved, by their names
    passes: int = 0
    _after: int = 0  # every batch up to this was looked at, but for those that were not committed
    _block: int = 0
    _seen: set[int] = field(default_factory=set)
    _nobody: set[int] = field(default_factory=set)  # devices that belong to no resident
    _heard_until: datetime | None = None  # the last pass at which somebody listened to the devices
    _read_at: float | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(dsn=settings.database.dsn, zone=ZoneInfo(settings.console.zone))

    def __post_init__(self) -> None:
        self.days = Days(zone=self.zone)

    async def run(self) -> None:
        await take_turns(
            self.dsn, "homes", self.once, every_s=self.every_s, alone=store.alone, forget=self._forget
        )  # fmt: skip

    def _forget(self) -> None:
        """What is known here grew old while another followed the homes, or is doubtful since a turn failed."""
        self.homes = None

    async def once(self, conn: Connection) -> bool:
        """Read, judge, raise, write days; True when there is more to read, to raise or to write."""
        began, now = time.monotonic(), await hub_now(conn)
        if self.homes is None:
            await self._rebuild(conn, now)
        assert self.homes is not None
        if self.passes % FOLLOW_EVERY == 0:
            await self._follow(conn, self.homes, now)
            await self._hear(conn, self.homes, now)
        await self._quiet(conn, self.homes, now)
        more = await self._read(conn, self.homes, now)
        await self._steps(conn, self.homes, now)
        listened = await self._listened(conn, now)
        if listened and not more and len(self.waiting) < WAITING_MOST:  # what is not read yet may say that she is well
            await self._find(conn, self.homes, now)
        await self._raise(conn)
        behind = await self.days.write_some(conn, now)
        if self.days.due(now, behind=behind):
            self.homes.usual(await self.days.usual(conn, now))
        await store.mark(conn, self._after, self.days.mark(self._after), now)
        self.passes += 1
        self._measure(began, more)
        return more or behind or bool(self.waiting)

    async def _rebuild(self, conn: Connection, now: datetime) -> None:
        """Make the state of what the last days told."""
        mark = await store.begin(conn, now)
        offset = now.astimezone(self.zone).utcoffset() or timedelta(0)
        homes = Homes(offset_min=int(offset.total_seconds()) // 60)
        self._after = self._block = max(mark.batch, mark.block)
        self._seen.clear()
        self._nobody.clear()
        self._heard_until = now
        await self._was_deaf(conn, mark.at, now)
        sensors, _ = await followed.sensors(conn, self.most, self.deadlines)
        rows = await asyncio.to_thread(homes.follow, sensors)
        await self._bring_back(conn, homes, rows, now)
        await self.days.begin(conn, max(0, mark.days_batch - BEHIND), now)
        homes.usual(await self.days.usual(conn, now))
        homes.leaks(await self.days.leaks(conn, now))
        homes.quiet(await followed.quiet(conn, now, BACK))
        self.homes, self.passes = homes, 0
        log.info("homes_followed", homes=len(homes))

    async def _bring_back(self, conn: Connection, homes: Homes, rows: Ints, now: datetime) -> None:
        since, now_ms = now - BACK, _ms(now)
        for start in range(0, len(rows), HOMES_AT_ONCE):
            whose = homes.places.only(rows[start : start + HOMES_AT_ONCE])
            await self._show(
                homes, await store.past(conn, whose(homes.places.device), whose(homes.places.fenced), since), now_ms
            )
            stepped = await followed.times(conn, Q.steps_past, whose(homes.places.watches), since=since)
            homes.detector.observe(homes.state, homes.steps(stepped), now_ms)
            heard = await followed.times(conn, Q.heard_past, whose(homes.places.listening), since=since)
            homes.heard(heard, every=True)
            await asyncio.sleep(0)

    async def _was_deaf(self, conn: Connection, last: datetime | None, now: datetime) -> None:
        """At the start: a time in which the hub took nothing at all was not one in which nobody moved."""
        if last is None or now - last <= DEAF:
            return
        if not await store.truth(conn, store.Q.heard_meanwhile, since=last + DEAF / 2, until=now - DEAF / 2):
            await store.deaf(conn, last, now)

    async def _listened(self, conn: Connection, now: datetime) -> bool:
        """Whether somebody listens to the devices, and has for a while or until lately."""
        there = await store.truth(conn, store.Q.ingest_there, **{"class": checkpoints.LOCK_CLASS})
        last = self._heard_until or now
        if there:
            if now - last > DEAF:
                await store.deaf(conn, last, now)
            self._heard_until = now
        return now - last <= DEAF

    async def _follow(self, conn: Connection, homes: Homes, now: datetime) -> None:
        sensors, over = await followed.sensors(conn, self.most, self.deadlines)
        fresh = await asyncio.to_thread(homes.follow, sensors)
        if len(fresh) and self.passes:
            await self._bring_back(conn, homes, fresh, now)
        self._nobody.clear()
        HOMES.set(len(distinct(homes.places.row)))
        if over:
            text = f"more than {self.most} homes have sensors: those registered later are not followed"
            await self._raise_one(conn, system_alert("homes_over_limit", text))

    async def _hear(self, conn: Connection, homes: Homes, now: datetime) -> None:
        since = now - timedelta(seconds=self.every_s * FOLLOW_EVERY) - OVERLAP
        devices = homes.places.listening
        homes.heard(await followed.times(conn, Q.heard, devices, since=since))
        if await self._listened(conn, now):  # what nothing changes for says nothing; its line is there all the same
            there = await followed.online(conn, devices)
            homes.heard(np.stack([there, np.full(len(there), _ms(now))], axis=1))

    async def _quiet(self, conn: Connection, homes: Homes, now: datetime) -> None:
        homes.quiet(await followed.quiet(conn, now, BACK))

    async def _read(self, conn: Connection, homes: Homes, now: datetime) -> bool:
        """Read what was stored since the last pass, and what was committed late; True when there is more."""
        block = await store.block(conn)
        for _ in range(LOOKS):
            low = max(0, max(self._after, self._block) - BEHIND)
            self._seen = {batch for batch in self._seen if batch > low}
            said = await store.signs(
                conn, since=now - STORED_WITHIN, after=low, seen=sorted(self._seen),
                fenced=homes.places.fenced, limit=self.rows,
            )  # fmt: skip
            batches = np.unique(said["batch"]).tolist()
            await self._learn(conn, homes, said, now)
            await self._show(homes, said, _ms(now))
            self.days.touch(homes, said, now, low)
            self._seen.update(batches)
            self._after = max([self._after, *batches[-1:]])
            await asyncio.sleep(0)
            if len(said) < self.rows:
                self._block = block  # everything that was committed below it has been looked at
                return False
        return True

    async def _show(self, homes: Homes, said: Table, now_ms: int) -> None:
        """Show the detector what was said. In a thread: whoever watches in this process is not held up."""
        signs = await asyncio.to_thread(homes.signs, said)
        await asyncio.to_thread(homes.detector.observe, homes.state, signs, now_ms)
        for sign, count in zip(*np.unique(signs.sign, return_counts=True), strict=True):
            SIGNS.labels(Sign(int(sign)).name.lower()).inc(int(count))

    async def _learn(self, conn: Connection, homes: Homes, said: Table, now: datetime) -> None:
        """Meet devices that give a sign for the first time."""
        kinds = np.where(said["sign"] == Sign.BED_OUT, Sign.BED_IN, said["sign"])
        told = distinct(said["device"].astype(np.int64) * SIGN_ROOM + kinds.astype(np.int64))
        new = told[~among(told, homes.places.pairs)].tolist()
        fresh = [(d, s) for d, s in (divmod(one, SIGN_ROOM) for one in new) if d not in self._nobody]
        if not fresh:
            return
        ours = await store.followable(conn, sorted({device for device, _ in fresh}))
        strangers = {device for device, _ in fresh} - ours
        if len(self._nobody) + len(strangers) <= UNKNOWN_MOST:
            self._nobody |= strangers
        if known := [pair for pair in fresh if pair[0] in ours]:
            await store.learn(conn, known, now)
            await self._follow(conn, homes, now)
            await self.days.meet(conn, [device for device, _ in known], now)

    async def _steps(self, conn: Connection, homes: Homes, now: datetime) -> None:
        since = now - timedelta(seconds=self.every_s) - OVERLAP
        times = await followed.times(conn, Q.steps, homes.places.watches, since=since)
        homes.detector.observe(homes.state, homes.steps(times), _ms(now))

    async def _find(self, conn: Connection, homes: Homes, now: datetime) -> None:
        found = await asyncio.to_thread(homes.detector.tick, homes.state, _ms(now))
        found = [finding for finding in found if not homes.over(finding)]
        residents = [int(homes.resident_id[finding.row]) for finding in found]
        areas = await followed.areas(conn, residents) if found else {}
        for finding, resident in zip(found, residents, strict=True):
            alert = homes.alert(finding, areas.get(resident, ""), now)
            self.waiting[alert.alert_id] = alert
            FOUND.labels(finding.rule).inc()

    async def _raise(self, conn: Connection) -> None:
        """Raise what was found. What could not be saved stays; said again, it changes nothing."""
        for alert_id, alert in list(self.waiting.items())[:RAISED_AT_ONCE]:
            if await self._raise_one(conn, alert):
                del self.waiting[alert_id]

    async def _raise_one(self, conn: Connection, alert: Alert) -> bool:
        try:
            async with conn.transaction():
                await incidents.raise_alert(conn, alert)
        except psycopg.errors.SerializationFailure:
            return False  # another opened her case meanwhile: with the next pass
        except Exception as err:
            if database_fault(err):
                raise
            # What cannot be written must not hold up the others for ever: without its evidence it still rings.
            log.error("home_alert_refused", alert=alert.alert_id, exc_info=err)
            return not alert.evidence or await self._raise_one(conn, replace(alert, evidence={}))
        return True

    def _measure(self, began: float, more: bool) -> None:
        ended = time.monotonic()
        PASS.observe(ended - began)
        LAG.set(ended - (self._read_at or began))
        if not more:
            self._read_at = began


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
