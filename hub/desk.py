"""What people do: operators at a console, responders on their phones. One transaction each.

Every function takes a connection outside a transaction and raises `Refused`, having changed nothing, when the case does
not allow it, and `UnknownIncidentError` when there is none. Words people write become notes, which may be erased; the
chain of events keeps identifiers only.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from alerts import events
from alerts.arrival import Position, Shown, proof_of
from alerts.model import ENDED, Disposition, Incident, Role, Service
from hub import incidents
from hub.refusals import Refused
from hub.store import canary
from hub.store import incidents as store
from hub.store.pool import Connection
from hub.store.sql import queries
from hub.store.telemetry import clean

__all__ = [
    "Answered", "Position", "Refused", "Verb", "answer", "call", "cancel", "close", "dispatch", "hand_over", "hold",
    "link", "make_real", "no_speech", "note", "release", "resolve", "take",
]  # fmt: skip

Q = queries("incidents")
OUT = queries("outbox")
PEOPLE = queries("people")
CASES = queries("cases")
NOTE_LENGTH = 4_000
NONCE_LENGTH = 100
TO_LENGTH = 200  # a name or a number, not a letter
REFERENCE_LENGTH = 60
AT_THE_DESK = frozenset({"operator", "supervisor"})
LATE_TAP = timedelta(seconds=10)  # a tap that was longer under way is judged as one made without a line
MOST_PROMISES = 6  # so often in a minute one person may say that he goes; that he cannot, or is there, is always heard
PROMISED_WITHIN = timedelta(minutes=1)
OLDEST_TAP = timedelta(hours=12)  # no phone's queue is believed for longer


async def take(conn: Connection, incident_id: int, person_id: int, *, nonce: str | None = None) -> Incident:
    """An operator handles it. Again by the same operator changes nothing."""
    event = events.Taken(person_id=person_id, role=Role.OPERATOR, at_desk=await _seated(conn, person_id))
    return await _do(conn, incident_id, person_id, event, verb="take", nonce=nonce)


async def dispatch(
    conn: Connection, incident_id: int, by: int, person_id: int | None = None, *, nonce: str | None = None
) -> Incident:
    """Send this person, or, without one, the policy's next step."""
    event = events.Dispatched(by=by, at_desk=await _seated(conn, by), person_id=person_id)
    return await _do(conn, incident_id, by, event, verb="dispatch", nonce=nonce)


async def no_speech(conn: Connection, incident_id: int, person_id: int, *, nonce: str | None = None) -> bool:
    """She was called back and did not answer: whoever is called from now on, or has her page open, is told so.

    False when this very press was written before, or the case had said so.
    """
    if not await _seated(conn, person_id):
        raise Refused("not_an_operator")
    async with conn.transaction():
        at, repeat = await _hold(conn, incident_id, person_id, "no_speech", nonce)
        if at.incident is not None and at.incident.state in ENDED:
            raise Refused("ended")
        if repeat or await (await conn.execute(CASES.speechless, {"incident": incident_id})).fetchone():
            return False
        await store.append(conn, at, f"person:{person_id}", "no_speech", {})
    return True


async def release(conn: Connection, incident_id: int, person_id: int, *, nonce: str | None = None) -> Incident:
    """Back into the queue; escalation goes on."""
    event = events.Released(by=person_id, at_desk=await _seated(conn, person_id))
    return await _do(conn, incident_id, person_id, event, verb="release", nonce=nonce)


async def hold(
    conn: Connection, incident_id: int, person_id: int, reason: str, until: datetime, *, nonce: str | None = None
) -> Incident:
    """Put it aside for a reason and a time; its end rings."""
    event = events.Held(by=person_id, at_desk=await _seated(conn, person_id), reason=reason, until=until)
    return await _do(conn, incident_id, person_id, event, verb="hold", nonce=nonce, words=reason)


async def hand_over(
    conn: Connection, incident_id: int, person_id: int, to: str, *, nonce: str | None = None
) -> Incident:
    """Somebody named, or a 120 number, is with her now."""
    event = events.HandedOver(person_id=person_id, to=to, at_desk=await _seated(conn, person_id))
    return await _do(conn, incident_id, person_id, event, verb="hand_over", nonce=nonce, words=f"→ {to}" if to else "")


async def resolve(
    conn: Connection, incident_id: int, person_id: int, how: str, *, nonce: str | None = None
) -> Incident:
    """The danger is over, as somebody heard or saw."""
    event = events.Resolved(by=person_id, at_desk=await _seated(conn, person_id), how=how)
    return await _do(conn, incident_id, person_id, event, verb="resolve", nonce=nonce)


