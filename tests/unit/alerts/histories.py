"""Random nights: bytes become a history of one incident, and every step is held against the laws of the duty room.

The laws are written from the rules, not from the engine: they keep their own outbox, count of presses and record of who
has it, and know nothing of how a decision is made.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from alerts import incident as engine
from alerts import ringing
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
)
from alerts.invariants import violations
from alerts.model import (
    ENDED,
    Alert,
    AlertKind,
    Decision,
    Disposition,
    Incident,
    Page,
    Proof,
    Purpose,
    Responder,
    Role,
    Roster,
    Service,
    Severity,
    State,
    TimerKind,
)
from alerts.policy import IfEmpty, PolicySet, load
from alerts.triage import Weight, weigh
from alerts.values import replace
from tests.unit.alerts.duty import NAMES, NIGHT, OFF_DUTY_GUARD, PEOPLE, XIAO_LI, alert, at

RINGS = 80  # the longest anything goes on by itself: a son 38 min away, operators rung every minute meanwhile
SHORTEST, LONGEST = 60, 200  # bytes of a seeded history, two a step
BELIEVED = timedelta(minutes=10)  # who says he is there is presumed to be after so long
AGAIN_EVERY = 16  # of so many steps one is decided twice: the same must give the same
WAITS_S = (0, 0.5, 1, 5, 10, 29, 30, 31, 60, 61, 300, 901, 3600, 30000)
WAITS_EMPTY = NIGHT.replace('only = { between = ["07:00", "22:00"] }', 'if_empty = "wait"')
FALLBACK = NIGHT.replace('{ role = "property" }', f'{{ role = "property", fallback = [{OFF_DUTY_GUARD}] }}')
VERSIONS: tuple[PolicySet, ...] = tuple(load(t) for t in (NIGHT, WAITS_EMPTY, FALLBACK))
PERSONS = (*NAMES, 999)
HAS_IT = frozenset({State.TAKEN, State.DISPATCHED, State.EN_ROUTE, State.ON_SCENE})
ALERTS: tuple[tuple[AlertKind, Severity, float, bool], ...] = (
    (AlertKind.SOS, Severity.CRITICAL, 0, False),
    (AlertKind.SOS, Severity.CRITICAL, 0, False),
    (AlertKind.FALL, Severity.CRITICAL, 15, False),
    (AlertKind.FALL, Severity.HIGH, 0, False),
    (AlertKind.VITALS, Severity.HIGH, 0, False),
    (AlertKind.VITALS, Severity.MEDIUM, 0, False),
    (AlertKind.VITALS, Severity.LOW, 0, False),
    (AlertKind.SOS, Severity.CRITICAL, 0, True),
)


class BrokenLawError(AssertionError):
    """A history that ends in this is a fault of the engine, or of the laws."""


def law(holds: bool, text: str) -> None:
    if not holds:
        raise BrokenLawError(text)


@dataclass
class Night:
    """One history and the laws' own memory of it."""

    version: PolicySet
    nobody: bool = False  # the device that calls is not known to be anybody's
    people: list[Responder] = field(default_factory=lambda: list(PEOPLE))
    now: datetime = field(default_factory=lambda: at("21:58:00"))
    incident: Incident = field(init=False)
    ready: list[Page] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    presses: int = 0
    there_since: datetime | None = None  # when the responder said that he is there
    rerung: dict[int, datetime] = field(default_factory=dict)
    steps: int = 0

    @property
    def roster(self) -> Roster:
        return Roster(responders=tuple(self.people))

    def opens(self, cause: Alert) -> None:
        decision = ringing.open_incident(1, cause, self.version.choose(cause, self.now), self.roster, self.now)
        self.presses = int(cause.kind is AlertKind.SOS)
        law(decision.incident.state is State.CONFIRMING or self._rang(decision), "opened without a page")
        law(decision.incident.state is State.OPEN or cause.countdown_s > 0, "asked about something that is not asked")
        self._write(None, None, decision)

    def does(self, event: Event) -> None:
        self.steps += 1
        before = self.incident
        try:
            decision = engine.apply(before, event, self.roster, self.now)
        except Refused:
            law(before.state in ENDED or not isinstance(event, Raised | Due), f"{event} refused while {before.state}")
            return
        law(before.state not in ENDED, "something happened after the end")
        if self.steps % AGAIN_EVERY == 0:
            law(decision == engine.apply(before, event, self.roster, self.now), "the same gave something else")
        self._judge(before, event, decision)
        self._write(before, event, decision)

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.ready = [p for p in self.ready if p.due_at > self.now]

    def left_alone(self) -> None:
        """Everybody sleeps: whatever state it is in, it must end up ringing for ever, or have ended."""
        for _ in range(RINGS):
            timer = self.incident.timer
            if self._rings_for_ever():
                break
            if timer is None:
                law(self.incident.state in ENDED, "silent")
                return
            self.passes(max(0.0, (timer.due_at - self.now).total_seconds()))
            self.does(Due())
        law(self._rings_for_ever(), f"{self.incident.state}, and everybody sleeps")
        timer = self.incident.timer
        law(timer is not None and timer.due_at - self.now <= timedelta(minutes=30), "rings too seldom")

    def _rings_for_ever(self) -> bool:
        timer = self.incident.timer
        last = self.incident.state is State.OPEN and timer is not None and timer.kind is TimerKind.REPEAT
        return last or self.incident.state in (State.HANDED_OVER, State.RESOLVED)

    def _judge(self, before: Incident, event: Event, decision: Decision) -> None:
        if isinstance(event, Due):
            self._judge_time(before, decision)
        if isinstance(event, Raised):
            self._judge_alert(before, event.alert, decision)
        if isinstance(event, Taken) and before.state not in HAS_IT:
            has = (decision.incident.handler_id, decision.incident.responder_id)
            law(event.person_id in has or before.state in (State.HANDED_OVER, State.RESOLVED), "taken by nobody")
        after = decision.incident
        if after.state in HAS_IT and before.state not in HAS_IT:
            law(decision.withdraw, f"{before.state} became {after.state} and pages are still waiting")
            allowed = self._roles(decision.pages) <= {Role.OPERATOR} or isinstance(event, Dispatched)
            law(allowed, "taken, and others than the operators are paged")
        law(after.state is not State.CLOSED or isinstance(event, Closed), "closed by itself")
        law(
            after.state is not State.CANCELLED or before.state is State.CONFIRMING, "cancelled after people were called"
        )

    def _judge_time(self, before: Incident, decision: Decision) -> None:
        timer = before.timer
        law(timer is not None, "no timer to fire")
        assert timer is not None
        after = decision.incident
        if self.now < timer.due_at:
            law(decision == Decision(incident=before), "fired early")
            return
        law(after.timer is not None and after.timer.due_at > self.now, "fired and set no new time")
        waits = not after.test and after.policy.steps[after.step].if_empty is IfEmpty.WAIT
        presumed = self._only_his_word(before) and after.state is State.ON_SCENE
        law(not presumed or after.proof is Proof.TIME, "there by his word for ten minutes, and it is not said")
        quiet = waits or (presumed and not self._operators_wait(before))
        law(self._rang(decision) or quiet, f"{before.state}: the timer fired and nobody was paged")
        if after.state is before.state and after.state in HAS_IT:
            law(self._roles(decision.pages) <= {Role.OPERATOR}, "paging goes on after it was taken")
        if before.state is State.OPEN and not before.test:
            self._judge_climb(before, after)

    def _only_his_word(self, incident: Incident) -> bool:
        """Whether somebody has said for long enough that he is there, and nothing speaks for or against it."""
        told = incident.state is State.ON_SCENE and incident.proof is Proof.TOLD
        return told and self.there_since is not None and self.now - self.there_since >= BELIEVED

    def _operators_wait(self, incident: Incident) -> bool:
        return incident.handler_id is None and incident.severity is Severity.CRITICAL and not incident.test

    def _judge_climb(self, before: Incident, after: Incident) -> None:
        last = before.policy.last
        expected = min(before.step + 1, last)
        while expected < last and self._nobody(before, expected):
            expected += 1
        law(after.step == expected, f"went from step {before.step} to {after.step}, not {expected}")
        wait = after.policy.repeat_last if after.step == last else after.policy.steps[after.step].wait
        law(after.timer is not None and after.timer.due_at == self.now + wait, "a step has not its time")

    def _nobody(self, incident: Incident, step: int) -> bool:
        """Whether the rules let this step be passed over."""
        rule = incident.policy.steps[step]
        if rule.if_empty is IfEmpty.WAIT:
            return False
        if not incident.policy.open_now(step, self.now):
            return True
        if any(t.operator_confirms and self._free(Role.OPERATOR, ()) for t in rule.notify):
            return False
        return not any(self._free(t.role, t.fallback) for t in rule.notify)

    def _free(self, role: Role, fallback: tuple[int, ...]) -> bool:
        of_role = [p for p in self.people if p.role is role and p.contacts]
        return any(p.on_duty or role is Role.FAMILY or p.person_id in fallback for p in of_role)

    def _judge_alert(self, before: Incident, cause: Alert, decision: Decision) -> None:
        after = decision.incident
        self.presses += cause.kind is AlertKind.SOS
        law(after.presses == self.presses, "a press was not counted")
        heard = bool(decision.told) and decision.told[0].say == "received"
        law(heard or cause.kind is not AlertKind.SOS, "she was not told that she was heard")
        law(bool(decision.reasons), "an alert was not written down")
        law(after.severity <= cause.severity or cause.test, "worse than the incident and not raised")
        if before.state is State.CONFIRMING and cause.kind is AlertKind.SOS:
            law(after.state is State.OPEN and self._rang(decision), "a press waited for a countdown")
        if before.state is State.OPEN and after.policy.name == before.policy.name and before.test == after.test:
            law(
                before.timer is not None and after.timer is not None and after.timer.due_at == before.timer.due_at,
                "pressing again moved the next step",
            )
        weight = weigh(before, cause)
        if weight is Weight.RAISE and not cause.countdown_s:
            law(self._rang(decision), "worse, and nobody was paged")
        if weight is Weight.RING and after.state is before.state and before.state is not State.CONFIRMING:
            self._judge_rering(before, cause, decision)

    def _judge_rering(self, before: Incident, cause: Alert, decision: Decision) -> None:
        for person in {p.person_id for p in decision.pages}:
            last = self.rerung.get(person)
            law(last is None or self.now - last >= timedelta(seconds=30), "rung again within 30 s")
            self.rerung[person] = self.now
        waited = before.paged_at is None or self.now - before.paged_at >= timedelta(seconds=30)
        law(cause.kind is not AlertKind.SOS or not waited or self._rang(decision), "a press rang nobody")

    def _write(self, before: Incident | None, event: Event | None, decision: Decision) -> None:
        after = decision.incident
        wrong = violations(after, before)
        law(not wrong, "; ".join(wrong))
        if decision.withdraw:
            self.ready = []
        for page in decision.pages:
            law(page.key(1) not in self.keys, f"page {page.key(1)} was written before")
            self.keys.add(page.key(1))
            law(page.due_at >= self.now, "a page in the past")
            self._judge_page(after, page)
            quiet = not after.test or page.purpose is Purpose.NOTICE or isinstance(event, Dispatched)
            law(quiet or page.person_id in (after.handler_id, after.responder_id), "a test alarms people")
        self.ready += decision.pages
        if after.state in ENDED:
            law(not self.ready or all(p.purpose is Purpose.STAND_DOWN for p in self.ready), "ended and still paging")
        if after.state is not State.ON_SCENE:
            self.there_since = None
        elif before is None or before.state is not State.ON_SCENE:
            self.there_since = self.now
        if after.state is State.ON_SCENE and after.proof is Proof.TOLD and self.there_since is not None:
            looks = after.timer is not None and after.timer.due_at <= self.there_since + BELIEVED
            law(looks, "there by his word, and nobody looks when it may be presumed")
        if self._operators_wait(after) and after.state in (*HAS_IT, State.HANDED_OVER):
            cadence = after.timer is not None and after.timer.due_at <= self.now + after.policy.repeat_last
            law(cadence, "severity 1 without an operator, and the operators are not rung")
        self.incident = after
        self.passes(0)

    def _judge_page(self, incident: Incident, page: Page) -> None:
        known = [p for p in self.people if p.person_id == page.person_id and p.role is page.role]
        law(bool(known), "somebody unknown is paged")
        law(any(c.channel == page.channel and c.address == page.address for c in known[0].contacts), "no such contact")
        named = {f for s in incident.policy.steps for t in s.notify for f in t.fallback}
        has = (incident.handler_id, incident.responder_id)
        free = known[0].on_duty or page.role is Role.FAMILY or page.person_id in named or page.person_id in has
        law(free, f"{NAMES[page.person_id]} is off duty and is paged")

    def _rang(self, decision: Decision) -> bool:
        """Somebody is paged, or the audit log says that there is nobody."""
        nobody = any(what == "nobody_reachable" for what, _ in decision.reasons)
        return bool(decision.pages) or nobody

    def _roles(self, pages: tuple[Page, ...]) -> set[Role]:
        return {p.role for p in pages}


