"""How soon calls were answered and doors reached: told from the events of each case, and counted from that."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hub.errors import HubError
from hub.service_levels import Level, worst_first
from hub.store.console import Row, row, rows
from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("service_levels")
KEPT = timedelta(days=800)  # two years and the month that is being reported
READ_AGAIN = timedelta(minutes=2)  # longer than a transaction takes from its moment to its commit
READ_AT_ONCE = timedelta(days=1)
READINGS = 12  # of so long in one turn
SWEPT_AT_ONCE = 5_000
GROUPS_MOST = 400  # lines of one table: days of a year, communities of a county
BREACHES_SHOWN = 50
CASES_MOST = 100_001  # one more than a file may have, so that it says so
LOCK = 0x73657276
BY = ("severity", "kind", "hour", "day", "month", "organisation", "area")
LEVELS = ("city", "county", "township", "community")


class NoSuchAreaError(HubError):
    """Nobody lives in this area."""

    def __init__(self, area: str, there: Sequence[str]) -> None:
        super().__init__(
            f"no area {area!r}; there are {', '.join(there[:40]) or 'none'}{' …' if len(there) > 40 else ''}"
        )
        self.area = area


@dataclass(frozen=True, kw_only=True)
class Wish:
    """Which calls: those that began in a time, of one area with everything inside, of one organisation."""

    since: datetime
    until: datetime
    area: str | None = None
    organisation: int | None = None

    @property
    def values(self) -> dict[str, Any]:
        return vars(self)


def month_of(year: int, month: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the first moment of a month of the district, and that of the next."""
    following = date(year + month // 12, month % 12 + 1, 1)
    return _midnight(date(year, month, 1), zone), _midnight(following, zone)


def day_of(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    return _midnight(day, zone), _midnight(day + timedelta(days=1), zone)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


async def levels(
    conn: Connection, wish: Wish, now: datetime, zone: ZoneInfo, *, by: str = "", level: str = "community"
) -> list[Level]:
    """Return the service levels by one thing; `by` empty: of all together, one line even where there was no call."""
    found = await rows(
        conn, Q.levels, **wish.values, now=now, zone=zone.key, by=by, level=level, limit=GROUPS_MOST
    )  # fmt: skip
    told = [Level(**one) for one in found]
    if not by:
        return told or [Level(key="")]
    return told if by in ("hour", "day", "month", "severity") else worst_first(told)


async def left_out(conn: Connection, wish: Wish) -> Row:
    found = await row(conn, Q.left_out, since=wish.since, until=wish.until, area=wish.area)
    assert found is not None
    return found


async def breaches(conn: Connection, wish: Wish, now: datetime, limit: int = BREACHES_SHOWN) -> list[Row]:
    """Return the calls that were late, the latest first."""
    return await rows(conn, Q.breaches, since=wish.since, until=wish.until, area=wish.area, now=now, limit=limit)


async def cases(conn: Connection, wish: Wish) -> list[Row]:
    return await rows(conn, Q.cases, since=wish.since, until=wish.until, area=wish.area, limit=CASES_MOST)


async def areas(conn: Connection) -> list[Row]:
    """Return the areas there are, with their levels."""
    return await rows(conn, Q.areas)


async def organisations(conn: Connection) -> list[Row]:
    return await rows(conn, Q.organisations)


async def must_be_there(conn: Connection, area: str | None) -> None:
    """Refuse to show nothing as if all were well.

    Raises:
        NoSuchAreaError: No area of this name.
    """
    if area is None:
        return
    there = [one["name"] for one in await areas(conn)]
    if area not in there:
        raise NoSuchAreaError(area, there)


async def read_cases(conn: Connection, now: datetime) -> bool:
    """Tell the calls anew whose cases changed since the last reading; True when there is more to read."""
    for _ in range(READINGS):
        async with conn.transaction():
            if not await _one(conn, b"select pg_try_advisory_xact_lock(%(lock)s)", lock=LOCK):
                return False
            since = await _one(conn, Q.read_through) or await _one(conn, Q.first_event, since=now - KEPT) or now
            since = min(since, now)
            until = min(since + READ_AT_ONCE, now)
            # What bears this very moment is read too; the next reading begins before it and sees it once more.
            ahead = until + READ_AGAIN
            found = await _one(conn, Q.changed, since=since - READ_AGAIN, until=ahead)
            await conn.execute(Q.forget, {"cases": found})
            await conn.execute(Q.tell, {"cases": found})
            await conn.execute(Q.read_until, {"until": until})
        if until == now:
            await conn.execute(Q.sweep, {"before": now - KEPT, "limit": SWEPT_AT_ONCE})
            return False
    return True


async def read_through(conn: Connection) -> datetime | None:
    """Return up to when the events were read."""
    found: datetime | None = await _one(conn, Q.read_through)
    return found


async def _one(conn: Connection, query: bytes, **values: object) -> Any:
    found = await (await conn.execute(query, values)).fetchone()
    return None if found is None else found[0]
