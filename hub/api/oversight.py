"""What supervisors keep and read: duty lists, the ledger of visits, reviews, subsidies, the month's report."""

from dataclasses import fields, is_dataclass
from datetime import date, datetime, time
from typing import Annotated, Any
from zoneinfo import available_timezones

from fastapi import APIRouter, HTTPException, Path, Query, Response, Security
from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from alerts.duty import Days, Rotation, Shift
from alerts.model import Role
from hub.api.caller import Caller, caller
from hub.api.models import Asked, Line, Shown
from hub.api.once import Once
from hub.api.paging import Id as Number
from hub.api.problems import Fault, ProblemError
from hub.api.residents import Named, Short, Text, fault
from hub.api.work import READS as ORDERS_READ
from hub.api.work import WRITES as ORDERS_WRITE
from hub.store import oversight, reviews, rosters, subsidies, visiting, work_orders
from hub.store.access import looked_at
from hub.store.pool import Connection, hub_now
from hub.store.rosters import RosterError
from hub.store.subsidies import EvidenceRefusedError
from hub.store.visiting import Contact, VisitRefusedError
from hub.subsidies import BY_KEY, FACTS
from hub.visiting import HOWS, OUTCOMES, REASONS
from hub.web.scope import Scope, scope
from hub.web.subsidies import period

router = APIRouter(route_class=Once)
Id = Annotated[int, Path(ge=1, lt=2**63)]
Found = list[dict[str, Any]]
ROSTERS = Annotated[Caller, Security(caller, scopes=["rosters:write"])]
READS = Annotated[Caller, Security(caller, scopes=["rosters:read"])]
REVIEWS = Annotated[Caller, Security(caller, scopes=["reviews:read"])]
REPORTS = Annotated[Caller, Security(caller, scopes=["reports:read"])]
SUBSIDIES = Annotated[Caller, Security(caller, scopes=["subsidies:read"])]
KEEPS = Annotated[Caller, Security(caller, scopes=["subsidies:write"])]
Month = Annotated[str | None, Query(pattern=r"^20[0-9][0-9]-(0[1-9]|1[0-2])$", description="left out: this one")]
Area = Annotated[str | None, Query(min_length=1, max_length=100, description="with everything inside it")]
Day = Annotated[date, Field(ge=date(2000, 1, 1), lt=date(2200, 1, 1))]
LONGEST_SHIFT_DAYS = 31


def _centre(who: Caller) -> None:
    if who.organisation_id is not None:
        raise ProblemError(403, "whole_hub", "this is of the whole hub: no organisation's token reads or writes it")


async def _scope(conn: Connection, who: Caller, month: str | None, area: str | None) -> Scope:
    try:
        return await scope(conn, await hub_now(conn), who.parts.zone, month, area)
    except HTTPException:
        raise ProblemError(422, "invalid", faults=[Fault(where="query/area", what="an area there is")]) from None


# ---- duty lists ----


class NewRoster(Asked):
    name: Named
    zone: Short = "Asia/Shanghai"
    role: Annotated[str, Field(json_schema_extra={"enum": ["", *map(str, Role)]})] = ""
    needs_check_in: bool = False


class NewShift(Asked):
    roster: Named
    person_id: Number
    start: AwareDatetime
    end: AwareDatetime


class NewOverride(Asked):
    roster: Named
    start: AwareDatetime
    end: AwareDatetime
    off: Number | None = None
    on: Number | None = None
    reason: Text = ""


class NewRotation(Asked):
    roster: Named
    people: Annotated[list[Number], Field(min_length=1, max_length=60)]
    first_day: Day
    hand_over: time = time(8)
    turn_days: Annotated[int, Field(ge=1, le=31)] = 7
    window_from: time = time(0)
    window_to: time = time(0)
    weekdays: Annotated[list[Annotated[int, Field(ge=1, le=7)]], Field(min_length=1, max_length=7)] = Field(
        default_factory=lambda: list(range(1, 8))
    )
    days: Days = Days.ANY
    until: Day | None = None


class Present(Asked):
    roster: Named
    person_id: Number


