"""One home with an infrared sensor, a door contact and a water meter, two weeks of it, and the loop that follows it."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from hub.ingest import Ingest
from hub.loops.routine import RoutineLoop
from hub.store.pool import Connection, connect
from tests.integration.ingest.conftest import Hub, settings

BASE = "home7/zigbee2mqtt"
PIR, DOOR, METER, WATCH = f"z2m:{BASE}/hall", f"z2m:{BASE}/door", f"z2m:{BASE}/meter", "carehub:w7"
RISES, SLEEPS = 6.5, 23.5  # hours, of every day that is stored
DAYS = 15


def eleven_o_clock(now: datetime) -> ZoneInfo:
    """Return a zone in which it is between eleven and twelve now: time is real in these tests, mornings are ours."""
    ahead = 11 - now.astimezone(UTC).hour
    return ZoneInfo(f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT")


@dataclass
class Home:
    """What a test does with the home."""

    dsn: str
    conn: Connection
    hub: Hub
    zone: ZoneInfo
    resident: int
    device: dict[str, int]

    def at(self, day: int, hour: float) -> datetime:
        """Return an hour of a local day, 0 being today."""
        midnight = datetime.now(self.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight + timedelta(days=day, hours=hour)

    async def store(
        self, address: str, code: str, moments: list[datetime], values: list[float], batch: int = 1
    ) -> None:
        """Store what a sensor said, without ingest: what happened long ago, or what comes late, in a later batch."""
        await self.conn.execute(
            "insert into observation (received_at, device_id, batch, measured_at, code, number, quality)"
            " select case when %s > 1 then now() else t end, %s, %s, t, %s, v, 'ok'"
            " from unnest(%s::timestamptz[], %s::float8[]) as s(t, v)",
            (batch, self.device[address], batch, code, moments, values),
        )
        await self.conn.execute(
            "insert into telemetry (received_at, device_id, batch, measured_at)"
            " select t, %s, %s, t from unnest(%s::timestamptz[]) as s(t)",
            (self.device[address], batch, moments),
        )

    async def live(self, *, days: int = DAYS, this_morning: bool = False, meter: bool = True, batch: int = 1) -> None:
        """Let days go by as they always do; this morning only if asked for."""
        hours = [RISES + half / 2 for half in range(int((SLEEPS - RISES) * 2) + 1)]
        past = [self.at(-day, hour) for day in range(days, 0, -1) for hour in hours]
        now = datetime.now(UTC)
        past += [at for hour in hours if this_morning and (at := self.at(0, hour)) < now]
        await self.store(PIR, "presence.motion", past, [1.0] * len(past), batch)
        await self.store(DOOR, "contact.open", [self.at(-day, 10) for day in range(days, 0, -1)], [1.0] * days, batch)
        if not meter:
            return
        read = [at for day in range(days, -1, -1) for half in range(48) if (at := self.at(-day, half / 2)) < now]
        used, total = [], 10.0
        for at in read:
            local = at.astimezone(self.zone)
            awake = RISES <= local.hour + local.minute / 60 <= SLEEPS
            total += 0.02 if awake and (this_morning or local.date() < self.at(0, 0).date()) else 0.0
            used.append(round(total, 3))
        await self.store(METER, "water.total", read, used)

    def sensor(self, name: str, **said: object) -> None:
        """A Zigbee device says something, now."""
        self.hub.send(f"{BASE}/{name}", {"linkquality": 90, **said})

    async def heard(self) -> None:
        """The infrared sensor says that it is there and sees nobody, through the hub's own front door."""
        self.sensor("hall", occupancy=False)
        await self.hub.done()

    def loop(self, **how: Any) -> RoutineLoop:
        return RoutineLoop(dsn=self.dsn, zone=self.zone, **how)

    async def follow(self, **how: Any) -> RoutineLoop:
        """Return a loop that has read everything and made all days."""
        loop = self.loop(**how)
        for _ in range(40):
            if not await loop.once(self.conn):
                break
        await loop.once(self.conn)
        return loop

    async def alerts(self) -> list[tuple[str, int]]:
        """Return (rule, severity) of every alert."""
        return [(str(rule), int(severity)) for rule, severity in await self.hub.rows(
            "select rule, severity from alert order by raised_at, alert_id"
        )]  # fmt: skip

    async def incidents(self) -> int:
        return int(await self.hub.one("select count(*) from incident"))


async def settle(home: Home) -> None:
    """The sensors are known: they were learnt in the past."""
    for address, sign in ((PIR, 1), (DOOR, 2), (METER, 5)):
        await home.conn.execute(
            "insert into home_sensor (device_id, sign, first_at) values (%s, %s, now()) on conflict do nothing",
            (home.device[address], sign),
        )


@pytest.fixture
async def home(anyio_backend: str, dsn: str) -> AsyncIterator[Home]:
    now = datetime.fromtimestamp(time.time(), UTC)
    with psycopg.connect(dsn, autocommit=True) as sync:
        row = sync.execute(
            "insert into resident (name, area, created_at) values ('长者', '和平社区', now()) returning id"
        ).fetchone()
        assert row is not None
        resident, device = int(row[0]), {}
        for address in (PIR, DOOR, METER, WATCH):
            found = sync.execute(
                "insert into device (address, adapter, resident_id, state, deadline_s, created_at, bound_at)"
                " select %s, 'test', %s, 'live', 0, t, t from (select now() - interval '60 days') s (t) returning id",
                (address, resident),
            ).fetchone()
            assert found is not None
            device[address] = int(found[0])
    async with await connect(dsn) as conn, Ingest(settings(), dsn) as ingest:
        made = Home(dsn=dsn, conn=conn, hub=Hub(ingest, conn), zone=eleven_o_clock(now), resident=resident,
                    device=device)  # fmt: skip
        await settle(made)
        yield made
