"""Plays a day's log against the real tables in lock-step: the clock moves only when no timer and no page is due.

Every transaction is the hub's own: findings through `raise_alert`, people through `desk`, timers through `fire`, pages
through claim and settle. Time is a row; a day takes as long as its transactions take.
"""

import hashlib
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts import events
from alerts.detectors.sos import Heard, hear
from alerts.model import Alert, AlertKind, Disposition, Purpose, Service, Severity
from devices.adapter import Message
from devices.registry import adapter_for
from hub import chain, desk, incidents
from hub.channels import Outcome, Receipt
from hub.loops.escalator import fire
from hub.loops.retries import ATTEMPTS, ATTEMPTS_WORDS, pause_s
from hub.store import incidents as store
from hub.store import outbox, policies
from hub.store.outbox import Lane
from hub.store.pool import Connection, connect
from tests.integration.incidents.world import POLICY
from tests.simulation.district import AREAS, Entry

MIDNIGHT = datetime(2026, 11, 20, 16, tzinfo=UTC)  # in the residents' time
LANES = [
    Lane(channel=c, urgent=u, room=100, lease_s=30) for c in ("webhook", "mqtt", "console") for u in (True, False)
]  # fmt: skip
FINDINGS: Mapping[str, tuple[AlertKind, Severity, float, bool]] = {
    "press": (AlertKind.SOS, Severity.CRITICAL, 0.0, False),
    "fall": (AlertKind.FALL, Severity.CRITICAL, 15.0, False),
    "vitals": (AlertKind.VITALS, Severity.HIGH, 0.0, False),
    "test": (AlertKind.SOS, Severity.CRITICAL, 0.0, True),
}
HELPERS = ("daughter", "son", "guard", "worker")

# Residents are 1 to n, so that a day's numbers are the database's. Guards and workers serve an area by day or by night.
DISTRICT = """
insert into resident (name, area, created_at) select 'r' || n, 'area ' || n %% %(areas)s, hub_now()
from generate_series(1, %(residents)s) n;
insert into device (address, adapter, resident_id, state, created_at)
select 'carehub:w-' || id, 'carehub/1', id, 'live', hub_now() from resident order by id;
insert into person (name, role, area, created_at)
select 'operator ' || n, 'operator', '', hub_now() from generate_series(1, 4) n;
insert into person (name, role, area, created_at)
select role || ' ' || half, role, 'area ' || n, hub_now()
from generate_series(0, %(areas)s - 1) n, unnest(array['property', 'community']) role,
     unnest(array['day', 'night']) half;
insert into person (name, role, created_at)
select who || ' ' || n, 'family', hub_now()
from generate_series(1, %(residents)s) n, unnest(array['daughter', 'son']) who;
insert into care_circle (resident_id, person_id, position, minutes_away)
select split_part(name, ' ', 2)::bigint, id, case when name like 'daughter%%' then 0 else 1 end, 15
from person where role = 'family';
insert into contact (person_id, channel, address)
select id, case role when 'operator' then 'console' when 'family' then 'webhook' else 'mqtt' end, 'x' from person;
insert into contact (person_id, channel, address) select id, 'mqtt', 'x' from person where name like 'daughter%%';
insert into shift (person_id, during)
select id, case when role = 'operator' then tstzrange(%(midnight)s, null)
                when name like '%% day'
                then tstzrange(%(midnight)s + interval '7 hours', %(midnight)s + interval '19 hours')
                else tstzrange(%(midnight)s - interval '5 hours', %(midnight)s + interval '7 hours') end
from person where role <> 'family';
insert into shift (person_id, during)
select id, tstzrange(%(midnight)s + interval '19 hours', %(midnight)s + interval '31 hours')
from person where name like '%% night';
"""


@dataclass(kw_only=True)
class Played:
    """What became of a day."""

    took_s: float = 0.0
    virtual_s: float = 0.0
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    late_s: float = 0.0  # the greatest lateness of a timer, by the hub's clock
    faults: list[str] = field(default_factory=list)

    @property
    def speed(self) -> float:
        return self.virtual_s / self.took_s


