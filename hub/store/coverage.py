"""What coverage stands on, read from the database, and the holes it found, written back for the supervisor."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from psycopg.rows import dict_row

from alerts import coverage, duty
from alerts.coverage import Coverage
from alerts.holes import Hole, HoleKind, holes, urgency
from alerts.model import Role
from alerts.town import HOURS, RADIUS_MIN, Helper, Household, Link, Town
from hub.holidays import china
from hub.store import policies, rosters
from hub.store.pool import Connection, hub_now
from hub.store.sql import queries

Q = queries("coverage")
Row: TypeAlias = dict[str, Any]
HOLES_KEPT = 20_000  # the worst first; beyond it a town has other worries than the rest of the list
WORK_SHOWN = 500
MAX_DAYS = 60  # shifts are laid out no farther
RESIDENTS_AT_ONCE = 20_000  # of some areas, worked out together: 4 kB each while it lasts
LOCK = 0x0CA2F  # one computation at a time, whoever runs it


@dataclass(frozen=True, kw_only=True)
class Run:
    """When the holes were worked out, and from how much."""

    at: datetime
    residents: int
    hours: int
    covered: float
    took_s: float
    radius_min: float


async def town(
    conn: Connection, *, areas: Sequence[str] | None = None, resident: int | None = None, hours: int = HOURS,
    radius_min: float = RADIUS_MIN,
) -> Town:  # fmt: skip
    """Read everything coverage stands on, from the full hour that runs now; of some areas, or of all."""
    some = None if areas is None else list(areas)
    async with conn.transaction():
        now = await hub_now(conn)
        start = now.replace(minute=0, second=0, microsecond=0)
        if some is not None:  # of a large town these are few: each by its index
            await conn.execute("set local enable_seqscan = off")
        homes = await (await conn.execute(Q.households, {"areas": some, "resident": resident})).fetchall()
        helpers = await (await conn.execute(Q.helpers, {"areas": some})).fetchall()
        lists = await rosters.lists_of(conn, start, start + timedelta(hours=hours))
        active = await policies.active(conn)
        chosen = policies.published(policies.standard()) if active is None else await policies.version(conn, active)
    return Town(
        households=tuple(_household(row) for row in homes), helpers=tuple(_helper(row) for row in helpers),
        since=now, duty=duty.spans(lists, start, start + timedelta(hours=hours)), policies=chosen, from_hour=start,
        hours=hours, radius_min=radius_min,
    )  # fmt: skip


def _household(row: Sequence[Any]) -> Household:
    number, area, lat, lon, people, minutes = row
    circle = tuple(Link(person_id=p, minutes=m) for p, m in zip(people, minutes, strict=True))
    return Household(resident_id=number, area=area, lat=lat, lon=lon, circle=circle)


def _helper(row: Sequence[Any]) -> Helper:
    number, role, area, lat, lon, channels, keeps_hours = row
    return Helper(
        person_id=number, role=Role(role), area=area, lat=lat, lon=lon, channels=frozenset(channels),
        keeps_hours=keeps_hours or role != Role.NEIGHBOUR,
    )  # fmt: skip


def at_once(_: float) -> None:
    """Do not rest between parts."""


async def recompute(
    conn: Connection, *, hours: int = HOURS, radius_min: float = RADIUS_MIN, rest: Callable[[float], None] = at_once
) -> Run:
    """Work everything out and write the holes. Seconds of arithmetic for a town: not on a loop that others share.

    Some areas at a time: what is known of a million homes would be gigabytes at once. `rest` is told the seconds that
    a part took, and may hold the next one up or raise.
    """
    began = part_began = time.monotonic()
    gaps: list[Hole] = []
    mute: list[Hole] = []
    residents, covered = 0, 0.0
    for number, areas in enumerate(await _in_parts(conn)):
        if number:
            rest(time.monotonic() - part_began)
        part_began = time.monotonic()
        of = await town(conn, areas=areas, hours=hours, radius_min=radius_min)
        found = coverage.coverage(of)
        gaps = sorted([*gaps, *holes(found)], key=urgency)[:HOLES_KEPT]
        mute += _mute(found, of)
        residents += len(of.households)
        covered += found.covered * len(of.households)
    async with conn.transaction():
        await conn.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
        now = await hub_now(conn)
        every = [*gaps, *mute, *await _unproved(conn, now), *await _calendar(conn, now, hours)]
        await conn.execute(Q.forget)
        async with conn.cursor() as cursor, cursor.copy(Q.remember) as copy:
            for hole in every[:HOLES_KEPT]:
                await copy.write_row((
                    hole.kind, hole.area, hole.roster, list(hole.residents), list(hole.people), hole.first_hour,
                    hole.last_hour, hole.minutes,
                ))  # fmt: skip
        run = Run(
            at=now, residents=residents, hours=hours, covered=covered / residents if residents else 1.0,
            took_s=round(time.monotonic() - began, 3), radius_min=radius_min,
        )  # fmt: skip
        await conn.execute(Q.ran, vars(run))
    return run


async def _in_parts(conn: Connection) -> list[list[str] | None]:
    """Return areas that are looked at together; None, all of them, in a town that is looked at in one go."""
    sizes = [(str(area), int(count)) for area, count in await (await conn.execute(Q.sizes)).fetchall()]
    if sum(count for _, count in sizes) <= RESIDENTS_AT_ONCE:
        return [None]
    parts: list[list[str] | None] = []
    room = 0
    for area, count in sizes:
        if not parts or count > room:
            parts.append([])
            room = RESIDENTS_AT_ONCE
        part = parts[-1]
        assert part is not None
        part.append(area)
        room -= count
    return parts


def _mute(found: Coverage, of: Town) -> Iterator[Hole]:
    """Yield people nobody could reach: to be found now, not in the emergency."""
    area = dict(zip(found.residents.tolist(), found.areas, strict=True))
    last = of.from_hour + timedelta(hours=of.hours - 1)
    for person_id, residents in sorted(found.mute.items()):
        mine = tuple(sorted(residents))
        yield Hole(
            kind=HoleKind.UNREACHABLE, area=area[mine[0]], residents=mine, people=(person_id,), first_hour=of.from_hour,
            last_hour=last,
        )  # fmt: skip


async def _unproved(conn: Connection, now: datetime) -> list[Hole]:
    wanting = frozenset(row.name for row in await rosters.rosters(conn) if row.needs_check_in)
    lists = await rosters.lists_of(conn, now - duty.UNPROVED_AFTER, now + timedelta(hours=1))
    hour = now.replace(minute=0, second=0, microsecond=0)
    return [
        Hole(kind=HoleKind.UNPROVED, roster=s.roster, people=(s.person_id,), first_hour=hour, last_hour=hour)
        for s in rosters.unproved(lists, wanting, now)
    ]


async def _calendar(conn: Connection, now: datetime, hours: int) -> list[Hole]:
    """Rotations that need holidays nobody has announced yet: laid out as if only weekends were free."""
    end = now + timedelta(hours=hours)
    found = []
    for _, rotation in await rosters.rotations(conn):
        zone = ZoneInfo(rotation.zone)
        day = duty.unknown_from(rotation, china(), now.astimezone(zone).date(), end.astimezone(zone).date())
        if day is not None:
            first = duty.instant(zone, day, datetime.min.time())
            found.append(Hole(kind=HoleKind.CALENDAR, roster=rotation.roster, first_hour=first, last_hour=end))
    return found


# ---- what the supervisor reads ----


async def last_run(conn: Connection) -> Run | None:
    row = await (await conn.execute(Q.last_run)).fetchone()
    names = ("at", "residents", "hours", "covered", "took_s", "radius_min")
    return Run(**dict(zip(names, row, strict=True))) if row else None


async def work(
    conn: Connection, *, area: str | None = None, resident: int | None = None, limit: int = WORK_SHOWN
) -> list[Row]:
    """Holes as lines of work, worst and soonest first."""
    return await _rows(conn, Q.work, area=area, resident=resident, limit=limit)


async def lists_of_areas(conn: Connection, areas: Sequence[str]) -> dict[str, list[str]]:
    """Return the duty lists of those who serve some areas, by area."""
    found: dict[str, list[str]] = {}
    for row in await _rows(conn, Q.lists_of_areas, areas=sorted(set(areas))):
        found.setdefault(row["area"], []).append(row["roster"])
    return found


async def gaps(conn: Connection, kind: str, area: str, roster: str, *, limit: int = 200) -> list[Row]:
    """The single holes behind one line of work."""
    return await _rows(conn, Q.gaps, kind=kind, area=area, roster=roster, limit=limit)


async def residents(conn: Connection, numbers: Sequence[int]) -> list[Row]:
    return await _rows(conn, Q.residents_of, residents=list(numbers))


async def names(conn: Connection, numbers: Sequence[int]) -> dict[int, str]:
    return {row["id"]: row["name"] for row in await _rows(conn, Q.names_of, people=list(numbers))}


async def areas(conn: Connection) -> list[str]:
    return [row["area"] for row in await _rows(conn, Q.areas)]


async def _rows(conn: Connection, query: bytes, **values: Any) -> list[Row]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, values)
        return await cursor.fetchall()
