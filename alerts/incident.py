"""The case: what may happen in which state, who may do it, and where it leads. One table, one function."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

from alerts import arrival, going, hands, identified, mistaken, ringing, services
from alerts.authority import by_operator
from alerts.escalation import Reasons, watch_on
from alerts.events import (
    Arrived,
    Called,
    Cancelled,
    CannotGo,
    Closed,
    Dispatched,
    Due,
    EnRoute,
    Event,
    HandedOver,
    Held,
    Identified,
    Left,
    MadeReal,
    Mistaken,
    Raised,
    Refused,
    Released,
    Resolved,
    Taken,
    Tapped,
)
from alerts.model import ENDED, Decision, Incident, Role, Roster, State
from alerts.values import replace

OLD_S = 10.0  # a tap that was longer under way than this is written with its age


class Who(StrEnum):
    """Who may make an event happen. The store knows who was paged; here only what the roster says is checked."""

    DEVICE = "device"
    TIMER = "timer"
    OPERATOR = "operator"
    PAGED = "paged"  # somebody who was called
    EITHER = "either"  # an operator, or somebody who was called
    WEARER = "wearer"  # or an operator for her


@dataclass(frozen=True, kw_only=True)
class Row:
    """Where an event may lead from one state. Staying means: written down, or too early, or said before."""

    to: frozenset[State]
    who: Who


def _row(who: Who, *to: State) -> Row:
    return Row(to=frozenset(to), who=who)


S = State
TRANSITIONS: Mapping[State, Mapping[type[Event], Row]] = {
    S.CONFIRMING: {
        Raised: _row(Who.DEVICE, S.CONFIRMING, S.OPEN),
        Due: _row(Who.TIMER, S.CONFIRMING, S.OPEN),
        Taken: _row(Who.OPERATOR, S.TAKEN),
        Cancelled: _row(Who.WEARER, S.CANCELLED),
        Called: _row(Who.OPERATOR, S.CONFIRMING),
        MadeReal: _row(Who.OPERATOR, S.OPEN, S.CONFIRMING),
        Identified: _row(Who.OPERATOR, S.CONFIRMING),
    },
    S.OPEN: {
        Raised: _row(Who.DEVICE, S.OPEN),
        Due: _row(Who.TIMER, S.OPEN),
        Taken: _row(Who.EITHER, S.TAKEN),
        Dispatched: _row(Who.OPERATOR, S.DISPATCHED),
        CannotGo: _row(Who.PAGED, S.OPEN),
        Mistaken: _row(Who.PAGED, S.OPEN, S.TAKEN),
        EnRoute: _row(Who.PAGED, S.EN_ROUTE),
        Arrived: _row(Who.PAGED, S.ON_SCENE),
        Held: _row(Who.OPERATOR, S.HELD),
        Resolved: _row(Who.OPERATOR, S.RESOLVED),
        Called: _row(Who.OPERATOR, S.OPEN),
        MadeReal: _row(Who.OPERATOR, S.OPEN),
        Identified: _row(Who.OPERATOR, S.OPEN),
    },
    S.TAKEN: {
        Raised: _row(Who.DEVICE, S.TAKEN, S.OPEN),
        Due: _row(Who.TIMER, S.TAKEN, S.OPEN),
        Taken: _row(Who.EITHER, S.TAKEN),
        Dispatched: _row(Who.OPERATOR, S.DISPATCHED),
        CannotGo: _row(Who.PAGED, S.TAKEN, S.OPEN),
        Mistaken: _row(Who.PAGED, S.TAKEN),
        EnRoute: _row(Who.PAGED, S.TAKEN, S.EN_ROUTE),
        Arrived: _row(Who.PAGED, S.ON_SCENE),
        Released: _row(Who.EITHER, S.OPEN),
        Held: _row(Who.OPERATOR, S.HELD),
        Resolved: _row(Who.OPERATOR, S.RESOLVED),
        Called: _row(Who.OPERATOR, S.TAKEN),
        MadeReal: _row(Who.OPERATOR, S.OPEN, S.TAKEN),
        Identified: _row(Who.OPERATOR, S.TAKEN),
    },
    S.DISPATCHED: {
        Raised: _row(Who.DEVICE, S.DISPATCHED, S.OPEN),
        Due: _row(Who.TIMER, S.DISPATCHED, S.OPEN),
        Taken: _row(Who.EITHER, S.DISPATCHED),
        Dispatched: _row(Who.OPERATOR, S.DISPATCHED),
        CannotGo: _row(Who.PAGED, S.DISPATCHED, S.OPEN),
        Mistaken: _row(Who.PAGED, S.DISPATCHED),
        EnRoute: _row(Who.PAGED, S.DISPATCHED, S.EN_ROUTE),
        Arrived: _row(Who.PAGED, S.ON_SCENE),
        Released: _row(Who.EITHER, S.OPEN),
        Held: _row(Who.OPERATOR, S.HELD),
        Resolved: _row(Who.OPERATOR, S.RESOLVED),
        Called: _row(Who.OPERATOR, S.DISPATCHED),
        MadeReal: _row(Who.OPERATOR, S.OPEN, S.DISPATCHED),
        Identified: _row(Who.OPERATOR, S.DISPATCHED),
    },
    S.EN_ROUTE: {
        Raised: _row(Who.DEVICE, S.EN_ROUTE),
        Due: _row(Who.TIMER, S.EN_ROUTE, S.OPEN),
        Taken: _row(Who.EITHER, S.EN_ROUTE),
        Dispatched: _row(Who.OPERATOR, S.EN_ROUTE),
        CannotGo: _row(Who.PAGED, S.EN_ROUTE, S.OPEN),
        Mistaken: _row(Who.PAGED, S.EN_ROUTE),
        EnRoute: _row(Who.PAGED, S.EN_ROUTE),
        Arrived: _row(Who.PAGED, S.ON_SCENE),
        Released: _row(Who.EITHER, S.OPEN),
        Resolved: _row(Who.OPERATOR, S.RESOLVED),
        Called: _row(Who.OPERATOR, S.EN_ROUTE),
        MadeReal: _row(Who.OPERATOR, S.EN_ROUTE),
        Identified: _row(Who.OPERATOR, S.EN_ROUTE),
    },
    S.ON_SCENE: {
        Raised: _row(Who.DEVICE, S.ON_SCENE),
        Due: _row(Who.TIMER, S.ON_SCENE, S.OPEN),
        Taken: _row(Who.EITHER, S.ON_SCENE),
        Dispatched: _row(Who.OPERATOR, S.ON_SCENE),
        CannotGo: _row(Who.PAGED, S.ON_SCENE),
        Mistaken: _row(Who.PAGED, S.ON_SCENE, S.EN_ROUTE, S.OPEN),
        EnRoute: _row(Who.PAGED, S.ON_SCENE),
        Arrived: _row(Who.PAGED, S.ON_SCENE),
        Left: _row(Who.PAGED, S.ON_SCENE),
        HandedOver: _row(Who.EITHER, S.HANDED_OVER),
        Released: _row(Who.OPERATOR, S.OPEN),
        Resolved: _row(Who.OPERATOR, S.RESOLVED),
        Called: _row(Who.OPERATOR, S.ON_SCENE),
        MadeReal: _row(Who.OPERATOR, S.ON_SCENE),
        Identified: _row(Who.OPERATOR, S.ON_SCENE),
    },
    S.HANDED_OVER: {
        Raised: _row(Who.DEVICE, S.HANDED_OVER, S.OPEN),
        Due: _row(Who.TIMER, S.HANDED_OVER),
        Taken: _row(Who.OPERATOR, S.HANDED_OVER),
        CannotGo: _row(Who.PAGED, S.HANDED_OVER),
        Mistaken: _row(Who.PAGED, S.HANDED_OVER, S.ON_SCENE),
        Left: _row(Who.PAGED, S.HANDED_OVER),
        HandedOver: _row(Who.EITHER, S.HANDED_OVER),
        Released: _row(Who.OPERATOR, S.OPEN),
        Resolved: _row(Who.OPERATOR, S.RESOLVED),
        Called: _row(Who.OPERATOR, S.HANDED_OVER),
        MadeReal: _row(Who.OPERATOR, S.OPEN, S.HANDED_OVER),
        Identified: _row(Who.OPERATOR, S.HANDED_OVER),
    },
    S.HELD: {
        Raised: _row(Who.DEVICE, S.HELD, S.OPEN),
        Due: _row(Who.TIMER, S.HELD, S.OPEN),
        Taken: _row(Who.EITHER, S.TAKEN, S.HELD),  # staying: the next shift has it on hold
        Dispatched: _row(Who.OPERATOR, S.DISPATCHED),
        CannotGo: _row(Who.PAGED, S.HELD),
        Mistaken: _row(Who.PAGED, S.HELD, S.TAKEN),
        EnRoute: _row(Who.PAGED, S.EN_ROUTE),
        Arrived: _row(Who.PAGED, S.ON_SCENE),
        Released: _row(Who.OPERATOR, S.OPEN),
        Resolved: _row(Who.OPERATOR, S.RESOLVED),
        Called: _row(Who.OPERATOR, S.HELD),
        MadeReal: _row(Who.OPERATOR, S.OPEN, S.HELD),
        Identified: _row(Who.OPERATOR, S.HELD),
    },
    S.RESOLVED: {
        Raised: _row(Who.DEVICE, S.RESOLVED, S.OPEN),
        Due: _row(Who.TIMER, S.RESOLVED),
        Taken: _row(Who.OPERATOR, S.RESOLVED),
        CannotGo: _row(Who.PAGED, S.RESOLVED),
        Mistaken: _row(Who.PAGED, S.RESOLVED, S.ON_SCENE),
        Left: _row(Who.PAGED, S.RESOLVED),
        Released: _row(Who.OPERATOR, S.OPEN),
        Resolved: _row(Who.OPERATOR, S.RESOLVED),
        Closed: _row(Who.OPERATOR, S.CLOSED),
        Called: _row(Who.OPERATOR, S.RESOLVED),
        MadeReal: _row(Who.OPERATOR, S.OPEN, S.RESOLVED),
        Identified: _row(Who.OPERATOR, S.RESOLVED),
    },
    S.CLOSED: {},
    S.CANCELLED: {},
}

Move: TypeAlias = Callable[[Incident, Any, Roster, datetime], Decision]
MOVES: Mapping[type[Event], Move] = {
    Raised: ringing.raised,
    Due: ringing.due,
    Taken: hands.taken,
    Dispatched: hands.dispatched,
    Called: services.called,
    MadeReal: ringing.made_real,
    Identified: identified.identified,
    CannotGo: going.cannot_go,
    EnRoute: going.en_route,
    Arrived: going.arrived,
    Left: going.left,
    HandedOver: going.handed_over,
    Mistaken: mistaken.mistaken,
    Released: hands.released,
    Held: hands.held,
    Resolved: hands.resolved,
    Closed: hands.closed,
    Cancelled: hands.cancelled,
}


def apply(incident: Incident, event: Event, roster: Roster, now: datetime) -> Decision:
    """Return what one event changes. An early or repeated event returns the incident as it was and no reasons.

    Raises:
        Refused: This state does not allow it, or not to this person. Never for `Raised` or `Due` before the end.
    """
    row = TRANSITIONS[incident.state].get(type(event))
    if row is None:
        raise _not_here(incident, event)
    as_operator = isinstance(event, Taken) and event.role is Role.OPERATOR
    if (as_operator or row.who in (Who.OPERATOR, Who.WEARER)) and not by_operator(event, roster):
        raise Refused("not_an_operator", "only an operator may do this")
    there, stayed = arrival.stayed(incident, now)
    there = watch_on(there, now) if stayed else there
    decision = MOVES[type(event)](there, event, roster, now)
    waited_for = stayed and isinstance(event, Due)  # then there is nothing else to do, and it is written
    if decision.incident == there and not decision.reasons and not waited_for:
        return decision if there is incident else Decision(incident=incident)
    decision = replace(decision, reasons=(*stayed, *_aged(event, decision.reasons)))
    return replace(decision, incident=replace(decision.incident, version=incident.version + 1))


def _aged(event: Event, reasons: Reasons) -> Reasons:
    """What was said long before it came in is written with its age."""
    if not isinstance(event, Tapped) or event.age_s <= OLD_S or not reasons:
        return reasons
    (what, facts), *rest = reasons
    return ((what, {**facts, "age_s": round(event.age_s)}), *rest)


def _not_here(incident: Incident, event: Event) -> Refused:
    """Say what to do instead: the words reach a person in a hurry."""
    if incident.state in ENDED:
        return Refused("ended", "this incident has ended and is never reopened; a new alert opens a new one")
    if isinstance(event, Closed):
        return Refused("not_resolved", "resolve it first, after her voice or a report from the scene")
    if isinstance(event, Cancelled):
        return Refused("not_confirming", "the countdown is over: people have been called, resolve and close it")
    if isinstance(event, HandedOver | Left):
        return Refused("not_on_scene", "nobody has arrived yet")
    if isinstance(event, Held):
        return Refused("cannot_hold", f"an incident that is {incident.state.value} cannot be put on hold")
    return Refused("not_in_this_state", f"not while the incident is {incident.state.value}")
