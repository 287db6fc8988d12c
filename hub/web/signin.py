"""Signing in and out, and the language of a browser or a person."""

import re
import secrets

from fastapi import APIRouter, Request
from starlette.responses import Response

from hub.store import console as store
from hub.web import words
from hub.web.auth import Refusal, same
from hub.web.frame import (
    COOKIE,
    LANGUAGE_COOKIE,
    FormOf,
    Parts,
    PartsOf,
    SeatOf,
    go,
    language_of,
    parts,
    render,
    set_cookie,
    text,
)  # fmt: skip

router = APIRouter()
BEFORE = "carehub_signin"  # the token of the sign-in form, before there is a session
LOCAL_PATH = re.compile(
    r"/(?:incidents/\d{1,18}|policies(?:/versions/\d{1,18})?|rosters|coverage|fleet|ops|install(?:/devices/\d{1,18})?)?"
)
YEAR_S = 31_536_000


@router.get("/login")
async def form(request: Request) -> Response:
    return _form(request, parts(request), next_path=request.query_params.get("next", "/"))


@router.post("/login")
async def sign_in(request: Request, has: PartsOf) -> Response:
    posted = await request.form()
    token, given = request.cookies.get(BEFORE, ""), text(posted, "csrf")
    if not token or not same(token, given) or not _same_origin(request):
        return _form(request, has, status=403, problem="stale_form")
    address = request.client.host if request.client else ""
    password = posted.get("password")
    session = await has.doorman.sign_in(
        text(posted, "login", 200), password[:1000] if isinstance(password, str) else "", address
    )
    if isinstance(session, Refusal):
        return _refused(request, has, session, text(posted, "next"))
    path = text(posted, "next")
    response = go(path if LOCAL_PATH.fullmatch(path) else "/")
    set_cookie(response, COOKIE, session, has, max_age_s=has.doorman.session_hours * 3600)
    response.delete_cookie(BEFORE, path="/")
    return response


@router.post("/logout")
async def sign_out(who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    await has.doorman.sign_out(who)
    has.live.end(who.token_sha256)
    response = go("/login")
    response.delete_cookie(COOKIE, path="/")
    return response


@router.post("/language")
async def speak(who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    language = words.pick(text(form, "language"))
    async with has.pool.connection() as conn:
        await conn.execute(store.Q.set_language, {"language": language, "person": who.person_id})
    path = text(form, "next")
    response = go(path if LOCAL_PATH.fullmatch(path) else "/")
    set_cookie(response, LANGUAGE_COOKIE, language, has, max_age_s=YEAR_S)
    return response


def _refused(request: Request, has: Parts, refusal: Refusal, next_path: str) -> Response:
    status = {"wrong": 401, "wait": 429, "role": 403}[refusal.reason]
    seconds = int(refusal.wait_s) + 1
    problem = {"wrong": "wrong", "wait": "wait", "role": "role_refused"}[refusal.reason]
    response = _form(request, has, status=status, problem=problem, next_path=next_path, seconds=seconds)
    if refusal.reason == "wait":
        response.headers["Retry-After"] = str(seconds)
    return response


def _form(
    request: Request, has: Parts, *, status: int = 200, problem: str = "", next_path: str = "/", seconds: int = 0
) -> Response:
    token = secrets.token_urlsafe(24)
    response = render(
        request, "login.html", status=status, problem=problem, seconds=seconds, token=token,
        next_path=next_path if LOCAL_PATH.fullmatch(next_path) else "/",
    )  # fmt: skip
    set_cookie(response, BEFORE, token, has)
    if request.query_params.get("language"):
        set_cookie(response, LANGUAGE_COOKIE, language_of(request, None), has, max_age_s=YEAR_S)
    return response


def _same_origin(request: Request) -> bool:
    """A browser says where a form came from; a script need not."""
    origin = request.headers.get("origin")
    return origin is None or origin.partition("://")[2] == request.headers.get("host")
