"""The supervisor's duty lists: who is on when, overrides, rotations, import and export."""

import asyncio
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, available_timezones

from fastapi import APIRouter, Path, Request
from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response

from alerts import duty
from alerts.duty import FOREVER, Days, Lists, Rotation, Shift, instant
from alerts.model import Role
from alerts.policy import DEFAULT_ZONE
from hub.roster_files import People, read_file, write_csv, write_ics
from hub.store import roster_imports, rosters
from hub.store.pool import Connection, hub_now
from hub.store.rosters import RosterError, RosterRow
from hub.store.telemetry import clean
from hub.web import duty_grid, words
from hub.web.auth import Seat
from hub.web.frame import FormOf, Parts, PartsOf, SeatOf, go, number, render, said, text

router = APIRouter()
Number = Annotated[int, Path(ge=1, lt=2**63)]
AHEAD = timedelta(days=60)
LISTED = 40  # shifts and overrides to come that are listed below the grid


class RefusedFormError(Exception):
    """A form that cannot be used; the key of the words that say why."""

    def __init__(self, key: str, **facts: str) -> None:
        super().__init__(key)
        self.key = key
        self.facts = facts


@dataclass(frozen=True, kw_only=True)
class OnNow:
    person_id: int
    name: str
    until: str
    state: str  # plain, proved, stand_in; waiting: not yet checked in, unproved: late


@router.get("/rosters")
async def page(request: Request, who: SeatOf, has: PartsOf, name: str = "", week: str = "") -> Response:
    async with has.pool.connection() as conn:
        return await _show(request, who, conn, clean(name), week)


async def _show(
    request: Request, who: Seat, conn: Connection, name: str, week: str = "", *, status: int = 200, **more: Any
) -> Response:  # fmt: skip
    now = await hub_now(conn)
    lists = [row for row in await rosters.rosters(conn) if row.name]
    chosen = next((row for row in lists if row.name == name), lists[0] if lists else None)
    people = await roster_imports.people(conn)
    values: dict[str, Any] = {
        "here": "rosters", "lists": lists, "chosen": chosen, "zones": ("Asia/Shanghai", "Asia/Urumqi", "UTC"),
        "roles": list(Role), "people": people.for_lists(),
        "may": who.role == "supervisor",
        "on_now": await _on_now(conn, lists, people, now), "read": None, "sent": "", "problem": "", "typed": {},
    }  # fmt: skip
    if chosen:
        values |= await _of_list(conn, chosen, people, now, week)
    return render(request, "rosters.html", who, status=status, **(values | more))


async def _of_list(conn: Connection, chosen: RosterRow, people: People, now: datetime, week: str) -> dict[str, Any]:
    zone = ZoneInfo(chosen.zone)
    today = now.astimezone(zone).date()
    first = _day(week) or today
    start, end = instant(zone, first, time()), instant(zone, first + timedelta(days=7), time())
    names = dict(people.names)
    coming = await rosters.shifts(conn, now, now + AHEAD, roster=chosen.name)
    return {
        "week": duty_grid.grid(await rosters.lists_of(conn, start, end, roster=chosen.name), zone, first, now, names),
        "today": today, "before": first - timedelta(days=7), "after": first + timedelta(days=7), "names": names,
        "overrides": (await rosters.overrides(conn, now, now + AHEAD, roster=chosen.name))[:LISTED],
        "singles": [row for row in coming if row.source != "rotation"][:LISTED],
        "rotations": await rosters.rotations(conn, chosen.name),
        "wall": lambda at: "…" if at == FOREVER else f"{at.astimezone(zone):%m-%d %H:%M}",
    }  # fmt: skip


async def _on_now(
    conn: Connection, lists: list[RosterRow], people: People, now: datetime
) -> dict[str, list[OnNow]]:  # fmt: skip
    """Return who is on duty at this moment on every list, and what proves it."""
    end = now + timedelta(days=2)
    found = await rosters.lists_of(conn, now - duty.UNPROVED_AFTER, end)
    wanting = frozenset(row.name for row in lists if row.needs_check_in)
    late = {(s.person_id, s.roster) for s in rosters.unproved(found, wanting, now)}
    here = {(c.person_id, c.roster) for c in found.check_ins if c.covers(now)}
    laid_out = {
        (s.person_id, s.roster)
        for s in duty.spans(Lists(shifts=found.shifts, overrides=found.overrides), now, end) if s.covers(now)
    }  # fmt: skip
    zones = {row.name: ZoneInfo(row.zone) for row in lists}
    on: dict[str, list[OnNow]] = {row.name: [] for row in lists}
    for s in duty.spans(found, now, end):
        if s.covers(now) and s.roster in on:
            who = s.person_id, s.roster
            state = (
                "proved"
                if who in here
                else "unproved"
                if who in late
                else "waiting"
                if s.roster in wanting
                else "plain"
            )
            on[s.roster].append(OnNow(
                person_id=s.person_id, name=people.names.get(s.person_id, str(s.person_id)),
                until=f"{s.end.astimezone(zones[s.roster]):%m-%d %H:%M}",
                state="stand_in" if who in here - laid_out else state,
            ))  # fmt: skip
    return on