async def close(
    conn: Connection, incident_id: int, person_id: int, *, disposition: Disposition, done: str, with_whom: str,
    second_person_id: int | None = None, called_back: bool = False, duplicate_of: int | None = None,
    nonce: str | None = None,
) -> Incident:  # fmt: skip
    """Write how it ended, what was done and who is with her. Severity 1 needs a second person, or that she answered.

    A duplicate names the case it is the same as, and both show it.
    """
    if second_person_id is not None and not await _seated(conn, second_person_id):
        raise Refused("not_an_operator")
    event = events.Closed(
        by=person_id, at_desk=await _seated(conn, person_id), disposition=disposition, with_whom=with_whom,
        second_person_id=second_person_id, called_back=called_back, duplicate_of=duplicate_of,
    )  # fmt: skip
    words = "\n".join(part for part in (done, f"→ {with_whom}" if with_whom else "") if part)
    async with conn.transaction():
        after = await _do(conn, incident_id, person_id, event, verb="close", nonce=nonce, words=words)
        if duplicate_of is not None:
            await _link(conn, incident_id, duplicate_of, "duplicate", person_id)
    return after


async def cancel(conn: Connection, incident_id: int, person_id: int, *, nonce: str | None = None) -> Incident:
    """An operator spoke with her while the countdown ran: it was nothing."""
    event = events.Cancelled(by=person_id, at_desk=await _seated(conn, person_id))
    return await _do(conn, incident_id, person_id, event, verb="cancel", nonce=nonce)


async def call(
    conn: Connection, incident_id: int, person_id: int, service: Service, reference: str = "", *,
    nonce: str | None = None,
) -> Incident:  # fmt: skip
    """120, 119 or 110 is on the line and has been told where and what. What it calls the case becomes a note.

    With 120 on the line, pages that would have called it by itself are taken back: nobody calls there twice.
    """
    reference = clean(reference).strip()[:REFERENCE_LENGTH]
    event = events.Called(by=person_id, at_desk=await _seated(conn, person_id), service=service, reference=reference)
    words = f"{service} #{reference}" if reference else ""
    async with conn.transaction():
        after = await _do(conn, incident_id, person_id, event, verb="call", nonce=nonce, words=words)
        if service is Service.AMBULANCE:
            await conn.execute(CASES.ambulance_is_called, {"incident": incident_id})
    return after


async def make_real(conn: Connection, incident_id: int, person_id: int, *, nonce: str | None = None) -> Incident:
    """A test that is none: it rings as it would have rung."""
    event = events.MadeReal(by=person_id, at_desk=await _seated(conn, person_id))
    return await _do(conn, incident_id, person_id, event, verb="make_real", nonce=nonce)


async def link(conn: Connection, incident_id: int, other: int, person_id: int) -> bool:
    """Say that two cases belong together; False when that was known. Either may have ended."""
    if not await _seated(conn, person_id):
        raise Refused("not_an_operator")
    async with conn.transaction():
        return await _link(conn, incident_id, other, "person", person_id)


async def note(
    conn: Connection, incident_id: int, person_id: int, text: str, *, nonce: str | None = None
) -> int | None:
    """Write something down; None when this very note was written before."""
    await _still_here(conn, person_id)
    async with conn.transaction():
        at = await incidents.situation(conn, incident_id)
        if nonce is not None and not await _first(conn, incident_id, person_id, "note", nonce):
            return None
        return await _note(conn, at, person_id, text)


