"""Connections to the database, the hub's clock, and migrations."""

import asyncio
import hashlib
from datetime import datetime
from importlib import resources
from typing import Any, TypeAlias

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import AsyncConnectionPool

from hub.errors import HubError
from hub.store import partitions

Connection: TypeAlias = psycopg.AsyncConnection[tuple[Any, ...]]
Pool: TypeAlias = AsyncConnectionPool[Connection]

MIGRATION_LOCK = 0x0CA2E
PLANS = "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_mergejoin=off -c jit=off"
KEEPALIVE: dict[str, Any] = {
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "connect_timeout": 5,
}

STANDSTILL_S = 5.0  # a transaction in which nothing happens for so long is ended by the server, its locks with it


class MigrationError(HubError):
    """The database was changed by something that is not this release."""


async def connect(dsn: str, *, name: str = "carehub", autocommit: bool = True) -> Connection:
    """Open one connection. Transactions are explicit: `async with conn.transaction():`."""
    return await psycopg.AsyncConnection.connect(dsn, autocommit=autocommit, application_name=name, **KEEPALIVE)


def open_pool(
    dsn: str, *, name: str = "carehub", smallest: int = 1, largest: int = 8, wait_s: float = 10.0, tried: bool = True
) -> Pool:
    """Return a pool to be entered with `async with`.

    A process that hangs in the middle of a change must not keep her next press waiting for the case it holds: the
    server ends such a session.

    Args:
        tried: a connection is tried out, and replaced where it died, before it is handed out; that is one wait more for
            each. Without it whoever is in a hurry meets the dead one and asks the pool to `check` all of them.
    """
    patience = f"-c idle_in_transaction_session_timeout={round(STANDSTILL_S * 1000)}"
    return AsyncConnectionPool(
        _with(dsn, patience), kwargs={"autocommit": True, "application_name": name, **KEEPALIVE}, min_size=smallest,
        max_size=largest, timeout=wait_s, open=False,
        check=AsyncConnectionPool.check_connection if tried else None, name=name,
    )  # fmt: skip


def tuned(dsn: str) -> str:
    """Return the address of connections that plan each statement once, and always by an index.

    Planning anew costs a press more than a better plan would save; and a plan made while the tables were small, or
    before anybody counted their rows, must not look through all of them when they have grown.
    Nothing is compiled for them: up to PostgreSQL 17 a plan is charged ten thousand million for what is switched off,
    and a server with JIT, as Debian's, would then compile each press's statements for seconds.
    """
    return _with(dsn, PLANS)


def _with(dsn: str, more: str) -> str:
    options = conninfo_to_dict(dsn).get("options") or ""
    return make_conninfo(dsn, options=f"{options} {more}".strip())


async def hub_now(conn: Connection) -> datetime:
    """Return the hub's time: the database's clock, or in tests and simulations the clock row."""
    row = await (await conn.execute("select hub_now()")).fetchone()
    assert row is not None
    now: datetime = row[0]
    return now


async def upgrade(dsn: str) -> list[str]:
    """Bring the schema up to this release and return the names of the migrations that were run.

    Raises:
        MigrationError: A migration that already ran has another text than ours.
    """
    async with await connect(dsn, name="carehub migrate") as conn:
        await conn.execute("select pg_advisory_lock(%s)", (MIGRATION_LOCK,))
        await conn.execute(
            "create table if not exists schema_migration"
            " (name text primary key, sha256 text not null, applied_at timestamptz not null)"
        )
        rows = await (await conn.execute("select name, sha256 from schema_migration")).fetchall()
        done: dict[str, str] = {str(name): str(digest) for name, digest in rows}
        fresh = [await _migrate(conn, name, text, done.get(name)) for name, text in _migrations()]
        await partitions.ensure(conn, await hub_now(conn))
        await conn.execute("select carehub_views()")
        await conn.execute("select pg_advisory_unlock(%s)", (MIGRATION_LOCK,))
    return [name for name in fresh if name]


def migrate(dsn: str) -> list[str]:
    """Like `upgrade`, for callers without an event loop."""
    return asyncio.run(upgrade(dsn))


def _migrations() -> list[tuple[str, str]]:
    files = (resources.files("hub.store") / "migrations").iterdir()
    return [
        (f.name, f.read_text(encoding="utf-8")) for f in sorted(files, key=lambda f: f.name) if f.name.endswith(".sql")
    ]


def migrations() -> dict[str, str]:
    """Return the migrations of this release: name and the digest of its text, in order."""
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in _migrations()}


async def _migrate(conn: Connection, name: str, text: str, seen: str | None) -> str | None:
    digest = hashlib.sha256(text.encode()).hexdigest()
    if seen is not None:
        if seen != digest:
            raise MigrationError(
                f"{name} ran here with another text: this database is another release's, or the file was edited"
                " (add a new migration instead). A demo's database may go: remove its run folder, .carehub"
            )
        return None
    async with conn.transaction():
        try:
            await conn.execute(text.encode())
        except psycopg.errors.InsufficientPrivilege as err:
            raise MigrationError(f"{name}: {err.diag.message_primary}. {err.diag.message_hint or ''}".strip()) from err
        await conn.execute("insert into schema_migration values (%s, %s, hub_now())", (name, digest))
    return name
