"""Where an alert belongs: a case of its own, one that is open, or nowhere; and how loud it is there."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from alerts.model import ENDED, Alert, AlertError, AlertKind, Incident, Severity, State

SAME_PRESS = timedelta(seconds=10)  # a press without an identity is still the one that was counted before it
RERING_EVERY = timedelta(seconds=30)
LOUD = Severity.HIGH  # this and worse is never bundled

# Nobody is being called in these: something new must be heard, not filed.
QUIET_STATES = frozenset({State.HELD, State.RESOLVED, State.HANDED_OVER})


class Weight(StrEnum):
    """What an attached alert does to the incident."""

    RAISE = "raise"  # worse than all before, or the first that is no test
    RING = "ring"  # the wearer calls again, or something as bad was found
    QUIET = "quiet"  # recorded


@dataclass(frozen=True, kw_only=True)
class Open:
    """A new incident."""

    linked_to: int | None = None  # the ended one under the same key, if the caller has it at hand


@dataclass(frozen=True, kw_only=True)
class Attach:
    incident_id: int
    weight: Weight


@dataclass(frozen=True, kw_only=True)
class Ignore:
    reason: str


Placement: TypeAlias = Open | Attach | Ignore


def place(alert: Alert, open_incident: Incident | None) -> Placement:
    """Say where an alert goes.

    Args:
        alert: the finding; the caller has seen that its `alert_id` is new.
        open_incident: the incident that has `alert.dedup_key` now.

    Raises:
        AlertError: The incident is another case's.
    """
    if open_incident is None or open_incident.state in ENDED:
        if alert.test and alert.severity >= Severity.LOW and alert.kind is not AlertKind.SOS:
            return Ignore(reason="test_mode")  # the installer pulls the power and empties the battery on purpose
        return Open(linked_to=open_incident.incident_id if open_incident else None)
    if open_incident.dedup_key != alert.dedup_key:
        raise AlertError(f"alert of {alert.dedup_key} was offered incident {open_incident.incident_id} of another case")
    return Attach(incident_id=open_incident.incident_id, weight=weigh(open_incident, alert))


def weigh(incident: Incident, alert: Alert) -> Weight:
    """How loud an alert is in an incident that has not ended."""
    if alert.test and not incident.test:
        return Weight.RING if alert.kind is AlertKind.SOS else Weight.QUIET
    if (incident.test and not alert.test) or alert.severity < incident.severity:
        return Weight.RAISE
    if alert.kind is AlertKind.SOS:
        return Weight.RING
    loud = alert.severity <= LOUD and (alert.severity == incident.severity or incident.state in QUIET_STATES)
    return Weight.RING if loud else Weight.QUIET


def may_ring_again(paged_at: datetime | None, now: datetime) -> bool:
    """Whether a press may page people again: they are rung by presses every 30 s at most."""
    return paged_at is None or not timedelta(0) <= now - paged_at < RERING_EVERY
