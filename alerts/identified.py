"""A call of nobody known gets its name: from then on it is her case, and her people are the ones to call."""

from datetime import datetime

from alerts.escalation import Reason, ring
from alerts.events import Identified, Refused
from alerts.model import Decision, Incident, Role, Roster, State
from alerts.ringing import reopen
from alerts.values import replace

HERS = "resident:"
IN_HAND = frozenset({State.TAKEN, State.DISPATCHED, State.EN_ROUTE})


def identified(incident: Incident, event: Identified, roster: Roster, now: datetime) -> Decision:
    """Give a case its resident; another one, where the first word was wrong. The roster is already hers.

    A case that nobody has rings from its first step anew, which could call none of her people before; where an
    operator has it, or somebody goes, hers are called beside them. The key stays the device's, so that another press
    joins this case.
    """
    if incident.dedup_key.startswith(HERS):
        raise Refused("has_resident", "the device that called is hers: correct it in the register")
    if incident.resident_id == event.resident_id:
        return Decision(incident=incident)
    why = ("identified", {"by": event.by, "resident": event.resident_id, "before": incident.resident_id})
    hers = replace(incident, resident_id=event.resident_id, area=event.area)
    if incident.test:
        return Decision(incident=hers, reasons=(why,))
    if incident.state is State.OPEN:
        return reopen(replace(hers, paged_at=now), roster, now, why, step=0)
    if incident.state in IN_HAND:
        return _hers_are_called(hers, roster, now, why)
    return Decision(incident=hers, reasons=(why,))


def _hers_are_called(incident: Incident, roster: Roster, now: datetime, why: Reason) -> Decision:
    """Page whom the first step names, operators apart: one of them has it. No timer moves."""
    again, timer = incident.round + 1, incident.timer
    assert timer is not None  # only an ended case has none
    pages, _ = ring(replace(incident, step=0, round=again), roster, now)
    hers = tuple(page for page in pages if page.role is not Role.OPERATOR)
    there = replace(incident, round=again, timer=replace(timer, round=again))
    return Decision(incident=there, pages=hers, reasons=(why,))
