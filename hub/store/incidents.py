"""Incidents as rows: what a decision needs to know in one round trip, and all it changes in one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from psycopg.types.numeric import Int8

from alerts.model import (
    ENDED,
    Alert,
    AlertKind,
    Decision,
    Disposition,
    Incident,
    Page,
    Proof,
    Role,
    Roster,
    Service,
    Severity,
    State,
    Timer,
    TimerKind,
)  # fmt: skip
from devices.adapter import Downlink
from hub import chain
from hub.errors import HubError
from hub.store import hot, people, policies
from hub.store.hot import json
from hub.store.people import Listener
from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("incidents")
P = queries("people")
TOLD_FOR = timedelta(minutes=10)  # what a device should hear about a call is stale after this
LOUD = Severity.HIGH  # this and worse go through the urgent lane
SPOKEN = ("webhook", "mqtt")  # channels that hear a stand-down; a console shows the incident itself
LOOKS = 5  # how often in a row a case may appear or end between our lock and our look
FIRST_COLUMN = 5  # of query `situation`: the incident's id
Case: TypeAlias = Mapping[str, Any]  # an incident's id; or of an alert the key, finding, device, kind, resident, area


class RaceError(HubError):
    """The case changed under our hands again and again; the caller's transaction should be tried again."""


@dataclass(frozen=True, kw_only=True)
class Situation:
    """A case as it stands, held by this transaction, and who could be called. `incident` is None for a new case."""

    now: datetime
    seen_in: int | None  # the incident this very finding went to before
    before: int | None  # for a new case: the resident's last one, when it ended less than a day ago
    incident: Incident | None
    policy_version: int | None  # the incident's, or for a new one the active
    new_id: int | None
    seq: int
    head: bytes
    roster: Roster
    listeners: tuple[Listener, ...]


@dataclass(frozen=True, kw_only=True)
class Look:
    """What was asked about some cases, and not yet answered."""

    lock: bytes
    cases: Sequence[Case]
    locked: hot.Cursor
    found: hot.Cursor
    around: Sequence[tuple[hot.Cursor, hot.Cursor]]


async def ask(conn: Connection, alerts: Sequence[Alert]) -> Look:
    """Ask about the cases of some alerts, no two of one case; what is open is held until commit.

    In pipeline mode nothing waits here.
    """
    return await _ask(conn, Q.lock_by_key, [
        {"id": None, "key": a.dedup_key, "alert": a.alert_id, "device": a.device_id, "kind": a.kind,
         "resident": a.resident_id, "area": a.area}
        for a in alerts
    ])  # fmt: skip


async def told(conn: Connection, look: Look) -> list[Situation]:
    """Return what was asked about.

    Raises:
        RaceError: One of the cases appears and ends again and again.
    """
    for _ in range(LOOKS):
        held, rows = {row[0] for row in await look.locked.fetchall()}, await look.found.fetchall()
        # A case that appeared between the lock and the look is seen but not held: look again, it is there to be locked
        # now.
        if {row[FIRST_COLUMN] for row in rows} - {None} == held:
            return [await _situation(conn, row, *who) for row, who in zip(rows, look.around, strict=True)]
        look = await _ask(conn, look.lock, look.cases)
    case = look.cases[0]
    raise RaceError(f"{case['key'] or case['id']} appears and ends again and again: try this transaction again")


async def by_id(conn: Connection, incident_id: int) -> Situation:
    """Look at one incident. One round trip; it is held until commit. Its lock may already be ours."""
    return (await by_ids(conn, [incident_id]))[0]


async def by_ids(conn: Connection, incident_ids: Sequence[int]) -> list[Situation]:
    """Look at some incidents. One round trip; they are held until commit. Their locks may already be ours."""
    async with conn.pipeline():
        look = await _ask(conn, Q.lock, [_of(incident_id) for incident_id in incident_ids])
        return await told(conn, look)


