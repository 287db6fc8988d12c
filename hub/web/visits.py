"""The ledger of monthly visits (月探访): who is visited, who was, who is overdue, and how that is proved."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from hub.sheets import Sheet
from hub.store import visiting as store
from hub.store import work_orders
from hub.store.access import looked_at
from hub.store.console import Row
from hub.store.pool import Connection, hub_now
from hub.store.visiting import Contact, VisitRefusedError
from hub.visiting import BOOKED_FROM_DAY, HOWS, OUTCOMES, REASONS, SILENT_HOURS
from hub.web import glass, words
from hub.web.downloads import Form, download
from hub.web.frame import MOST, FormOf, PartsOf, SeatOf, go, render, said, text
from hub.web.scope import AskedOf, Scope, scope, shown

router = APIRouter()
HIDDEN = {"address": "", "last_evidence": ""}  # of a locked record
Number = Annotated[int, Path(ge=1, le=MOST)]


@router.get("/visits")
async def page(request: Request, who: SeatOf, has: PartsOf, asked: AskedOf) -> Response:
    async with has.pool.connection() as conn:
        now = await hub_now(conn)
        at = await scope(conn, now, has.zone, asked.month, asked.area)
        ledger, by_area = await store.ledger(conn, at.of, at.area), await store.by_area(conn, at.of, at.area)
        ledger = await glass.masked(conn, who, ledger, empty=HIDDEN)
    return render(
        request, "visits.html", who, here="visits", **shown(at), ledger=ledger, by_area=by_area, hows=HOWS,
        outcomes=OUTCOMES, reasons=REASONS, today=now.astimezone(has.zone).date(), silent_hours=SILENT_HOURS,
        booked_from=BOOKED_FROM_DAY, over=at.of.values["last_day"] < now.astimezone(has.zone).date(),
        now_local=f"{now.astimezone(has.zone):%Y-%m-%dT%H:%M}", most=store.SHOWN,
    )  # fmt: skip


async def _her(conn: Connection, form: FormData) -> Row | int:
    """Return the one resident a form names, or how many it may mean."""
    word = text(form, "resident", 60)
    found = await store.find(conn, word) if word else []
    exact = [one for one in found if one["name"] == word or str(one["id"]) == word]
    chosen = exact if len(exact) == 1 else found
    return chosen[0] if len(chosen) == 1 else len(chosen)


@router.post("/visits")
async def made(request: Request, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    """Somebody went, or rang."""
    t, by = words.speaker(who.language), f"person:{who.person_id}"
    async with has.pool.connection() as conn:
        now = await hub_now(conn)
        her = await _her(conn, form)
        if isinstance(her, int):
            return said(request, who, t("visits.refused.who", n=her), 422)
        try:
            at = datetime.fromisoformat(text(form, "at", 30)).replace(tzinfo=has.zone)
            await store.made(conn, Contact(
                resident=her["id"], at=at, how=text(form, "how", 10), outcome=text(form, "outcome", 20),
                person=who.person_id, evidence=text(form, "evidence", 200), note=text(form, "note", 1000),
            ), by, now)  # fmt: skip
        except ValueError:
            return said(request, who, t("visits.refused.time"), 422)
        except VisitRefusedError as err:
            return said(request, who, t(f"visits.refused.{err.code}"), 422)
    return go("/visits")


@router.post("/visits/residents")
async def enter(request: Request, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    """She is visited from now on."""
    t = words.speaker(who.language)
    async with has.pool.connection() as conn:
        her = await _her(conn, form)
        if isinstance(her, int):
            return said(request, who, t("visits.refused.who", n=her), 422)
        today = (await hub_now(conn)).astimezone(has.zone).date()
        try:
            taken = await store.enter(conn, her["id"], today, text(form, "reason", 40), f"person:{who.person_id}")
        except VisitRefusedError as err:
            return said(request, who, t(f"visits.refused.{err.code}"), 422)
    return go("/visits") if taken else said(request, who, t("visits.refused.there"), 409)


@router.post("/visits/residents/{resident}/leave")
async def leave(request: Request, resident: Number, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    async with has.pool.connection() as conn:
        today = (await hub_now(conn)).astimezone(has.zone).date()
        left = await store.leave(conn, resident, today)
    return go("/visits") if left else said(request, who, words.speaker(who.language)("visits.refused.not_there"), 409)


@router.post("/visits/book")
async def book(request: Request, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    """Make the orders that the hub makes by itself every few minutes, now."""
    async with has.pool.connection() as conn:
        await work_orders.book(conn, await hub_now(conn), has.zone)
    return go("/work-orders")


@router.get("/visits/export/{form}")
async def export(form: Form, who: SeatOf, has: PartsOf, asked: AskedOf) -> Response:
    t = words.speaker(who.language)
    async with has.pool.connection() as conn:
        at = await scope(conn, await hub_now(conn), has.zone, asked.month, asked.area)
        ledger = await store.ledger(conn, at.of, at.area, store.LEDGER_MOST)
        ledger = await glass.masked(conn, who, ledger, empty=HIDDEN)
        by_area = await store.by_area(conn, at.of, at.area)
        await looked_at(conn, who.person_id, "export: visits", f"{at.named} {at.area or '*'}")
    return await download(f"{t('visits.title')}-{at.named}", sheets(t, at, ledger, by_area), form, has.zone)


def sheets(t: Callable[..., str], at: Scope, ledger: list[Row], by_area: list[Row]) -> list[Sheet]:
    head = ("area", "resident", "address", "reason", "reached", "counted", "tried", "last_counted", "last_how",
            "last_by", "evidence", "order")  # fmt: skip
    rows = [
        (
            one["area"], one["name"], one["address"], t(f"visits.reason.{one['reason']}"),
            t("visits.yes") if one["counted"] else t("visits.no"), one["counted"], one["tried"], one["last_counted"],
            t(f"visits.how.{one['last_how']}") if one["last_how"] else "", one["last_by"] or "",
            one["last_evidence"] or "", one["order_id"],
        )
        for one in ledger
    ]  # fmt: skip
    areas = [(one["area"], one["residents"], one["visited"], one["visited"] / one["residents"]) for one in by_area]
    return [
        Sheet(title=t("visits.title"), head=[t(f"visits.h_{word}") for word in head], rows=rows,
              notes=(f"{t('visits.title')} {at.named}", t("visits.what_counts"))),
        Sheet(title=t("visits.by_area"),
              head=[t(f"visits.h_{word}") for word in ("area", "residents", "visited", "share")], rows=areas),
    ]  # fmt: skip
