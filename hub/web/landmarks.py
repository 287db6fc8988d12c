"""What stands on everybody's map: defibrillators, keys, gates, clinics; listed, put there, moved and taken away."""

import math
from typing import Annotated, Any, Final

import structlog
from fastapi import APIRouter, HTTPException, Path, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from alerts.places import wgs84_of_gcj02
from hub.map_settings import DATUMS
from hub.store.console import row, rows
from hub.store.sql import queries
from hub.web.auth import Seat
from hub.web.frame import MOST, FormFaultError, FormOf, Parts, PartsOf, SeatOf, go, number, render, text
from hub.web.words import speaker

router = APIRouter(prefix="/registry/landmarks")
log = structlog.get_logger()
Q = queries("desk")
KINDS: Final = ("aed", "key", "gate", "clinic")
SHOWN = 1000
LandmarkId = Annotated[int, Path(ge=1, le=MOST)]


@router.get("")
async def page(request: Request, who: SeatOf, has: PartsOf, edit: str = "") -> Response:
    return await _page(request, who, has, edit=int(edit) if edit.isdecimal() else None)


@router.post("")
async def put(request: Request, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    """A new one; with a number, that one as it is now said to be."""
    typed = {name: text(form, name, 200) for name in ("kind", "name", "note", "lat", "lon", "datum")}
    typed["id"], moved = text(form, "id", 20), number(form, "id")
    try:
        values = _read(form)
    except FormFaultError as fault:
        return await _page(request, who, has, typed=typed, problem=fault.word, status=422)
    async with has.pool.connection() as conn:
        if moved is None:
            await conn.execute(Q.place_landmark, values)
        elif await row(conn, Q.move_landmark, id=moved, **values) is None:
            return await _page(request, who, has, typed=typed, problem="landmarks.taken", status=409)
    log.info("landmark_put", kind=values["kind"], by=who.person_id)
    return go("/registry/landmarks")


@router.post("/{landmark_id}/remove")
async def remove(landmark_id: LandmarkId, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    async with has.pool.connection() as conn:
        if await row(conn, Q.remove_landmark, id=landmark_id) is None:
            raise HTTPException(404)
    log.info("landmark_removed", landmark_id=landmark_id, by=who.person_id)
    return go("/registry/landmarks")


def _read(form: FormData) -> dict[str, Any]:
    """Return what a form says, in WGS-84; raises FormFaultError."""
    kind, name, datum = text(form, "kind", 10), text(form, "name", 60), text(form, "datum", 10) or "wgs84"
    if kind not in KINDS or not name or datum not in DATUMS:
        raise FormFaultError("landmarks.incomplete")
    try:
        lat, lon = float(text(form, "lat", 30)), float(text(form, "lon", 30))
    except ValueError:
        raise FormFaultError("landmarks.place") from None
    if not (math.isfinite(lat) and math.isfinite(lon) and abs(lat) <= 90 and abs(lon) <= 180):
        raise FormFaultError("landmarks.place")
    if datum == "gcj02":
        lat, lon = map(float, wgs84_of_gcj02(lat, lon))
    return {"kind": kind, "name": name, "note": text(form, "note", 200), "lat": lat, "lon": lon}


async def _page(
    request: Request, who: Seat, has: Parts, *, edit: int | None = None, typed: dict[str, Any] | None = None,
    problem: str = "", status: int = 200,
) -> Response:  # fmt: skip
    async with has.pool.connection() as conn:
        found = await rows(conn, Q.all_landmarks, limit=SHOWN)
    chosen = next((one for one in found if one["id"] == edit), None)
    blank: dict[str, Any] = {"id": "", "kind": "aed", "name": "", "note": "", "lat": "", "lon": "", "datum": "wgs84"}
    return render(
        request, "landmarks.html", who, status=status, here="registry", tab="landmarks", found=found, kinds=KINDS,
        datums=DATUMS, typed=blank | (chosen or {}) | (typed or {}), limit=SHOWN,
        problem=speaker(who.language)(problem) if problem else "",
    )  # fmt: skip
