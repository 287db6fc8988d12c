"""Who may do what an operator does. The one place that knows."""

from alerts.events import (
    Called,
    Cancelled,
    Closed,
    Dispatched,
    Event,
    HandedOver,
    Held,
    Identified,
    MadeReal,
    Released,
    Resolved,
    Taken,
)
from alerts.model import Role, Roster
from alerts.roster import is_only

ALL_BUT_OPERATORS = tuple(r for r in Role if r is not Role.OPERATOR)


def at_the_desk(roster: Roster, person_id: int, known: bool | None) -> bool:
    """Whether this person works the console.

    Args:
        roster: who might be called for the case.
        person_id: who acts.
        known: what the hub's own list of people says. Without it, as in a replay or a simulation, the roster's word
            counts: supervisors are on none, so only those it knows as others are not at the desk.
    """
    return not is_only(roster, person_id, *ALL_BUT_OPERATORS) if known is None else known


def by_operator(event: Event, roster: Roster) -> bool:
    """Whether an event that only an operator may make happen is an operator's."""
    match event:
        case Taken(role=role, at_desk=known):
            return role is Role.OPERATOR and known is not False
        case Cancelled(by="wearer"):
            return True
        case Cancelled(by=int() as by, at_desk=known):
            return at_the_desk(roster, by, known)
        case HandedOver(person_id=by, at_desk=known):
            return at_the_desk(roster, by, known)
        case (
            Dispatched(by=by, at_desk=known)
            | Called(by=by, at_desk=known)
            | MadeReal(by=by, at_desk=known)
            | Identified(by=by, at_desk=known)
            | Held(by=by, at_desk=known)
            | Resolved(by=by, at_desk=known)
            | Closed(by=by, at_desk=known)
            | Released(by=by, at_desk=known)
        ):
            return at_the_desk(roster, by, known)
        case _:
            return True
