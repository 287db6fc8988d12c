"""What is written about a resident: her own data, consent, who is called for her, absences, the end of her care."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Response, Security
from pydantic import AwareDatetime, Field, StringConstraints

from hub import registry_ids as ids
from hub.api.caller import Caller, caller
from hub.api.models import Asked, DoorCode, Resident, Shown
from hub.api.once import Once
from hub.api.paging import Id as Number
from hub.api.problems import Fault, ProblemError
from hub.api.registry import RESIDENTS, Id, seen_resident
from hub.store import api as store
from hub.store import homes, people, registry
from hub.store.access import looked_at
from hub.store.console import Row
from hub.store.pool import Connection, hub_now
from hub.store.registry import ChangedMeanwhileError, TiedUpError
from hub.web.registry import ENDINGS, LONGEST_ABSENCE

router = APIRouter(tags=["residents"], route_class=Once)
WRITES = Annotated[Caller, Security(caller, scopes=["residents:write"])]
EARLIEST, FENCE_MOST = ids.EARLIEST, 30_000
Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=60)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
Named = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
Placed = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Words = Annotated[list[Named], Field(max_length=20)]
Match = Annotated[
    str, Header(alias="If-Match", pattern=r'^"[0-9]{1,9}"$', description="the ETag of what the change is based on")
]
SaidBy = Literal["herself", "relative", "guardian"]
Scope = Literal["rescue", "health", "location", "family", "reports"]


class Fields(Asked):
    """What may be written of a resident; what is left out stays as it is."""

    born: Annotated[date, Field(ge=EARLIEST, lt=date(2200, 1, 1))] | None = None
    entrance: Text = ""
    language: Short = ""
    languages: Words = Field(default_factory=list)
    ability: Literal["", "自理", "半失能", "失能"] = ""
    risks: Words = Field(default_factory=list)
    risk_class: Literal["", "high", "medium", "low"] = ""
    hazards: Text = ""
    key_place: Text = ""
    phone: Annotated[str, StringConstraints(max_length=40)] = ""
    lat: Annotated[float, Field(ge=-90, le=90)] | None = None
    lon: Annotated[float, Field(ge=-180, le=180)] | None = None
    spo2_scale: Literal[1, 2] = 1
    fence_m: Annotated[int, Field(ge=0, le=FENCE_MOST)] = 0
    door_code: Annotated[str, StringConstraints(max_length=40)] = Field("", description="kept sealed")
    health_notes: Annotated[str, StringConstraints(max_length=4000)] = Field("", description="kept sealed")


class NewResident(Fields):
    name: Named
    area: Named
    address: Placed


class ResidentChange(Fields):
    name: Named = ""
    area: Named = ""
    address: Placed = ""


@router.post("/residents", status_code=201)
async def add(who: WRITES, said: NewResident, answer: Response) -> Resident:
    """Register a resident."""
    async with who.connection() as conn, conn.transaction():
        await registry.acting(conn, who.as_whom, "api")
        made = await registry.add(conn, _values(said.model_dump()))
        await registry.tell(conn)
        return await _told(conn, who, made, answer)


@router.patch("/residents/{resident_id}")
async def change(resident_id: Id, who: WRITES, said: ResidentChange, match: Match, answer: Response) -> Resident:
    """Change what is named; what belongs to the flat also of whoever shares it. 412: she was changed since."""
    values = _values(said.model_dump(exclude_unset=True))
    async with who.connection() as conn, conn.transaction():
        await _hers(conn, who, resident_id)
        try:
            await registry.change(conn, resident_id, int(match.strip('"')), values)
        except ChangedMeanwhileError:
            raise ProblemError(412, "changed", "read her again: somebody has changed her since") from None
        await registry.tell(conn)
        return await _told(conn, who, resident_id, answer)


def _values(said: dict[str, Any]) -> dict[str, Any]:
    if said.get("phone"):
        phone = ids.phone(said["phone"])
        if phone is None:
            raise fault("body/phone", "a telephone number")
        said["phone"] = phone
    if ("lat" in said) != ("lon" in said) or (said.get("lat") is None) != (said.get("lon") is None):
        raise fault("body/lat", "both lat and lon, or neither")
    return said


def fault(where: str, what: str) -> ProblemError:
    return ProblemError(422, "invalid", faults=[Fault(where=where, what=what)])


async def _hers(conn: Connection, who: Caller, resident_id: int) -> Row:
    """Hold a resident this token may see, who is not erased, for a change that stands in the history as its account."""
    await seen_resident(conn, who, resident_id, ended=True)
    held = await registry.row(conn, registry.Q.hold, id=resident_id)
    if held is None or held["erased_at"] is not None:
        raise ProblemError(404, "no_such_resident")
    await registry.acting(conn, who.as_whom, "api")
    return held


async def _told(conn: Connection, who: Caller, resident_id: int, answer: Response) -> Resident:
    found = Resident.of(await seen_resident(conn, who, resident_id, ended=True))
    answer.headers["ETag"] = f'"{found.version}"'
    return found


# ---- what is sealed ----


@router.post("/residents/{resident_id}/door_code")
async def door_code(
    resident_id: Id, who: Annotated[Caller, Security(caller, scopes=["door_codes:read"])]
) -> DoorCode:  # fmt: skip
    """Shown together with an entry in the access log, or not at all."""
    return DoorCode(door_code=await _secret(who, resident_id, "door_code"))


class HealthNotes(Shown):
    health_notes: str


@router.post("/residents/{resident_id}/health_notes")
async def health_notes(
    resident_id: Id, who: Annotated[Caller, Security(caller, scopes=["health_notes:read"])]
) -> HealthNotes:  # fmt: skip
    """Shown together with an entry in the access log, or not at all."""
    return HealthNotes(health_notes=await _secret(who, resident_id, "health_notes"))


async def _secret(who: Caller, resident_id: int, name: str) -> str:
    async with who.connection() as conn, conn.transaction():
        await seen_resident(conn, who, resident_id)
        told = await registry.secret(conn, resident_id, name)
        await looked_at(conn, who.person_id, f"{name}: api", resident_id, who.reason)
    if not told:
        raise ProblemError(404, "nothing_there")
    return told


# ---- consent ----


class Consent(Shown):
    id: int
    at: datetime
    given: bool
    said_by: str
    read_by: str
    text_version: Any
    language: str
    scope: list[str] | None


class NewConsent(Asked):
    given: bool
    said_by: SaidBy
    scope: Annotated[list[Scope], Field(max_length=5)] = Field(default_factory=list)
    language: Literal["zh-CN", "en"] = "zh-CN"


@router.get("/residents/{resident_id}/consents")
async def consents(resident_id: Id, who: RESIDENTS) -> list[Consent]:
    """What she agreed to and when, the last first: the last counts."""
    async with who.unbound() as conn:
        await seen_resident(conn, who, resident_id)
        found = await registry.rows(conn, registry.Q.consents, id=resident_id)
        await looked_at(conn, who.person_id, "consents: api", resident_id, who.reason)
    return [Consent.of(one) for one in found]


@router.post("/residents/{resident_id}/consents", status_code=201)
async def consent(resident_id: Id, who: WRITES, said: NewConsent) -> list[Consent]:
    """Write down what she said; whoever stands behind the token has read it to her."""
    async with who.connection() as conn, conn.transaction():
        await _hers(conn, who, resident_id)
        await registry.consented(
            conn, resident_id, given=said.given, said_by=said.said_by, read_by=who.person_id, language=said.language,
            scope=said.scope if said.given else (),
        )  # fmt: skip
        await registry.tell(conn)
        return [Consent.of(one) for one in await registry.rows(conn, registry.Q.consents, id=resident_id)]


# ---- who is called for her ----


class Tie(Asked):
    relation: Annotated[str, StringConstraints(strip_whitespace=True, max_length=40)] = ""
    position: Annotated[int, Field(ge=0, le=99, description="0 is called first")] = 0
    minutes_away: Annotated[float, Field(ge=0, le=1440)] | None = None
    has_key: bool = False


@router.put("/residents/{resident_id}/circle/{person_id}")
async def tie(resident_id: Id, person_id: Number, who: WRITES, said: Tie, answer: Response) -> Resident:
    """Put somebody into her circle, or change what stands there. New people: `POST /people`."""
    async with who.connection() as conn, conn.transaction():
        await _hers(conn, who, resident_id)
        about: dict[str, Any] = {"id": person_id, "after": 0, "role": None, "limit": 1}
        if await store.row(conn, store.Q.people, **about, **who.sees) is None:
            raise ProblemError(404, "no_such_person")
        values = said.model_dump()
        await registry.tie(conn, resident_id, person_id, minutes=values.pop("minutes_away"), **values)
        await registry.tell(conn)
        return await _told(conn, who, resident_id, answer)


@router.delete("/residents/{resident_id}/circle/{person_id}")
async def leave(resident_id: Id, person_id: Number, who: WRITES, answer: Response) -> Resident:
    """He is called for her no more."""
    async with who.connection() as conn, conn.transaction():
        await _hers(conn, who, resident_id)
        if not await people.leave_circle(conn, resident_id, person_id):
            raise ProblemError(404, "no_such_person")
        await registry.tell(conn)
        return await _told(conn, who, resident_id, answer)


# ---- absences ----


class Absence(Shown):
    id: int
    kind: str
    begins_at: datetime
    ends_at: datetime
    reason: str
    written_by: str
    ended_at: datetime | None


class NewAbsence(Asked):
    kind: Literal["away", "visit"] = "away"
    begins: AwareDatetime | None = Field(None, description="left out: now")
    ends: AwareDatetime
    reason: Text = ""


class Back(Asked):
    everything: bool = Field(False, description="also what is still to come")


@router.get("/residents/{resident_id}/absences")
async def absences(resident_id: Id, who: RESIDENTS, past: bool = False) -> list[Absence]:
    """When nobody is expected at home, or others are there as well."""
    async with who.unbound() as conn:
        await seen_resident(conn, who, resident_id)
        return [Absence.of(vars_of(one)) for one in await homes.absences(conn, resident_id, past=past)]


def vars_of(one: Any) -> Row:
    return {name: getattr(one, name) for name in type(one).__dataclass_fields__}


@router.post("/residents/{resident_id}/absences", status_code=201)
async def away(resident_id: Id, who: WRITES, said: NewAbsence) -> list[Absence]:
    """She is known to be away, or has visitors: a silent home is no alarm then; everything else rings as ever."""
    async with who.connection() as conn, conn.transaction():
        await _hers(conn, who, resident_id)
        now = await hub_now(conn)
        start = max(said.begins or now, now)
        if not timedelta() < said.ends - start <= LONGEST_ABSENCE:
            raise fault("body/ends", f"after it begins, and within {LONGEST_ABSENCE.days} days")
        await homes.add_absence(
            conn, resident_id, said.kind, begins=said.begins, ends=said.ends, reason=said.reason, by=who.as_whom
        )
        return [Absence.of(vars_of(one)) for one in await homes.absences(conn, resident_id, past=False)]


@router.post("/residents/{resident_id}/back")
async def back(resident_id: Id, who: WRITES, said: Back) -> list[Absence]:
    """She is back: what holds now ends."""
    async with who.connection() as conn, conn.transaction():
        await _hers(conn, who, resident_id)
        await homes.back(conn, resident_id, who.as_whom, everything=said.everything)
        return [Absence.of(vars_of(one)) for one in await homes.absences(conn, resident_id, past=False)]


# ---- the end of her care; what was changed ----


class End(Asked):
    why: Literal["moved", "died", "declined", "other"]


@router.post("/residents/{resident_id}/end")
async def end(resident_id: Id, who: WRITES, said: End, answer: Response) -> Resident:
    """She is cared for no more; the time to keep her data begins. 409: a device of hers is in use, or a case open."""
    assert said.why in ENDINGS
    async with who.connection() as conn, conn.transaction():
        await _hers(conn, who, resident_id)
        try:
            await registry.end(conn, resident_id, said.why)
        except TiedUpError as tied:
            raise ProblemError(409, f"tied_{tied.what}", str(tied)) from None
        await registry.tell(conn)
        return await _told(conn, who, resident_id, answer)


@router.post("/residents/{resident_id}/again")
async def again(resident_id: Id, who: WRITES, answer: Response) -> Resident:
    """She is cared for again."""
    async with who.connection() as conn, conn.transaction():
        await _hers(conn, who, resident_id)
        await conn.execute(registry.Q.unend, {"id": resident_id})
        await registry.tell(conn)
        return await _told(conn, who, resident_id, answer)


class Changed(Shown):
    id: int
    at: datetime
    actor: str
    via: str
    what: str
    kind: str
    fields: dict[str, Any] = Field(description="name: [before, after]; of what is sealed only whether it was there")


@router.get("/residents/{resident_id}/changes")
async def changes(resident_id: Id, who: RESIDENTS) -> list[Changed]:
    """What was changed about her, the last first."""
    async with who.unbound() as conn:
        await seen_resident(conn, who, resident_id)
        found = await registry.changes(conn, "resident", resident_id, other="circle")
        await looked_at(conn, who.person_id, "changes: api", resident_id, who.reason)
    return [Changed.of(one | {"fields": one["fields"] or {}}) for one in found]
