"""Duty lists: rotations in local wall time become shifts; shifts, overrides and check-ins say who is on duty.

The same rule is in SQL (`duties` in the third migration), because the press must not wait for Python; a test holds the
two together.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

HORIZON = timedelta(days=60)  # shifts of rotations are laid out so far ahead
UNPROVED_AFTER = timedelta(minutes=10)  # into a shift without a check-in: the supervisor is told
STAND_IN_LIMIT = timedelta(hours=12)  # a check-in without a shift counts at most so long
EVER, FOREVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
DAY = timedelta(days=1)
SATURDAY = 6  # ISO


class Days(StrEnum):
    """Which days a rotation is for."""

    ANY = "any"
    WORKDAY = "workday"
    HOLIDAY = "holiday"  # weekends and public holidays


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """Public holidays, and the weekend days worked to make up for them, as far as they have been announced."""

    holidays: frozenset[date] = frozenset()
    makeup: frozenset[date] = frozenset()
    known_until: date | None = None

    def works(self, day: date) -> bool:
        """Whether it is a working day. Where nothing was announced, weekends are free and nothing else is."""
        return day in self.makeup or (day.isoweekday() < SATURDAY and day not in self.holidays)

    def knows(self, day: date) -> bool:
        return self.known_until is not None and day <= self.known_until


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """People who take turns. Times are on the wall in `zone`, on the day a window or a turn begins."""

    roster: str
    zone: str
    people: tuple[int, ...]
    first_day: date
    hand_over: time = time(8)
    turn_days: int = 7
    window_from: time = time(0)
    window_to: time = time(0)  # equal to `window_from`: 24 hours; before it: over midnight
    weekdays: frozenset[int] = frozenset(range(1, 8))  # ISO: Monday is 1
    days: Days = Days.ANY
    until: date | None = None  # the last day


@dataclass(frozen=True, kw_only=True, order=True)
class Shift:
    """One person on one list, from `start` up to but without `end`."""

    start: datetime
    end: datetime
    person_id: int
    roster: str = ""

    def covers(self, at: datetime) -> bool:
        return self.start <= at < self.end


@dataclass(frozen=True, kw_only=True)
class Override:
    """`off_id` does not come, `on_id` does. `number` rises with time: the latest word counts."""

    number: int
    roster: str
    start: datetime
    end: datetime
    off_id: int | None = None
    on_id: int | None = None

    def covers(self, at: datetime) -> bool:
        return self.start <= at < self.end


@dataclass(frozen=True, kw_only=True)
class CheckIn:
    """A person's own word that he is there."""

    person_id: int
    roster: str
    at: datetime
    until: datetime

    def covers(self, at: datetime) -> bool:
        return self.at <= at < self.until


@dataclass(frozen=True, kw_only=True)
class Lists:
    """Everything that says who is on duty."""

    shifts: tuple[Shift, ...] = ()
    overrides: tuple[Override, ...] = ()
    check_ins: tuple[CheckIn, ...] = ()


# ---- who is on duty ----


def on_duty(lists: Lists, person_id: int, roster: str, at: datetime) -> bool:
    """A live check-in, else the latest override that names the person, else the shifts."""
    mine = _by_person(lists).get((person_id, roster))
    return mine is not None and _on(mine, person_id, at)


def spans(lists: Lists, after: datetime, before: datetime) -> tuple[Shift, ...]:
    """Return when people are on duty between two times, overrides and check-ins applied, in order."""
    found = [
        Shift(start=start, end=end, person_id=person_id, roster=roster)
        for (person_id, roster), mine in _by_person(lists).items()
        for start, end in _stretches(mine, person_id, after, before)
    ]
    return tuple(sorted(found))


def _by_person(lists: Lists) -> dict[tuple[int, str], Lists]:
    shifts: dict[tuple[int, str], list[Shift]] = defaultdict(list)
    overrides: dict[tuple[int, str], list[Override]] = defaultdict(list)
    check_ins: dict[tuple[int, str], list[CheckIn]] = defaultdict(list)
    for shift in lists.shifts:
        shifts[shift.person_id, shift.roster].append(shift)
    for override in lists.overrides:
        for person_id in {override.off_id, override.on_id} - {None}:
            overrides[person_id, override.roster].append(override)  # type: ignore[index]  # None was taken out
    for check_in in lists.check_ins:
        check_ins[check_in.person_id, check_in.roster].append(check_in)
    return {
        key: Lists(shifts=tuple(shifts[key]), overrides=tuple(overrides[key]), check_ins=tuple(check_ins[key]))
        for key in {*shifts, *overrides, *check_ins}
    }


def _on(mine: Lists, person_id: int, at: datetime) -> bool:
    if any(c.covers(at) for c in mine.check_ins):
        return True
    said = max((o for o in mine.overrides if o.covers(at)), key=lambda o: o.number, default=None)
    return said.on_id == person_id if said else any(s.covers(at) for s in mine.shifts)


