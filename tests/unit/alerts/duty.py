"""A night on duty, played without a clock: people, one policy, and an outbox that behaves as the store must."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from alerts.events import Due, Event, Raised, Refused, Taken
from alerts.incident import apply
from alerts.invariants import violations
from alerts.model import (
    Alert,
    AlertKind,
    Contact,
    Decision,
    Incident,
    Page,
    Purpose,
    Responder,
    Role,
    Roster,
    Severity,
    Told,
)
from alerts.policy import EscalationPolicy, load
from alerts.ringing import open_incident

ZONE = ZoneInfo("Asia/Shanghai")
RESIDENT, DEVICE = 417, 7

DAUGHTER, SON, XIAO_LI, LAO_ZHANG, GUARD, WORKER, RIDER, AMBULANCE, OFF_DUTY_GUARD = 1, 2, 10, 11, 20, 30, 40, 50, 21
NAMES = {
    DAUGHTER: "daughter",
    SON: "son",
    XIAO_LI: "xiao li",
    LAO_ZHANG: "lao zhang",
    GUARD: "guard",
    WORKER: "worker",
    RIDER: "rider",
    AMBULANCE: "120",
    OFF_DUTY_GUARD: "off-duty guard",
}

NIGHT = """
[policy."技术"]
when = { severity = "technical" }
repeat_last = "30m"
[[policy."技术".step]]
notify = [ { role = "operator" } ]

[policy."轻"]
when = { kind = ["vitals"], severity = ["medium", "low"] }
[[policy."轻".step]]
notify = [ { role = "operator" } ]

