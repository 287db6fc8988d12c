"""One press of a button, at the desk or on a phone: who presses, whether it is a repeat, and its transaction."""

from dataclasses import dataclass
from typing import Any

from alerts import events
from alerts.model import Incident
from hub import incidents
from hub.refusals import Refused
from hub.store import canary
from hub.store import incidents as store
from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("incidents")
PEOPLE = queries("people")
CASES = queries("cases")
NOTE_LENGTH = 4_000
NONCE_LENGTH = 100
AT_THE_DESK = frozenset({"operator", "supervisor"})


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who presses: looked at once, and carried along for as long as this press takes."""

    person_id: int
    role: str
    canary: bool

    @property
    def at_desk(self) -> bool:
        return self.role in AT_THE_DESK

    @property
    def sends(self) -> bool:
        """Whether he may send somebody: a dispatcher does, his own people; whom, the page has looked at."""
        return self.at_desk or self.role == "dispatcher"

    @property
    def name(self) -> str:
        """As whom he stands in the chain."""
        return f"person:{self.person_id}"


async def actor(conn: Connection, person_id: int) -> Actor:
    """Return somebody whose account still counts.

    Raises:
        Refused: It does not, or there is nobody of that number.
    """
    row = await (await conn.execute(PEOPLE.person, {"id": person_id})).fetchone()
    if row is None or not row[3]:
        raise Refused("inactive_person")
    return Actor(person_id=person_id, role=str(row[1]), canary=bool(row[4]))


async def at_desk(conn: Connection, person_id: int) -> Actor:
    """Return somebody who works the console; refused to anybody else."""
    who = await actor(conn, person_id)
    if not who.at_desk:
        raise Refused("not_an_operator")
    return who


async def act(
    conn: Connection, incident_id: int, who: Actor, event: events.Event, *, verb: str, nonce: str | None,
    words: str = "",
) -> Incident:  # fmt: skip
    """Let an event happen, once for each nonce, in a transaction of its own."""
    async with conn.transaction():
        at, repeat = await lock(conn, incident_id, who, verb, nonce)
        if repeat:
            assert at.incident is not None
            return at.incident
        return await happen(conn, at, who, event, words)


async def lock(
    conn: Connection, incident_id: int, who: Actor, verb: str, nonce: str | None
) -> tuple[store.Situation, bool]:
    """Hold the incident, and say whether this tap is a repeat. The lock comes first: all else refers to it."""
    at = await incidents.situation(conn, incident_id)
    if who.canary and at.incident is not None and at.incident.area != canary.AREA:
        raise Refused("not_an_operator")  # its secret lies in a file: whoever reads it must not act on real cases
    return at, nonce is not None and not await _first(conn, incident_id, who.person_id, verb, nonce)


async def happen(conn: Connection, at: store.Situation, who: Actor, event: events.Event, words: str = "") -> Incident:
    """Apply an event to a case that this transaction holds; what people write beside it becomes a note."""
    if words.strip():
        await store.add_note(conn, at, who.person_id, words[:NOTE_LENGTH])
    try:
        return (await incidents.apply(conn, at, event, who.name)).incident
    except events.Refused as no:
        raise Refused(no.reason, no.text) from no


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
