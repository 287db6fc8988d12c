"""Puts the console together: one FastAPI application with its pool, its live fan-out and its pages."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import structlog
from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.staticfiles import StaticFiles

from hub.api import app as api
from hub.channel_settings import PUSH_HOSTS
from hub.config import IngestSettings
from hub.map_settings import MapSettings
from hub.retries import Retries
from hub.simulated.drills import Drills
from hub.store import sealing
from hub.store.pool import Pool, open_pool
from hub.telephony import Line, using
from hub.web import (
    access,
    access_log,
    accounts,
    callbacks,
    console,
    contact,
    coverage,
    drills,
    family,
    fleet,
    glass,
    handover,
    installer,
    landmarks,
    look,
    me,
    measured,
    ops,
    order_taps,
    phone,
    policies,
    registry,
    registry_import,
    registry_keep,
    registry_merge,
    registry_places,
    reports,
    responder,
    reviews,
    rosters,
    scripts,
    search,
    signin,
    subsidies,
    supervisor,
    surge,
    telephone,
    tokens,
    visits,
    watch,
    work_orders,
)
from hub.web import map as places
from hub.web.auth import OFFERED, Doorman
from hub.web.frame import HERE, ForgedFormError, Parts, SignedOutError, from_htmx, go, language_of, render, seat
from hub.web.live import Live
from hub.web.security import StrictPages
from hub.web.words import speaker

log = structlog.get_logger()
OF_A_LINK = ("/r/", "/me/", "/f/")  # whoever is there has no console to go back to
CONNECTIONS = 12  # to the database, besides the one that listens


@dataclass(frozen=True, kw_only=True)
class ConsoleOptions:
    """What the console needs to know; `hub.commands.console` reads it from the settings."""

    dsn: str
    zone: str = "Asia/Shanghai"
    language: str = "zh-CN"
    secure: bool = False
    link_key: str = ""
    session_hours: int = 12  # a shift, and the handing over after it
    desk_phone: str = ""
    drill: str = ""  # what is drilled here; empty: this is real
    push_key: str = ""  # public half of Web Push's key pair; empty: no app
    push_hosts: tuple[str, ...] = PUSH_HOSTS
    push_local: bool = False
    callback_key: str = field(default="", repr=False)  # of what providers call back; empty: nobody may
    run_dir: Path | None = None  # where the sealing keys lie
    second_factor: str = OFFERED
    contacts_min: int = 0  # of a resident, confirmed, before her device is in effect
    private_networks: tuple[str, ...] = ()  # where receivers of events may stand
    line: Line = field(default_factory=Line)  # how operators telephone
    map: MapSettings = field(default_factory=MapSettings)
    ingest: IngestSettings = field(default_factory=IngestSettings)  # how long what was measured is kept


def create_app(options: ConsoleOptions) -> FastAPI:
    """Return the application. Its lifespan opens and closes everything it holds."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        pool = open_pool(options.dsn, name="carehub console", largest=CONNECTIONS)
        async with pool, Live(options.dsn, pool) as live, Retries(pool, options.desk_phone), using(options.line) as tel:
            await _keys(pool, options)
            app.state.parts = Parts(
                pool=pool, whole=pool, live=live, doorman=Doorman(
                    pool, session_hours=options.session_hours, second_factor=options.second_factor),
                zone=ZoneInfo(options.zone), secure=options.secure, link_key=options.link_key,
                language=options.language, assets=_fingerprint(HERE / "static"), desk_phone=options.desk_phone,
                push_key=options.push_key, push_hosts=options.push_hosts, push_local=options.push_local,
                callback_key=options.callback_key, contacts_min=options.contacts_min, telephone=tel, map=options.map,
                board=live.board, drill=options.drill,
            )  # fmt: skip
            yield

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.limits = options.ingest
    app.state.drills = Drills(options.run_dir) if options.run_dir is not None and not options.drill else None
    for module in (
        signin,
        me,
        accounts,
        tokens,
        access_log,
        glass,
        console,
        surge,
        places,
        search,
        handover,
        scripts,
        look,
        policies,
        rosters,
        coverage,
        drills,
        fleet,
        landmarks,
        registry_places,
        registry_import,
        registry_merge,
        registry_keep,
        measured,
        registry,
        responder,
        phone,
        contact,
        callbacks,
        ops,
        watch,
        order_taps,  # before the installer's own, whose parts are numbers too
        installer,
        telephone,
        family,
        supervisor,
        reviews,
        work_orders,
        visits,
        subsidies,
        reports,
    ):
        app.include_router(module.router)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    app.mount(
        api.PATH, api.create(app, private_networks=options.private_networks), name="api"
    )  # its own table: hub/api/scopes.py
    app.state.grants = access.declared(app.routes, {"seat": seat})
    app.add_middleware(StrictPages, secure=options.secure, pictures=options.map.hosts)
    app.add_exception_handler(SignedOutError, _signed_out)
    app.add_exception_handler(ForgedFormError, _forged)
    app.add_exception_handler(psycopg.OperationalError, _database_away)
    app.add_exception_handler(psycopg.DataError, _not_to_be_stored)
    app.add_exception_handler(403, _forbidden)
    app.add_exception_handler(404, _not_found)
    app.add_exception_handler(410, _gone)
    return app


