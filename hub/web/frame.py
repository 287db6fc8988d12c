"""What every page of the console shares: the app's parts, who is asking, forms with their token, and rendering."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import jinja2
from fastapi import Depends, HTTPException, Request
from markupsafe import Markup
from starlette.datastructures import FormData
from starlette.responses import HTMLResponse, RedirectResponse, Response

from hub.store.pool import Pool
from hub.store.telemetry import clean
from hub.web import views, words
from hub.web.auth import INSTALLER, Doorman, Seat, same
from hub.web.live import Live

HERE = Path(__file__).parent
COOKIE = "carehub_session"
LANGUAGE_COOKIE = "carehub_language"
MOST = 2**63 - 1  # a bigint
CANARY_WAY = re.compile(r"/|/queue|/stream|/seen|/logout|/incidents/\d+/(take|close)")  # its own cases only: hub.taps
INSTALL = "/install"
INSTALLERS_WAY = re.compile(r"/install(/.*)?|/logout|/language")  # one phone page: no case, no resident's card, no list


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The process's own things, made once."""

    pool: Pool
    live: Live
    doorman: Doorman
    zone: ZoneInfo
    secure: bool
    link_key: str
    language: str
    desk_phone: str
    assets: str  # changes with every change of a static file, so that no browser keeps an old one
    push_key: str  # what browsers subscribe with; empty: this hub has no app
    push_hosts: tuple[str, ...]
    push_local: bool
    callback_key: str
    contacts_min: int


class SignedOutError(Exception):
    """Nobody is signed in here."""


class ForgedFormError(Exception):
    """A form came without its session's token."""


def parts(request: Request) -> Parts:
    found: Parts = request.app.state.parts
    return found


async def seat(request: Request) -> Seat:
    """Return who is asking.

    Raises:
        SignedOutError: No session, or one that has ended.
        HTTPException: The canary, where its way does not lead: its secret lies in a file, and whoever reads it must
            learn nobody's door code and silence nobody's device. An installer, off the installer's page.
    """
    found = await parts(request).doorman.recognise(request.cookies.get(COOKIE))
    if found is None:
        raise SignedOutError
    if found.canary and not CANARY_WAY.fullmatch(request.url.path):
        raise HTTPException(403)
    if found.role == INSTALLER and not INSTALLERS_WAY.fullmatch(request.url.path):
        if request.url.path == "/" and request.method == "GET":
            raise HTTPException(303, headers={"location": INSTALL})
        raise HTTPException(403)
    return found


async def posted(request: Request, who: Annotated[Seat, Depends(seat)]) -> FormData:
    """Return a form that its own session sent.

    Raises:
        ForgedFormError: The token is missing or another's.
    """
    form = await request.form()
    token = request.headers.get("x-csrf-token") or form.get("csrf")
    if not isinstance(token, str) or not same(token, who.csrf):
        raise ForgedFormError
    return form


SeatOf = Annotated[Seat, Depends(seat)]
FormOf = Annotated[FormData, Depends(posted)]
PartsOf = Annotated[Parts, Depends(parts)]


def text(form: FormData, name: str, limit: int = 2000) -> str:
    """Return a field's text as the database can hold it, trimmed and bounded; empty when it is missing."""
    value = form.get(name)
    return clean(value).strip()[:limit] if isinstance(value, str) else ""


def number(form: FormData, name: str) -> int | None:
    """Return a field's number; None when it is none, or more than the database counts to."""
    value = text(form, name, 20)
    found = int(value) if value.isdecimal() else None
    return found if found is not None and found <= MOST else None


def from_htmx(request: Request) -> bool:
    return request.headers.get("hx-request") == "true"


def language_of(request: Request, who: Seat | None) -> str:
    """A person's own language; before signing in, the browser's last choice, else what it prefers."""
    if who is not None:
        return words.pick(who.language)
    wish = request.query_params.get("language") or request.cookies.get(LANGUAGE_COOKIE)
    return words.pick(wish or request.headers.get("accept-language") or parts(request).language)


def render(
    request: Request, template: str, who: Seat | None = None, *, status: int = 200, **values: Any
) -> HTMLResponse:
    """Render a template with the words of the person's language."""
    has = parts(request)
    language = language_of(request, who)
    now = has.live.now()
    shared = {
        "t": words.speaker(language), "language": language, "languages": words.NAMES, "who": who,
        "csrf": who.csrf if who else "", "nonce": request.state.nonce, "assets": has.assets,
        "zone": has.zone.key, "desk_phone": has.desk_phone,
        "hx": Markup('hx-nonce="{}"').format(request.state.nonce), "now": now, "now_ms": views.ms(now), "ms": views.ms,
        "span": views.span, "clock": lambda at, seconds=True: views.local(at, has.zone, now, seconds=seconds),
        "risk": lambda name: words.risk(values.get("language", language), name),
        "ability": lambda name: words.ability(language, name),
        "speech": lambda name: words.speech(values.get("language", language), name),
    }  # fmt: skip
    page = TEMPLATES.get_template(template).render(shared | values)
    return HTMLResponse(page, status)


def go(path: str) -> RedirectResponse:
    return RedirectResponse(path, 303)


def said(request: Request, who: Seat, message: str, status: int) -> Response:
    """Answer a form that could not be done: a line for the open window, or a small page for a plain form."""
    if from_htmx(request):
        return HTMLResponse(TEMPLATES.get_template("_refusal.html").render(message=message), status)
    return render(request, "refused.html", who, status=status, message=message)


def set_cookie(response: Response, name: str, value: str, has: Parts, *, max_age_s: int | None = None) -> None:
    response.set_cookie(name, value, max_age=max_age_s, httponly=True, samesite="lax", secure=has.secure, path="/")


def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip


TEMPLATES = _templates()
