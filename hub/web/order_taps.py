"""Work orders on the phone of whoever does them: what, where, by when; accept, on site, done with a photo, or why not.

Behind his personal link, or signed in on the installer's page. Whole without scripts; with them a tap is written down
on the phone first and sent when there is a line, once by its nonce, with the time at which it was made.
"""

import base64
import binascii
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
import structlog
from fastapi import APIRouter, HTTPException, Path, Request
from starlette.datastructures import UploadFile
from starlette.responses import JSONResponse, Response

from alerts.model import Role
from hub.channels.wording import SEES_NAME
from hub.store import phone
from hub.store import work_orders as store
from hub.store.console import Row
from hub.store.pool import Connection, hub_now
from hub.store.telemetry import clean
from hub.store.visiting import VisitRefusedError
from hub.store.work_orders import FileRefusedError
from hub.web import words
from hub.web.auth import Seat
from hub.web.frame import MOST, FormOf, PartsOf, SeatOf, go, render, text
from hub.web.way import maps
from hub.web.work_orders import WORDS_LENGTH, met, scope_words
from hub.work_orders import OWN, OrderRefusedError

router = APIRouter()
log = structlog.get_logger()
Token = Annotated[str, Path(max_length=100)]
Number = Annotated[int, Path(ge=1, le=MOST)]
PHOTO = "photo"
LATE, OLDEST = timedelta(seconds=10), timedelta(hours=12)  # a tap made without a line carries its time, this long
VISITS = frozenset({"visit", "silence"})  # an order of these says whether she was met
NAMED = {str(role) for role in SEES_NAME} | {"installer"}


class Tap(msgspec.Struct, kw_only=True):
    """What a phone says. The same nonce again is the same tap."""

    verb: str
    nonce: Annotated[str, msgspec.Meta(max_length=100)] = ""
    to: str = ""
    words: str = ""
    outcome: str = ""
    photo: str = ""  # base64
    tapped_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


@dataclass(frozen=True, kw_only=True)
class Doer:
    """Who asks, and where his page is."""

    id: int
    role: str
    language: str
    path: str  # of this order
    back: str
    csrf: str = ""


async def orders_of(conn: Connection, person_id: int, role: str, language: str) -> list[Row]:
    """Return his orders as his page lists them."""
    return [seen(one, role, language) for one in await store.mine(conn, person_id)]


def seen(order: Row, role: str, language: str) -> Row:
    """Return an order with what this role may know of her, in his words."""
    named = role in NAMED
    at = {**order, "address": order["place"]}
    return order | {
        "what": scope_words(words.speaker(language), order), "resident": order["resident"] if named else None,
        "phone": order["phone"] if named else None,
        "maps": maps(at, Role(role) if role in set(Role) else Role.PROPERTY, f"WO-{order['id']}"),
    }  # fmt: skip


@router.get("/me/{token}/orders/{order}")
async def page(request: Request, token: Token, order: Number, has: PartsOf) -> Response:
    async with has.pool.connection() as conn:
        me = await _holder(conn, token, order)
        return await _page(request, conn, me, order)


@router.post("/me/{token}/orders/{order}")
async def tap(request: Request, token: Token, order: Number, has: PartsOf) -> Response:
    async with has.pool.connection() as conn:
        return await _tapped(request, conn, await _holder(conn, token, order), order)


@router.get("/install/orders/{order}")
async def install_page(request: Request, order: Number, who: SeatOf, has: PartsOf) -> Response:
    async with has.pool.connection() as conn:
        return await _page(request, conn, _seated(who, order), order)


