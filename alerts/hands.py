"""What people at the desk do to an incident: take, send, hold, release, resolve, close, cancel."""

from datetime import datetime, timedelta

from alerts.authority import by_operator
from alerts.escalation import Pages, Reason, plan, send, stand_down_pages, watch
from alerts.events import Cancelled, Closed, Dispatched, Held, Refused, Released, Resolved, Taken
from alerts.going import EVERYBODY, WAITING, already, said, stay, taken_by_responder
from alerts.model import Decision, Disposition, Incident, Role, Roster, Severity, State, Timer, TimerKind, Told
from alerts.policy import EscalationPolicy
from alerts.ringing import asked_by, closing_timer, is_technical, reopen
from alerts.roster import may_be_sent, person
from alerts.values import replace

ANSWER_WITHIN = timedelta(seconds=45)  # a chosen person has at least this long to say yes


def taken(incident: Incident, event: Taken, roster: Roster, now: datetime) -> Decision:
    """Somebody has it. The same person again changes nothing; a second one is told who came first."""
    if event.role is Role.OPERATOR:
        return _taken_by_operator(incident, event, now)
    return taken_by_responder(incident, event, roster, now)


def _taken_by_operator(incident: Incident, event: Taken, now: datetime) -> Decision:
    if event.relieves is not None:
        return _relieved(incident, event)
    if incident.state in WAITING:
        mine = replace(incident, state=State.TAKEN, handler_id=event.person_id, responder_id=None, responder_role=None)
        return _held_by(mine, now, said("taken", person=event.person_id, role=event.role.value), EVERYBODY)
    if incident.handler_id == event.person_id:
        return Decision(incident=incident)
    if incident.handler_id is not None:
        raise already(incident.handler_id)
    joined = replace(incident, handler_id=event.person_id)
    why = said("taken", person=event.person_id, role=event.role.value)
    if incident.state is State.HANDED_OVER:
        return _watched(replace(joined, timer=closing_timer(joined, now)), why, (Role.OPERATOR,))
    if incident.state is State.TAKEN:
        return _held_by(joined, now, why, (Role.OPERATOR,))
    return _watched(replace(joined, timer=watch(joined, now)), why, (Role.OPERATOR,))


def _relieved(incident: Incident, event: Taken) -> Decision:
    """The next shift has it: nothing rings, no timer moves, nobody on the way is called off."""
    if incident.handler_id == event.person_id:
        return Decision(incident=incident)
    if incident.handler_id is None or incident.handler_id != event.relieves:
        raise Refused("not_theirs", "the colleague who hands over does not have it any more: look again")
    why = said("relieved", by=event.person_id, person=event.relieves)
    return Decision(incident=replace(incident, handler_id=event.person_id), reasons=(why,))


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
    why = said("dispatched", by=event.by, person=event.person_id, step=by.step)
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


def released(incident: Incident, event: Released, roster: Roster, now: datetime) -> Decision:
    """Back into the queue by a person's will."""
    if incident.responder_id == event.by and incident.handler_id != event.by and incident.state is State.ON_SCENE:
        raise stay()
    if event.by not in (incident.handler_id, incident.responder_id) and not by_operator(event, roster):
        raise Refused("not_yours", "somebody else has this incident")
    return reopen(incident, roster, now, said("released", by=event.by))


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
    why = said("held", by=event.by, until=event.until.isoformat())
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
        reasons=(said("resolved", by=event.by),),
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
    why = said(
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
    return _ended(replace(incident, state=State.CANCELLED), "cancelled", said("cancelled", by=event.by, **event.facts))


def _ended(incident: Incident, say: str, why: Reason) -> Decision:
    told = () if is_technical(incident) else (Told(say=say),)
    return Decision(incident=replace(incident, timer=None, expires_at=None), withdraw=True, told=told, reasons=(why,))


def _held_by(incident: Incident, now: datetime, why: Reason, stand_down: tuple[Role, ...]) -> Decision:
    """An operator has it, and is asked again when nothing was heard."""
    mine = replace(incident, expires_at=now + incident.policy.ack_expires)
    return _watched(replace(mine, timer=watch(mine, now)), why, stand_down)


def _watched(incident: Incident, why: Reason, stand_down: tuple[Role, ...]) -> Decision:
    return Decision(incident=incident, withdraw=True, stand_down=stand_down, reasons=(why,))


def _first_to_have(incident: Incident) -> tuple[Role, ...]:
    return EVERYBODY if incident.state is State.OPEN else ()
