"""Follows the cases for the supervisor: tells calls as their events do, and makes the work orders that are wanted."""

from dataclasses import dataclass
from typing import Self
from zoneinfo import ZoneInfo

from hub.config import Settings
from hub.loops.turns import take_turns
from hub.store import service_levels, work_orders
from hub.store.pool import Connection, hub_now

EVERY_S = 10.0
BOOKED_EVERY = 30  # turns between two lookings for work: five minutes


@dataclass(kw_only=True)
class OversightLoop:
    """Runs until cancelled."""

    dsn: str
    zone: ZoneInfo
    turn: int = 0

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(dsn=settings.database.dsn, zone=ZoneInfo(settings.console.zone))

    async def run(self) -> None:
        await take_turns(self.dsn, "oversight", self.once, every_s=EVERY_S)

    async def once(self, conn: Connection) -> bool:
        """Do one turn's work; True when there is more of it."""
        now = await hub_now(conn)
        more = await service_levels.read_cases(conn, now)
        if not more and self.turn % BOOKED_EVERY == 0:
            await work_orders.book(conn, now, self.zone)
        self.turn += not more
        return more
