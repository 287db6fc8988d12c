"""What operators have at hand: the telephone, scripts, handovers, the one box of the search, the map, findings."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response, Security
from pydantic import BaseModel, Field, StringConstraints

from alerts import scripts as pure
from alerts.scripts import Said
from hub import handover, scripts
from hub.api.acts import Key
from hub.api.caller import Caller, caller
from hub.api.cases import IncidentId, Reads, incident
from hub.api.models import Asked, Line, Shown
from hub.api.once import Apart, Once
from hub.api.paging import Id as Number
from hub.api.problems import Fault, ProblemError
from hub.store import access, console, telephony
from hub.store.access import looked_at
from hub.store.console import Row, row, rows
from hub.store.pool import Connection
from hub.store.sql import queries
from hub.telephony import Telephone, exchange
from hub.web.map import AROUND_DEG
from hub.web.search import everywhere

router = APIRouter(route_class=Once)
calling = APIRouter(route_class=Apart)
Id = Annotated[int, Path(ge=1, lt=2**63)]
Found = list[dict[str, Any]]
DESK, WATCH = queries("desk"), queries("watch")
LANDMARKS = 500
CALLS = Annotated[Caller, Security(caller, scopes=["telephone:act"])]
LISTS = Annotated[Caller, Security(caller, scopes=["telephone:read"])]
SCRIPTS = Annotated[Caller, Security(caller, scopes=["scripts:read"])]
PUBLISHES = Annotated[Caller, Security(caller, scopes=["scripts:publish"])]
ACTS = Annotated[Caller, Security(caller, scopes=["incidents:act"])]
HANDS = Annotated[Caller, Security(caller, scopes=["handover:act"])]
SEARCHES = Annotated[Caller, Security(caller, scopes=["search:read"])]
FINDINGS = Annotated[Caller, Security(caller, scopes=["findings:read"])]
SEES_TO = Annotated[Caller, Security(caller, scopes=["findings:act"])]
PLACES = Annotated[Caller, Security(caller, scopes=["landmarks:read"])]
SETS = Annotated[Caller, Security(caller, scopes=["landmarks:write"])]


def _centre(who: Caller) -> None:
    if who.organisation_id is not None:
        raise ProblemError(403, "whole_hub", "this is the centre's desk: no organisation's token works there")


# ---- the telephone ----


class PhoneCall(Shown):
    id: int
    direction: str
    state: str
    number: str
    party: str
    who: str | None = None
    operator: str | None
    asked_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    seconds: int | None = None
    why: str = ""
    recorded: bool = False


class Callable_(Shown):  # noqa: N801 - the other is Python's
    party: str
    id: int
    name: str
    relation: str
    number: str


class Dial(Asked):
    party: Literal["resident", "contact", "device"]
    id: Number


class Waiting(Shown):
    id: int
    state: str
    number: str
    resident_id: int | None
    incident_id: int | None
    operator_id: int | None
    asked_at: datetime
    answered_at: datetime | None
    residents: list[int] = Field(description="whose number it may be")


class NewCase(Asked):
    resident_id: Number | None = None


class Reason(Asked):
    reason: Line


class Recording(BaseModel):
    where: str = Field(description="where the provider keeps it; the sound is never here")


class CallNumber(BaseModel):
    id: int


class Became(BaseModel):
    incident_id: int | None


@router.get("/incidents/{incident_id}/calls", tags=["telephone"])
async def calls(incident_id: IncidentId, who: LISTS) -> list[PhoneCall]:
    """Calls of a case, the last first."""
    async with who.unbound() as conn:
        await incident(conn, who, incident_id)
        return [PhoneCall.of(one) for one in await telephony.of_case(conn, incident_id)]


@router.get("/incidents/{incident_id}/callable", tags=["telephone"])
async def callable_(incident_id: IncidentId, who: LISTS) -> list[Callable_]:
    """Whom an operator may have on the line for a case."""
    _centre(who)
    async with who.connection() as conn:
        await incident(conn, who, incident_id)
        await looked_at(conn, who.person_id, "numbers: api", f"case {incident_id}", who.reason, incident=incident_id)
        return [Callable_.of(one) for one in await telephony.callable_for(conn, incident_id)]


@calling.post("/incidents/{incident_id}/calls", tags=["telephone"], status_code=201)
async def dial(incident_id: IncidentId, who: CALLS, said: Dial, key: Key) -> CallNumber:
    """Ring the operator's telephone, then the other. One key is one call."""
    telephone = _line(who)
    async with who.unbound() as conn:
        await incident(conn, who, incident_id)
    target = exchange.Target(party=said.party, id=said.id)
    made = await exchange.call(who.parts.pool, telephone, incident_id, who.person_id, target, f"api:{key}")
    return CallNumber(id=made)


