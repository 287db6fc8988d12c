"""Work orders (工单): the list, one order with its way and its proof, evidence, files for who pays or checks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path, Request
from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response

from hub.sheets import Sheet
from hub.store import visiting
from hub.store import work_orders as store
from hub.store.access import looked_at
from hub.store.console import Row
from hub.store.pool import Connection, hub_now
from hub.store.telemetry import clean
from hub.store.visiting import Contact, VisitRefusedError
from hub.store.work_orders import FileRefusedError, Order
from hub.web import access, glass, own, words
from hub.web.auth import Seat
from hub.web.bounds import lift
from hub.web.downloads import Form, download
from hub.web.frame import MOST, FormOf, PartsOf, SeatOf, go, number, render, said, text
from hub.web.reviews import day
from hub.web.scope import AskedOf, scope, shown
from hub.work_orders import KINDS, TRANSITIONS, VERBS, OrderRefusedError, OrderState

router = APIRouter()
Number = Annotated[int, Path(ge=1, le=MOST)]
WORDS_LENGTH = 2000
MOVE = "POST /work-orders/{order}/{verb}"


@dataclass(frozen=True, kw_only=True)
class Which:
    """Which orders an address asks for; words that are none ask for all."""

    state: str | None = None
    kind: str | None = None

    @property
    def known(self) -> str | None:
        return self.state if self.state in tuple(OrderState) else None

    @property
    def of(self) -> str | None:
        return self.kind if self.kind in KINDS else None


WhichOf = Annotated[Which, Depends()]


@router.get("/work-orders")
async def page(
    request: Request, who: SeatOf, has: PartsOf, asked: AskedOf, which: WhichOf
) -> Response:  # fmt: skip
    async with has.pool.connection() as conn:
        now = await hub_now(conn)
        at = await scope(conn, now, has.zone, asked.month, asked.area)
        wish = store.Wish(since=at.wish.since, until=at.wish.until, area=at.area, state=which.known, kind=which.of)
        today = now.astimezone(has.zone).date()
        orders, counts = await _seen(conn, who, await store.orders(conn, wish)), await store.counts(conn, wish, today)
    return render(
        request, "work_orders.html", who, here="work-orders", **shown(at), orders=orders, counts=counts, wish=wish,
        kinds=KINDS, states=list(OrderState), today=today, scope_words=scope_words, most=store.SHOWN,
    )  # fmt: skip


async def _seen(conn: Connection, who: Seat, orders: Sequence[Row]) -> list[Row]:
    """Return orders as this person may see them: where and for whom a locked record says to nobody without a reason."""
    return await glass.masked(conn, who, orders, name="resident", empty={"place": ""})


def scope_words(t: Any, order: Row) -> str:
    """Say what is to be done: as it was written, or for an order the hub made, in the reader's words."""
    if not order["scope"].startswith("auto:"):
        return str(order["scope"])
    return str(t(f"orders.auto.{order['source'].partition(':')[0]}"))


