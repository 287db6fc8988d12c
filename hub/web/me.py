"""Oneself: where one is signed in, one's password, and the second factor."""

import asyncio
from typing import Any

import segno
import structlog
from fastapi import APIRouter, Request
from markupsafe import Markup
from starlette.responses import Response

from hub import sealed, totp
from hub.passwords import hash_password, verify
from hub.store import accounts as store
from hub.store.pool import Connection
from hub.web import words
from hub.web.auth import FACTOR, IDLE_MINUTES, OFF, Seat
from hub.web.browsers import named
from hub.web.frame import FormOf, Parts, PartsOf, SeatOf, go, number, render, text

router = APIRouter()
log = structlog.get_logger()
SHORTEST = 10  # of a password somebody chooses


@router.get("/me")
async def page(request: Request, who: SeatOf, has: PartsOf) -> Response:
    return await _page(request, who, has)


@router.post("/me/end")
async def end(who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    """End one session by its number, or all but this one."""
    one = number(form, "session")
    async with has.whole.connection() as conn, conn.transaction():
        if one is None:
            gone = await store.end_all(conn, who.person_id, but=who.token_sha256)
        else:
            gone = await store.end_one(conn, who.person_id, one)
        if gone:
            await store.note(conn, who.person_id, "sessions_ended", actor=who.person_id, detail=str(len(gone)))
    for token in gone:
        has.live.end(token)
    return go("/me")


@router.post("/me/password")
async def new_password(request: Request, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    """A new password for the old one; every other session ends."""
    old, new = form.get("old"), form.get("new")
    if not isinstance(old, str) or not isinstance(new, str) or not SHORTEST <= len(new) <= 500:
        return await _page(request, who, has, problem="me.short", status=422)
    if (wait_s := await has.doorman.try_own(who)) > 0:
        return await _page(request, who, has, problem="wait", seconds=int(wait_s) + 1, status=429)
    async with has.whole.connection() as conn:
        known = await store.password(conn, who.person_id)
    if known is None or not await asyncio.to_thread(verify, known, old[:1000]):
        log.warning("own_secret_wrong", person_id=who.person_id)
        return await _page(request, who, has, problem="me.wrong", status=401)
    await has.doorman.proved_own(who)
    hashed = await asyncio.to_thread(hash_password, new)
    async with has.whole.connection() as conn, conn.transaction():
        await store.set_password(conn, who.person_id, hashed, actor=who.person_id, but=who.token_sha256)
    return await _page(request, who, has, done="me.changed")


async def _page(request: Request, who: Seat, has: Parts, *, status: int = 200, **more: Any) -> Response:
    async with has.whole.connection() as conn:
        found = await store.sessions(conn, who.person_id, idle_minutes=IDLE_MINUTES)
        left = await store.codes_left(conn, who.person_id)
    sessions = [s | {"here": bytes(s["token_sha256"]) == who.token_sha256, "named": named(s["browser"])} for s in found]
    about: dict[str, Any] = {"problem": "", "done": "", "seconds": 0, "shortest": SHORTEST, **more}
    return render(
        request, "me.html", who, status=status, here="me", sessions=sessions, codes_left=left,
        factor=has.doorman.second_factor != OFF, **about,
    )  # fmt: skip


# ---- the second factor ----


@router.get("/second-factor")
async def enrol(request: Request, who: SeatOf, has: PartsOf) -> Response:
    """Offer a secret, as a QR code and in letters. It counts for nothing until a code of it was given."""
    return await _enrol(request, who, has)


@router.post("/second-factor")
async def confirm(request: Request, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    """The first code proves that the app has the secret; the recovery codes are shown once."""
    codes = totp.new_codes()
    if await has.doorman.try_own(who) > 0:
        return await _enrol(request, who, has, problem="factor.slow", status=429)
    async with has.whole.connection() as conn, conn.transaction():
        proved = await has.doorman.proved(conn, who.person_id, text(form, "code", 60)) if not who.enrolled else ""
        done = proved == "code" and await store.confirm_factor(
            conn, who.person_id, [totp.digest(code) for code in codes]
        )  # fmt: skip
        if done:
            await store.end_all(conn, who.person_id, but=who.token_sha256)  # those began without it
    if not done:
        log.warning("own_secret_wrong", person_id=who.person_id)
        return await _enrol(request, who, has, problem="factor.wrong", status=422)
    await has.doorman.proved_own(who)
    log.info("second_factor_on", person_id=who.person_id)
    return render(request, "second_factor.html", who, here="me", codes=codes, qr="", secret="", problem="")


@router.post("/second-factor/off")
async def off(request: Request, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    """Another phone: the old one's code, or a recovery code, ends it; then it is set up anew."""
    if await has.doorman.try_own(who) > 0:
        return await _page(request, who, has, problem="factor.slow", status=429)
    async with has.whole.connection() as conn, conn.transaction():
        proved = await has.doorman.proved(conn, who.person_id, text(form, "code", 60))
        if proved:
            await store.drop_factor(conn, who.person_id, actor=who.person_id)
    if not proved:
        log.warning("own_secret_wrong", person_id=who.person_id)
        return await _page(request, who, has, problem="factor.wrong", status=422)
    await has.doorman.proved_own(who)
    log.warning("second_factor_off", person_id=who.person_id)
    return go("/second-factor")


async def _enrol(request: Request, who: Seat, has: Parts, *, problem: str = "", status: int = 200) -> Response:
    if who.enrolled or has.doorman.second_factor == OFF:
        return go("/me")
    try:
        async with has.whole.connection() as conn, conn.transaction():
            secret = await _offered(conn, who.person_id)
    except sealed.SealError as err:
        log.error("second_factor_unsealed", error=str(err))
        return await _page(request, who, has, problem="factor.no_key", status=503)
    address = totp.address(secret, words.speaker(who.language)("factor.account", n=who.person_id))
    drawn = segno.make(address, error="m").svg_inline(border=4, dark="#000", light=None, omitsize=True)
    return render(
        request, "second_factor.html", who, status=status, here="me", codes=(), problem=problem,
        qr=Markup(drawn),  # noqa: S704 - drawn by us, and holds no text
        secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
    )  # fmt: skip


async def _offered(conn: Connection, person: int) -> str:
    """Return the secret that waits for its first code; a page loaded twice shows the same one."""
    known = await store.factor(conn, person)
    if known is not None:
        return sealed.opened(FACTOR, person, known.secret)
    secret = totp.new_secret()
    await store.offer_factor(conn, person, sealed.seal(FACTOR, person, secret))
    return secret