@router.get("/telephone/waiting", tags=["telephone"])
async def waiting(who: LISTS) -> list[Waiting]:
    """Calls that came in and wait for somebody."""
    _centre(who)
    async with who.connection() as conn:
        found = await telephony.waiting(conn, who.person_id)
    return [
        Waiting.of(one | {"residents": sorted({k["resident_id"] for k in one["known"] if k["resident_id"]})})
        for one in found
    ]


@router.post("/telephone/{call_id}/answer", tags=["telephone"])
async def answer(call_id: Id, who: CALLS) -> Became:
    """Take a call that waits; its case, where nobody has it, with it."""
    async with who.connection() as conn:
        return Became(incident_id=await exchange.answer(conn, _line(who), call_id, who.person_id))


@router.post("/telephone/{call_id}/case", tags=["telephone"])
async def make_case(call_id: Id, who: CALLS, said: NewCase) -> Became:
    """A call for help becomes a case of whoever speaks."""
    async with who.connection() as conn:
        return Became(incident_id=await exchange.make_case(conn, call_id, who.person_id, said.resident_id))


@router.post("/telephone/{call_id}/seen", tags=["telephone"], status_code=204)
async def seen(call_id: Id, who: CALLS) -> Response:
    """It was seen to: called back, or nothing is to be done."""
    async with who.connection() as conn:
        await exchange.seen(conn, call_id, who.person_id)
    return Response(status_code=204)


@calling.post("/telephone/{call_id}/hang_up", tags=["telephone"], status_code=204)
async def hang_up(call_id: Id, who: CALLS) -> Response:
    """End a call that the desk made."""
    if not await exchange.hang_up(who.parts.pool, _line(who), call_id, who.person_id):
        raise ProblemError(409, "cannot_hang_up", "the provider did not: put the telephone down")
    return Response(status_code=204)


@router.post("/telephone/{call_id}/recording", tags=["telephone"])
async def recording(
    call_id: Id, who: Annotated[Caller, Security(caller, scopes=["recordings:read"])], said: Reason
) -> Recording:  # fmt: skip
    """Where a recording is; who asked and why is written down with it."""
    async with who.connection() as conn:
        return Recording(where=await exchange.recording(conn, call_id, who.person_id, said.reason))


def _line(who: Caller) -> Telephone:
    if who.parts.telephone is None:
        raise ProblemError(409, "no_telephone", "no provider is set up: see hub/telephony/README.md")
    return who.parts.telephone


# ---- scripts ----


class Edition(Shown):
    id: int
    body: str = Field(description="TOML")


class NewScripts(Asked):
    body: Annotated[str, StringConstraints(min_length=1, max_length=60_000)]
    comment: Annotated[str, StringConstraints(max_length=scripts.COMMENT_LENGTH)] = ""


class Tick(Asked):
    step: Annotated[str, StringConstraints(min_length=1, max_length=60)]
    said: Said


@router.get("/scripts", tags=["scripts"])
async def active(who: SCRIPTS) -> Edition:
    """The scripts of cases that open from now on."""
    async with who.unbound() as conn:
        number, body = await scripts.active(conn)
    return Edition(id=number, body=body)


