"""Disaster mode in the console: a supervisor declares and ends it, operators act on all cases of a place."""

from collections.abc import Sequence
from typing import Annotated

import structlog
from fastapi import APIRouter, HTTPException, Path, Request
from starlette.responses import HTMLResponse, Response

from hub import disaster
from hub.disaster import Batch
from hub.refusals import Refused
from hub.store import console as store
from hub.store.sql import as_number, queries
from hub.web import words
from hub.web.auth import Seat
from hub.web.frame import TEMPLATES, FormOf, PartsOf, SeatOf, from_htmx, go, number, render, said, text

router = APIRouter()
log = structlog.get_logger()
CASES = queries("cases")
MINUTES = (60, 120, 240, 480, 720)  # how long disaster mode may be declared for
SurgeId = Annotated[int, Path(ge=1, lt=2**63)]
VERBS = ("take", "send", "note")


@router.get("/surge/sheet")
async def surge_sheet(request: Request, who: SeatOf, has: PartsOf) -> Response:
    async with has.pool.connection() as conn:
        areas = [row["area"] for row in await store.rows(conn, CASES.areas)]
    area = request.query_params.get("area", "")
    return render(request, "_surge_sheet.html", who, areas=areas, chosen=area, minutes_of=MINUTES)


@router.post("/surge")
async def declare(request: Request, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    minutes = number(form, "minutes") or 0
    reason, area = text(form, "reason", 300), text(form, "area", 200)
    async with has.pool.connection() as conn:
        try:
            await disaster.declare(conn, who.person_id, area, reason, minutes)
        except Refused as no:
            return said(request, who, words.speaker(who.language)("refused", why=no.words(who.language)), 409)
    return _done(request)


@router.post("/surge/{surge_id}/end")
async def end(request: Request, surge_id: SurgeId, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    async with has.pool.connection() as conn:
        try:
            await disaster.end(conn, who.person_id, surge_id)
        except Refused as no:
            return said(request, who, words.speaker(who.language)("refused", why=no.words(who.language)), 409)
    return _done(request)


@router.get("/group/sheet")
async def group_sheet(request: Request, who: SeatOf, has: PartsOf) -> Response:
    """What to do with all cases of a place, as they were on the screen."""
    ids = _numbers(request.query_params.get("ids", ""))
    if not ids:
        raise HTTPException(404)
    async with has.pool.connection() as conn:
        candidates = await store.rows(conn, store.Q.candidates, incident=ids[0])
    return render(
        request, "_group_sheet.html", who, ids=",".join(map(str, ids)), count=len(ids), candidates=candidates,
        place=request.query_params.get("place", "")[:200],
    )  # fmt: skip


@router.post("/group/{verb}")
async def act(*, request: Request, verb: str, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    """One press of a button, one transaction a case; says how many were done and why others were not."""
    ids = _numbers(text(form, "ids", 4000))
    if verb not in VERBS:
        raise HTTPException(404)
    t = words.speaker(who.language)
    person, words_said, nonce = number(form, "person"), text(form, "text", 2000), text(form, "nonce", 80) or None
    if verb == "send" and person is None:
        return said(request, who, t("required", what=t("choose_responder")), 422)
    if verb == "note" and not words_said:
        return said(request, who, t("required", what=t("note")), 422)
    async with has.pool.connection() as conn:
        if verb == "take":
            batch = await disaster.take_all(conn, ids, who.person_id, nonce=nonce)
        elif verb == "send":
            assert person is not None
            batch = await disaster.send_to_all(conn, ids, who.person_id, person, nonce=nonce)
        else:
            batch = await disaster.note_all(conn, ids, who.person_id, words_said, nonce=nonce)
    log.info("batch", verb=verb, person_id=who.person_id, done=len(batch.done), refused=len(batch.refused))
    return _told(request, who, batch)


def _told(request: Request, who: Seat, batch: Batch) -> Response:
    t = words.speaker(who.language)
    line = t("batch_done", n=len(batch.done))
    why = [t("batch_refused", n=len(ids), why=Refused(code).words(who.language)) for code, ids in batch.refused.items()]
    if not from_htmx(request):
        return go("/") if not why else said(request, who, " ".join([line, *why]), 409)
    page = TEMPLATES.get_template("_batch.html").render(line=line, why=why)
    return HTMLResponse(page, headers={"HX-Trigger": "hub:batch"})


def _done(request: Request) -> Response:
    if from_htmx(request):
        return Response(status_code=204, headers={"HX-Trigger": "hub:done"})
    return go("/")


def _numbers(given: str) -> Sequence[int]:
    """Return the incidents of a list like 3,4,5, as many as one batch takes."""
    found = [number for part in given.split(",") if (number := as_number(part)) is not None]
    return found[: disaster.AT_ONCE]
