"""What whoever was called answers, on a phone or a terminal. One transaction each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from alerts import events
from alerts.arrival import Position, Shown, proof_of
from alerts.mistaken import TAKES_BACK_WITHIN
from alerts.model import ENDED, Incident, Role
from hub.refusals import Refused
from hub.store import incidents as store
from hub.store.pool import Connection
from hub.store.sql import queries
from hub.store.telemetry import clean
from hub.taps import actor, happen, lock

OUT = queries("outbox")
CASES = queries("cases")
TO_LENGTH = 200  # a name or a number, not a letter
LATE_TAP = timedelta(seconds=10)  # a tap that was longer under way is judged as one made without a line
MOST_PROMISES = 6  # so often in a minute one person may say that he goes; that he cannot, or is there, is always heard
PROMISED_WITHIN = timedelta(minutes=1)
OLDEST_TAP = timedelta(hours=12)  # no phone's queue is believed for longer


class Verb(StrEnum):
    """What a responder's phone or terminal can say about a page."""

    ACCEPT = "accept"
    CANNOT_GO = "cannot_go"
    EN_ROUTE = "en_route"
    ARRIVED = "arrived"
    LEFT = "left"
    HANDED_OVER = "handed_over"
    MISTAKE = "mistake"  # what he tapped last is taken back
    DELIVERED = "delivered"
    READ = "read"


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What an answer did."""

    incident_id: int
    repeat: bool = False
    incident: Incident | None = None  # after the answer; None for receipts, which change no incident


PROMISES = frozenset({Verb.ACCEPT, Verb.EN_ROUTE, Verb.MISTAKE})
INTENTIONS = PROMISES | {Verb.CANNOT_GO}  # what may be overtaken; the rest are facts
PLAIN: Mapping[Verb, type[events.CannotGo | events.EnRoute | events.Left]] = {
    Verb.CANNOT_GO: events.CannotGo, Verb.EN_ROUTE: events.EnRoute, Verb.LEFT: events.Left,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class LastTap:
    """What somebody may take back: the last he said of it, while nothing of his or of the desk's came after."""

    seq: int  # of its event
    tap: Literal["arrived", "handed_over", "cannot_go"]
    pressed_at: datetime
    goes: bool  # before it he had said that he goes

    @property
    def until(self) -> datetime:
        """Until when it may be taken back."""
        return self.pressed_at + TAKES_BACK_WITHIN


async def last_tap(conn: Connection, incident_id: int, person_id: int) -> LastTap | None:
    """Return what this person may take back; None: nothing."""
    about = {"incident": incident_id, "actor": f"person:{person_id}"}
    row = await (await conn.execute(CASES.last_tap, about)).fetchone()
    return None if row is None else LastTap(seq=row[0], tap=row[1], pressed_at=row[2], goes=row[3])


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
    who = await actor(conn, person_id)
    if verb in (Verb.DELIVERED, Verb.READ):
        text = OUT.received if verb == Verb.DELIVERED else OUT.read
        receipt = await conn.execute(text, {"id": page_id, "person": person_id})
        return Answered(incident_id=incident_id, repeat=receipt.rowcount == 0)
    said = _Said(person_id=person_id, role=Role(role), verb=Verb(verb), to=to, position=position, tapped_at=tapped_at)
    async with conn.transaction():
        before, repeat = await lock(conn, incident_id, who, verb, nonce)
        if repeat:
            return Answered(incident_id=incident_id, repeat=True, incident=before.incident)
        if said.verb is Verb.LEFT and before.incident is not None and before.incident.state in ENDED:
            # The desk was quicker: he has done his part, and the case is not touched any more.
            return Answered(incident_id=incident_id, incident=before.incident)
        if said.verb in PROMISES:
            await _not_too_often(conn, incident_id, person_id)
        event = await _event(conn, before, said, nonce)
        words = f"→ {to}" if to and verb == Verb.HANDED_OVER else ""
        after = await happen(conn, before, who, event, words)
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
        case Verb.CANNOT_GO | Verb.EN_ROUTE | Verb.LEFT:
            return PLAIN[said.verb](person_id=who, age_s=age_s)
        case Verb.MISTAKE:
            return await _taken_back(conn, at, said, age_s)
        case Verb.HANDED_OVER:
            return events.HandedOver(person_id=who, age_s=age_s, to=said.to, at_desk=said.role is Role.OPERATOR)
        case _:
            shown = await _shown(conn, at, said, age_s)
            return events.Arrived(person_id=who, age_s=age_s, proof=shown.proof, distance_m=shown.distance_m)


async def _taken_back(conn: Connection, at: store.Situation, said: _Said, age_s: float) -> events.Event:
    assert at.incident is not None
    last = await last_tap(conn, at.incident.incident_id, said.person_id)
    if last is None:
        raise Refused("nothing_to_take_back")
    since = at.now - timedelta(seconds=age_s) - last.pressed_at
    return events.Mistaken(
        person_id=said.person_id, age_s=age_s, tap=last.tap, seq=last.seq, since_s=since.total_seconds(),
        role=said.role, goes=last.goes,
    )  # fmt: skip


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
