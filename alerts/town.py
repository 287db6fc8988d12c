"""What coverage stands on: who needs help and where, who could come, who is on duty when, what the policies ask."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.duty import Shift
from alerts.model import Role
from alerts.policy import PolicySet

HOURS = 14 * 24
RADIUS_MIN = 15.0  # 一刻钟圈: help within a quarter of an hour
HOUR = timedelta(hours=1)
NOT_COMING = frozenset({Role.OPERATOR, Role.AMBULANCE})  # a voice, and a service that is always asked: neither is cover
AREA_WIDE = frozenset(Role) - NOT_COMING - {Role.FAMILY}


@dataclass(frozen=True, kw_only=True)
class Link:
    """One person of a resident's circle."""

    person_id: int
    minutes: float | None = None


@dataclass(frozen=True, kw_only=True)
class Household:
    """Where help is needed."""

    resident_id: int
    area: str = ""
    lat: float | None = None
    lon: float | None = None
    circle: tuple[Link, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Helper:
    """Somebody who could come. `area` '' serves everywhere."""

    person_id: int
    role: Role
    area: str = ""
    channels: frozenset[str] = frozenset()
    lat: float | None = None
    lon: float | None = None
    keeps_hours: bool = True  # False: a neighbour without any duty hours, who is asked as family is


@dataclass(frozen=True, kw_only=True)
class Town:
    """Everything coverage stands on. `duty` is who is on duty when, overrides and check-ins applied."""

    households: tuple[Household, ...]
    helpers: tuple[Helper, ...]
    duty: tuple[Shift, ...]
    policies: PolicySet
    from_hour: datetime  # a full hour, UTC
    hours: int = HOURS
    radius_min: float = RADIUS_MIN
    since: datetime | None = None  # within the first hour: what was before is past