async def by_id_or_skip(conn: Connection, incident_id: int) -> Situation | None:
    """Look at one incident unless somebody else is changing it. One round trip; it is held until commit."""
    async with conn.pipeline():
        look = await _ask(conn, Q.lock_or_skip, [_of(incident_id)])
        if not await look.locked.fetchall():
            return None
        (row,) = await look.found.fetchall()
        return await _situation(conn, row, *look.around[0])


def _of(incident_id: int) -> Case:
    return {"id": incident_id, "key": None, "alert": None, "device": None, "kind": None, "resident": None, "area": ""}


async def _ask(conn: Connection, lock: bytes, cases: Sequence[Case]) -> Look:
    what = {
        "ids": [_number(case["id"]) for case in cases], "keys": [case["key"] for case in cases],
        "cases": json({"nr": nr, **case} for nr, case in enumerate(cases)),
    }  # fmt: skip
    # Each statement has its own snapshot: what is read after the lock is the newest, though all are sent at once.
    return Look(
        lock=lock, cases=cases, locked=await hot.execute(conn, lock, what),
        found=await hot.execute(conn, Q.situation, what), around=[await _around(conn, case) for case in cases],
    )  # fmt: skip


async def _around(conn: Connection, case: Case) -> tuple[hot.Cursor, hot.Cursor]:
    """Ask who could be called, and what could be spoken to."""
    resident, device, incident = (_number(case[name]) for name in ("resident", "device", "id"))
    who = {"resident": resident, "area": case["area"], "device": device, "incident": incident}
    called = await hot.execute(conn, P.roster, {**who, "at": None, "signed_in": people.SIGNED_IN})
    return called, await hot.execute(conn, P.devices, who)


async def roster_of(conn: Connection, resident_id: int, area: str) -> Roster:
    """Return who could be called for a resident, as the case does not know her yet."""
    who = {"resident": Int8(resident_id), "area": area, "device": None, "incident": None}
    called = await hot.execute(conn, P.roster, {**who, "at": None, "signed_in": people.SIGNED_IN})
    return people.roster(await called.fetchall())


def _number(value: int | None) -> Int8 | None:
    """Return an id as psycopg sends it whatever its size: a small one would be another statement, with its own plan."""
    return None if value is None else Int8(value)


async def warm(conn: Connection) -> None:
    """Have the statements of a press and of a timer planned; finds nothing and writes nothing.

    The first press on a new connection, and the first after the rows of a table were counted, would wait for it: tens
    of milliseconds.
    """
    nobody = {"resident": None, "device": None, "area": "", "id": None}
    nothing = {"ids": [Int8(-1)], "keys": [""], "cases": "[]"}
    none = {"incidents": "[]", "pages": "[]", "events": "[]", "words": "[]", "told_for": TOLD_FOR, "must": 0}
    async with conn.pipeline():
        for lock in (Q.lock_by_key, Q.lock):
            await hot.execute(conn, lock, nothing)
        await hot.execute(conn, Q.situation, nothing)
        for case in ({**nobody, "resident": -1, "device": -1}, {**nobody, "id": -1}):
            await _around(conn, case)
        await hot.execute(conn, Q.open, none)


async def _situation(conn: Connection, row: Sequence[Any], called: hot.Cursor, heard: hot.Cursor) -> Situation:
    now, seen_in, active, new_id, before, *columns = row
    incident = await _incident(conn, columns) if columns[0] is not None else None
    return Situation(
        now=now,
        seen_in=seen_in,
        before=before,
        incident=incident,
        new_id=new_id,
        policy_version=columns[5] if incident else active,
        seq=columns[-2] or 0,
        head=columns[-1] or chain.GENESIS,
        roster=people.roster(await called.fetchall()),
        listeners=people.listeners(await heard.fetchall()),
    )


