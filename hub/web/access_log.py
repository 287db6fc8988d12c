"""Who looked at what, when and why: for supervisors and auditors, filtered, and as a table for elsewhere."""

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from starlette.responses import Response

from hub import sheets
from hub.store import access as store
from hub.store.telemetry import clean
from hub.web import words
from hub.web.auth import Seat
from hub.web.frame import FormOf, Parts, PartsOf, SeatOf, render, text

router = APIRouter(prefix="/access-log")
SHOWN = 200
WRITTEN = 20_000  # rows of a table that leaves


@router.get("")
async def page(request: Request, who: SeatOf, has: PartsOf) -> Response:
    return await _page(request, who, has, {})


@router.post("")
async def filtered(request: Request, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    """Names go in the body of a form: an address is written into logs and histories."""
    about = {name: text(form, name, 80) for name in ("who", "whom", "since", "until")}
    if text(form, "as", 5) == "csv":
        return await _csv(who, has, about)
    return await _page(request, who, has, about)


async def _found(has: Parts, about: dict[str, str], limit: int) -> list[dict[str, Any]]:
    async with has.whole.connection() as conn:
        return await store.log(
            conn, limit=limit, who=clean(about.get("who", "")), whom=clean(about.get("whom", "")),
            since=_day(about.get("since", ""), has.zone), until=_day(about.get("until", ""), has.zone, after=1),
        )  # fmt: skip


async def _page(request: Request, who: Seat, has: Parts, about: dict[str, str]) -> Response:
    looks = await _found(has, about, SHOWN + 1)
    return render(
        request, "access_log.html", who, here="access_log", looks=looks[:SHOWN], more=len(looks) > SHOWN,
        about={name: about.get(name, "") for name in ("who", "whom", "since", "until")},
    )  # fmt: skip


async def _csv(who: Seat, has: Parts, about: dict[str, str]) -> Response:
    t = words.speaker(who.language)
    looks = await _found(has, about, WRITTEN)
    async with has.whole.connection() as conn:
        await store.looked_at(conn, who.person_id, "export: access log", f"{len(looks)} rows")
    head = [
        t(f"access_log.{name}") for name in ("at", "person", "role", "resident", "what", "subject", "reason", "case")
    ]
    rows = (
        (look["at"], look["person"], t(f"role.{look['role']}"), look["resident"] or "", look["what"],
         look["subject"], look["reason"], look["incident_id"])
        for look in looks
    )  # fmt: skip
    return Response(
        sheets.csv(sheets.Sheet(title=t("access_log.title"), head=head, rows=rows), has.zone), media_type="text/csv",
        headers={"Content-Disposition": 'attachment; filename="access-log.csv"'},
    )  # fmt: skip


def _day(said: str, zone: ZoneInfo, *, after: int = 0) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(said) + timedelta(days=after), time(), zone)
    except (ValueError, OverflowError):
        return None