@router.get("/scripts/{version}", tags=["scripts"])
async def version(version: Id, who: SCRIPTS) -> Edition:
    async with who.unbound() as conn:
        found = await row(conn, scripts.Q.body, id=version)
    if found is None:
        raise ProblemError(404, "no_such_version")
    return Edition(id=version, body=found["body"])


@router.post("/scripts", tags=["scripts"], status_code=201)
async def publish(who: PUBLISHES, said: NewScripts) -> Edition:
    """Make a text the scripts of cases that open from now on."""
    async with who.connection() as conn:
        try:
            await scripts.publish(conn, said.body, who.person_id, said.comment)
        except pure.ScriptError as error:
            faults = [Fault(where="body/body", what=english) for _, english in error.faults]
            raise ProblemError(422, "faults", faults=faults) from None
        number, body = await scripts.active(conn)
    return Edition(id=number, body=body)


@router.post("/incidents/{incident_id}/script_step", tags=["scripts"], status_code=204)
async def tick(incident_id: IncidentId, who: ACTS, said: Tick, key: Key) -> Response:
    """Write what came of a step of the script; it stands in the chain."""
    async with who.connection() as conn:
        await incident(conn, who, incident_id)
        await scripts.tick(conn, incident_id, who.person_id, said.step, said.said, nonce=f"api:{key}")
    return Response(status_code=204)


# ---- the end of a shift ----


class Begin(Asked):
    incoming: Number
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=handover.NOTE_LENGTH)] = ""


class Sign(Asked):
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=handover.NOTE_LENGTH)] = ""


@router.get("/handovers", tags=["handover"])
async def handovers(who: HANDS) -> Found:
    """Handovers under way with their cases: of this account, or of everybody for a supervisor's."""
    async with who.connection() as conn:
        return [*await handover.under_way(conn, None if who.role == "supervisor" else who.person_id)]


@router.post("/handovers", tags=["handover"], status_code=201)
async def begin(who: HANDS, said: Begin) -> Found:
    """Begin to hand over one's own cases, and those that nobody has."""
    async with who.connection() as conn:
        await handover.begin(conn, who.person_id, said.incoming, said.note)
        return [*await handover.under_way(conn, who.person_id)]


@router.post("/handovers/{handover_id}/cases/{incident_id}/out", tags=["handover"], status_code=204)
async def sign_out(handover_id: Id, incident_id: IncidentId, who: HANDS, said: Sign) -> Response:
    """Whoever goes has read a case."""
    async with who.connection() as conn:
        await handover.sign_out(conn, handover_id, incident_id, who.person_id, said.note)
    return Response(status_code=204)


@router.post("/handovers/{handover_id}/cases/{incident_id}/in", tags=["handover"], status_code=204)
async def sign_in(handover_id: Id, incident_id: IncidentId, who: HANDS) -> Response:
    """Whoever comes has read a case, and has it from now on."""
    async with who.connection() as conn:
        await handover.sign_in(conn, handover_id, incident_id, who.person_id)
    return Response(status_code=204)


@router.post("/handovers/{handover_id}/call_off", tags=["handover"], status_code=204)
async def call_off(handover_id: Id, who: HANDS) -> Response:
    async with who.connection() as conn:
        await handover.call_off(conn, handover_id, who.person_id)
    return Response(status_code=204)


# ---- the one box, the map ----


class Search(Asked):
    q: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]


class Hits(BaseModel):
    residents: Found
    callers: Found
    devices: Found
    cases: Found


@router.post("/search", tags=["search"])
async def search(who: SEARCHES, said: Search) -> Hits:
    """A name, how it sounds, a telephone, an address, a device, a number. Posted: no name stands in an address."""
    _centre(who)
    async with who.connection() as conn:
        hits = await _unlocked(conn, who, await everywhere(conn, said.q))
        await looked_at(conn, who.person_id, "search: api", f"{len(hits['residents'])} residents", who.reason)
    return Hits(**{name: [*of] for name, of in hits.items()})


