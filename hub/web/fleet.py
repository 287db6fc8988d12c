"""The devices in use: gateways down, silent ones, batteries and visits, which model has to be pressed twice."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Request
from starlette.responses import Response

from alerts.supervision_attempts import FEW, Attempts
from hub.store import falls
from hub.store import fleet as store
from hub.store.fleet import SHOWN, WORN_DAYS, Fleet, Wish
from hub.store.pool import Connection, hub_now
from hub.store.telemetry import clean
from hub.web import glass
from hub.web.auth import Seat
from hub.web.frame import MOST, FormOf, PartsOf, SeatOf, go, render, text

router = APIRouter()
VisitId = Annotated[int, Path(ge=1, le=MOST)]
NOTE_LENGTH = 300


@router.get("/fleet")
async def page(
    request: Request, who: SeatOf, has: PartsOf, model: str | None = None, area: str | None = None
) -> Response:
    wish = Wish(model=clean(model) if model else None, area=clean(area) if area else None)
    async with has.pool.connection() as conn:
        now = await hub_now(conn)
        today = now.astimezone(has.zone).date()
        found = await _seen(conn, who, await store.fleet(conn, wish, now, today))
        told = {
            "models": await falls.by_model(conn, wish, today, has.zone),
            "wearers": await _wearers(conn, who, await falls.by_wearer(conn, wish, today, has.zone)),
        }
    return render(
        request, "fleet.html", who, here="fleet", fleet=found, wish=wish, today=today, shown=SHOWN, few=FEW,
        worn_days=WORN_DAYS, scale=_scale(found.league), models=[one.model for one in found.league],
        falls=told, falls_days=falls.OVER_DAYS,
    )  # fmt: skip


@router.post("/fleet/visits/{number}/done")
async def visit_done(request: Request, number: VisitId, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    """Somebody was there and did something about the battery."""
    async with has.pool.connection() as conn, conn.transaction():
        if not await store.visit_done(conn, number, f"person:{who.person_id}", text(form, "note", NOTE_LENGTH)):
            raise HTTPException(404)
    return go("/fleet#visits")


async def _seen(conn: Connection, who: Seat, found: Fleet) -> Fleet:
    """Return the same without the names of residents whose records are shut to this person."""
    lists: dict[str, Any] = {
        name: await glass.masked(conn, who, getattr(found, name), name="resident", empty={"home": "", "note": ""})
        for name in ("silent", "batteries", "worn", "visits", "done")
    }
    return replace(found, **lists)


async def _wearers(conn: Connection, who: Seat, lines: Sequence[falls.Line]) -> list[falls.Line]:
    shown = await glass.masked(conn, who, [one.about for one in lines], name="resident")
    return [replace(one, about=about) for one, about in zip(lines, shown, strict=True)]


def _scale(league: list[Attempts] | object) -> float:
    """Return the share at the right end of the bars: the worst upper end, in steps of a tenth."""
    ends = [one.interval[1] for one in league] if isinstance(league, list) else []
    return max(0.1, -(-max(ends, default=0.1) * 10 // 1) / 10)