def seeded(seed: int) -> bytes:
    """Return the history of a seed, the same on every machine."""
    dice = random.Random(seed)
    return dice.randbytes(dice.randrange(SHORTEST, LONGEST, 2))


def play(history: bytes) -> Night:
    """Play two bytes a step: what happens, and to whom or how long."""
    night = Night(version=VERSIONS[history[0] % len(VERSIONS)], nobody=history[0] & 0x70 == 0x70)
    night.opens(_alert(night, history[1]))
    for what, which in _pairs(history[2:]):
        if what == 0:
            continue
        if what < 80:
            _time(night, which)
        elif what < 96:
            _duty(night, which)
        else:
            night.does(_event(night, what, which))
    night.left_alone()
    return night


def shrink(history: bytes, fails: Callable[[bytes], bool]) -> bytes:
    """Leave out whatever the failure does not need, in halves, quarters … single steps."""
    size = len(history) // 4 * 2
    while size >= 2:
        start = 2
        while start < len(history):
            shorter = history[:start] + history[start + size :]
            if fails(shorter):
                history = shorter
            else:
                start += size
        size = size // 4 * 2
    return history


def _pairs(history: bytes) -> Iterator[tuple[int, int]]:
    return zip(history[::2], history[1::2], strict=False)


def _time(night: Night, which: int) -> None:
    timer = night.incident.timer
    if which < 128 and timer is not None and timer.due_at > night.now:
        night.passes((timer.due_at - night.now).total_seconds() - (1e-6 if which < 16 else 0))
        night.does(Due())
    else:
        night.passes(WAITS_S[which % len(WAITS_S)])
        if which % 2:
            night.does(Due())