@dataclass(kw_only=True)
class Playback:
    """A district in a database of its own, and one dispatcher."""

    conn: Connection
    worker_conn: Connection
    worker: int
    people: dict[str, int]
    now: datetime = MIDNIGHT
    played: Played = field(default_factory=Played)
    stale: dict[int, int] = field(default_factory=dict)

    async def play(self, day: list[Entry], until_s: float) -> Played:
        """Play a day to its end, and then what still waits at that moment."""
        started = time.monotonic()
        for entry in day:
            await self._come_to(MIDNIGHT + timedelta(seconds=entry.at))
            await self._happens(entry)
            self.played.done[entry.what] += 1
        await self._come_to(MIDNIGHT + timedelta(seconds=until_s))
        self.played.took_s = time.monotonic() - started
        self.played.virtual_s = until_s
        return self.played

    async def _come_to(self, moment: datetime) -> None:
        """Let everything happen that is due before or at a moment, each at its own time."""
        while True:
            await self._settle_down()
            due = await self._next()
            if due is None or due > moment:
                break
            await self._stand(max(due, self.now))
        await self._stand(moment)
        await self._settle_down()

    async def _settle_down(self) -> None:
        """Timers that are due, then pages, until there are neither. The order is the rows' own."""
        while True:
            rows = await self._rows("select incident_id, hub_now() - due_at from timer where due_at <= hub_now()"
                                    " order by due_at, incident_id")  # fmt: skip
            for incident_id, late in rows:
                self.played.late_s = max(self.played.late_s, late.total_seconds())
                self.played.done["timer"] += await fire(self.conn, incident_id)
            if not rows and not await self._send():
                return

    async def _next(self) -> datetime | None:
        rows = await self._rows(
            "select least((select min(due_at) from timer), (select min(due_at) from page where state = 'ready'),"
            " (select min(lease_until) from page where state in ('sending', 'sent')))"
        )
        due: datetime | None = rows[0][0]
        return due

    async def _stand(self, moment: datetime) -> None:
        if moment != self.now:
            self.now = moment
            await self.conn.execute("update clock set at = %s", (moment,))

    async def _send(self) -> bool:
        """One round of the dispatcher: claim, send, settle. Whether a line works is in the page's own key."""
        pages = await outbox.claim(self.worker_conn, self.worker, LANES)
        if not pages:
            taken = await outbox.take_back(self.conn, alarm_tries=tuple(ATTEMPTS.values()), word_tries=ATTEMPTS_WORDS)
            return bool(taken)
        for page in sorted(pages, key=lambda p: p["id"]):
            if page["purpose"] == "alarm" and page["id"] <= self.stale.get(page["incident_id"], 0):
                self.played.faults.append(
                    f"page {page['id']} is sent after somebody took incident {page['incident_id']}"
                )
            outcome = _comes_through(page)
            again = None
            if outcome in (Outcome.FAILED, Outcome.REFUSED):
                again = pause_s(Severity(page["severity"]), Purpose(page["purpose"]), outcome, page["attempts"])
            receipt = Receipt(outcome=outcome, detail="played")
            await outbox.settle(self.worker_conn, self.worker, page["id"], receipt, again_s=again, receipt_s=20)
            self.played.done[f"page {outcome}"] += 1
        return True

    async def _happens(self, entry: Entry) -> None:
        if entry.what in FINDINGS:
            await self._found(entry)
            return
        rows = await self._rows("select id, state from incident where dedup_key = %s", f"resident:{entry.who}")
        if not rows:
            self.played.refused["no case"] += 1
            return
        incident_id, before = rows[0]
        newest = (await self._rows("select coalesce(max(id), 0) from page"))[0][0]
        try:
            await self._does(incident_id, entry)
        except (desk.Refused, events.Refused) as no:
            self.played.refused[getattr(no, "code", "") or getattr(no, "reason", "")] += 1
            return
        state = (await self._rows("select state from incident where id = %s", incident_id))[0][0]
        if before in ("open", "held", "confirming") and state not in ("open", "held", "confirming"):
            self.stale[incident_id] = newest

    async def _found(self, entry: Entry) -> None:
        name = f"{entry.what}-{entry.who}-{entry.at}"
        kind, severity, countdown_s, test = FINDINGS[entry.what]
        identity, measured_at = name, self.now
        if entry.said:
            (draft,) = self._heard(entry).drafts
            assert draft.identity is not None
            kind, severity, countdown_s, identity = draft.kind, draft.severity, draft.countdown_s, draft.identity
            measured_at = draft.measured_at or self.now
        alert = Alert(
            alert_id=name, kind=kind, severity=severity, raised_at=self.now, measured_at=measured_at,
            device_id=entry.who, resident_id=entry.who, area=f"area {entry.who % AREAS}", identity=identity,
            countdown_s=countdown_s, test=test,
        )  # fmt: skip
        async with self.conn.transaction():
            await incidents.raise_alert(self.conn, alert)

    def _heard(self, entry: Entry) -> Heard:
        """What the hub makes of the bytes on the wire."""
        adapter = adapter_for(entry.topic)
        assert adapter is not None, f"nobody reads {entry.topic}"
        (said,) = adapter.decode(Message(topic=entry.topic, payload=entry.said.encode(), received_at=self.now))
        return hear(said)

    async def _does(self, incident_id: int, entry: Entry) -> None:
        nonce, conn = f"{entry.at}", self.conn
        if entry.what == "cancel":
            assert not entry.said or self._heard(entry).cancels
            async with conn.transaction():
                await incidents.advance(conn, incident_id, events.Cancelled(by="wearer"), f"device:{entry.who}")
            return
        if entry.by.startswith(HELPERS):
            await self._taps(incident_id, entry, nonce)
            return
        by = self.people[entry.by]
        colleague = self.people["operator 1" if entry.by != "operator 1" else "operator 2"]
        match entry.what:
            case "take":
                await desk.take(conn, incident_id, by, nonce=nonce)
            case "release":
                await desk.release(conn, incident_id, by, nonce=nonce)
            case "120":
                await desk.call(conn, incident_id, by, Service.AMBULANCE, nonce=nonce)
            case "send":
                await desk.dispatch(conn, incident_id, by, nonce=nonce)
            case "hold":
                await desk.hold(conn, incident_id, by, "rings back", self.now + timedelta(minutes=5), nonce=nonce)
            case "resolve":
                await desk.resolve(conn, incident_id, by, "her voice", nonce=nonce)
            case _:
                await desk.close(
                    conn, incident_id, by, disposition=Disposition.REASSURED, done="talked", with_whom="her daughter",
                    second_person_id=colleague, nonce=nonce,
                )  # fmt: skip

    async def _taps(self, incident_id: int, entry: Entry, nonce: str) -> None:
        role = {"guard": "property", "worker": "community"}.get(entry.by)
        name = "%" if role else f"{entry.by} {entry.who}"
        rows = await self._rows(
            "select p.id, p.person_id from page p join person o on o.id = p.person_id where p.incident_id = %s"
            " and p.purpose = 'alarm' and p.role = %s and o.name like %s order by p.id desc limit 1",
            incident_id, role or "family", name,
        )  # fmt: skip
        if not rows:
            self.played.refused["was not called"] += 1
            return
        page_id, person = rows[0]
        await desk.answer(self.conn, person, page_id, nonce, entry.what, "her neighbour")

    async def _rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return list(await (await self.conn.execute(query.encode(), values)).fetchall())


