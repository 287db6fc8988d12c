"""Signing in and out, and the language of a browser or a person."""

import secrets

from fastapi import APIRouter, Request
from starlette.responses import Response

from hub.store import console as store
from hub.store.accounts import HALF_S
from hub.store.telemetry import clean
from hub.web import access, words
from hub.web.auth import Half, Refusal, Visitor, same
from hub.web.frame import (
    COOKIE,
    LANGUAGE_COOKIE,
    YEAR_S,
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
HALF = "carehub_half"  # of a sign-in whose code is still to come
REFUSALS = {
    "wrong": (401, "wrong"), "wait": (429, "wait"), "role": (403, "role_refused"), "code": (401, "factor.wrong"),
    "over": (401, "factor.over"),
}  # fmt: skip


@router.get("/login")
async def form(request: Request) -> Response:
    return _form(request, parts(request), next_path=request.query_params.get("next", "/"))


@router.post("/login")
async def sign_in(request: Request, has: PartsOf) -> Response:
    posted = await request.form()
    token, given = request.cookies.get(BEFORE, ""), text(posted, "csrf")
    if not token or not same(token, given) or not _same_origin(request):
        return _form(request, has, status=403, problem="stale_form")
    password = posted.get("password")
    session = await has.doorman.sign_in(
        text(posted, "login", 200), password[:1000] if isinstance(password, str) else "", _visitor(request)
    )
    if isinstance(session, Refusal):
        return _refused(request, has, session, text(posted, "next"))
    if isinstance(session, Half):
        response = _form(request, has, code=True, next_path=text(posted, "next"))
        set_cookie(response, HALF, session.token, has, max_age_s=HALF_S)
        return response
    return _in(has, session, text(posted, "next"))


@router.post("/login/code")
async def give_code(request: Request, has: PartsOf) -> Response:
    """The second step: the code of the app, or a recovery code. The password is not asked for again."""
    posted = await request.form()
    token, given = request.cookies.get(BEFORE, ""), text(posted, "csrf")
    if not token or not same(token, given) or not _same_origin(request):
        return _form(request, has, status=403, problem="stale_form")
    session = await has.doorman.second(request.cookies.get(HALF, ""), text(posted, "code", 60), _visitor(request))
    if isinstance(session, Refusal):
        return _refused(request, has, session, text(posted, "next"))
    return _in(has, session, text(posted, "next"))


@router.get("/login/code")
async def code_again() -> Response:
    """Somebody loaded the second step's page anew: back to the first."""
    return go("/login")


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
    async with has.whole.connection() as conn:
        await conn.execute(store.Q.set_language, {"language": language, "person": who.person_id})
    path = text(form, "next")
    response = go(path if access.page(path) else "/")
    set_cookie(response, LANGUAGE_COOKIE, language, has, max_age_s=YEAR_S)
    return response


def _visitor(request: Request) -> Visitor:
    return Visitor(
        address=request.client.host if request.client else "", browser=clean(request.headers.get("user-agent", "")),
        token=request.cookies.get(COOKIE, "")[:200],
    )  # fmt: skip


def _in(has: Parts, session: str, path: str) -> Response:
    response = go(path if access.page(path) else "/")
    set_cookie(response, COOKIE, session, has, max_age_s=has.doorman.session_hours * 3600)
    for name in (BEFORE, HALF):
        response.delete_cookie(name, path="/")
    return response


def _refused(request: Request, has: Parts, refusal: Refusal, next_path: str) -> Response:
    status, problem = REFUSALS[refusal.reason]
    seconds = int(refusal.wait_s) + 1
    response = _form(
        request,
        has,
        status=status,
        problem=problem,
        next_path=next_path,
        seconds=seconds,
        code=refusal.reason == "code",
    )
    if refusal.reason == "wait":
        response.headers["Retry-After"] = str(seconds)
    return response


def _form(
    request: Request, has: Parts, *, status: int = 200, problem: str = "", next_path: str = "/", seconds: int = 0,
    code: bool = False,
) -> Response:  # fmt: skip
    token = secrets.token_urlsafe(24)
    response = render(
        request, "login.html", status=status, problem=problem, seconds=seconds, token=token, code=code,
        next_path=next_path if access.page(next_path) else "/",
    )  # fmt: skip
    set_cookie(response, BEFORE, token, has)
    if request.query_params.get("language"):
        set_cookie(response, LANGUAGE_COOKIE, language_of(request, None), has, max_age_s=YEAR_S)
    return response


def _same_origin(request: Request) -> bool:
    """A browser says where a form came from; a script need not."""
    origin = request.headers.get("origin")
    return origin is None or origin.partition("://")[2] == request.headers.get("host")
