"""The end of a shift: both read and sign each open case, and supervisors see what is unsigned."""

from typing import Annotated

import structlog
from fastapi import APIRouter, HTTPException, Path, Request
from starlette.responses import Response

from hub import handover
from hub.refusals import Refused
from hub.web import words
from hub.web.frame import FormOf, PartsOf, SeatOf, go, number, render, said, text

router = APIRouter()
log = structlog.get_logger()
Number = Annotated[int, Path(ge=1, lt=2**63)]
PAGE = "/handover"


@router.get(PAGE)
async def page(request: Request, who: SeatOf, has: PartsOf) -> Response:
    everybody = None if who.role == "supervisor" else who.person_id
    now = has.live.now()
    async with has.pool.connection() as conn:
        under_way = await handover.under_way(conn, everybody)
        successors = await handover.successors(conn, who.person_id)
        past = await handover.past(conn, everybody)
    mine = next((h for h in under_way if h["outgoing"] == who.person_id), None)
    return render(
        request, "handover.html", who, here="handover", under_way=under_way, successors=successors, past=past,
        mine=mine, late=lambda h: now - h["begun_at"] > handover.LATE,
    )  # fmt: skip


@router.post(PAGE)
async def begin(request: Request, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    t = words.speaker(who.language)
    incoming = number(form, "incoming")
    if incoming is None:
        return said(request, who, t("required", what=t("handover.to")), 422)
    async with has.pool.connection() as conn:
        try:
            made = await handover.begin(conn, who.person_id, incoming, text(form, "note", handover.NOTE_LENGTH))
        except Refused as no:
            return said(request, who, t("refused", why=no.words(who.language)), 409)
    log.info("handover_begun", handover=made, outgoing=who.person_id, incoming=incoming)
    return go(PAGE)


@router.post("/handover/{handover_id}/cases/{incident_id}/{way}")
async def sign(
    *, request: Request, handover_id: Number, incident_id: Number, way: str, who: SeatOf, form: FormOf, has: PartsOf
) -> Response:
    """`out`: whoever goes has read and signed it; `in`: whoever comes has, and has it from now on."""
    if way not in ("out", "in"):
        raise HTTPException(404)
    async with has.pool.connection() as conn:
        try:
            if way == "out":
                note = text(form, "note", handover.NOTE_LENGTH)
                await handover.sign_out(conn, handover_id, incident_id, who.person_id, note)
            else:
                await handover.sign_in(conn, handover_id, incident_id, who.person_id)
        except Refused as no:
            return said(request, who, words.speaker(who.language)("refused", why=no.words(who.language)), 409)
    return go(f"{PAGE}#case-{incident_id}")


@router.post("/handover/{handover_id}/call_off")
async def call_off(request: Request, handover_id: Number, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    async with has.pool.connection() as conn:
        try:
            await handover.call_off(conn, handover_id, who.person_id)
        except Refused as no:
            return said(request, who, words.speaker(who.language)("refused", why=no.words(who.language)), 409)
    log.info("handover_called_off", handover=handover_id, person_id=who.person_id)
    return go(PAGE)
