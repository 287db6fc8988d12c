"""Taking a duty-list file into the database: first what would change, then, in one transaction, the change."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alerts.duty import Shift
from hub.roster_files import People
from hub.store import rosters
from hub.store.pool import Connection, hub_now
from hub.store.rosters import Q

AROUND = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True)
class Import:
    """What a file changes: shifts that are new, that are there already, and that go (with their numbers)."""

    new: tuple[Shift, ...] = ()
    same: tuple[Shift, ...] = ()
    gone: dict[int, Shift] = field(default_factory=dict)


async def people(conn: Connection) -> People:
    """Return everybody who may be on a list, by everything they are called."""
    names = await (await conn.execute(Q.names)).fetchall()
    mailboxes = await (await conn.execute(Q.mailboxes)).fetchall()
    return People.of(names, [(row[0], row[1]) for row in mailboxes])


async def zones(conn: Connection) -> dict[str, str]:
    """Return the wall time of every named list."""
    return {row.name: row.zone for row in await rosters.rosters(conn) if row.name}


async def plan(conn: Connection, shifts: Sequence[Shift], *, replace: bool = False) -> Import:
    """Say what a file's shifts would change, and change nothing.

    With `replace`, shifts to come of the same lists in the same stretch of time that the file does not name go. Those
    of rotations stay: they would come back.
    """
    if not shifts:
        return Import()
    first, last = min(s.start for s in shifts), max(s.start for s in shifts)
    now = await hub_now(conn)
    lists = {s.roster for s in shifts}
    stored = [
        row for row in await rosters.shifts(conn, _after(first), _before(last)) if row.shift.roster in lists
    ]  # fmt: skip
    have = {row.shift for row in stored}
    gone = {
        row.shift_id: row.shift
        for row in stored
        if replace and row.source != "rotation" and row.shift not in set(shifts)
        and max(first, now) <= row.shift.start <= last
    }  # fmt: skip
    return Import(new=tuple(s for s in shifts if s not in have), same=tuple(s for s in shifts if s in have), gone=gone)


async def take(conn: Connection, shifts: Sequence[Shift], *, replace: bool = False) -> Import:
    """Do what `plan` says, all of it or nothing."""
    async with conn.transaction():
        for roster in sorted({s.roster for s in shifts}):
            await conn.execute(Q.lock_roster, {"name": roster})
        planned = await plan(conn, shifts, replace=replace)
        if planned.gone:
            await conn.execute(Q.drop_shifts, {"ids": list(planned.gone)})
        if planned.new:
            await rosters.add_shifts(conn, planned.new, source="import")
    return planned


def _after(at: datetime) -> datetime | None:
    return None if at.year == 1 else at


def _before(at: datetime) -> datetime:
    return at + AROUND
