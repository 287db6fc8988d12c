"""Who may come in: the `credential` table in memory, compared in constant time, fresh within a NOTIFY."""

import asyncio
import contextlib
import hashlib
import hmac
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

import msgspec
import psycopg
import structlog

from hub.store.pool import Connection, connect
from hub.store.sql import queries

log = structlog.get_logger(__name__)

RELOAD_S = 60.0  # also without a notification: one may have been missed while the connection was down
RETRY_S = (0.2, 5.0)
NOBODY = hashlib.sha256(b"").digest()

Q = queries("credentials")


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """One device, one gateway with its devices, or one responder's terminal. `prefix` ends in a slash."""

    username: str
    secret_sha256: bytes
    kind: str
    prefix: str
    device_id: int | None = None
    person_id: int | None = None


class Credentials:
    """The credentials in force. `Credentials.of` makes a fixed set; with a dsn they follow the database."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._known: dict[str, Credential] = {}
        self._watchers: list[Callable[[], None]] = []
        self._task: asyncio.Task[None] | None = None

    @classmethod
    def of(cls, known: Iterable[Credential]) -> Self:
        """Make a fixed set."""
        self = cls("")
        self.put(known)
        return self

    def put(self, known: Iterable[Credential]) -> None:
        """Replace the set; watchers hear of it if it changed. A prefix that is none admits nobody."""
        kept: dict[str, Credential] = {}
        for credential in known:
            prefix = credential.prefix if credential.prefix.endswith("/") else f"{credential.prefix}/"
            if prefix == "/" or any(letter in prefix for letter in "+#\0") or prefix.startswith("$"):
                log.error("credential without a usable topic prefix", username=credential.username)
                continue
            kept[credential.username] = msgspec.structs.replace(credential, prefix=prefix)
        if kept != self._known:
            self._known = kept
            for watcher in self._watchers:
                watcher()

    def watch(self, changed: Callable[[], None]) -> None:
        """Call `changed` whenever the set changes: connections of revoked credentials end."""
        self._watchers.append(changed)

    def current(self, username: str) -> Credential | None:
        """Return the credential of this name, if it is in force."""
        return self._known.get(username)

    def check(self, username: str | None, password: bytes | None) -> Credential | None:
        """Return the credential if the secret is right. Takes as long for an unknown name as for a wrong secret."""
        credential = self._known.get(username or "")
        given = hashlib.sha256(password or b"").digest()
        right = hmac.compare_digest(given, credential.secret_sha256 if credential else NOBODY)
        return credential if right and credential is not None and password else None

    async def __aenter__(self) -> Self:
        if self._dsn:
            connection = await self._connect()
            self._task = asyncio.create_task(self._follow(connection), name="credentials")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _connect(self) -> Connection:
        connection = await connect(self._dsn, name="carehub credentials")
        try:
            await connection.execute("listen carehub_config")
            await self._load(connection)
        except BaseException:
            await connection.close()
            raise
        return connection

    async def _load(self, connection: Connection) -> None:
        rows = await (await connection.execute(Q.active)).fetchall()
        self.put(
            Credential(username=name, secret_sha256=secret, kind=kind, prefix=prefix, device_id=device, person_id=who)
            for name, secret, kind, prefix, device, who in rows
        )

    async def _follow(self, connection: Connection) -> None:
        while True:
            try:
                async with connection:
                    while True:
                        async for _ in connection.notifies(timeout=RELOAD_S, stop_after=1):
                            pass
                        await self._load(connection)
            except (psycopg.Error, OSError) as error:
                log.warning("credentials: database gone, the last known set stays", error=type(error).__name__)
            connection = await self._again()

    async def _again(self) -> Connection:
        pause, longest = RETRY_S
        while True:
            with contextlib.suppress(psycopg.Error, OSError):
                return await self._connect()
            await asyncio.sleep(pause)
            pause = min(pause * 2, longest)


class Failures:
    """Wrong credentials by source address, remembered for a bounded number of addresses.

    A right credential always goes in, whatever its address did: behind one carrier's NAT a neighbour's broken
    device must not keep an SOS button out. Back-off only makes refusals curt: no CONNACK, no log line.
    """

    def __init__(self, *, tolerated: int, backoff_s: float, backoff_max_s: float, remembered: int) -> None:
        self._tolerated = tolerated
        self._backoff = (backoff_s, backoff_max_s)
        self._remembered = remembered
        self._sources: dict[str, tuple[int, float, float]] = {}  # failures, curt until, last seen

    def curt(self, source: str, now: float) -> bool:
        """Note one more failure; whether the refusal should be curt."""
        first_s, longest_s = self._backoff
        failures, until, last = self._sources.pop(source, (0, now, now))
        if now - last > longest_s * 10:
            failures = 0
        curt = now < until
        if not curt:
            failures += 1
            over = failures - self._tolerated
            if over >= 0:
                until = now + min(first_s * 2.0 ** min(over, 30), longest_s)
        self._sources[source] = failures, until, now
        if len(self._sources) > self._remembered:
            self._sources.pop(next(iter(self._sources)))
        return curt

    def forget(self, source: str) -> None:
        """A right credential came from there."""
        self._sources.pop(source, None)
