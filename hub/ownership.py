"""One ingest owns a partition of the devices: whoever holds its lock, as long as the connection that took it lives."""

import asyncio

import psycopg

from hub.errors import HubError
from hub.steady import Steady
from hub.store import checkpoints

ASK_EVERY_S = 1.0


class OwnershipLostError(HubError):
    """Another ingest took over the devices while the database was away. This one must end and wait for its turn."""


class Ownership:
    """The lock, on a connection of its own."""

    def __init__(self, dsn: str, partition: int) -> None:
        self._partition = partition
        self._steady = Steady(dsn, "carehub ingest owner")

    async def take(self) -> None:
        """Return once no other ingest owns the devices: they are ours now."""
        await checkpoints.own(await self._steady.get(), self._partition)

    async def hold(self) -> None:
        """Own the devices until cancelled. The lock dies with its connection: then it is taken again.

        Raises:
            OwnershipLostError: Somebody else has it.
        """
        while True:
            conn = await self._steady.get()
            try:
                await asyncio.sleep(ASK_EVERY_S)
                await conn.execute("select 1")
            except psycopg.Error:
                await self.drop()
                if not await self._again():
                    raise OwnershipLostError("another ingest owns the devices now: this one ends") from None

    async def _again(self) -> bool:
        while True:
            try:
                return await checkpoints.try_own(await self._steady.get(), self._partition)
            except psycopg.Error:
                await self.drop()

    async def drop(self) -> None:
        """Let the devices go."""
        await self._steady.drop()
