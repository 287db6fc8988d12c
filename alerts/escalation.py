"""Who is paged when: one ring of one step, and the next rung when a step has nobody."""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from alerts.arrival import presumed_at
from alerts.model import Contact, Incident, Page, Purpose, Responder, Role, Roster, Service, Severity, Timer, TimerKind
from alerts.policy import IfEmpty, Order, Rung, Target
from alerts.roster import callable_now, contact_for, operators, unreachable
from alerts.values import replace

Reason: TypeAlias = tuple[str, Mapping[str, Any]]
Pages: TypeAlias = tuple[Page, ...]
Reasons: TypeAlias = tuple[Reason, ...]

FARTHEST_MIN = 120.0  # nobody farther away is waited for


def plan(incident: Incident, roster: Roster, now: datetime, *, must_ring: bool = False) -> tuple[Pages, Timer, Reasons]:
    """Ring the incident's step, or the first after it that has somebody, and say when to look again.

    The caller has set `incident.step` and a (round, step) never rung before. The timer's step is the step that was
    reached; `reasons` name every step that was passed over and why. With `must_ring` even a step that was told to wait
    when it is empty is passed: something happened just now that somebody has to hear.
    """
    if incident.test:
        return _plan_test(incident, roster, now)
    reasons: list[Reason] = []
    morning: Pages = ()
    for step in range(max(0, incident.step), incident.policy.last):
        here = replace(incident, step=step)
        pages, why = ring(here, roster, now)
        reasons += why
        waits = incident.policy.steps[step].if_empty is IfEmpty.WAIT and not must_ring
        if _woken(pages) or waits:
            timer = _timer(TimerKind.STEP, here, now + incident.policy.steps[step].wait)
            return _merge(morning, pages), timer, tuple(reasons)
        morning = _merge(morning, pages)
    here = replace(incident, step=incident.policy.last)
    pages, why = _ring_last(here, roster, now)
    timer = _timer(TimerKind.REPEAT, here, now + incident.policy.repeat_last)
    return _merge(morning, pages), timer, (*reasons, *why)


def ring(incident: Incident, roster: Roster, now: datetime) -> tuple[Pages, Reasons]:
    """Page the incident's step and no other. Where nobody is woken, the last reason says why."""
    if not incident.policy.open_now(incident.step, now):
        return (), (("step_empty", {"step": incident.step, "why": "outside_hours"}),)
    pages, unheard = _of_targets(incident, incident.policy.rung(incident.step).notify, roster, now)
    reasons: list[Reason] = [("person_unreachable", {"step": incident.step, "person": p}) for p in unheard]
    reasons += [("person_quiet", {"step": incident.step, "person": p}) for p in sorted(_asleep(pages))]
    if woken := _woken(pages):
        reasons.append(_rung(incident, woken))
    else:
        reasons.append(("step_empty", {"step": incident.step, "why": "quiet" if pages else "nobody_to_call"}))
    return pages, tuple(reasons)


def ring_again(incident: Incident, roster: Roster, now: datetime) -> tuple[Pages, Reasons]:
    """Page the current step once more, with whoever has the incident, because the wearer calls again.

    A step that has nobody left must not swallow the press: then the last resort is rung.
    """
    if incident.test:
        pages, _, reasons = _plan_test(incident, roster, now)
        return pages, reasons
    pages, reasons = ring(incident, roster, now)
    pages = _merge(pages, _holders(incident, roster, now))
    return (pages, reasons) if _woken(pages) else _ring_everybody(incident, roster, now)


def ring_who_has_it(incident: Incident, roster: Roster, now: datetime) -> tuple[Pages, Reasons]:
    """Page the responder and the operators: somebody is on the way or there, the others have been stood down.

    His own press on her button proves his arrival; it must not call the whole family out again.
    """
    have = _holders(incident, roster, now)
    if not have:
        return ring_again(incident, roster, now)
    pages = _merge(have, ring_operators(incident, roster, now)[0])
    return pages, (_rung(incident, pages),)


def ring_operators(incident: Incident, roster: Roster, now: datetime) -> tuple[Pages, Reasons]:
    """Page every operator on duty: the incident is in their queue, whoever else goes."""
    purpose = Purpose.NOTICE if incident.test else Purpose.ALARM
    pages = _unique(_everywhere(incident, r, now, purpose) for r in operators(roster))
    if not pages:
        return (), (("nobody_reachable", {"step": incident.step, "role": Role.OPERATOR.value}),)
    return pages, (_rung(incident, pages),)