# ---- what the supervisor changes ----


@router.post("/rosters/list")
async def save_list(request: Request, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    async def act(conn: Connection, name: str) -> None:
        zone, role = text(form, "zone", 60) or DEFAULT_ZONE, text(form, "role", 40)
        if zone not in available_timezones():
            raise RefusedFormError("roster_error.bad_zone", what=zone)
        await rosters.save_roster(
            conn,
            name,
            zone=zone,
            role=role if role in set(Role) else "",
            needs_check_in=bool(text(form, "needs_check_in")),
        )

    return await _do(request, who, form, has, act)


@router.post("/rosters/shift")
async def add_shift(request: Request, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    async def act(conn: Connection, name: str) -> None:
        start, end = await _stretch(conn, form, name)
        person_id = number(form, "person")
        if person_id is None:
            raise RefusedFormError("roster_error.nobody")
        await rosters.add_shifts(conn, [Shift(start=start, end=end, person_id=person_id, roster=name)])

    return await _do(request, who, form, has, act)


@router.post("/rosters/shift/{shift}/drop")
async def drop_shift(request: Request, who: SeatOf, form: FormOf, has: PartsOf, shift: Number) -> Response:
    return await _do(request, who, form, has, lambda conn, _: rosters.drop_shift(conn, shift))


@router.post("/rosters/override")
async def add_override(request: Request, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    async def act(conn: Connection, name: str) -> None:
        start, end = await _stretch(conn, form, name)
        await rosters.add_override(
            conn, name, start, end, off=number(form, "off"), on=number(form, "on"), reason=text(form, "reason", 200),
            by=who.person_id,
        )  # fmt: skip

    return await _do(request, who, form, has, act)


@router.post("/rosters/override/{override}/drop")
async def drop_override(request: Request, who: SeatOf, form: FormOf, has: PartsOf, override: Number) -> Response:
    return await _do(request, who, form, has, lambda conn, _: rosters.drop_override(conn, override))


@router.post("/rosters/rotation")
async def save_rotation(request: Request, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    async def act(conn: Connection, name: str) -> None:
        people = await roster_imports.people(conn)
        await rosters.save_rotation(
            conn, _rotation(form, name, people), number=number(form, "rotation"), by=who.person_id
        )

    return await _do(request, who, form, has, act)


@router.post("/rosters/rotation/{rotation}/end")
async def end_rotation(request: Request, who: SeatOf, form: FormOf, has: PartsOf, rotation: Number) -> Response:
    return await _do(request, who, form, has, lambda conn, _: rosters.end_rotation(conn, rotation))


@router.post("/rosters/check_in")
async def vouch(request: Request, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    """The supervisor has phoned: somebody is where he should be."""

    async def act(conn: Connection, name: str) -> None:
        person_id = number(form, "person")
        if person_id is not None:
            await rosters.check_in(conn, person_id, via="console", roster=name)

    return await _do(request, who, form, has, act)


async def _do(request: Request, who: Seat, form: FormData, has: Parts, act: Any) -> Response:
    t = words.speaker(who.language)
    if who.role != "supervisor":
        return said(request, who, t("rosters.only_supervisors"), 403)
    name = text(form, "name", 80)
    try:
        if not name:
            raise RefusedFormError("roster_error.no_roster")
        async with has.pool.connection() as conn:
            await act(conn, name)
    except RosterError as refused:
        return await _again(request, who, form, has, t(f"roster_error.{refused.code}"), 409)
    except RefusedFormError as refused:
        return await _again(request, who, form, has, t(refused.key, **refused.facts), 422)
    week = _day(text(form, "week", 20))
    return go("/rosters?" + urlencode({"name": name} | ({"week": week.isoformat()} if week else {})))


async def _again(  # noqa: PLR0917 - said in the order of the answer
    request: Request, who: Seat, form: FormData, has: Parts, problem: str, status: int
) -> Response:
    """The page once more, with what was wrong in the form itself and what was typed still there."""
    typed: dict[str, Any] = {field: text(form, field) for field in form if field != "csrf"}
    typed |= {"form": request.url.path.removeprefix("/rosters/"), "weekday": form.getlist("weekday")}
    typed |= {"rotation": text(form, "rotation"), "name": text(form, "name", 80)}  # a program may leave them out
    async with has.pool.connection() as conn:
        return await _show(
            request,
            who,
            conn,
            typed.get("name", ""),
            typed.get("week", ""),
            status=status,
            problem=problem,
            typed=typed,
        )


def _rotation(form: FormData, name: str, people: People) -> Rotation:
    numbers: list[int] = []
    for word in text(form, "people", 2000).replace("，", ",").replace("、", ",").split(","):
        found = people.find(word)
        if len(found) != 1:
            raise RefusedFormError(f"roster_fault.{'ambiguous' if found else 'unknown'}_person", what=word.strip()[:40])
        numbers += found
    first_day, turn = _day(text(form, "first_day", 10)), number(form, "turn_days") or 0
    weekdays = frozenset(int(str(day)) for day in form.getlist("weekday") if str(day) in set("1234567"))
    try:
        clocks = [time.fromisoformat(text(form, field, 8) or "00:00") for field in ("hand_over", "from", "to")]
        days = Days(text(form, "days", 10) or "any")
    except ValueError:
        raise RefusedFormError("roster_error.bad_time") from None
    if first_day is None or not 1 <= turn <= 366 or not weekdays:
        raise RefusedFormError("roster_error.bad_rotation")
    return Rotation(
        roster=name, zone=DEFAULT_ZONE, people=tuple(numbers), first_day=first_day, hand_over=clocks[0], turn_days=turn,
        window_from=clocks[1], window_to=clocks[2], weekdays=weekdays, days=days,
        until=_day(text(form, "until", 10)),
    )  # fmt: skip


async def _stretch(conn: Connection, form: FormData, name: str) -> tuple[datetime, datetime]:
    zone = ZoneInfo((await roster_imports.zones(conn)).get(name, DEFAULT_ZONE))
    try:
        start, end = (datetime.fromisoformat(text(form, field, 30)) for field in ("from", "to"))
        moments = instant(zone, start.date(), start.time()), instant(zone, end.date(), end.time())
    except (ValueError, OverflowError):
        raise RefusedFormError("roster_error.bad_time") from None
    if not moments[0] < moments[1] <= moments[0] + rosters.LONGEST_OVERRIDE:
        raise RefusedFormError("roster_error.bad_time")
    return moments


def _day(text_: str) -> date | None:
    try:
        day = date.fromisoformat(text_)
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2200 else None


# ---- files ----


@router.post("/rosters/import")
async def take(request: Request, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    """First what a file would change; the same form again with `do=take` changes it."""
    t = words.speaker(who.language)
    if who.role != "supervisor":
        return said(request, who, t("rosters.only_supervisors"), 403)
    name, replace = text(form, "name", 80), bool(text(form, "replace"))
    upload = form.get("file")
    sent = (await upload.read()).decode("utf-8-sig", "replace") if isinstance(upload, UploadFile) else ""
    sent = clean(sent or str(form.get("sent") or ""))
    async with has.pool.connection() as conn:
        people, zones = await roster_imports.people(conn), await roster_imports.zones(conn)
        # In a thread: a calendar may take seconds, and every operator is at this console.
        found = await asyncio.to_thread(read_file, sent, people, zones, now=await hub_now(conn), roster=name)
        faults = [(fault.line, t(f"roster_fault.{fault.code}", what=fault.what)) for fault in found.faults]
        doing = roster_imports.take if text(form, "do") == "take" and not faults else roster_imports.plan
        done = await doing(conn, found.shifts, replace=replace)
        read = {"faults": faults, "plan": done, "taken": doing is roster_imports.take, "replace": replace}
        return await _show(request, who, conn, name, read=read, sent=sent)


@router.get("/rosters/export")
async def export(who: SeatOf, has: PartsOf, name: str = "", form: str = "csv") -> Response:
    async with has.pool.connection() as conn:
        now = await hub_now(conn)
        people, zones = await roster_imports.people(conn), await roster_imports.zones(conn)
        rows = await rosters.shifts(conn, now, now + AHEAD, roster=clean(name) or None)
    shifts = [row.shift for row in rows if row.shift.roster]
    if form == "ics":
        body, kind = write_ics(shifts, people, zones, now=now, name=clean(name) or "carehub"), "text/calendar"
    else:
        body, kind = "\ufeff" + write_csv(shifts, people, zones), "text/csv"  # the mark tells spreadsheets it is UTF-8
    suffix = "ics" if form == "ics" else "csv"
    return Response(
        body, media_type=kind, headers={"Content-Disposition": f'attachment; filename="duty.{suffix}"'}
    )  # fmt: skip
