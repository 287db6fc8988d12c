"""A policy played before it is needed: the engine itself over a clock of its own, nobody answering, nothing written."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from alerts.events import Due
from alerts.incident import apply
from alerts.model import Alert, AlertKind, Decision, Purpose, Responder, Role, Roster, Severity, TimerKind
from alerts.policy import EscalationPolicy, PolicySet, Target
from alerts.ringing import open_incident
from alerts.roster import callable_now, may_be_sent

MOST_MOMENTS = 500  # timers fired; a policy of that many steps is played only so far
SEVERITIES = {  # what each kind opens with, for who does not say
    AlertKind.VITALS: Severity.HIGH,
    AlertKind.STILLNESS: Severity.MEDIUM,
    AlertKind.ROUTINE: Severity.LOW,
    AlertKind.WANDERING: Severity.MEDIUM,
    AlertKind.SILENCE: Severity.TECHNICAL,
    AlertKind.DEVICE: Severity.TECHNICAL,
    AlertKind.SYSTEM: Severity.TECHNICAL,
}
COUNTDOWN_S = 15.0  # how long a watch lets a fallen wearer cancel, where the policy does not say


class Why(StrEnum):
    """Why somebody whom a step names is not called."""

    OFF_DUTY = "off_duty"
    NO_CONTACT = "no_contact"
    FARTHER = "farther"  # others are nearer


@dataclass(frozen=True, kw_only=True)
class Call:
    """One person called through one channel."""

    at: datetime
    person_id: int
    role: Role
    channel: str
    purpose: Purpose


@dataclass(frozen=True, kw_only=True)
class Left:
    """Somebody the step names, who is not called."""

    person_id: int
    role: Role
    why: Why


@dataclass(frozen=True, kw_only=True)
class Passed:
    """A step that has nobody: why, and who of those it names would have been there."""

    step: int
    why: str  # outside_hours, nobody_to_call
    left: tuple[Left, ...] = ()
    roles: tuple[Role, ...] = ()  # whom it names


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One firing of the timer, the opening being the first: what was passed over, and who is called from here."""

    at: datetime
    what: str  # the engine's word: opened, not_cancelled, next_step, rings_on
    step: int
    round: int
    passed: tuple[Passed, ...]
    calls: tuple[Call, ...]
    left: tuple[Left, ...]  # of the step that rings
    everybody: bool  # nobody was left in the last step: everybody the policy names
    next_at: datetime | None
    asking: bool = False  # the wearer may cancel; nobody is called yet


@dataclass(frozen=True, kw_only=True)
class DryRun:
    """What would happen, in order, until the last rung has repeated once."""

    alert: Alert
    policy: EscalationPolicy
    moments: tuple[Moment, ...]
    whole: bool  # False: it was cut off at MOST_MOMENTS

    @property
    def calls(self) -> tuple[Call, ...]:
        return tuple(sorted((c for m in self.moments for c in m.calls), key=lambda c: c.at))


def play(alert: Alert, policies: PolicySet, start: datetime, roster_at: Callable[[datetime], Roster]) -> DryRun:
    """Play one alert from its opening until the last rung has repeated once; nobody answers.

    Args:
        alert: what is found; `imagined` makes one.
        policies: the version to play.
        start: when.
        roster_at: who might be called at a time: on duty is looked up when each step fires.
    """
    run = rehearsal(alert, policies, start)
    at = next(run)
    while True:
        try:
            at = run.send(roster_at(at))
        except StopIteration as over:
            done: DryRun = over.value
            return done


def rehearsal(alert: Alert, policies: PolicySet, start: datetime) -> Generator[datetime, Roster, DryRun]:
    """Like `play`, for a caller who has to wait for his rosters: yields a time, wants the roster of then."""
    policy = policies.choose(alert, start)
    now, roster = start, (yield start)
    decision = open_incident(0, alert, policy, roster, now, None)
    moments = [_moment(decision, roster, now)]
    repeated = False
    while not repeated and len(moments) < MOST_MOMENTS:
        timer = decision.incident.timer
        if timer is None:  # cannot be: every incident that has not ended has one
            break
        repeated = timer.kind is TimerKind.REPEAT
        now = timer.due_at
        roster = yield now
        decision = apply(decision.incident, Due(), roster, now)
        moments.append(_moment(decision, roster, now))
    return DryRun(alert=alert, policy=policy, moments=tuple(moments), whole=repeated)


def imagined(
    kind: AlertKind, start: datetime, *, resident_id: int, area: str = "", severity: Severity | None = None
) -> Alert:
    """Return the alert of a dry run: as bad as its kind usually is, from a device of the resident."""
    return Alert(
        alert_id=f"dry-run-{kind}",
        kind=kind,
        severity=severity or SEVERITIES.get(kind, Severity.CRITICAL),
        raised_at=start,
        resident_id=resident_id,
        area=area,
        countdown_s=COUNTDOWN_S if kind is AlertKind.FALL else 0.0,
    )


def _moment(decision: Decision, roster: Roster, now: datetime) -> Moment:
    incident = decision.incident
    said = [what for what, _ in decision.reasons]
    steps = incident.policy.steps
    passed = tuple(
        Passed(
            step=int(facts["step"]),
            why=str(facts["why"]),
            left=tuple(_left_of(steps[facts["step"]].notify, roster)) if facts["why"] == "nobody_to_call" else (),
            roles=tuple(dict.fromkeys(t.role for t in steps[facts["step"]].notify)),
        )
        for what, facts in decision.reasons
        if what == "step_empty"
    )
    calls = [
        Call(at=p.due_at, person_id=p.person_id, role=p.role, channel=p.channel, purpose=p.purpose)
        for p in decision.pages
    ]
    called = {c.person_id for c in calls}
    asking = incident.timer is not None and incident.timer.kind is TimerKind.CONFIRM
    rings = not asking and incident.step not in {p.step for p in passed}
    left = _left_of(steps[incident.step].notify, roster) if rings else ()
    return Moment(
        at=now,
        what=next(iter(said), ""),
        step=incident.step,
        round=incident.round,
        passed=passed,
        calls=tuple(sorted(calls, key=lambda c: c.at)),
        left=tuple(one for one in left if one.person_id not in called),
        everybody="everybody" in said,
        next_at=incident.timer.due_at if incident.timer else None,
        asking=asking,
    )


def _left_of(targets: tuple[Target, ...], roster: Roster) -> Iterator[Left]:
    """Yield everybody these targets name and do not call, once, with the reason."""
    told: set[int] = set()
    for target in targets:
        called = {r.person_id for r in callable_now(target, roster)}
        for responder in roster.responders:
            named = responder.role is target.role and target.roster in (None, responder.roster)
            if named and responder.person_id not in called | told:
                told.add(responder.person_id)
                yield Left(person_id=responder.person_id, role=responder.role, why=_why(responder))


def _why(responder: Responder) -> Why:
    if not responder.contacts:
        return Why.NO_CONTACT
    return Why.FARTHER if may_be_sent(responder) else Why.OFF_DUTY


def elapsed(run: DryRun, at: datetime) -> timedelta:
    """Time since the alert."""
    return at - run.moments[0].at
