"""The responder's phone: one page behind a signed, expiring link. What happened, where, and a few large buttons.

The link is the key: no account, no cookie. It shows what this role needs to get there and to help, and no more.
The page is whole without scripts. With them it goes on without a line: it is served to the phone's own worker without
the door code, and what changes comes as a few hundred bytes of state.
"""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import msgspec
import structlog
from fastapi import APIRouter, HTTPException, Path, Request
from starlette.responses import JSONResponse, Response

from alerts.arrival import Position
from alerts.model import ENDED, AlertKind, Role, State
from hub import desk, links
from hub.answers import LastTap, Verb, last_tap
from hub.channels.wording import HAZARDS, SEES_KEY, SEES_NAME, SEES_VITALS
from hub.refusals import Refused
from hub.store import console, phone
from hub.store.console import Row
from hub.store.pool import Connection, hub_now
from hub.web import reasons, views, way, words
from hub.web.frame import HERE, PartsOf, go, language_of, render, text

router = APIRouter()
log = structlog.get_logger()
Token = Annotated[str, Path(max_length=200)]
# The door code is for whoever is on the way or there; sent by the desk, he is on the way once he has said yes.
GOING = frozenset({State.DISPATCHED, State.EN_ROUTE, State.ON_SCENE})
SHELL = "carehub-shell"  # a request's header: the phone's worker keeps this copy
FILES = ("responder.css", "taps.js", "place.js", "responder.js", "icon.svg")  # what the page needs without a line


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


OVER = frozenset({View.THANKS, View.STOOD_DOWN, View.CLOSED})
UNDONE = {"arrived": View.THERE, "handed_over": View.THANKS, "cannot_go": View.DECLINED}  # where a tap is taken back
COMING = {Verb.ACCEPT: View.ACCEPTED, Verb.EN_ROUTE: View.EN_ROUTE, Verb.ARRIVED: View.EN_ROUTE}


class Answer(msgspec.Struct, kw_only=True):
    """What a webhook's receiver or the page itself posts. The same nonce again is the same tap."""

    verb: str
    nonce: str
    to: str = ""
    page: int | None = None  # the link names the page; a receiver may send it along
    position: Position | None = None
    tapped_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


@dataclass(frozen=True, kw_only=True)
class Called:
    row: Row
    view: View
    now: datetime
    door_code: str | None = None
    last: LastTap | None = None  # what he may take back here


@router.get("/r/worker.js")
async def worker(has: PartsOf) -> Response:
    """Serve the phone's worker, with the names of the files it keeps, so that a new release is a new worker."""
    kept = [f"/static/{name}?{has.assets}" for name in FILES]
    release, files = msgspec.json.encode(has.assets).decode(), msgspec.json.encode(kept).decode()
    head = f"const RELEASE = {release};\nconst FILES = {files};\n"
    body = (HERE / "static" / "worker.js").read_text(encoding="utf-8")
    return Response(head + body, media_type="text/javascript", headers={"Service-Worker-Allowed": "/r/"})


@router.get("/r/{token}")
async def page(request: Request, token: Token, has: PartsOf) -> Response:
    kept = SHELL in request.headers
    async with has.pool.connection() as conn:
        try:
            called = await _called(conn, has.link_key, token, code=not kept)
        except links.LinkError:
            return render(request, "responder_gone.html", status=410)
    return _show(request, token, called, kept=kept)


@router.get("/r/{token}/state")
async def state(request: Request, token: Token, has: PartsOf) -> Response:
    """What the open page compares itself with, every few seconds: small enough for the slowest line."""
    async with has.pool.connection() as conn:
        try:
            called = await _called(conn, has.link_key, token)
        except links.LinkError:
            return _expired(request)
    return JSONResponse(_news(called) | {"door_code": called.door_code})


@router.post("/r/{token}")  # a page's answer_url: what a webhook's receiver posts to
@router.post("/r/{token}/answer")
async def answer(request: Request, token: Token, has: PartsOf) -> Response:
    """Take an answer: JSON from a program, a form from the page."""
    is_json = request.headers.get("content-type", "").partition(";")[0] == "application/json"
    given = await _given(request, is_json=is_json)
    async with has.pool.connection() as conn:
        try:
            called = await _looked_up(conn, has.link_key, token)
            row = called.row
            done = await desk.answer(
                conn, row["person_id"], row["page_id"], given.nonce, given.verb, given.to, position=given.position,
                tapped_at=given.tapped_at,
            )  # fmt: skip
        except links.LinkError:
            return _expired(request) if is_json else go(f"/r/{token}")
        except Refused as no:
            log.info("answer_refused", incident_id=row["incident_id"], verb=given.verb[:20], code=no.code)
            called = await _called(conn, has.link_key, token, code=not is_json)
            if is_json:
                return JSONResponse({"error": no.code, "text": no.words(row["language"])} | _news(called), 409)
            return _show(request, token, called, refusal=no.words(row["language"]))
        called = await _looked_up(conn, has.link_key, token)
    if is_json:
        return JSONResponse(
            {"incident": done.incident_id, "repeat": done.repeat, "state": called.row["state"]} | _news(called)
        )
    return go(f"/r/{token}")


def _expired(request: Request) -> Response:
    t = words.speaker(language_of(request, None))
    return JSONResponse({"error": "link", "text": f"{t('r_expired')} {t('r_expired_lead')}"}, 410)


