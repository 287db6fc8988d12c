"""What a supervisor reads at a glance, and what a month's report is made of."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hub.service_levels import Level
from hub.store import reviews, service_levels, subsidies, visiting, work_orders
from hub.store.console import Row, row, rows
from hub.store.pool import Connection
from hub.store.service_levels import Wish
from hub.store.sql import queries
from hub.store.subsidies import LIST_MOST, Period
from hub.store.visiting import Month
from hub.subsidies import SCHEMES, Verdict

Q = queries("oversight")
SHOWN = 20
GLASS_SHOWN = timedelta(days=30)
DIMENSIONS = ("severity", "kind", "area", "organisation", "hour", "day")


async def state(conn: Connection, now: datetime, area: str | None) -> Row:
    found = await row(conn, Q.state, day=now - timedelta(days=1), area=area)
    assert found is not None
    return found


async def glass(conn: Connection, now: datetime, area: str | None) -> list[Row]:
    return await rows(conn, Q.glass, since=now - GLASS_SHOWN, area=area, limit=SHOWN)


async def handovers(conn: Connection, now: datetime) -> list[Row]:
    return await rows(conn, Q.handovers, since=now - GLASS_SHOWN, limit=SHOWN)


@dataclass(frozen=True, kw_only=True)
class Claims:
    """One scheme in one line."""

    scheme: str
    source: str
    residents: int
    eligible: int
    unknown: int
    price_fen: int
    paid_fen: int


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything a month's report tells."""

    of: Month
    area: str | None
    made_at: datetime
    through: datetime | None
    residents: int
    levels: Level
    by: dict[str, list[Level]] = field(default_factory=dict)
    left_out: Row = field(default_factory=dict)
    breaches: list[Row] = field(default_factory=list)
    falls: list[Row] = field(default_factory=list)
    attempts: list[Row] = field(default_factory=list)
    findings: Row = field(default_factory=dict)
    reviews: Row = field(default_factory=dict)
    criteria: list[Row] = field(default_factory=list)
    orders: dict[str, Row] = field(default_factory=dict)
    visits: list[Row] = field(default_factory=list)
    claims: list[Claims] = field(default_factory=list)
    organisations: dict[str, str] = field(default_factory=dict)


async def report(conn: Connection, of: Month, area: str | None, now: datetime, inner: str) -> Report:
    """Gather a month's report. One moment: all of it is read in one transaction."""
    month = of.values
    wish = Wish(since=month["since"], until=month["until"], area=area)
    time: dict[str, Any] = {"since": wish.since, "until": wish.until}
    days = {"first_day": month["first_day"], "last_day": month["last_day"]}
    async with conn.transaction():
        await conn.execute("set transaction isolation level repeatable read, read only")
        people = await row(conn, Q.residents, area=area)
        totals, criteria = await reviews.results(conn, **time, area=area)
        (all_of_them,) = await service_levels.levels(conn, wish, now, of.zone)
        return Report(
            of=of, area=area, made_at=now, through=await service_levels.read_through(conn),
            residents=people["n"] if people else 0, levels=all_of_them,
            by={by: await service_levels.levels(conn, wish, now, of.zone, by=by, level=inner) for by in DIMENSIONS},
            left_out=await service_levels.left_out(conn, wish),
            breaches=await service_levels.breaches(conn, wish, now, SHOWN),
            falls=await rows(conn, Q.falls, **time, area=area, limit=SHOWN),
            attempts=await rows(conn, Q.attempts, **days, area=area, limit=SHOWN),
            findings=await row(conn, Q.findings, **time) or {}, reviews=totals, criteria=criteria,
            orders=await work_orders.counts(
                conn, work_orders.Wish(**time, area=area), now.astimezone(of.zone).date()
            ),
            visits=await visiting.by_area(conn, of, area), claims=await _claims(conn, of, area),
            organisations={str(one["id"]): one["name"] for one in await service_levels.organisations(conn)},
        )  # fmt: skip


async def models(conn: Connection, wish: Wish, zone: ZoneInfo) -> tuple[list[Row], list[Row]]:
    """Return false alarms and first attempts of a time, by model."""
    days = {"first_day": wish.since.astimezone(zone).date(), "last_day": _last(wish, zone)}
    told = await rows(conn, Q.falls, since=wish.since, until=wish.until, area=wish.area, limit=SHOWN)
    return told, await rows(conn, Q.attempts, **days, area=wish.area, limit=SHOWN)


def _last(wish: Wish, zone: ZoneInfo) -> date:
    return wish.until.astimezone(zone).date() - timedelta(days=1)


async def _claims(conn: Connection, of: Month, area: str | None) -> list[Claims]:
    month = of.values
    period = Period(**{name: month[name] for name in ("since", "until", "first_day", "last_day")})
    found = []
    for scheme in SCHEMES:
        told = await subsidies.evidence(conn, scheme, period, area=area, limit=LIST_MOST)
        verdicts = [one.verdict for one in told]
        found.append(Claims(
            scheme=scheme.key, source=scheme.source, residents=len(told), eligible=verdicts.count(Verdict.YES),
            unknown=verdicts.count(Verdict.UNKNOWN), price_fen=sum(one.price_fen for one in told),
            paid_fen=sum(one.paid_fen for one in told if one.verdict is Verdict.YES),
        ))  # fmt: skip
    return found
