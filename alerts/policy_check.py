"""A policy against the people there are: who cannot be reached, and hours of the coming days that nobody covers."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from operator import attrgetter
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from alerts.duty import Shift
from alerts.model import Role
from alerts.policy import EscalationPolicy, PolicySet, Step, Target
from alerts.policy_faults import Fault
from alerts.policy_lines import Lines
from alerts.policy_vocabulary import EN, ZH

AHEAD = timedelta(days=14)
ASKED_ALWAYS = frozenset({Role.FAMILY, Role.NEIGHBOUR, Role.AMBULANCE})  # without duty hours; coverage looks at them
NOTES = frozenset({"nobody_in_role"})  # worth knowing; a city has no village doctor, and its step is passed at once
MOST_SAID = 3  # gaps, and people, named in one sentence

Span: TypeAlias = tuple[datetime, datetime]


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who is registered and active."""

    name: str
    role: Role
    area: str = ""  # whose residents this person serves; empty: all
    reachable: bool = True


@dataclass(frozen=True, kw_only=True)
class Staff:
    """Everybody there is and when they are on duty from `now` on, overrides applied."""

    now: datetime
    people: Mapping[int, Person]
    duty: Sequence[Shift] = ()
    areas: frozenset[str] = frozenset({""})  # where residents live


def doubts(text: str, policies: PolicySet, staff: Staff) -> tuple[Fault, ...]:
    """Return what speaks against these policies as things stand, each once, in the order of the file."""
    asking = _Asking(Lines(text), staff)
    found = [fault for policy in policies for fault in asking.of(policy)]
    once = {(f.code, *map(str, f.facts.values())): f for f in reversed(found)}
    return tuple(sorted(once.values(), key=lambda f: f.line))


@dataclass(frozen=True)
class _Asking:
    """Asks for one target after the other. Thousands of policies ask the same of the same people: once is enough."""

    lines: Lines
    staff: Staff
    _roles: dict[Role, Mapping[int, Person]] = field(default_factory=dict)
    _serving: dict[Role, dict[str, set[int]]] = field(default_factory=dict)
    _gaps: dict[tuple[Any, ...], str] = field(default_factory=dict)

    @cached_property
    def _shifts(self) -> Mapping[int, Sequence[Shift]]:
        found: dict[int, list[Shift]] = {}
        for shift in self.staff.duty:
            found.setdefault(shift.person_id, []).append(shift)
        return found

    @cached_property
    def _mute(self) -> Mapping[Role, str]:
        """Return the first of each role whom nothing reaches."""
        mute: dict[Role, list[str]] = {}
        for person in self.staff.people.values():
            if not person.reachable:
                mute.setdefault(person.role, []).append(person.name)
        return {role: _some(names) for role, names in mute.items()}

    def of(self, policy: EscalationPolicy) -> Iterator[Fault]:
        for number, step in enumerate(policy.steps):
            for target in step.notify:
                yield from self._of_target(policy, step, (policy.name, number, "notify"), target)
        last = policy.steps[-1]
        if not any(self._people(t.role) or any(p in self.staff.people for p in t.fallback) for t in last.notify):
            yield Fault(line=self.lines.find((policy.name, policy.last, "notify")), code="last_nobody")

    def _of_target(
        self, policy: EscalationPolicy, step: Step, at: tuple[str, int, str], target: Target
    ) -> Iterator[Fault]:
        line = self.lines.find(at, target.role.value)
        people = self._people(target.role)
        role = (ZH.roles[target.role], EN.roles[target.role])
        for person_id in target.fallback:
            if person_id not in self.staff.people:
                yield Fault(line=line, code="unknown_person", facts={"person": person_id})
        if not people:
            yield _nobody(line, role, target)
        if mute := self._mute.get(target.role):
            yield Fault(line=line, code="no_contact", facts={"role": role, "people": mute})
        if target.fallback or not people or (target.role in ASKED_ALWAYS and not target.roster):
            return  # somebody is called off duty, or everybody always, or nobody ever
        wanted = tuple(_wanted(policy, step, self.staff.now))
        if target.roster:
            on = [s for s in self.staff.duty if s.roster == target.roster and s.person_id in people]
            if gaps := _said(_without(wanted, on), policy.zone):
                where = self.lines.find(at, target.roster)
                yield Fault(line=where, code="roster_gap", facts={"roster": target.roster, "gaps": gaps})
        else:
            yield from self._of_role(target.role, wanted, policy, line)

    def _of_role(self, role: Role, wanted: tuple[Span, ...], policy: EscalationPolicy, line: int) -> Iterator[Fault]:
        """Gaps of every area this policy is for that has anybody of this role; whether it should have is a matter of
        coverage."""
        mine = self.staff.areas if policy.when.areas is None else self.staff.areas & policy.when.areas
        for area in sorted(mine):
            if gaps := self._gaps_of(role, area, wanted, policy.zone):
                facts = {
                    "role": (ZH.roles[role], EN.roles[role]),
                    "area": area or ("各片区", "every area"),
                    "gaps": gaps,
                }
                yield Fault(line=line, code="role_gap", facts=facts)

    def _gaps_of(self, role: Role, area: str, wanted: tuple[Span, ...], zone: str) -> str:
        asked = (role, area, wanted, zone)
        if asked not in self._gaps:
            known = self._people_of(role)
            here = known.get(area, set()) | known.get("", set())
            on = [shift for n in here for shift in self._shifts.get(n, ())]
            self._gaps[asked] = _said(_without(wanted, on), zone) if here else ""
        return self._gaps[asked]

    def _people(self, role: Role) -> Mapping[int, Person]:
        if role not in self._roles:
            self._roles[role] = {n: p for n, p in self.staff.people.items() if p.role is role}
        return self._roles[role]

    def _people_of(self, role: Role) -> Mapping[str, set[int]]:
        """Return who of a role serves which area; "" is everywhere."""
        if role not in self._serving:
            found = self._serving.setdefault(role, {})
            for n, person in self._people(role).items():
                found.setdefault(person.area, set()).add(n)
        return self._serving[role]


