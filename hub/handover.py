"""The end of a shift: each open case is read and signed by whoever goes and by whoever comes."""

from collections.abc import Sequence
from datetime import timedelta

from alerts import events
from alerts.model import Role
from hub.refusals import Refused
from hub.store.console import Row, row, rows
from hub.store.pool import Connection
from hub.store.sql import queries
from hub.store.telemetry import clean
from hub.taps import act, at_desk

Q = queries("handovers")
CASES_LIMIT = 200  # of one handover; beyond it a centre is in a disaster, and everybody stays
NOTE_LENGTH = 1_000
PAST_LIMIT = 20
LATE = timedelta(minutes=15)  # a handover that is not signed by then is shown to the supervisor


async def begin(conn: Connection, outgoing: int, incoming: int, note: str = "") -> int:
    """Begin to hand over one's own cases and those that nobody has; returns the handover's number.

    Raises:
        Refused: The other is nobody of the desk or oneself, or one is handing over already.
    """
    await at_desk(conn, outgoing)
    if (await at_desk(conn, incoming)).canary or incoming == outgoing:
        raise Refused("handover_to_whom")
    async with conn.transaction():
        values = {"outgoing": outgoing, "incoming": incoming, "note": clean(note)[:NOTE_LENGTH]}
        made = await row(conn, Q.begin, **values)
        if made is None:
            raise Refused("handover_running")
        await conn.execute(Q.cases, {"handover": made["id"], "outgoing": outgoing, "limit": CASES_LIMIT})
        await conn.execute(Q.finish, {"handover": made["id"]})  # nothing was open: both know, and that is all
    return int(made["id"])


async def sign_out(conn: Connection, handover: int, incident: int, person: int, note: str) -> None:
    """Whoever goes has read a case and says what the next one has to know."""
    async with conn.transaction():
        held = await _held(conn, handover)
        if held["outgoing"] != person:
            raise Refused("not_your_handover")
        values = {"handover": handover, "incident": incident, "note": clean(note)[:NOTE_LENGTH]}
        if await row(conn, Q.sign_out, **values) is None:
            raise Refused("handover_signed")


async def sign_in(conn: Connection, handover: int, incident: int, person: int) -> None:
    """Whoever comes has read a case and has it from now on; the last signature ends the handover."""
    async with conn.transaction():
        held = await _held(conn, handover)
        if held["incoming"] != person:
            raise Refused("not_your_handover")
        signed = await row(conn, Q.sign_in, handover=handover, incident=incident)
        if signed is None:
            raise Refused("handover_unsigned")
        if signed["handler_id"] == held["outgoing"] and not signed["ended"]:
            await relieve(conn, incident, person, held["outgoing"])
        await conn.execute(Q.finish, {"handover": handover})


async def relieve(conn: Connection, incident: int, person: int, of: int) -> None:
    """Have a case from a colleague who goes: nothing rings, no timer moves, nobody on the way is called off."""
    who = await at_desk(conn, person)
    event = events.Taken(person_id=person, role=Role.OPERATOR, at_desk=who.at_desk, relieves=of)
    await act(conn, incident, who, event, verb="relieve", nonce=None)


async def call_off(conn: Connection, handover: int, person: int) -> None:
    """One of the two calls it off; signatures given until then are kept."""
    if await row(conn, Q.call_off, handover=handover, person=person) is None:
        raise Refused("not_your_handover")


async def under_way(conn: Connection, person: int | None) -> Sequence[Row]:
    """Return the handovers under way with their cases: a person's own, or everybody's."""
    found = await rows(conn, Q.open_ones, person=person)
    return [h | {"rows": await rows(conn, Q.of_one, handover=h["id"])} for h in found]


async def past(conn: Connection, person: int | None) -> Sequence[Row]:
    return await rows(conn, Q.past, person=person, limit=PAST_LIMIT)


async def successors(conn: Connection, person: int) -> Sequence[Row]:
    return await rows(conn, Q.successors, person=person)


async def waiting(conn: Connection, person: int, *, supervisor: bool) -> dict[str, int]:
    """Return how many handovers wait for this person's signature, and how many are late, which supervisors are told."""
    own = await row(conn, Q.waiting_for, person=person)
    late = await row(conn, Q.unsigned, after=LATE) if supervisor else None
    return {"own": own["count"] if own else 0, "late": late["count"] if late else 0}


async def _held(conn: Connection, handover: int) -> Row:
    found = await row(conn, Q.hold, handover=handover)
    if found is None or found["ended_at"] is not None:
        raise Refused("handover_over")
    return found
