"""What devices measured: normalized records page by page, and all there is of one resident as FHIR R5."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Security
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from devices import fhir as said_as
from devices.records import Record, plain
from hub.api import fhir
from hub.api.caller import Caller, caller
from hub.api.cases import NOTHING, incident
from hub.api.models import Moment
from hub.api.once import Once
from hub.api.paging import Cursor, place, seal
from hub.api.problems import FHIR_MEDIA as MEDIA
from hub.api.problems import Fault, ProblemError, answers
from hub.api.registry import seen_device, seen_resident
from hub.policies import OF_OUR_YEARS
from hub.store import api as store
from hub.store import records
from hub.store.access import looked_at
from hub.store.pool import Connection, hub_now
from hub.store.records import Speaker

router = APIRouter(route_class=Once)
MOST, USUAL = 1000, 200  # records of one answer
LONGEST = timedelta(days=31)  # one question reaches over
CASES_SHOWN = 500  # of one resident in a bundle
BUNDLED = 20_000  # Observations of one bundle
EPOCH = datetime.fromtimestamp(0, UTC)
FAR_US = 4 * 10**15  # the year 2096
Id = Annotated[int, Path(ge=1, lt=2**63)]
Count = Annotated[int, Query(ge=1, le=MOST)]
OBSERVES = Annotated[Caller, Security(caller, scopes=["observations:read"])]
FHIR = Annotated[Caller, Security(caller, scopes=["fhir:read"])]
AS_FHIR: dict[str, Any] = {
    "response_class": Response,
    "responses": {
        200: {"description": "FHIR R5", "content": {MEDIA: {"schema": {"type": "object"}}}},
        **answers(MEDIA),
    },
    "tags": ["fhir"],
}


class Records(BaseModel):
    """What was said, device by device in the order it arrived; LOINC and UCUM where there are such."""

    model_config = ConfigDict(extra="forbid")
    items: list[dict[str, Any]]
    next: str | None = Field(description="the cursor of the next page; null: this is the last")


@router.get("/residents/{resident_id}/observations", tags=["observations"])
async def of_resident(
    *, resident_id: Id, who: OBSERVES, since: Moment | None = None, until: Moment | None = None, limit: Count = USUAL,
    cursor: Cursor = None,
) -> Records:  # fmt: skip
    """Of every device while it was hers. Left out: the last day; at most 31 days."""
    async with who.connection() as conn, conn.transaction():
        await seen_resident(conn, who, resident_id)
        begins, ends = await _times(conn, since, until)
        await looked_at(conn, who.person_id, "observations: api", resident_id, who.reason)
        speakers = await speakers_of(conn, resident_id, who.sees)
        found, more = await _page(
            conn, speakers, since=begins, until=ends, limit=limit, cursor=cursor, resident=resident_id
        )
    return Records(items=[dict(plain(one)) for one in found], next=more)


@router.get("/devices/{device_id}/observations", tags=["observations"])
async def of_device(
    *, device_id: Id, who: OBSERVES, since: Moment | None = None, until: Moment | None = None, limit: Count = USUAL,
    cursor: Cursor = None,
) -> Records:  # fmt: skip
    """Of one device, whosever it was; an organisation's token reads of it by resident only."""
    if who.organisation_id is not None:
        raise ProblemError(403, "whole_hub", "a device may have been another's: read of it by resident")
    async with who.connection() as conn, conn.transaction():
        await seen_device(conn, who, device_id)
        begins, ends = await _times(conn, since, until)
        speaker = await records.device(conn, str(device_id))
        found, more = await _page(conn, [speaker], since=begins, until=ends, limit=limit, cursor=cursor, resident=None)
    return Records(items=[dict(plain(one)) for one in found], next=more)


async def speakers_of(conn: Connection, resident: int, sees: dict[str, int | None]) -> list[Speaker]:
    """Return her devices; to an organisation as far as its own bounds let them through."""
    read = records.devices_of if sees["organisation"] is None else records.speakers
    return await read(conn, resident)


async def _times(conn: Connection, since: datetime | None, until: datetime | None) -> tuple[datetime, datetime]:
    first, last = OF_OUR_YEARS
    for name, at in (("since", since), ("until", until)):
        if at is not None and not first < at.year < last:
            raise _fault(name, f"of the years {first} to {last}")
    ends = (until or await hub_now(conn) + timedelta(minutes=1)).astimezone(UTC)
    begins = (since or ends - timedelta(days=1)).astimezone(UTC)
    if not timedelta() < ends - begins <= LONGEST:
        raise _fault("since", f"before until, by no more than {LONGEST.days} days")
    return begins, ends


def _fault(name: str, what: str) -> ProblemError:
    return ProblemError(422, "invalid", faults=[Fault(where=f"query/{name}", what=what)])


