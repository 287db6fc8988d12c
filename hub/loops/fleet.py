"""Works out what people read about the devices: forecasts of batteries, first attempts by day, figures for Prometheus.

A little every turn, through indexes of what is new: with a million devices a turn costs what it costs with a hundred.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from prometheus_client import Counter, Gauge

from hub.config import Settings
from hub.loops.turns import take_turns
from hub.store import falls, fleet
from hub.store.fleet import Wish
from hub.store.pool import Connection, hub_now

EVERY_S = 10.0
FORECASTS_AT_ONCE = 500  # four million a day
ATTEMPTS_EVERY = 30  # turns between two countings of first attempts
COUNTED_AGAIN = 2  # days counted anew each time: a trial is over a day after it began
BACK = 30  # days counted at most when nobody has counted for long

VISITS = Gauge("carehub_visits", "Visits to be made because of a low battery", ["state"])
BATTERIES = Gauge("carehub_batteries", "Devices whose battery is low, or will be flat within a week", ["state"])
FIRST_FAILED = Gauge("carehub_first_attempts_failed_ratio", "First attempts that failed, of 90 days", ["model"])
FIRST = Gauge("carehub_first_attempts", "First attempts of 90 days", ["model"])
FORECASTS = Counter("carehub_battery_forecasts", "Batteries forecast")
LABELLED = 50  # models in the metrics, the most pressed


@dataclass(kw_only=True)
class FleetLoop:
    """Runs until cancelled."""

    dsn: str
    zone: ZoneInfo
    turn: int = 0

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(dsn=settings.database.dsn, zone=ZoneInfo(settings.console.zone))

    async def run(self) -> None:
        await take_turns(self.dsn, "fleet", self.once, every_s=EVERY_S)

    async def once(self, conn: Connection) -> bool:
        """Do one turn's work; True when there is more of it."""
        now = await hub_now(conn)
        today = now.astimezone(self.zone).date()
        done = await fleet.forecast_some(conn, FORECASTS_AT_ONCE, today)
        FORECASTS.inc(done)
        if self.turn % ATTEMPTS_EVERY == 0:
            await self._count(conn, now, today)
            await fleet.sweep(conn, today)
        more = await falls.read_cases(conn, now)
        await falls.count_worn(conn, now, self.zone)
        self.turn += 1
        await self._measure(conn, today)
        return more or done == FORECASTS_AT_ONCE

    async def _count(self, conn: Connection, now: datetime, today: date) -> None:
        last = await fleet.last_counted(conn) or today - timedelta(days=BACK)
        first = max(min(last, today - timedelta(days=COUNTED_AGAIN)), today - timedelta(days=BACK))
        for back in range((today - first).days, -1, -1):
            day = today - timedelta(days=back)
            midnight = datetime(day.year, day.month, day.day, tzinfo=self.zone).astimezone(UTC)
            await fleet.count_attempts(conn, day, midnight, now)
        for one in sorted(await fleet.attempts(conn, Wish(), today), key=lambda one: -one.all)[:LABELLED]:
            FIRST.labels(one.model or "?").set(one.all)
            FIRST_FAILED.labels(one.model or "?").set(one.failed / one.all)

    async def _measure(self, conn: Connection, today: date) -> None:
        found = await fleet.figures(conn, today)
        VISITS.labels("open").set(found["visits_open"])
        VISITS.labels("late").set(found["visits_late"])
        BATTERIES.labels("low").set(found["low"])
        BATTERIES.labels("flat_soon").set(found["flat_soon"])
