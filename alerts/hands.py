"""What people do to an incident: take, send, go, arrive, hand over, hold, release, resolve, close, cancel."""

from datetime import datetime, timedelta
from typing import Any

from alerts.arrival import better
from alerts.authority import ALL_BUT_OPERATORS, by_operator
from alerts.escalation import (
    Pages,
    Reason,
    arrival_due,
    plan,
    ring_operators,
    send,
    stand_down_pages,
    urgent,
    watch,
    watch_on,
)
from alerts.events import (
    Arrived,
    Cancelled,
    CannotGo,
    Closed,
    Dispatched,
    EnRoute,
    HandedOver,
    Held,
    Left,
    Refused,
    Released,
    Resolved,
    Taken,
)
from alerts.model import Decision, Disposition, Incident, Role, Roster, Severity, State, Timer, TimerKind, Told
from alerts.policy import EscalationPolicy
from alerts.ringing import asked_by, closing_timer, is_technical, nobody_can, reopen
from alerts.roster import may_be_sent, person
from alerts.values import replace

EVERYBODY = tuple(Role)
ANSWER_WITHIN = timedelta(seconds=45)  # a chosen person has at least this long to say yes
WAITING = frozenset({State.CONFIRMING, State.OPEN, State.HELD})


def taken(incident: Incident, event: Taken, roster: Roster, now: datetime) -> Decision:
    """Somebody has it. The same person again changes nothing; a second one is told who came first."""
    if event.role is Role.OPERATOR:
        return _taken_by_operator(incident, event, now)
    return _taken_by_responder(incident, event, roster, now)


def _taken_by_operator(incident: Incident, event: Taken, now: datetime) -> Decision:
    if incident.state in WAITING:
        mine = replace(incident, state=State.TAKEN, handler_id=event.person_id, responder_id=None, responder_role=None)
        return _held_by(mine, now, _said("taken", person=event.person_id, role=event.role.value), EVERYBODY)
    if incident.handler_id == event.person_id:
        return Decision(incident=incident)
    if incident.handler_id is not None:
        raise _already(incident.handler_id)
    joined = replace(incident, handler_id=event.person_id)
    why = _said("taken", person=event.person_id, role=event.role.value)
    if incident.state is State.HANDED_OVER:
        return _watched(replace(joined, timer=closing_timer(joined, now)), why, (Role.OPERATOR,))
    if incident.state is State.TAKEN:
        return _held_by(joined, now, why, (Role.OPERATOR,))
    return _watched(replace(joined, timer=watch(joined, now)), why, (Role.OPERATOR,))


def _taken_by_responder(incident: Incident, event: Taken, roster: Roster, now: datetime) -> Decision:
    if incident.state is State.CONFIRMING:
        raise Refused("still_confirming", "the wearer may still cancel; nobody has been called")
    if incident.state in (State.HANDED_OVER, State.RESOLVED):
        raise Refused("not_needed", "somebody is with her already")
    if incident.state not in WAITING:
        if incident.responder_id == event.person_id:
            return Decision(incident=incident)
        if incident.responder_id is not None:
            raise _already(incident.responder_id)
    state = State.TAKEN if incident.state in WAITING else incident.state
    going = replace(
        incident,
        state=state,
        responder_id=event.person_id,
        responder_role=event.role,
        expires_at=now + incident.policy.ack_expires,
    )
    why = _said("taken", person=event.person_id, role=event.role.value)
    return _somebody_goes(incident, going, roster, now, why)


