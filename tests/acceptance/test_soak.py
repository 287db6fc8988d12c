"""Nothing accepted is lost: ingest, dispatcher, PostgreSQL and Mosquitto are killed at random while people press.

`CAREHUB_SOAK_KILLS=100` is the long form (`make soak`). Every run prints its seed; `CAREHUB_SOAK_SEED` plays it again.
"""

import asyncio
import errno
import os
import random
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from alerts.model import Disposition
from hub import desk
from hub.bench import town
from hub.bench.stack import Stack
from hub.errors import HubError
from hub.store import policies
from hub.store.pool import Connection, connect
from simulator.encoders import carehub as words
from simulator.line import Line
from simulator.neighbourhood import Endpoint
from tests.acceptance.receiver import Receiver, webhook
from tests.conftest import Mosquitto

KILLS = int(os.environ.get("CAREHUB_SOAK_KILLS", "12"))
SEED = int(os.environ.get("CAREHUB_SOAK_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
DEVICES = 50
VITALS_EVERY_S = 0.5
PRESS_EVERY_S = (2.0, 12.0)
REPEAT_S = 1.5  # a press is sent again, under its identity, until the hub itself has answered
QUIET_LIMIT_S = 120.0  # after the last kill: everything accepted is in its place within this


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

    def hear(self, _topic: str, payload: bytes) -> None:
        command = words.said(payload)
        if command.get("say") == "received":
            self.told.add(str(command.get("id")))
            self.spoken.set()

    async def _hears(self, identity: str) -> None:
        while identity not in self.told:
            self.spoken.clear()
            await self.spoken.wait()

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
        identity = secrets.token_hex(6)
        self.pressed += 1
        self.seq += 1
        payload = words.event(self.seq, datetime.now(UTC), "sos", identity)
        while identity not in self.told:
            await self.line.publish(words.topic(self.home.watch, "event"), payload)
            if not self.through_broker:  # the listener's PUBACK is proof; the broker's proves nothing
                self.answered.add(identity)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hears(identity), REPEAT_S)
        self.answered.add(identity)


@dataclass
class Street:
    """The running hub, its broker, and the people of the test."""

    stack: Stack
    broker: Mosquitto
    receiver: Receiver
    wearers: list[Wearer]
    operators: tuple[int, int]
    rng: random.Random
    killed: dict[str, int] = field(default_factory=dict)

    async def kill_at_random(self, kills: int) -> None:
        while sum(self.killed.values()) < kills:
            await asyncio.sleep(self.rng.uniform(0.3, 3.0))
            victim = self.rng.choice(["ingest", "ingest", "dispatch", "postgres", "mosquitto"])
            if victim == "mosquitto":
                await asyncio.to_thread(self.broker.kill)
                await asyncio.sleep(self.rng.uniform(0.0, 0.5))
                await asyncio.to_thread(self.broker.start)
            elif not self.stack.kill(victim):
                continue
            self.killed[victim] = self.killed.get(victim, 0) + 1

    async def close_incidents(self, until: asyncio.Event) -> None:
        """Operators end cases all the time, so that presses keep opening new ones."""
        first, second = self.operators
        while not until.is_set():
            with suppress(psycopg.Error, HubError, OSError):
                async with await connect(self.stack.dsn, name="soak desk") as conn:
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


@pytest.fixture
def run_dir() -> Iterator[Path]:
    folder = Path(f"/tmp/carehub-soak-{os.getpid()}")  # the embedded server's account must be able to enter it
    yield folder
    if not os.environ.get("CAREHUB_SOAK_KEEP"):
        shutil.rmtree(folder, ignore_errors=True)


async def test_nothing_accepted_is_lost_while_everything_is_killed(
    run_dir: Path, mosquitto: Callable[..., Mosquitto]
) -> None:
    print(f"CAREHUB_SOAK_SEED={SEED} CAREHUB_SOAK_KILLS={KILLS}", flush=True)
    key = secrets.token_hex(16)
    broker = mosquitto()
    environ = {
        "CAREHUB_SECRETS_WEBHOOK_KEY": key,
        "CAREHUB_SECRETS_LINK_KEY": secrets.token_hex(16),
        "CAREHUB_BRIDGE_ENABLED": "true",
        "CAREHUB_BRIDGE_PORT": str(broker.port),
    }
    with webhook(key) as (receiver, url), Stack(run_dir, environ) as stack:
        street = await settle(stack, broker, receiver, url)
        await live_through(street)
        await eventually(lambda: unfinished(stack.dsn), QUIET_LIMIT_S)
        faults = account(street)
        print(summary(street), flush=True)
        assert faults == [], f"seed {SEED}: " + "\n".join(faults[:20])


async def settle(stack: Stack, broker: Mosquitto, receiver: Receiver, url: str) -> Street:
    rng = random.Random(SEED)
    async with await connect(stack.dsn) as conn:
        await policies.publish(conn, town.POLICY)
        homes = await town.provision(conn, DEVICES, url)
        operators = (await town.add_person(conn, "甲", "operator"), await town.add_person(conn, "乙", "operator"))
    wearers = []
    for index, home in enumerate(homes):
        through_broker = index % 2 == 1
        port = broker.port if through_broker else stack.listener_port
        line = Line(
            Endpoint(host="127.0.0.1", port=port), home.credential.username, home.credential.secret,
            subscribe=[words.topic(home.watch, "command")],
        )  # fmt: skip
        wearer = Wearer(home=home, line=line, through_broker=through_broker, rng=random.Random(SEED * 1000 + index))
        line._hear = wearer.hear
        wearers.append(wearer)
    return Street(stack=stack, broker=broker, receiver=receiver, wearers=wearers, operators=operators, rng=rng)


async def live_through(street: Street) -> None:
    """Stream and press until the kills are done and every press that was begun has been answered."""
    until = asyncio.Event()
    asyncio.get_running_loop().set_exception_handler(_unless_the_client_is_to_blame)
    lines = [asyncio.create_task(w.line.run(), name=w.home.watch) for w in street.wearers]
    lives = [asyncio.create_task(w.live(until)) for w in street.wearers]
    closing = asyncio.create_task(street.close_incidents(until))
    await street.kill_at_random(KILLS)
    until.set()
    await asyncio.wait_for(asyncio.gather(*lives, closing), QUIET_LIMIT_S)
    for task in lines:
        task.cancel()
    await asyncio.gather(*lines, return_exceptions=True)


def _unless_the_client_is_to_blame(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """The MQTT client of the test sometimes watches a socket that was reset and closed a moment before."""
    error = context.get("exception")
    if not (isinstance(error, OSError) and error.errno == errno.EBADF):
        loop.default_exception_handler(context)
        raise AssertionError(f"seed {SEED}: {context.get('message')}") from error


def unfinished(dsn: str) -> int:
    """Return how many pages of open incidents have not come to an end yet."""
    with psycopg.connect(dsn) as conn:
        row = conn.execute(
            "select count(*) from page p join incident i on i.id = p.incident_id"
            " where p.channel = 'webhook' and p.state in ('ready', 'sending', 'sent') and p.due_at < hub_now()"
        ).fetchone()
    assert row is not None
    return int(row[0])


async def eventually(remaining: Callable[[], int], limit_s: float) -> None:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        with suppress(psycopg.OperationalError):
            if await asyncio.to_thread(remaining) == 0:
                return
        await asyncio.sleep(0.5)
    raise AssertionError(f"seed {SEED}: {remaining()} pages are still under way after {limit_s:.0f} s")


def account(street: Street) -> list[str]:
    """Hold what was accepted against what is in the database and what the relatives' service received."""
    with psycopg.connect(street.stack.dsn) as conn:
        return [
            *lost_presses(conn, street), *lost_vitals(conn, street), *unpaged(conn),
            *strange_copies(conn, street.receiver), *broken_chains(conn),
        ]  # fmt: skip


def lost_presses(conn: psycopg.Connection, street: Street) -> list[str]:
    faults = []
    for wearer in street.wearers:
        rows = conn.execute(
            "select identity, count(*), count(distinct incident_id) from press where device_id = %s group by identity",
            (wearer.home.device_id,),
        ).fetchall()
        heard = {str(identity).rsplit(":", 1)[-1]: (n, incidents) for identity, n, incidents in rows}
        faults += [f"{wearer.home.watch}: press {p} was answered and is lost" for p in wearer.answered - set(heard)]
        faults += [f"{wearer.home.watch}: press {p} is there {n}" for p, n in heard.items() if n != (1, 1)]
        row = conn.execute(
            "select count(*) from press p left join incident i on i.id = p.incident_id"
            " where p.device_id = %s and i.resident_id is distinct from %s",
            (wearer.home.device_id, wearer.home.resident_id),
        ).fetchone()
        if row != (0,):
            faults.append(f"{wearer.home.watch}: {row} presses are in no incident of hers")
    return faults


def lost_vitals(conn: psycopg.Connection, street: Street) -> list[str]:
    faults = []
    for wearer in street.wearers:
        rows = conn.execute(
            "select sequence, count(*) from telemetry"
            " where device_id = %s and heart_rate_bpm is not null group by sequence",
            (wearer.home.device_id,),
        ).fetchall()
        stored = {int(sequence): int(n) for sequence, n in rows if sequence is not None}
        faults += [
            f"{wearer.home.watch}: vitals {s} were acknowledged and are lost" for s in wearer.saved - set(stored)
        ]
        faults += [f"{wearer.home.watch}: vitals {s} are stored {n} times" for s, n in stored.items() if n > 1]
    return faults


def unpaged(conn: psycopg.Connection) -> list[str]:
    """Incidents whose relative was never reached, and open ones without exactly one timer."""
    rows = conn.execute(
        "select i.id, 'was never paged' from incident i where not exists"
        " (select from page p where p.incident_id = i.id and p.channel = 'webhook' and p.purpose = 'alarm'"
        "  and p.state in ('delivered', 'read'))"
        " and not exists (select from page p where p.incident_id = i.id and p.state = 'withdrawn')"
        " union all select i.id, 'is open without a timer' from incident i"
        " where i.dedup_key is not null and not exists (select from timer t where t.incident_id = i.id)"
    ).fetchall()
    return [f"incident {incident} {what}" for incident, what in rows]


def strange_copies(conn: psycopg.Connection, receiver: Receiver) -> list[str]:
    """Every copy carries the key of a page that exists; what was delivered did arrive; one page, one key."""
    rows = conn.execute(
        "select incident_id, round, step, person_id, channel, purpose, state from page where channel = 'webhook'"
    ).fetchall()
    states = {".".join(str(part) for part in row[:6]): row[6] for row in rows}
    faults = list(receiver.faults)
    faults += [f"a page under the unknown key {key} arrived" for key in set(receiver.copies) - set(states)]
    arrived = set(receiver.copies)
    faults += [f"page {key} is {state} and never arrived" for key, state in states.items()
               if state in ("delivered", "read") and key not in arrived]  # fmt: skip
    pages = [body.get("page") for body in receiver.bodies.values()]
    faults += [f"page {p} came under several keys" for p in set(pages) if pages.count(p) > 1]
    return faults


def broken_chains(conn: psycopg.Connection) -> list[str]:
    from hub import chain

    faults = []
    rows = conn.execute(
        "select incident_id, seq, at, actor, what, body, prev_hash, hash from incident_event order by incident_id, seq"
    ).fetchall()
    entries: dict[int, list[chain.Entry]] = {}
    for incident, seq, at, actor, what, body, prev, digest in rows:
        entry = chain.Entry(seq=seq, at=at, actor=actor, what=what, body=body, prev_hash=prev, hash=digest)
        entries.setdefault(incident, []).append(entry)
    for incident, events in entries.items():
        try:
            chain.verify(incident, events)
        except chain.ChainError as err:
            faults.append(str(err))
    return faults


def summary(street: Street) -> str:
    with psycopg.connect(street.stack.dsn) as conn:
        counts = [conn.execute(f"select count(*) from {t}".encode()).fetchone()[0]  # type: ignore[index]
                  for t in ("press", "incident", "page", "telemetry")]  # fmt: skip
    copies = sum(n - 1 for n in street.receiver.copies.values())
    return (
        f"killed {street.killed}; pressed {sum(w.pressed for w in street.wearers)}, "
        f"answered {sum(len(w.answered) for w in street.wearers)}; stored {counts[0]} presses, {counts[1]} incidents, "
        f"{counts[2]} pages ({copies} further copies under the same key), {counts[3]} telemetry rows; "
        f"acknowledged vitals {sum(len(w.saved) for w in street.wearers)}"
    )
