"""Keeps the table of devices, and what bridges told of, as the database has them."""

import asyncio
from collections.abc import Awaitable, Callable

import psycopg
import structlog

from hub.device_table import DeviceTable
from hub.gather import Gatherer
from hub.steady import Backoff, Steady
from hub.store import device_life, discovered
from hub.store.pool import Connection

REFRESH_S = 60.0  # also without a notification
REFRESH_PAUSE_S = 0.2  # a hundred devices registered one by one are one look at the table

log = structlog.get_logger()


class DeviceChanges:
    """Follows what others write. `grown` hears that the table has changed, and `met` is called each time."""

    def __init__(
        self, table: DeviceTable, gatherer: Gatherer, grown: Callable[[], None],
        met: Callable[[Connection], Awaitable[None]] | None = None,
    ) -> None:  # fmt: skip
        self._table, self._gatherer, self._grown, self._met = table, gatherer, grown, met
        self._mark = ""  # how far what bridges told of has been read

    async def load(self, conn: Connection) -> None:
        """Learn everything."""
        await self._table.load(conn)
        self._mark = await discovered.mark(conn)
        self._gatherer.discovered.load(await discovered.load(conn))

    async def follow(self, dsn: str) -> None:
        """Keep the table fresh: on a notification, and after every reconnection, when one may have been missed."""
        backoff = Backoff()
        async with Steady(dsn, "carehub ingest devices") as steady:
            while True:
                conn = await steady.get()
                try:
                    await conn.execute("listen carehub_config")
                    await self._refresh(conn)
                    backoff.reset()
                    while True:
                        # The generator holds the connection as long as it lives: it must have ended before we ask.
                        async for _ in conn.notifies(timeout=REFRESH_S, stop_after=1):
                            pass
                        await asyncio.sleep(REFRESH_PAUSE_S)
                        await self._refresh(conn)
                except psycopg.Error as err:
                    log.warning("device changes not followed", error=str(err)[:200])
                    await asyncio.sleep(backoff.next_s())

    async def _refresh(self, conn: Connection) -> None:
        await device_life.settle(conn)
        if await self._table.refresh(conn):
            self._gatherer.forget()
            self._grown()
        if self._met is not None:
            await self._met(conn)
        mark = await discovered.mark(conn)
        self._gatherer.discovered.load(await discovered.changed(conn, self._mark))
        self._mark = mark
