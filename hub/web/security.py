"""What every answer carries, whatever made it: the headers of a strict page, and a limit on what may be posted."""

import asyncio
import re
import secrets
from collections.abc import Sequence
from typing import Any

from prometheus_client import Counter
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_LIMIT = 64 * 1024  # bytes; the longest form is a note
# What a page takes a file with; the page itself says how large it may be, this is the form around it as well.
UPLOADS = (
    (re.compile(r"/work-orders/\d+/files|/me/[\w-]{1,100}/orders/\d+|/install/orders/\d+"), 3 << 20),
    (re.compile(r"/registry/import"), 4 << 20),
)
BODY_S, UPLOAD_S = 20.0, 180.0  # a form; a photo from a phone at the edge of its network
PHONE = ("/r/", "/me/")  # the responder's phone: a worker of its own, and no htmx
INSTALL = "/install"  # where a label may be photographed
CALL = "/r/"  # where a position may be asked for, at the door
AREAS = frozenset({"r", "me", "f", "install", "api"})  # whose pages: all others are the console's
COUNTED = frozenset({401, 403, 404, 409, 410})  # a wrong or old link, an old page, somebody else's: nothing was done
REFUSED = Counter(
    "carehub_console_refusals_total", "Requests that were refused and changed nothing", ["area", "status"]
)


def policy(nonce: str, path: str = "/", pictures: Sequence[str] = ()) -> str:
    """Return the Content-Security-Policy: own files only, no inline script or style, DOM sinks only for htmx.

    The phone's pages have a worker instead, and the one script address it is started from. `pictures` are the origins
    of the map's tiles, where there are any. The policy `default` lets nothing through (static/trusted.js).
    """
    phone = path.startswith(PHONE)
    return "; ".join(
        (
            "default-src 'none'", f"script-src 'nonce-{nonce}'", "style-src 'self'",
            " ".join(("img-src 'self' data:", *pictures)),
            "connect-src 'self'", "font-src 'self'", "manifest-src 'self'", "form-action 'self'", "base-uri 'none'",
            "frame-ancestors 'none'", "require-trusted-types-for 'script'",
            "trusted-types carehub-worker; worker-src 'self'" if phone else "trusted-types htmx default",
        )
    )  # fmt: skip


def _area(path: str) -> str:
    """Return whose pages a path belongs to: of the phone, the family, the installer, a program, or the console."""
    first = path.split("/", 2)[1]
    return first if first in AREAS else "console"


class BodyTooLargeError(Exception):
    """More was posted than any form of ours holds."""


class BodyTooSlowError(Exception):
    """What was posted did not come in time."""


class StrictPages:
    """ASGI middleware: makes the page's nonce, sets the headers, refuses large bodies."""

    def __init__(self, app: ASGIApp, *, secure: bool, pictures: Sequence[str] = ()) -> None:
        self._app = app
        self._pictures = pictures
        self._secure = secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(16)
        scope.setdefault("state", {})["nonce"] = nonce
        started = False

        async def send_strict(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                if message["status"] in COUNTED:
                    REFUSED.labels(_area(scope["path"]), message["status"]).inc()
                self._harden(MutableHeaders(scope=message), nonce, scope["path"])
            await send(message)

        try:
            await self._app(scope, _limited(_prompt(receive, scope["path"]), limit_of(scope["path"])), send_strict)
        except BodyTooLargeError:
            if not started:
                await send_strict(
                    {"type": "http.response.start", "status": 413, "headers": [(b"content-type", b"text/plain")]}
                )
                await send_strict({"type": "http.response.body", "body": b"too large\n"})
        except BodyTooSlowError:
            if not started:
                head = [(b"content-type", b"text/plain"), (b"connection", b"close")]
                await send_strict({"type": "http.response.start", "status": 408, "headers": head})
                await send_strict({"type": "http.response.body", "body": b"too slow\n"})

    def _harden(self, headers: MutableHeaders, nonce: str, path: str) -> None:
        headers["Content-Security-Policy"] = policy(nonce, path, self._pictures)
        headers["X-Content-Type-Options"] = "nosniff"
        headers["X-Frame-Options"] = "DENY"
        headers["Referrer-Policy"] = "same-origin"  # a responder's link is a secret in a path; no other site learns it
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        position = "(self)" if path.startswith(CALL) else "()"
        camera = "(self)" if path.startswith(INSTALL) else "()"
        headers["Permissions-Policy"] = f"camera={camera}, geolocation={position}, microphone=()"
        if not path.startswith("/static/"):
            headers["Cache-Control"] = "no-store"
        if self._secure:
            headers["Strict-Transport-Security"] = "max-age=31536000"


def limit_of(path: str) -> int:
    return next((limit for way, limit in UPLOADS if way.fullmatch(path)), BODY_LIMIT)


def _prompt(receive: Receive, path: str) -> Receive:
    """What is posted comes within its time; afterwards a stream waits for its listener as long as it likes."""
    until: float | None = None
    whole = False

    async def prompt() -> Any:
        nonlocal until, whole
        if whole:
            return await receive()
        until = until or asyncio.get_running_loop().time() + (UPLOAD_S if limit_of(path) > BODY_LIMIT else BODY_S)
        try:
            async with asyncio.timeout_at(until):
                message = await receive()
        except TimeoutError:
            raise BodyTooSlowError from None
        whole = not message.get("more_body", False)
        return message

    return prompt


def _limited(receive: Receive, limit: int) -> Receive:
    taken = 0

    async def limited() -> Any:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise BodyTooLargeError
        return message

    return limited
