"""Calls of the telephone as rows: made, come in, held while a report moves them; whose a number is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.store.console import Row, row, rows
from hub.store.pool import Connection
from hub.store.sql import queries
from hub.telephony.states import State

Q = queries("telephony")
CALLABLE = 24  # people and devices that are offered for one case
LISTED = 100  # calls of one case that are shown
WAITING = 30  # calls that came in and are shown at once
CALLERS = 12  # residents that one number may belong to
CARD_LINES = 200


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call as it stands, held by this transaction."""

    id: int
    incident_id: int | None
    direction: str
    state: State
    provider: str
    reference: str | None
    ours: str
    number: str
    party: str
    resident_id: int | None
    person_id: int | None
    device_id: int | None
    operator_id: int | None
    asked_at: datetime
    ringing_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    seconds: int | None
    why: str
    recording: str
    looks: int
    seen_by: int | None


async def hold(conn: Connection, call_id: int) -> Call | None:
    """Return a call, held until commit; its case, where it has one, is held before it."""
    found = await row(conn, Q.hold, call=call_id)
    return None if found is None else Call(**found | {"state": State(found["state"])})


async def write(conn: Connection, call: Call, patience_s: float) -> None:
    """Write a call back as it stands now."""
    values: dict[str, Any] = {
        "call": call.id, "state": str(call.state), "reference": call.reference, "ringing_at": call.ringing_at,
        "answered_at": call.answered_at, "ended_at": call.ended_at, "seconds": call.seconds, "why": call.why,
        "recording": call.recording, "operator": call.operator_id, "incident": call.incident_id,
        "resident": call.resident_id, "seen_by": call.seen_by, "patience_s": patience_s,
    }  # fmt: skip
    await conn.execute(Q.update, values)


async def meant(conn: Connection, provider: str, reference: str, ours: str) -> tuple[int, int | None] | None:
    """Return the call that a report is about, and its case."""
    found = await row(conn, Q.meant, provider=provider, reference=reference or None, ours=ours or None)
    return None if found is None else (int(found["id"]), found["incident_id"])


async def first_time(conn: Connection, provider: str, nonce: str) -> bool:
    """Whether this report is new; it is remembered if the transaction commits."""
    return await row(conn, Q.heard_before, provider=provider, nonce=nonce) is not None


async def callers(conn: Connection, number: str) -> list[Row]:
    """Return whose number it is, what is open first; nothing for a number that is withheld."""
    return await rows(conn, Q.callers, number=number, limit=CALLERS) if number else []


async def callable_for(conn: Connection, incident_id: int) -> list[Row]:
    """Return whom an operator may call for a case: party, id, name, relation, number."""
    return await rows(conn, Q.callable, incident=incident_id, limit=CALLABLE)


async def of_case(conn: Connection, incident_id: int) -> list[Row]:
    return await rows(conn, Q.of_case, incident=incident_id, limit=LISTED)


async def waiting(conn: Connection, person_id: int) -> list[Row]:
    """Return calls that came in and wait for somebody, each with the residents that the number may belong to."""
    found = await rows(conn, Q.waiting, person=person_id, limit=WAITING)
    for call in found:
        known = await callers(conn, call["number"])
        if call["resident_id"] is not None:
            known = [k for k in known if k["resident_id"] == call["resident_id"]] or known
        call["known"] = known
    cards = await _cards(conn, {k["resident_id"] for call in found for k in call["known"] if k["resident_id"]})
    for call in found:
        numbers = dict.fromkeys(k["resident_id"] for k in call["known"])
        call["cards"] = [cards[number] for number in numbers if number in cards]
    return found


async def _cards(conn: Connection, residents: set[int]) -> dict[int, Row]:
    if not residents:
        return {}
    about = {"residents": sorted(residents)}
    cards = {r["id"]: r | {"circle": [], "devices": []} for r in await rows(conn, Q.card, **about)}
    for name, query in (("circle", Q.card_circle), ("devices", Q.card_devices)):
        for found in await rows(conn, query, **about, limit=CARD_LINES):
            cards[found["resident_id"]][name].append(found)
    return cards