@router.post("/install/orders/{order}")
async def install_tap(request: Request, order: Number, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    async with has.pool.connection() as conn:
        return await _tapped(request, conn, _seated(who, order), order)


async def _holder(conn: Connection, token: str, order: int) -> Doer:
    me = await phone.owner(conn, token)
    if me is None:
        raise HTTPException(410)
    back = f"/me/{token}"
    return Doer(id=me.person_id, role=me.role, language=me.language, path=f"{back}/orders/{order}", back=back)


def _seated(who: Seat, order: int) -> Doer:
    return Doer(
        id=who.person_id, role=who.role, language=who.language, path=f"/install/orders/{order}", back="/install",
        csrf=who.csrf,
    )  # fmt: skip


async def _page(
    request: Request, conn: Connection, me: Doer, number: int, *, fault: str = "", kept: str = "", status: int = 200
) -> Response:  # fmt: skip
    found = await store.mine(conn, me.id, number)
    if not found:
        return render(request, "order_gone.html", status=404, me=me, **_in_words_of(me))
    order = seen(found[0], me.role, me.language)
    today = (await hub_now(conn)).date()
    return render(
        request, "order_mine.html", status=status, me=me, o=order, fault=fault, kept=kept, today=today,
        visit=order["kind"] in VISITS, nonce_of_tap=secrets.token_urlsafe(9),
        file_mb=store.FILE_BYTES >> 20, files_most=store.FILES_MOST,
        sayings=words.beginning("oj_", words.pick(me.language)), **_in_words_of(me),
    )  # fmt: skip


async def _tapped(request: Request, conn: Connection, me: Doer, number: int) -> Response:
    is_json = request.headers.get("content-type", "").partition(";")[0] == "application/json"
    given, photo = await _given(request, is_json=is_json)
    t = words.speaker(me.language)
    try:
        repeat = await _done(conn, me, number, given, photo)
    except OrderRefusedError as no:
        why, status = t(f"orders.refused.{no.code}"), 422 if no.code in ("words", "old") else 409
    except FileRefusedError as no:
        why, status = t(f"orders.refused.{no.code}"), 422
    except VisitRefusedError as no:
        why, status = t(f"visits.refused.{no.code}"), 422
    else:
        log.info("order_tapped", order=number, person=me.id, verb=given.verb, repeat=repeat)
        left = await store.mine(conn, me.id, number)
        state = left[0]["state"] if left else "gone"
        if is_json:
            return JSONResponse({"order": number, "repeat": repeat, "state": state})
        return go(me.path if left else me.back)
    log.info("order_tap_refused", order=number, person=me.id, verb=given.verb[:20], status=status)
    if is_json:
        return JSONResponse({"error": "refused", "text": why}, status)
    return await _page(request, conn, me, number, fault=why, kept=given.words, status=status)


async def _done(conn: Connection, me: Doer, number: int, given: Tap, photo: bytes) -> bool:
    """Do what he says with an order of his; returns whether it had been said before."""
    async with conn.transaction():
        if await store.tapped(conn, number, given.nonce):
            return True
        late = _late(given, await hub_now(conn))
        found = await store.mine(conn, me.id, number)
        if not found or given.verb not in (*OWN, PHOTO):
            raise OrderRefusedError("not_yours", "this order is somebody else's now, or over")
        repeat = bool(photo) and await _keep(conn, me, found[0], photo)
        if given.verb == PHOTO:
            return repeat
        tapped = {"nonce": given.nonce} | ({"tapped_at": late.isoformat()} if late else {})
        by, said = f"person:{me.id}", clean(given.words).strip()[:WORDS_LENGTH]
        await store.move(conn, number, given.verb, by, words=said, tapped=tapped)
        if given.verb == "finish" and given.outcome and found[0]["kind"] in VISITS:
            await met(conn, number, given.outcome, said, by)
    return False


async def _keep(conn: Connection, me: Doer, order: Row, photo: bytes) -> bool:
    """Keep a photo; returns whether it was there."""
    if order["state"] == "checked":
        raise OrderRefusedError("not_now", "it has been checked")
    if await store.add_file(conn, order["id"], me.id, photo) is not None:
        return False
    if order["files"] >= store.FILES_MOST:
        raise FileRefusedError("many", f"an order has {store.FILES_MOST} files at most")
    return True


def _late(given: Tap, now: datetime) -> datetime | None:
    """Return when it was tapped, where that was a while ago; a phone whose clock runs ahead says now."""
    if given.tapped_at is None or now - given.tapped_at < LATE:
        return None
    if now - given.tapped_at > OLDEST:
        raise OrderRefusedError("old", "this was tapped too long ago: say it again")
    return given.tapped_at


async def _given(request: Request, *, is_json: bool) -> tuple[Tap, bytes]:
    if is_json:
        try:
            given = msgspec.json.decode(await request.body(), type=Tap)
            return given, base64.b64decode(given.photo, validate=True)
        except (ValueError, RecursionError, binascii.Error):
            raise HTTPException(422) from None
    form = await request.form()
    upload, photo = form.get(PHOTO), b""
    if isinstance(upload, UploadFile):
        photo = await upload.read(store.FILE_BYTES + 1)
        await upload.close()
    given = Tap(
        verb=text(form, "verb", 20), nonce=text(form, "nonce", 100), words=text(form, "words", WORDS_LENGTH),
        outcome=text(form, "outcome", 20),
    )  # fmt: skip
    if given.verb == PHOTO and not photo:
        raise HTTPException(422)
    return given, photo


def _in_words_of(me: Doer) -> dict[str, Any]:
    language = words.pick(me.language)
    return {"language": language, "t": words.speaker(language)}
