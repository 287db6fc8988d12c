"""What was measured by hour, for months, and by day, for years: how often, least, most and sum of each vital sign.

On plain PostgreSQL `refresh` makes the rows of hours and days that are over, by its own mark; the days of the hours.
Where TimescaleDB is loaded two continuous aggregates, one upon the other, take their place. Readers ask the views
`measured_hour` and `measured_day` and add up the lines of one day: what came late has a line of its own (migration 54).
"""

import asyncio
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from hub.store import hypertables, partitions
from hub.store.partitions import DAY, HOUR, Connection
from hub.store.raw import NUMBERS_AT_ONCE
from hub.store.sql import queries
from hub.store.vital_hours import BEHIND, DEVICES_AT_ONCE, GRACE, HOURS_AT_ONCE, LATE, PAUSE_S
from hub.store.vital_rollup import AT_ONCE, SCHEDULE
from hub.store.vital_rollup import Q as VITAL

Q = queries("measured")
VITALS = {
    "heart_rate": "heart_rate_bpm", "spo2": "spo2_pct", "respiration": "respiration_rpm",
    "temperature": "temperature_c", "systolic": "systolic_mmhg", "diastolic": "diastolic_mmhg",
}  # fmt: skip
FIELDS = ("messages", "worn", "off", "steps", "battery_least",
          *(f"{name}_{what}" for name in VITALS for what in ("n", "least", "most", "sum")))  # fmt: skip
PART = (
    b" where received_at >= %(since)s and received_at < %(until)s and device_id >= %(first)s and device_id < %(end)s"
    b" group by 1, 2, 3"
)
PART_OF_DAY = PART.replace(b"received_at", b"arrived")
ONLY_NEWER = timedelta(days=7), timedelta(days=14)  # what the extension looks back: less than its source is kept
KINDS = ("hour", "day")


def midnight(zone: tzinfo, now: datetime) -> datetime:
    """Return a midnight of a district by its clock of now: days are counted from it, summer or not."""
    return datetime(2000, 1, 3, tzinfo=UTC) - (now.astimezone(zone).utcoffset() or timedelta())


