"""The hub as `carehub bench escalation` measures it: `carehub up` of its own, a town provisioned in one statement."""

import asyncio
import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.model import Alert, AlertKind, Severity
from hub import incidents
from hub.bench import load, presser
from hub.bench.stack import Stack
from hub.errors import HubError
from hub.store import policies
from hub.store.pool import Connection, connect, tuned
from hub.urgent_lane import MOST_TOGETHER

PROMISE = "fsync on; PUBACK after the commit that holds the incident, its timer and its first pages"
ROLES_KILLED = ("ingest", "dispatch")
LONG, SHORT_S = "30m", 10  # a step that does not fire while we look, and one that does

POLICY = f"""
[policy."计时"]
when = {{ kind = ["vitals"] }}
repeat_last = "{LONG}"
ack_expires = "{LONG}"

[[policy."计时".step]]
notify = [ {{ role = "family", channels = ["webhook"] }} ]
wait = "{SHORT_S}s"

[[policy."计时".step]]
notify = [ {{ role = "family", channels = ["webhook"] }} ]

[policy."其余"]
when = {{}}
repeat_last = "{LONG}"
ack_expires = "{LONG}"

[[policy."其余".step]]
notify = [ {{ role = "family", channels = ["webhook"] }} ]
wait = "{LONG}"

[[policy."其余".step]]
notify = [ {{ role = "family", channels = ["webhook"] }} ]
"""

# One statement a table, joined by name: ten thousand homes one by one would take longer than the bench.
HOMES = """
with n as (select g, 'bench' || lpad(g::text, 5, '0') as name from generate_series(%(first)s::int, %(last)s::int) g),
r as (insert into resident (name, area, address, created_at) select name, '测量', '测量路' || g || '号', now() from n
      returning id, name),
p as (insert into person (name, role, created_at) select name, 'family', now() from n returning id, name),
c as (insert into contact (person_id, channel, address) select id, 'webhook', %(url)s || '/c/' || name from p),
k as (insert into care_circle (resident_id, person_id, relation, minutes_away)
      select r.id, p.id, '女儿', 10 from r join p using (name)),
d as (insert into device (address, adapter, resident_id, created_at)
      select 'carehub:' || name, 'carehub', id, now() from r returning id, address),
s as (insert into credential (username, secret_sha256, kind, topic_prefix, device_id, created_at)
      select n.name, %(secret)s, 'device', 'carehub/' || n.name || '/', d.id, now()
      from n join d on d.address = 'carehub:' || n.name)
select n.g, n.name, d.id, r.id from n join r using (name) join d on d.address = 'carehub:' || n.name order by n.g
"""
PENDING = """
with i as (
    insert into incident (dedup_key, kind, severity, state, policy_version, policy_name, opened_at)
    select 'pending:' || g, 'device', 5, 'open', %(version)s, '其余', now() from generate_series(1, %(number)s::int) g
    returning id)
insert into timer (incident_id, kind, due_at, step, round)
select id, 'step', now() + interval '1 hour' + random() * interval '1 hour', 0, 0 from i
"""
FIRED = """
select r.name, extract(epoch from e.at - (o.body -> 'after' -> 'timer' ->> 'due_at')::timestamptz)::float8,
       extract(epoch from (o.body -> 'after' -> 'timer' ->> 'due_at')::timestamptz)::float8
from incident i join resident r on r.id = i.resident_id
join incident_event o on o.incident_id = i.id and o.body -> 'after' -> 'timer' ->> 'kind' = 'step'
join lateral (select min(at) as at from incident_event where incident_id = i.id and actor = 'timer') e
     on e.at is not null
where i.kind = 'vitals'
"""


@dataclass(frozen=True, kw_only=True)
class Home:
    """One resident with a watch and a relative; `path` is where the relative's pages go."""

    number: int
    watch: str
    device_id: int
    resident_id: int

    @property
    def path(self) -> str:
        return f"/c/{self.watch}"


