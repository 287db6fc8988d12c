"""What operators do with the telephone: call, hang up, take a call that came in, make a case of it. Each press stands
in the chain of its case. What the provider reports is in `reports`.
"""

import secrets
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from alerts.model import ENDED, Alert, AlertKind, Severity
from hub import incidents
from hub.refusals import Refused
from hub.store import access
from hub.store import incidents as cases
from hub.store import telephony as store
from hub.store.console import Row, row
from hub.store.pool import Connection, Pool, hub_now
from hub.store.telephony import Call
from hub.taps import NONCE_LENGTH, at_desk, lock
from hub.telephony import reports
from hub.telephony.reports import OURS_BYTES
from hub.telephony.states import OVER, State
from hub.telephony.telephone import Asked, Order, Report, Telephone, dialable

CALLS_A_MINUTE = 6  # of one operator: more is a key that sticks
REASON_LENGTH = 200
LOOK_AGAIN_S = 60.0  # a call that a press was about is followed on
log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class CallAlert(Alert):
    """Somebody called for help by telephone. A caller whom nobody knows is a case of its own."""

    call: int = field(default=0)

    @property
    def dedup_key(self) -> str:
        return f"call:{self.call}" if self.resident_id is None else f"resident:{self.resident_id}"


@dataclass(frozen=True, kw_only=True)
class Target:
    """Whom an operator wants on the line."""

    party: str  # resident, contact, device
    id: int


async def call(  # noqa: PLR0917 - the parts of one press
    pool: Pool, telephone: Telephone, incident_id: int, operator_id: int, target: Target, nonce: str
) -> int:  # fmt: skip
    """Have the operator's telephone ring, then the other; returns the number of the call. The same press is one call.

    Raises:
        Refused: Nobody to be called here, no number, no telephone of the operator, too many calls, or an ended case.
    """
    async with pool.connection() as conn:
        placed = await _place(conn, telephone, incident_id, operator_id, target, nonce[:NONCE_LENGTH])
    if isinstance(placed, int):
        return placed
    call_id, order = placed
    asked = await telephone.originate(order)
    async with pool.connection() as conn:
        await _asked(conn, telephone, call_id, asked)
    log.info("call_placed", call=call_id, incident=incident_id, why=asked.why, detail=asked.detail)
    return call_id


async def _place(  # noqa: PLR0917 - the parts of one press
    conn: Connection, telephone: Telephone, incident_id: int, operator_id: int, target: Target, nonce: str
) -> int | tuple[int, Order]:
    who = await at_desk(conn, operator_id)
    async with conn.transaction():
        at, _ = await lock(conn, incident_id, who, "telephone", None)
        assert at.incident is not None
        before = await row(conn, store.Q.pressed, person=operator_id, nonce=nonce) if nonce else None
        if before is not None:
            return int(before["id"])
        if at.incident.state in ENDED:
            raise Refused("ended")
        about = await _wanted(conn, incident_id, target)
        number, desk = dialable(about["number"]), await _desk(conn, operator_id)
        if number is None:
            raise Refused("no_number")
        await _not_too_many(conn, operator_id)
        values: dict[str, Any] = {
            "incident": incident_id, "provider": telephone.name, "ours": secrets.token_urlsafe(OURS_BYTES),
            "number": number, "party": target.party, "resident": at.incident.resident_id,
            "contact": target.id if target.party == "contact" else None,
            "device": target.id if target.party == "device" else None, "operator": operator_id, "nonce": nonce,
            "now": at.now, "patience_s": telephone.patience_s,
        }  # fmt: skip
        made = await row(conn, store.Q.place, **values)
        assert made is not None
        call_id = int(made["id"])
        await cases.append(conn, at, who.name, "call_started", reports.facts(call_id, target.party, target.id))
    return call_id, Order(ours=values["ours"], desk=desk, number=number, now=at.now)


async def _wanted(conn: Connection, incident_id: int, target: Target) -> Row:
    for one in await store.callable_for(conn, incident_id):
        if (one["party"], one["id"]) == (target.party, target.id):
            return one
    raise Refused("unknown_person")


async def _desk(conn: Connection, operator_id: int) -> str:
    found = await row(conn, store.Q.desk, person=operator_id)
    assert found is not None
    desk: str | None = found["extension"] or dialable(found["phone"])
    if desk is None:
        raise Refused("no_extension")
    return desk


async def _not_too_many(conn: Connection, operator_id: int) -> None:
    found = await row(conn, store.Q.lately, person=operator_id)
    if found is not None and found["count"] >= CALLS_A_MINUTE:
        raise Refused("too_many_calls")


async def _asked(conn: Connection, telephone: Telephone, call_id: int, asked: Asked) -> None:
    """Write down what the provider answered. Its first report may have been quicker."""
    state = State.FAILED if asked.why else None
    async with conn.transaction():
        held = await reports.hold(conn, call_id)
        if held is None:
            return
        one, at = held
        if asked.reference and one.reference is None:
            one = replace(one, reference=asked.reference)
        await reports.moved(conn, telephone, one, at, Report(state=state, why=asked.why), "hub")


