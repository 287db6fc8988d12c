"""What whoever goes there does: says that he comes or cannot, sets out, arrives, hands her over, leaves."""

from datetime import datetime
from typing import Any

from alerts.arrival import better
from alerts.authority import ALL_BUT_OPERATORS, by_operator
from alerts.escalation import Reason, arrival_due, ring_operators, urgent, watch, watch_on
from alerts.events import Arrived, CannotGo, EnRoute, HandedOver, Left, Refused, Taken
from alerts.model import Decision, Incident, Role, Roster, State, TimerKind, Told
from alerts.ringing import closing_timer, nobody_can, reopen
from alerts.roster import person
from alerts.values import replace

EVERYBODY = tuple(Role)
WAITING = frozenset({State.CONFIRMING, State.OPEN, State.HELD})


def taken_by_responder(incident: Incident, event: Taken, roster: Roster, now: datetime) -> Decision:
    if incident.state is State.CONFIRMING:
        raise Refused("still_confirming", "the wearer may still cancel; nobody has been called")
    if incident.state in (State.HANDED_OVER, State.RESOLVED):
        raise Refused("not_needed", "somebody is with her already")
    if incident.state not in WAITING:
        if incident.responder_id == event.person_id:
            return Decision(incident=incident)
        if incident.responder_id is not None and event.person_id not in incident.asked:
            raise already(incident.responder_id)
        if incident.responder_id is not None:  # sent by an operator while another goes: two come, who has it stays
            return Decision(incident=incident)
    state = State.TAKEN if incident.state in WAITING else incident.state
    going = replace(
        incident,
        state=state,
        responder_id=event.person_id,
        responder_role=event.role,
        expires_at=now + incident.policy.ack_expires,
    )
    why = said("taken", person=event.person_id, role=event.role.value)
    return _somebody_goes(incident, going, roster, now, why)


def cannot_go(incident: Incident, event: CannotGo, roster: Roster, now: datetime) -> Decision:
    """Whoever goes turns back: the queue has it again at once. When nobody who was called can go, the next step is."""
    why = said("cannot_go", person=event.person_id)
    mine = incident.responder_id == event.person_id
    if mine and incident.state is State.ON_SCENE:
        raise stay()
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
        return Decision(incident=incident, reasons=(said("also_en_route", person=event.person_id),))
    who = person(roster, event.person_id)
    going = _by(incident, event.person_id, roster)
    going = replace(going, state=State.EN_ROUTE, expires_at=arrival_due(incident, who, now))
    return _somebody_goes(incident, going, roster, now, said("en_route", person=event.person_id))


def arrived(incident: Incident, event: Arrived, roster: Roster, now: datetime) -> Decision:
    """At the door. Whoever comes first is the responder, whoever had said he would."""
    how = {"person": event.person_id, "proof": event.proof and event.proof.value, "distance_m": event.distance_m}
    if incident.state is State.ON_SCENE:
        if incident.responder_id != event.person_id:
            return Decision(incident=incident, reasons=(said("also_on_scene", person=event.person_id),))
        if not better(event.proof, incident.proof):
            return Decision(incident=incident)
        proved = watch_on(replace(incident, proof=event.proof), now)
        return Decision(incident=proved, reasons=(said("proved", **how),))
    there = _by(incident, event.person_id, roster)
    there = replace(there, state=State.ON_SCENE, expires_at=now + incident.policy.scene_expires, proof=event.proof)
    return _somebody_goes(incident, there, roster, now, said("arrived", **how))


def left(incident: Incident, event: Left, _roster: Roster, _now: datetime) -> Decision:
    """Leaving a person nobody has taken over is how people die: refused until she is handed over."""
    if incident.state is State.ON_SCENE and incident.responder_id == event.person_id:
        raise stay()
    return Decision(incident=incident, reasons=(said("left", person=event.person_id),))


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
    why = said("handed_over", person=event.person_id)
    return Decision(incident=replace(over, timer=timer), reasons=(why,))


def _somebody_goes(before: Incident, after: Incident, roster: Roster, now: datetime, why: Reason) -> Decision:
    """Responder and state are set: the others stand down, she is told, and at severity 1 the operators ring on."""
    if before.responder_id == after.responder_id and before.state not in WAITING:
        return Decision(incident=replace(after, timer=watch(after, now)), reasons=(why,))
    # The others stand down; whoever is sent from now on is asked anew.
    after = replace(after, asked=frozenset(), declined=frozenset())
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


def already(person_id: int) -> Refused:
    return Refused("already_taken", f"person {person_id} has it already")


def stay() -> Refused:
    return Refused("hand_over_first", "stay until a named person or a 120 number has taken over")


def said(what: str, **facts: Any) -> Reason:
    return (what, facts)