@router.post("/work-orders")
async def make(request: Request, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    due = day(form, "due")
    t = words.speaker(who.language)
    if due is None:
        return said(request, who, t("orders.refused.due"), 422)
    async with has.pool.connection() as conn:
        found = await visiting.find(conn, text(form, "resident", 60)) if text(form, "resident", 60) else []
        if text(form, "resident", 60) and len(found) != 1:
            return said(request, who, t("visits.refused.who", n=len(found)), 422)
        home: Row = found[0] if found else {"id": None, "area": text(form, "area", 100), "address": ""}
        order = Order(
            kind=text(form, "kind", 40), scope=text(form, "scope", WORDS_LENGTH), due=due, area=home["area"],
            quality=text(form, "quality", WORDS_LENGTH), place=text(form, "place", 300) or home["address"],
            resident=home["id"],
        )  # fmt: skip
        try:
            made = await store.make(conn, order, f"person:{who.person_id}")
        except OrderRefusedError as err:
            return said(request, who, t(f"orders.refused.{err.code}"), 422)
    return go(f"/work-orders/{made}")


@router.get("/work-orders/export/{form}")
async def export(
    form: Form, who: SeatOf, has: PartsOf, asked: AskedOf, which: WhichOf
) -> Response:  # fmt: skip
    t = words.speaker(who.language)
    async with has.pool.connection() as conn:
        at = await scope(conn, await hub_now(conn), has.zone, asked.month, asked.area)
        wish = store.Wish(since=at.wish.since, until=at.wish.until, area=at.area, state=which.known, kind=which.of)
        found = await _seen(conn, who, await store.orders(conn, wish, store.ORDERS_MOST))
        await looked_at(conn, who.person_id, "export: work orders", f"{at.named} {at.area or '*'}")
    head = ("number", "kind", "scope", "quality", "area", "place", "resident", "device", "due", "state", "organisation",
            "assignee", "made_at", "done_at", "done_by", "ended_at", "files")  # fmt: skip
    rows = [
        (
            one["id"], t(f"orders.kind.{one['kind']}"), scope_words(t, one), one["quality"], one["area"], one["place"],
            one["resident"] or "", one["address"] or "", one["due"], t(f"orders.state.{one['state']}"),
            one["organisation"] or "", one["assignee"] or "", one["created_at"], one["done_at"], one["done_name"] or "",
            one["ended_at"], one["files"],
        )
        for one in found
    ]  # fmt: skip
    sheet = Sheet(title=t("orders.title"), head=[t(f"orders.h_{word}") for word in head], rows=rows)
    return await download(f"{t('orders.title')}-{at.named}", [sheet], form, has.zone)


@router.get("/work-orders/files/{file}")
async def file(file: Number, who: SeatOf, has: PartsOf) -> Response:
    async with has.pool.connection() as conn:
        found = await store.file(conn, file, who.person_id)
    if found is None:
        raise HTTPException(404)
    name = f"{found['order_id']}-{file}.{found['media_type'].rpartition('/')[2]}"
    return Response(
        bytes(found["content"]), media_type=found["media_type"],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )  # fmt: skip


@router.get("/work-orders/{order}")
async def order_page(request: Request, order: Number, who: SeatOf, has: PartsOf) -> Response:
    """One order: what, where, by when, who, its way so far, its evidence, and whether its chain holds."""
    async with has.pool.connection() as conn:
        found = await store.order(conn, order)
        if found is None:
            raise HTTPException(404)
        (found,) = await _seen(conn, who, [found])
        values: dict[str, Any] = {
            "events": await store.events(conn, order), "files": await store.files(conn, order),
            "proof": await store.proof(conn, order), "notice": await store.notice(conn, order),
            "people": await store.people(conn, who.organisation_id if who.scoped else None),
        }  # fmt: skip
    may = {
        verb: step for verb, step in TRANSITIONS[OrderState(found["state"])].items()
        if access.may(who.holder, MOVE, verb)
    }  # fmt: skip
    return render(
        request, "work_order.html", who, here="work-orders", order=found, scope_words=scope_words, **values,
        may=[(verb, may[verb]) for verb in VERBS if verb in may], visit=found["kind"] in ("visit", "silence"),
        file_mb=store.FILE_BYTES >> 20, files_most=store.FILES_MOST,
    )  # fmt: skip


@router.post("/work-orders/{order}/files")
async def add_file(request: Request, order: Number, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    t = words.speaker(who.language)
    upload = form.get("file")
    if not isinstance(upload, UploadFile):
        return said(request, who, t("orders.refused.size"), 422)
    content = await upload.read(store.FILE_BYTES + 1)
    await upload.close()
    async with has.pool.connection() as conn:
        try:
            kept = await store.add_file(conn, order, who.person_id, content)
        except FileRefusedError as err:
            return said(request, who, t(f"orders.refused.{err.code}"), 422)
    return go(f"/work-orders/{order}") if kept else said(request, who, t("orders.refused.files"), 409)


@router.post("/work-orders/{order}/{verb}")
async def move(  # noqa: PLR0917 - what every form has, and the button's own name
    request: Request, order: Number, verb: str, who: SeatOf, form: FormOf, has: PartsOf
) -> Response:
    """One step of an order. Finishing a visit also writes down whether she was met."""
    t = words.speaker(who.language)
    by, written = f"person:{who.person_id}", text(form, "words", WORDS_LENGTH)
    if verb not in VERBS:
        raise HTTPException(404)
    whom = number(form, "assignee")
    async with has.pool.connection() as conn:
        if who.scoped:  # an order of his organisation, given to one of its people
            if await store.order(conn, order) is None:
                raise HTTPException(404)
            if whom is not None and whom not in await own.people(conn, [whom], who):
                return said(request, who, t("orders.refused.not_own"), 403)
            await lift(conn)
        return await _moved(request, conn, order, verb, who, form, by, written, whom)


async def _moved(  # noqa: PLR0917 - one step of an order, in its parts
    request: Request, conn: Connection, order: int, verb: str, who: Seat, form: FormData, by: str, written: str,
    whom: int | None,
) -> Response:  # fmt: skip
    t = words.speaker(who.language)
    async with conn.transaction():
        try:
            to = await store.move(conn, order, verb, by, words=written, assignee=whom)
            if to is None:
                raise HTTPException(404)
            if verb == "finish" and text(form, "outcome", 20):
                await met(conn, order, text(form, "outcome", 20), clean(written), by)
        except OrderRefusedError as err:
            return said(request, who, t(f"orders.refused.{err.code}"), 409)
        except VisitRefusedError as err:
            return said(request, who, t(f"visits.refused.{err.code}"), 422)
    return go(f"/work-orders/{order}")


async def met(conn: Any, order: int, outcome: str, note: str, by: str) -> None:
    """Write down what became of a visit that this order was for."""
    found = await store.order(conn, order)
    if found is not None and found["resident_id"] is not None:
        now = await hub_now(conn)
        how = "phone" if outcome in ("spoke", "no_answer") else "visit"
        await visiting.made(conn, Contact(
            resident=found["resident_id"], at=now, how=how, outcome=outcome, person=found["assignee_id"], order=order,
            note=note,
        ), by, now)  # fmt: skip
