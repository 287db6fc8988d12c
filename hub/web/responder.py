"""The responder's phone: one page behind a signed, expiring link. What happened, where, and four large buttons.

The link is the key: no account, no cookie. It shows what this role needs to get there and to help, and no more.
"""

import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

import msgspec
import structlog
from fastapi import APIRouter, HTTPException, Path, Request
from starlette.responses import JSONResponse, Response

from alerts.model import ENDED, AlertKind, Role, State
from hub import desk, links
from hub.channels.wording import HAZARDS, SEES_KEY, SEES_NAME, SEES_VITALS
from hub.refusals import Refused
from hub.store import console as store
from hub.store.pool import Connection, hub_now
from hub.web import words
from hub.web.frame import PartsOf, go, render, text

router = APIRouter()
log = structlog.get_logger()
Token = Annotated[str, Path(max_length=200)]
GOING = frozenset({State.EN_ROUTE, State.ON_SCENE})  # the door code is for those who are on their way or there


class View(StrEnum):
    """What the page is about, worst knowledge first."""

    ASKED = "asked"
    DECLINED = "declined"
    ACCEPTED = "accepted"
    EN_ROUTE = "en_route"
    THERE = "there"
    THANKS = "thanks"
    STOOD_DOWN = "stood_down"
    CLOSED = "closed"


class Answer(msgspec.Struct, kw_only=True):
    """What a webhook's receiver or the page itself posts. The same nonce again is the same tap."""

    verb: str
    nonce: str
    to: str = ""
    page: int | None = None  # the link names the page; a receiver may send it along


@dataclass(frozen=True, kw_only=True)
class Called:
    row: store.Row
    view: View
    door_code: str | None = None


@router.get("/r/{token}")
async def page(request: Request, token: Token, has: PartsOf) -> Response:
    async with has.pool.connection() as conn:
        try:
            called = await _called(conn, has.link_key, token)
        except links.LinkError:
            return render(request, "responder_gone.html", status=410)
        return _show(request, token, called)


@router.get("/r/{token}/state")
async def state(token: Token, has: PartsOf) -> Response:
    """What the open page compares itself with, every few seconds."""
    async with has.pool.connection() as conn:
        try:
            row, view = await _looked_up(conn, has.link_key, token)
        except links.LinkError as err:
            return JSONResponse({"error": "link", "text": str(err)}, 410)
    return JSONResponse({"view": view, "version": row["version"]})


@router.post("/r/{token}")  # a page's answer_url: what a webhook's receiver posts to
@router.post("/r/{token}/answer")
async def answer(request: Request, token: Token, has: PartsOf) -> Response:
    """Take an answer: JSON from a program, a form from the page."""
    is_json = request.headers.get("content-type", "").partition(";")[0] == "application/json"
    given = await _given(request, is_json=is_json)
    async with has.pool.connection() as conn:
        try:
            row, _ = await _looked_up(conn, has.link_key, token)
            done = await desk.answer(conn, row["person_id"], row["page_id"], given.nonce, given.verb, given.to)
        except links.LinkError as err:
            return JSONResponse({"error": "link", "text": str(err)}, 410) if is_json else go(f"/r/{token}")
        except Refused as no:
            log.info("answer_refused", incident_id=row["incident_id"], verb=given.verb[:20], code=no.code)
            if is_json:
                return JSONResponse({"error": no.code, "text": no.words(row["language"])}, 409)
            return _show(request, token, await _called(conn, has.link_key, token), refusal=no.words(row["language"]))
        row, view = await _looked_up(conn, has.link_key, token)
    if is_json:
        return JSONResponse({"incident": done.incident_id, "repeat": done.repeat, "state": row["state"], "view": view})
    return go(f"/r/{token}")


async def _given(request: Request, *, is_json: bool) -> Answer:
    if is_json:
        try:
            return msgspec.json.decode(await request.body(), type=Answer)
        except msgspec.DecodeError:
            raise HTTPException(422) from None
    form = await request.form()
    return Answer(verb=text(form, "verb", 40), nonce=text(form, "nonce", 100), to=text(form, "to", 200))


async def _looked_up(conn: Connection, key: str, token: str) -> tuple[store.Row, View]:
    page_id = links.check(key, token, await hub_now(conn))
    row = await store.row(conn, store.Q.called, page=page_id)
    if row is None:
        raise links.LinkError("this link leads nowhere any more")
    return row, view(row)


async def _called(conn: Connection, key: str, token: str) -> Called:
    row, seen = await _looked_up(conn, key, token)
    code = None
    if row["has_door_code"] and row["responder_id"] == row["person_id"] and State(row["state"]) in GOING:
        code = await store.door_code(conn, row["incident_id"], row["person_id"], "door_code: responder", once=True)
    return Called(row=row, view=seen, door_code=code)


def view(row: store.Row) -> View:
    """Say which page this person sees now."""
    now = State(row["state"])
    mine = row["responder_id"] == row["person_id"]
    if now in ENDED:
        return View.CLOSED
    if mine:
        return {
            State.EN_ROUTE: View.EN_ROUTE, State.ON_SCENE: View.THERE, State.HANDED_OVER: View.THANKS,
            State.RESOLVED: View.THANKS,
        }.get(now, View.ACCEPTED)  # fmt: skip
    stood_down = row["purpose"] == "stand_down" or row["page_state"] == "withdrawn"
    if now in (State.HANDED_OVER, State.RESOLVED) or (stood_down and row["responder_id"] is not None):
        return View.STOOD_DOWN
    if row["answered"] == "cannot_go":
        return View.DECLINED
    return View.STOOD_DOWN if stood_down else View.ASKED


def _show(request: Request, token: str, called: Called, refusal: str = "") -> Response:
    row = called.row
    role = Role(row["role"])
    language = words.pick(row["language"])
    return render(
        request, "responder.html", r=_permitted(row, role), view=called.view, token=token, door_code=called.door_code,
        refusal=refusal, nonce_of_tap=secrets.token_urlsafe(12), t=words.speaker(language), language=language,
    )  # fmt: skip


def _permitted(row: store.Row, role: Role) -> dict[str, Any]:
    """Keep what this role needs: whoever rides there sees the address and the hazards, never the diagnosis."""
    kind = AlertKind(row["kind"])
    if kind is AlertKind.VITALS and role not in SEES_VITALS:
        kind = AlertKind.SOS
    return {
        "kind": kind.value, "severity": row["severity"], "test": row["test"], "presses": row["presses"],
        "opened_at": row["opened_at"], "version": row["version"], "page_id": row["page_id"], "mine": row["person_id"],
        "address": row["address"] or "", "entrance": row["entrance"] or "", "lat": row["lat"], "lon": row["lon"],
        "hazards": [r for r in row["risks"] or () if r in HAZARDS],
        "speaks": row["speaks"], "going": row["responder"], "going_role": row["going_role"],
        "resident": row["resident"] if role in SEES_NAME else None,
        "phone": row["phone"] if role in SEES_NAME else None,
        "key_place": row["key_place"] if role in SEES_KEY else None,
        "has_door_code": row["has_door_code"],
    }  # fmt: skip
