"""What requests with an Idempotency-Key were answered: kept for a day, sealed, and given again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from psycopg.types.json import Jsonb

from hub import sealed
from hub.store.console import row
from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("api_answers")
KEPT = timedelta(days=1)
SWEPT_AT_ONCE = 5_000
PLACE = "api_answer.body"


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A request that came before. `status` None: it was never answered."""

    id: int
    same: bool  # this very request, not another under its key
    status: int | None
    head: Mapping[str, str]
    body: bytes


async def claim(conn: Connection, token_id: int, key: str, asked: bytes) -> int | Kept:
    """Return the number of a new request, or what the one before it was answered."""
    values = {"token": token_id, "key": key, "asked": asked}
    while True:
        if (made := await row(conn, Q.claim, **values)) is not None:
            return int(made["id"])
        if (found := await row(conn, Q.before, **values)) is not None:
            body = sealed.opened(PLACE, found["id"], found["body"]).encode()
            return Kept(**found | {"body": body})


async def keep(conn: Connection, number: int, status: int, head: Mapping[str, str], body: bytes) -> None:
    """Keep what a request was answered.

    Raises:
        SealError: There is nothing here to seal it with.
    """
    values = {"status": status, "head": Jsonb(dict(head)), "body": sealed.seal(PLACE, number, body.decode())}
    await conn.execute(Q.keep, {"id": number, **values})


async def sweep(conn: Connection) -> None:
    await conn.execute(Q.sweep, {"kept": KEPT, "limit": SWEPT_AT_ONCE})
