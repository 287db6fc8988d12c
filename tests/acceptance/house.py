"""A house on a running hub: a real broker and real sockets in front, a daughter's telephone behind, and days that pass.

The hub's clock row and the time at which messages come in are moved together: what is told is one story, and its days
take no time. The one policy waits longer than any story, so that every ring is a device's doing.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from alerts.model import Disposition
from hub import desk
from hub.config import Settings
from hub.ingest import Ingest
from hub.ingress.arrival import Arrival
from hub.ingress.bridge import Bridge
from hub.ingress.gateway import Gateway
from hub.ingress.settings import BridgeSettings, GatewaySettings
from hub.loops.escalator import Escalator
from tests.acceptance.receiver import Receiver, webhook
from tests.conftest import Mosquitto, need
from tests.integration.incidents.world import WEBHOOK_KEY, World, open_world
from tests.integration.ingress.parts import Raw
from tests.integration.loops.waiting import running
from tests.patience import PATIENCE_S

ANY_DAY_S = 1e9  # her telephone goes by the story's clock
POLICY = """
[policy."call"]
when = { severity_at_least = "high" }
repeat_last = "24h"

[[policy."call".step]]
notify = [ { role = "family", channels = ["webhook"] } ]
wait = "24h"

[[policy."call".step]]
notify = [ { role = "operator", channels = ["console"] } ]

[policy."rest"]
repeat_last = "24h"