[policy."急"]
repeat_last = "60s"
ack_expires = "5m"
countdown = "15s"
[[policy."急".step]]
notify = [ { role = "family", channels = ["mqtt", "webhook@10s"] }, { role = "operator", channels = ["console"] } ]
wait = "30s"
[[policy."急".step]]
notify = [ { role = "community" } ]
only = { between = ["07:00", "22:00"] }
wait = "60s"
[[policy."急".step]]
notify = [ { role = "property" } ]
wait = "60s"
[[policy."急".step]]
notify = [ { role = "ambulance", via = "operator_confirm", auto_after = "45s" }, { role = "operator" } ]
"""


def ways(*channels: str) -> tuple[Contact, ...]:
    return tuple(Contact(channel=c, address=f"{c}-address") for c in channels)


def who(person_id: int, role: Role, *channels: str, on_duty: bool = True, away: float | None = None) -> Responder:
    return Responder(
        person_id=person_id,
        role=role,
        contacts=ways(*channels),
        on_duty=on_duty,
        minutes_away=away,
        position=person_id,
    )


PEOPLE = (
    who(DAUGHTER, Role.FAMILY, "mqtt", "webhook", away=12),
    who(SON, Role.FAMILY, "webhook", on_duty=False, away=38),  # family is always asked
    who(XIAO_LI, Role.OPERATOR, "console"),
    who(LAO_ZHANG, Role.OPERATOR, "console"),
    who(WORKER, Role.COMMUNITY, "mqtt", away=9),
    who(GUARD, Role.PROPERTY, "mqtt", away=3),
    who(OFF_DUTY_GUARD, Role.PROPERTY, "mqtt", on_duty=False),
    who(RIDER, Role.THIRD_PARTY, "mqtt", away=6),
    who(AMBULANCE, Role.AMBULANCE, "webhook", away=20),
)


def roster(*people: Responder, without: Iterable[int] = ()) -> Roster:
    return Roster(responders=tuple(p for p in (people or PEOPLE) if p.person_id not in set(without)))


def at(clock: str, day: int = 3) -> datetime:
    hours, minutes, seconds = (int(p) for p in clock.split(":"))
    return datetime(2026, 11, day, hours, minutes, seconds, tzinfo=ZONE).astimezone(ZoneInfo("UTC"))


def alert(
    kind: AlertKind = AlertKind.SOS,
    severity: Severity = Severity.CRITICAL,
    now: datetime | None = None,
    *,
    countdown_s: float = 0.0,
    test: bool = False,
    alert_id: str = "a-1",
    identity: str | None = None,
    measured_at: datetime | None = None,
) -> Alert:
    return Alert(
        alert_id=alert_id,
        kind=kind,
        severity=severity,
        raised_at=now or at("02:14:07"),
        measured_at=measured_at,
        device_id=DEVICE,
        resident_id=RESIDENT,
        countdown_s=countdown_s,
        test=test,
        identity=identity,
    )


def policy(text: str = NIGHT, name: str = "急") -> EscalationPolicy:
    return load(text)[name]


@dataclass
class Duty:
    """One incident and the people around it. Every step is checked against the invariants."""

    people: Roster = field(default_factory=roster)
    text: str = NIGHT
    now: datetime = field(default_factory=lambda: at("02:14:07"))
    incident: Incident = field(init=False)
    last: Decision = field(init=False)
    keys: set[str] = field(default_factory=set)
    waiting: list[Page] = field(default_factory=list)
    sent: list[Page] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    log: list[tuple[datetime, str]] = field(default_factory=list)

    def opens(self, cause: Alert) -> "Duty":
        chosen = load(self.text).choose(cause, self.now)
        self._write(open_incident(1, cause, chosen, self.people, self.now), None)
        return self

    def press(self, **facts: str) -> Decision:
        return self.does(Raised(alert=alert(now=self.now, **facts)))  # type: ignore[arg-type]

    def does(self, event: Event) -> Decision:
        decision = apply(self.incident, event, self.people, self.now)
        self._write(decision, self.incident)
        return decision

    def takes(self, person_id: int, role: Role = Role.OPERATOR) -> Decision:
        return self.does(Taken(person_id=person_id, role=role))

    def refuses(self, event: Event) -> str:
        before = self.incident
        try:
            apply(self.incident, event, self.people, self.now)
        except Refused as refused:
            assert self.incident is before
            return refused.reason
        raise AssertionError(f"{event} was allowed while {before.state}")

    def until(self, clock: str, day: int = 3) -> "Duty":
        """Let time pass: timers fire when they are due, pages leave when they are due."""
        end = at(clock, day)
        while self.incident.timer is not None and self.incident.timer.due_at <= end:
            self._pass(self.incident.timer.due_at)
            self.does(Due())
        self._pass(end)
        return self

    def called(self, since: str | None = None, day: int = 3) -> list[str]:
        """Who was alarmed, as the log book has it: "02:14:37 guard mqtt"."""
        start = at(since, day) if since else at("00:00:00", 1)
        return [
            f"{p.due_at.astimezone(ZONE):%H:%M:%S} {NAMES[p.person_id]} {p.channel}"
            for p in sorted(self.sent, key=lambda p: (p.due_at, p.person_id, p.channel))
            if p.purpose is Purpose.ALARM and p.due_at >= start
        ]

    def what(self) -> list[str]:
        return [what for _, what in self.log]

    def facts(self, what: str) -> dict[str, object]:
        return next(dict(facts) for said, facts in self.last.reasons if said == what)

    def _pass(self, to: datetime) -> None:
        assert to >= self.now, "time does not go back"
        self.now = to
        self.sent += [p for p in self.waiting if p.due_at <= to]
        self.waiting = [p for p in self.waiting if p.due_at > to]

    def _write(self, decision: Decision, before: Incident | None) -> None:
        """What one transaction of the store does: withdraw, then write, every key once."""
        wrong = violations(decision.incident, before)
        assert not wrong, (wrong, decision)
        if decision.withdraw:
            self.waiting = []
        for page in decision.pages:
            assert page.key(1) not in self.keys, f"{page.key(1)} was used before"
            assert page.due_at >= self.now
            self.keys.add(page.key(1))
        self.waiting += decision.pages
        self.told += decision.told
        self.log += [(self.now, what) for what, _ in decision.reasons]
        self.incident, self.last = decision.incident, decision
        self._pass(self.now)


def sos(**facts: object) -> Duty:
    """02:14:07: she presses."""
    duty = Duty(**facts)  # type: ignore[arg-type]
    return duty.opens(alert(now=duty.now))


def changed(person_id: int, change: Callable[[Responder], Responder]) -> Roster:
    return Roster(responders=tuple(change(p) if p.person_id == person_id else p for p in PEOPLE))


def off_duty(*people: int) -> Roster:
    return Roster(responders=tuple(replace(p, on_duty=p.on_duty and p.person_id not in people) for p in PEOPLE))