def _stretches(mine: Lists, person_id: int, after: datetime, before: datetime) -> Iterator[tuple[datetime, datetime]]:
    times = {after, before} | {t for s in mine.shifts for t in (s.start, s.end)}
    times |= {t for o in mine.overrides for t in (o.start, o.end)}
    times |= {t for c in mine.check_ins for t in (c.at, c.until)}
    cuts = sorted(t for t in times if after <= t <= before)
    begun: datetime | None = None
    for start, end in pairwise(cuts):
        if _on(mine, person_id, start):
            begun = begun or start
        elif begun:
            yield begun, start
            begun = None
        if begun and end == before:
            yield begun, end


# ---- rotations ----


def instant(zone: ZoneInfo, day: date, wall: time) -> datetime:
    """Return when a wall clock shows this.

    Where the clock is put back it is the first time; a time that is skipped when it is put forward is the moment of
    the jump. So instants never run backwards, and what ends at a time meets what begins at it.
    """
    local = datetime.combine(day, wall, zone)
    at = local.astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return at
    early, late = local.replace(fold=1).astimezone(UTC), at  # the jump lies between the two readings
    offset = early.astimezone(zone).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) / 2
        early, late = (middle, late) if middle.astimezone(zone).utcoffset() == offset else (early, middle)
    return late.replace(microsecond=0)


def expand(rotation: Rotation, calendar: Calendar, after: datetime, before: datetime) -> tuple[Shift, ...]:
    """Return the shifts of every turn that ends after `after` and begins before `before`, whole turns."""
    zone = ZoneInfo(rotation.zone)
    passed = (after.astimezone(zone).date() - rotation.first_day).days
    turn = max(0, passed // rotation.turn_days - 1)
    shifts: list[Shift] = []
    while True:
        day = rotation.first_day + turn * rotation.turn_days * DAY
        start = instant(zone, day, rotation.hand_over)
        if start >= before or (rotation.until is not None and day > rotation.until):
            return tuple(shifts)
        end = instant(zone, day + rotation.turn_days * DAY, rotation.hand_over)
        if end > after:
            person_id = rotation.people[turn % len(rotation.people)]
            shifts += [
                Shift(start=s, end=e, person_id=person_id, roster=rotation.roster)
                for s, e in _joined(_windows(rotation, calendar, day, start, end))
                if e > after
            ]
        turn += 1


def unknown_from(rotation: Rotation, calendar: Calendar, after: date, before: date) -> date | None:
    """Return the first day between two whose holidays this rotation needs and nobody has announced yet."""
    if rotation.days is Days.ANY or calendar.knows(before):
        return None
    return after if calendar.known_until is None else max(after, calendar.known_until + DAY)


def _windows(
    rotation: Rotation, calendar: Calendar, day: date, start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """Yield the hours of the turn that begins on `day`, one day after the other, cut to the turn."""
    zone = ZoneInfo(rotation.zone)
    overnight = DAY if rotation.window_to <= rotation.window_from else timedelta(0)
    for number in range(-1, rotation.turn_days + 1):
        today = day + number * DAY
        if not _is_for(rotation, calendar, today):
            continue
        opens = max(start, instant(zone, today, rotation.window_from))
        shuts = min(end, instant(zone, today + overnight, rotation.window_to))
        if opens < shuts:
            yield opens, shuts


def _is_for(rotation: Rotation, calendar: Calendar, day: date) -> bool:
    if day.isoweekday() not in rotation.weekdays or (rotation.until is not None and day > rotation.until):
        return False
    return rotation.days is Days.ANY or calendar.works(day) == (rotation.days is Days.WORKDAY)


def _joined(windows: Iterable[tuple[datetime, datetime]]) -> Iterator[tuple[datetime, datetime]]:
    held: tuple[datetime, datetime] | None = None
    for start, end in windows:
        if held and held[1] == start:
            held = (held[0], end)
            continue
        if held:
            yield held
        held = (start, end)
    if held:
        yield held


# ---- a rotation was edited, or time has passed ----


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What to do to the shifts that are stored: new ones, new ends by number, numbers to be deleted."""

    new: tuple[Shift, ...] = ()
    ends: tuple[tuple[int, datetime], ...] = ()
    gone: tuple[int, ...] = ()


def changes(stored: Sequence[tuple[int, Shift]], wanted: Sequence[Shift], now: datetime) -> Changes:
    """Return how stored shifts of one rotation become the wanted ones. What is past stays: it was so.

    Args:
        stored: shifts with their numbers that end after `now`.
        wanted: shifts of the rotation as it is now that end after `now`.
    """
    have = {_key(shift, now): (number, shift) for number, shift in stored}
    want = {_key(shift, now): shift for shift in wanted}
    ends = [(number, want[key].end) for key, (number, s) in have.items() if key in want and want[key].end != s.end]
    gone = []
    for number, shift in ((n, s) for key, (n, s) in have.items() if key not in want):
        if shift.start < now:
            ends.append((number, now))
        else:
            gone.append(number)
    new = [
        Shift(start=max(s.start, now), end=s.end, person_id=s.person_id, roster=s.roster)
        for key, s in want.items()
        if key not in have
    ]
    return Changes(new=tuple(sorted(new)), ends=tuple(ends), gone=tuple(gone))


def _key(shift: Shift, now: datetime) -> tuple[int, datetime]:
    """Two shifts are one when the same person begins at the same time, or has both begun already."""
    return shift.person_id, max(shift.start, now)
