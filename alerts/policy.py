"""Who is called, in what order, after how long: policies as values, checked when they are read."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Protocol
from zoneinfo import ZoneInfo

from alerts.model import Alert, AlertError, AlertKind, Role, Severity
from alerts.policy_faults import Fault
from alerts.values import replace

DEFAULT_ZONE = "Asia/Shanghai"
KNOWN_CHANNELS = ("console", "app", "sms", "voice", "email", "webhook", "mqtt", "siren", "apprise", "device")

# Roles that are there at three in the morning. The others keep hours, so a last step of theirs alone may ring nobody.
ROUND_THE_CLOCK = frozenset({Role.OPERATOR, Role.FAMILY, Role.COUNTY_CENTRE, Role.AMBULANCE})


class PolicyError(AlertError):
    """A policy that must not be published. `line` is where in the text, `reason` what to write; `faults` are all."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        known = {(f.line, f.words()): f for f in faults}
        self.faults = tuple(sorted(known.values(), key=lambda f: f.line))
        super().__init__("\n".join(f"line {f.line}: {f.words()}" for f in self.faults))
        self.line = self.faults[0].line
        self.reason = self.faults[0].words()


class Workdays(Protocol):
    """Which days people work: public holidays, and the weekends worked for them. Without one, Monday to Friday."""

    def works(self, day: date) -> bool: ...


class Day(StrEnum):
    """A day of the week, or a kind of day in the calendar."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"
    WORKDAY = "workday"
    HOLIDAY = "holiday"  # weekends too, but for those that are worked


WEEK = tuple(Day)[:7]


class IfEmpty(StrEnum):
    """What a step does when nobody in it may be called."""

    NEXT_NOW = "next_now"
    WAIT = "wait"


class Order(StrEnum):
    PARALLEL = "parallel"
    SEQUENTIAL = "sequential"


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One way of a person's ladder: this channel, so long after the step has started."""

    channel: str
    delay: timedelta = timedelta(0)


@dataclass(frozen=True, kw_only=True)
class Window:
    """Hours of the day in the resident's wall time, on some days.

    `start` after `end` runs over midnight and belongs to the day on which it began; `start` equal to `end` is all day.
    """

    start: time = time(0)
    end: time = time(0)
    days: frozenset[Day] = frozenset()  # empty: every day

    def covers(self, wall: time) -> bool:
        if self.start < self.end:
            return self.start <= wall < self.end
        return wall >= self.start or wall < self.end

    def includes(self, wall: datetime, calendar: Workdays | None = None) -> bool:
        """Whether this moment of the wall's clock is in these hours of these days."""
        clock = wall.time()
        if not self.covers(clock) or not self.days:
            return self.covers(clock)
        over_midnight = self.start > self.end and clock < self.end
        began = wall.date() - timedelta(days=1) if over_midnight else wall.date()
        works = calendar.works(began) if calendar is not None else began.weekday() < 5
        return not self.days.isdisjoint({WEEK[began.weekday()], Day.WORKDAY if works else Day.HOLIDAY})


@dataclass(frozen=True, kw_only=True)
class Target:
    """Whom a step calls. No channels: every way the person has, at once."""

    role: Role
    order: Order = Order.PARALLEL
    channels: tuple[Rung, ...] = ()
    next_after: timedelta = timedelta(seconds=20)  # sequential: until the next person is called as well
    nearest: int | None = None
    roster: str | None = None
    fallback: tuple[int, ...] = ()  # people who agreed to be called off duty when nobody else can be
    operator_confirms: bool = False  # an operator is asked first …
    auto_after: timedelta | None = None  # … and this long later it happens without an answer


@dataclass(frozen=True, kw_only=True)
class Step:
    """One rung of a policy. The last step has no wait: it repeats."""

    notify: tuple[Target, ...]
    wait: timedelta = timedelta(0)
    only: Window | None = None
    if_empty: IfEmpty = IfEmpty.NEXT_NOW


@dataclass(frozen=True, kw_only=True)
class When:
    """Which alerts a policy is for. Empty means all."""

    kinds: frozenset[AlertKind] = frozenset(AlertKind)
    severities: frozenset[Severity] = frozenset(Severity)
    areas: frozenset[str] | None = None  # None: everywhere
    between: Window | None = None

    @property
    def everything(self) -> bool:
        return self.covers(When())

    def covers(self, other: "When") -> bool:
        """Whether every alert `other` is for is one of these: a later policy with `other` would never be chosen."""
        return (
            self.kinds >= other.kinds
            and self.severities >= other.severities
            and (self.areas is None or (other.areas is not None and self.areas >= other.areas))
            and (self.between is None or self.between == other.between)
        )

    def matches(self, alert: Alert, wall: datetime, calendar: Workdays | None = None) -> bool:
        return (
            alert.kind in self.kinds
            and alert.severity in self.severities
            and (self.areas is None or alert.area in self.areas)
            and (self.between is None or self.between.includes(wall, calendar))
        )


