"""What people at the console do. One transaction each; what is answered on phones is in `hub.answers`.

Every function takes a connection outside a transaction and raises `Refused`, having changed nothing, when the case does
not allow it, and `UnknownIncidentError` when there is none. Words people write become notes, which may be erased; the
chain of events keeps identifiers only.
"""

from dataclasses import replace
from datetime import datetime

from msgspec import to_builtins

from alerts import events
from alerts.arrival import Position
from alerts.model import ENDED, Disposition, Incident, Role, Service
from devices.orders import Order
from hub.answers import Answered, Verb, answer
from hub.refusals import Refused
from hub.store import device_commands
from hub.store import incidents as store
from hub.store.pool import Connection
from hub.store.sql import queries
from hub.store.telemetry import clean
from hub.taps import NONCE_LENGTH, NOTE_LENGTH, act, actor, at_desk, happen, lock

__all__ = [
    "NONCE_LENGTH", "REFERENCE_LENGTH", "Answered", "Position", "Refused", "Verb", "answer", "call", "cancel", "close",
    "dispatch", "hand_over", "hold", "identify", "link", "make_real", "no_speech", "note", "release", "resolve", "take",
    "tell_device",
]  # fmt: skip

CASES = queries("cases")
REFERENCE_LENGTH = 60


async def take(conn: Connection, incident_id: int, person_id: int, *, nonce: str | None = None) -> Incident:
    """An operator handles it. Again by the same operator changes nothing."""
    who = await actor(conn, person_id)
    event = events.Taken(person_id=person_id, role=Role.OPERATOR, at_desk=who.at_desk)
    return await act(conn, incident_id, who, event, verb="take", nonce=nonce)


async def dispatch(
    conn: Connection, incident_id: int, by: int, person_id: int | None = None, *, nonce: str | None = None
) -> Incident:
    """Send this person, or, without one, the policy's next step."""
    who = await actor(conn, by)
    event = events.Dispatched(by=by, at_desk=who.sends, person_id=person_id)
    return await act(conn, incident_id, who, event, verb="dispatch", nonce=nonce)


async def no_speech(conn: Connection, incident_id: int, person_id: int, *, nonce: str | None = None) -> bool:
    """She was called back and did not answer: whoever is called from now on, or has her page open, is told so.

    False when this very press was written before, or the case had said so.
    """
    who = await at_desk(conn, person_id)
    async with conn.transaction():
        at, repeat = await lock(conn, incident_id, who, "no_speech", nonce)
        if at.incident is not None and at.incident.state in ENDED:
            raise Refused("ended")
        if repeat or await (await conn.execute(CASES.speechless, {"incident": incident_id})).fetchone():
            return False
        await store.append(conn, at, who.name, "no_speech", {})
    return True


async def release(conn: Connection, incident_id: int, person_id: int, *, nonce: str | None = None) -> Incident:
    """Back into the queue; escalation goes on."""
    who = await actor(conn, person_id)
    event = events.Released(by=person_id, at_desk=who.at_desk)
    return await act(conn, incident_id, who, event, verb="release", nonce=nonce)


async def hold(
    conn: Connection, incident_id: int, person_id: int, reason: str, until: datetime, *, nonce: str | None = None
) -> Incident:
    """Put it aside for a reason and a time; its end rings."""
    who = await actor(conn, person_id)
    event = events.Held(by=person_id, at_desk=who.at_desk, reason=reason, until=until)
    return await act(conn, incident_id, who, event, verb="hold", nonce=nonce, words=reason)


async def hand_over(
    conn: Connection, incident_id: int, person_id: int, to: str, *, nonce: str | None = None
) -> Incident:
    """Somebody named, or a 120 number, is with her now."""
    who = await actor(conn, person_id)
    event = events.HandedOver(person_id=person_id, to=to, at_desk=who.at_desk)
    return await act(conn, incident_id, who, event, verb="hand_over", nonce=nonce, words=f"→ {to}" if to else "")


async def resolve(
    conn: Connection, incident_id: int, person_id: int, how: str, *, nonce: str | None = None
) -> Incident:
    """The danger is over, as somebody heard or saw."""
    who = await actor(conn, person_id)
    event = events.Resolved(by=person_id, at_desk=who.at_desk, how=how)
    return await act(conn, incident_id, who, event, verb="resolve", nonce=nonce)


async def close(
    conn: Connection, incident_id: int, person_id: int, *, disposition: Disposition, done: str, with_whom: str,
    second_person_id: int | None = None, called_back: bool = False, duplicate_of: int | None = None,
    nonce: str | None = None,
) -> Incident:  # fmt: skip
    """Write how it ended, what was done and who is with her. Severity 1 needs a second person, or that she answered.

    A duplicate names the case it is the same as, and both show it.
    """
    if second_person_id is not None:
        await at_desk(conn, second_person_id)
    who = await actor(conn, person_id)
    event = events.Closed(
        by=person_id, at_desk=who.at_desk, disposition=disposition, with_whom=with_whom,
        second_person_id=second_person_id, called_back=called_back, duplicate_of=duplicate_of,
    )  # fmt: skip
    words = "\n".join(part for part in (done, f"→ {with_whom}" if with_whom else "") if part)
    async with conn.transaction():
        after = await act(conn, incident_id, who, event, verb="close", nonce=nonce, words=words)
        if duplicate_of is not None:
            await _link(conn, incident_id, duplicate_of, "duplicate", person_id)
    return after


