"""Idempotency-Key: the same request again changes nothing and is answered again; another under its key is refused.

The key, the change and the answer are one transaction: `Caller.connection` gives the connection it is on. What was
refused is not kept: it changed nothing, and may be tried again under its key. A request that has somebody else do
something outside the database (`Apart`) cannot wait in a transaction: its key is kept at once, and given to the act.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Final

import structlog
from fastapi import Request, Response
from fastapi.routing import APIRoute

from hub.api.problems import Fault, ProblemError
from hub.sealed import SealError
from hub.store import api_answers as store
from hub.store.api_answers import Kept
from hub.store.pool import Connection, Pool
from hub.web.security import BODY_LIMIT, BodyTooLargeError

HEADER: Final = "Idempotency-Key"
LONGEST: Final = 70
PATTERN: Final = r"^[!-~]+$"
WRITES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
HEAD: Final = ("content-type", "etag")  # of an answer that is given again
_KEY = re.compile(rf"[!-~]{{1,{LONGEST}}}")
log = structlog.get_logger()
Handler = Callable[[Request], Awaitable[Response]]


class AgainError(Exception):
    """This very request was answered before."""

    def __init__(self, answer: Response) -> None:
        super().__init__("answered before")
        self.answer = answer


class Keyed:
    """One request under its key."""

    def __init__(self, key: str, asked: bytes, stack: AsyncExitStack, *, apart: bool) -> None:
        self.key = key
        self.conn: Connection | None = None  # what the change is to be made on
        self._asked, self._stack, self._apart = asked, stack, apart
        self._pool: Pool | None = None
        self._number = 0

    async def begin(self, pool: Pool, token_id: int) -> None:
        """Claim the key for a token that was checked.

        Raises:
            AgainError: It was answered before.
            ProblemError: Another request has this key.
        """
        self._pool = pool
        if self._apart:
            async with pool.connection() as conn:
                await self._claim(conn, token_id)
            return
        self.conn = await self._stack.enter_async_context(pool.connection())
        await self._stack.enter_async_context(self.conn.transaction())
        await self._claim(self.conn, token_id)

    async def _claim(self, conn: Connection, token_id: int) -> None:
        found = await store.claim(conn, token_id, self.key, self._asked)
        if not isinstance(found, Kept):
            self._number = found
            return
        if not found.same:
            raise ProblemError(
                422, "key_reused", "this Idempotency-Key was another request's: make a new one for each",
                faults=[Fault(where=f"header/{HEADER}", what="used for another request")],
            )  # fmt: skip
        self._number = found.id
        if found.status is not None:
            raise AgainError(Response(found.body, found.status, dict(found.head)))

    async def keep(self, answer: Response) -> None:
        """Keep what was answered, in the transaction of the change."""
        if not self._number or self._pool is None:
            return
        head = {name: answer.headers[name] for name in HEAD if name in answer.headers}
        try:
            if self.conn is not None:
                await store.keep(self.conn, self._number, answer.status_code, head, bytes(answer.body))
                return
            async with self._pool.connection() as conn:
                await store.keep(conn, self._number, answer.status_code, head, bytes(answer.body))
        except SealError as err:  # the change itself is worth more: without a key nothing was sealed, nothing is torn
            log.warning("answer_not_kept", why=str(err))


class Once(APIRoute):
    """A route whose writes are done once under one key."""

    apart = False

    def get_route_handler(self) -> Handler:  # type: ignore[override]
        handle = super().get_route_handler()

        async def once(request: Request) -> Response:
            key = request.headers.get(HEADER)
            if key is None or request.method not in WRITES:
                return await handle(request)
            if not _KEY.fullmatch(key):
                fault = Fault(where=f"header/{HEADER}", what=f"1 to {LONGEST} printable ASCII characters")
                raise ProblemError(422, "invalid", faults=[fault])
            try:
                asked = await _digest(request)
            except BodyTooLargeError:
                raise ProblemError(413, "too_large", f"no more than {BODY_LIMIT // 1024} kB") from None
            try:
                async with AsyncExitStack() as stack:
                    request.state.keyed = keyed = Keyed(key, asked, stack, apart=self.apart)
                    answer = await handle(request)
                    await keyed.keep(answer)
                    return answer
            except AgainError as again:
                return again.answer

        return once


class Apart(Once):
    """A route whose act waits for somebody outside: no transaction is open meanwhile."""

    apart = True


async def _digest(request: Request) -> bytes:
    """Return what a request is, so that another one under its key is told apart."""
    said = "\n".join((request.method, request.url.path, request.url.query, request.headers.get("if-match", "")))
    return hashlib.sha256(said.encode() + b"\n" + await request.body()).digest()
