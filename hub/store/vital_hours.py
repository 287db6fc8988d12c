"""Vital signs by device and hour, rolled up where they lie; and what was usual for a resident, as arrays.

On plain PostgreSQL `refresh` makes the rows of hours that are over, by its own mark, some devices at a time. Where
TimescaleDB is loaded a continuous aggregate takes their place (`vital_rollup`). Readers ask the view `vital_hour`.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.detectors import baseline, nights, stillness
from alerts.detectors.home_signs import DAY_BEGINS_MIN
from hub.store.pool import Connection
from hub.store.raw import NUMBERS_AT_ONCE
from hub.store.vital_rollup import ROLL, Q

HOUR = timedelta(hours=1)
GRACE = timedelta(minutes=10)  # an hour is rolled up when it has been over for so long
KEPT = timedelta(days=42)
NIGHTS = timedelta(days=nights.NIGHTS)  # that V9 looks back
DAYS = timedelta(days=14)  # that a histogram of bytes remembers, more or less
HOUR_MIDDLE_MIN = 30  # somebody rose in an hour: as good as at the middle of it
LATE = timedelta(days=1)  # a batch is committed this soon after its messages came
HOURS_AT_ONCE = 48  # in one refresh; what is left waits for the next
DEVICES_AT_ONCE = 20_000  # in one statement
BEHIND = 2 * NUMBERS_AT_ONCE  # batches are numbered in order and committed out of it
PAUSE_S = 0.02  # between two statements: telemetry is being written beside


@dataclass(frozen=True, kw_only=True)
class Known:
    """What was usual: m residents; `bins` (m, PARTS, BINS) minutes at rest, `night_bpm` (m, NIGHTS), NaN unknown."""

    residents: list[int]
    bins: NDArray[np.float64]
    night_bpm: NDArray[np.float64]
    blind_bpm: dict[int, NDArray[np.float64]]  # by device: nights of what counts no steps
    up_min: NDArray[np.float64]  # (m, stillness.DAYS) when she rose, as `stillness.take_over` has it


async def refresh(conn: Connection, now: datetime) -> int:
    """Roll up the hours that are over; returns how many. Bounded: call again while it returns HOURS_AT_ONCE."""
    row = await (await conn.execute(Q.there)).fetchone()
    if row is not None and row[0]:
        return 0
    mark = await (await conn.execute(Q.mark)).fetchone()
    reach = await (await conn.execute(Q.reach, {"block": NUMBERS_AT_ONCE})).fetchone()
    assert reach is not None
    last = _floor(now - GRACE)
    begin, batch = (last - NIGHTS, 0) if mark is None else (max(mark[0], last - NIGHTS), int(mark[1]))
    hours = [begin + k * HOUR for k in range(min(HOURS_AT_ONCE, (last - begin) // HOUR))]
    if not hours:
        return 0
    late = {"since": begin - LATE, "until": begin, "batch": batch}
    again = [] if mark is None else [at for (at,) in await (await conn.execute(Q.late, late)).fetchall()]
    for hour in [*again, *hours]:
        await _roll(conn, hour, int(reach[1]))
    batch = max(0, int(reach[0]) - BEHIND)
    await conn.execute(Q.put_mark, {"hour": hours[-1] + HOUR, "batch": batch})
    return len(hours)


async def _roll(conn: Connection, hour: datetime, most: int) -> None:
    for first in range(0, most + 1, DEVICES_AT_ONCE):
        part = {"first": first, "end": first + DEVICES_AT_ONCE}
        await conn.execute(ROLL, {"since": hour, "until": hour + HOUR, **part})
        await conn.execute(Q.forget, {"before": hour - KEPT, **part})
        await asyncio.sleep(PAUSE_S)


def _floor(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


async def anything(conn: Connection) -> bool:
    """Whether there is anything to know of anybody."""
    row = await (await conn.execute(Q.anything)).fetchone()
    return bool(row and row[0])


async def usual(conn: Connection, residents: Sequence[int], before: datetime, offset_min: int) -> Known:
    """Return what was usual for some residents before a moment, of all devices while they were hers.

    Args:
        offset_min: what the district's clock is ahead of UTC: nights are counted by it.
    """
    place = {resident: at for at, resident in enumerate(residents)}
    values = {"residents": list(residents), "before": _floor(before), "offset": offset_min}
    bins = np.zeros((len(place), baseline.PARTS, baseline.BINS))
    for resident, part, minutes in await _ask(conn, Q.resting, values | {"since": _floor(before) - DAYS}):
        bins[place[resident], part] = minutes
    minute = int(before.timestamp()) // 60
    total = np.zeros((2, len(place), nights.NIGHTS))
    blind_bpm: dict[int, NDArray[np.float64]] = {}
    for resident, device, day, still, still_sum, blind, blind_sum in await _ask(
        conn, Q.nights, values | {"since": _floor(before) - NIGHTS}
    ):
        if not nights.over(day, minute, offset_min):
            continue  # the detector counts it
        slot = nights.slot_of(day)
        total[0, place[resident], slot] += still
        total[1, place[resident], slot] += still_sum
        if blind >= nights.MINUTES_LEAST:
            blind_bpm.setdefault(device, np.full(nights.NIGHTS, np.nan))[slot] = blind_sum / blind
    slept = total[0] >= nights.MINUTES_LEAST
    night_bpm = np.where(slept, total[1] / np.maximum(total[0], 1), np.nan)
    up_min = np.full((len(place), stillness.DAYS), np.nan)
    today = stillness.day_of(minute, offset_min)
    values |= {"since": _floor(before) - DAYS, "begins": DAY_BEGINS_MIN}
    for resident, day, at in await _ask(conn, Q.rising, values):
        if today - stillness.DAYS < day < today:  # the oldest day is known in part only: she may have risen before
            up_min[place[resident], day % stillness.DAYS] = at + HOUR_MIDDLE_MIN
    return Known(residents=list(residents), bins=bins, night_bpm=night_bpm, blind_bpm=blind_bpm, up_min=up_min)


async def _ask(conn: Connection, query: bytes, values: dict[str, object]) -> list[tuple[Any, ...]]:
    return await (await conn.execute(query.replace(b"{hers}", Q.hers), values)).fetchall()