def dispatched(incident: Incident, event: Dispatched, roster: Roster, now: datetime) -> Decision:
    """Send a chosen person or the next step. Help that already goes is not called off by sending more."""
    by = replace(incident, handler_id=incident.handler_id or event.by, round=incident.round + 1)
    if incident.state in WAITING:
        by = replace(by, responder_id=None, responder_role=None)
    if event.person_id is None:
        next_step = replace(by, step=min(by.step + 1, by.policy.last), policy=_confirmed(by.policy))
        pages, timer, reasons = plan(next_step, roster, now, must_ring=True)
        by = replace(by, step=timer.step)
    else:
        pages, reasons = _chosen(by, event.person_id, roster, now), ()
        answer_by = now + max(ANSWER_WITHIN, by.policy.window_of(by.step))
        timer = Timer(kind=TimerKind.EXPIRY, due_at=answer_by, step=by.step, round=by.round)
    by = asked_by(by, pages)
    why = _said("dispatched", by=event.by, person=event.person_id, step=by.step)
    if incident.responder_id is not None and incident.state not in WAITING:
        state = State.DISPATCHED if incident.state is State.TAKEN else incident.state
        also = replace(by, state=state)
        sent = replace(also, timer=watch(also, now))
    else:
        sent = replace(by, state=State.DISPATCHED, expires_at=timer.due_at, timer=timer)
    return Decision(incident=sent, pages=pages, withdraw=True, reasons=(why, *reasons))


def _confirmed(policy: EscalationPolicy) -> EscalationPolicy:
    """The policy as an operator sends its steps: sending is the yes, so 120 is not put off to ask once more."""
    return replace(policy, steps=tuple(
        replace(step, notify=tuple(replace(t, operator_confirms=False, auto_after=None) for t in step.notify))
        for step in policy.steps
    ))  # fmt: skip


def _chosen(incident: Incident, person_id: int, roster: Roster, now: datetime) -> Pages:
    chosen = person(roster, person_id)
    if chosen is None:
        raise Refused("unknown_person", "not one of the people who may be called for this incident")
    if not may_be_sent(chosen):
        raise Refused("off_duty", "off duty: choose somebody on duty, or telephone")
    pages = send(incident, chosen, now)
    if not pages:
        raise Refused("unreachable", "no way to reach this person is known: telephone, or choose another")
    return pages


def cannot_go(incident: Incident, event: CannotGo, roster: Roster, now: datetime) -> Decision:
    """Whoever goes turns back: the queue has it again at once. When nobody who was called can go, the next step is."""
    why = _said("cannot_go", person=event.person_id)
    mine = incident.responder_id == event.person_id
    if mine and incident.state is State.ON_SCENE:
        raise _stay()
    asked = incident.state is State.DISPATCHED and incident.responder_id is None
    sent_one = asked and incident.timer is not None and incident.timer.kind is TimerKind.EXPIRY
    # Only who was sent turns it back: the no of somebody called before must not call off the one on his way to yes.
    chosen = sent_one and (event.person_id in incident.asked or not incident.asked)
    if chosen or (mine and incident.state in (State.TAKEN, State.DISPATCHED, State.EN_ROUTE)):
        return reopen(incident, roster, now, why)
    if event.person_id not in incident.asked:
        return Decision(incident=incident, reasons=(why,))
    fewer = replace(incident, declined=incident.declined | {event.person_id})
    return nobody_can(fewer, roster, now, why) or Decision(incident=fewer, reasons=(why,))


def en_route(incident: Incident, event: EnRoute, roster: Roster, now: datetime) -> Decision:
    """On the way. A second helper who sets out is written down and nobody is turned away."""
    if incident.state in (State.EN_ROUTE, State.ON_SCENE) and incident.responder_id == event.person_id:
        return Decision(incident=incident)
    other = incident.responder_id not in (None, event.person_id) and incident.state not in WAITING
    if other or incident.state is State.ON_SCENE:
        return Decision(incident=incident, reasons=(_said("also_en_route", person=event.person_id),))
    who = person(roster, event.person_id)
    going = _by(incident, event.person_id, roster)
    going = replace(going, state=State.EN_ROUTE, expires_at=arrival_due(incident, who, now))
    return _somebody_goes(incident, going, roster, now, _said("en_route", person=event.person_id))