@router.put("/rosters", tags=["rosters"], status_code=204)
async def save_roster(who: ROSTERS, said: NewRoster) -> Response:
    """Make a duty list, or change what it is."""
    if said.zone not in available_timezones():
        raise fault("body/zone", "a zone like Asia/Shanghai")
    if said.role not in {"", *Role}:
        raise fault("body/role", f"one of {', '.join(Role)}")
    async with who.connection() as conn:
        await rosters.save_roster(conn, said.name, zone=said.zone, role=said.role, needs_check_in=said.needs_check_in)
    return Response(status_code=204)


@router.post("/shifts", tags=["rosters"], status_code=204)
async def add_shift(who: ROSTERS, said: NewShift) -> Response:
    """Somebody is on duty from then till then."""
    _stretch(said.start, said.end)
    shift = Shift(start=said.start, end=said.end, person_id=said.person_id, roster=said.roster)
    return await _done(who, said.roster, lambda conn: rosters.add_shifts(conn, [shift]))


@router.delete("/shifts/{shift_id}", tags=["rosters"], status_code=204)
async def drop_shift(shift_id: Id, who: ROSTERS) -> Response:
    """Take a shift away; one that has begun ends now."""
    return await _done(who, None, lambda conn: rosters.drop_shift(conn, shift_id))


@router.post("/overrides", tags=["rosters"], status_code=204)
async def add_override(who: ROSTERS, said: NewOverride) -> Response:
    """`off` does not come, and `on` does, for a time."""
    _stretch(said.start, said.end)
    return await _done(who, said.roster, lambda conn: rosters.add_override(
        conn, said.roster, said.start, said.end, off=said.off, on=said.on, reason=said.reason, by=who.person_id,
    ))  # fmt: skip


@router.delete("/overrides/{override_id}", tags=["rosters"], status_code=204)
async def drop_override(override_id: Id, who: ROSTERS) -> Response:
    return await _done(who, None, lambda conn: rosters.drop_override(conn, override_id))


@router.post("/rotations", tags=["rosters"], status_code=204)
async def save_rotation(who: ROSTERS, said: NewRotation) -> Response:
    """People who take turns from a day on; the shifts are laid out at once."""
    turn = Rotation(
        roster=said.roster, zone="Asia/Shanghai", people=tuple(said.people), first_day=said.first_day,
        hand_over=said.hand_over.replace(tzinfo=None), turn_days=said.turn_days,
        window_from=said.window_from.replace(tzinfo=None), window_to=said.window_to.replace(tzinfo=None),
        weekdays=frozenset(said.weekdays), days=said.days, until=said.until,
    )  # fmt: skip
    return await _done(who, said.roster, lambda conn: rosters.save_rotation(conn, turn, by=who.person_id))


@router.delete("/rotations/{rotation_id}", tags=["rosters"], status_code=204)
async def end_rotation(rotation_id: Id, who: ROSTERS) -> Response:
    return await _done(who, None, lambda conn: rosters.end_rotation(conn, rotation_id))


@router.post("/check_ins", tags=["rosters"], status_code=204)
async def check_in(who: ROSTERS, said: Present) -> Response:
    """Somebody is where he should be, as he was asked."""
    return await _done(
        who, said.roster, lambda conn: rosters.check_in(conn, said.person_id, via="console", roster=said.roster)
    )


def _stretch(start: datetime, end: datetime) -> None:
    if not start < end or (end - start).days > LONGEST_SHIFT_DAYS:
        raise fault("body/end", f"after it begins, and within {LONGEST_SHIFT_DAYS} days")


async def _done(who: Caller, roster: str | None, act: Any) -> Response:
    async with who.connection() as conn, conn.transaction():
        if roster is not None and roster not in {one.name for one in await rosters.rosters(conn)}:
            raise fault("body/roster", "a duty list there is: GET /rosters")
        try:
            await act(conn)
        except RosterError as no:
            raise ProblemError(404 if no.code == "gone" else 409, f"roster_{no.code}", str(no)) from None
    return Response(status_code=204)


# ---- the ledger of monthly visits ----


class NewContact(Asked):
    resident_id: Number
    at: AwareDatetime
    how: Annotated[str, Field(json_schema_extra={"enum": [*HOWS]})]
    outcome: Annotated[str, Field(json_schema_extra={"enum": [*OUTCOMES]})]
    evidence: Text = ""
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)] = ""


class Enter(Asked):
    resident_id: Number
    reason: Annotated[str, Field(json_schema_extra={"enum": [*REASONS]})]


class Made(BaseModel):
    id: int


