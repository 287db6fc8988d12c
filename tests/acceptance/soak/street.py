"""A street of residents who press and stream through listener and broker, and operators who end their cases."""

import asyncio
import random
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import psycopg

from alerts.model import Disposition
from hub import desk
from hub.bench import town
from hub.errors import HubError
from hub.store import policies
from hub.store.pool import Connection, connect
from simulator.encoders import carehub as words
from simulator.line import Line
from simulator.neighbourhood import Endpoint
from tests.acceptance.receiver import Receiver
from tests.acceptance.soak.clerk import Clerk

VITALS_EVERY_S = 0.5
PRESS_EVERY_S = (2.0, 12.0)
REPEAT_S = 1.5  # a press is sent again, under its identity, until the hub itself has answered

OLD_ENOUGH = (
    b"select id from incident where dedup_key is not null and opened_at < hub_now() - interval '6 s'"
    b" order by id limit 5"
)


@dataclass
class Wearer:
    """One device of carehub's own profile, through the listener or through Mosquitto."""

    home: town.Home
    line: Line
    through_broker: bool
    rng: random.Random
    answered: set[str] = field(default_factory=set)  # identities of presses that were answered
    told: set[str] = field(default_factory=set)  # identities the hub said 收到 to
    spoken: asyncio.Event = field(default_factory=asyncio.Event)
    saved: set[int] = field(default_factory=set)  # sequence numbers of vitals that were acknowledged by the listener
    pressed: int = 0
    seq: int = 0
    pressing: str = ""  # the identity of the press that is not answered yet
    pressed_at: float = 0.0
    slowest: tuple[float, str] = (0.0, "")  # of her presses: seconds until the hub itself answered, and what they were
    waits: dict[str, tuple[str, float]] = field(default_factory=dict)  # her stream and her press: for what, since when

    def hear(self, _topic: str, payload: bytes) -> None:
        command = words.said(payload)
        if command.get("say") == "received":
            self.told.add(str(command.get("id")))
            self.spoken.set()

    async def _hears(self, identity: str) -> None:
        while identity not in self.told:
            self.spoken.clear()
            await self.spoken.wait()

    @contextmanager
    def _waiting(self, which: str, what: str) -> Iterator[None]:
        self.waits[which] = what, time.monotonic()
        try:
            yield
        finally:
            del self.waits[which]

    async def live(self, until: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._stream(until))
            group.create_task(self._press_now_and_then(until))

    async def _stream(self, until: asyncio.Event) -> None:
        while not until.is_set():
            self.seq += 1
            seq = self.seq
            payload = b'{"seq":%d,"at":"%s","hr":%d,"spo2":97,"steps":3,"battery":70,"worn":true}' % (
                seq, words.stamp(datetime.now(UTC)).encode(), 60 + self.rng.randrange(20),
            )  # fmt: skip
            with self._waiting("vitals", f"PUBACK of vitals {seq}"):
                await self.line.publish(words.topic(self.home.watch, "vitals"), payload)
            if not self.through_broker:
                self.saved.add(seq)
            await asyncio.sleep(VITALS_EVERY_S)

    async def _press_now_and_then(self, until: asyncio.Event) -> None:
        while not until.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(until.wait(), self.rng.uniform(*PRESS_EVERY_S))
                return
            await self._press()

    async def _press(self) -> None:
        self.pressing = identity = secrets.token_hex(6)
        self.pressed_at = began = time.monotonic()
        at, acked_s = datetime.now(UTC), 0.0
        self.pressed += 1
        self.seq += 1
        payload = words.event(self.seq, datetime.now(UTC), "sos", identity)
        while identity not in self.told:
            with self._waiting("press", f"PUBACK of press {identity}"):
                await self.line.publish(words.topic(self.home.watch, "event"), payload)
            acked_s = acked_s or time.monotonic() - began
            if not self.through_broker:  # the listener's PUBACK is proof; the broker's proves nothing
                self.answered.add(identity)
            with self._waiting("word", f"收到 to press {identity}"), suppress(TimeoutError):
                await asyncio.wait_for(self._hears(identity), REPEAT_S)
        self.answered.add(identity)
        self.pressing, took_s = "", time.monotonic() - began
        told = f"{self.home.watch} pressed {at:%T}, PUBACK after {acked_s:.1f} s, 收到 after {took_s:.1f} s"
        self.slowest = max(self.slowest, (took_s, told))


@dataclass(kw_only=True)
class Street:
    """The people of the soak."""

    dsn: str  # the operators' line to the database, which may be cut like any other
    receiver: Receiver
    wearers: list[Wearer]
    operators: tuple[int, int]
    clerk: Clerk

    async def close_incidents(self, until: asyncio.Event) -> None:
        """Operators end cases all the time, so that presses keep opening new ones."""
        first, second = self.operators
        while not until.is_set():
            with suppress(psycopg.Error, HubError, OSError):
                async with await connect(self.dsn, name="soak desk") as conn:
                    while not until.is_set():
                        rows = await (await conn.execute(OLD_ENOUGH)).fetchall()
                        for (incident_id,) in rows:
                            await end(conn, incident_id, first, second)
                        await asyncio.sleep(0.5)
            await asyncio.sleep(0.2)


async def end(conn: Connection, incident_id: int, operator: int, colleague: int) -> None:
    await desk.take(conn, incident_id, operator)
    await desk.resolve(conn, incident_id, operator, "spoke with her")
    await desk.close(
        conn, incident_id, operator, disposition=Disposition.TEST, done="soak", with_whom="daughter",
        second_person_id=colleague,
    )  # fmt: skip


async def settle(direct: str, line: str, receiver: Receiver, urls: tuple[str, str], *, devices: int,
                 ports: tuple[int, int], seed: int) -> Street:  # fmt: skip
    """Register a street.

    Args:
        direct: DSN for registering.
        line: DSN the operators work through.
        urls: where relatives are reached, and the console.
        ports: of the listener and the broker; every second wearer goes through the latter.
    """
    async with await connect(direct) as conn:
        await policies.publish(conn, town.POLICY)
        homes = await town.provision(conn, devices, urls[0])
        operators = (await town.add_person(conn, "甲", "operator"), await town.add_person(conn, "乙", "operator"))
        clerk = await Clerk.hired(conn, urls[1], random.Random(seed))
    wearers = []
    for index, home in enumerate(homes):
        through_broker = index % 2 == 1
        wire = Line(
            Endpoint(host="127.0.0.1", port=ports[through_broker]), home.credential.username, home.credential.secret,
            subscribe=[words.topic(home.watch, "command")],
        )  # fmt: skip
        wearer = Wearer(home=home, line=wire, through_broker=through_broker, rng=random.Random(seed * 1000 + index))
        wire._hear = wearer.hear
        wearers.append(wearer)
    return Street(dsn=line, receiver=receiver, wearers=wearers, operators=operators, clerk=clerk)
