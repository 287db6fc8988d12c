"""Residents, people, devices, and visits to be made: who and what there is."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response, Security
from pydantic import Field, StringConstraints

from hub.api.caller import Caller, caller
from hub.api.cases import Area, Number
from hub.api.models import Asked, Device, Person, Resident, Visit
from hub.api.once import Once
from hub.api.paging import Cursor, Limit, Page, number, page
from hub.api.problems import ProblemError
from hub.store import api as store
from hub.store import devices as device_store
from hub.store import fleet, registry
from hub.store.access import looked_at
from hub.store.pool import Connection

router = APIRouter(route_class=Once)
Id = Annotated[int, Path(ge=1, lt=2**63)]
Role = Annotated[str | None, Query(max_length=40)]
RESIDENTS = Annotated[Caller, Security(caller, scopes=["residents:read"])]
PEOPLE = Annotated[Caller, Security(caller, scopes=["people:read"])]
DEVICES = Annotated[Caller, Security(caller, scopes=["devices:read"])]
WORK = Annotated[Caller, Security(caller, scopes=["work_orders:read"])]


@router.get("/residents", tags=["residents"])
async def residents(who: RESIDENTS, limit: Limit = 50, cursor: Cursor = None, area: Area = None) -> Page[Resident]:
    """Residents by number."""
    async with who.connection() as conn:
        found = await store.rows(
            conn, store.Q.residents, id=None, after=number(cursor) or 0, area=area, limit=limit + 1, **who.sees
        )
        said = f"{len(found[:limit])} from {number(cursor) or 0} {area or '*'}"
        await looked_at(conn, who.person_id, "residents: api", said, who.reason)
    return page(Resident.of, found, limit)


@router.get("/residents/{resident_id}", tags=["residents"])
async def resident(resident_id: Id, who: RESIDENTS, answer: Response) -> Resident:
    """One resident, with who is called for her."""
    async with who.connection() as conn:
        found = await seen_resident(conn, who, resident_id)
        await looked_at(conn, who.person_id, "resident: api", resident_id, who.reason)
        answer.headers["ETag"] = f'"{found["version"]}"'
        return Resident.of(found)


async def seen_resident(conn: Connection, who: Caller, resident_id: int, *, ended: bool = False) -> dict[str, Any]:
    """Return a resident this token may see; one whose care has ended where that is wanted.

    Raises:
        ProblemError: There is none.
    """
    asked = who.sees | {"id": resident_id, "after": 0, "area": None, "limit": 1, "ended": ended}
    found = await store.row(conn, store.Q.residents, **asked)
    if found is None:
        raise ProblemError(404, "no_such_resident")
    return found


@router.get("/people", tags=["people"])
async def people(who: PEOPLE, limit: Limit = 50, cursor: Cursor = None, role: Role = None) -> Page[Person]:
    """People who are called, or work the console."""
    async with who.connection() as conn:
        found = await store.rows(
            conn, store.Q.people, id=None, after=number(cursor) or 0, role=role, limit=limit + 1, **who.sees
        )
    return page(Person.of, found, limit)


@router.get("/people/{person_id}", tags=["people"])
async def person(person_id: Id, who: PEOPLE, answer: Response) -> Person:
    """One of them. The ETag, which a change is based on, is for tokens of the centre: nobody else changes people."""
    async with who.connection() as conn:
        found = await store.row(conn, store.Q.people, id=person_id, after=0, role=None, limit=1, **who.sees)
        if found is not None and who.organisation_id is None:
            held = await registry.row(conn, registry.Q.person, id=person_id)
            answer.headers["ETag"] = f'"{held["version"] if held else 0}"'
    if found is None:
        raise ProblemError(404, "no_such_person")
    return Person.of(found)


DeviceState = Literal["seen", "claimed", "bound", "tested", "live", "retired"]


@router.get("/devices", tags=["devices"])
async def devices(
    who: DEVICES, limit: Limit = 50, cursor: Cursor = None, resident: Number = None, state: DeviceState | None = None
) -> Page[Device]:
    """Devices by number, with when they were heard last and what is known of their battery."""
    async with who.connection() as conn:
        found = await store.rows(
            conn, store.Q.devices, id=None, after=number(cursor) or 0, resident=resident, state=state, limit=limit + 1,
            **who.sees,
        )  # fmt: skip
    return page(Device.of, found, limit)


@router.get("/devices/{device_id}", tags=["devices"])
async def device(device_id: Id, who: DEVICES) -> Device:
    async with who.connection() as conn:
        return Device.of(await seen_device(conn, who, device_id))


async def seen_device(conn: Connection, who: Caller, device_id: int) -> dict[str, Any]:
    """Return a device this token may see.

    Raises:
        ProblemError: There is none.
    """
    found = await store.row(
        conn, store.Q.devices, id=device_id, after=0, resident=None, state=None, limit=1, **who.sees
    )
    if found is None:
        raise ProblemError(404, "no_such_device")
    return found


class TestMode(Asked):
    minutes: Annotated[int, Field(ge=0, le=120, description="0: it ends now")] = 30


@router.post("/devices/{device_id}/test", tags=["devices"])
async def test_mode(
    device_id: Id, who: Annotated[Caller, Security(caller, scopes=["devices:test"])], said: TestMode
) -> Device:
    """Switch an installer's test mode on or off; a press then rings nobody but operators."""
    async with who.connection() as conn:
        await seen_device(conn, who, device_id)
        try:
            async with conn.transaction():
                await device_store.test(conn, device_id, said.minutes)
        except device_store.TestModeError as no:
            raise ProblemError(409, "no_test_mode", str(no)) from None
        return Device.of(await seen_device(conn, who, device_id))


@router.get("/visits", tags=["work orders"])
async def visits(
    who: WORK, limit: Limit = 50, cursor: Cursor = None, status: Literal["open", "done"] | None = None
) -> Page[Visit]:
    """Visits to be made to devices, or that were made."""
    async with who.connection() as conn:
        found = await store.rows(
            conn, store.Q.visits, id=None, after=number(cursor) or 0, status=status, limit=limit + 1, **who.sees
        )
    return page(Visit.of, found, limit)


class Done(Asked):
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] = ""


@router.post("/visits/{number_of}/done", tags=["work orders"])
async def visit_done(
    *, number_of: Id, who: Annotated[Caller, Security(caller, scopes=["work_orders:write"])], said: Done
) -> Visit:
    """Say that a visit was made; again changes nothing."""
    async with who.connection() as conn:
        it = await _visit(conn, who, number_of)
        if it["status"] == "open":
            async with conn.transaction():
                await fleet.visit_done(conn, number_of, who.as_whom, said.note)
        return Visit.of(await _visit(conn, who, number_of))


async def _visit(conn: Connection, who: Caller, number_of: int) -> dict[str, Any]:
    found = await store.row(conn, store.Q.visits, id=number_of, after=0, status=None, limit=1, **who.sees)
    if found is None:
        raise ProblemError(404, "no_such_visit")
    return found
