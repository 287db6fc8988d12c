"""Keeps the roll-up of homes' days fresh: which days got something, a few written anew each pass, and what is usual."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from alerts.detectors.home_signs import Sign
from alerts.detectors.home_water import LEAK_L
from hub.home_places import NOBODY, distinct
from hub.homes import Homes
from hub.store import followed
from hub.store import homes as store
from hub.store.followed import Table
from hub.store.homes import DAY_BEGINS, Q
from hub.store.pool import Connection

DAYS = 14  # that make what is usual
LATE = timedelta(days=DAYS + 1)  # what comes later than this changes no day any more
PAIRS_AT_ONCE = 200  # days of residents written with one statement
WRITING_S = 5.0  # … and so long in a pass: a look at a million homes takes seconds, and each home has a day to write
TODAY_EVERY = timedelta(minutes=30)  # today's row is read by nobody before tomorrow
# A message changes the day it was measured on; the one before, till 04:00; the night that ends tomorrow; and, when it
# is late, the longest time without water of the next day.
REACHES = (-DAY_BEGINS, timedelta(0), timedelta(hours=2), timedelta(hours=24))
DRY_MIN, DRY_DAYS = 11 * 60, 2  # a meter that stands still for so long on so many days stands still often
KEPT = timedelta(days=400)  # as long as what it is made of
DAY_MS, HOUR_MS = 86_400_000, 3_600_000
HOUR_ROOM = 10_000_000  # a row and an hour, or a day, since 1970 as one number

Pair = tuple[int, date]


@dataclass(kw_only=True)
class Days:
    """Days to be written anew, each with the batch from which on it has to be."""

    zone: ZoneInfo
    touched: dict[Pair, int] = field(default_factory=dict)
    _written: dict[Pair, datetime] = field(default_factory=dict)  # today's
    _loaded: date | None = None  # the day for which what is usual was asked
    _stale: bool = False  # a day that is over was written since

    async def begin(self, conn: Connection, after: int, now: datetime) -> None:
        """Find what got something after a batch: nobody may have written it."""
        self.touched.clear()
        self._keep(await store.touched(conn, since=now - LATE, after=after, zone=self.zone.key), after, now)

    async def meet(self, conn: Connection, devices: Sequence[int], now: datetime) -> None:
        """Find all days of devices that are followed from now on: they may have spoken before anybody listened."""
        self._keep(await store.touched(conn, since=now - LATE, after=0, zone=self.zone.key, devices=devices), 0, now)

    def _keep(self, found: Iterable[Pair], after: int, now: datetime) -> None:
        today = now.astimezone(self.zone).date()
        for pair in sorted(found):
            if today - LATE <= pair[1] <= today:
                self.touched[pair] = min(after, self.touched.get(pair, after))

    def touch(self, homes: Homes, said: Table, now: datetime, after: int) -> None:
        """Remember which days these messages change."""
        said = said[said["sign"] != Sign.PLACE]
        row = homes.places.rows_of(said["device"].astype(np.int64))
        said, row = said[row != NOBODY], row[row != NOBODY]
        local = said["at_ms"].astype(np.int64) + homes.offset_min * 60_000
        today = now.astimezone(self.zone).date()
        hours = distinct(row * HOUR_ROOM + local // HOUR_MS)
        at, hour = hours // HOUR_ROOM, hours % HOUR_ROOM
        days = np.concatenate([hour + int(reach.total_seconds()) // 3600 for reach in REACHES]) // 24
        known = {number: _date(number) for number in distinct(days).tolist()}
        for one in distinct(np.tile(at, len(REACHES)) * HOUR_ROOM + days).tolist():
            place, day = one // HOUR_ROOM, known[one % HOUR_ROOM]
            if today - LATE <= day <= today:
                self.touched.setdefault((int(homes.resident_id[place]), day), after)

    async def write_some(self, conn: Connection, now: datetime) -> bool:
        """Write some days anew, those that are over first; True when more of them wait."""
        today = now.astimezone(self.zone).date()
        self._written = {pair: at for pair, at in self._written.items() if pair[1] == today}
        waiting = [pair for pair in self.touched if pair[1] < today]
        self._stale = self._stale or bool(waiting)
        waiting += [pair for pair in self.touched if pair[1] == today and self._old(pair, now)]
        until, done = time.monotonic() + WRITING_S, 0
        while done < len(waiting) and (done == 0 or time.monotonic() < until):
            some = waiting[done : done + PAIRS_AT_ONCE]
            await store.write_days(conn, some, self.zone.key)
            for pair in some:
                del self.touched[pair]
                self._written[pair] = now
            done += len(some)
        return done < len(waiting)

    def _old(self, pair: Pair, now: datetime) -> bool:
        at = self._written.get(pair)
        return at is None or now - at >= TODAY_EVERY

    def mark(self, after: int) -> int:
        """Return the batch up to which every day is written."""
        return min(self.touched.values(), default=after)

    def due(self, now: datetime, *, behind: bool) -> bool:
        """Whether what is usual has to be asked: a new day has begun, or days came in late and all are written."""
        return self._day(now) != self._loaded or (self._stale and not behind)

    async def usual(self, conn: Connection, now: datetime) -> Table:
        """Return how everybody's last days went."""
        today = self._day(now)
        if today != self._loaded:
            await conn.execute(Q.forget, {"day": today - KEPT})
        self._loaded, self._stale = today, False
        return await followed.usual(
            conn, today - timedelta(days=DAYS), today, zone=self.zone.key, dry_min=DRY_MIN, dry_days=DRY_DAYS
        )

    async def leaks(self, conn: Connection, now: datetime) -> list[tuple[int, int, int]]:
        """Return whose water ran too much on the last days."""
        today = now.astimezone(self.zone).date()
        return await store.leaks(conn, today - LATE, today, LEAK_L / 1000)

    def _day(self, now: datetime) -> date:
        return (now.astimezone(self.zone) - DAY_BEGINS).date()


def _date(number: int) -> date:
    return datetime.fromtimestamp(number * DAY_MS / 1000, UTC).date()