async def _keys(pool: Pool, options: ConsoleOptions) -> None:
    """Without its keys the console runs all the same: no door code opens, and `carehub doctor` says why."""
    if options.run_dir is not None:
        async with pool.connection() as conn:
            if not await sealing.begin(conn, options.run_dir):
                log.error("seal_key_missing", advice="bring seal.keys back from the backup: carehub doctor")


async def _signed_out(request: Request, error: Exception) -> Response:
    page = request.method == "GET" and not from_htmx(request) and "text/html" in request.headers.get("accept", "")
    if page:
        path = request.url.path
        return go("/login" if path == "/" else f"/login?next={path}")
    return _in_words(request, "signed_out_undone", 401)


async def _forged(request: Request, error: Exception) -> Response:
    log.warning("form_refused", path=request.scope["route"].path if "route" in request.scope else "")
    return _in_words(request, "stale_form", 403)


async def _gone(request: Request, error: Exception) -> Response:
    """A link that has ended, or never was: a page for a person, for a script the same words."""
    if "text/html" in request.headers.get("accept", ""):
        return render(request, "phone_gone.html", status=410)
    t = speaker(language_of(request, None))
    return JSONResponse({"error": "link", "text": f"{t('me_gone')} {t('me_gone_lead')}"}, 410)


async def _database_away(request: Request, error: Exception) -> Response:
    log.error("database_away", error=type(error).__name__)
    return PlainTextResponse(speaker(language_of(request, None))("busy") + "\n", 503, headers={"Retry-After": "2"})


async def _not_to_be_stored(request: Request, error: Exception) -> Response:
    """A number or a word that is none for PostgreSQL: nobody's browser sends it, and it is no fault of ours."""
    log.warning("input_refused", error=type(error).__name__)
    return PlainTextResponse("this cannot be stored\n", 422)


async def _not_found(request: Request, error: Exception) -> Response:
    if "text/html" in request.headers.get("accept", "") and not from_htmx(request):
        if request.url.path.startswith(OF_A_LINK):
            return render(request, "phone_gone.html", status=404, gone="me_nothing")
        return render(request, "refused.html", status=404, message=speaker(language_of(request, None))("not_found"))
    return PlainTextResponse("not found\n", 404)


async def _forbidden(request: Request, error: Exception) -> Response:
    """In words and with a way back, for a person; whoever answers for the access can change it at /people."""
    answer = _in_words(request, "forbidden", 403)
    answer.headers.update(getattr(error, "headers", None) or {})
    return answer


def _in_words(request: Request, word: str, status: int) -> Response:
    """Say why nothing was done, in the language of whoever asks: a page for a browser, a line for its scripts."""
    who = getattr(request.state, "seat", None)
    message = speaker(language_of(request, who))(word)
    if "text/html" in request.headers.get("accept", "") and not from_htmx(request):
        return render(request, "refused.html", who, status=status, message=message)
    return PlainTextResponse(f"{message}\n", status)


def _fingerprint(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
