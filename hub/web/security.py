"""What every answer carries, whatever made it: the headers of a strict page, and a limit on what may be posted."""

import secrets
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_LIMIT = 64 * 1024  # bytes; the longest form is a note
PHONE = ("/r/", "/me/")  # the responder's phone: a worker of its own, and no htmx
INSTALL = "/install"  # where a label may be photographed
CALL = "/r/"  # where a position may be asked for, at the door


def policy(nonce: str, path: str = "/") -> str:
    """Return the Content-Security-Policy: own files only, no inline script or style, DOM sinks only for htmx.

    The phone's pages have a worker instead, and the one script address it is started from.
    """
    phone = path.startswith(PHONE)
    return "; ".join(
        (
            "default-src 'none'", f"script-src 'nonce-{nonce}'", "style-src 'self'", "img-src 'self' data:",
            "connect-src 'self'", "font-src 'self'", "manifest-src 'self'", "form-action 'self'", "base-uri 'none'",
            "frame-ancestors 'none'", "require-trusted-types-for 'script'",
            "trusted-types carehub-worker; worker-src 'self'" if phone else "trusted-types htmx",
        )
    )  # fmt: skip


class BodyTooLargeError(Exception):
    """More was posted than any form of ours holds."""


class StrictPages:
    """ASGI middleware: makes the page's nonce, sets the headers, refuses large bodies."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self._app = app
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
                self._harden(MutableHeaders(scope=message), nonce, scope["path"])
            await send(message)

        try:
            await self._app(scope, _limited(receive), send_strict)
        except BodyTooLargeError:
            if not started:
                await send_strict(
                    {"type": "http.response.start", "status": 413, "headers": [(b"content-type", b"text/plain")]}
                )
                await send_strict({"type": "http.response.body", "body": b"too large\n"})

    def _harden(self, headers: MutableHeaders, nonce: str, path: str) -> None:
        headers["Content-Security-Policy"] = policy(nonce, path)
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


def _limited(receive: Receive) -> Receive:
    taken = 0

    async def limited() -> Any:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > BODY_LIMIT:
            raise BodyTooLargeError
        return message

    return limited