def arrived(incident: Incident, event: Arrived, roster: Roster, now: datetime) -> Decision:
    """At the door. Whoever comes first is the responder, whoever had said he would."""
    how = {"person": event.person_id, "proof": event.proof and event.proof.value, "distance_m": event.distance_m}
    if incident.state is State.ON_SCENE:
        if incident.responder_id != event.person_id:
            return Decision(incident=incident, reasons=(_said("also_on_scene", person=event.person_id),))
        if not better(event.proof, incident.proof):
            return Decision(incident=incident)
        proved = watch_on(replace(incident, proof=event.proof), now)
        return Decision(incident=proved, reasons=(_said("proved", **how),))
    there = _by(incident, event.person_id, roster)
    there = replace(there, state=State.ON_SCENE, expires_at=now + incident.policy.scene_expires, proof=event.proof)
    return _somebody_goes(incident, there, roster, now, _said("arrived", **how))


def left(incident: Incident, event: Left, _roster: Roster, _now: datetime) -> Decision:
    """Leaving a person nobody has taken over is how people die: refused until she is handed over."""
    if incident.state is State.ON_SCENE and incident.responder_id == event.person_id:
        raise _stay()
    return Decision(incident=incident, reasons=(_said("left", person=event.person_id),))


def handed_over(incident: Incident, event: HandedOver, roster: Roster, now: datetime) -> Decision:
    """Somebody named, or a 120 number, is with her; an operator still has to resolve and close."""
    to = event.to.strip()
    if not to:
        raise Refused("name_who_takes_over", "say who is with her now: a name, or the 120 number")
    if event.person_id != incident.responder_id and not by_operator(event, roster):
        raise Refused("not_the_responder", "only who is on scene, or an operator he told, hands over")
    if incident.handed_to == to:
        return Decision(incident=incident)
    over = replace(incident, state=State.HANDED_OVER, handed_to=to, expires_at=None)
    timer = closing_timer(over, now)
    why = _said("handed_over", person=event.person_id)
    return Decision(incident=replace(over, timer=timer), reasons=(why,))


def released(incident: Incident, event: Released, roster: Roster, now: datetime) -> Decision:
    """Back into the queue by a person's will."""
    if incident.responder_id == event.by and incident.handler_id != event.by and incident.state is State.ON_SCENE:
        raise _stay()
    if event.by not in (incident.handler_id, incident.responder_id) and not by_operator(event, roster):
        raise Refused("not_yours", "somebody else has this incident")
    return reopen(incident, roster, now, _said("released", by=event.by))


def held(incident: Incident, event: Held, _roster: Roster, now: datetime) -> Decision:
    """Put aside for a reason and a time; its end rings."""
    if not event.reason.strip():
        raise Refused("hold_needs_reason", "say why it waits")
    if event.until.tzinfo is None or not now < event.until <= now + incident.policy.hold_max:
        minutes = incident.policy.hold_max.total_seconds() / 60
        raise Refused("hold_too_long", f"a hold ends in the future and within {minutes:g} minutes")
    if incident.held_round == incident.round:
        raise Refused("held_before", "it was put aside before and has not rung since: see to it, or release it")
    timer = Timer(kind=TimerKind.HOLD, due_at=event.until, step=incident.step, round=incident.round)
    aside = replace(
        incident,
        state=State.HELD,
        handler_id=event.by,
        expires_at=None,
        timer=timer,
        held_round=incident.round,
    )
    why = _said("held", by=event.by, until=event.until.isoformat())
    return Decision(incident=aside, withdraw=True, stand_down=_first_to_have(incident), reasons=(why,))


def resolved(incident: Incident, event: Resolved, roster: Roster, now: datetime) -> Decision:
    """Danger is over, as somebody heard or saw. It rings on for the operators until it is closed."""
    if incident.state is State.RESOLVED:
        return Decision(incident=incident)
    if not event.how.strip():
        raise Refused("say_how", "say how you know: her voice, or a report from the scene")
    over = replace(
        incident,
        state=State.RESOLVED,
        handler_id=incident.handler_id or event.by,
        resolved_by=event.by,
        expires_at=None,
    )
    coming = incident.state in (State.TAKEN, State.DISPATCHED, State.EN_ROUTE, State.HELD)
    return Decision(
        incident=replace(over, timer=closing_timer(over, now)),
        pages=stand_down_pages(over, roster, now) if coming else (),
        withdraw=True,
        stand_down=EVERYBODY,
        reasons=(_said("resolved", by=event.by),),
    )