async def answer(conn: Connection, telephone: Telephone, call_id: int, operator_id: int) -> int | None:
    """An operator takes a call that waits; its case, where nobody has it, is hers with it. Returns the case.

    Raises:
        Refused: A colleague has it, or nobody is on the line any more.
    """
    who = await at_desk(conn, operator_id)
    async with conn.transaction():
        one, at = await _incoming(conn, call_id)
        if one.operator_id not in (None, operator_id):
            raise Refused("already_taken")
        if one.state in OVER and one.operator_id is None:
            raise Refused("caller_gone")
        if one.operator_id is None or one.state is State.RINGING:
            one = replace(one, operator_id=operator_id)
            await reports.moved(conn, telephone, one, at, Report(state=State.ANSWERED), who.name)
        if at is not None and at.incident is not None:
            await reports.take(conn, at.incident.incident_id, who)
        return one.incident_id


async def make_case(conn: Connection, call_id: int, operator_id: int, resident_id: int | None) -> int:
    """A call for help becomes a case, taken by whoever speaks: nobody else is called until she sends somebody.

    Raises:
        Refused: A colleague has the call.
    """
    who = await at_desk(conn, operator_id)
    async with conn.transaction():
        one, _ = await _incoming(conn, call_id)
        if one.incident_id is not None:
            return one.incident_id
        if one.operator_id not in (None, operator_id):
            raise Refused("already_taken")
        area = await _area(conn, resident_id)
        alert = CallAlert(
            alert_id=f"call:{one.id}", kind=AlertKind.SOS, severity=Severity.CRITICAL, raised_at=await hub_now(conn),
            resident_id=resident_id, device_id=one.device_id if resident_id == one.resident_id else None, area=area,
            identity=str(one.id), evidence={"call": one.id}, call=one.id,
        )  # fmt: skip
        raised = await incidents.raise_alert(conn, alert)
        number = raised.incident_id
        assert number is not None  # a call for help is never ignored
        at = await incidents.situation(conn, number)
        await reports.append(conn, at, who.name, "call_joined", reports.facts(one.id, one.party, one.person_id))
        one = replace(one, incident_id=number, resident_id=resident_id or one.resident_id, operator_id=operator_id)
        await store.write(conn, one, 0.0 if one.state in OVER else LOOK_AGAIN_S)
        await reports.take(conn, number, who)
        await conn.execute(store.Q.stir)
    log.info("call_made_case", call=call_id, incident=number)
    return number


async def seen(conn: Connection, call_id: int, operator_id: int) -> None:
    """An operator has seen to a call: called back, or nothing is to be done."""
    await at_desk(conn, operator_id)
    async with conn.transaction():
        one, _ = await _incoming(conn, call_id)
        if one.seen_by is None and (one.state in OVER or one.state is State.LOST or one.operator_id == operator_id):
            await store.write(conn, replace(one, seen_by=operator_id), LOOK_AGAIN_S)
        await conn.execute(store.Q.stir)


async def hang_up(pool: Pool, telephone: Telephone, call_id: int, operator_id: int) -> bool:
    """End a call that the desk made. The provider's report says when it was over; without one, this does."""
    async with pool.connection() as conn:
        who = await at_desk(conn, operator_id)
        async with conn.transaction():
            one = await store.hold(conn, call_id)
        if one is None or one.direction != "out":
            raise Refused("no_such_call")
        if one.state in OVER:
            return True
        now = await hub_now(conn)
    if not one.reference or not await telephone.hang_up(one.reference, now):
        return False
    async with pool.connection() as conn, conn.transaction():
        held = await reports.hold(conn, call_id)
        if held is not None:
            state = State.ENDED if held[0].state is State.ANSWERED else State.FAILED
            await reports.moved(conn, telephone, *held, Report(state=state, why="cancelled"), who.name)
    return True


async def recording(conn: Connection, call_id: int, operator_id: int, reason: str) -> str:
    """Return where a recording is; who asked and why is written in the same transaction.

    Raises:
        Refused: No reason, or no recording.
    """
    await at_desk(conn, operator_id)
    if not reason.strip():
        raise Refused("say_why")
    async with conn.transaction():
        found = await row(conn, store.Q.recording, call=call_id)
        if found is None:
            raise Refused("no_recording")
        await access.looked_at(
            conn, operator_id, "recording: console", found["resident_id"], reason.strip()[:REASON_LENGTH],
            incident=found["incident_id"],
        )  # fmt: skip
    return str(found["recording"])


async def _incoming(conn: Connection, call_id: int) -> tuple[Call, cases.Situation | None]:
    held = await reports.hold(conn, call_id)
    if held is None or held[0].direction != "in":
        raise Refused("no_such_call")
    return held


async def _area(conn: Connection, resident_id: int | None) -> str:
    if resident_id is None:
        return ""
    found = await row(conn, store.Q.area_of, resident=resident_id)
    if found is None:
        raise Refused("no_such_resident")
    return str(found["area"])