def _duty(night: Night, which: int) -> None:
    """Somebody comes on or goes off duty, or loses or finds the phone."""
    n = which % len(night.people)
    person = night.people[n]
    if which & 0x40:
        night.people[n] = replace(person, on_duty=not person.on_duty)
    else:
        night.people[n] = replace(person, contacts=() if person.contacts else PEOPLE[n].contacts)


def _alert(night: Night, which: int) -> Alert:
    kind, severity, countdown_s, test = ALERTS[which % len(ALERTS)]
    told = alert(kind, severity, night.now, countdown_s=countdown_s, test=test)
    return replace(told, resident_id=None) if night.nobody else told


LATE_S = (0.0, 0.0, 0.0, 40.0, 3600.0)  # how long a tap was under way
PROOFS = (Proof.TOLD, Proof.BUTTON, Proof.POSITION, Proof.TIME, None)
SERVICES = tuple(Service)
UNDONE: tuple[Literal["arrived", "handed_over", "cannot_go"], ...] = ("arrived", "handed_over", "cannot_go")
ROLES = {p.person_id: p.role for p in PEOPLE}
Choice = Callable[[Night, int, int, int], Event]  # the night, somebody, most often an operator, the byte
CHOICES: tuple[Choice, ...] = (
    lambda night, _p, _o, which: Raised(alert=_alert(night, which)),
    lambda night, _p, _o, which: Raised(alert=_alert(night, which)),
    lambda _n, _p, _o, _w: Due(),
    lambda _n, person, _o, _w: Taken(person_id=person, role=ROLES.get(person, Role.FAMILY)),
    lambda _n, _p, _o, _w: Taken(person_id=XIAO_LI, role=Role.OPERATOR),
    lambda _n, person, operator, which: Dispatched(by=operator, person_id=person if which & 0x40 else None),
    lambda _n, person, _o, which: CannotGo(person_id=person, age_s=LATE_S[which % len(LATE_S)]),
    lambda _n, person, _o, _w: EnRoute(person_id=person),
    lambda _n, person, _o, which: Arrived(person_id=person, proof=PROOFS[which % len(PROOFS)], distance_m=which * 10),
    lambda _n, person, _o, _w: Left(person_id=person),
    lambda _n, person, _o, which: HandedOver(person_id=person, to="120 #4711" if which & 0x40 else " "),
    lambda _n, _p, operator, _w: Released(by=operator),
    lambda night, _p, operator, which: Held(
        by=operator, reason="rings back", until=night.now + timedelta(seconds=which * 5)
    ),
    lambda _n, _p, operator, which: Called(by=operator, service=SERVICES[which % len(SERVICES)], reference="4711"),
    lambda _n, _p, operator, _w: MadeReal(by=operator),
    lambda _n, _p, operator, which: Cancelled(by="wearer" if which & 0x40 else operator),
    lambda _n, _p, operator, _w: Resolved(by=operator, how="her voice"),
    lambda _n, person, operator, which: Closed(
        by=operator, disposition=Disposition.REASSURED, with_whom="her son", second_person_id=person,
        called_back=which & 0x40 > 0,
    ),
    lambda _n, _p, operator, which: Identified(by=operator, resident_id=which % 3 + 1, area="和平社区"),
    lambda _n, person, _o, which: Mistaken(
        person_id=person, tap=UNDONE[which % 3], seq=2, since_s=which * 1.5, role=ROLES.get(person, Role.FAMILY),
        goes=which & 0x40 > 0,
    ),
)  # fmt: skip


def _event(night: Night, what: int, which: int) -> Event:
    has = night.incident.responder_id
    person = has if which & 0x80 and has is not None else PERSONS[which % len(PERSONS)]
    operator = XIAO_LI if which & 0x20 else person
    return CHOICES[(what - 96) % len(CHOICES)](night, person, operator, which)
