"""Who sits at the console: signing in, sessions, and how often one may try."""

import asyncio
import hashlib
import secrets
from dataclasses import dataclass

import structlog

from hub import sealed, totp
from hub.passwords import hash_password, verify
from hub.store import accounts
from hub.store import console as store
from hub.store.pool import Connection, Pool, hub_now
from hub.web import access
from hub.web.gate import Gate

CONSOLE_ROLES = frozenset({"operator", "supervisor"})
INSTALLER = "installer"  # signs in as they do, and sees one page: hub.web.access says so
ROLES = access.SIGN_IN
OFF, OFFERED, REQUIRED = "off", "offered", "required"  # the second factor: console.second_factor; or roles
FACTOR = "second_factor.secret"  # the place it is sealed for
log = structlog.get_logger()
IDLE_MINUTES = 30  # an open console keeps its session alive; a closed one does not
HASHES_AT_ONCE = 2  # each takes 64 MiB and 50 ms of one core: a flood of sign-ins must not starve the screens
WAITING = 64  # sign-ins that wait for their turn: a shift that begins; whoever comes on top of them is told to wait
FULL_S = 5.0


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
    organisation_id: int | None = None  # whose dispatcher or installer he is; None: the centre's own, who see all
    look: str = ""  # how his screen looks: words of hub.web.look
    enrolled: bool = False
    must_enrol: bool = False  # before anything else
    glass: int = 0  # records opened without access that wait for her signature

    @property
    def holder(self) -> str:
        """As whom he stands in hub.web.access."""
        return access.Holder.CANARY if self.canary else self.role

    @property
    def view(self) -> tuple[bool, int | None]:
        """Whose queue this is, for what is read once for many: all at the centre share theirs, nobody else does."""
        return self.canary, self.person_id if self.scoped else None

    @property
    def scoped(self) -> bool:
        """Whether he sees one organisation's cases only; with no organisation, none."""
        return self.role == access.Holder.DISPATCHER


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """Whose browser asks to be let in."""

    address: str = ""
    browser: str = ""
    token: str = ""  # of the session it has already


@dataclass(frozen=True, kw_only=True)
class Half:
    """The password was right; this token waits for the second factor's code."""

    token: str


