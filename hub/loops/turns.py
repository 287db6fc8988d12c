"""Work done in turns over one connection of its own: again soon while there is more, again later when there is not."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from hub.steady import Backoff, Steady, database_fault
from hub.store.pool import Connection

STANDBY_S = 10.0  # another does it; the lock is asked for so often
HASTE = 10  # while there is more, the rest between two turns is this many times shorter

log = structlog.get_logger()


async def _whoever(_: Connection) -> bool:
    return True


async def one_after_another(name: str, once: Callable[[], Awaitable[bool]], *, every_s: float) -> None:
    """Run until cancelled: while `once` finds something, then again after a rest.

    For errands beside the calls for help: whatever goes wrong with one, those are made all the same.
    """
    while True:
        try:
            while await once():
                pass
        except Exception as err:
            log.warning("errand_waits", errand=name, error=type(err).__name__)
        await asyncio.sleep(every_s)


async def take_turns(
    dsn: str,
    name: str,
    once: Callable[[Connection], Awaitable[bool]],
    *,
    every_s: float,
    alone: Callable[[Connection], Awaitable[bool]] = _whoever,
    forget: Callable[[], None] = lambda: None,
) -> None:
    """Run until cancelled. A database that is away is waited for; a fault of ours ends nothing else in the process.

    Args:
        once: one turn; True when there is more to do.
        alone: whether this session is the one that works, asked once a session; it keeps its lock while it lives.
        forget: what is known is of no use any more: another has worked meanwhile, or a turn failed half-way.
    """
    backoff = Backoff()
    async with Steady(dsn, f"carehub {name}") as steady:
        mine: Connection | None = None  # the session that may work
        while True:
            try:
                conn = await steady.get()
                if mine is not conn and not await alone(conn):
                    forget()
                    await asyncio.sleep(STANDBY_S)
                    continue
                mine = conn
                more = await once(conn)
                backoff.reset()
            except Exception as err:
                if database_fault(err):
                    log.warning("loop_waits_for_database", loop=name, error=type(err).__name__, detail=str(err)[:200])
                    await asyncio.sleep(backoff.next_s())
                else:
                    log.exception("loop_failed", loop=name)
                    forget()
                    await asyncio.sleep(every_s)
                continue
            await asyncio.sleep(every_s / HASTE if more else every_s)
