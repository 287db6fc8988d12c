"""Where it is: home, last position, who comes, what stands near. The browser draws it."""

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path
from starlette.responses import JSONResponse, Response

from alerts.nearness import distance_km
from hub.store import console as store
from hub.store.console import Row, row, rows
from hub.store.sql import queries
from hub.web import glass, views
from hub.web.frame import PartsOf, SeatOf

router = APIRouter()
Q = queries("desk")
IncidentId = Annotated[int, Path(ge=1, lt=2**63)]
AROUND_DEG = 0.006  # of latitude: some 650 m, as far as one runs for a defibrillator
THERE, GOES = frozenset({"arrived", "handed_over"}), frozenset({"accept", "en_route"})


@router.get("/incidents/{incident_id}/map")
async def places(incident_id: IncidentId, who: SeatOf, has: PartsOf) -> Response:
    async with has.pool.connection() as conn:
        it = await row(conn, store.Q.incident, incident=incident_id)
        if it is None:
            raise HTTPException(404)
        if not await glass.passed(conn, who, it):
            raise HTTPException(403)
        home = None if it["lat"] is None or it["lon"] is None else {"lat": it["lat"], "lon": it["lon"]}
        last = await row(conn, Q.position, resident=it["resident_id"], device=it["device_id"])
        comers = await rows(conn, Q.comers, incident=incident_id)
        middle = home or last
        near: dict[str, list[Row]] = {"homes": [], "landmarks": []}
        if middle is not None:
            around = {"lat": middle["lat"], "lon": middle["lon"], "span": AROUND_DEG}
            near["homes"] = await rows(conn, Q.homes_near, resident=it["resident_id"], **around)
            near["landmarks"] = await rows(conn, Q.landmarks_near, **around)
    return JSONResponse({"home": home, "last": _last(last, home), "comers": [_comer(c) for c in comers], **near})


def _last(last: Row | None, home: Row | None) -> dict[str, Any] | None:
    """The last position, when it came in by the hub's own clock, and how far it is from home."""
    if last is None:
        return None
    far = None if home is None else 1000 * float(distance_km(last["lat"], last["lon"], home["lat"], home["lon"]))
    return {
        "lat": last["lat"], "lon": last["lon"], "exact": last["exact"], "accuracy_m": last["accuracy_m"],
        "at_ms": views.ms(last["received_at"]),
        "from_home_m": None if far is None else round(far),
    }  # fmt: skip


def _comer(row: Row) -> dict[str, Any]:
    state = (
        "there" if row["said"] in THERE or row["there"] else "goes" if row["goes"] or row["said"] in GOES else "asked"
    )
    state = "not" if row["said"] == "cannot_go" else state
    return {
        "name": row["name"], "role": row["role"], "lat": row["lat"], "lon": row["lon"], "state": state,
        "minutes": row["minutes_away"],
    }  # fmt: skip
