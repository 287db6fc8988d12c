"""What becomes of a call: reports of the provider, calls that come in. A report moves a call as `states` allows and is
told in the chain of its case; one that comes late, twice or out of order changes nothing wrongly.

Locks are taken case first, then call, as everywhere.
"""

import secrets
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog

from alerts import events
from alerts.model import ENDED, Role
from hub import incidents
from hub.refusals import Refused
from hub.store import incidents as cases
from hub.store import telephony as store
from hub.store.console import row
from hub.store.pool import Connection, hub_now
from hub.store.telephony import Call
from hub.taps import Actor, at_desk, happen
from hub.telephony.states import OVER, State, after
from hub.telephony.telephone import Report, Telephone

OURS_BYTES = 11  # 15 characters, what Aliyun gives back
EXTENSION_LENGTH = 20
LOOKS = 3  # a call that gets its case between our look and our lock is looked at again
TOLD = {
    State.RINGING_DESK: "call_ringing_desk", State.RINGING: "call_ringing", State.ANSWERED: "call_answered",
    State.ENDED: "call_ended", State.FAILED: "call_failed", State.LOST: "call_lost",
}  # fmt: skip
log = structlog.get_logger()


async def hear(conn: Connection, telephone: Telephone, report: Report) -> str:
    """Write down what was reported, once; returns what became of it, for the counter."""
    async with conn.transaction():
        if report.nonce and not await store.first_time(conn, telephone.name, report.nonce):
            return "repeat"
        found = await store.meant(conn, telephone.name, report.reference, report.ours)
        if found is None:
            if not report.incoming:
                return "unknown"
            await _arrived(conn, telephone, report)
            return "incoming"
        held = await hold(conn, found[0])
        if held is None:
            return "unknown"
        one, at = held
        if one.reference is None and report.reference:
            one = replace(one, reference=report.reference)
        by = await _who_answered(conn, one, report)
        if by is None:
            return await moved(conn, telephone, one, at, report, "hub")
        one = replace(one, operator_id=by.person_id)
        became = await moved(conn, telephone, one, at, report, by.name)
        if one.incident_id is not None:
            await take(conn, one.incident_id, by)
        return became


async def _who_answered(conn: Connection, one: Call, report: Report) -> Actor | None:
    """The operator at whose extension a call that came in was answered: he has it, and its case with it."""
    if not report.extension or one.direction != "in" or one.operator_id is not None:
        return None
    found = await row(conn, store.Q.by_extension, extension=report.extension[:EXTENSION_LENGTH])
    try:
        return None if found is None else await at_desk(conn, found["id"])
    except Refused:
        return None


async def hold(conn: Connection, call_id: int) -> tuple[Call, cases.Situation | None] | None:
    """Hold a call and, before it, its case. A call that gets a case meanwhile is looked at again."""
    for _ in range(LOOKS):
        found = await row(conn, store.Q.case_of, call=call_id)
        if found is None:
            return None
        number = found["incident_id"]
        at = None if number is None else await incidents.situation(conn, number)
        one = await store.hold(conn, call_id)
        if one is not None and one.incident_id == number:
            return one, at
    return None


async def moved(  # noqa: PLR0917 - a call, and what moves it
    conn: Connection, telephone: Telephone, one: Call, at: cases.Situation | None, report: Report, actor: str
) -> str:
    """Move a call as a report says, and tell its case."""
    now = at.now if at is not None else await hub_now(conn)
    state, when = after(one.state, report.state), min(report.at or now, now)
    changed = state is not one.state
    fresh_recording = bool(report.recording) and not one.recording
    one = _with_facts(replace(one, state=state), report, when, moved=changed)
    await store.write(conn, one, telephone.patience_s)
    if at is not None:
        seq = [TOLD[state]] if changed and state in TOLD else []
        seq += ["call_recorded"] if fresh_recording else []
        for what in seq:
            body = facts(one.id, one.party, one.person_id or one.device_id)
            if what == "call_ended":
                body["seconds"] = one.seconds
            if what == "call_failed":
                body["failed"] = one.why
            at = await append(conn, at, actor, what, body)
    await conn.execute(store.Q.stir)
    return str(state) if changed else "recorded" if fresh_recording else "late"