class Doorman:
    """Signs people in and out and recognises them by their cookie."""

    def __init__(self, pool: Pool, *, session_hours: int, second_factor: str = OFFERED) -> None:
        self._pool = pool
        self.session_hours = session_hours
        asked = frozenset(second_factor.split(","))
        self.second_factor = second_factor if asked <= {OFF, OFFERED, REQUIRED} else OFFERED
        self._must_enrol = asked  # roles; or what holds for all of them
        self._gate = Gate(pool)
        self._waiting = 0
        self._turn = asyncio.Semaphore(HASHES_AT_ONCE)
        self._nobody = hash_password(secrets.token_urlsafe())  # what an unknown login is measured against

    async def sign_in(self, login: str, password: str, visitor: Visitor) -> "str | Half | Refusal":
        """Return a new session's token, what waits for a code, or why neither."""
        account = await self._tried(login, password, visitor.address)
        if isinstance(account, Refusal):
            return account
        if account.role not in ROLES:
            return Refusal(reason="role")
        async with self._pool.connection() as conn:
            factor = await accounts.factor(conn, account.person_id) if self.second_factor != OFF else None
            if factor is not None and factor.confirmed:
                token = secrets.token_urlsafe(32)
                await accounts.begin_half(conn, digest(token), account.person_id)
                return Half(token=token)
        return await self._begin(account.person_id, visitor, second_factor=False)

    async def second(self, half: str, code: str, visitor: Visitor) -> "str | Refusal":
        """Return a new session's token for the code that was still to come, or why not."""
        async with self._pool.connection() as conn:
            person = await accounts.half(conn, digest(half))
        if person is None:
            return Refusal(reason="over")
        if (wait_s := await self._gate.enter(f"code:{person}", visitor.address)) > 0:
            log.warning("code_slowed", person_id=person, wait_s=round(wait_s))
            return Refusal(reason="wait", wait_s=wait_s)
        async with self._pool.connection() as conn, conn.transaction():
            how = await self.proved(conn, person, code)
            if how:
                await accounts.end_half(conn, digest(half))
            await accounts.note(conn, person, how or "code_wrong", detail=visitor.address)
        if not how:
            log.warning("code_wrong", person_id=person)
            return Refusal(reason="code")
        await self._gate.passed(f"code:{person}", visitor.address)
        return await self._begin(person, visitor, second_factor=True)

    async def proved(self, conn: Connection, person: int, code: str) -> str:
        """Use a code up and return how it proves him: `code`, `recovery_code`; empty when it does not."""
        factor = await accounts.factor(conn, person)
        if factor is None:
            return ""
        step = totp.step_of(
            sealed.opened(FACTOR, person, factor.secret), code, await hub_now(conn)
        )  # fmt: skip
        if step is not None:
            return "code" if await accounts.use_step(conn, person, step) else ""
        if factor.confirmed and await accounts.use_code(conn, person, totp.digest(code)):
            return "recovery_code"
        return ""

    async def try_own(self, seat: Seat) -> float:
        """Count a try of somebody who is signed in at a secret of his own; return how long he must wait first, or 0.

        Whoever sits at an open screen must not guess its owner's.
        """
        return await self._gate.enter(*_own(seat))

    async def proved_own(self, seat: Seat) -> None:
        await self._gate.passed(*_own(seat))

    async def _begin(self, person: int, visitor: Visitor, *, second_factor: bool) -> str:
        """A session's token is always new; the one this browser had before ends."""
        token = secrets.token_urlsafe(32)
        async with self._pool.connection() as conn:
            if visitor.token:
                await store.end_session(conn, digest(visitor.token))
            await store.begin_session(
                conn, digest(token), person, secrets.token_urlsafe(24), hours=self.session_hours,
                address=visitor.address, browser=visitor.browser, second_factor=second_factor,
            )  # fmt: skip
        return token

    async def check(self, login: str, password: str, address: str) -> "store.Account | None":
        """Return the account these words belong to. Unknown logins take as long as wrong passwords.

        Used for signing in and for the second person who agrees that a critical incident is over.
        """
        found = await self._tried(login, password, address)
        return None if isinstance(found, Refusal) else found

    async def _tried(self, login: str, password: str, address: str) -> "store.Account | Refusal":
        if self._waiting >= WAITING:
            log.warning("sign_in_full")
            return Refusal(reason="wait", wait_s=FULL_S)
        self._waiting += 1
        try:
            async with self._turn:
                return await self._looked_at(login, password, address)
        finally:
            self._waiting -= 1

    async def _looked_at(self, login: str, password: str, address: str) -> "store.Account | Refusal":
        if (wait_s := await self._gate.enter(login, address)) > 0:
            log.warning("sign_in_slowed", wait_s=round(wait_s))
            return Refusal(reason="wait", wait_s=wait_s)
        async with self._pool.connection() as conn:
            account = await store.account(conn, login)
        known = account.password_hash if account and account.password_hash else self._nobody
        right = await asyncio.to_thread(verify, known, password)
        if account is None or known is self._nobody or not right:
            number = account.person_id if account else None  # never what was typed: it may be a password
            log.warning("sign_in_wrong", person_id=number)
            if number is not None:
                async with self._pool.connection() as conn:
                    await accounts.note(conn, number, "password_wrong", detail=address)
            return Refusal(reason="wrong")
        await self._gate.passed(login, address)
        return account

    async def recognise(self, token: str | None) -> Seat | None:
        """Return who holds this cookie, if the session lives."""
        if not token or len(token) > 200:
            return None
        known_by = digest(token)
        async with self._pool.connection() as conn:
            row = await store.session(conn, known_by, idle_minutes=IDLE_MINUTES)
        if row is None or row.role not in ROLES:
            return None
        return Seat(
            person_id=row.person_id, name=row.name, role=row.role, language=row.language, csrf=row.csrf,
            token_sha256=known_by, canary=row.canary,
            organisation_id=row.organisation_id if row.role in (access.Holder.DISPATCHER, INSTALLER) else None,
            look=row.look, enrolled=row.enrolled, glass=row.glass,
            must_enrol=bool({REQUIRED, row.role} & self._must_enrol) and not row.enrolled and not row.canary,
        )  # fmt: skip

    async def sign_out(self, seat: Seat) -> None:
        async with self._pool.connection() as conn:
            await store.end_session(conn, seat.token_sha256)


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why nobody was signed in: `wrong`, `wait` (for wait_s seconds), `role`, `code` (wrong) or `over` (too late)."""

    reason: str
    wait_s: float = 0.0


def same(a: str, b: str) -> bool:
    """Compare two secrets without telling by the time where they differ."""
    return secrets.compare_digest(a.encode(), b.encode())


def digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _own(seat: Seat) -> tuple[str, str]:
    return f"own:{seat.person_id}", f"own:{seat.person_id}"
