"""How often one may try: passwords, codes, one's own secrets. Counted in the database, by account and by address.

Each failure makes both wait, twice as long each time. An account waits a minute at most, so that nobody can lock an
operator out of the duty room by guessing; an address waits up to a quarter of an hour. A try counts as failed before it
is looked at and is taken back when it was right: a thousand at once are a thousand failures, not one.
"""

import hashlib

from hub.store import accounts
from hub.store.pool import Pool

KEPT = 10_000  # accounts and addresses whose failures are remembered; the oldest make room
FREE = {"account": 5, "address": 20}
LONGEST_S = {"account": 60.0, "address": 900.0}


class _ShutError(Exception):
    """One of the two has to wait."""


class Gate:
    """The counts of every console of this hub."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def enter(self, account: str, address: str) -> float:
        """Count a try and return 0; or return how many seconds must pass first, and count nothing."""
        keys = sorted((_key(kind, name), kind) for kind, name in (("account", account), ("address", address)))
        async with self._pool.connection() as conn:
            try:
                async with conn.transaction():
                    for key, kind in keys:  # in one order, so that two never wait for each other
                        if not await accounts.take_try(conn, key, free=FREE[kind], longest_s=LONGEST_S[kind]):
                            raise _ShutError
            except _ShutError:
                return await accounts.wait_s(conn, [key for key, _ in keys])
            await accounts.forget_tries(conn, KEPT)
        return 0.0

    async def passed(self, account: str, address: str) -> None:
        """It was right: the account's failures are forgotten, and at this address there was none."""
        async with self._pool.connection() as conn:
            await accounts.right_try(conn, _key("account", account), _key("address", address))


def _key(kind: str, name: str) -> bytes:
    return hashlib.sha256(f"{kind}\0{name}".encode(errors="replace")).digest()
