"""A week of a duty list as a grid: who, which day, from when to when; what an override took away or added."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from alerts import duty
from alerts.duty import Lists, Shift, instant

DAYS = 7


@dataclass(frozen=True, kw_only=True)
class Chip:
    """A stretch of one day: `plan` as laid out, `extra` by an override or a stand-in, `off` taken away."""

    kind: str
    start: str
    end: str
    now: bool = False


@dataclass(frozen=True, kw_only=True)
class Line:
    person_id: int
    name: str
    days: tuple[tuple[Chip, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Week:
    first: date
    days: tuple[date, ...]
    lines: tuple[Line, ...]
    gaps: tuple[tuple[Chip, ...], ...]  # hours of each day with nobody


def grid(lists: Lists, zone: ZoneInfo, first: date, now: datetime, names: dict[int, str]) -> Week:
    """Lay one list out over the week that begins on `first`, in its own wall time."""
    days = tuple(first + timedelta(days=n) for n in range(DAYS))
    start, end = instant(zone, first, time()), instant(zone, first + timedelta(days=DAYS), time())
    actual = duty.spans(lists, start, end)
    planned = duty.spans(Lists(shifts=lists.shifts), start, end)
    people = sorted({s.person_id for s in (*actual, *planned)}, key=lambda p: names.get(p, ""))
    lines = []
    for person_id in people:
        on = [s for s in actual if s.person_id == person_id]
        plan = [s for s in planned if s.person_id == person_id]
        pieces = list(_pieces(on, plan))
        lines.append(
            Line(
                person_id=person_id, name=names.get(person_id, str(person_id)),
                days=tuple(tuple(_chips(pieces, zone, day, now)) for day in days),
            )
        )  # fmt: skip
    nobody = [("gap", a, b) for a, b in _uncovered(actual, start, end)]
    return Week(
        first=first, days=days, lines=tuple(lines), gaps=tuple(tuple(_chips(nobody, zone, day, now)) for day in days)
    )


def _pieces(on: Sequence[Shift], plan: Sequence[Shift]) -> Iterable[tuple[str, datetime, datetime]]:
    cuts = sorted({t for s in (*on, *plan) for t in (s.start, s.end)})
    held: tuple[str, datetime, datetime] | None = None
    for start, end in pairwise(cuts):
        here, laid_out = any(s.covers(start) for s in on), any(s.covers(start) for s in plan)
        if not here and not laid_out:
            continue
        kind = "plan" if here and laid_out else "extra" if here else "off"
        if held and held[0] == kind and held[2] == start and start not in {s.start for s in plan}:
            held = (kind, held[1], end)
            continue
        if held:
            yield held
        held = (kind, start, end)
    if held:
        yield held


def _uncovered(actual: Sequence[Shift], start: datetime, end: datetime) -> Iterable[tuple[datetime, datetime]]:
    reached = start
    for shift in sorted(actual):
        if shift.start > reached:
            yield reached, shift.start
        reached = max(reached, shift.end)
    if reached < end:
        yield reached, end


def _chips(
    pieces: Iterable[tuple[str, datetime, datetime]], zone: ZoneInfo, day: date, now: datetime
) -> Iterable[Chip]:
    opens, shuts = instant(zone, day, time()), instant(zone, day + timedelta(days=1), time())
    for kind, start, end in pieces:
        if start < shuts and end > opens:
            yield Chip(
                kind=kind, start="00:00" if start <= opens else _wall(start, zone),
                end="24:00" if end >= shuts else _wall(end, zone), now=kind != "off" and start <= now < end
                and opens <= now < shuts,
            )  # fmt: skip


def _wall(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(UTC).astimezone(zone):%H:%M}"
