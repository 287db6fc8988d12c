"""Cases: the list, one with its chain, notes, vital signs, the door code."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response, Security

from alerts.model import State
from hub.api.caller import Caller, caller
from hub.api.models import Alert, Case, DoorCode, Event, Incident, Moment, Note, Together, Told, Vital
from hub.api.once import Once
from hub.api.paging import Cursor, Limit, Page, number, page
from hub.api.problems import ProblemError
from hub.store import api as store
from hub.store import console
from hub.store.pool import Connection
from hub.store.sql import queries

router = APIRouter(tags=["incidents"], route_class=Once)
CASES = queries("cases")
EVENTS_SHOWN = 500
VITALS_MINUTES = 30
NOTHING: dict[str, Any] = {
    "id": None, "before": None, "open": None, "state": None, "resident": None, "since": None, "area": None,
}  # fmt: skip
Reads = Annotated[Caller, Security(caller, scopes=["incidents:read"])]
IncidentId = Annotated[int, Path(ge=1, lt=2**63)]
Number = Annotated[int | None, Query(ge=1, lt=2**63)]
Area = Annotated[str | None, Query(min_length=1, max_length=100, description="with everything inside it")]


async def incident(conn: Connection, who: Caller, incident_id: int) -> Incident:
    """Return a case this token may see.

    Raises:
        ProblemError: There is none.
    """
    found = await store.row(conn, store.Q.incidents, **NOTHING | {"id": incident_id, "limit": 1} | who.sees)
    if found is None:
        raise ProblemError(404, "no_such_case")
    return Incident.of(found)


def tag(it: Incident) -> str:
    return f'"{it.version}"'


@router.get("/incidents")
async def listed(
    *, who: Reads, limit: Limit = 50, cursor: Cursor = None,
    open: Annotated[bool | None, Query(description="only those that go on, or only those that have ended")] = None,  # noqa: A002
    state: State | None = None, resident: Number = None, since: Moment | None = None, area: Area = None,
) -> Page[Incident]:  # fmt: skip
    """Cases, the latest first."""
    asked = {
        "before": number(cursor), "open": open, "state": state, "resident": resident, "since": since, "area": area,
        "limit": limit + 1,
    }  # fmt: skip
    async with who.connection() as conn:
        found = await store.rows(conn, store.Q.incidents, **NOTHING | asked | who.sees)
    return page(Incident.of, found, limit)


@router.get("/incidents/{incident_id}")
async def one(incident_id: IncidentId, who: Reads, answer: Response) -> Case:
    """A case with its chain of events, its alerts, who was told, and the cases that belong to it."""
    about = {"incident": incident_id}
    async with who.connection() as conn:
        it = await incident(conn, who, incident_id)
        answer.headers["ETag"] = tag(it)
        return Case(
            **it.model_dump(),
            events=[Event.of(r) for r in await store.rows(conn, store.Q.events, **about, after=0, limit=EVENTS_SHOWN)],
            alerts=[Alert.of(r) for r in await store.rows(conn, console.Q.alerts, **about)],
            told=[Told.of(r) for r in await store.rows(conn, console.Q.pages, **about)],
            links=[Together.of(r) for r in await store.rows(conn, CASES.links, **about)],
        )


@router.get("/incidents/{incident_id}/events")
async def events(incident_id: IncidentId, who: Reads, limit: Limit = 200, cursor: Cursor = None) -> Page[Event]:
    """The chain, in its order; anybody can check it with SHA-256."""
    async with who.connection() as conn:
        await incident(conn, who, incident_id)
        found = await store.rows(conn, store.Q.events, incident=incident_id, after=number(cursor) or 0, limit=limit + 1)
    return page(Event.of, found, limit, "seq")


@router.get("/incidents/{incident_id}/notes")
async def notes(
    incident_id: IncidentId, who: Annotated[Caller, Security(caller, scopes=["notes:read"])], limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Note]:  # fmt: skip
    """What people wrote; it may be erased, so it stands beside the chain."""
    async with who.connection() as conn:
        await incident(conn, who, incident_id)
        found = await store.rows(conn, store.Q.notes, incident=incident_id, after=number(cursor) or 0, limit=limit + 1)
    return page(Note.of, found, limit)


@router.get("/incidents/{incident_id}/vitals")
async def vitals(
    incident_id: IncidentId, who: Annotated[Caller, Security(caller, scopes=["observations:read"])]
) -> list[Vital]:
    """Heart rate and oxygen of the last half hour, the latest first."""
    async with who.connection() as conn:
        await incident(conn, who, incident_id)
        found = await store.rows(
            conn, console.Q.vitals, incident=incident_id, minutes=VITALS_MINUTES, limit=console.VITALS_LIMIT
        )
    return [Vital.of(row | {"at": datetime.fromtimestamp(row["at"], UTC)}) for row in found]


@router.post("/incidents/{incident_id}/door_code")
async def door_code(
    incident_id: IncidentId, who: Annotated[Caller, Security(caller, scopes=["door_codes:read"])]
) -> DoorCode:
    """Shown together with an entry in the access log that says which account asked, or not at all."""
    async with who.connection() as conn:
        await incident(conn, who, incident_id)
        code = await console.door_code(conn, incident_id, who.person_id, f"door_code: api token {who.token_id}")
    if code is None:
        raise ProblemError(404, "no_door_code")
    return DoorCode(door_code=code)