class Verb(StrEnum):
    """What a responder's phone or terminal can say about a page."""

    ACCEPT = "accept"
    CANNOT_GO = "cannot_go"
    EN_ROUTE = "en_route"
    ARRIVED = "arrived"
    LEFT = "left"
    HANDED_OVER = "handed_over"
    DELIVERED = "delivered"
    READ = "read"


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What an answer did."""

    incident_id: int
    repeat: bool = False
    incident: Incident | None = None  # after the answer; None for receipts, which change no incident


PROMISES = frozenset({Verb.ACCEPT, Verb.EN_ROUTE})
INTENTIONS = frozenset({Verb.ACCEPT, Verb.EN_ROUTE, Verb.CANNOT_GO})  # what may be overtaken; the rest are facts


async def answer(  # noqa: PLR0917 - said in the order of the message
    conn: Connection, person_id: int, page_id: int, nonce: str, verb: str, to: str = "", *,
    position: Position | None = None, tapped_at: datetime | None = None,
) -> Answered:  # fmt: skip
    """Take a responder's answer to a page of his.

    Args:
        conn: a connection outside a transaction.
        person_id: who answers, as proved by the link or the terminal's credential.
        page_id: the page that is answered.
        nonce: the same on every repeat of this tap.
        verb: a `Verb`.
        to: for `handed_over`: who is with her now.
        position: for `arrived`: where his phone is. Only the proof and the distance are kept.
        tapped_at: when he pressed, if the phone had no line then. It counts from when it comes in, and is written with
            its age; an intention that the case has gone past since is refused.

    Raises:
        Refused: Not his page, an unknown verb, or not possible now; `code` tells.
    """
    if verb not in tuple(Verb):
        raise Refused("unknown_verb")
    nonce, to = clean(nonce), clean(to)[:TO_LENGTH]
    row = await (await conn.execute(OUT.page, {"id": page_id})).fetchone()
    if row is None:
        raise Refused("unknown_page")
    _, incident_id, owner, role, _ = row
    if owner != person_id:
        raise Refused("not_your_page")
    await _still_here(conn, person_id)
    if verb in (Verb.DELIVERED, Verb.READ):
        text = OUT.received if verb == Verb.DELIVERED else OUT.read
        receipt = await conn.execute(text, {"id": page_id, "person": person_id})
        return Answered(incident_id=incident_id, repeat=receipt.rowcount == 0)
    said = _Said(person_id=person_id, role=Role(role), verb=Verb(verb), to=to, position=position, tapped_at=tapped_at)
    async with conn.transaction():
        before, repeat = await _hold(conn, incident_id, person_id, verb, nonce)
        if repeat:
            return Answered(incident_id=incident_id, repeat=True, incident=before.incident)
        if said.verb in PROMISES:
            await _not_too_often(conn, incident_id, person_id)
        event = await _event(conn, before, said, nonce)
        words = f"→ {to}" if to and verb == Verb.HANDED_OVER else ""
        after = await _apply(conn, before, event, person_id, words)
        # Somebody who answers has read it, whatever became of the receipt.
        await conn.execute(OUT.read, {"id": page_id, "person": person_id})
    return Answered(incident_id=incident_id, incident=after)


@dataclass(frozen=True, kw_only=True)
class _Said:
    """An answer, as it came in."""

    person_id: int
    role: Role
    verb: Verb
    to: str
    position: Position | None
    tapped_at: datetime | None


async def _event(conn: Connection, at: store.Situation, said: _Said, nonce: str) -> events.Event:
    """Return what an answer means for a case that this transaction holds."""
    who, age_s = said.person_id, await _age(conn, at, said, nonce)
    match said.verb:
        case Verb.ACCEPT:
            return events.Taken(person_id=who, age_s=age_s, role=said.role)
        case Verb.CANNOT_GO:
            return events.CannotGo(person_id=who, age_s=age_s)
        case Verb.EN_ROUTE:
            return events.EnRoute(person_id=who, age_s=age_s)
        case Verb.LEFT:
            return events.Left(person_id=who, age_s=age_s)
        case Verb.HANDED_OVER:
            return events.HandedOver(person_id=who, age_s=age_s, to=said.to, at_desk=said.role is Role.OPERATOR)
        case _:
            shown = await _shown(conn, at, said, age_s)
            return events.Arrived(person_id=who, age_s=age_s, proof=shown.proof, distance_m=shown.distance_m)


async def _not_too_often(conn: Connection, incident_id: int, person_id: int) -> None:
    """Refuse somebody, or a program of his, that keeps changing its mind: each time everybody else is called anew."""
    about = {"incident": incident_id, "person": person_id, "within": PROMISED_WITHIN}
    row = await (await conn.execute(CASES.promises, about)).fetchone()
    if row is not None and row[0] > MOST_PROMISES:
        raise Refused("too_often")


async def _age(conn: Connection, at: store.Situation, said: _Said, nonce: str) -> float:
    """How long a tap was under way, in seconds; refused when the case has gone past it."""
    tapped = said.tapped_at
    if tapped is None or tapped.tzinfo is None or at.now - tapped <= LATE_TAP:
        return 0.0
    assert at.incident is not None
    about = {"incident": at.incident.incident_id, "person": said.person_id, "tapped_at": tapped, "nonce": nonce,
             "verb": said.verb.value}  # fmt: skip
    await conn.execute(CASES.tapped, about)
    overtaken = await (await conn.execute(CASES.overtaken, about)).fetchone()
    if at.now - tapped > OLDEST_TAP or (said.verb in INTENTIONS and overtaken is not None):
        raise Refused("tap_overtaken")
    return (at.now - tapped).total_seconds()


async def _shown(conn: Connection, at: store.Situation, said: _Said, age_s: float) -> Shown:
    """What proves that he is there: her button near the time he pressed, or where his phone is."""
    assert at.incident is not None
    when = at.now - timedelta(seconds=age_s)
    about = {"incident": at.incident.incident_id, "person": said.person_id}
    row = await (await conn.execute(CASES.at_the_door, about)).fetchone()
    assert row is not None
    lat, lon, accepted_at, presses = row
    since = max(at.incident.opened_at, accepted_at or at.incident.opened_at)
    home = None if lat is None or lon is None else (lat, lon)
    return proof_of(when, presses=presses, since=since, position=said.position, home=home)


async def _link(conn: Connection, incident_id: int, other: int, why: str, person_id: int) -> bool:
    if other == incident_id:
        raise Refused("name_the_other_case")
    pair = {"a": min(incident_id, other), "b": max(incident_id, other), "why": why, "person": person_id}
    made = await (await conn.execute(CASES.link, pair)).fetchone()
    if made is None:
        raise Refused("no_such_case")
    return bool(made[0])


async def _do(
    conn: Connection,
    incident_id: int,
    person_id: int,
    event: events.Event,
    *,
    verb: str,
    nonce: str | None,
    words: str = "",
) -> Incident:
    async with conn.transaction():
        at, repeat = await _hold(conn, incident_id, person_id, verb, nonce)
        if repeat:
            assert at.incident is not None
            return at.incident
        return await _apply(conn, at, event, person_id, words)


async def _hold(
    conn: Connection, incident_id: int, person_id: int, verb: str, nonce: str | None
) -> tuple[store.Situation, bool]:
    """Hold the incident, and say whether this tap is a repeat. The lock comes first: all else refers to it."""
    at = await incidents.situation(conn, incident_id)
    if at.incident is not None and at.incident.area != canary.AREA and await _is_canary(conn, person_id):
        raise Refused("not_an_operator")  # its secret lies in a file: whoever reads it must not act on real cases
    return at, nonce is not None and not await _first(conn, incident_id, person_id, verb, nonce)


async def _apply(
    conn: Connection, at: store.Situation, event: events.Event, person_id: int, words: str = ""
) -> Incident:
    if words.strip():
        await store.add_note(conn, at, person_id, words[:NOTE_LENGTH])
    try:
        return (await incidents.apply(conn, at, event, f"person:{person_id}")).incident
    except events.Refused as no:
        raise Refused(no.reason, no.text) from no


async def _note(conn: Connection, at: store.Situation, person_id: int, text: str) -> int:
    if not text.strip():
        raise Refused("empty_note", "write something")
    note_id = await store.add_note(conn, at, person_id, text[:NOTE_LENGTH])
    await store.append(conn, at, f"person:{person_id}", "noted", {"note": note_id})
    return note_id


async def _first(conn: Connection, incident_id: int, person_id: int, verb: str, nonce: str) -> bool:
    """Whether this tap is new; it is remembered if the transaction commits, so a refused one may be tried again.

    A nonce that comes back with another verb is another tap of a careless sender: "cannot go" must not be taken for the
    "I go" before it.
    """
    if not 0 < len(nonce) <= NONCE_LENGTH:
        raise Refused("unknown_verb", "an answer needs a nonce of 1 to 100 characters")
    values: dict[str, Any] = {"id": incident_id, "person": person_id, "nonce": nonce, "verb": verb}
    if await (await conn.execute(Q.answered, values)).fetchone() is not None:
        return True
    if await (await conn.execute(CASES.said_before, values)).fetchone() is not None:
        return False
    values["nonce"] = f"{verb} {nonce}"
    return await (await conn.execute(Q.answered, values)).fetchone() is not None


async def _is_canary(conn: Connection, person_id: int) -> bool:
    row = await (await conn.execute(PEOPLE.person, {"id": person_id})).fetchone()
    return row is not None and bool(row[4])


async def _seated(conn: Connection, person_id: int) -> bool:
    """Whether somebody works the console. Asked once for each press of a button; the event carries the answer."""
    return await _still_here(conn, person_id) in AT_THE_DESK


async def _still_here(conn: Connection, person_id: int) -> str:
    """Return the role of somebody whose account still counts."""
    row = await (await conn.execute(PEOPLE.person, {"id": person_id})).fetchone()
    if row is None or not row[3]:
        raise Refused("inactive_person")
    return str(row[1])
