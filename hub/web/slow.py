"""Whoever opens a line and says nothing, or a letter a minute, is hung up on: the server's own protocol waits for ever.

uvicorn knows a deadline between two requests only. This one holds for the head of each; the body has its own in
`hub.web.security`.
"""

import asyncio

import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_S = 10.0  # for the whole head of a request, from its line's opening or its first byte
log = structlog.get_logger()


class Prompt(HttpToolsProtocol):
    """HTTP/1.1 whose heads come in time."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._heard()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._late is None:  # a further request on the same line
            self._wait()

    def on_headers_complete(self) -> None:
        self._heard()
        super().on_headers_complete()

    def _wait(self) -> None:
        self._late = self.loop.call_later(HEAD_S, self._hang_up)

    def _heard(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _hang_up(self) -> None:
        self._late = None
        log.info("slow_head", head_s=HEAD_S)
        self.transport.close()
