"""What the supervisor's pages are filtered by: a month and an area with everything inside; and how that is asked."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import Depends, HTTPException

from hub.store import service_levels
from hub.store.console import Row
from hub.store.pool import Connection
from hub.store.service_levels import LEVELS, Wish, month_of
from hub.store.telemetry import clean
from hub.store.visiting import Month

_MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])")
INNER = {"": "county", "city": "county", "county": "township", "township": "community", "community": "community"}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What an address asks for, as it was written."""

    month: str | None = None
    area: str | None = None


AskedOf = Annotated[Asked, Depends()]


@dataclass(frozen=True, kw_only=True)
class Scope:
    """One month of one area."""

    year: int
    month: int
    zone: ZoneInfo
    area: str | None
    areas: Sequence[Row]

    @property
    def named(self) -> str:
        return f"{self.year}-{self.month:02d}"

    @property
    def of(self) -> Month:
        return Month(year=self.year, month=self.month, zone=self.zone)

    @property
    def wish(self) -> Wish:
        since, until = month_of(self.year, self.month, self.zone)
        return Wish(since=since, until=until, area=self.area)

    @property
    def inner(self) -> str:
        """Return the level of the areas that this one is told apart by."""
        mine = next((one["level"] for one in self.areas if one["name"] == self.area), "")
        names = [one["level"] for one in self.areas]
        wanted = LEVELS[LEVELS.index(INNER[mine]) :]  # one county alone tells nothing apart
        return next((level for level in wanted if names.count(level) > 1), "community")

    @property
    def query(self) -> str:
        return urlencode({"month": self.named} | ({"area": self.area} if self.area else {}))

    @property
    def before(self) -> str:
        return f"{self.year - (self.month == 1)}-{(self.month - 2) % 12 + 1:02d}"

    @property
    def after(self) -> str:
        return f"{self.year + (self.month == 12)}-{self.month % 12 + 1:02d}"

    def with_month(self, month: str) -> str:
        return urlencode({"month": month} | ({"area": self.area} if self.area else {}))


async def scope(conn: Connection, now: datetime, zone: ZoneInfo, month: str | None, area: str | None) -> Scope:
    """Read what was asked for; this month and everywhere when nothing was.

    Raises:
        HTTPException: A month that is none, or an area nobody has.
    """
    areas = await service_levels.areas(conn)
    chosen = clean(area) if area else None
    if chosen is not None and chosen not in {one["name"] for one in areas}:
        raise HTTPException(404)
    today: date = now.astimezone(zone).date()
    year, number = today.year, today.month
    if month:
        found = _MONTH.fullmatch(month)
        if found is None:
            raise HTTPException(422)
        year, number = int(found[1]), int(found[2])
    return Scope(year=year, month=number, zone=zone, area=chosen, areas=areas)


def shown(scope: Scope) -> dict[str, Any]:
    """Return what every template of these pages needs."""
    by_level = [(level, [one["name"] for one in scope.areas if one["level"] == level]) for level in LEVELS]
    return {"scope": scope, "by_level": [(level, names) for level, names in by_level if names]}
