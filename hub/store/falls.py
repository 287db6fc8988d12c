"""Falls told of, cancelled and closed: what people read about false alarms, counted from the cases themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.false_falls import Falls
from hub.store.console import Row, row, rows
from hub.store.fleet import Wish
from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("falls")
OVER_DAYS = 30
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


async def count_worn(conn: Connection, today: date, *, again: bool) -> None:
    """Count on how many days each model was worn: days nobody counted yet; `again`: the last two, which still grow."""
    since = today - timedelta(days=OVER_DAYS)
    days = {one[0] for one in await (await conn.execute(Q.days_to_count, {"since": since, "until": today})).fetchall()}
    if again:
        days |= {today, today - timedelta(days=1)}
    for day in sorted(days):
        await conn.execute(Q.count_worn, {"day": day})


def _since(today: date, zone: ZoneInfo) -> dict[str, object]:
    day = today - timedelta(days=OVER_DAYS - 1)
    return {"day": day, "since": datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)}


def _lines(found: Sequence[Row]) -> list[Line]:
    return [Line(about=one, falls=Falls(**{name: one[name] for name in COUNTS})) for one in found]
