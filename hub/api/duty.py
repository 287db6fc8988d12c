"""Who could come: coverage and its holes, duty lists, escalation policies, disaster mode, and how falls were told."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query, Response, Security
from pydantic import BaseModel, Field, StringConstraints

from alerts.duty import EVER, FOREVER
from alerts.policy import PolicyError
from alerts.policy_faults import Fault as PolicyFault
from hub import disaster, policies
from hub.api.caller import Caller, caller
from hub.api.cases import Area
from hub.api.models import Asked, Line, Moment, Shown, Surge
from hub.api.once import Once
from hub.api.paging import Cursor, Limit, Page, number, page
from hub.api.problems import Fault, ProblemError
from hub.store import api as store
from hub.store import coverage as coverage_store
from hub.store import policies as policy_store
from hub.store import rosters as roster_store
from hub.store.pool import Connection, hub_now

router = APIRouter(route_class=Once)
WHOLE = "coverage, duty lists and policies are of the whole hub: no organisation's token reads them"
MOST_SHIFT_DAYS = 31
COVERAGE = Annotated[Caller, Security(caller, scopes=["coverage:read"])]
ROSTERS = Annotated[Caller, Security(caller, scopes=["rosters:read"])]
POLICIES = Annotated[Caller, Security(caller, scopes=["policies:read"])]
PUBLISHES = Annotated[Caller, Security(caller, scopes=["policies:publish"])]
SURGES = Annotated[Caller, Security(caller, scopes=["surges:read"])]
DECLARES = Annotated[Caller, Security(caller, scopes=["surges:declare"])]
Id = Annotated[int, Path(ge=1, lt=2**63)]


def _of_all(who: Caller) -> None:
    if who.organisation_id is not None:
        raise ProblemError(403, "whole_hub", WHOLE)


class Hole(Shown):
    """Where nobody could come, as work to do."""

    kind: str
    area: str
    roster: str
    gaps: int
    first_hour: datetime
    last_hour: datetime
    minutes: float | None
    hours: int
    residents: list[int]
    people: list[int]


class Coverage(BaseModel):
    at: datetime | None = Field(description="when it was worked out; null: not yet")
    residents: int
    hours: int
    covered: float
    radius_min: float
    holes: list[Hole]


@router.get("/coverage", tags=["coverage"])
async def coverage(who: COVERAGE, area: Area = None) -> Coverage:
    """How much of the coming days is covered, and the holes, worst and soonest first."""
    _of_all(who)
    async with who.connection() as conn:
        run = await coverage_store.last_run(conn)
        holes = [Hole.of(row) for row in await coverage_store.work(conn, area=area)]
    if run is None:
        return Coverage(at=None, residents=0, hours=0, covered=0.0, radius_min=0.0, holes=holes)
    return Coverage(
        at=run.at, residents=run.residents, hours=run.hours, covered=run.covered, radius_min=run.radius_min, holes=holes
    )


class Roster(BaseModel):
    name: str
    zone: str
    role: str
    needs_check_in: bool
    people: int


class ShiftShown(BaseModel):
    id: int
    person_id: int
    roster: str
    start: datetime | None = Field(description="null: ever since")
    end: datetime | None = Field(description="null: for good")
    source: str


@router.get("/rosters", tags=["rosters"])
async def rosters(who: ROSTERS) -> list[Roster]:
    """Duty lists."""
    _of_all(who)
    async with who.connection() as conn:
        found = await roster_store.rosters(conn)
    return [
        Roster(name=r.name, zone=r.zone, role=r.role, needs_check_in=r.needs_check_in, people=r.people) for r in found
    ]


@router.get("/shifts", tags=["rosters"])
async def shifts(
    who: ROSTERS, roster: Annotated[str | None, Query(max_length=100)] = None, after: Moment | None = None,
    days: Annotated[int, Query(ge=1, le=MOST_SHIFT_DAYS)] = 7,
) -> list[ShiftShown]:  # fmt: skip
    """Who is on duty in the days from a moment on; left out: from now."""
    _of_all(who)
    async with who.connection() as conn:
        begins = _of_our_years(after) if after else await hub_now(conn)
        found = await roster_store.shifts(conn, begins, begins + timedelta(days=days), roster=roster)
    return [
        ShiftShown(
            id=r.shift_id, person_id=r.shift.person_id, roster=r.shift.roster, source=r.source,
            start=None if r.shift.start == EVER else r.shift.start, end=None if r.shift.end == FOREVER else r.shift.end,
        )
        for r in found
    ]  # fmt: skip


def _of_our_years(at: datetime) -> datetime:
    first, last = policies.OF_OUR_YEARS
    if not first <= at.year <= last:
        raise ProblemError(422, "invalid", faults=[Fault(where="query/after", what=f"of the years {first} to {last}")])
    return at.astimezone(UTC)


class Edition(BaseModel):
    version: int
    published_at: datetime
    published_as: str
    comment: str
    restored: int | None
    active: bool
    open: int = Field(description="cases that run by it")


class Policy(Edition):
    text: str = Field(description="TOML")


class Found(BaseModel):
    """What is wrong with a text, or speaks against it."""

    line: int
    code: str
    zh: str
    en: str


class Review(BaseModel):
    sound: bool
    faults: list[Found]
    doubts: list[Found]
    notes: list[Found]


Text = Annotated[str, StringConstraints(min_length=1, max_length=60_000)]


class PolicyText(Asked):
    text: Text


class NewPolicy(Asked):
    text: Text
    comment: Annotated[str, StringConstraints(max_length=300)] = ""
    force: bool = Field(False, description="in spite of doubts, which are written down with it")


def _edition(found: policy_store.Edition) -> dict[str, Any]:
    return {name: getattr(found, name) for name in Edition.model_fields}


@router.get("/policies", tags=["policies"])
async def history(who: POLICIES) -> list[Edition]:
    """What was published, newest first."""
    _of_all(who)
    async with who.connection() as conn:
        return [Edition(**_edition(one)) for one in await policy_store.history(conn)]


@router.get("/policies/{version}", tags=["policies"])
async def policy(version: Id, who: POLICIES, answer: Response) -> Policy:
    """One version with its text."""
    _of_all(who)
    async with who.connection() as conn:
        return await _policy(conn, version, answer)


async def _policy(conn: Connection, version: int, answer: Response) -> Policy:
    try:
        found = await policy_store.edition(conn, version)
    except policy_store.NoPolicyError:
        raise ProblemError(404, "no_such_policy") from None
    answer.headers["ETag"] = f'"{version}"'
    return Policy(**_edition(found), text=found.text)


@router.post("/policies/check", tags=["policies"])
async def check(who: POLICIES, said: PolicyText) -> Review:
    """Find what is wrong with a text, against the people and duty lists there are; nothing is changed."""
    _of_all(who)
    async with who.connection() as conn:
        found = await policies.review(conn, said.text)
    return Review(
        sound=found.sound, faults=_found(found.faults), doubts=_found(found.doubts), notes=_found(found.notes)
    )


def _found(faults: tuple[PolicyFault, ...]) -> list[Found]:
    return [Found(line=one.line, code=one.code, zh=one.words("zh"), en=one.words("en")) for one in faults]


@router.post("/policies", tags=["policies"], status_code=201)
async def publish(
    who: PUBLISHES, said: NewPolicy, answer: Response,
    match: Annotated[
        str | None, Header(alias="If-Match", pattern=r'^"[0-9]{1,18}"$', description="the version it was edited from")
    ] = None,
) -> Policy:  # fmt: skip
    """Make a text the policy of cases that open from now on."""
    _of_all(who)
    by = policies.Publisher(name=f"api: {who.name}", person_id=who.person_id)
    base = int(match.strip('"')) if match else None
    async with who.connection() as conn:
        try:
            version = await policies.publish(conn, said.text, by, comment=said.comment, force=said.force, base=base)
        except PolicyError as no:
            raise ProblemError(422, "faults", faults=_lines(no.faults)) from None
        except policies.DoubtfulPolicyError as no:
            raise ProblemError(409, "doubts", str(no), faults=_lines(no.doubts)) from None
        except policies.NotPublishedError as no:
            raise ProblemError(412 if no.code == "stale" else 409, no.code, str(no)) from None
        return await _policy(conn, version, answer)


def _lines(faults: tuple[PolicyFault, ...]) -> list[Fault]:
    return [Fault(where=f"line {one.line}", what=one.words("en")) for one in faults]


@router.get("/surges", tags=["surges"])
async def surges(
    who: SURGES, limit: Limit = 50, cursor: Cursor = None, running: Annotated[bool, Query()] = False
) -> Page[Surge]:
    """Disaster mode, declared and ended, the latest first."""
    async with who.connection() as conn:
        found = await store.rows(
            conn, store.Q.surges, before=number(cursor), running=running, limit=limit + 1, **who.sees
        )
    return page(Surge.of, found, limit)


class Declare(Asked):
    area: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)] = Field(
        "", description="left out: everywhere"
    )
    reason: Line
    minutes: Literal[60, 120, 240, 480, 720]


@router.post("/surges", tags=["surges"], status_code=201)
async def declare(who: DECLARES, said: Declare) -> Surge:
    """Begin disaster mode; it ends by the clock."""
    async with who.connection() as conn:
        made = await disaster.declare(conn, who.person_id, said.area, said.reason, said.minutes)
        return await _surge(conn, who, made)


@router.post("/surges/{surge_id}/end", tags=["surges"])
async def end(surge_id: Id, who: DECLARES) -> Surge:
    """End it before its time; again changes nothing."""
    async with who.connection() as conn:
        before = await _surge(conn, who, surge_id)
        if before.ended_at is None:
            await disaster.end(conn, who.person_id, surge_id)
        return await _surge(conn, who, surge_id)


async def _surge(conn: Connection, who: Caller, surge_id: int) -> Surge:
    found = await store.rows(conn, store.Q.surges, before=surge_id + 1, running=False, limit=1, **who.sees)
    if not found or found[0]["id"] != surge_id:
        raise ProblemError(404, "no_such_surge")
    return Surge.of(found[0])
