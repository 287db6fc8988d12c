"""Reads what homes told, writes how their days went, keeps who is known to be away."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hub.store.pool import Connection
from hub.store.raw import NUMBERS_AT_ONCE
from hub.store.sql import queries
from hub.store.telemetry import UNIX_TO_POSTGRES_MS

Q = queries("homes")
LOCK = 0x0CA4C  # who has it follows the homes
Table = NDArray[Any]

SAID = np.dtype([
    ("batch", ">i8"), ("device", ">i8"), ("at_ms", ">i8"), ("sign", ">i8"), ("value", ">f8"), ("other", ">f8"),
])  # fmt: skip


class Sensor(NamedTuple):
    """One device of a followed resident, once for each sign it gives; sign 0: none, it may be a watch."""

    resident_id: int
    device_id: int
    sign: int
    address: str
    model: str
    deadline_s: int | None
    since_ms: int
    area: str
    lat: float | None
    lon: float | None
    fence_m: int


class Usual(NamedTuple):
    """How a resident's last days went; None: not known."""

    resident_id: int
    up_min: int | None
    latest_min: int | None
    ups: int
    bed_out_min: int | None
    nights: int
    noisy: bool


class Quiet(NamedTuple):
    """A resident's known silence: the one that holds or comes next, and when the last one ended."""

    resident_id: int
    from_ms: int | None
    until_ms: int | None
    ended_ms: int | None


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


async def sensors(conn: Connection, most: int) -> tuple[list[Sensor], bool]:
    """Return the devices of the first `most` residents that are followed, and whether there are more of them."""
    found = [Sensor(*row) for row in await (await conn.execute(Q.devices, {"limit": most + 1})).fetchall()]
    residents = sorted({one.resident_id for one in found})
    if len(residents) <= most:
        return found, False
    return [one for one in found if one.resident_id != residents[-1]], True


async def followable(conn: Connection, devices: Sequence[int]) -> set[int]:
    """Return those of some devices whose resident may be followed."""
    return {int(row[0]) for row in await (await conn.execute(Q.followable, {"devices": list(devices)})).fetchall()}


async def learn(conn: Connection, pairs: Sequence[tuple[int, int]], now: datetime) -> None:
    """Remember that devices give signs: (device, sign)."""
    values = {"devices": [device for device, _ in pairs], "signs": [sign for _, sign in pairs], "now": now}
    await conn.execute(Q.learn, values)


async def quiet(conn: Connection, now: datetime, back: timedelta, residents: Sequence[int]) -> list[Quiet]:
    """Return every known silence that is not over, or that ended in the time before."""
    values = {"now": now, "back": back, "residents": list(residents)}
    return [Quiet(*row) for row in await (await conn.execute(Q.quiet, values)).fetchall()]


async def signs(
    conn: Connection, *, since: datetime, after: int, seen: Sequence[int], fenced: Sequence[int], limit: int
) -> Table:
    """Return what was stored after a batch, but for some that were seen, as rows of `SAID`."""
    values = {"since": since, "after": after, "seen": list(seen), "fenced": list(fenced), "limit": limit}
    return await _said(conn, Q.signs, values)


async def past(conn: Connection, devices: Sequence[int], fenced: Sequence[int], since: datetime) -> Table:
    """Return what matters of what some devices said since a moment, as rows of `SAID`."""
    return await _said(conn, Q.past, {"devices": list(devices), "fenced": list(fenced), "since": since})


async def _said(conn: Connection, query: bytes, values: dict[str, Any]) -> Table:
    async with conn.cursor(binary=True) as cursor:
        row = await (await cursor.execute(query, values)).fetchone()
    found = np.frombuffer(row[0] if row and row[0] is not None else b"", SAID).copy()
    found["at_ms"] = found["at_ms"] // 1000 + UNIX_TO_POSTGRES_MS  # the server sends microseconds since 2000
    return found


async def times(conn: Connection, query: bytes, devices: Sequence[int], since: datetime) -> NDArray[np.int64]:
    """Return (n, 2) device and milliseconds, of one of `steps`, `steps_past`, `heard`, `heard_past`."""
    rows = await (await conn.execute(query, {"devices": list(devices), "since": since})).fetchall()
    return np.array(rows, np.int64).reshape(-1, 2)


async def online(conn: Connection, devices: Sequence[int]) -> list[int]:
    """Return those of some devices whose gateway says that it is there."""
    return [int(row[0]) for row in await (await conn.execute(Q.online, {"devices": list(devices)})).fetchall()]


async def touched(
    conn: Connection, *, since: datetime, after: int, zone: str, devices: Sequence[int] | None = None
) -> set[tuple[int, date]]:
    """Return which days of which residents got something after a batch; of some devices only, or of all."""
    values = {"since": since, "after": after, "zone": zone, "devices": None if devices is None else list(devices)}
    rows = await (await conn.execute(Q.touched, values)).fetchall()
    return {(int(row[0]), day) for row in rows for day in row[1:]}


async def write_days(conn: Connection, pairs: Sequence[tuple[int, date]], zone: str) -> None:
    """Make some residents' days anew from what was stored."""
    values = {"residents": [one for one, _ in pairs], "days": [day for _, day in pairs], "zone": zone}
    await conn.execute(Q.write_days, values)


async def usual(conn: Connection, first: date, today: date, *, zone: str, dry_min: int, dry_days: int) -> list[Usual]:
    """Return how the days from `first` to yesterday went."""
    values = {"first": first, "today": today, "zone": zone, "dry": dry_min, "dry_days": dry_days}
    return [Usual(*row) for row in await (await conn.execute(Q.usual, values)).fetchall()]


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
