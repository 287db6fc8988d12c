"""Who sits at the console: signing in, sessions, and how often one may try."""

import asyncio
import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from hub.passwords import hash_password, verify
from hub.store import console as store
from hub.store.pool import Pool

CONSOLE_ROLES = frozenset({"operator", "supervisor"})
INSTALLER = "installer"  # signs in as they do, and sees one page: hub.web.frame keeps him there
ROLES = CONSOLE_ROLES | {INSTALLER}
IDLE_MINUTES = 30  # an open console keeps its session alive; a closed one does not
HASHES_AT_ONCE = 2  # each takes 64 MiB and 50 ms of one core: a flood of sign-ins must not starve the screens


@dataclass(frozen=True, kw_only=True)
class Seat:
    """A signed-in person at one browser."""

    person_id: int
    name: str
    role: str
    language: str
    csrf: str
    token_sha256: bytes
    canary: bool = False


KEPT = 10_000  # accounts and addresses whose failures are remembered
FREE = {"account": 5, "address": 20}
LONGEST_S = {"account": 60.0, "address": 900.0}


class Gate:
    """Counts failed sign-ins by account and by address and makes both wait, twice as long each time.

    An account waits a minute at most, so that nobody can lock an operator out of the duty room by guessing; an address
    waits up to a quarter of an hour. Held in memory, `KEPT` keys at most, oldest out first.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()

    def wait_s(self, account: str, address: str) -> float:
        """Return how many seconds must pass before the next try; 0 when it may be made now."""
        now = self._clock()
        keys = (("account", account), ("address", address))
        return max(0.0, *(self._failures.get(key, (0, now))[1] - now for key in keys))

    def failed(self, account: str, address: str) -> None:
        now = self._clock()
        for kind, name in (("account", account), ("address", address)):
            count = self._failures.pop((kind, name), (0, now))[0] + 1
            over = count - FREE[kind]
            delay_s = min(LONGEST_S[kind], 2.0 ** min(over, 20)) if over >= 0 else 0.0
            self._failures[kind, name] = (count, now + delay_s)
        while len(self._failures) > KEPT:
            self._failures.popitem(last=False)

    def passed(self, account: str) -> None:
        self._failures.pop(("account", account), None)


class Doorman:
    """Signs people in and out and recognises them by their cookie."""

    def __init__(self, pool: Pool, *, session_hours: int) -> None:
        self._pool = pool
        self.session_hours = session_hours
        self._gate = Gate()
        self._turn = asyncio.Semaphore(HASHES_AT_ONCE)
        self._nobody = hash_password(secrets.token_urlsafe())  # what an unknown login is measured against

    async def sign_in(self, login: str, password: str, address: str) -> "str | Refusal":
        """Return a new session's token, or why not."""
        wait_s = self._gate.wait_s(login, address)
        if wait_s > 0:
            return Refusal(reason="wait", wait_s=wait_s)
        account = await self.check(login, password, address)
        if account is None:
            return Refusal(reason="wrong")
        if account.role not in ROLES:
            return Refusal(reason="role")
        token = secrets.token_urlsafe(32)
        async with self._pool.connection() as conn:
            await store.begin_session(
                conn, _digest(token), account.person_id, secrets.token_urlsafe(24), hours=self.session_hours
            )
        return token

    async def check(self, login: str, password: str, address: str) -> "store.Account | None":
        """Return the account these words belong to. Unknown logins take as long as wrong passwords.

        Used for signing in and for the second person who agrees that a critical incident is over.
        """
        if self._gate.wait_s(login, address) > 0:
            return None
        async with self._pool.connection() as conn:
            account = await store.account(conn, login)
        known = account.password_hash if account and account.password_hash else self._nobody
        async with self._turn:
            right = await asyncio.to_thread(verify, known, password)
        if account is None or known is self._nobody or not right:
            self._gate.failed(login, address)
            return None
        self._gate.passed(login)
        return account

    async def recognise(self, token: str | None) -> Seat | None:
        """Return who holds this cookie, if the session lives."""
        if not token or len(token) > 200:
            return None
        digest = _digest(token)
        async with self._pool.connection() as conn:
            row = await store.session(conn, digest, idle_minutes=IDLE_MINUTES)
        if row is None or row.role not in ROLES:
            return None
        return Seat(
            person_id=row.person_id, name=row.name, role=row.role, language=row.language, csrf=row.csrf,
            token_sha256=digest, canary=row.canary,
        )  # fmt: skip

    async def sign_out(self, seat: Seat) -> None:
        async with self._pool.connection() as conn:
            await store.end_session(conn, seat.token_sha256)


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why nobody was signed in: `wrong`, `wait` (for wait_s seconds) or `role`."""

    reason: str
    wait_s: float = 0.0


def same(a: str, b: str) -> bool:
    """Compare two secrets without telling by the time where they differ."""
    return secrets.compare_digest(a.encode(), b.encode())


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
