"""Reads what homes told, writes how their days went, keeps who is known to be away."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from alerts.detectors.home_signs import DAY_BEGINS_MIN
from hub.store.followed import Ints, Numbers, Table, milliseconds, table
from hub.store.pool import Connection
from hub.store.raw import NUMBERS_AT_ONCE
from hub.store.sql import queries

Q = queries("homes")
DAY_BEGINS = timedelta(minutes=DAY_BEGINS_MIN)  # for first movements
LOCK = 0x0CA4C  # who has it follows the homes

SAID = np.dtype([
    ("batch", ">i8"), ("device", ">i8"), ("at_ms", ">i8"), ("sign", ">i8"), ("value", ">f8"), ("other", ">f8"),
])  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Mark:
    """How far the homes were read: by this batch, days by that one, at this time; None: never."""

    batch: int
    days_batch: int
    at: datetime | None
    block: int  # every number below it had been taken


@dataclass(frozen=True, kw_only=True)
class Absence:
    """One line somebody wrote. `ended_at`: sooner than was said."""

    id: int
    resident_id: int
    name: str
    kind: str
    begins_at: datetime
    ends_at: datetime
    reason: str
    written_by: str
    written_at: datetime
    ended_at: datetime | None
    ended_by: str | None


@dataclass(frozen=True, kw_only=True)
class AwayNow:
    """The time a resident is known to be away, or to have visitors."""

    since: datetime
    until: datetime
    reason: str
    away: bool  # False: visitors are there


async def alone(conn: Connection) -> bool:
    """Whether this session follows the homes, as long as it lives."""
    if not await truth(conn, Q.alone, lock=LOCK):
        return False
    await conn.execute(Q.roomy)
    return True


async def begin(conn: Connection, now: datetime) -> Mark:
    """Return how far homes were read before."""
    row = await (await conn.execute(Q.begin, {"now": now, "block": NUMBERS_AT_ONCE})).fetchone()
    assert row is not None
    return Mark(batch=int(row[0]), days_batch=int(row[1]), at=row[2], block=int(row[3]))


async def block(conn: Connection) -> int:
    """Return the number below which every batch number had been taken."""
    row = await (await conn.execute(Q.block, {"block": NUMBERS_AT_ONCE})).fetchone()
    assert row is not None
    return int(row[0])


async def mark(conn: Connection, batch: int, days_batch: int, now: datetime) -> None:
    """Write down how far the homes were read."""
    await conn.execute(Q.mark, {"batch": batch, "days_batch": days_batch, "now": now})


async def truth(conn: Connection, query: bytes, **values: Any) -> bool:
    """Return the answer of a query that says yes or no."""
    row = await (await conn.execute(query, values)).fetchone()
    return bool(row and row[0])


async def deaf(conn: Connection, began: datetime, ended: datetime) -> None:
    """Write down that the hub heard nobody for a time."""
    await conn.execute(Q.deaf, {"began": began, "ended": ended})


async def followable(conn: Connection, devices: Sequence[int]) -> set[int]:
    """Return those of some devices whose resident may be followed."""
    return {int(row[0]) for row in await (await conn.execute(Q.followable, {"devices": list(devices)})).fetchall()}


async def learn(conn: Connection, pairs: Sequence[tuple[int, int]], now: datetime) -> None:
    """Remember that devices give signs: (device, sign)."""
    values = {"devices": [device for device, _ in pairs], "signs": [sign for _, sign in pairs], "now": now}
    await conn.execute(Q.learn, values)


async def signs(
    conn: Connection, *, since: datetime, after: int, seen: Sequence[int], fenced: Ints, limit: int
) -> Table:
    """Return what was stored after a batch, but for some that were seen, as rows of `SAID`."""
    values = {"since": since, "after": after, "seen": list(seen), "fenced": Numbers(fenced), "limit": limit}
    return await _said(conn, Q.signs, values)


async def past(conn: Connection, devices: Ints, fenced: Ints, since: datetime) -> Table:
    """Return what matters of what some devices said since a moment, as rows of `SAID`."""
    return await _said(conn, Q.past, {"devices": Numbers(devices), "fenced": Numbers(fenced), "since": since})


async def _said(conn: Connection, query: bytes, values: dict[str, Any]) -> Table:
    found = (await table(conn, query, SAID, **values)).copy()
    found["at_ms"] = milliseconds(found["at_ms"])  # the server sends microseconds since 2000
    return found


async def touched(
    conn: Connection, *, since: datetime, after: int, zone: str, devices: Sequence[int] | None = None
) -> set[tuple[int, date]]:
    """Return which days of which residents got something after a batch; of some devices only, or of all."""
    values = {
        "since": since, "after": after, "zone": zone, "begins": DAY_BEGINS,
        "devices": None if devices is None else list(devices),
    }  # fmt: skip
    rows = await (await conn.execute(Q.touched, values)).fetchall()
    return {(int(row[0]), day) for row in rows for day in row[1:]}


async def write_days(conn: Connection, pairs: Sequence[tuple[int, date]], zone: str) -> None:
    """Make some residents' days anew from what was stored."""
    residents, days = [one for one, _ in pairs], [day for _, day in pairs]
    values = {"residents": residents, "days": days, "zone": zone, "begins": DAY_BEGINS}
    await conn.execute(Q.write_days, values)


