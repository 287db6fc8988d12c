"""Tapped by mistake: whoever goes there takes his last word back, soon after it and while the case is open."""

from datetime import datetime, timedelta

from alerts.escalation import Reason, arrival_due, ring_operators, urgent, watch
from alerts.events import Mistaken, Refused, Taken
from alerts.going import said, taken_by_responder
from alerts.model import Decision, Incident, Roster, State
from alerts.ringing import reopen
from alerts.roster import person
from alerts.values import replace

TAKES_BACK_WITHIN = timedelta(minutes=5)  # of his own two taps; later he telephones, and the desk decides


def mistaken(incident: Incident, event: Mistaken, roster: Roster, now: datetime) -> Decision:
    """What he took back is as if it had not been said: it never leaves anybody without help who had some before."""
    if event.since_s > TAKES_BACK_WITHIN.total_seconds():
        raise Refused("too_late_to_take_back", "telephone the desk: they can set it right")
    match event.tap:
        case "handed_over":
            return _still_there(incident, event, roster, now)
        case "arrived":
            return _not_there_yet(incident, event, roster, now)
        case "cannot_go":
            return _can_go(incident, event, roster, now)


def _still_there(incident: Incident, event: Mistaken, roster: Roster, now: datetime) -> Decision:
    """Nobody has her yet but he. An operator who went by it has resolved nothing."""
    over = incident.state in (State.HANDED_OVER, State.RESOLVED) and incident.handed_to is not None
    if not over or incident.responder_id != event.person_id:
        raise _nothing()
    there = replace(
        incident,
        state=State.ON_SCENE,
        handed_to=None,
        resolved_by=None,
        expires_at=now + incident.policy.scene_expires,
        round=incident.round + 1,
    )
    rings = urgent(there) and there.handler_id is None
    pages, reasons = ring_operators(there, roster, now) if rings else ((), ())
    back = replace(there, timer=watch(there, now))
    return Decision(incident=back, pages=pages, withdraw=True, reasons=(_why(event), *reasons))


def _not_there_yet(incident: Incident, event: Mistaken, roster: Roster, now: datetime) -> Decision:
    """Who had said that he goes is on his way again; of anybody else nothing is known, and the queue has it back."""
    if incident.state is not State.ON_SCENE or incident.responder_id != event.person_id:
        raise _nothing()
    if not event.goes:
        return reopen(incident, roster, now, _why(event))
    due = arrival_due(incident, person(roster, event.person_id), now)
    back = replace(incident, state=State.EN_ROUTE, proof=None, expires_at=due)
    return Decision(incident=replace(back, timer=watch(back, now)), reasons=(_why(event),))


def _can_go(incident: Incident, event: Mistaken, roster: Roster, now: datetime) -> Decision:
    """Who had said that he goes has it again, unless somebody else goes by now; who had only been asked is asked."""
    asked = replace(incident, declined=incident.declined - {event.person_id})
    if not event.goes:
        return Decision(incident=asked, reasons=(_why(event),))
    again = Taken(person_id=event.person_id, age_s=event.age_s, role=event.role)
    decision = taken_by_responder(asked, again, roster, now)
    return replace(decision, reasons=(_why(event), *decision.reasons))


def _why(event: Mistaken) -> Reason:
    return said("mistaken", person=event.person_id, tap=event.tap, takes_back=event.seq)


def _nothing() -> Refused:
    return Refused("nothing_to_take_back", "the case has gone past it: telephone the desk")
