"""What people read about the devices in use: gateways down, silent ones, batteries, visits, first attempts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from alerts.supervision_attempts import AGAIN_WITHIN, EPISODE, OVER, TRIAL_WITHIN, Attempts, league
from alerts.supervision_battery import LOW_PCT, MOST_DAYS, Day, forecast
from hub.errors import HubError
from hub.store.console import Row, row, rows
from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("fleet")
SHOWN = 200  # rows of one list at most
NAMED = 50  # models or areas, where a wish names none there is
SOON = timedelta(days=28)  # batteries that will be flat within this are shown
WORN_DAYS = 7
DONE_SHOWN = timedelta(days=28)
KEPT = timedelta(days=400)  # of days
SWEPT_AT_ONCE = 50_000


@dataclass(frozen=True, kw_only=True)
class Wish:
    """Of which devices: one model, one area, or all."""

    model: str | None = None
    area: str | None = None

    @property
    def values(self) -> dict[str, Any]:
        return {"model": self.model, "area": self.area, "limit": SHOWN}


class NoSuchDevicesError(HubError):
    """No device is of this model and area; says which there are."""

    def __init__(self, wish: Wish, *, models: Sequence[str], areas: Sequence[str]) -> None:
        wished = [(w, v, n) for w, v, n in (("model", wish.model, models), ("area", wish.area, areas)) if v is not None]
        asked = " and ".join(f"{what} {value!r}" for what, value, _ in wished)
        there = "; ".join(
            f"{what}s there are: {', '.join(names) or 'none'}{' …' if len(names) == NAMED else ''}"
            for what, _, names in wished
        )
        super().__init__(f"no device of {asked}; {there}")


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """How the devices are at one moment. Lists are bounded: `SHOWN` rows each."""

    gateways: Sequence[Row] = ()
    silent: Sequence[Row] = ()
    batteries: Sequence[Row] = ()
    worn: Sequence[Row] = ()
    visits: Sequence[Row] = ()
    done: Sequence[Row] = ()
    league: Sequence[Attempts] = field(default_factory=list)


async def fleet(conn: Connection, wish: Wish, now: datetime, today: date) -> Fleet:
    """Return how the devices are. Every list is read through an index of what is wrong, never through all devices."""
    values = wish.values
    batteries = await rows(conn, Q.batteries, until=today + SOON, low=LOW_PCT, **values)
    # Without a wish, worn hours are those of the devices that are shown for another reason: a million say nothing.
    devices = [one["device_id"] for one in batteries]
    if wish.model is not None or wish.area is not None:
        devices = [one["id"] for one in await rows(conn, Q.of_kind, **values)]
    return Fleet(
        gateways=await rows(conn, Q.gateways_down, limit=SHOWN),
        silent=await rows(conn, Q.silent, **values),
        batteries=batteries,
        worn=await rows(conn, Q.worn, days=WORN_DAYS, today=today, devices=devices),
        visits=await visits(conn, area=wish.area),
        done=await visits(conn, status="done", since=now - DONE_SHOWN, area=wish.area),
        league=await attempts(conn, wish, today),
    )


async def must_be_there(conn: Connection, wish: Wish) -> None:
    """Refuse to show nothing as if it were all right.

    Raises:
        NoSuchDevicesError: No device is of this model and area.
    """
    if wish.model is None and wish.area is None:
        return
    found = await (await conn.execute(Q.kinds, {**wish.values, "limit": NAMED})).fetchone()
    assert found is not None
    if not found[0]:
        raise NoSuchDevicesError(wish, models=found[1], areas=found[2])


async def visits(
    conn: Connection, *, status: str = "open", since: datetime | None = None, area: str | None = None
) -> list[Row]:
    """Return visits to be made, or those that were."""
    return await rows(conn, Q.visits, status=status, since=since, area=area, limit=SHOWN)


async def visit_done(conn: Connection, number: int, by: str, note: str) -> bool:
    """Write down that a visit was made; False when there is no open one of this number."""
    return await row(conn, Q.visit_done, id=number, by=by, note=note) is not None


async def attempts(conn: Connection, wish: Wish, today: date) -> list[Attempts]:
    """Return the league table of first attempts."""
    values = {"since": today - OVER, "model": wish.model, "area": wish.area}
    names = ("model", "presses", "again", "unanswered", "trials", "trials_failed", "trials_silent")
    found = await (await conn.execute(Q.attempts, values)).fetchall()
    return league(Attempts(**dict(zip(names, one, strict=True))) for one in found)


# What is worked out beforehand, a little at a time.


async def forecast_some(conn: Connection, most: int, today: date) -> int:
    """Forecast batteries that have a new day; returns how many."""
    devices = [one[0] for one in await (await conn.execute(Q.stale, {"limit": most})).fetchall()]
    if not devices:
        return 0
    values = {"devices": devices, "since": today - timedelta(days=MOST_DAYS)}
    days: dict[int, list[Day]] = {}
    for device_id, day, level, charged in await (await conn.execute(Q.histories, values)).fetchall():
        days.setdefault(device_id, []).append(Day(day=day, level_pct=level, charged=charged))
    told = [forecast(days.get(device, [])) for device in devices]
    given = {"devices": devices, "verdicts": [one.verdict.value for one in told], "flat_on": [o.flat_on for o in told]}
    await conn.execute(Q.forecast, given)
    return len(devices)


async def count_attempts(conn: Connection, day: date, midnight: datetime, now: datetime) -> None:
    """Count one day's first attempts (again). `midnight` is its beginning."""
    values = {
        "day": day, "from": midnight, "to": midnight + timedelta(days=1), "episode": EPISODE, "again": AGAIN_WITHIN,
        "trial": TRIAL_WITHIN, "now": now,
    }  # fmt: skip
    await conn.execute(Q.count_attempts, values)


async def last_counted(conn: Connection) -> date | None:
    """Return the last day that was counted."""
    found = await (await conn.execute(Q.last_counted)).fetchone()
    return found[0] if found is not None else None


async def sweep(conn: Connection, today: date) -> None:
    """Forget some of the days beyond a year."""
    await conn.execute(Q.sweep_days, {"before": today - KEPT, "limit": SWEPT_AT_ONCE})


async def figures(conn: Connection, today: date) -> Mapping[str, Any]:
    """Return counts for Prometheus."""
    return await row(conn, Q.figures, today=today, low=LOW_PCT, soon=today + timedelta(days=7)) or {}