[[policy."rest".step]]
notify = [ { role = "operator" } ]
"""
TOPICS = ("#",)

WAITING = "select count(*) from page where state in ('ready', 'sending') and due_at <= hub_now() and purpose = 'alarm'"


class Door:
    """What the ways in hand their messages to: ingest, at the time that the story has."""

    def __init__(self, ingest: Ingest, now_ms: Callable[[], int]) -> None:
        self.ingest, self._now_ms = ingest, now_ms
        self.heard = 0

    def submit(self, arrival: Arrival) -> None:
        self.ingest.submit(msgspec.structs.replace(arrival, received_ms=self._now_ms()))
        self.heard += 1

    @property
    def full(self) -> bool:
        return self.ingest.full

    async def wait_room(self) -> None:
        await self.ingest.wait_room()

    def rejected(self, source: str, topic: str, payload: bytes, error: str) -> None:
        self.ingest.rejected(source, topic, payload, error)

    def technical(self, rule: str, text: str) -> None:
        self.ingest.technical(rule, text)


@dataclass(kw_only=True)
class House:
    """What a story does, and what became of it."""

    world: World
    broker: Mosquitto
    phone: Receiver
    now: datetime
    door: Door = field(init=False)
    gateway: Gateway = field(init=False)

    # ---- time ----

    @property
    def now_ms(self) -> int:
        return int(self.now.timestamp() * 1000)

    async def later(self, seconds: float = 0, **more: float) -> None:
        """Let time pass, for the hub and for what comes in."""
        span = timedelta(seconds=seconds, **more)
        await self.world.forward(span.total_seconds())
        self.now += span

    # ---- the hub ----

    @asynccontextmanager
    async def hub(self) -> AsyncIterator[None]:
        """A running ingest with its ways in; leaving the block ends it as a restart does."""
        settings = replace(Settings(), ingest=replace(Settings().ingest, default_deadline_s=0))
        doors = GatewaySettings(port=0, protocols=("watch3g", "jt808:0"))
        async with AsyncExitStack() as stack:
            ingest = await stack.enter_async_context(Ingest(settings, self.world.dsn))
            self.door = Door(ingest, lambda: self.now_ms)
            wanted = BridgeSettings(port=self.broker.port, urgent=TOPICS, telemetry=(), backoff_s=0.05)
            bridge = await stack.enter_async_context(Bridge(wanted, self.door))
            self.gateway = await stack.enter_async_context(Gateway(doors, self.door))
            await until(lambda: bridge.connected)
            yield

    async def device(self, address: str, model: str = "", state: str = "live") -> int:
        """Register a device as hers."""
        number = int(await self.world.value(
            "insert into device (address, resident_id, model, state, deadline_s, created_at)"
            " values (%s, %s, %s, %s, 0, hub_now()) returning id", address, self.world.resident, model, state,
        ))  # fmt: skip
        await self.world.conn.execute("notify carehub_config")
        await until(lambda: address in self.door.ingest.table.row_of)
        return number

    # ---- what is said to it ----

    async def say(self, topic: str, body: Any, *, retain: bool = False) -> None:
        """Publish through the broker and wait until the hub has it saved and judged."""
        payload = body if isinstance(body, str) else json.dumps(body)
        before = self.door.heard
        await _published(self.broker, topic, payload, *(["-r"] if retain else []))
        await until(lambda: self.door.heard > before)
        await self.done()

    async def frame(self, line: Raw, frame: bytes) -> None:
        """Send a frame on a tracker's connection and wait until the hub has it saved and judged."""
        before = self.door.heard
        line.say(frame)
        await until(lambda: self.door.heard > before)
        await self.done()

    async def done(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await self.door.ingest.drained()

    # ---- what became of it ----

    async def rang(self, *, cases: int, presses: int, rings: int) -> None:
        """There have been exactly so many cases, presses and rings, and her daughter's telephone rang for each."""
        told = await self.world.rows(
            "select (select count(*) from incident where severity < 5),"
            " (select coalesce(sum(presses), 0) from incident),"
            " (select count(distinct (p.incident_id, p.round)) from page p join incident i on i.id = p.incident_id"
            "  where p.purpose = 'alarm' and i.severity < 5)"
        )
        assert [tuple(map(int, row)) for row in told] == [(cases, presses, rings)], await self.chain()
        await until(lambda: self._alarms() >= rings)
        assert self._alarms() == rings
        assert not self.phone.faults

    def _alarms(self) -> int:
        """Return how often her telephone rang, what told it to stand down apart."""
        return sum(one["purpose"] == "alarm" for one in list(self.phone.bodies.values()))

    async def chain(self) -> list[tuple[Any, ...]]:
        """Return what happened in every case, for a story that failed."""
        return await self.world.rows("select incident_id, at, what, body from incident_event order by incident_id, seq")

    async def closed(self) -> None:
        """Once her telephone has rung, an operator takes what is open, hears that all is well, and closes it."""
        async with asyncio.timeout(PATIENCE_S):
            while await self.world.value(WAITING):  # noqa: ASYNC110 - the other side tells nobody
                await asyncio.sleep(0.005)
        operator = self.world.names["operator"]
        for (number,) in await self.world.rows("select id from incident where dedup_key is not null"):
            for step in ("take", "resolve", "close"):
                async with self.world.conn.transaction():
                    await _AT_THE_DESK[step](self.world.conn, number, operator, f"{step} {number}")


_AT_THE_DESK: dict[str, Any] = {
    "take": lambda c, i, p, n: desk.take(c, i, p, nonce=n),
    "resolve": lambda c, i, p, n: desk.resolve(c, i, p, "her voice", nonce=n),
    "close": lambda c, i, p, n: desk.close(
        c, i, p, disposition=Disposition.ACCIDENTAL, done="called", with_whom="daughter", called_back=True, nonce=n
    ),
}  # fmt: skip


async def _published(broker: Mosquitto, topic: str, payload: str, *more: str) -> None:
    command = [need("mosquitto_pub", "mosquitto-clients"), "-p", str(broker.port), "-q", "1", "-t", topic, *more]
    process = await asyncio.create_subprocess_exec(*command, "-s", stdin=asyncio.subprocess.PIPE)
    await process.communicate(payload.encode())
    assert process.returncode == 0


async def until(happened: Callable[[], object]) -> None:
    """Wait until something is true; fail when it never becomes so."""
    async with asyncio.timeout(PATIENCE_S):
        while not happened():  # noqa: ASYNC110 - the other side tells nobody
            await asyncio.sleep(0.005)


@asynccontextmanager
async def open_house(dsn: str, broker: Mosquitto) -> AsyncIterator[House]:
    """The house with its hub at work: ingest, escalator, dispatcher."""
    with webhook(WEBHOOK_KEY, skew_s=ANY_DAY_S) as (phone, url):
        async with open_world(dsn, POLICY) as world:
            await world.conn.execute("update contact set address = %s where channel = 'webhook'", (url,))
            await world.conn.execute("delete from contact where channel = 'mqtt'")
            await world.conn.execute("update device set deadline_s = 0")  # nobody's silence is this story's
            now = await world.now()
            house = House(world=world, broker=broker, phone=phone, now=now)
            escalator = Escalator(pool=world.pool, bell=asyncio.Event())
            async with world.dispatching(), running(escalator):
                yield house
