"""Disaster mode: hundreds of calls at once are sorted and grouped, and what is mild waits together.

A supervisor declares it for an area, with a reason and an end; the hub only proposes. It ends by itself. Severity 1 and
2 ring as on any other day, but for one thing: where somebody is going, operators are reminded with all the others every
few minutes, not of each case every minute. Two thousand cases would be two hundred rings a second at six desks.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from alerts.escalation import silence_at
from alerts.events import Due, Event, Raised, Refused
from alerts.links import building
from alerts.model import AlertKind, Decision, Incident, Severity, State, TimerKind
from alerts.triage import LOUD
from alerts.values import replace

MANY = 30  # cases of severity 1 and 2 …
WITHIN = timedelta(minutes=10)  # … opened in this time, in one area or in all: propose it
LONGEST = timedelta(hours=12)
BUNDLE_EVERY = timedelta(minutes=3)  # what is mild is rung together at these times after the beginning
REASON_LENGTH = 300
AT_RISK = frozenset({"lives_alone", "dementia", "oxygen", "heart_failure", "copd", "blind", "deaf", "wheelchair"})
MAY_WAIT = frozenset({TimerKind.STEP, TimerKind.REPEAT})
GOING = frozenset({State.TAKEN, State.EN_ROUTE, State.ON_SCENE})


@dataclass(frozen=True, kw_only=True)
class Surge:
    """Disaster mode in an area ("" means everywhere), as it was declared. Nothing has to run for it to end."""

    area: str
    reason: str
    began_at: datetime
    ends_at: datetime
    ended_at: datetime | None = None  # earlier, by a person

    def covers(self, area: str, now: datetime) -> bool:
        until = self.ends_at if self.ended_at is None else min(self.ended_at, self.ends_at)
        return self.began_at <= now < until and self.area in ("", area)


def declare(area: str, reason: str, now: datetime, ends_at: datetime) -> Surge:
    """Return what a supervisor declares.

    Raises:
        Refused: Without a reason, or with no end worth the name.
    """
    if not reason.strip():
        raise Refused("surge_needs_reason", "say what happened: it stands in the log and on every screen")
    if ends_at.tzinfo is None or not now < ends_at <= now + LONGEST:
        hours = LONGEST.total_seconds() / 3600
        raise Refused("surge_too_long", f"it ends in the future and within {hours:g} hours; declare it again then")
    return Surge(area=area, reason=reason.strip()[:REASON_LENGTH], began_at=now, ends_at=ends_at)


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """Where disaster mode should be thought of. `area` is "" when no single area has that many."""

    area: str
    count: int


def propose(opened: Iterable[tuple[datetime, Severity, str]], now: datetime) -> Proposal | None:
    """Look at (opened at, severity, area) of recent real cases and say whether that is a disaster, and where."""
    areas = Counter(a for at, severity, a in opened if severity <= LOUD and timedelta(0) <= now - at <= WITHIN)
    if areas.total() <= MANY:
        return None
    area, count = areas.most_common(1)[0]
    return Proposal(area=area, count=count) if area and count > MANY else Proposal(area="", count=areas.total())


def bundled(decision: Decision, event: Event | None, surge: Surge | None, now: datetime) -> Decision:
    """Let what is mild wait for the next common ring, its timer with it, so that no step is rung before its time.

    Of severity 1 and 2 the pages come back as they went in, and of what is mild whatever a person ordered. `event` is
    None for an opening.
    """
    incident = decision.incident
    if surge is None or not surge.covers(incident.area, now):
        return decision
    if incident.severity <= LOUD:
        return _reminded_together(decision, surge, now) if _somebody_goes(incident) else decision
    if not decision.pages or not (event is None or isinstance(event, Raised | Due)):
        return decision
    later = next_ring(surge, now) - now
    pages = tuple(replace(page, due_at=page.due_at + later) for page in decision.pages)
    timer = incident.timer
    if incident.state is State.OPEN and timer is not None and timer.kind in MAY_WAIT:
        incident = replace(incident, timer=replace(timer, due_at=timer.due_at + later))
    return replace(decision, incident=incident, pages=pages)


def concerns(decision: Decision, before: Incident | None) -> bool:
    """Whether disaster mode, where it is on, changes anything: only then anybody has to ask. `before`: None for an
    opening. A reminder that stands already is not put off again."""
    incident = decision.incident
    if incident.severity <= LOUD:
        return _somebody_goes(incident) and (before is None or before.timer != incident.timer)
    return bool(decision.pages)


def _somebody_goes(incident: Incident) -> bool:
    """Whether it is only operators that are rung meanwhile, since none of them has it yet."""
    reminds = incident.timer is not None and incident.timer.kind is TimerKind.REPEAT
    return reminds and incident.responder_id is not None and incident.handler_id is None and incident.state in GOING


def _reminded_together(decision: Decision, surge: Surge, now: datetime) -> Decision:
    """Ring operators again at the common time, never later than his silence is noticed."""
    incident = decision.incident
    timer = incident.timer
    assert timer is not None
    together = max(next_ring(surge, timer.due_at), timer.due_at)
    due_at = min(together, silence_at(incident, now))
    return replace(decision, incident=replace(incident, timer=replace(timer, due_at=due_at)))


def next_ring(surge: Surge, now: datetime) -> datetime:
    """When what is mild is rung next: together, and at the latest when disaster mode ends."""
    turns = (now - surge.began_at) // BUNDLE_EVERY + 1
    return min(surge.began_at + turns * BUNDLE_EVERY, surge.ends_at)


class Answer(StrEnum):
    """Who has a case."""

    NOBODY = "nobody"
    RESPONDER = "responder"  # somebody goes, no operator yet
    OPERATOR = "operator"


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """As much of an open case as says how soon somebody must look at it."""

    incident_id: int
    severity: Severity
    kinds: Collection[AlertKind]
    opened_at: datetime
    area: str = ""
    address: str = ""
    answer: Answer = Answer.NOBODY
    presses: int = 0
    age: int | None = None
    risks: Collection[str] = ()
    test: bool = False


def rank(case: Waiting) -> tuple[float, ...]:
    """Smaller is sooner: calls for help and severity 1, then who has nobody, presses, risk, age, waiting longest."""
    life = case.severity is Severity.CRITICAL or AlertKind.SOS in case.kinds
    return (
        case.test,
        not life,
        case.severity,
        list(Answer).index(case.answer),
        -case.presses,
        -len(AT_RISK & set(case.risks)),
        -(case.age or 0),
        case.opened_at.timestamp(),
        case.incident_id,
    )


def place(case: Waiting) -> tuple[str, str]:
    """Where a case is grouped: area and house, or the area alone."""
    return (case.area, building(case.address))


def groups(cases: Iterable[Waiting]) -> list[tuple[tuple[str, str], Sequence[Waiting]]]:
    """Return the cases by place, sorted; the place with the most pressing case first."""
    found: dict[tuple[str, str], list[Waiting]] = {}
    for case in sorted(cases, key=rank):
        found.setdefault(place(case), []).append(case)
    return list(found.items())