async def append(
    conn: Connection, at: cases.Situation, actor: str, what: str, body: dict[str, Any]
) -> cases.Situation:  # fmt: skip
    """Write one event, and return the case with the new end of its chain: a second one may follow."""
    await cases.append(conn, at, actor, what, body)
    assert at.incident is not None
    return await cases.by_id(conn, at.incident.incident_id)


def _with_facts(one: Call, report: Report, when: datetime, *, moved: bool) -> Call:
    """What a report says besides the state is kept even when the state has gone past it."""
    if report.state is State.RINGING and one.ringing_at is None:
        one = replace(one, ringing_at=when)
    if report.state is State.ANSWERED and one.answered_at is None:
        one = replace(one, answered_at=when)
    if moved and one.state in OVER:
        spoken = one.seconds if one.seconds is not None else report.seconds
        if spoken is None and one.answered_at is not None and one.state is State.ENDED:
            spoken = max(0, int((when - one.answered_at).total_seconds()))
        why = (report.why or "other") if one.state is State.FAILED else ""
        missed = one.state is State.FAILED and one.direction == "in"
        return replace(one, ended_at=when, seconds=spoken, why="missed" if missed else why,
                       recording=one.recording or report.recording)  # fmt: skip
    seconds = report.seconds if one.state is State.ENDED and report.seconds else one.seconds
    return replace(one, seconds=seconds, recording=one.recording or report.recording)


async def _arrived(conn: Connection, telephone: Telephone, report: Report) -> None:
    """Somebody calls: whose number it is, and whether something is open of hers. Of several, the open one counts."""
    known = await store.callers(conn, report.number)
    homes = {k["resident_id"] for k in known}
    first = known[0] if known and (len(homes) == 1 or known[0]["incident_id"] is not None) else None
    incident_id = first["incident_id"] if first else None
    at = None if incident_id is None else await incidents.situation(conn, incident_id)
    if at is not None and at.incident is not None and at.incident.state in ENDED:
        at = incident_id = None
    now = at.now if at is not None else await hub_now(conn)
    party = first["party"] if first else known[0]["party"] if known else "unknown"
    made = await row(
        conn, store.Q.arrive, incident=incident_id, provider=telephone.name, reference=report.reference,
        ours=secrets.token_urlsafe(OURS_BYTES), number=report.number, party=party,
        resident=first and first["resident_id"], contact=first and first["person_id"],
        device=first and first["device_id"], now=now, at=min(report.at or now, now), patience_s=telephone.patience_s,
    )  # fmt: skip
    if made is None:
        return  # another copy of this report was quicker
    call_id = int(made["id"])
    if at is not None and first is not None:
        body = facts(call_id, party, first["person_id"] or first["device_id"])
        at = await append(conn, at, "hub", "call_came_in", body)
    log.info("call_came_in", call=call_id, party=party, incident=incident_id)
    await conn.execute(store.Q.stir)
    if report.state not in (State.RINGING, None):  # the ringing was never reported
        held = await hold(conn, call_id)
        if held is not None:
            await moved(conn, telephone, *held, report, "hub")


async def take(conn: Connection, incident_id: int, who: Actor) -> None:
    """Whoever speaks with her has the case, unless somebody else has it."""
    at = await incidents.situation(conn, incident_id)
    if at.incident is not None and at.incident.state not in ENDED and at.incident.handler_id is None:
        event = events.Taken(person_id=who.person_id, role=Role.OPERATOR, at_desk=who.at_desk)
        await happen(conn, at, who, event)


def facts(call_id: int, party: str, whose: int | None) -> dict[str, Any]:
    """Identifiers only: a number is never in a chain."""
    body: dict[str, Any] = {"call": call_id, "party": party}
    if party == "contact":
        body["person"] = whose
    if party == "device":
        body["device"] = whose
    return body
