"""Who calls: a token, its scopes, how often it may, and connections that see no more than it may see."""

import math
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import structlog
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes

from hub.api.once import Keyed
from hub.api.problems import ProblemError
from hub.api.scopes import SCOPES
from hub.api.tokens import TOKEN, digest
from hub.store import api as store
from hub.store.pool import Connection
from hub.web.bounds import acting
from hub.web.frame import Parts

KEPT = 10_000  # tokens and addresses whose use is remembered
STRANGERS_PER_MINUTE = 60  # requests of one address without a token that counts
BEARER = HTTPBearer(
    auto_error=False, scheme_name="token", bearerFormat="carehub_…",
    description="`carehub api token create` makes one. Scopes: " + "; ".join(f"`{s}`: {t}" for s, t in SCOPES.items()),
)  # fmt: skip
log = structlog.get_logger()


class Meter:
    """Lets each key through so many times a minute, a minute's worth at once; each process counts for itself."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left: OrderedDict[Any, tuple[float, float]] = OrderedDict()

    def wait_s(self, key: object, per_minute: int) -> float:
        """Take one; return 0, or the seconds until there is one again."""
        now = self._clock()
        left, at = self._left.pop(key, (float(per_minute), now))
        left = min(float(per_minute), left + (now - at) * per_minute / 60)
        allowed = left >= 1
        self._left[key] = (left - 1 if allowed else left, now)
        while len(self._left) > KEPT:
            self._left.popitem(last=False)
        return 0.0 if allowed else (1 - left) * 60 / per_minute


@dataclass(frozen=True, kw_only=True)
class Caller:
    """A program with its token, for one request."""

    token_id: int
    name: str
    scopes: frozenset[str]
    person_id: int
    role: str
    organisation_id: int | None
    parts: Parts
    reads: bool = False
    keyed: Keyed | None = None  # its Idempotency-Key, where it brought one

    @property
    def sees(self) -> dict[str, int | None]:
        """What every query of pages takes besides."""
        return {"organisation": self.organisation_id, "locked": self.role == "supervisor", "ended": False}

    @property
    def as_whom(self) -> str:
        return f"person:{self.person_id}"

    @property
    def reason(self) -> str:
        """What the access log says besides the account: several tokens may act as one."""
        return f"api token {self.token_id}"

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Return a connection that sees what this token may see; under a key, the one on which the key is held.

        What an organisation's token reads the database itself holds back, by row-level security. What it writes is
        looked up within its bounds first.
        """
        if self.keyed is not None and self.keyed.conn is not None:
            yield self.keyed.conn
            return
        async with self.parts.pool.connection() as conn:
            if self.organisation_id is None or not self.reads:
                yield conn
                return
            async with acting(conn, self.organisation_id, self.person_id):
                yield conn

    @asynccontextmanager
    async def unbound(self) -> AsyncIterator[Connection]:
        """Return a connection for tables that no page of an organisation reads: whoever asks says whose rows."""
        async with self.parts.pool.connection() as conn:
            yield conn


async def caller(
    request: Request, wanted: SecurityScopes,
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)],
) -> Caller:  # fmt: skip
    """Return who calls.

    Raises:
        ProblemError: No token that counts, a scope it does not hold, or more than it may in a minute.
    """
    has: Parts = request.app.state.console.state.parts
    meter: Meter = request.app.state.meter
    address = request.client.host if request.client else ""
    token = given.credentials if given else ""
    async with has.pool.connection() as conn:
        found = await store.holder(conn, digest(token)) if TOKEN.fullmatch(token) else None
    if found is None:
        if (wait_s := meter.wait_s(("address", address), STRANGERS_PER_MINUTE)) > 0:
            raise _too_many(wait_s)
        raise ProblemError(401, "no_token", headers={"WWW-Authenticate": 'Bearer realm="carehub"'})
    if (wait_s := meter.wait_s(("token", found.id), found.per_minute)) > 0:
        raise _too_many(wait_s)
    if missing := [scope for scope in wanted.scopes if scope not in found.scopes]:
        log.warning("api_scope_missing", token=found.id, scope=missing[0])
        raise ProblemError(
            403, "scope_missing", f"this token does not hold {missing[0]}",
            headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{missing[0]}"'},
        )  # fmt: skip
    keyed: Keyed | None = getattr(request.state, "keyed", None)
    if keyed is not None:
        await keyed.begin(has.pool, found.id)
    return Caller(
        token_id=found.id, name=found.name, scopes=found.scopes, person_id=found.person_id, role=found.role,
        organisation_id=found.organisation_id, parts=has, keyed=keyed,
        reads=request.method in ("GET", "HEAD"),
    )  # fmt: skip


def _too_many(wait_s: float) -> ProblemError:
    return ProblemError(429, "too_many", headers={"Retry-After": str(math.ceil(wait_s))})
