"""Work orders, 工单, and service levels: what a supervisor answers for."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response, Security
from pydantic import BaseModel, Field, StringConstraints

from hub.api.acts import Match
from hub.api.caller import Caller, caller
from hub.api.cases import Area
from hub.api.models import Asked, Line, Shown
from hub.api.once import Once
from hub.api.paging import Cursor, Id, Limit, Page, number, page
from hub.api.problems import Fault, ProblemError
from hub.service_levels import Level, seconds
from hub.store import api as store
from hub.store import service_levels, work_orders
from hub.store.pool import Connection, hub_now
from hub.work_orders import KINDS, VERBS, OrderRefusedError, OrderState

router = APIRouter(route_class=Once)
MOST_DAYS = 400
READS = Annotated[Caller, Security(caller, scopes=["work_orders:read"])]
WRITES = Annotated[Caller, Security(caller, scopes=["work_orders:write"])]
REPORTS = Annotated[Caller, Security(caller, scopes=["reports:read"])]
OrderId = Annotated[int, Path(ge=1, lt=2**63)]
Verb = Annotated[str, Path(json_schema_extra={"enum": list(VERBS)})]
Spoken = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)]
First = Annotated[date | None, Query(ge=date(2000, 1, 1), lt=date(2200, 1, 1))]


class WorkOrder(Shown):
    id: int
    kind: str
    source: str
    scope: str
    quality: str
    area: str
    place: str
    resident_id: int | None
    device_id: int | None
    due: date
    state: OrderState
    assignee_id: int | None
    organisation_id: int | None
    done_by: int | None
    created_at: datetime
    created_by: str
    done_at: datetime | None
    ended_at: datetime | None
    version: int


class NewOrder(Asked):
    kind: Annotated[str, Field(json_schema_extra={"enum": list(KINDS)})]
    scope: Line
    due: Annotated[date, Field(ge=date(2000, 1, 1), lt=date(2200, 1, 1))]
    quality: Spoken = ""
    area: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)] = ""
    place: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""


class Move(Asked):
    words: Spoken = ""
    assignee_id: Id | None = None


@router.get("/work_orders", tags=["work orders"])
async def listed(
    *, who: READS, limit: Limit = 50, cursor: Cursor = None, state: OrderState | None = None,
    open: Annotated[bool | None, Query(description="only those that go on, or only those that have ended")] = None,  # noqa: A002
) -> Page[WorkOrder]:  # fmt: skip
    """Work orders by number."""
    async with who.connection() as conn:
        found = await store.rows(
            conn, store.Q.work_orders, id=None, after=number(cursor) or 0, state=state, open=open, limit=limit + 1,
            **who.sees,
        )  # fmt: skip
    return page(WorkOrder.of, found, limit)


@router.get("/work_orders/{order_id}", tags=["work orders"])
async def one(order_id: OrderId, who: READS, answer: Response) -> WorkOrder:
    async with who.connection() as conn:
        return await _order(conn, who, order_id, answer)


async def _order(conn: Connection, who: Caller, order_id: int, answer: Response) -> WorkOrder:
    found = await store.row(conn, store.Q.work_orders, id=order_id, after=0, state=None, open=None, limit=1, **who.sees)
    if found is None:
        raise ProblemError(404, "no_such_work_order")
    answer.headers["ETag"] = f'"{found["version"]}"'
    return WorkOrder.of(found)


@router.post("/work_orders", tags=["work orders"], status_code=201)
async def make(who: WRITES, said: NewOrder, answer: Response) -> WorkOrder:
    """Plan some work."""
    order = work_orders.Order(
        kind=said.kind, scope=said.scope, due=said.due, quality=said.quality, area=said.area, place=said.place
    )
    async with who.connection() as conn:
        if who.organisation_id is not None:
            serves = await store.row(conn, store.Q.serves, area=said.area, **who.sees)
            if serves is None or not serves["there"]:
                raise _fault("body/area", "an area that this organisation serves")
        try:
            made = await work_orders.make(conn, order, who.as_whom)
        except OrderRefusedError as no:
            raise _fault("body", str(no)) from None
        assert made is not None  # one of no source is never there already
        return await _order(conn, who, made, answer)


@router.post("/work_orders/{order_id}/{verb}", tags=["work orders"])
async def move(
    *, order_id: OrderId, verb: Verb, who: WRITES, said: Move, answer: Response, match: Match = None
) -> WorkOrder:
    """Take it one step on; who did it does not check it."""
    if verb not in VERBS:
        raise ProblemError(404, "no_such_step", f"there are {', '.join(VERBS)}")
    async with who.connection() as conn:
        before = await _order(conn, who, order_id, answer)
        if match is not None and match != f'"{before.version}"':
            raise ProblemError(412, "changed")
        if said.assignee_id is not None:
            await _must_know(conn, who, said.assignee_id)
        try:
            await work_orders.move(conn, order_id, verb, who.as_whom, words=said.words, assignee=said.assignee_id)
        except OrderRefusedError as no:
            raise ProblemError(409, no.code, str(no)) from None
        return await _order(conn, who, order_id, answer)


async def _must_know(conn: Connection, who: Caller, person_id: int) -> None:
    about: dict[str, Any] = {"id": person_id, "after": 0, "role": None, "limit": 1}
    if await store.row(conn, store.Q.people, **about, **who.sees) is None:
        raise _fault("body/assignee_id", "somebody there is")


def _fault(where: str, what: str) -> ProblemError:
    return ProblemError(422, "invalid", faults=[Fault(where=where, what=what)])


class ServiceLevel(BaseModel):
    """Calls of one line. Shares are of those that were in time or no longer can be; null: none was due."""

    key: str
    calls: int
    unanswered: int
    unreached: int
    called_off: int
    proved: int = Field(description="arrivals that a button or a position proves")
    answered_60_s: float | None
    answered_180_s: float | None
    at_the_door_45_min: float | None
    at_the_door_60_min: float | None
    answer_p50_s: float | None
    answer_p90_s: float | None
    door_p50_s: float | None
    door_p90_s: float | None


def _level(found: Level) -> ServiceLevel:
    return ServiceLevel(
        key=found.key, calls=found.calls, unanswered=found.unanswered, unreached=found.unreached,
        called_off=found.called_off, proved=found.proved, answered_60_s=found.share("in_60"),
        answered_180_s=found.share("in_180"), at_the_door_45_min=found.share("in_45"),
        at_the_door_60_min=found.share("in_60m"), answer_p50_s=seconds(found.answer_p50),
        answer_p90_s=seconds(found.answer_p90), door_p50_s=seconds(found.door_p50), door_p90_s=seconds(found.door_p90),
    )  # fmt: skip


By = Literal["", "severity", "kind", "hour", "day", "month", "organisation", "area"]


@router.get("/reports/service_levels", tags=["reports"])
async def levels(
    *, who: REPORTS, first: First = None, days: Annotated[int, Query(ge=1, le=MOST_DAYS)] = 30,
    by: Annotated[By, Query(description="left out: all together")] = "", area: Area = None,
) -> list[ServiceLevel]:  # fmt: skip
    """How soon calls were answered and doors reached, those nobody answered counted; left out: the last 30 days."""
    zone = who.parts.zone
    async with who.unbound() as conn:  # counted over tables no organisation reads; the wish names it
        now = await hub_now(conn)
        begins = first or now.astimezone(zone).date() - timedelta(days=days - 1)
        since, until = (
            service_levels.day_of(begins, zone)[0],
            service_levels.day_of(begins + timedelta(days=days), zone)[0],
        )
        wish = service_levels.Wish(since=since, until=until, area=area, organisation=who.organisation_id)
        return [_level(one) for one in await service_levels.levels(conn, wish, now, zone, by=by)]
