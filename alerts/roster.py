"""Who may be called now: the people of one target, in the order they are called."""

import math
from collections.abc import Iterable

from alerts.model import Contact, Responder, Role, Roster
from alerts.policy import Target


def callable_now(target: Target, roster: Roster) -> tuple[Responder, ...]:
    """Return whom this target may call, first to be called first.

    Family is always asked. Everybody else only on duty; off duty only by name in the policy, and then only when nobody
    on duty is left. Somebody without a single contact is not here: `unreachable` names them.
    """
    people = [r for r in _of(target, roster) if _on_duty(r) and r.contacts]
    if not people:
        people = [r for r in _of(target, roster) if r.person_id in target.fallback and r.contacts]
    ordered = sorted(_once(people), key=_nearness)
    return tuple(ordered if target.nearest is None else ordered[: target.nearest])


def unreachable(target: Target, roster: Roster) -> tuple[int, ...]:
    """People who should be called and have no contact at all: to be shown, for it must not be found out this way."""
    return tuple(sorted({r.person_id for r in _of(target, roster) if _on_duty(r) and not r.contacts}))


def operators(roster: Roster) -> tuple[Responder, ...]:
    """Everybody at a console now."""
    return callable_now(Target(role=Role.OPERATOR), roster)


def person(roster: Roster, person_id: int) -> Responder | None:
    """The person as somebody who goes there, if he is on the roster in several roles; None if in none."""
    found = [r for r in roster.responders if r.person_id == person_id]
    return min(found, key=lambda r: (r.role is Role.OPERATOR, r.position)) if found else None


def is_only(roster: Roster, person_id: int, *roles: Role) -> bool:
    """Whether all the roster knows of this person are these roles. False for somebody it does not know."""
    known = {r.role for r in roster.responders if r.person_id == person_id}
    return bool(known) and known <= set(roles)


def may_be_sent(responder: Responder) -> bool:
    """Whether an operator may send this person: on duty, or family."""
    return _on_duty(responder)


def contact_for(responder: Responder, channel: str) -> Contact | None:
    return next((c for c in responder.contacts if c.channel == channel), None)


def _of(target: Target, roster: Roster) -> Iterable[Responder]:
    return (
        r for r in roster.responders if r.role is target.role and (target.roster is None or r.roster == target.roster)
    )


def _on_duty(responder: Responder) -> bool:
    return responder.role is Role.FAMILY or responder.on_duty


def _once(people: Iterable[Responder]) -> list[Responder]:
    """Somebody on several duty lists once, by the list that proves he is there."""
    return list({r.person_id: r for r in sorted(people, key=lambda r: r.proved)}.values())


def _nearness(responder: Responder) -> tuple[float, float, float, int]:
    """Family in the order of the care circle, who chose it; the others: duty proved first, then nearest."""
    away = responder.minutes_away
    minutes = math.inf if away is None or math.isnan(away) else away
    if responder.role is Role.FAMILY:
        return (responder.position, minutes, 0, responder.person_id)
    return (not responder.proved, minutes, responder.position, responder.person_id)
