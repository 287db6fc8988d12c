"""Falls told of, cancelled and closed: what people read about false alarms, counted from the cases themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from alerts.false_falls import Falls
from hub.store.console import Row, row, rows
from hub.store.fleet import Wish
from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("falls")
OVER_DAYS = 30
READ_AGAIN = timedelta(minutes=2)  # longer than a transaction takes from its moment to its commit
READ_AT_ONCE = timedelta(hours=2)
READINGS = 12  # of so long in one turn: a month is read in 35
DAYS_AT_ONCE = 2  # counted in one turn
KEPT = timedelta(days=OVER_DAYS + 5)
SWEPT_AT_ONCE = 5_000
SETTLED = timedelta(hours=2)  # after midnight: by then the last minutes of a day are written
LOCK = 0x66616C6C
COUNTS = (
    "suspected", "cancelled", "at_desk", "real", "false", "unclear", "under_way", "late", "worn_days", "worn_hours",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Line:
    """Falls of one model, or of one wearer."""

    about: Row
    falls: Falls


async def by_model(conn: Connection, wish: Wish, today: date, zone: ZoneInfo) -> list[Line]:
    """Return the models that told of falls, the most false alarms first."""
    return _lines(await rows(conn, Q.by_model, **wish.values, **_since(today, zone)))


async def by_wearer(conn: Connection, wish: Wish, today: date, zone: ZoneInfo) -> list[Line]:
    """Return the wearers of whom falls were told, the most false alarms first."""
    return _lines(await rows(conn, Q.by_wearer, **wish.values, **_since(today, zone)))


async def of_resident(conn: Connection, resident_id: int, incident_id: int) -> Row:
    """Return how her falls of the last days ended, this case left out."""
    found = await row(conn, Q.of_resident, resident=resident_id, incident=incident_id, days=OVER_DAYS)
    assert found is not None
    return found


async def taken_back(conn: Connection, incident_id: int) -> list[Row]:
    """Return the cancels of one case, oldest first."""
    return await rows(conn, Q.taken_back, incident=incident_id)


async def read_cases(conn: Connection, now: datetime) -> bool:
    """Write down the falls of the cases that changed since the last reading; True when there is more to read.

    Whatever happens to a case is a line of its chain: what has no new line is as it was. Two that read at once would
    write the same; the second leaves it to the first.
    """
    for _ in range(READINGS):
        async with conn.transaction():
            if not await _one(conn, b"select pg_try_advisory_xact_lock(%(lock)s)", lock=LOCK):
                return False
            since = min(await _one(conn, Q.read_through) or now - KEPT, now)
            until = min(since + READ_AT_ONCE, now)
            cases = await _one(conn, Q.changed, since=since - READ_AGAIN, until=until + READ_AGAIN)
            await conn.execute(Q.forget, {"cases": cases})
            await conn.execute(Q.tell, {"cases": cases})
            await conn.execute(Q.read_until, {"until": until})
        if until == now:
            await conn.execute(Q.sweep, {"before": now - KEPT, "limit": SWEPT_AT_ONCE})
            return False
    return True


async def count_worn(conn: Connection, now: datetime, zone: ZoneInfo, *, again: bool = False) -> None:
    """Count on how many days each model was worn, from the rows: each day once, when it is over.

    Until then its minutes are added up as they are written (supervision's `keep_days`).

    Args:
        again: count today and yesterday too, and whatever else is missing.
    """
    today, over = now.astimezone(zone).date(), (now - SETTLED).astimezone(zone).date() - timedelta(days=1)
    values = {"since": today - timedelta(days=OVER_DAYS), "until": over, "limit": OVER_DAYS if again else DAYS_AT_ONCE}
    days = {one[0] for one in await (await conn.execute(Q.days_to_count, values)).fetchall()}
    if again:
        days |= {today, today - timedelta(days=1)}
    for day in sorted(days):
        async with conn.transaction():
            await conn.execute(Q.hold_worn)
            await conn.execute(Q.forget_worn, {"day": day})
            await conn.execute(Q.count_worn, {"day": day, "over": day <= over})


async def _one(conn: Connection, query: bytes, **values: object) -> Any:
    found = await (await conn.execute(query, values)).fetchone()
    return None if found is None else found[0]


def _since(today: date, zone: ZoneInfo) -> dict[str, object]:
    day = today - timedelta(days=OVER_DAYS - 1)
    return {"day": day, "since": datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)}


def _lines(found: Sequence[Row]) -> list[Line]:
    return [Line(about=one, falls=Falls(**{name: one[name] for name in COUNTS})) for one in found]