def wake(incident: Incident, roster: Roster, now: datetime) -> Pages:
    """Page whom the steps so far left asleep: now it is critical."""
    sleepers = Roster(responders=tuple(r for r in roster.responders if (r.quiet_until or now) > now))
    targets = [t for s in incident.policy.steps[: incident.step] for t in s.notify if not t.operator_confirms]
    return _of_targets(incident, targets, sleepers, now)[0] if sleepers.responders else ()


def send(incident: Incident, responder: Responder, now: datetime) -> Pages:
    """Page one chosen person, by the ladder the policy has for the role."""
    target = next((t for s in incident.policy.steps for t in s.notify if t.role is responder.role), None)
    rungs = () if target is None else target.channels
    return _pages(incident, responder, rungs, now, Purpose.ALARM)


def urgent(incident: Incident) -> bool:
    """Severity 1 and not a test: operators are rung until one of them has it."""
    return incident.severity is Severity.CRITICAL and not incident.test


def watch(incident: Incident, now: datetime) -> Timer:
    """The timer while somebody has the incident: silence is noticed, who only says he is there is presumed to be when
    his time comes, and at severity 1 operators are rung meanwhile."""
    look = silence_at(incident, now)
    if urgent(incident) and incident.handler_id is None:
        return _timer(TimerKind.REPEAT, incident, min(now + incident.policy.repeat_last, look))
    return _timer(TimerKind.EXPIRY, incident, look)


def silence_at(incident: Incident, now: datetime) -> datetime:
    """When whoever has the incident should have been heard of, or is presumed to be there."""
    expires = incident.expires_at or now
    return min(expires, presumed_at(incident) or expires)


def watch_on(incident: Incident, now: datetime) -> Incident:
    """The incident when a better proof is there: only his silence is waited for. Operators who are rung meanwhile are
    rung when they would have been."""
    silence = incident.timer is not None and incident.timer.kind is TimerKind.EXPIRY
    if not silence or (urgent(incident) and incident.handler_id is None):
        return incident
    return replace(incident, timer=watch(incident, now))


def arrival_due(incident: Incident, responder: Responder | None, now: datetime) -> datetime:
    """When somebody on the way should have been heard of: the policy's time, or half as long again as his way."""
    away = responder.minutes_away if responder else None
    minutes = 0.0 if away is None or math.isnan(away) else min(max(away, 0.0), FARTHEST_MIN)
    return now + max(incident.policy.arrival_expires, timedelta(minutes=1.5 * minutes))


def _plan_test(incident: Incident, roster: Roster, now: datetime) -> tuple[Pages, Timer, Reasons]:
    """A test press is shown to the operators, quietly, and goes no further."""
    pages, reasons = ring_operators(incident, roster, now)
    return pages, _timer(TimerKind.REPEAT, incident, now + incident.policy.closing_every), reasons


def _ring_last(incident: Incident, roster: Roster, now: datetime) -> tuple[Pages, Reasons]:
    pages, reasons = ring(incident, roster, now)
    if _woken(pages):
        return pages, reasons
    pages, more = _ring_everybody(incident, roster, now)
    return pages, (*reasons, *more)


def _ring_everybody(incident: Incident, roster: Roster, now: datetime) -> tuple[Pages, Reasons]:
    """Nobody is left where we are: everybody the policy names and the hour allows, and the operators in any case."""
    steps = [s for i, s in enumerate(incident.policy.steps) if incident.policy.open_now(i, now)]
    pages, _ = _of_targets(incident, [t for s in steps for t in s.notify], roster, now)
    pages = _merge(pages, ring_operators(incident, roster, now)[0])
    woken = _woken(pages)
    if not woken:
        return pages, (("nobody_reachable", {"step": incident.step}),)
    return pages, (("everybody", {"step": incident.step}), _rung(incident, woken))


def _holders(incident: Incident, roster: Roster, now: datetime) -> Pages:
    have = {p for p in (incident.handler_id, incident.responder_id) if p is not None}
    return _unique(_everywhere(incident, r, now, Purpose.ALARM) for r in roster.responders if r.person_id in have)


def _of_targets(
    incident: Incident, targets: Sequence[Target], roster: Roster, now: datetime
) -> tuple[Pages, tuple[int, ...]]:
    window = incident.policy.window_of(incident.step)
    pages = _unique(_of_target(incident, t, roster, now, window) for t in targets)
    heard = {p.person_id for p in pages}
    return pages, tuple(sorted({p for t in targets for p in unreachable(t, roster)} - heard))