def _comes_through(page: Mapping[str, Any]) -> Outcome:
    """A line's luck, the same whenever the day is played: one in twelve fails at first, one in forty never answers."""
    names = ("incident_id", "round", "step", "person_id", "channel", "purpose", "attempts")
    luck = hashlib.sha256(".".join(str(page[n]) for n in names).encode()).digest()[0]
    if luck < 21:
        return Outcome.FAILED
    return Outcome.SENT if luck < 27 and page["channel"] == "mqtt" else Outcome.DELIVERED


async def open_district(dsn: str, residents: int) -> Playback:
    """Register a district in an empty database and stop its clock at midnight."""
    conn = await connect(dsn)
    await conn.execute("set synchronous_commit = off")  # a day that is played loses nothing by a power cut
    await conn.execute("insert into clock (at) values (%s)", (MIDNIGHT,))
    await policies.publish(conn, POLICY)
    async with conn.transaction():
        values = {"residents": residents, "areas": AREAS, "midnight": MIDNIGHT}
        for statement in DISTRICT.split(";"):
            if statement.strip():
                await conn.execute(statement.encode(), values)
    rows = await (await conn.execute("select name, id from person where role = 'operator'")).fetchall()
    worker_conn = await connect(dsn)
    await worker_conn.execute("set synchronous_commit = off")
    worker = await outbox.enlist(worker_conn)
    return Playback(conn=conn, worker_conn=worker_conn, worker=worker, people={str(n): int(i) for n, i in rows})


async def log_of(conn: Connection) -> dict[int, list[chain.Entry]]:
    """Return every chain there is."""
    rows = await (await conn.execute("select id from incident order by id")).fetchall()
    return {int(row[0]): await store.chain_of(conn, row[0]) for row in rows}