async def cancel(conn: Connection, incident_id: int, person_id: int, *, nonce: str | None = None) -> Incident:
    """An operator spoke with her while the countdown ran: it was nothing."""
    who = await actor(conn, person_id)
    event = events.Cancelled(by=person_id, at_desk=who.at_desk)
    return await act(conn, incident_id, who, event, verb="cancel", nonce=nonce)


async def call(
    conn: Connection, incident_id: int, person_id: int, service: Service, reference: str = "", *,
    nonce: str | None = None,
) -> Incident:  # fmt: skip
    """120, 119 or 110 is on the line and has been told where and what. What it calls the case becomes a note.

    With 120 on the line, pages that would have called it by itself are taken back: nobody calls there twice.
    """
    reference = clean(reference).strip()[:REFERENCE_LENGTH]
    who = await actor(conn, person_id)
    event = events.Called(by=person_id, at_desk=who.at_desk, service=service, reference=reference)
    words = f"{service} #{reference}" if reference else ""
    async with conn.transaction():
        after = await act(conn, incident_id, who, event, verb="call", nonce=nonce, words=words)
        if service is Service.AMBULANCE:
            await conn.execute(CASES.ambulance_is_called, {"incident": incident_id})
    return after


async def make_real(conn: Connection, incident_id: int, person_id: int, *, nonce: str | None = None) -> Incident:
    """A test that is none: it rings as it would have rung."""
    who = await actor(conn, person_id)
    event = events.MadeReal(by=person_id, at_desk=who.at_desk)
    return await act(conn, incident_id, who, event, verb="make_real", nonce=nonce)


async def identify(
    conn: Connection, incident_id: int, person_id: int, resident_id: int, *, nonce: str | None = None
) -> Incident:
    """Give a case of nobody known its resident, and link it with whatever else of hers is open."""
    who = await at_desk(conn, person_id)
    if who.canary:
        raise Refused("not_an_operator")
    async with conn.transaction():
        at, repeat = await lock(conn, incident_id, who, "identify", nonce)
        hers = await (await conn.execute(CASES.whom, {"resident": resident_id, "id": incident_id})).fetchone()
        if hers is None:
            raise Refused("no_such_resident")
        assert at.incident is not None
        if repeat:
            return at.incident
        area, others = str(hers[0]), [int(one) for one in hers[1]]
        event = events.Identified(by=person_id, at_desk=who.at_desk, resident_id=resident_id, area=area)
        known = replace(at, roster=await store.roster_of(conn, resident_id, area))
        named = await happen(conn, known, who, event)
        await conn.execute(CASES.identify, {"resident": resident_id, "area": area, "id": incident_id})
        for other in others:
            await _link(conn, incident_id, other, "resident", person_id)
    return named


async def link(conn: Connection, incident_id: int, other: int, person_id: int) -> bool:
    """Say that two cases belong together; False when that was known. Either may have ended."""
    if (await at_desk(conn, person_id)).canary:
        raise Refused("not_an_operator")  # of no real case
    async with conn.transaction():
        return await _link(conn, incident_id, other, "person", person_id)


async def tell_device(conn: Connection, incident_id: int, person_id: int, device_id: int, order: Order) -> int:
    """Have a device of hers, or the one that called, do something; returns the command's number."""
    who = await at_desk(conn, person_id)
    async with conn.transaction():
        at, _ = await lock(conn, incident_id, who, "tell_device", None)
        if at.incident is not None and at.incident.state in ENDED:
            raise Refused("ended")
        its = {"incident": incident_id, "device": device_id}
        if await (await conn.execute(CASES.its_device, its)).fetchone() is None:
            raise Refused("no_such_device")
        number = await device_commands.ask(conn, str(device_id), who.name, order, incident_id=incident_id)
        body = {"device": device_id, "order": to_builtins(order)["type"], "command": number}
        await store.append(conn, at, who.name, "device_told", body)
    return number


async def note(
    conn: Connection, incident_id: int, person_id: int, text: str, *, nonce: str | None = None
) -> int | None:
    """Write something down; None when this very note was written before."""
    who = await actor(conn, person_id)
    async with conn.transaction():
        at, repeat = await lock(conn, incident_id, who, "note", nonce)
        if repeat:
            return None
        if not text.strip():
            raise Refused("empty_note", "write something")
        note_id = await store.add_note(conn, at, person_id, text[:NOTE_LENGTH])
        await store.append(conn, at, who.name, "noted", {"note": note_id})
        return note_id


async def _link(conn: Connection, incident_id: int, other: int, why: str, person_id: int) -> bool:
    if other == incident_id:
        raise Refused("name_the_other_case")
    pair = {"a": min(incident_id, other), "b": max(incident_id, other), "why": why, "person": person_id}
    made = await (await conn.execute(CASES.link, pair)).fetchone()
    if made is None:
        raise Refused("no_such_case")
    return bool(made[0])