async def refresh(conn: Connection, now: datetime, begins: datetime) -> int:
    """Roll up the hours that are over, and the days; returns how many hours. Bounded: call again at HOURS_AT_ONCE.

    Call on a connection that is in no transaction.

    Args:
        begins: a midnight. That of the first call holds for good.
    """
    row = await (await conn.execute(Q.mark)).fetchone()
    begins = row[2] if row else begins
    if await _kept_by_extension(conn, begins):
        await _fill(conn, now, begins, known=row is not None)
        return 0
    last = floor(now - GRACE, HOUR, begins)
    reach = await (await conn.execute(VITAL.reach, {"block": NUMBERS_AT_ONCE})).fetchone()
    assert reach is not None
    begin, batch = (await _first(conn, last, begins), 0) if row is None else (row[0], int(row[1]))
    hours = [begin + k * HOUR for k in range(min(HOURS_AT_ONCE, (last - begin) // HOUR))]
    if not hours:
        return 0
    end = hours[-1] + HOUR
    late = {"since": begin - LATE, "until": begin, "batch": batch, "midnight": begins}
    again = [] if row is None else [at for (at,) in await (await conn.execute(Q.late, late)).fetchall()]
    hourly, daily = (partitions.HOURS, _hourly(begins), HOUR), (partitions.DAYS, _daily(begins), DAY)
    for hour in [*again, *hours]:
        await _roll(conn, hourly, hour, int(reach[1]))
    days = {floor(hour, DAY, begins) for hour in [*again, *hours]}
    for day in sorted(day for day in days if day + DAY <= end):
        await _roll(conn, daily, day, int(reach[1]))
    mark = {"hour": end, "batch": max(0, int(reach[0]) - BEHIND), "midnight": begins}
    await conn.execute(Q.put_mark, mark)
    return len(hours)


async def of_device(
    conn: Connection, device: int, since: datetime, until: datetime, *, by: str = "day", bound: bool = False
) -> list[dict[str, Any]]:
    """Return a device's days, or hours, in order; of each vital sign how often, least, most and mean.

    A day of which a part, or what came late for it, is outside is not among them: it is somebody else's as well.

    Args:
        by: "day", by the day that was meant, or "hour", by the hour it came.
        bound: within an organisation's bounds: days that were whole hers whom the session names.
    """
    at = "day" if by == "day" else "arrived"
    query = Q.of_device
    size = "24 hours" if by == "day" else "1 hour"  # in a zone with summer time a day is not always one
    for name, text in (("at", at), ("by", by), ("size", size), ("hers", "_hers" if bound else "")):
        query = query.replace(b"{" + name.encode() + b"}", text.encode())
    values = {"device": device, "since": since, "until": until}
    found = await conn.execute(_with_vitals(query, Q.vital_mean), values)
    names = [column.name for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in await found.fetchall()]


def floor(at: datetime, size: timedelta, begins: datetime) -> datetime:
    """Return the hour or day that holds a moment."""
    return at - (at - begins) % size


def continuous(begins: datetime, batches: bytes = b"") -> list[bytes]:
    """Return the statements that let TimescaleDB keep both. They change nothing where they ran before.

    The aggregates name the same origin, which one upon another must. What the extension makes anew by itself reaches
    less far back than its source is kept: else it would make days anew of what was dropped, and they would be gone.
    """
    hour, day = (b"time_bucket(interval '1 %s', %s, %s)" % (kind, column, _literal(begins))
                 for kind, column in ((b"hour", b"received_at"), (b"day", b"arrived")))  # fmt: skip
    made = {
        b"hour": _hours(hour, begins),
        b"day": _with_vitals(Q.days, Q.vital_day).replace(b"{day}", day).replace(b"{source}", b"measured_hour_kept"),
    }
    statements: list[bytes] = []
    for (kind, select), arrived, reach in zip(made.items(), (b"arrived", b"arrived_on"), ONLY_NEWER, strict=True):
        name = b"measured_" + kind
        statements += [
            b"create materialized view if not exists " + name + b"_kept"
            b" with (timescaledb.continuous, timescaledb.materialized_only = true) as "
            + select + b" group by 1, 2, 3 with no data",
            b"create or replace view " + name + b" as select "
            + _with_vitals(Q.told, Q.vital_told).replace(b"{arrived}", arrived) + b" from " + name + b"_kept",
            b"select add_continuous_aggregate_policy('" + name + b"_kept', start_offset => "
            + b"interval '%d days', " % reach.days + SCHEDULE + batches + b")",
        ]  # fmt: skip
    return statements


async def _kept_by_extension(conn: Connection, begins: datetime) -> bool:
    if "telemetry" not in await hypertables.are(conn):
        return False
    row = await (await conn.execute(Q.there)).fetchone()
    if row is not None and row[0]:
        return True
    ways = [continuous(begins, AT_ONCE), continuous(begins)]
    return await hypertables.accepted(conn, "days of measurements are rolled up by the hub", ways)


async def _fill(conn: Connection, now: datetime, begins: datetime, *, known: bool) -> None:
    """Let the extension make, once, what is older than it looks back by itself."""
    if known:
        return
    first = await partitions.begins(conn, partitions.TELEMETRY) or now
    for kind, size in zip(KINDS, (HOUR, DAY), strict=True):
        since, until = floor(first, size, begins), floor(now, size, begins)
        if since < until and not await hypertables.refreshed(conn, f"measured_{kind}_kept", since, until):
            return  # it is tried again
    await conn.execute(Q.put_mark, {"hour": floor(now, HOUR, begins), "batch": 0, "midnight": begins})


async def _first(conn: Connection, last: datetime, begins: datetime) -> datetime:
    first = await partitions.begins(conn, partitions.TELEMETRY)
    return last if first is None else floor(min(first, last), DAY, begins)


async def _roll(conn: Connection, what: tuple[partitions.Table, bytes, timedelta], at: datetime, most: int) -> None:
    table, query, size = what
    await partitions.piece(conn, table, at)
    for first in range(0, most + 1, DEVICES_AT_ONCE):
        await conn.execute(query, {"since": at, "until": at + size, "first": first, "end": first + DEVICES_AT_ONCE})
        await asyncio.sleep(PAUSE_S)


def _hourly(begins: datetime) -> bytes:
    return _put("hour", _hours(b"date_bin('1 hour', received_at, " + _literal(begins) + b")", begins) + PART)


def _daily(begins: datetime) -> bytes:
    query = _with_vitals(Q.days, Q.vital_day).replace(b"{source}", b"measured_hour_rolled")
    return _put("day", query.replace(b"{day}", b"date_bin('1 day', arrived, " + _literal(begins) + b")") + PART_OF_DAY)


def _put(kind: str, query: bytes) -> bytes:
    anew = ", ".join(f"{name} = excluded.{name}" for name in FIELDS)
    insert = f"insert into measured_{kind}_rolled {{}} on conflict (device_id, arrived, day) do update set {anew}"
    return insert.encode().replace(b"{}", query)


def _hours(hour: bytes, begins: datetime) -> bytes:
    query = _with_vitals(Q.hours, Q.vital)
    return query.replace(b"{hour}", hour).replace(b"{midnight}", _literal(begins))


def _with_vitals(query: bytes, each: bytes) -> bytes:
    each = each.rpartition(b"-- ")[2].partition(b"\n")[2] if each.startswith(b"--") else each
    parts = [each.replace(b"{name}", name.encode()).replace(b"{column}", column.encode())
             for name, column in VITALS.items()]  # fmt: skip
    return query.replace(b"{vitals}", b",\n       ".join(parts))


def _literal(at: datetime) -> bytes:
    return f"timestamptz '{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}+00'".encode()
