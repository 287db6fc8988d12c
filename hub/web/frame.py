"""What every page of the console shares: the app's parts, who is asking, forms with their token, and rendering."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, cast
from zoneinfo import ZoneInfo

import jinja2
from fastapi import Depends, HTTPException, Request
from markupsafe import Markup
from starlette.datastructures import FormData
from starlette.responses import HTMLResponse, RedirectResponse, Response

from hub.errors import HubError
from hub.map_settings import MapSettings
from hub.store.pool import Pool
from hub.store.telemetry import clean
from hub.telephony import Telephone
from hub.web import access, views, words
from hub.web.auth import Doorman, Seat, same
from hub.web.board import Board
from hub.web.bounds import ScopedPool
from hub.web.live import Live

HERE = Path(__file__).parent
COOKIE = "carehub_session"
LANGUAGE_COOKIE = "carehub_language"
LOOK_COOKIE = "carehub_look"
YEAR_S = 31_536_000  # how long a browser remembers either
LOOKS = frozenset({"light", "dark", "large", "voice"})
MOST = 2**63 - 1  # a bigint
INSTALL = "/install"
SECOND_FACTOR = "/second-factor"


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The process's own things, made once."""

    pool: Pool  # of a request: sees what whoever asks may see
    whole: Pool  # sees everything: for what somebody does with his own account, and for what `hub.desk` decides
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
    telephone: Telephone | None = None  # None: numbers are `tel:` links
    map: MapSettings
    board: Board
    drill: str = ""  # what is drilled here


class SignedOutError(Exception):
    """Nobody is signed in here."""


class ForgedFormError(Exception):
    """A form came without its session's token."""


class FormFaultError(HubError):
    """Something in the form is missing or wrong; `word` names the sentence that says so, `what` the field's."""

    def __init__(self, word: str, what: str = "") -> None:
        super().__init__(word)
        self.word = word
        self.what = what


def parts(request: Request) -> Parts:
    found: Parts = request.app.state.parts
    return replace(found, pool=cast("Pool", ScopedPool(found.whole, request)))


async def seat(request: Request) -> Seat:
    """Return who is asking, where `hub.web.access` says that he may.

    Raises:
        SignedOutError: No session, or one that has ended.
        HTTPException: This is not for his role. Whoever asks for the first page is led to his own.
    """
    found = await parts(request).doorman.recognise(request.cookies.get(COOKIE))
    if found is None:
        raise SignedOutError
    request.state.seat = found  # whatever becomes of this request sees no more than he does
    grants: access.Grants = request.app.state.grants
    if found.holder not in grants.holders(request.scope):
        if request.url.path == "/" and request.method == "GET" and found.holder in access.HOME:
            raise HTTPException(303, headers={"location": access.HOME[found.holder]})
        raise HTTPException(403)
    way = grants.way(request.scope)
    if found.must_enrol and (way is None or way.name not in access.ENROLS):
        raise HTTPException(303 if request.method == "GET" else 403, headers={"location": SECOND_FACTOR})
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


def look_of(request: Request, who: Seat | None) -> str:
    """How a person's screen looks; when nobody is signed in, what was last chosen in this browser."""
    if who is not None:
        return who.look
    return " ".join(sorted(LOOKS & set(request.cookies.get(LOOK_COOKIE, "").strip('"').split())))


def render(
    request: Request, template: str, who: Seat | None = None, *, status: int = 200, **values: Any
) -> HTMLResponse:
    """Render a template with the words of the person's language."""
    has = parts(request)
    language = language_of(request, who)
    now = has.live.now()
    shared = {
        "t": words.speaker(language), "language": language, "languages": words.NAMES, "who": who,
        "look": look_of(request, who), "map": has.map, "drill": has.drill,
        "csrf": who.csrf if who else "", "nonce": request.state.nonce, "assets": has.assets,
        "zone": has.zone.key, "desk_phone": has.desk_phone,
        "hx": Markup('hx-nonce="{}"').format(request.state.nonce), "now": now, "now_ms": views.ms(now), "ms": views.ms,
        "span": views.span, "clock": lambda at, seconds=True: views.local(at, has.zone, now, seconds=seconds),
        "risk": lambda name: words.risk(values.get("language", language), name),
        "ability": lambda name: words.ability(language, name),
        "lets": lambda name, part="": who is not None and access.may(who.holder, name, part),
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