async def _unlocked(conn: Connection, who: Caller, hits: dict[str, Sequence[Row]]) -> dict[str, Sequence[Row]]:
    """Leave out whoever's record opens with a reason only: a program gives none."""
    if who.role == "supervisor":
        return hits
    numbers = {name: "id" if name == "residents" else "resident_id" for name in hits}
    everybody = {hit[numbers[name]] for name, of in hits.items() for hit in of} - {None}
    shut = await access.shut_to(conn, who.person_id, everybody)
    return {name: [hit for hit in of if hit[numbers[name]] not in shut] for name, of in hits.items()}


class Around(BaseModel):
    home: dict[str, float] | None
    last: dict[str, Any] | None = Field(description="where a device of hers said last that it was")
    comers: Found
    landmarks: Found


@router.get("/incidents/{incident_id}/map", tags=["incidents"])
async def around(incident_id: IncidentId, who: Reads) -> Around:
    """Where it is: home, last position, who comes, what stands near. WGS-84."""
    async with who.unbound() as conn:
        await incident(conn, who, incident_id)
        return await _around(conn, incident_id)


async def _around(conn: Connection, incident_id: int) -> Around:
    it = await row(conn, console.Q.incident, incident=incident_id)
    assert it is not None
    home = None if it["lat"] is None or it["lon"] is None else {"lat": it["lat"], "lon": it["lon"]}
    last = await row(conn, DESK.position, resident=it["resident_id"], device=it["device_id"])
    middle = home or last
    near: Found = []
    if middle is not None:
        near = await rows(conn, DESK.landmarks_near, lat=middle["lat"], lon=middle["lon"], span=AROUND_DEG)
    comers = await rows(conn, DESK.comers, incident=incident_id)
    return Around(home=home, last=last, comers=comers, landmarks=near)


class Landmark(Shown):
    id: int
    kind: str
    name: str
    note: str
    lat: float
    lon: float


class NewLandmark(Asked):
    kind: Literal["aed", "key", "gate", "clinic"]
    name: Line
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""
    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: Annotated[float, Field(ge=-180, le=180)]


@router.get("/landmarks", tags=["map"])
async def landmarks(who: PLACES) -> list[Landmark]:
    """Defibrillators, keys, gates, clinics."""
    async with who.connection() as conn:
        return [Landmark.of(one) for one in await rows(conn, DESK.all_landmarks, limit=LANDMARKS)]


@router.put("/landmarks", tags=["map"])
async def place(who: SETS, said: NewLandmark) -> list[Landmark]:
    """Put one on the map, or elsewhere: kind and name tell them apart."""
    async with who.connection() as conn:
        await conn.execute(DESK.place_landmark, said.model_dump())
        return [Landmark.of(one) for one in await rows(conn, DESK.all_landmarks, limit=LANDMARKS)]


@router.delete("/landmarks/{landmark_id}", tags=["map"], status_code=204)
async def take_away(landmark_id: Id, who: SETS) -> Response:
    """It is there no more."""
    async with who.connection() as conn:
        if await row(conn, DESK.remove_landmark, id=landmark_id) is None:
            raise ProblemError(404, "no_such_landmark")
    return Response(status_code=204)


# ---- what the auditor found ----


class Finding(Shown):
    id: int
    rule: str
    subject: str
    detail: str
    found_at: datetime
    acknowledged_at: datetime | None


class Seen(Asked):
    why: Line


@router.get("/findings", tags=["findings"])
async def findings(who: FINDINGS) -> list[Finding]:
    """What should not be, and is."""
    _centre(who)
    async with who.connection() as conn:
        return [Finding.of(one) for one in await rows(conn, WATCH.now)]


@router.post("/findings/{finding_id}/acknowledge", tags=["findings"], status_code=204)
async def acknowledge(finding_id: Id, who: SEES_TO, said: Seen) -> Response:
    """Somebody sees to it: the siren is silent about it for a while."""
    _centre(who)
    async with who.connection() as conn:
        if await row(conn, WATCH.acknowledge, finding=finding_id, person=who.person_id, why=said.why) is None:
            raise ProblemError(404, "no_such_finding")
    return Response(status_code=204)
