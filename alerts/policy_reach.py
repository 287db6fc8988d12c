"""What of a version can never happen: policies that others shadow, steps whose hours are over before their turn."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

from alerts.model import Alert
from alerts.policy import EscalationPolicy, Step, When, Window, Workdays, wall_clock

DAY_MINUTES = 24 * 60
A_WEEK = tuple(date(2026, 1, 5) + timedelta(days=n) for n in range(8))  # any week, and the night over its end
ELSEWHERE = "\0"  # an area that no policy names
ASKED = timedelta(minutes=1)  # a fallen wearer may be asked this long before the first step


class _Works:
    """A calendar in which the days of one parity, or all, or none, are worked."""

    def __init__(self, *parities: int) -> None:
        self._parities = parities

    def works(self, day: date) -> bool:
        return day.toordinal() % 2 in self._parities


CALENDARS: tuple[Workdays | None, ...] = (None, _Works(0, 1), _Works(), _Works(0), _Works(1))


def shadowed(policies: Sequence[EscalationPolicy]) -> Iterator[tuple[EscalationPolicy, Sequence[EscalationPolicy]]]:
    """Yield each policy that no alert can ever reach, with those before it that take all of its alerts."""
    before = _Before()
    for later in policies:
        earlier = before.of(later.when.areas)
        alone = [p for p in earlier if p.when.covers(later.when) and (p.when.between is None or p.zone == later.zone)]
        if alone:
            yield later, alone[:1]
        elif earlier and not _reached(later, earlier):
            yield later, [p for p in earlier if _touches(p.when, later.when)]
        before.add(later)


class _Before:
    """The policies read so far by where they are for: of thousands, each for an area, few concern the next one.

    Of several that are for the very same alerts the first stands for all: the others never get one.
    """

    def __init__(self) -> None:
        self._known: set[tuple[When, str]] = set()
        self._all: list[tuple[int, EscalationPolicy]] = []
        self._everywhere: list[tuple[int, EscalationPolicy]] = []
        self._in: dict[str, list[tuple[int, EscalationPolicy]]] = {}

    def add(self, policy: EscalationPolicy) -> None:
        if (policy.when, policy.zone) in self._known:
            return
        self._known.add((policy.when, policy.zone))
        entry = (len(self._all), policy)
        self._all.append(entry)
        if policy.when.areas is None:
            self._everywhere.append(entry)
        for area in policy.when.areas or ():
            self._in.setdefault(area, []).append(entry)

    def of(self, areas: frozenset[str] | None) -> list[EscalationPolicy]:
        """Return those for any of these areas, in their order. None: an area that nobody names decides.

        Whatever takes an alert from a policy for everywhere in that one takes it in every other area as well.
        """
        found = dict(self._everywhere)
        for area in areas or ():
            found.update(self._in.get(area, ()))
        return [found[n] for n in sorted(found)]


def late_steps(policy_hours: Window | None, steps: Sequence[Step]) -> Iterator[tuple[int, Window, Window]]:
    """Yield the number of each step whose hours cannot have come, or are over, when the policy gets there."""
    if policy_hours is None:
        return
    before = ASKED
    for n, step in enumerate(steps):
        if step.only is not None and not _minutes(policy_hours, before) & _minutes(step.only, timedelta(0)):
            yield n, policy_hours, step.only
        before += step.wait


def _minutes(hours: Window, longer: timedelta) -> set[int]:
    """Minutes of the day these hours touch, and the time after them that escalation may take."""
    start, end = (t.hour * 60 + t.minute for t in (hours.start, hours.end))
    length = (end - start) % DAY_MINUTES or DAY_MINUTES
    more = min(DAY_MINUTES, length + int(longer.total_seconds() // 60) + 1)
    return {(start + n) % DAY_MINUTES for n in range(length if not longer else more)}


def _reached(later: EscalationPolicy, earlier: Sequence[EscalationPolicy]) -> bool:
    """Whether any alert at any time is for this policy and none before it."""
    touching = [p for p in earlier if _touches(p.when, later.when)]
    whens = [p.when.between for p in (later, *touching) if p.when.between is not None]
    by_day = any(window.days for window in whens)
    calendars = CALENDARS if by_day else CALENDARS[:1]  # every day is like every other
    moments = tuple(_moments([later, *touching], A_WEEK if by_day else A_WEEK[:2]))
    for kind, severity, area in product(later.when.kinds, later.when.severities, later.when.areas or {ELSEWHERE}):
        alert = Alert(alert_id="", kind=kind, severity=severity, raised_at=moments[0], area=area)
        rivals = [p for p in touching if kind in p.when.kinds and severity in p.when.severities]
        if any(
            _is_for(later, alert, at, calendar) and not any(_is_for(p, alert, at, calendar) for p in rivals)
            for at, calendar in product(moments, calendars)
        ):
            return True
    return False


def _moments(policies: Sequence[EscalationPolicy], days: Sequence[date]) -> Iterator[datetime]:
    """Every moment of these days at which the hours of any of these policies begin or end; one where none has hours."""
    clocks = {(p.zone, clock) for p in policies if (w := p.when.between) is not None for clock in (w.start, w.end)}
    if not clocks:
        yield datetime(2026, 1, 5, tzinfo=UTC)
    for (zone, clock), day in product(sorted(clocks), days):
        yield datetime.combine(day, clock, ZoneInfo(zone)).astimezone(UTC)


def _is_for(policy: EscalationPolicy, alert: Alert, at: datetime, calendar: Workdays | None) -> bool:
    return policy.when.matches(alert, wall_clock(policy.zone, at), calendar)


def _touches(one: When, other: When) -> bool:
    return not one.kinds.isdisjoint(other.kinds) and not one.severities.isdisjoint(other.severities)
