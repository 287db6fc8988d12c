"""The month's report: one page for paper (A4), charts made here, also as a file; nothing comes from outside."""

from collections.abc import Callable
from pathlib import Path as File
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from markupsafe import Markup
from starlette.responses import Response

from hub.service_levels import TARGETS
from hub.sheets import Sheet
from hub.store import oversight
from hub.store.access import looked_at
from hub.store.oversight import Report
from hub.store.pool import Connection, hub_now
from hub.subsidies import CAP_FEN, RATE_PCT, yuan
from hub.web import words
from hub.web.charts import columns, strips
from hub.web.downloads import Form, download
from hub.web.frame import HERE, TEMPLATES, PartsOf, SeatOf, render
from hub.web.scope import AskedOf, Scope, scope, shown
from hub.web.supervisor import by_day, charts, judged, label, level_sheet

router = APIRouter()
STYLE = File(HERE) / "static" / "report.css"


@router.get("/reports")
async def page(request: Request, who: SeatOf, has: PartsOf, asked: AskedOf) -> Response:
    async with has.pool.connection() as conn:
        at = await scope(conn, await hub_now(conn), has.zone, asked.month, asked.area)
    return render(request, "reports.html", who, here="reports", **shown(at))


@router.get("/reports/month")
async def month_page(
    request: Request, who: SeatOf, has: PartsOf, asked: AskedOf,
    language: str | None = None,
) -> Response:  # fmt: skip
    async with has.pool.connection() as conn:
        now = await hub_now(conn)
        at = await scope(conn, now, has.zone, asked.month, asked.area)
        told = await oversight.report(conn, at.of, at.area, now, at.inner)
        await looked_at(conn, who.person_id, "report: month", f"{at.named} {at.area or '*'}")
    wanted = words.pick(language) if language else words.pick(who.language)
    return render(request, "report.html", who, **values(words.speaker(wanted), told, at), style="", language=wanted)


@router.get("/reports/month/{form}")
async def export(form: Form, who: SeatOf, has: PartsOf, asked: AskedOf) -> Response:
    t = words.speaker(who.language)
    async with has.pool.connection() as conn:
        now = await hub_now(conn)
        at = await scope(conn, now, has.zone, asked.month, asked.area)
        told = await oversight.report(conn, at.of, at.area, now, at.inner)
        await looked_at(conn, who.person_id, "export: report", f"{at.named} {at.area or '*'}")
    return await download(f"{t('report.title')}-{at.named}", sheets(t, told), form, has.zone)


def sheets(t: Callable[..., str], told: Report) -> list[Sheet]:
    """Return the report's tables as sheets; the first one is what CSV holds: all calls together and by severity."""
    names = told.organisations
    everything = level_sheet(t, "all", [told.levels], names)
    visits = Sheet(
        title=t("visits.by_area"), head=[t(f"visits.h_{word}") for word in ("area", "residents", "visited")],
        rows=[(one["area"], one["residents"], one["visited"]) for one in told.visits],
    )  # fmt: skip
    claims = Sheet(
        title=t("subsidies.title"),
        head=[t(f"subsidies.h_{word}") for word in ("scheme", "residents", "eligible", "unknown", "price", "paid")],
        rows=[(t(f"subsidies.scheme.{one.scheme}"), one.residents, one.eligible, one.unknown, one.price_fen / 100,
               one.paid_fen / 100) for one in told.claims],
    )  # fmt: skip
    return [everything, *(level_sheet(t, by, found, names) for by, found in told.by.items()), visits, claims]


def values(t: Callable[..., str], told: Report, at: Scope) -> dict[str, Any]:
    """Return what the printed page is made of, whoever prints it."""
    visits = [(one["area"] or t("levels.no_area"), one["visited"] / one["residents"]) for one in told.visits[:20]]
    days = by_day(told.by["day"], at)
    kinds = [(t(f"kind.{one.key}"), float(one.calls)) for one in told.by["kind"]]
    return {
        "t": t, "report": told, "scope": at, "yuan": yuan, "rate": RATE_PCT, "cap": CAP_FEN, **judged(),
        "stamp": lambda moment: f"{moment.astimezone(at.zone):%Y-%m-%d %H:%M}",
        "label": lambda by, key: label(t, by, key, told.organisations),
        "charts": charts(t, told.by, at) | {
            "visits": strips(visits, title=t("visits.by_area"), target=1.0),
            "kinds": columns(kinds, title=t("levels.by_kind")),
            "door": columns(
                [(day, one.share("in_45") if one else None) for day, one in days], title=t("levels.chart_door"),
                share=True, top=1.0, target=TARGETS["in_45"],
            ),
        },
    }  # fmt: skip


async def written(conn: Connection, zone: ZoneInfo, month: str, area: str | None, language: str) -> str:
    """Return a month's report as one file of its own: style and charts within it."""
    now = await hub_now(conn)
    at = await scope(conn, now, zone, month, area)
    told = await oversight.report(conn, at.of, at.area, now, at.inner)

    return TEMPLATES.get_template("report.html").render(
        values(words.speaker(language), told, at), language=language, zone=zone.key, now=now, assets="",
        style=Markup(STYLE.read_text(encoding="utf-8")), nonce="",  # noqa: S704 - our own file
    )  # fmt: skip
