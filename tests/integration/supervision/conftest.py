"""A hub whose devices fall silent: the ingest of tests/integration/ingest, and gateways with devices behind them."""

import time
from collections.abc import AsyncIterator

import psycopg
import pytest

from hub.ingest import Ingest
from hub.store.pool import connect
from tests.integration.ingest.conftest import Hub, settings

BASE = "home7/zigbee2mqtt"
TICK_S = 20.0  # longer than a minute would be a hub that was away
BRIDGE = f"z2m:{BASE}/bridge"


class District(Hub):
    """What a test does with supervised devices. `crash` and a new ingest are the test's own business."""

    def sensor(self, name: str, base: str = BASE, **said: object) -> None:
        """A Zigbee device says something."""
        self.send(f"{base}/{name}", {"linkquality": 90, **said}, at_ms=self.ms(self.passed_s))

    async def silent_alerts(self) -> list[tuple[str, str]]:
        """Return (rule, address) of every alert about silence, in order."""
        return [(str(rule), str(address)) for rule, address in await self.rows(
            "select a.rule, d.address from alert a join device d on d.id = a.device_id"
            " where a.rule in ('T3', 'T3G') order by a.raised_at, a.alert_id"
        )]  # fmt: skip

    began_s = 0.0
    passed_s = 0.0

    async def pass_until(self, seconds: float) -> None:
        """Let time pass for the detectors until so long after the first call; what was found is committed and written.

        From then on the test's ticks are the only ones.
        """
        for task in self.ingest._tasks:
            if task.get_name() == "ticks":
                task.cancel()
        self.began_s = self.began_s or time.time()
        while self.passed_s < seconds:
            self.passed_s = min(seconds, self.passed_s + TICK_S)
            await self.ingest.observer.tick(self.ms(self.passed_s))
        await self.done()
        await self.written()

    def ms(self, seconds: float) -> int:
        """Return the moment so long after the first call of `pass_until`, in milliseconds."""
        return int(((self.began_s or time.time()) + seconds) * 1000)

    async def written(self) -> None:
        """Write what supervision writes behind, now."""
        async with await connect(self.ingest._dsn) as conn:
            await self.ingest._supervised.once(conn, everything=True)


def add_device(dsn: str, address: str, *, deadline_s: int | None = None, state: str = "live", model: str = "",
               resident: str = "长者", bound: str = "now()") -> int:  # fmt: skip
    """Register a resident with one device; returns the device's number."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        row = conn.execute(
            "with r as (insert into resident (name, area, created_at) values (%(name)s, '和平社区', now())"
            " returning id)"
            " insert into device (address, resident_id, state, deadline_s, model, created_at, bound_at)"
            f" select %(address)s, id, %(state)s, %(deadline)s, %(model)s, {bound}, {bound} from r returning id",
            {"name": resident, "address": address, "state": state, "deadline": deadline_s, "model": model},
        ).fetchone()
        assert row is not None
        conn.execute("notify carehub_config")
        return int(row[0])


def add_flat(dsn: str, count: int, deadline_s: int = 60, base: str = BASE) -> list[str]:
    """Register so many sensors behind one gateway; returns their names."""
    names = [f"sensor {number}" for number in range(count)]
    for name in names:
        add_device(dsn, f"z2m:{base}/{name}", deadline_s=deadline_s)
    return names


@pytest.fixture
async def district(dsn: str) -> AsyncIterator[District]:
    """A running ingest; devices are added by the test before it speaks for them."""
    async with await connect(dsn) as conn, Ingest(settings(), dsn) as ingest:
        yield District(ingest, conn)
