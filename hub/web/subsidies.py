"""Evidence for subsidies: by scheme the list, by resident the page; what is missing is said."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Request
from starlette.responses import Response

from hub.sheets import Row, Sheet
from hub.store import subsidies as store
from hub.store.access import looked_at
from hub.store.pool import hub_now
from hub.store.subsidies import LIST_MOST, Evidence, EvidenceRefusedError, Period
from hub.subsidies import BY_KEY, CAP_FEN, FACTS, HARDSHIP, RATE_PCT, SCHEMES, WORN_MIN, Scheme, Verdict, yuan
from hub.web import words
from hub.web.downloads import Form, download
from hub.web.frame import MOST, FormOf, PartsOf, SeatOf, go, number, render, said, text
from hub.web.reviews import day
from hub.web.scope import AskedOf, Scope, scope, shown

router = APIRouter()
Number = Annotated[int, Path(ge=1, le=MOST)]


def _scheme(key: str | None) -> Scheme:
    return BY_KEY.get(key or "", SCHEMES[0])


def period(at: Scope) -> Period:
    month = at.of.values
    return Period(**{name: month[name] for name in ("since", "until", "first_day", "last_day")})


@router.get("/subsidies")
async def page(
    request: Request, who: SeatOf, has: PartsOf, asked: AskedOf,
    scheme: str | None = None,
) -> Response:  # fmt: skip
    chosen = _scheme(scheme)
    async with has.pool.connection() as conn:
        at = await scope(conn, await hub_now(conn), has.zone, asked.month, asked.area)
        found = await store.evidence(conn, chosen, period(at), area=at.area)
        await looked_at(conn, who.person_id, "subsidies: list", f"{chosen.key} {at.named} {at.area or '*'}")
    return render(
        request, "subsidies.html", who, here="subsidies", **shown(at), found=found, scheme=chosen, schemes=SCHEMES,
        yuan=yuan, rate=RATE_PCT, cap=CAP_FEN, worn_min=WORN_MIN, most=store.SHOWN,
        counts={one: sum(told.verdict is one for told in found) for one in Verdict},
    )  # fmt: skip


@router.get("/subsidies/export/{form}")
async def export(form: Form, who: SeatOf, has: PartsOf, asked: AskedOf, scheme: str | None = None) -> Response:
    t, chosen = words.speaker(who.language), _scheme(scheme)
    async with has.pool.connection() as conn:
        at = await scope(conn, await hub_now(conn), has.zone, asked.month, asked.area)
        found = await store.evidence(conn, chosen, period(at), area=at.area, limit=LIST_MOST)
        await looked_at(conn, who.person_id, "export: subsidies", f"{chosen.key} {at.named} {at.area or '*'}")
    name = t(f"subsidies.scheme.{chosen.key}")
    return await download(f"{name}-{at.named}", sheets(t, name, found, chosen), form, has.zone)


def sheets(t: Callable[..., str], name: str, found: list[Evidence], scheme: Scheme) -> list[Sheet]:
    paper = scheme.source if scheme.checked else f"{scheme.source} {t('subsidies.to_check')}"
    head = ("area", "resident", "age", "ability", "verdict", "items", "price", "paid", "worn", "calls", "answered",
            "tests", "last_test", "missing")  # fmt: skip
    rows: list[Row] = [
        (
            one.resident["area"], one.resident["name"], int(one.facts["age"]) if "age" in one.facts else None,
            one.resident["ability"], t(f"subsidies.verdict.{one.verdict}"), len(one.items), _yuan(one.price_fen),
            _yuan(one.paid_fen), one.worn_days, one.calls, one.answered, one.tests, one.last_test, lacks(t, one),
        )
        for one in found
    ]  # fmt: skip
    items: list[Row] = [
        (
            one.resident["area"], one.resident["name"], item.about["item"], item.about["model"],
            item.about["bought_on"], item.about["invoice"], item.about["seller"],
            _yuan(item.about["price_fen"]), _yuan(item.paid_fen),
        )
        for one in found for item in one.items
    ]  # fmt: skip
    words_of_items = ("area", "resident", "item", "model", "bought_on", "invoice", "seller", "price", "paid")
    return [
        Sheet(
            title=name,
            head=[t(f"subsidies.h_{word}") for word in head],
            rows=rows,
            notes=(t("subsidies.no_grant"), paper),
        ),
        Sheet(title=t("subsidies.h_items"), head=[t(f"subsidies.h_{word}") for word in words_of_items], rows=items),
    ]


def _yuan(fen: int) -> Decimal:
    return Decimal(fen) / 100


def lacks(t: Callable[..., str], one: Evidence) -> str:
    """Say what is missing of one resident's evidence."""
    return t("subsidies.comma").join(t(f"subsidies.missing.{word}") for word in one.missing)


