"""The clock that stands and is moved by hand, and what is due by it."""

from datetime import datetime, timedelta
from typing import NamedTuple

from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("lockstep")


class Look(NamedTuple):
    """What is to be done at this moment, and when something is next."""

    timers: bool
    pages: bool
    words: list[int]  # to devices, not acknowledged
    next_due: datetime | None
    open_cases: int


async def begin(conn: Connection, at: datetime) -> datetime:
    """Let the clock stand, and return where: one that stands later already stays there."""
    row = await (await conn.execute(Q.begin, {"at": at})).fetchone()
    assert row is not None
    stands: datetime = row[0]
    return stands


async def move(conn: Connection, at: datetime) -> bool:
    """Move it. False: it stands later."""
    return await (await conn.execute(Q.move, {"at": at})).fetchone() is not None


async def look(conn: Connection, failed: set[int]) -> Look:
    """Look what is due; not at timers that failed at this moment."""
    row = await (await conn.execute(Q.look, {"failed": sorted(failed)})).fetchone()
    assert row is not None
    return Look(*row)


async def due_timers(conn: Connection, failed: set[int]) -> list[tuple[int, timedelta]]:
    """Return the cases whose timer is due and how late it is, in the order in which they fire."""
    rows = await (await conn.execute(Q.due_timers, {"failed": sorted(failed)})).fetchall()
    return [(int(incident), late) for incident, late in rows]
