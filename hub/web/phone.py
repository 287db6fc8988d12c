"""The responder's own phone: the app he keeps on it. It rings, shows his calls and shifts, and says that he is here.

A personal link is the key: longer-lived than a call's, kept as a hash, taken back with `carehub people link --revoke`.
It sits in the path and in no cookie, so no other site can post with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, HTTPException, Path, Request
from starlette.responses import JSONResponse, Response

from alerts import duty
from alerts.model import Role
from hub import links
from hub.channels.wording import SEES_NAME
from hub.store import phone as store
from hub.store import push, rosters
from hub.store.console import Row
from hub.store.phone import Owner
from hub.store.pool import Connection, hub_now
from hub.web import order_taps, reading, responder, words
from hub.web.frame import Parts, PartsOf, go, render, text

router = APIRouter()
log = structlog.get_logger()
Token = Annotated[str, Path(max_length=100)]
SHIFTS_AHEAD = timedelta(days=14)
SHIFTS_SHOWN = 12
# Whoever comes by shift says when he is there; family is always asked.
ON_SHIFT = frozenset(Role) - {Role.FAMILY}


@dataclass(frozen=True, kw_only=True)
class Duty:
    """When he is on duty: now, and in the days to come."""

    now: bool = False
    here: bool = False  # he has said so
    spans: tuple[duty.Shift, ...] = ()


@router.get("/me/{token}")
async def app(request: Request, token: Token, has: PartsOf) -> Response:
    async with has.pool.connection() as conn:
        me = await store.owner(conn, token)
        if me is None:
            return render(request, "phone_gone.html", status=410)
        now = await hub_now(conn)
        calls = [_call(row, has, now) for row in await store.calls(conn, me.person_id)]
        on_duty = await _duty(conn, me, now)
        phones = await push.phones(conn, me.person_id)
        orders = await order_taps.orders_of(conn, me.person_id, me.role, me.language)
    return render(
        request, "phone.html", me=me, token=token, calls=calls, orders=orders, today=now.date(),
        duty=on_duty, phones=phones, push_key=has.push_key,
        on_shift=me.role in ON_SHIFT, sayings=_sayings(words.pick(me.language)), **_in_words_of(me),
    )  # fmt: skip


@router.get("/me/{token}/manifest.json")
async def manifest(token: Token, has: PartsOf) -> Response:
    """Serve what makes the page an app on a phone. It begins where this person's link leads."""
    async with has.pool.connection() as conn:
        me = await _mine(conn, token)
    t = words.speaker(words.pick(me.language))
    return JSONResponse(
        {
            "id": "/me/", "name": t("me_app"), "short_name": t("product"), "lang": words.pick(me.language),
            "start_url": f"/me/{token}", "scope": "/", "display": "standalone",
            "background_color": "#10151a", "theme_color": "#10151a",
            "icons": [
                *({"src": f"/static/icon-{size}.png?{has.assets}", "sizes": f"{size}x{size}", "type": "image/png",
                   "purpose": purpose} for size in (192, 512) for purpose in ("any", "maskable")),
            ],
        },
        media_type="application/manifest+json",
    )  # fmt: skip


@router.post("/me/{token}/push")
async def ring_here(request: Request, token: Token, has: PartsOf) -> Response:
    """Keep this browser's subscription: from now on it is called."""
    given = await _json(request)
    async with has.pool.connection() as conn:
        me = await _mine(conn, token)
        try:
            number = await push.subscribe(
                conn, me.person_id, given, request.headers.get("user-agent", ""), hosts=has.push_hosts,
                local=has.push_local,
            )  # fmt: skip
        except push.PushError as no:
            log.info("subscription_refused", person=me.person_id)
            return JSONResponse({"error": "push", "text": str(no)}, 409)
    return JSONResponse({"phone": number})


@router.post("/me/{token}/quiet")
async def quiet_here(request: Request, token: Token, has: PartsOf) -> Response:
    """Forget this browser's subscription."""
    endpoint = (await _json(request)).get("endpoint")
    async with has.pool.connection() as conn:
        me = await _mine(conn, token)
        gone = isinstance(endpoint, str) and await push.unsubscribe(conn, endpoint, me.person_id)
    return JSONResponse({"gone": gone})


@router.post("/me/{token}/duty")
async def say_here(request: Request, token: Token, has: PartsOf) -> Response:
    """Say that he is here, or that he leaves."""
    form = await request.form()
    async with has.pool.connection() as conn:
        me = await _mine(conn, token)
        if me.role not in ON_SHIFT:
            raise HTTPException(409)
        if text(form, "say", 10) == "in":
            await rosters.check_in(conn, me.person_id, via="phone")
        else:
            await rosters.check_out(conn, me.person_id)
    return go(f"/me/{token}")


@router.post("/me/{token}/language")
async def speak(request: Request, token: Token, has: PartsOf) -> Response:
    """The language, or large type: each is changed for itself, what is not sent stays."""
    form = await request.form()
    async with has.pool.connection() as conn:
        me = await _mine(conn, token)
        await reading.chosen(conn, me.person_id, form)
    return go(f"/me/{token}")


async def _mine(conn: Connection, token: str) -> Owner:
    me = await store.owner(conn, token)
    if me is None:
        raise HTTPException(410)
    return me


async def _json(request: Request) -> Mapping[str, Any]:
    try:
        given = await request.json()
    except (ValueError, RecursionError):
        raise HTTPException(422) from None
    if not isinstance(given, dict):
        raise HTTPException(422)
    return given


def _call(row: Row, has: Parts, now: datetime) -> dict[str, Any]:
    """Return a line about one call, with what this role may know of it, and the way to its page."""
    view = responder.view(row)
    return {
        "kind": responder.kind_for(row).value, "no_speech": row["no_speech"], "view": view,
        "open": view not in responder.OVER, "test": row["test"],
        "opened_at": row["opened_at"], "address": row["address"] or "",
        "resident": row["resident"] if row["role"] in SEES_NAME else None,
        "path": f"/r/{links.make(has.link_key, row['page_id'], now)}" if has.link_key else "",
    }  # fmt: skip


async def _duty(conn: Connection, me: Owner, now: datetime) -> Duty:
    if me.role not in ON_SHIFT:
        return Duty()
    said = await rosters.lists_of(conn, now, now + SHIFTS_AHEAD, person_id=me.person_id)
    mine = tuple(s for s in duty.spans(said, now, now + SHIFTS_AHEAD) if s.person_id == me.person_id)
    here = any(c.person_id == me.person_id and c.at <= now < c.until for c in said.check_ins)
    return Duty(now=any(s.covers(now) for s in mine), here=here, spans=mine[:SHIFTS_SHOWN])


def _in_words_of(me: Owner) -> dict[str, Any]:
    language = words.pick(me.language)
    return {"language": language, "look": me.look, "t": words.speaker(language)}


def _sayings(language: str) -> dict[str, str]:
    """Return what the page's script says."""
    return words.beginning("mj_", language)
