"""The supervisor's first page: how soon calls were answered and doors reached, what was late, who watches."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from hub.service_levels import ANSWER_CRITICAL_S, ANSWER_OTHERS_S, DOOR_MIN, FEW, TARGETS, Level, never, seconds
from hub.sheets import Sheet
from hub.store import oversight, service_levels
from hub.store.access import looked_at
from hub.store.pool import Connection, hub_now
from hub.store.service_levels import LEVELS, Wish, day_of
from hub.web import words
from hub.web.charts import columns, strips
from hub.web.downloads import Form, download
from hub.web.frame import PartsOf, SeatOf, render
from hub.web.scope import AskedOf, Scope, scope, shown

router = APIRouter()
WAYS = ("supervisor", "reviews", "work-orders", "visits", "subsidies", "reports")


@router.get("/supervisor")
async def page(request: Request, who: SeatOf, has: PartsOf, asked: AskedOf) -> Response:
    async with has.pool.connection() as conn:
        now = await hub_now(conn)
        at = await scope(conn, now, has.zone, asked.month, asked.area)
        since, until = day_of(now.astimezone(has.zone).date(), has.zone)
        today = Wish(since=since, until=until, area=at.area)
        falls, attempts = await oversight.models(conn, at.wish, has.zone)
        values: dict[str, Any] = {
            "today": (await service_levels.levels(conn, today, now, has.zone))[0],
            "month": (await service_levels.levels(conn, at.wish, now, has.zone))[0],
            "tables": await tables(conn, at, now), "left_out": await service_levels.left_out(conn, at.wish),
            "breaches": await service_levels.breaches(conn, at.wish, now), "falls": falls, "attempts": attempts,
            "state": await oversight.state(conn, now, at.area), "glass": await oversight.glass(conn, now, at.area),
            "handovers": await oversight.handovers(conn, now), "through": await service_levels.read_through(conn),
            "organisations": {str(one["id"]): one["name"] for one in await service_levels.organisations(conn)},
        }  # fmt: skip
    t = words.speaker(who.language)
    return render(
        request, "supervisor.html", who, here="supervisor", **shown(at), **values, **judged(),
        charts=charts(t, dict(values["tables"]), at),
    )  # fmt: skip


async def tables(conn: Connection, at: Scope, now: datetime) -> list[tuple[str, list[Level]]]:
    """Return the levels by everything they are told apart by."""
    return [
        (by, await service_levels.levels(conn, at.wish, now, at.zone, by=by, level=at.inner))
        for by in oversight.DIMENSIONS
    ]


def judged() -> dict[str, Any]:
    """Return what a table of levels is drawn with."""
    return {
        "targets": TARGETS, "few": FEW, "seconds": seconds, "never": never, "critical_s": ANSWER_CRITICAL_S,
        "others_s": ANSWER_OTHERS_S, "door_min": DOOR_MIN, "levels_of_areas": LEVELS,
    }  # fmt: skip


def by_day(found: list[Level], at: Scope) -> list[tuple[str, Level | None]]:
    """Return every day of a month with its levels; None on a day without a call."""
    known = {one.key: one for one in found}
    first, last = at.of.values["first_day"], at.of.values["last_day"]
    days = [f"{at.named}-{day:02d}" for day in range(first.day, last.day + 1)]
    return [(day[8:], known.get(day)) for day in days]


def charts(t: Any, by: dict[str, list[Level]], at: Scope) -> dict[str, Any]:
    """Return the charts of a month."""
    days = by_day(by["day"], at)
    hours = {one.key: one for one in by["hour"]}
    return {
        "calls": columns(
            [(day, float(one.calls) if one else None) for day, one in days], title=t("levels.chart_calls")
        ),
        "answered": columns(
            [(day, one.share("in_60") if one else None) for day, one in days], title=t("levels.chart_answered"),
            share=True, top=1.0, target=TARGETS["in_60"],
        ),
        "hours": columns(
            [(f"{h:02d}", float(hours[f"{h:02d}"].calls) if f"{h:02d}" in hours else None) for h in range(24)],
            title=t("levels.chart_hours"),
        ),
        "areas": strips(
            [(one.key or t("levels.no_area"), one.share("in_60")) for one in by["area"][:20]],
            title=t("levels.chart_areas"), target=TARGETS["in_60"],
        ),
    }  # fmt: skip


@router.get("/supervisor/calls/{form}")
async def calls(who: SeatOf, has: PartsOf, form: Form, asked: AskedOf) -> Response:
    """Every call of a month with its own seconds: whoever wants to adds them up again."""
    t = words.speaker(who.language)
    async with has.pool.connection() as conn:
        now = await hub_now(conn)
        at = await scope(conn, now, has.zone, asked.month, asked.area)
        found = await service_levels.cases(conn, at.wish)
        by = await tables(conn, at, now)
        names = {str(one["id"]): one["name"] for one in await service_levels.organisations(conn)}
        await looked_at(conn, who.person_id, "export: calls", f"{at.named} {at.area or '*'}")
    head = ("case", "began", "kind", "severity", "area", "organisation", "answered_at", "answer_s", "sent_at",
            "arrived_at", "door_min", "proved", "resolved_at", "closed_at", "disposition")  # fmt: skip
    rows = [
        (
            one["incident_id"], one["started_at"], t(f"kind.{one['kind']}"), one["severity"], one["area"],
            one["organisation"], one["answered_at"], _s(one["answered_at"], one["started_at"]), one["sent_at"],
            one["arrived_at"], _min(one["arrived_at"], one["started_at"]), one["proved"], one["resolved_at"],
            one["closed_at"], t(f"disposition.{one['disposition']}") if one["disposition"] else "",
        )
        for one in found
    ]  # fmt: skip
    notes = (
        f"{t('supervisor.title')} {at.named} {at.area or t('supervisor.everywhere')}",
        t("levels.definition_start"),
    )
    sheets = [
        Sheet(title=t("levels.calls"), head=[t(f"levels.{word}") for word in head], rows=rows, notes=notes),
        *(level_sheet(t, by_what, found, names) for by_what, found in by),
    ]
    return await download(f"{t('levels.calls')}-{at.named}", sheets, form, has.zone)


LEVEL_HEAD = (
    "calls", "in_60", "due_60", "in_180", "due_180", "unanswered", "answer_p50", "answer_p90", "in_45", "due_45",
    "in_60m", "due_60m", "unreached", "called_off", "door_p50", "door_p90",
)  # fmt: skip


def level_sheet(t: Any, by: str, found: list[Level], names: dict[str, str]) -> Sheet:
    """Return a table of levels as a sheet, counts and not shares: shares cannot be added up."""
    rows = [
        (label(t, by, one.key, names), *(_plain(getattr(one, name)) for name in LEVEL_HEAD)) for one in found
    ]  # fmt: skip
    return Sheet(title=t(f"levels.by_{by}"), head=[t(f"levels.by_{by}"), *(t(f"levels.x_{w}") for w in LEVEL_HEAD)],
                 rows=rows)  # fmt: skip


def label(t: Any, by: str, key: str, names: dict[str, str]) -> str:
    """Say what a line of a table stands for."""
    if by == "kind":
        return str(t(f"kind.{key}"))
    if by == "severity":
        return str(t(f"severity.{key}"))
    if by == "organisation":
        return names.get(key) or str(t("levels.no_organisation"))
    if by == "hour":
        return f"{key}:00"
    return key or str(t("levels.no_area"))


def _plain(value: Any) -> Any:
    return seconds(value) if isinstance(value, float) else value


def _s(at: datetime | None, start: datetime) -> float | None:
    return None if at is None else round((at - start).total_seconds(), 1)


def _min(at: datetime | None, start: datetime) -> float | None:
    return None if at is None else round((at - start).total_seconds() / 60, 1)
