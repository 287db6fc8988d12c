"""Calls drawn by lot for review: the draw, its proof, the form, what was found."""

import json
from datetime import date
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from hub.review_draw import CRITERIA, DRAWN_MOST, MET, NONE, NOT_MET, DrawError
from hub.sheets import Sheet
from hub.store import reviews as store
from hub.store.access import looked_at
from hub.store.pool import hub_now
from hub.store.reviews import STRATA, Lottery, NoSuchDrawError
from hub.web import words
from hub.web.downloads import Form, download
from hub.web.frame import MOST, FormOf, PartsOf, SeatOf, go, number, render, said, text
from hub.web.scope import AskedOf, scope, shown

router = APIRouter()
Number = Annotated[int, Path(ge=1, le=MOST)]
WANTED = 10
CRITERION = {MET: "reviews.met", NOT_MET: "reviews.not_met", NONE: "reviews.none_applies"}


@router.get("/reviews")
async def page(request: Request, who: SeatOf, has: PartsOf, asked: AskedOf) -> Response:
    async with has.pool.connection() as conn:
        at = await scope(conn, await hub_now(conn), has.zone, asked.month, asked.area)
        draws, mine = await store.draws(conn, at.area), await store.mine(conn, who.person_id)
        people = await store.reviewers(conn)
        lottery = Lottery(since=at.wish.since, until=at.wish.until, area=at.area or "")
        there = len(await store.population(conn, lottery))
        totals, criteria = await store.results(conn, at.wish.since, at.wish.until, at.area)
    return render(
        request, "reviews.html", who, here="reviews", **shown(at), draws=draws, mine=mine, people=people, there=there,
        strata=STRATA, wanted=min(WANTED, there) or 1, most=DRAWN_MOST, totals=totals, criteria=criteria,
    )  # fmt: skip


@router.post("/reviews")
async def draw(request: Request, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    """Draw by lot."""
    async with has.pool.connection() as conn:
        at = await scope(conn, await hub_now(conn), has.zone, text(form, "month", 7), text(form, "area", 100))
        chosen = {int(one) for one in form.getlist("reviewer") if isinstance(one, str) and one.isdecimal()}
        allowed = [one["id"] for one in await store.reviewers(conn)]
        lottery = Lottery(
            since=at.wish.since, until=at.wish.until, area=at.area or "", wanted=number(form, "wanted") or 0,
            strata=tuple(name for name in STRATA if name in form.getlist("stratum")),
            reviewers=tuple(one for one in sorted(allowed) if one in chosen), seed=text(form, "seed", 100),
            seed_from=text(form, "seed_from", 100),
        )  # fmt: skip
        try:
            drawn = await store.draw(conn, lottery, who.person_id)
        except DrawError as err:
            return said(request, who, words.speaker(who.language)(f"reviews.refused.{err.code}"), 422)
    return go(f"/reviews/{drawn}")


@router.get("/reviews/{draw}")
async def draw_page(request: Request, draw: Number, who: SeatOf, has: PartsOf) -> Response:
    """One draw, drawn again before it is shown."""
    async with has.pool.connection() as conn:
        try:
            verified, kept = await store.verify(conn, draw), await store.one_draw(conn, draw)
        except NoSuchDrawError:
            raise HTTPException(404) from None
        found = await store.reviews(conn, draw)
        names = {one["id"]: one["name"] for one in await store.reviewers(conn)}
    return render(
        request, "reviews_draw.html", who, here="reviews", draw=kept, reviews=found, verified=verified, names=names,
        cases=len(kept["population"]),
    )  # fmt: skip


@router.get("/reviews/{draw}/export/{form}")
async def export(draw: Number, form: Form, who: SeatOf, has: PartsOf) -> Response:
    t = words.speaker(who.language)
    async with has.pool.connection() as conn:
        try:
            kept = await store.one_draw(conn, draw)
        except NoSuchDrawError:
            raise HTTPException(404) from None
        found = await store.reviews(conn, draw)
        await looked_at(conn, who.person_id, "export: reviews", f"draw {draw}")
    head = (
        "place",
        "case",
        "stratum",
        "reviewer",
        "score",
        *CRITERIA,
        "finding",
        "remedy",
        "remedy_due",
        "remedied_at",
    )
    rows = [
        (one["place"], one["incident_id"], one["stratum"], one["reviewer"] or "", one["score"],
         *(t(CRITERION[one["criteria"][c]]) if c in one["criteria"] else "" for c in CRITERIA),
         one["finding"], one["remedy"], one["remedy_due"], one["remedied_at"])
        for one in found
    ]  # fmt: skip
    notes = (
        f"{t('reviews.seed')}: {kept['seed']}", f"{t('reviews.algorithm')}: {kept['algorithm']}",
        f"{t('reviews.population')}: {len(kept['population'])} · SHA-256 {kept['population_sha256']}",
    )  # fmt: skip
    population = Sheet(
        title=t("reviews.population"), head=[t("reviews.h_case"), t("reviews.h_stratum"), t("reviews.h_hands")],
        rows=[(n, stratum, json.dumps(hands)) for n, stratum, hands in kept["population"]],
    )  # fmt: skip
    sheet = Sheet(title=t("reviews.title"), head=[t(f"reviews.h_{word}") for word in head], rows=rows, notes=notes)
    return await download(f"{t('reviews.title')}-{draw}", [sheet, population], form, has.zone)


@router.get("/reviews/cases/{review}")
async def form_page(request: Request, review: Number, who: SeatOf, has: PartsOf) -> Response:
    async with has.pool.connection() as conn:
        found = await store.review(conn, review)
    if found is None:
        raise HTTPException(404)
    return render(
        request, "reviews_case.html", who, here="reviews", review=found, criteria=CRITERIA,
        verdicts=(MET, NOT_MET, NONE),
    )  # fmt: skip


@router.post("/reviews/cases/{review}")
async def write(request: Request, review: Number, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    """The reviewer's word; it is not written over."""
    t = words.speaker(who.language)
    criteria = {name: text(form, name, 10) for name in CRITERIA}
    if not set(criteria.values()) <= {MET, NOT_MET, NONE}:
        return said(request, who, t("reviews.refused.criteria"), 422)
    if NOT_MET in criteria.values() and not text(form, "finding", 2000):
        return said(request, who, t("reviews.refused.finding"), 422)
    async with has.pool.connection() as conn:
        try:
            kept = await store.write(
                conn, review, who.person_id, criteria, finding=text(form, "finding", 2000),
                remedy=text(form, "remedy", 1000), due=day(form, "remedy_due"),
            )  # fmt: skip
        except DrawError as err:
            return said(request, who, t(f"reviews.refused.{err.code}"), 409)
        found = await store.review(conn, review)
    if found is None:
        raise HTTPException(404)
    return go(f"/reviews/{found['draw_id']}") if kept else said(request, who, t("reviews.refused.written"), 409)


@router.post("/reviews/cases/{review}/remedied")
async def remedied(request: Request, review: Number, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    async with has.pool.connection() as conn:
        draw = await store.remedied(conn, review, who.person_id)
    if draw is None:
        return said(request, who, words.speaker(who.language)("reviews.refused.remedied"), 409)
    return go(f"/reviews/{draw}")


def day(form: FormData, name: str) -> date | None:
    """Return a field's day; None when it is none."""
    try:
        return date.fromisoformat(text(form, name, 10))
    except ValueError:
        return None