@router.get("/visiting", tags=["visits"])
async def ledger(who: ORDERS_READ, month: Month = None, area: Area = None) -> Found:
    """Who is visited in a month, with what counted and what was tried; who was not reached comes first."""
    _centre(who)
    async with who.connection() as conn:
        at = await _scope(conn, who, month, area)
        found = await visiting.ledger(conn, at.of, at.area)
        await looked_at(conn, who.person_id, "visits: api", f"{at.named} {at.area or '*'}", who.reason)
    return found


@router.post("/visiting/contacts", tags=["visits"], status_code=201)
async def contact(who: ORDERS_WRITE, said: NewContact) -> Made:
    """Somebody went, or rang."""
    _centre(who)
    async with who.connection() as conn:
        one = Contact(
            resident=said.resident_id, at=said.at, how=said.how, outcome=said.outcome, person=who.person_id,
            evidence=said.evidence, note=said.note,
        )  # fmt: skip
        try:
            made = await visiting.made(conn, one, who.as_whom, await hub_now(conn))
        except VisitRefusedError as no:
            raise fault(f"body/{no.code}", str(no)) from None
    if made is None:
        raise ProblemError(404, "no_such_resident")
    return Made(id=made)


@router.post("/visiting/residents", tags=["visits"], status_code=204)
async def enter(who: ORDERS_WRITE, said: Enter) -> Response:
    """She is visited from now on."""
    _centre(who)
    async with who.connection() as conn:
        today = (await hub_now(conn)).astimezone(who.parts.zone).date()
        try:
            taken = await visiting.enter(conn, said.resident_id, today, said.reason, who.as_whom)
        except VisitRefusedError as no:
            raise fault("body/reason", str(no)) from None
    if not taken:
        raise ProblemError(409, "visited_already", "there is no such resident, or she is visited already")
    return Response(status_code=204)


@router.delete("/visiting/residents/{resident_id}", tags=["visits"], status_code=204)
async def leave(resident_id: Id, who: ORDERS_WRITE) -> Response:
    _centre(who)
    async with who.connection() as conn:
        today = (await hub_now(conn)).astimezone(who.parts.zone).date()
        if not await visiting.leave(conn, resident_id, today):
            raise ProblemError(404, "not_visited")
    return Response(status_code=204)


@router.post("/visiting/book", tags=["visits"])
async def book(who: ORDERS_WRITE) -> dict[str, int]:
    """Make the orders that the hub makes by itself every few minutes, now."""
    _centre(who)
    async with who.connection() as conn:
        return {"made": await work_orders.book(conn, await hub_now(conn), who.parts.zone)}


@router.get("/work_orders/{order_id}/events", tags=["work orders"])
async def order_events(order_id: Id, who: ORDERS_READ) -> Found:
    """The chain of a work order, in its order."""
    _centre(who)
    async with who.connection() as conn:
        if await work_orders.order(conn, order_id) is None:
            raise ProblemError(404, "no_such_work_order")
        return [_plain(one) for one in await work_orders.events(conn, order_id)]


# ---- reviews ----


@router.get("/reviews", tags=["reviews"])
async def draws(who: REVIEWS, area: Area = None) -> Found:
    """Draws of calls, the last first, and how far their reviews are."""
    _centre(who)
    async with who.connection() as conn:
        return [_plain(one) for one in await reviews.draws(conn, area)]


class Draw(BaseModel):
    draw: dict[str, Any] = Field(description="with its seed and population: anybody can draw it again")
    reviews: Found


@router.get("/reviews/{draw_id}", tags=["reviews"])
async def draw(draw_id: Id, who: REVIEWS) -> Draw:
    """One draw with what was found."""
    _centre(who)
    async with who.connection() as conn:
        try:
            kept = await reviews.one_draw(conn, draw_id)
        except reviews.NoSuchDrawError:
            raise ProblemError(404, "no_such_draw") from None
        found = await reviews.reviews(conn, draw_id)
        await looked_at(conn, who.person_id, "reviews: api", f"draw {draw_id}", who.reason)
    return Draw(draw=_plain(kept), reviews=[_plain(one) for one in found])


# ---- subsidies ----


class NewFact(Asked):
    fact: Annotated[str, Field(json_schema_extra={"enum": [*FACTS]})]
    value: Line
    document: Line
    valid_until: Day | None = None