async def leaks(conn: Connection, first: date, today: date, most_m3: float) -> list[tuple[int, int, int]]:
    """Return residents whose water ran too much until yesterday, with the first and the last such day since 1970."""
    values = {"first": first, "today": today, "most": most_m3}
    return [(int(r), int(a), int(b)) for r, a, b in await (await conn.execute(Q.leaks, values)).fetchall()]


async def moved_since(conn: Connection, resident_id: int, since: datetime, device_id: int | None) -> bool:
    """Whether anything but one device saw something move in a resident's home since a moment."""
    return await truth(conn, Q.moved_since, resident=resident_id, since=since, device=device_id or 0)


async def add_absence(
    conn: Connection, resident_id: int, kind: str, *, begins: datetime | None, ends: datetime, reason: str, by: str
) -> tuple[int, datetime, datetime]:
    """Write that a resident is away or has visitors; from now on, when no beginning is given."""
    values = {"resident": resident_id, "kind": kind, "begins": begins, "ends": ends, "reason": reason, "by": by}
    row = await (await conn.execute(Q.add_absence, values)).fetchone()
    assert row is not None
    return int(row[0]), row[1], row[2]


async def back(conn: Connection, resident_id: int, by: str, *, everything: bool) -> int:
    """End what holds now, and with `everything` what is still to come; returns how many lines."""
    values = {"resident": resident_id, "by": by, "all": everything}
    return len(await (await conn.execute(Q.back, values)).fetchall())


async def absences(conn: Connection, resident_id: int | None, *, past: bool, limit: int = 200) -> list[Absence]:
    """Return what was written of one resident, or of all."""
    values = {"resident": resident_id, "past": past, "limit": limit}
    names = Absence.__dataclass_fields__
    rows = await (await conn.execute(Q.absences, values)).fetchall()
    return [Absence(**dict(zip(names, row, strict=True))) for row in rows]


async def away_now(conn: Connection, resident_id: int) -> AwayNow | None:
    """Return until when a resident is known to be away, or to have visitors; None: she is not."""
    row = await (await conn.execute(Q.away_now, {"resident": resident_id})).fetchone()
    return None if row is None else AwayNow(since=row[0], until=row[1], reason=row[2] or "", away=bool(row[3]))


async def away_through(conn: Connection, resident_id: int, since: datetime) -> datetime | None:
    """Return until when, now at most, a resident was known to be away or to have visitors; None: not since then."""
    row = await (await conn.execute(Q.away_through, {"resident": resident_id, "since": since})).fetchone()
    return None if row is None else row[0]


async def set_fence(
    conn: Connection, resident_id: int, *, lat: float | None, lon: float | None, fence_m: int | None
) -> tuple[float | None, float | None, int]:
    """Say where a resident lives, in WGS-84, and how far from there is told; None leaves what is there.

    Returns:
        What is there now: lat, lon, metres.
    """
    values = {"resident": resident_id, "lat": lat, "lon": lon, "fence": fence_m}
    row = await (await conn.execute(Q.fence, values)).fetchone()
    assert row is not None
    return row[0], row[1], row[2]
