"""What people do: operators at a console, responders on their phones. One transaction each.

Every function takes a connection outside a transaction and raises `Refused`, having changed nothing, when the case does
not allow it, and `UnknownIncidentError` when there is none. Words people write become notes, which may be erased; the
chain of events keeps identifiers only.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from alerts import events
from alerts.model import Disposition, Incident, Role
from hub import incidents
from hub.refusals import Refused
from hub.store import incidents as store
from hub.store.pool import Connection
from hub.store.sql import queries
from hub.store.telemetry import clean

__all__ = [
    "Answered", "Refused", "Verb", "answer", "cancel", "close", "dispatch", "hand_over", "hold", "note", "release",
    "resolve", "take",
]  # fmt: skip

Q = queries("incidents")
OUT = queries("outbox")
PEOPLE = queries("people")
NOTE_LENGTH = 4_000
NONCE_LENGTH = 100
TO_LENGTH = 200  # a name or a number, not a letter
AT_THE_DESK = frozenset({"operator", "supervisor"})


async def take(conn: Connection, incident_id: int, person_id: int, *, nonce: str | None = None) -> Incident:
    """An operator handles it. Again by the same operator changes nothing."""
    await _at_the_desk(conn, person_id)
    event = events.Taken(person_id=person_id, role=Role.OPERATOR)
    return await _do(conn, incident_id, person_id, event, verb="take", nonce=nonce)


async def dispatch(
    conn: Connection, incident_id: int, by: int, person_id: int | None = None, *, nonce: str | None = None
) -> Incident:
    """Send this person, or, without one, the policy's next step."""
    await _at_the_desk(conn, by)
    event = events.Dispatched(by=by, person_id=person_id)
    return await _do(conn, incident_id, by, event, verb="dispatch", nonce=nonce)


async def release(conn: Connection, incident_id: int, person_id: int, *, nonce: str | None = None) -> Incident:
    """Back into the queue; escalation goes on."""
    return await _do(conn, incident_id, person_id, events.Released(by=person_id), verb="release", nonce=nonce)


async def hold(
    conn: Connection, incident_id: int, person_id: int, reason: str, until: datetime, *, nonce: str | None = None
) -> Incident:
    """Put it aside for a reason and a time; its end rings."""
    await _at_the_desk(conn, person_id)
    event = events.Held(by=person_id, reason=reason, until=until)
    return await _do(conn, incident_id, person_id, event, verb="hold", nonce=nonce, words=reason)


async def hand_over(
    conn: Connection, incident_id: int, person_id: int, to: str, *, nonce: str | None = None
) -> Incident:
    """Somebody named, or a 120 number, is with her now."""
    event = events.HandedOver(person_id=person_id, to=to)
    return await _do(conn, incident_id, person_id, event, verb="hand_over", nonce=nonce, words=f"→ {to}" if to else "")


async def resolve(
    conn: Connection, incident_id: int, person_id: int, how: str, *, nonce: str | None = None
) -> Incident:
    """The danger is over, as somebody heard or saw."""
    await _at_the_desk(conn, person_id)
    event = events.Resolved(by=person_id, how=how)
    return await _do(conn, incident_id, person_id, event, verb="resolve", nonce=nonce)


async def close(
    conn: Connection, incident_id: int, person_id: int, *, disposition: Disposition, done: str, with_whom: str,
    second_person_id: int | None = None, called_back: bool = False, nonce: str | None = None,
) -> Incident:  # fmt: skip
    """Write how it ended, what was done and who is with her. Severity 1 needs a second person, or that she answered."""
    await _at_the_desk(conn, person_id)
    if second_person_id is not None:
        await _at_the_desk(conn, second_person_id)
    event = events.Closed(
        by=person_id, disposition=disposition, with_whom=with_whom, second_person_id=second_person_id,
        called_back=called_back,
    )  # fmt: skip
    words = "\n".join(part for part in (done, f"→ {with_whom}" if with_whom else "") if part)
    return await _do(conn, incident_id, person_id, event, verb="close", nonce=nonce, words=words)


async def cancel(conn: Connection, incident_id: int, person_id: int, *, nonce: str | None = None) -> Incident:
    """An operator spoke with her while the countdown ran: it was nothing."""
    await _at_the_desk(conn, person_id)
    return await _do(conn, incident_id, person_id, events.Cancelled(by=person_id), verb="cancel", nonce=nonce)


async def note(
    conn: Connection, incident_id: int, person_id: int, text: str, *, nonce: str | None = None
) -> int | None:
    """Write something down; None when this very note was written before."""
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


EVENTS: dict[Verb, Callable[[int, Role, str], events.Event]] = {
    Verb.ACCEPT: lambda who, role, _: events.Taken(person_id=who, role=role),
    Verb.CANNOT_GO: lambda who, _r, _t: events.CannotGo(person_id=who),
    Verb.EN_ROUTE: lambda who, _r, _t: events.EnRoute(person_id=who),
    Verb.ARRIVED: lambda who, _r, _t: events.Arrived(person_id=who),
    Verb.LEFT: lambda who, _r, _t: events.Left(person_id=who),
    Verb.HANDED_OVER: lambda who, _r, to: events.HandedOver(person_id=who, to=to),
}


async def answer(  # noqa: PLR0917 - said in the order of the message
    conn: Connection, person_id: int, page_id: int, nonce: str, verb: str, to: str = ""
) -> Answered:
    """Take a responder's answer to a page of his.

    Args:
        conn: a connection outside a transaction.
        person_id: who answers, as proved by the link or the terminal's credential.
        page_id: the page that is answered.
        nonce: the same on every repeat of this tap.
        verb: a `Verb`.
        to: for `handed_over`: who is with her now.

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
    event = EVENTS[Verb(verb)](person_id, Role(role), to)
    words = f"→ {to}" if to and verb == Verb.HANDED_OVER else ""
    async with conn.transaction():
        before, repeat = await _hold(conn, incident_id, person_id, verb, nonce)
        if repeat:
            return Answered(incident_id=incident_id, repeat=True, incident=before.incident)
        after = await _apply(conn, before, event, person_id, words)
        # Somebody who answers has read it, whatever became of the receipt.
        await conn.execute(OUT.read, {"id": page_id, "person": person_id})
    return Answered(incident_id=incident_id, incident=after)


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
    """Whether this tap is new; it is remembered if the transaction commits, so a refused one may be tried again."""
    if not 0 < len(nonce) <= NONCE_LENGTH:
        raise Refused("unknown_verb", "an answer needs a nonce of 1 to 100 characters")
    values: dict[str, Any] = {"id": incident_id, "person": person_id, "nonce": nonce, "verb": verb}
    return await (await conn.execute(Q.answered, values)).fetchone() is not None


async def _at_the_desk(conn: Connection, person_id: int) -> None:
    if await _still_here(conn, person_id) not in AT_THE_DESK:
        raise Refused("not_an_operator")


async def _still_here(conn: Connection, person_id: int) -> str:
    """Return the role of somebody whose account still counts."""
    row = await (await conn.execute(PEOPLE.person, {"id": person_id})).fetchone()
    if row is None or not row[3]:
        raise Refused("inactive_person")
    return str(row[1])
