"""Connections of somebody who sees only his organisation: the database itself answers with its rows and no others.

Such a session's connections act as the role `carehub_web`, which row-level security binds (migration 0036). The role is
put on when a page takes a connection and off when it gives it back; one that does not come off is thrown away.
"""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import psycopg
from psycopg.pq import TransactionStatus
from starlette.requests import Request

from hub.store.pool import Connection, Pool
from hub.web.auth import INSTALLER, Seat

ROLE = "carehub_web"
PUT_ON = (
    b"select set_config('carehub.organisation', %(organisation)s, false),"
    b" set_config('carehub.person', %(person)s, false),"
    b" set_config('search_path', 'carehub_web, public', false), set_config('role', 'carehub_web', false)"
)
TAKE_OFF = b"reset role; reset search_path; reset carehub.organisation; reset carehub.person"


class ScopedPool:
    """The process's pool as one request sees it: bound to who asks, so that nothing can be left over for the next."""

    def __init__(self, pool: Pool, request: Request) -> None:
        self._pool = pool
        self._request = request

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection that sees what its borrower may see."""
        seat: Seat | None = getattr(self._request.state, "seat", None)
        async with self._pool.connection() as conn:
            if seat is None or not seat.scoped:
                yield conn
                return
            async with acting(conn, seat.organisation_id, seat.person_id):
                yield conn


@asynccontextmanager
async def acting(conn: Connection, organisation_id: int | None, person_id: int) -> AsyncIterator[None]:
    """Act for somebody of an organisation; with none he sees nothing."""
    about = {"organisation": str(organisation_id or ""), "person": str(person_id)}
    try:
        await conn.execute(PUT_ON, about)
        yield
    finally:
        await _take_off(conn)


async def seen(conn: Connection, seat: Seat, residents: Collection[int]) -> frozenset[int]:
    """Return those of some residents whom the database itself gives to an installer's organisation; to others all.

    An installer's page is about devices that are nobody's yet, which no row-level security knows: it is not bound as a
    whole, and asks this of each resident that it comes upon, beside its own look at the area. Call in no transaction.
    """
    if not residents or seat.role != INSTALLER or seat.organisation_id is None:
        return frozenset(residents)
    async with acting(conn, seat.organisation_id, seat.person_id):
        found = await conn.execute("select id from resident where id = any(%(ids)s)", {"ids": list(residents)})
        return frozenset(row[0] for row in await found.fetchall())


async def lift(conn: Connection) -> None:
    """Let the rest of this request see everything: what it may decide has been looked at within its own bounds."""
    await conn.execute(TAKE_OFF)


async def _take_off(conn: Connection) -> None:
    """Off it comes, or the connection goes: in a transaction it would come back when the pool rolls that back.

    A request that is cancelled while it comes off would leave it on for the next: so only done is done.
    """
    off = False
    try:
        await conn.execute(TAKE_OFF)
        off = conn.info.transaction_status is TransactionStatus.IDLE
    except psycopg.Error:
        pass
    finally:
        if not off:
            await conn.close()