class NewPurchase(Asked):
    scheme: Annotated[str, Field(json_schema_extra={"enum": [*BY_KEY]})]
    item: Line
    model: Text = ""
    device: Number | None = None
    price_fen: Annotated[int, Field(ge=1, le=100_000_000)]
    invoice: Short = ""
    seller: Text = ""
    bought_on: Day


class Evidence(Shown):
    resident_id: int
    verdict: str
    facts: dict[str, str]
    items: int
    price_fen: int
    paid_fen: int
    worn_days: int
    calls: int
    answered: int
    tests: int
    last_test: datetime | None
    missing: list[str]


@router.get("/subsidies/{scheme}", tags=["subsidies"])
async def evidence(scheme: str, who: SUBSIDIES, month: Month = None, area: Area = None) -> list[Evidence]:
    """What stands behind each resident's claim under a scheme: eligible, bought, worn, used, tested, and what lacks."""
    _centre(who)
    if scheme not in BY_KEY:
        raise ProblemError(404, "no_such_scheme", f"there are {', '.join(BY_KEY)}")
    async with who.connection() as conn:
        at = await _scope(conn, who, month, area)
        found = await subsidies.evidence(conn, BY_KEY[scheme], period(at), area=at.area)
        await looked_at(
            conn, who.person_id, "subsidies: api", f"{scheme} {at.named} {at.area or '*'}", who.reason
        )  # fmt: skip
    return [
        Evidence(
            resident_id=one.resident["id"], verdict=one.verdict, facts=dict(one.facts), items=len(one.items),
            price_fen=one.price_fen, paid_fen=one.paid_fen, worn_days=one.worn_days, calls=one.calls,
            answered=one.answered, tests=one.tests, last_test=one.last_test, missing=list(one.missing),
        )
        for one in found
    ]  # fmt: skip


@router.post("/residents/{resident_id}/facts", tags=["subsidies"], status_code=204)
async def keep_fact(resident_id: Id, who: KEEPS, said: NewFact) -> Response:
    """Keep what a paper says."""
    return await _keep(who, subsidies.keep_fact, {"resident": resident_id, **said.model_dump()})


@router.post("/residents/{resident_id}/purchases", tags=["subsidies"], status_code=204)
async def keep_purchase(resident_id: Id, who: KEEPS, said: NewPurchase) -> Response:
    """Keep what was bought for her."""
    return await _keep(who, subsidies.keep_purchase, {"resident": resident_id, **said.model_dump()})


async def _keep(who: Caller, keep: Any, values: dict[str, Any]) -> Response:
    async with who.connection() as conn:
        try:
            if not await keep(conn, by=who.as_whom, **values):
                raise ProblemError(409, "there_already", "there is no such resident, or it is there already")
        except EvidenceRefusedError as no:
            raise fault(f"body/{no.code}", str(no)) from None
    return Response(status_code=204)


@router.post("/purchases/{purchase_id}/void", tags=["subsidies"], status_code=204)
async def void(purchase_id: Id, who: KEEPS) -> Response:
    """Take a purchase out of the count; it stays to be read."""
    async with who.connection() as conn:
        if await subsidies.void(conn, purchase_id, who.as_whom) is None:
            raise ProblemError(404, "no_such_purchase")
    return Response(status_code=204)


# ---- the month ----


@router.get("/reports/month", tags=["reports"])
async def month_report(who: REPORTS, month: Month = None, area: Area = None) -> dict[str, Any]:
    """Everything the month's report tells, as numbers."""
    _centre(who)
    async with who.connection() as conn:
        at = await _scope(conn, who, month, area)
        told = await oversight.report(conn, at.of, at.area, await hub_now(conn), at.inner)
        await looked_at(conn, who.person_id, "report: api", f"{at.named} {at.area or '*'}", who.reason)
    made: dict[str, Any] = _plain({name: value for name, value in _named(told) if name != "of"})
    return made | {"month": at.named}


def _named(one: Any) -> list[tuple[str, Any]]:
    return [(each.name, getattr(one, each.name)) for each in fields(one)]


def _plain(value: Any) -> Any:
    """Return rows and dataclasses as JSON has them: bytes in hex, spans in seconds."""
    if is_dataclass(value):
        return {name: _plain(each) for name, each in _named(value)}
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each) for each in value]
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return value.total_seconds() if hasattr(value, "total_seconds") else value
