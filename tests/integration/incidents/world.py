"""A small neighbourhood in a real database, with a clock that stands still until it is moved."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from alerts.events import Event
from alerts.model import Alert, AlertKind, Incident, Severity
from hub import chain, incidents
from hub.channels import Means, open_channels
from hub.incidents import Raised
from hub.loops.dispatcher import Dispatcher
from hub.loops.escalator import Escalator
from hub.store import incidents as store
from hub.store import policies
from hub.store.pool import Connection, Pool, connect, open_pool
from tests.patience import PATIENCE_S

NOON = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)  # 12:00 in the residents' time
LINK_KEY = "a key that only tests have: link"
WEBHOOK_KEY = "a key that only tests have: webhook"
_numbers = itertools.count(1)

POLICY = """
[policy."call"]
when = { severity_at_least = "high" }
repeat_last = "60s"
ack_expires = "5m"

[[policy."call".step]]
notify = [
    { role = "family", channels = ["webhook", "mqtt@10s"] },
    { role = "operator", channels = ["console"] },
]
wait = "30s"

[[policy."call".step]]
notify = [ { role = "property" } ]
wait = "60s"

[[policy."call".step]]
notify = [ { role = "operator" }, { role = "family" } ]

[policy."rest"]
repeat_last = "5m"

[[policy."rest".step]]
notify = [ { role = "operator" } ]
"""


@dataclass(kw_only=True)
class World:
    """What a story needs: people, presses, the clock, and what became of it all."""

    dsn: str
    conn: Connection
    pool: Pool
    http: httpx.AsyncClient
    resident: int = 0
    device: int = 0
    names: dict[str, int] = field(default_factory=dict)

    # ---- the clock ----

    async def stop_clock(self, at: datetime = NOON) -> None:
        await self.conn.execute(
            "insert into clock (at) values (%s) on conflict (one) do update set at = excluded.at", (at,)
        )

    async def start_clock(self) -> None:
        await self.conn.execute("delete from clock")

    async def forward(self, seconds: float) -> None:
        await self.conn.execute("update clock set at = at + %s", (timedelta(seconds=seconds),))

    async def now(self) -> datetime:
        moment: datetime = await self.value("select hub_now()")
        return moment

    # ---- people ----

    async def person(
        self, name: str, role: str, *contacts: tuple[str, str], on_duty: bool = True, area: str = ""
    ) -> int:
        number = int(await self.value(
            "insert into person (name, role, area, created_at) values (%s, %s, %s, hub_now()) returning id", name,
            role, area
        ))  # fmt: skip
        for position, (channel, address) in enumerate(contacts):
            await self.conn.execute("insert into contact values (%s, %s, %s, %s)", (number, channel, address, position))
        if role == "family":
            await self.conn.execute(
                "insert into care_circle (resident_id, person_id) values (%s, %s)", (self.resident, number)
            )
        elif on_duty:
            await self.conn.execute(
                "insert into shift (person_id, during) values (%s, tstzrange(%s, null))",
                (number, NOON - timedelta(days=1)),
            )
        self.names[name] = number
        return number

    async def at_console(self, name: str) -> None:
        await self.conn.execute(
            "insert into presence (person_id, stream, seen_at) values (%s, %s, hub_now())"
            " on conflict (stream) do update set seen_at = excluded.seen_at",
            (self.names[name], f"stream of {name}"),
        )

    # ---- what happens ----

    def alert(self, **changes: Any) -> Alert:
        number = next(_numbers)
        values: dict[str, Any] = {
            "alert_id": f"sos-{number}", "kind": AlertKind.SOS, "severity": Severity.CRITICAL, "raised_at": NOON,
            "device_id": self.device, "resident_id": self.resident, "area": "east", "identity": f"press-{number}",
        }  # fmt: skip
        return Alert(**(values | changes))

    async def raised(self, alert: Alert | None = None, **changes: Any) -> Raised:
        async with self.conn.transaction():
            return await incidents.raise_alert(self.conn, alert or self.alert(**changes))

    async def press(self) -> int:
        """Press the button now; returns the incident."""
        raised = await self.raised(raised_at=await self.now())
        assert raised.incident_id is not None
        return raised.incident_id

    async def advance(self, incident_id: int, event: Event, actor: str = "test") -> Incident:
        async with self.conn.transaction():
            return await incidents.advance(self.conn, incident_id, event, actor)

    async def fire(self) -> Escalator:
        escalator = Escalator(pool=self.pool, bell=asyncio.Event())
        await escalator.once()
        return escalator

    @asynccontextmanager
    async def dispatching(self, *, webhook_timeout_s: float = 20.0, **changes: Any) -> AsyncIterator[Dispatcher]:
        """A dispatcher at work for the length of the block."""
        means = Means(
            pool=self.pool, http=self.http, webhook_key=WEBHOOK_KEY, webhook_timeout_s=webhook_timeout_s
        )  # fmt: skip
        values: dict[str, Any] = {
            "dsn": self.dsn, "pool": self.pool, "bell": asyncio.Event(), "channels": open_channels(means),
            "public_url": "http://hub.test", "link_key": LINK_KEY,
        }  # fmt: skip
        dispatcher = Dispatcher(**(values | changes))
        task = asyncio.create_task(dispatcher.run(), name="dispatcher")
        try:
            yield dispatcher
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    # ---- what became of it ----

    async def value(self, query: str, *values: Any) -> Any:
        row = await (await self.conn.execute(query.encode(), values)).fetchone()
        return None if row is None else row[0]

    async def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return list(await (await self.conn.execute(query.encode(), values)).fetchall())

    async def incident(self, incident_id: int) -> Incident:
        async with self.conn.transaction():
            at = await store.by_id(self.conn, incident_id)
        assert at.incident is not None
        return at.incident

    async def pages(self, incident_id: int, name: str | None = None, **where: Any) -> list[Mapping[str, Any]]:
        names = [
            "id",
            "round",
            "step",
            "person_id",
            "role",
            "channel",
            "address",
            "purpose",
            "state",
            "due_at",
            "owner",
            "attempts",
            "withdrawn_at",
            "receipt",
        ]
        rows = await self.rows(f"select {', '.join(names)} from page where incident_id = %s order by id", incident_id)
        pages = [dict(zip(names, row, strict=True)) for row in rows]
        wanted = where | ({"person_id": self.names[name]} if name else {})
        return [page for page in pages if all(page[key] == value for key, value in wanted.items())]

    async def chain(self, incident_id: int) -> list[chain.Entry]:
        return await store.chain_of(self.conn, incident_id)

    async def until(self, query: str, *values: Any) -> Any:
        """Wait until a query gives something true; returns it."""
        async with asyncio.timeout(PATIENCE_S):
            while not (value := await self.value(query, *values)):  # noqa: ASYNC110 - the database rings no event
                await asyncio.sleep(0.01)
        return value


@asynccontextmanager
async def open_world(dsn: str, policy: str = POLICY) -> AsyncIterator[World]:
    """One resident of 82 with a button, a daughter, a son, a guard, and an operator on duty."""
    async with (
        await connect(dsn) as conn, open_pool(dsn, smallest=2, largest=12) as pool,
        httpx.AsyncClient(trust_env=False) as http,
    ):  # fmt: skip
        world = World(dsn=dsn, conn=conn, pool=pool, http=http)
        await world.stop_clock()
        await policies.publish(conn, policy)
        world.resident = await world.value(
            "insert into resident (name, area, address, entrance, risks, key_place, door_code, created_at) values"
            " ('Wang Xiulan', 'east', 'block 3, 501', 'fifth floor, no lift', '{heart_failure,dog}', 'guard''s desk',"
            " '5013#', hub_now()) returning id"
        )
        world.device = await world.value(
            "insert into device (address, adapter, resident_id, state, created_at)"
            " values ('carehub:w-1', 'carehub/1', %s, 'live', hub_now()) returning id", world.resident
        )  # fmt: skip
        await world.person(
            "daughter", "family", ("webhook", "http://127.0.0.1:9/"), ("mqtt", "carehub/responder/1/page")
        )
        await world.person("operator", "operator", ("console", ""))
        await world.person("guard", "property", ("mqtt", "carehub/responder/3/page"), area="east")
        yield world