async def _incident(conn: Connection, columns: Sequence[Any]) -> Incident:
    (
        id_, key, kind, severity, state, version_id, policy_name, opened_at, resident, device, area, step, round_,
        handler,
        responder, responder_role, presses, paged_at, test, handed_to, expires_at, resolved_by, disposition,
        linked_to, services, proof, asked, declined, held_round, version,
        timer_kind, due_at, timer_step, timer_round, _seq, _hash,
    ) = columns  # fmt: skip
    timer = Timer(kind=TimerKind(timer_kind), due_at=due_at, step=timer_step, round=timer_round) if timer_kind else None
    return Incident(
        incident_id=id_, dedup_key=key or "", kind=AlertKind(kind), severity=Severity(severity), state=State(state),
        policy=(await policies.version(conn, version_id))[policy_name], opened_at=opened_at, resident_id=resident,
        device_id=device, area=area, step=step, round=round_, timer=timer, handler_id=handler, responder_id=responder,
        responder_role=Role(responder_role) if responder_role else None, presses=presses, paged_at=paged_at, test=test,
        handed_to=handed_to, expires_at=expires_at, resolved_by=resolved_by,
        disposition=Disposition(disposition) if disposition else None, linked_to=linked_to,
        services=tuple(Service(s) for s in services), proof=Proof(proof) if proof else None, asked=frozenset(asked),
        declined=frozenset(declined), held_round=held_round, version=version,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Said:
    """Bytes for one device."""

    device_id: int
    downlink: Downlink


@dataclass(frozen=True, kw_only=True)
class Change:
    """A new incident, or a change of one, decided and not yet written."""

    at: Situation
    decision: Decision
    alert: Alert | None
    said: Sequence[Said]
    actor: str


async def open_cases(conn: Connection, openings: Sequence[Change]) -> None:
    """Write new incidents, no two of one case, in one statement. In pipeline mode nothing waits for its answer.

    Where another transaction opened one of the cases a moment earlier, the statement fails with a serialization
    failure, and the whole transaction is to be tried again.
    """
    await hot.execute(conn, Q.open, _written(openings) | {"must": len(openings)})


def _written(changes: Sequence[Change]) -> dict[str, Any]:
    """Return what `open` and `change` write, one parameter a table: a list of its rows."""
    ids = [o.decision.incident.incident_id for o in changes]
    return {
        "incidents": json(map(_case, changes)),
        "pages": json(
            _page(i, page) | {"nr": nr}
            for i, o in zip(ids, changes, strict=True) for nr, page in enumerate(o.decision.pages)
        ),
        "events": json(_event(i, e) for i, o in zip(ids, changes, strict=True) for e in _entries(o)),
        "words": json(_words(i, said) for i, o in zip(ids, changes, strict=True) for said in o.said),
        "told_for": TOLD_FOR,
    }  # fmt: skip


def _case(o: Change) -> dict[str, Any]:
    i, timer = o.decision.incident, o.decision.incident.timer
    ended = i.state in ENDED
    return {
        "id": i.incident_id, "key": i.dedup_key, "resident": i.resident_id, "device": i.device_id, "area": i.area,
        "kind": i.kind, "severity": int(i.severity), "state": i.state, "policy_version": o.at.policy_version,
        "policy_name": i.policy.name, "step": i.step, "round": i.round, "presses": i.presses, "paged_at": i.paged_at,
        "expires_at": i.expires_at, "test": i.test, "opened_at": i.opened_at, "linked_to": i.linked_to,
        "services": [str(s) for s in i.services], "proof": i.proof, "asked": sorted(i.asked),
        "declined": sorted(i.declined), "held_round": i.held_round, "version": i.version, "urgent": i.severity <= LOUD,
        "now": o.at.now, "actor": o.actor, "timer_kind": timer and timer.kind, "timer_due": timer and timer.due_at,
        "timer_step": timer and timer.step, "timer_round": timer and timer.round, "ended": ended,
        "handler": i.handler_id, "responder": i.responder_id, "responder_role": i.responder_role,
        "handed_to": i.handed_to, "resolved_by": i.resolved_by, "disposition": i.disposition,
        # An ended incident calls nobody, whatever the decision says.
        "withdraw": o.decision.withdraw or ended, "standing_down": [str(role) for role in o.decision.stand_down],
        "spoken": SPOKEN, **(_alert(o.alert) if o.alert else {}),
    }  # fmt: skip


def _entries(o: Change) -> list[chain.Entry]:
    number = o.decision.incident.incident_id
    return chain.entries_of(number, o.decision, seq=o.at.seq, prev_hash=o.at.head, at=o.at.now, actor=o.actor)


def _page(incident_id: int, page: Page) -> dict[str, Any]:
    return {
        "incident": incident_id, "round": page.round, "step": page.step, "person": page.person_id, "role": page.role,
        "channel": page.channel, "address": page.address, "purpose": page.purpose, "due_at": page.due_at,
    }  # fmt: skip


def _event(incident_id: int, entry: chain.Entry) -> dict[str, Any]:
    return {
        "incident": incident_id, "seq": entry.seq, "what": entry.what, "body": chain.written(entry.body),
        "prev": entry.prev_hash.hex(), "hash": entry.hash.hex(),
    }  # fmt: skip


def _words(incident_id: int, said: Said) -> dict[str, Any]:
    down = said.downlink
    return {
        "incident": incident_id, "device": said.device_id, "topic": down.topic, "payload": down.payload.hex(),
        "retain": down.retain,
    }  # fmt: skip


async def change(
    conn: Connection, at: Situation, decision: Decision, *, said: Sequence[Said], actor: str, alert: Alert | None
) -> None:
    """Write what a decision changes about the incident that this transaction holds."""
    change = Change(at=at, decision=decision, alert=alert, said=said, actor=actor)
    await hot.execute(conn, Q.change, _written([change]))


async def append(conn: Connection, at: Situation, actor: str, what: str, body: dict[str, Any]) -> None:
    """Write an event that changes no state. The incident is held by this transaction."""
    assert at.incident is not None
    entry = chain.link(at.head, seq=at.seq + 1, at=at.now, actor=actor, what=what, body=body)
    await conn.execute(Q.append, {
        "id": at.incident.incident_id, "seq": entry.seq, "at": entry.at, "actor": actor, "what": what,
        "body": chain.written(entry.body), "prev_hash": entry.prev_hash, "hash": entry.hash,
    })  # fmt: skip


async def add_note(conn: Connection, at: Situation, person_id: int, text: str) -> int:
    """Keep what a person wrote, beside the chain. The incident is held by this transaction."""
    assert at.incident is not None
    values = {"id": at.incident.incident_id, "person": person_id, "at": at.now, "text": text}
    row = await (await conn.execute(Q.add_note, values)).fetchone()
    assert row is not None
    return int(row[0])


async def chain_of(conn: Connection, incident_id: int) -> list[chain.Entry]:
    """Return the whole chain of one incident, unchecked."""
    rows = await (await conn.execute(Q.chain, {"id": incident_id})).fetchall()
    return [entry(row) for row in rows]


def entry(row: Sequence[Any]) -> chain.Entry:
    """Return a row of query `chain` as a value."""
    seq, at, actor, what, body, prev_hash, hash_ = row
    return chain.Entry(seq=seq, at=at, actor=actor, what=what, body=body, prev_hash=bytes(prev_hash), hash=bytes(hash_))


def _alert(alert: Alert) -> dict[str, Any]:
    return {
        "alert_id": alert.alert_id, "alert_device": alert.device_id, "alert_kind": alert.kind,
        "alert_severity": int(alert.severity), "alert_rule": alert.rule, "alert_identity": alert.identity,
        "alert_raised_at": alert.raised_at, "alert_measured_at": alert.measured_at,
        "alert_evidence": chain.canonical(alert.evidence),
    }  # fmt: skip
