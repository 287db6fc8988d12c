"""A hub in lock-step with one home, her watch on MQTT, and her daughter's telephone. Only the time is not real."""

import contextlib
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from aiohttp import web

from hub.bench import town
from hub.config import load
from hub.lockstep import LockStep
from hub.ports import free_port
from hub.simulated.formats import Stepped
from hub.store import devices, lockstep, policies
from hub.store.pool import Connection, connect

BEGINS = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
KEY = "of the webhooks of this test, 32 chars"


class Daughter:
    """Her telephone: keeps what it was told, having checked whose word it is and that it is of now."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.pages: list[dict[str, Any]] = []
        self.times: list[datetime] = []

    async def heard(self, request: web.Request) -> web.Response:
        body, stamp = await request.read(), request.headers["X-Carehub-Timestamp"]
        right = "v1=" + hmac.new(KEY.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        assert hmac.compare_digest(right, request.headers["X-Carehub-Signature"])
        assert int(stamp) == int(self._now().timestamp()), "a page is stamped with the hub's time"
        self.pages.append(json.loads(body))
        self.times.append(self._now())
        return web.Response()


class Village:
    """What a test does with it."""

    def __init__(self, dsn: str, folder: Path, conn: Connection) -> None:
        self.dsn, self.folder, self.conn = dsn, folder, conn
        self.hub: LockStep
        self.daughter = Daughter(lambda: self.hub.now)
        self.watch: aiomqtt.Client
        self.console = f"http://127.0.0.1:{free_port()}"

    async def press(self, identity: str = "p1") -> None:
        """She presses; returns when it is acknowledged."""
        said = {"event": "sos", "id": identity}
        await self.watch.publish("carehub/t00000/event", json.dumps(said), qos=1)

    async def vitals(self, sequence: int) -> None:
        said = {"hr": 70, "spo2": 97, "seq": sequence}
        await self.watch.publish("carehub/t00000/vitals", json.dumps(said), qos=1)

    async def after(self, **time: float) -> Stepped:
        """Let some time pass."""
        return await self.hub.step(self.hub.now + timedelta(**time))

    async def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return list(await (await self.conn.execute(query.encode(), values)).fetchall())

    async def seconds_of(self, what: str) -> list[float]:
        """Return when something stands in the chain of the only case, in seconds after it was opened."""
        rows = await self.rows(
            "select extract(epoch from e.at - i.opened_at)::float8 from incident_event e join incident i"
            " on i.id = e.incident_id where e.what = %s order by e.seq", what,
        )  # fmt: skip
        return [float(row[0]) for row in rows]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[LockStep]:
        """Start the hub, with her watch connected."""
        environ = {
            "CAREHUB_DATABASE_DSN": self.dsn, "CAREHUB_RUN_DIR": str(self.folder), "CAREHUB_LISTENER_PORT": "0",
            "CAREHUB_CONSOLE_PORT": self.console.rpartition(":")[2], "CAREHUB_INGEST_BATCH_WAIT_MS": "5",
            "CAREHUB_LISTENER_DELIVER_TIMEOUT_S": "1",
            "CAREHUB_SECRETS_LINK_KEY": KEY, "CAREHUB_SECRETS_WEBHOOK_KEY": KEY,
        }  # fmt: skip
        async with LockStep(load(None, environ), BEGINS) as self.hub:
            username, password, prefix = self.credential
            async with aiomqtt.Client(
                "127.0.0.1", self.hub.listener.port, username=username, password=password, identifier=username
            ) as self.watch:
                await self.watch.subscribe(f"{prefix}command", qos=1)
                yield self.hub

    credential: tuple[str, str, str]


@pytest.fixture
async def village(anyio_backend: str, dsn: str, tmp_path: Path) -> AsyncIterator[Village]:
    """Everybody registered, the hub running, the clock at midnight UTC."""
    async with await connect(dsn) as conn:
        await lockstep.begin(conn, BEGINS)
        made = Village(dsn, tmp_path, conn)
        app = web.Application()
        app.router.add_post("/{person}", made.daughter.heard)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        await policies.publish(conn, town.POLICY)
        (home,) = await town.provision(conn, 1, f"http://127.0.0.1:{runner.addresses[0][1]}")
        await devices.register(conn, "carehub:t00000", resident_id=home.resident_id, deadline_s=900, live=True)
        made.credential = (home.credential.username, home.credential.secret, home.credential.topic_prefix)
        try:
            async with made.running():
                yield made
        finally:
            await runner.cleanup()
