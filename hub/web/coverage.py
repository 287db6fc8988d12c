"""The supervisor's coverage page: holes as work to do, and every resident hour by hour."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import numpy as np
from fastapi import APIRouter, HTTPException, Path, Request
from starlette.responses import Response

from alerts.comers import comers
from alerts.coverage import Cover, Coverage, coverage
from alerts.holes import HoleKind
from alerts.town import HOUR, HOURS, RADIUS_MIN
from hub.store import coverage as store
from hub.store.coverage import Row
from hub.store.pool import Connection
from hub.store.telemetry import clean
from hub.web import glass
from hub.web.auth import Seat
from hub.web.frame import MOST, PartsOf, SeatOf, render
from hub.web.words import duty

router = APIRouter()
ResidentId = Annotated[int, Path(ge=1, le=MOST)]
STRIPS = 60  # residents drawn at once, the worst first
# Somebody more on duty fills these; the others want a telephone number, a place or a calendar.
MENDED_BY_A_SHIFT = frozenset({HoleKind.NOBODY, HoleKind.LAST_RESORT, HoleKind.ONLY_FAMILY_FAR, HoleKind.FAR})
LISTED = 3  # duty lists linked in a line of work
NAMED = 4  # residents named in a line of work
DRAWN_AT_ONCE = asyncio.Semaphore(1)  # an area is a second of arithmetic: a click at a time


@dataclass(frozen=True, kw_only=True)
class Strip:
    """One resident's hours: runs of (first column, length, code)."""

    resident_id: int
    name: str
    address: str
    runs: tuple[tuple[int, int, int], ...]
    share: float


@router.get("/coverage")
async def page(request: Request, who: SeatOf, has: PartsOf, area: str | None = None) -> Response:
    chosen = clean(area) if area is not None else None
    async with has.pool.connection() as conn:
        run, work, areas = await store.last_run(conn), await store.work(conn, area=chosen), await store.areas(conn)
        named = await _named(conn, who, work)
        lists = await store.lists_of_areas(conn, [row["area"] for row in work if row["kind"] in MENDED_BY_A_SHIFT])
        radius = run.radius_min if run else RADIUS_MIN
        strips, of = await _strips(conn, who, chosen, radius) if chosen is not None and not who.scoped else ([], None)
    totals = {str(row["kind"]): 0 for row in work}
    for row in work:
        totals[row["kind"]] += row["hours"]
    return render(
        request, "coverage.html", who, here="coverage", run=run, work=work, areas=areas, area=chosen, named=named,
        strips=strips, radius=radius, nobody=totals.get("nobody", 0), codes=[int(c) for c in Cover],
        days=_days(of, has.zone) if of is not None else [], hours=HOURS if of is None else of.codes.shape[1],
        after=lambda at: at + timedelta(hours=1), lists=lists, by_a_shift=MENDED_BY_A_SHIFT, listed=LISTED,
        week=lambda at: f"{at.astimezone(has.zone):%Y-%m-%d}",
    )  # fmt: skip


@router.get("/coverage/residents/{resident}")
async def resident_page(request: Request, resident: ResidentId, who: SeatOf, has: PartsOf) -> Response:
    """Who could come to one resident, in how many minutes, and what calls them."""
    async with has.pool.connection() as conn:
        homes, run = await _homes(conn, who, [resident]), await store.last_run(conn)
        radius = run.radius_min if run else RADIUS_MIN
        town = await store.town(conn, resident=resident, radius_min=radius)
        if not homes or not town.households:
            raise HTTPException(404)
        async with DRAWN_AT_ONCE:
            told = await asyncio.to_thread(comers, town, resident)
        people = await store.names(conn, sorted({c.person_id for run in told for c in run.people}))
    return render(
        request, "coverage_resident.html", who, here="coverage", home=homes[0], runs=told, people=people, duty=duty,
        after=lambda at, hours: at + timedelta(hours=hours), zone=has.zone.key, hours=town.hours,
        strip=_strips_of([(int((r.first_hour - town.from_hour) / HOUR), r.hours, int(r.code)) for r in told]),
    )  # fmt: skip


def _strips_of(runs: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Return runs as they are drawn: neighbours of the same code as one."""
    drawn: list[tuple[int, int, int]] = []
    for first, length, code in runs:
        if drawn and drawn[-1][2] == code:
            first, before, _ = drawn.pop()  # noqa: PLW2901 - the neighbour's beginning
            length += before  # noqa: PLW2901
        drawn.append((first, length, code))
    return drawn


async def _homes(conn: Connection, who: Seat, numbers: Sequence[int]) -> list[Row]:
    """Return residents as this person may see them."""
    return await glass.masked(conn, who, await store.residents(conn, numbers), by="id", empty={"address": ""})


async def _named(conn: Connection, who: Seat, work: Sequence[Row]) -> dict[str, dict[int, str]]:
    homes = {number for row in work for number in row["residents"][:NAMED]}
    people = {number for row in work for number in row["people"][:NAMED]}
    return {
        "residents": {row["id"]: row["name"] for row in await _homes(conn, who, sorted(homes))},
        "people": await store.names(conn, sorted(people)),
    }


async def _strips(conn: Connection, who: Seat, area: str, radius_min: float) -> tuple[list[Strip], Coverage]:
    """Work one area out now, off this loop, and draw its worst residents."""
    town = await store.town(conn, areas=[area], radius_min=radius_min)
    async with DRAWN_AT_ONCE:
        found = await asyncio.to_thread(coverage, town)
    order = np.argsort(-found.codes.astype(np.int32).sum(axis=1), kind="stable")[:STRIPS]
    homes = {row["id"]: row for row in await _homes(conn, who, [int(n) for n in found.residents[order]])}
    strips = []
    for row in order:
        home: dict[str, Any] = homes.get(int(found.residents[row]), {"name": "?", "address": ""})
        share = float((found.codes[row] == Cover.COVERED).mean())
        strips.append(
            Strip(
                resident_id=int(found.residents[row]),
                name=home["name"],
                address=home["address"],
                runs=tuple(_runs(found.codes[row])),
                share=share,
            )
        )
    return strips, found


def _runs(codes: Iterable[Any]) -> Iterable[tuple[int, int, int]]:
    first = 0
    for code, group in groupby(int(c) for c in codes):
        length = sum(1 for _ in group)
        yield first, length, code
        first += length


def _days(found: Coverage, zone: ZoneInfo) -> list[tuple[int, str]]:
    """Return the columns at which a day begins on the wall, with its date."""
    marks = []
    for hour in range(found.codes.shape[1]):
        at: datetime = (found.from_hour + timedelta(hours=hour)).astimezone(zone)
        if at.hour == 0:
            marks.append((hour, f"{at:%m-%d}"))
    return marks