async def provision(conn: Connection, url: str, first: int, number: int) -> list[Home]:
    """Register `number` homes whose watches may connect, and put the bench's policy into force."""
    await policies.publish(conn, POLICY)
    secret = hashlib.sha256(load.PASSWORD.encode()).digest()
    values = {"first": first, "last": first + number - 1, "url": url, "secret": secret}
    rows = await (await conn.execute(HOMES.encode(), values)).fetchall()
    await conn.execute("analyze")
    await conn.execute("select pg_notify('carehub_config', '')")
    return [Home(number=g, watch=name, device_id=device, resident_id=resident) for g, name, device, resident in rows]


async def wait_known(stack: Stack, home: Home) -> None:
    """Return when the hub lets the last watch in: it has heard of all of them."""
    async with asyncio.timeout(60):
        while True:
            try:
                (await asyncio.to_thread(load.connect, stack.listener_port, home.number)).line.close()
            except ConnectionError:
                await asyncio.sleep(0.5)
            else:
                break
    await asyncio.sleep(1)  # the device table follows the same notification


async def pending(conn: Connection, number: int) -> None:
    """Put timers of an hour to come into the hub's table."""
    version = await policies.ensure(conn)
    await conn.execute(PENDING.encode(), {"version": version, "number": number})
    await conn.execute("analyze")


def alert_of(home: Home, now: datetime, kind: AlertKind = AlertKind.SOS) -> Alert:
    return Alert(
        alert_id=f"bench:{kind}:{home.watch}", kind=kind, severity=Severity.CRITICAL, raised_at=now, rule="bench",
        device_id=home.device_id, resident_id=home.resident_id, area="测量", identity=f"bench-{home.watch}",
    )  # fmt: skip


async def raise_one(conn: Connection, home: Home, now: datetime, kind: AlertKind = AlertKind.SOS) -> None:
    """Open one incident in a transaction of its own."""
    async with conn.pipeline(), conn.transaction():
        await incidents.raise_alert(conn, alert_of(home, now, kind))


async def raise_many(dsn: str, homes: Sequence[Home], now: datetime, lines: int) -> None:
    """Open an incident in every home, many in a transaction, as the urgent lane does where so many wait."""
    queue = list(reversed(homes))

    async def one(conn: Connection) -> None:
        while queue:
            share = min(MOST_TOGETHER, len(queue) // lines + 1)
            alerts = [alert_of(queue.pop(), now) for _ in range(share)]
            async with conn.pipeline(), conn.transaction():
                looked = await incidents.look(conn, alerts)
                await incidents.raise_alerts(conn, list(zip(alerts, looked, strict=True)))

    conns = [await connect(tuned(dsn), name="carehub bench") for _ in range(lines)]
    try:
        await asyncio.gather(*map(one, conns))
    finally:
        for conn in conns:
            await conn.close()


class Presser:
    """Many watches in a process of their own, connected and about to press."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def ready(cls, port: int, homes: Sequence[Home]) -> "Presser":
        """Return when every watch is connected."""
        words = (sys.executable, "-m", "hub.bench.presser", port, homes[0].number, len(homes))
        process = await asyncio.create_subprocess_exec(
            *map(str, words), stdin=subprocess.PIPE, stdout=subprocess.PIPE, limit=1 << 26
        )
        assert process.stdout is not None
        if (await process.stdout.readline()).decode().strip() != presser.READY_WORD:
            raise HubError("the watches did not all connect: raise the limit of open files (ulimit -n)")
        return cls(process)

    async def press(self) -> tuple[float, dict[str, float]]:
        """Press all at once; returns when it began and how long each PUBACK took."""
        out, _ = await self._process.communicate(b"go\n")
        said: dict[str, Any] = json.loads(out)
        return float(said["began"]), said["acked"]


def kill(stack: Stack) -> None:
    """End ingest and dispatch without warning; their supervisor starts them anew."""
    for role in ROLES_KILLED:
        if not stack.kill(role):
            raise HubError(f"{role} was not running")