async def _given(request: Request, *, is_json: bool) -> Answer:
    if is_json:
        try:
            return msgspec.json.decode(await request.body(), type=Answer)
        except (ValueError, RecursionError):  # no JSON of ours, no UTF-8, thousands of brackets
            raise HTTPException(422) from None
    form = await request.form()
    return Answer(verb=text(form, "verb", 40), nonce=text(form, "nonce", 100), to=text(form, "to", 200))


async def _looked_up(conn: Connection, key: str, token: str) -> Called:
    now = await hub_now(conn)
    row = await phone.called(conn, links.check(key, token, now))
    if row is None:
        raise links.LinkError("this link leads nowhere any more")
    found = view(row)
    last = await last_tap(conn, row["incident_id"], row["person_id"]) if found in UNDONE.values() else None
    mine = last is not None and UNDONE[last.tap] is found and now < last.until
    return Called(row=row, view=found, now=now, last=last if mine else None)


async def _called(conn: Connection, key: str, token: str, *, code: bool = True) -> Called:
    """Look it up, with the door code while it is his to see. The look is in the log, once for each case."""
    found = await _looked_up(conn, key, token)
    row = found.row
    if code and row["has_door_code"] and row["responder_id"] == row["person_id"] and State(row["state"]) in GOING:
        shown = await console.door_code(conn, row["incident_id"], row["person_id"], "door_code: responder", once=True)
        return replace(found, door_code=shown)
    return found


def view(row: Row) -> View:
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
    # Whoever was called and then told to stand down stands down in every window he has open.
    stood_down = row["purpose"] == "stand_down" or row["page_state"] == "withdrawn" or row["stood_down"]
    if now in (State.HANDED_OVER, State.RESOLVED) or (stood_down and row["responder_id"] is not None):
        return View.STOOD_DOWN
    if row["answered"] == "cannot_go":
        return View.DECLINED
    # Sent by an operator while another goes already: two are coming.
    if row["responder_id"] is not None and row["answered"] in COMING:
        return COMING[row["answered"]]
    # Told to stand down by an old link, and whoever went does not go any more: while nobody has it, help is wanted.
    return View.STOOD_DOWN if stood_down and now is not State.OPEN else View.ASKED


def _news(called: Called) -> dict[str, Any]:
    """Return what may change while the page is open, in this person's words; never the door code."""
    row, t = called.row, words.speaker(words.pick(called.row["language"]))
    having = row["going_role"] or (Role.OPERATOR if row["handler_id"] is not None else None)
    who = t(f"role.{having}") + " " if having and called.view is View.STOOD_DOWN else ""
    return {
        "view": called.view, "version": row["version"], "now": views.ms(called.now),
        "what": t(f"kind.{kind_for(row)}"),
        "silent": t("silent") if row["no_speech"] else "",
        "pressed": t("pressed", n=row["presses"]) if row["presses"] > 1 else "",
        "lead": t("r_stood_down_lead", name=who or t("r_somebody")) if called.view is View.STOOD_DOWN else "",
        "mistake": views.ms(called.last.until) if called.last else 0,
        "went": bool(called.last and called.last.goes),
        "proof": t(f"r_proof.{row['proof']}") if row["proof"] and called.view is View.THERE else "",
    }  # fmt: skip


def _show(request: Request, token: str, called: Called, *, refusal: str = "", kept: bool = False) -> Response:
    row = called.row
    role = Role(row["role"])
    language = words.pick(row["language"])
    t = words.speaker(language)
    answer = render(
        request, "responder.html", r=_permitted(row, role), view=called.view, token=token, door_code=called.door_code,
        refusal=refusal, nonce_of_tap=secrets.token_urlsafe(12), t=t, language=language, look=row["look"],
        news=_news(called), kept=kept,
        maps=way.maps(row, role, t("r_map_label")), as_of=views.ms(called.now),
        sayings=_sayings(language), over=called.view in OVER,
    )  # fmt: skip
    answer.headers["Carehub-Page"] = "call"  # what the phone keeps is ours, and no café's sign-in page
    return answer


def _sayings(language: str) -> dict[str, str]:
    """Return what the page's script says, with the places for its facts still open."""
    return words.beginning("rj_", language)


def kind_for(row: Row) -> AlertKind:
    """Return what happened, as far as this person's role may know: that it is a vital sign is itself a diagnosis."""
    kind = AlertKind(row["kind"])
    return AlertKind.SOS if kind is AlertKind.VITALS and Role(row["role"]) not in SEES_VITALS else kind


def _permitted(row: Row, role: Role) -> dict[str, Any]:
    """Keep what this role needs: whoever rides there sees the address and the hazards, never the diagnosis."""
    return {
        "severity": row["severity"], "test": row["test"], "opened_at": row["opened_at"],
        "address": row["address"] or "", "entrance": row["entrance"] or "",
        "hazards": [r for r in row["risks"] or () if r in HAZARDS],
        "speaks": row["speaks"], "minutes": way.minutes(row, role),
        "resident": row["resident"] if role in SEES_NAME else None,
        "phone": row["phone"] if role in SEES_NAME else None,
        "key_place": row["key_place"] if role in SEES_KEY else None,
        "relations": row["relations"] if role in SEES_NAME else [],
        "has_door_code": row["has_door_code"],
        "measured": reasons.short(
            row["worst_kind"] or "", row["worst_rule"], row["worst_evidence"] or {}, role, words.pick(row["language"])
        ),
    }  # fmt: skip
