"""What passes by the hour in a hub whose time is moved by hand: one table, in the order in which it is done."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from alerts.town import RADIUS_MIN
from hub import clock, upkeep
from hub.channels import Channel
from hub.config import Settings
from hub.ingest import Ingest
from hub.loops.asker import Asker
from hub.loops.auditor import Auditor
from hub.loops.fleet import FleetLoop
from hub.loops.linker import Linker
from hub.loops.oversight import OversightLoop
from hub.loops.routine import RoutineLoop
from hub.loops.teller import Teller
from hub.store import coverage, homes
from hub.store.pool import Connection, Pool, connect, hub_now, tuned

MINUTE = timedelta(minutes=1)
COVER_HOURS = 24  # looked ahead: what a town asks of its coverage is whether anybody is there today
TURNS = 20  # of one work at one moment; what is left then waits for its next moment
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
log = structlog.get_logger()


@dataclass(kw_only=True)
class Work:
    """Something that is done every so often of simulated time. `do` returns whether there is more of it."""

    name: str
    every: timedelta
    do: Callable[[], Awaitable[Any]]
    after: datetime = EPOCH  # done last

    def due(self) -> datetime:
        """Return when it is done next: at whole multiples, so that works meet at one moment."""
        return EPOCH + (1 + (self.after - EPOCH) // self.every) * self.every

    async def once(self, at: datetime) -> None:
        self.after = at
        for _ in range(TURNS):
            if await self.do() is not True:
                return


async def works(
    stack: AsyncExitStack, settings: Settings, ingest: Ingest, pool: Pool, *, channels: dict[str, Channel],
    auditor: Auditor,
) -> Sequence[Work]:  # fmt: skip
    """Return everything that is done by the hour, each on a connection of its own where it keeps one."""
    dsn = settings.database.dsn

    async def own(name: str, *, address: str = tuned(dsn)) -> Connection:
        # Planned once: many partitions cost more to plan for at every look than the look itself.
        return await stack.enter_async_context(await connect(address, name=f"carehub {name}"))

    writing, looking, watching = [await own(name) for name in ("writing", "oversight", "audit")]
    following = await own("homes", address=dsn)  # as in production: planned for any batch it would read a whole day
    every = timedelta(minutes=2)
    zone = OversightLoop.of(settings).zone
    routine = RoutineLoop(dsn=dsn, zone=zone, every_s=every.total_seconds())
    await homes.alone(following)
    oversight, fleet = OversightLoop.of(settings), FleetLoop.of(settings)
    asker = Asker(pool=pool, channels=channels, public_url=settings.public_url, link_key=settings.secrets.link_key)
    linker, teller, kept = Linker(pool=pool), Teller(pool=pool, channels=channels), upkeep.kept_for(settings.ingest)
    auditor.since = await hub_now(watching)

    async def kept_up() -> None:
        await upkeep.once(writing, clock.now(), kept, zone)

    async def covered() -> None:
        await coverage.recompute(looking, hours=COVER_HOURS, radius_min=RADIUS_MIN)

    return (
        Work(name="ticks", every=MINUTE / 2, do=ingest.pass_time),
        Work(name="supervision", every=MINUTE, do=lambda: ingest.write_behind(writing)),
        Work(name="homes", every=every, do=lambda: routine.once(following)),
        Work(name="links", every=2 * MINUTE, do=linker.once),
        Work(name="contacts asked", every=10 * MINUTE, do=asker.once),
        Work(name="work orders told", every=10 * MINUTE, do=teller.once),
        Work(name="oversight", every=5 * MINUTE, do=lambda: oversight.once(looking)),
        Work(name="audit", every=15 * MINUTE, do=lambda: auditor.look(watching)),
        Work(name="fleet", every=120 * MINUTE, do=lambda: fleet.once(looking)),
        Work(name="checkpoint", every=30 * MINUTE, do=lambda: ingest.checkpoint(writing)),
        Work(name="upkeep", every=360 * MINUTE, do=kept_up),
        Work(name="coverage", every=120 * MINUTE, do=covered),
    )
