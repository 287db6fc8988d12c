"""An ingest on a real database, and a connection that writes down what it was told."""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from hub.config import IngestSettings, Settings
from hub.ingest import Ingest
from hub.ingress.arrival import Arrival
from hub.store.pool import Connection, connect
from tests.patience import PATIENCE_S


def picky(table: str, when: str) -> bytes:
    """Return what makes the database refuse some rows; a compressed hypertable takes no new constraint."""
    return (
        "create function picky() returns trigger language plpgsql as"
        " $$ begin raise check_violation using message = 'picky'; end $$;"
        f" create trigger picky before insert on {table} for each row when ({when}) execute function picky()"
    ).encode()


class Line:
    """A connection: remembers which messages were acknowledged, and what the database held at that moment."""

    name = "listener"

    def __init__(self) -> None:
        self.tokens = itertools.count(1)
        self.sent = 0
        self.ready: list[int] = []
        self.refused: list[int] = []
        self.acknowledged: list[int] = []
        self.on_flush: Callable[[], None] = lambda: None

    @property
    def unsettled(self) -> int:
        return self.sent - len(self.acknowledged) - len(self.ready) - len(self.refused)

    def settle(self, token: int) -> None:
        self.ready.append(token)

    def refuse(self, token: int) -> None:
        self.refused.append(token)

    def flush(self) -> None:
        self.on_flush()
        self.acknowledged += self.ready
        self.ready.clear()


class Hub:
    """What a test does with an ingest."""

    def __init__(self, ingest: Ingest, conn: Connection) -> None:
        self.ingest, self.conn, self.line = ingest, conn, Line()

    def send(self, topic: str, body: Any, *, at_ms: int | None = None, retained: bool = False) -> int:
        """Publish; returns the token that is acknowledged later."""
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        token = next(self.line.tokens)
        self.line.sent += 1
        at = int(time.time() * 1000) if at_ms is None else at_ms
        self.ingest.submit(
            Arrival(topic=topic, payload=payload, received_ms=at, origin=self.line, token=token, retained=retained)
        )
        return token

    def press(self, device: str = "w1", **fields: Any) -> int:
        """Press a button of carehub's own profile."""
        return self.send(f"carehub/{device}/event", {"event": "sos", **fields})

    def vitals(self, device: str = "w1", **fields: Any) -> int:
        """Send one minute's vital signs."""
        return self.send(f"carehub/{device}/vitals", fields)

    async def done(self) -> None:
        """Everything sent so far is committed."""
        async with asyncio.timeout(PATIENCE_S):
            await self.ingest.drained()

    async def rows(self, query: str, *args: Any) -> list[tuple[Any, ...]]:
        """Return what the database holds."""
        return await (await self.conn.execute(query.encode(), args)).fetchall()

    async def one(self, query: str, *args: Any) -> Any:
        """Return the only value of a query."""
        ((value,),) = await self.rows(query, *args)
        return value


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is true; fail when it never becomes so."""
    async with asyncio.timeout(PATIENCE_S):
        while not await condition():  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.01)


def settings(**ingest: Any) -> Settings:
    """Return settings with other limits."""
    return replace(Settings(), ingest=replace(IngestSettings(), **ingest))


@pytest.fixture
async def hub(dsn: str) -> AsyncIterator[Hub]:
    """A running ingest with nobody registered."""
    async with await connect(dsn) as conn, Ingest(settings(), dsn) as ingest:
        yield Hub(ingest, conn)


def add_resident(dsn: str, address: str = "carehub:w1", **columns: Any) -> int:
    """Register a resident with one device; returns the device's number."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        row = conn.execute(
            "insert into resident (name, area, created_at) values ('长者', 'yinchuan', now()) returning id"
        ).fetchone()
        assert row is not None
        given = {"resident_id": row[0], "state": "live", "deadline_s": None, "test_until": None, "model": "", **columns}
        found = conn.execute(
            "insert into device (address, resident_id, state, deadline_s, test_until, model, created_at)"
            " values (%(address)s, %(resident_id)s, %(state)s, %(deadline_s)s, %(test_until)s, %(model)s, now())"
            " returning id",
            {"address": address, **given},
        ).fetchone()
        assert found is not None
        conn.execute("notify carehub_config")
        return int(found[0])