def _nobody(line: int, role: tuple[str, str], target: Target) -> Fault:
    """Nobody has this role: a note, but a doubt where an operator is asked for it or it is promised to go by itself.

    An inline table is one line, so what stands beside the role is in the line of the role.
    """
    if target.auto_after is not None:
        return Fault(line=line, code="auto_nobody", facts={"role": role})
    return Fault(line=line, code="via_nobody" if target.operator_confirms else "nobody_in_role", facts={"role": role})


def _wanted(policy: EscalationPolicy, step: Step, now: datetime) -> Iterator[Span]:
    """Yield when in the coming days somebody should be there: the hours of the step, or always."""
    until = now + AHEAD
    only = step.only
    if only is None:
        yield now, until
        return
    zone = ZoneInfo(policy.zone)
    first = now.astimezone(zone).date() - timedelta(days=1)
    for day in (first + timedelta(days=n) for n in range(AHEAD.days + 2)):
        opens = datetime.combine(day, only.start)
        if not only.includes(opens, policy.calendar):
            continue
        ends = datetime.combine(day if only.start < only.end else day + timedelta(days=1), only.end)
        start, end = max(opens.replace(tzinfo=zone), now), min(ends.replace(tzinfo=zone), until)
        if start < end:
            yield start, end


def _without(wanted: Iterable[Span], on: Iterable[Shift]) -> Iterator[Span]:
    """Yield what is left of these times when nobody of these is on duty."""
    shifts = sorted(on, key=attrgetter("start"))
    for start, end in wanted:
        for shift in shifts:
            if shift.end <= start:
                continue
            if shift.start >= end:
                break
            if shift.start > start:
                yield start, shift.start
            start = max(start, shift.end)  # noqa: PLW2901 - what is still to be covered
        if start < end:
            yield start, end


def _said(gaps: Iterable[Span], zone: str) -> str:
    """Return the first gaps in wall time: 11-23 22:00–08:00, 11-24 22:00–08:00, …"""
    return _some([_gap(start.astimezone(ZoneInfo(zone)), end.astimezone(ZoneInfo(zone))) for start, end in gaps])


def _gap(start: datetime, end: datetime) -> str:
    same = end - start <= timedelta(days=1)
    return f"{start:%m-%d %H:%M}–{end:%H:%M}" if same else f"{start:%m-%d %H:%M}–{end:%m-%d %H:%M}"


def _some(words: Sequence[str]) -> str:
    more = f", … (+{len(words) - MOST_SAID})" if len(words) > MOST_SAID else ""
    return ", ".join(words[:MOST_SAID]) + more
