"""A connection of one's own that comes back by itself, and which errors are the database's and not the message's."""

import asyncio
from types import TracebackType

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from hub.store.pool import Connection, connect

FIRST_WAIT_S, LONGEST_WAIT_S = 0.05, 2.0
TOO_LONG = "54"  # SQLSTATE class: program limit exceeded

log = structlog.get_logger()


def database_fault(error: BaseException) -> bool:
    """Whether the database, and not what was written, is to blame: the same words may go through a moment later.

    Deadlocks, serialization failures, shutdowns, full disks and lost connections are OperationalError; a read-only
    server is one that has not been promoted yet, and a session that stood still for too long is ended. Class 54 is one
    as well by name, but says that the words are too long for an index or a statement: they would be tried for ever, and
    everything behind them would wait for ever.
    """
    if isinstance(error, psycopg.Error) and (error.sqlstate or "").startswith(TOO_LONG):
        return False
    kinds = (
        psycopg.OperationalError,
        psycopg.InterfaceError,
        psycopg.errors.ReadOnlySqlTransaction,
        psycopg.errors.IdleInTransactionSessionTimeout,
        PoolTimeout,
        OSError,
    )
    return isinstance(error, kinds)


class Backoff:
    """Waits a little longer each time, up to a limit."""

    def __init__(self, first_s: float = FIRST_WAIT_S, longest_s: float = LONGEST_WAIT_S) -> None:
        self.first_s, self.longest_s = first_s, longest_s
        self._next_s = first_s

    def next_s(self) -> float:
        """Return how long to wait now."""
        wait_s = self._next_s
        self._next_s = min(self.longest_s, wait_s * 2)
        return wait_s

    def reset(self) -> None:
        """It went well: begin again with the first wait."""
        self._next_s = self.first_s


class Steady:
    """One connection. `get` returns it, opening it again for as long as it takes."""

    def __init__(self, dsn: str, name: str) -> None:
        self.dsn, self.name = dsn, name
        self._conn: Connection | None = None
        self.up = False

    async def __aenter__(self) -> "Steady":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.drop()

    async def get(self) -> Connection:
        """Return an open connection; waits while the database is away."""
        backoff = Backoff()
        while self._conn is None or self._conn.closed or self._conn.broken:
            await self.drop()
            try:
                self._conn = await connect(self.dsn, name=self.name)
            except (psycopg.OperationalError, OSError) as err:
                wait_s = backoff.next_s()
                if wait_s >= LONGEST_WAIT_S:
                    log.warning("database away", connection=self.name, error=type(err).__name__)
                await asyncio.sleep(wait_s)
        self.up = True
        return self._conn

    async def drop(self) -> None:
        """Forget the connection; the next `get` opens another."""
        conn, self._conn, self.up = self._conn, None, False
        if conn is not None:
            await conn.close()