async def _page(
    conn: Connection, speakers: Sequence[Speaker], *, since: datetime, until: datetime, limit: int, cursor: str | None,
    resident: int | None,
) -> tuple[list[Record], str | None]:  # fmt: skip
    """Return records and the cursor of what follows: a device and a moment. A message is never torn in two."""
    at_device, at_us = place(cursor, (int, int)) or (0, 0)
    found: list[Record] = []
    last: tuple[int, int] | None = None
    for speaker in sorted((one for one in speakers if one.id >= at_device), key=lambda one: one.id):
        begins = max(since, EPOCH + timedelta(microseconds=min(at_us, FAR_US))) if speaker.id == at_device else since
        async for one in _hers(records.said(conn, speaker, begins, until), resident):
            moment = (speaker.id, (one.hub_time - EPOCH) // timedelta(microseconds=1))
            if len(found) >= limit and moment != last:
                return found, seal(*moment)
            found.append(one)
            last = moment
    return found, None


async def _hers(said: AsyncIterator[Record], resident: int | None) -> AsyncIterator[Record]:
    async for one in said:
        if resident is None or one.person_id == resident:
            yield one


# ---- FHIR ----


def _as_fhir(resource: fhir.Resource) -> Response:
    return JSONResponse(resource, media_type=MEDIA)


def _base(request: Request) -> str:
    return str(request.base_url).rstrip("/") + "/fhir"


@router.get("/fhir/metadata", **AS_FHIR)
async def metadata(who: FHIR) -> Response:
    """What of FHIR is here."""
    async with who.connection() as conn:
        now = await hub_now(conn)
    reads = [{"code": "read"}]
    resources = [
        {"type": name, "interaction": reads} for name in ("Patient", "Device", "Encounter")
    ] + [{
        "type": "Observation", "interaction": [{"code": "search-type"}],
        "searchParam": [{"name": "patient", "type": "reference"}, {"name": "date", "type": "date"}],
    }]  # fmt: skip
    return _as_fhir({
        "resourceType": "CapabilityStatement", "status": "active", "date": now.astimezone(UTC).date().isoformat(),
        "kind": "instance", "fhirVersion": "5.0.0", "format": ["json"],
        "implementation": {"description": "carehub"}, "rest": [{"mode": "server", "resource": resources}],
    })  # fmt: skip


@router.get("/fhir/Patient/{resident_id}", **AS_FHIR)
async def patient(resident_id: Id, who: FHIR) -> Response:
    async with who.connection() as conn:
        found = await seen_resident(conn, who, resident_id)
        await looked_at(conn, who.person_id, "fhir Patient: api", resident_id, who.reason)
        return _as_fhir(fhir.patient(found))


@router.get("/fhir/Device/{device_id}", **AS_FHIR)
async def device(device_id: Id, who: FHIR) -> Response:
    async with who.connection() as conn:
        return _as_fhir(fhir.device(await seen_device(conn, who, device_id)))


@router.get("/fhir/Encounter/{incident_id}", **AS_FHIR)
async def encounter(incident_id: Id, who: FHIR) -> Response:
    async with who.connection() as conn:
        return _as_fhir(fhir.encounter((await incident(conn, who, incident_id)).model_dump()))


@router.get("/fhir/Observation", **AS_FHIR)
async def observation(
    *, request: Request, who: FHIR, patient: Annotated[int, Query(ge=1, lt=2**63)], since: Moment | None = None,
    until: Moment | None = None, count: Annotated[int, Query(alias="_count", ge=1, le=MOST)] = USUAL,
    cursor: Cursor = None,
) -> Response:  # fmt: skip
    """Observations of one resident; the next page is the bundle's link."""
    async with who.connection() as conn, conn.transaction():
        await seen_resident(conn, who, patient)
        begins, ends = await _times(conn, since, until)
        await looked_at(conn, who.person_id, "fhir Observation: api", patient, who.reason)
        speakers = await speakers_of(conn, patient, who.sees)
        found, more = await _page(
            conn, speakers, since=begins, until=ends, limit=count, cursor=cursor, resident=patient
        )
        now = await hub_now(conn)
    links = [{"relation": "self", "url": str(request.url)}]
    if more:
        asked = request.url.include_query_params(cursor=more, since=begins.isoformat(), until=ends.isoformat())
        links.append({"relation": "next", "url": str(asked)})
    return _as_fhir(fhir.bundle("searchset", said_as.observations(found), at=now, base=_base(request), link=links))


@router.get("/fhir/Patient/{resident_id}/$everything", **AS_FHIR)
async def everything(
    resident_id: Id, who: FHIR, since: Moment | None = None, until: Moment | None = None
) -> Response:  # fmt: skip
    """One resident with her risks, devices, cases, and what was measured; that it was read is written down."""
    async with who.connection() as conn, conn.transaction():
        found = await seen_resident(conn, who, resident_id)
        begins, ends = await _times(conn, since, until)
        await looked_at(conn, who.person_id, "fhir: api", resident_id, who.reason)
        return _as_fhir(await whole(conn, found, begins, ends, who.sees))


async def whole(
    conn: Connection, resident: dict[str, Any], since: datetime, until: datetime, sees: dict[str, int | None]
) -> fhir.Resource:
    """Return the bundle of one resident. Call inside a transaction.

    Raises:
        ProblemError: There is more than one bundle holds.
    """
    about = NOTHING | {"resident": resident["id"], "limit": CASES_SHOWN} | sees
    cases = await store.rows(conn, store.Q.incidents, **about)
    devices = await store.rows(
        conn, store.Q.devices, id=None, after=0, resident=resident["id"], state=None, limit=CASES_SHOWN, **sees
    )
    said: list[fhir.Resource] = []
    for speaker in await speakers_of(conn, resident["id"], sees):
        of_hers = [one async for one in _hers(records.said(conn, speaker, since, until), resident["id"])]
        said += said_as.observations(of_hers)
        if len(said) > BUNDLED:
            raise ProblemError(422, "too_much", f"more than {BUNDLED} Observations: ask for fewer days")
    parts = [fhir.patient(resident), *fhir.flags(resident), *map(fhir.device, devices), *map(fhir.encounter, cases)]
    return fhir.bundle("collection", [*parts, *said], at=await hub_now(conn))
