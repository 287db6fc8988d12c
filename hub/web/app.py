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
from starlette.responses import PlainTextResponse, Response
from starlette.staticfiles import StaticFiles

from hub.channel_settings import PUSH_HOSTS
from hub.store.pool import open_pool
from hub.web import (
    callbacks,
    console,
    contact,
    coverage,
    fleet,
    installer,
    ops,
    phone,
    policies,
    responder,
    rosters,
    signin,
    surge,
    watch,
)
from hub.web.auth import Doorman
from hub.web.frame import HERE, ForgedFormError, Parts, SignedOutError, from_htmx, go, language_of, render
from hub.web.live import Live
from hub.web.security import StrictPages
from hub.web.words import speaker

log = structlog.get_logger()
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
    push_key: str = ""  # public half of Web Push's key pair; empty: no app
    push_hosts: tuple[str, ...] = PUSH_HOSTS
    push_local: bool = False
    callback_key: str = field(default="", repr=False)  # of what providers call back; empty: nobody may
    contacts_min: int = 0  # of a resident, confirmed, before her device is in effect


def create_app(options: ConsoleOptions) -> FastAPI:
    """Return the application. Its lifespan opens and closes everything it holds."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        pool = open_pool(options.dsn, name="carehub console", largest=CONNECTIONS)
        async with pool, Live(options.dsn, pool) as live:
            app.state.parts = Parts(
                pool=pool, live=live, doorman=Doorman(pool, session_hours=options.session_hours),
                zone=ZoneInfo(options.zone), secure=options.secure, link_key=options.link_key,
                language=options.language, assets=_fingerprint(HERE / "static"), desk_phone=options.desk_phone,
                push_key=options.push_key, push_hosts=options.push_hosts, push_local=options.push_local,
                callback_key=options.callback_key, contacts_min=options.contacts_min,
            )  # fmt: skip
            yield

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    for module in (
        signin,
        console,
        surge,
        policies,
        rosters,
        coverage,
        fleet,
        responder,
        phone,
        contact,
        callbacks,
        ops,
        watch,
        installer,
    ):
        app.include_router(module.router)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    app.add_middleware(StrictPages, secure=options.secure)
    app.add_exception_handler(SignedOutError, _signed_out)
    app.add_exception_handler(ForgedFormError, _forged)
    app.add_exception_handler(psycopg.OperationalError, _database_away)
    app.add_exception_handler(psycopg.DataError, _not_to_be_stored)
    app.add_exception_handler(404, _not_found)
    return app


async def _signed_out(request: Request, error: Exception) -> Response:
    page = request.method == "GET" and not from_htmx(request) and "text/html" in request.headers.get("accept", "")
    if page:
        path = request.url.path
        return go("/login" if path == "/" else f"/login?next={path}")
    return PlainTextResponse("sign in at /login\n", 401)


async def _forged(request: Request, error: Exception) -> Response:
    log.warning("form_refused", path=request.scope["route"].path if "route" in request.scope else "")
    return PlainTextResponse(speaker(language_of(request, None))("stale_form") + "\n", 403)


async def _database_away(request: Request, error: Exception) -> Response:
    log.error("database_away", error=type(error).__name__)
    return PlainTextResponse(speaker(language_of(request, None))("busy") + "\n", 503, headers={"Retry-After": "2"})


async def _not_to_be_stored(request: Request, error: Exception) -> Response:
    """A number or a word that is none for PostgreSQL: nobody's browser sends it, and it is no fault of ours."""
    log.warning("input_refused", error=type(error).__name__)
    return PlainTextResponse("this cannot be stored\n", 422)


async def _not_found(request: Request, error: Exception) -> Response:
    if "text/html" in request.headers.get("accept", "") and not from_htmx(request):
        return render(request, "refused.html", status=404, message=speaker(language_of(request, None))("not_found"))
    return PlainTextResponse("not found\n", 404)


def _fingerprint(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