@router.get("/subsidies/residents/{resident}")
async def resident_page(
    request: Request, resident: Number, who: SeatOf, has: PartsOf, month: str | None = None
) -> Response:
    """Everything that stands behind one resident's claims."""
    async with has.pool.connection() as conn:
        at = await scope(conn, await hub_now(conn), has.zone, month, None)
        found = [one for s in SCHEMES for one in await store.evidence(conn, s, period(at), resident=resident)]
        if not found:
            raise HTTPException(404)
        await looked_at(conn, who.person_id, "subsidies: resident", resident)
    return render(
        request, "subsidies_resident.html", who, here="subsidies", **shown(at), found=found, her=found[0].resident,
        schemes=SCHEMES, facts=FACTS, hardship=HARDSHIP, yuan=yuan, rate=RATE_PCT, cap=CAP_FEN, lacks=lacks,
    )  # fmt: skip


@router.post("/subsidies/residents/{resident}/facts")
async def fact(request: Request, resident: Number, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    return await _keep(request, who, has, resident, store.keep_fact, {
        "resident": resident, "fact": text(form, "fact", 40), "value": text(form, "value", 60),
        "document": text(form, "document", 200), "valid_until": day(form, "valid_until"),
    })  # fmt: skip


@router.post("/subsidies/residents/{resident}/purchases")
async def purchase(request: Request, resident: Number, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    try:
        price = int(Decimal(text(form, "price", 20).replace(",", "")) * 100)
    except (InvalidOperation, ValueError, OverflowError):
        price = 0
    bought = day(form, "bought_on")
    if bought is None:
        return said(request, who, words.speaker(who.language)("subsidies.refused.price"), 422)
    return await _keep(request, who, has, resident, store.keep_purchase, {
        "resident": resident, "scheme": text(form, "scheme", 40), "item": text(form, "item", 120),
        "model": text(form, "model", 80), "device": number(form, "device"), "price_fen": price,
        "invoice": text(form, "invoice", 60), "seller": text(form, "seller", 120), "bought_on": bought,
    })  # fmt: skip


async def _keep(  # noqa: PLR0917 - what every form of this page has
    request: Request, who: Any, has: Any, resident: int, keep: Callable[..., Any], values: dict[str, Any]
) -> Response:
    t = words.speaker(who.language)
    async with has.pool.connection() as conn:
        try:
            kept = await keep(conn, by=f"person:{who.person_id}", **values)
        except EvidenceRefusedError as err:
            return said(request, who, t(f"subsidies.refused.{err.code}"), 422)
    if not kept:
        return said(request, who, t("subsidies.refused.there"), 409)
    return go(f"/subsidies/residents/{resident}")


@router.post("/subsidies/purchases/{purchase_id}/void")
async def void(purchase_id: Number, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    async with has.pool.connection() as conn:
        whose = await store.void(conn, purchase_id, f"person:{who.person_id}")
    if whose is None:
        raise HTTPException(404)
    return go(f"/subsidies/residents/{whose}")