def closed(incident: Incident, event: Closed, _roster: Roster, _now: datetime) -> Decision:
    """A named person writes how it ended and who is with her; at severity 1 never alone."""
    if not (event.with_whom.strip() or incident.test or is_technical(incident)):
        raise Refused("say_with_whom", "say who is with her now")
    alone = event.second_person_id in (None, event.by) and not event.called_back
    if alone and incident.severity is Severity.CRITICAL and not incident.test:
        raise Refused("second_person", "severity 1 is closed by two people, or after she was called back and answered")
    other = event.duplicate_of
    if event.disposition is Disposition.DUPLICATE and other in (None, incident.incident_id):
        raise Refused("name_the_other_case", "say which case this is the same as")
    why = _said(
        "closed",
        by=event.by,
        disposition=event.disposition.value,
        second=event.second_person_id,
        called_back=event.called_back,
        **({} if other is None else {"duplicate_of": other}),
    )
    return _ended(replace(incident, state=State.CLOSED, disposition=event.disposition), "closed", why)


def cancelled(incident: Incident, event: Cancelled, _roster: Roster, _now: datetime) -> Decision:
    """The wearer, or an operator who spoke with her, says in time that it was nothing. The cancel is kept."""
    return _ended(replace(incident, state=State.CANCELLED), "cancelled", _said("cancelled", by=event.by))


def _ended(incident: Incident, say: str, why: Reason) -> Decision:
    told = () if is_technical(incident) else (Told(say=say),)
    return Decision(incident=replace(incident, timer=None, expires_at=None), withdraw=True, told=told, reasons=(why,))


def _held_by(incident: Incident, now: datetime, why: Reason, stand_down: tuple[Role, ...]) -> Decision:
    """An operator has it, and is asked again when nothing was heard."""
    mine = replace(incident, expires_at=now + incident.policy.ack_expires)
    return _watched(replace(mine, timer=watch(mine, now)), why, stand_down)


def _watched(incident: Incident, why: Reason, stand_down: tuple[Role, ...]) -> Decision:
    return Decision(incident=incident, withdraw=True, stand_down=stand_down, reasons=(why,))


def _somebody_goes(before: Incident, after: Incident, roster: Roster, now: datetime, why: Reason) -> Decision:
    """Responder and state are set: the others stand down, she is told, and at severity 1 the operators ring on."""
    if before.responder_id == after.responder_id and before.state not in WAITING:
        return Decision(incident=replace(after, timer=watch(after, now)), reasons=(why,))
    told = (Told(say="coming", role=after.responder_role, person_id=after.responder_id),)
    if not (urgent(after) and after.handler_id is None):
        stand_down = EVERYBODY if before.state in WAITING else ALL_BUT_OPERATORS
        there = replace(after, timer=watch(after, now))
        return Decision(incident=there, withdraw=True, stand_down=stand_down, told=told, reasons=(why,))
    rings = replace(after, round=after.round + 1)
    pages, reasons = ring_operators(rings, roster, now)
    return Decision(
        incident=replace(rings, timer=watch(rings, now)),
        pages=pages,
        withdraw=True,
        stand_down=ALL_BUT_OPERATORS,
        told=told,
        reasons=(why, *reasons),
    )


def _by(incident: Incident, person_id: int, roster: Roster) -> Incident:
    """The incident with this person as the one who goes."""
    who = person(roster, person_id)
    known = incident.responder_role if incident.responder_id == person_id else None
    return replace(incident, responder_id=person_id, responder_role=known or (who.role if who else None))


def _first_to_have(incident: Incident) -> tuple[Role, ...]:
    return EVERYBODY if incident.state is State.OPEN else ()


def _already(person_id: int) -> Refused:
    return Refused("already_taken", f"person {person_id} has it already")


def _stay() -> Refused:
    return Refused("hand_over_first", "stay until a named person or a 120 number has taken over")


def _said(what: str, **facts: Any) -> Reason:
    return (what, facts)