@dataclass(frozen=True, kw_only=True)
class EscalationPolicy:
    """One policy of a published version. An incident keeps the version it opened with."""

    name: str
    steps: tuple[Step, ...]
    when: When = When()
    zone: str = DEFAULT_ZONE
    repeat_last: timedelta = timedelta(seconds=60)
    ack_expires: timedelta = timedelta(minutes=5)  # taken, and nothing was heard
    arrival_expires: timedelta = timedelta(minutes=15)  # on the way; longer for somebody who lives far off
    scene_expires: timedelta = timedelta(minutes=30)  # on scene, and nothing was heard
    closing_every: timedelta = timedelta(minutes=10)  # handed over or resolved, and nobody has written how it ended
    hold_max: timedelta = timedelta(minutes=15)
    countdown: timedelta | None = None  # how long a fallen wearer may cancel; None: as the alert says
    version: "PolicySet | None" = field(default=None, compare=False, repr=False)  # its siblings, for a worse alert
    calendar: Workdays | None = field(default=None, compare=False, repr=False)

    @property
    def last(self) -> int:
        return len(self.steps) - 1

    def rung(self, step: int) -> Step:
        """Step number `step`; a number no step has, which only a damaged row can hold, is the last."""
        return self.steps[step] if 0 <= step <= self.last else self.steps[-1]

    def window_of(self, step: int) -> timedelta:
        """How long step number `step` has before the next ring."""
        return self.repeat_last if step >= self.last else self.rung(step).wait

    def open_now(self, step: int, now: datetime) -> bool:
        """Whether the step's hours include `now`."""
        only = self.rung(step).only
        return only is None or only.includes(wall_clock(self.zone, now), self.calendar)

    def for_worse(self, alert: Alert, at: datetime) -> "EscalationPolicy":
        """The policy of the same version that this alert would have opened with."""
        return self if self.version is None else self.version.choose(alert, at)


@dataclass(frozen=True, kw_only=True)
class PolicySet:
    """One published version: policies in the order of the file, the last for everything the others are not for."""

    policies: tuple[EscalationPolicy, ...]
    calendar: Workdays | None = field(default=None, compare=False, repr=False)

    def choose(self, alert: Alert, at: datetime) -> EscalationPolicy:
        """Return the first policy that is for this alert; the catch-all makes sure there is one."""
        for policy in self.policies:
            if policy.when.matches(alert, wall_clock(policy.zone, at), self.calendar):
                return self._of(policy)
        return self._of(self.policies[-1])

    def __getitem__(self, name: str) -> EscalationPolicy:
        for policy in self.policies:
            if policy.name == name:
                return self._of(policy)
        raise KeyError(name)

    def __iter__(self) -> Iterator[EscalationPolicy]:
        return iter(self.policies)

    def _of(self, policy: EscalationPolicy) -> EscalationPolicy:
        return replace(policy, version=self, calendar=self.calendar)


def wall_clock(zone: str, at: datetime) -> datetime:
    """The clock and the calendar on the resident's wall, without a zone."""
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def load(
    text: str,
    *,
    channels: tuple[str, ...] = KNOWN_CHANNELS,
    rosters: tuple[str, ...] = (),
    calendar: Workdays | None = None,
) -> PolicySet:
    """Read a version from TOML text and check everything in it.

    Args:
        text: the file's text.
        channels: names of the channels this hub has.
        rosters: names of the duty lists it has.
        calendar: public holidays, for policies and steps of some days.

    Raises:
        PolicyError: Every fault with its line and what to write instead.
    """
    from alerts.policy_file import read  # noqa: PLC0415 - the reader builds the values above

    return replace(read(text, channels=channels, rosters=rosters), calendar=calendar)


def explain(policy: EscalationPolicy, lang: str = "zh") -> str:
    """Return the policy's timeline in words, `lang` zh or en."""
    from alerts.policy_words import timeline  # noqa: PLC0415 - as above

    return timeline(policy, lang)