def _of_target(incident: Incident, target: Target, roster: Roster, now: datetime, window: timedelta) -> Pages:
    asked: Pages = ()
    start = now
    if target.role is Role.AMBULANCE and Service.AMBULANCE in incident.services:
        return asked  # an operator has 120 on the line: nobody calls there twice
    if target.operator_confirms:
        asked, _ = ring_operators(incident, roster, now)
        if target.auto_after is None:
            return asked
        start = now + target.auto_after
    people = callable_now(target, roster)
    sleepers = [r for r in people if _sleeps(incident, r, now)]
    awake = [r for r in people if r not in sleepers]
    gap = _gap(target, len(awake), window - (start - now))
    called = [_pages(incident, r, target.channels, start + i * gap, Purpose.ALARM) for i, r in enumerate(awake)]
    return _merge(asked, *called, *(_in_the_morning(incident, r, target) for r in sleepers))


def _sleeps(incident: Incident, responder: Responder, now: datetime) -> bool:
    """Whether somebody is not to be woken for this: his quiet night, and nothing critical."""
    return incident.severity is not Severity.CRITICAL and (responder.quiet_until or now) > now


def _in_the_morning(incident: Incident, responder: Responder, target: Target) -> Pages:
    assert responder.quiet_until is not None
    pages = _pages(incident, responder, target.channels, responder.quiet_until, Purpose.ALARM)
    return tuple(replace(p, quiet=True) for p in pages)


def _woken(pages: Pages) -> Pages:
    return tuple(p for p in pages if not p.quiet)


def _asleep(pages: Pages) -> frozenset[int]:
    return frozenset(p.person_id for p in pages if p.quiet) - {p.person_id for p in pages if not p.quiet}


def _gap(target: Target, count: int, window: timedelta) -> timedelta:
    """Time between two people called one after the other; never so long that the last is called after the step."""
    if target.order is Order.PARALLEL or count == 0:
        return timedelta(0)
    return min(target.next_after, max(window, timedelta(0)) / count)


def _pages(
    incident: Incident,
    responder: Responder,
    rungs: Sequence[Rung],
    start: datetime,
    purpose: Purpose,
) -> Pages:
    """One person's ladder. It starts at once with the first way this person has; none of them: every way there is."""
    ways = [(r, contact_for(responder, r.channel)) for r in rungs]
    had = [(r.delay, c) for r, c in ways if c is not None]
    if not had:
        return _everywhere(incident, responder, start, purpose)
    first = min(delay for delay, _ in had)
    return _unique([_page(incident, responder, c, start + (delay - first), purpose)] for delay, c in had)


def _everywhere(incident: Incident, responder: Responder, at: datetime, purpose: Purpose) -> Pages:
    return tuple(_page(incident, responder, c, at, purpose) for c in responder.contacts)


def _page(incident: Incident, responder: Responder, contact: Contact, due_at: datetime, purpose: Purpose) -> Page:
    return Page(
        round=incident.round,
        step=incident.step,
        person_id=responder.person_id,
        role=responder.role,
        channel=contact.channel,
        address=contact.address,
        due_at=due_at,
        purpose=purpose,
    )


def _merge(*parts: Pages) -> Pages:
    return _unique(parts)


def _unique(parts: Iterable[Iterable[Page]]) -> Pages:
    """One page per person and channel, the earliest: nobody is called twice for being in two targets."""
    best: dict[tuple[int, str], Page] = {}
    for page in (p for part in parts for p in part):
        key = (page.person_id, page.channel)
        if key not in best or page.due_at < best[key].due_at:
            best[key] = page
    return tuple(best.values())


def _rung(incident: Incident, pages: Pages) -> Reason:
    people = sorted({p.person_id for p in pages})
    return ("rung", {"step": incident.step, "round": incident.round, "people": people})


def _timer(kind: TimerKind, incident: Incident, due_at: datetime) -> Timer:
    return Timer(kind=kind, due_at=due_at, step=incident.step, round=incident.round)


def stand_down_pages(incident: Incident, roster: Roster, now: datetime) -> Pages:
    """Tell whoever was on the way that it is over."""
    goes = (r for r in roster.responders if r.person_id == incident.responder_id)
    return _unique(_everywhere(incident, r, now, Purpose.STAND_DOWN) for r in goes)
