"""Weeks, months and years of what was measured of one resident, as curves with their table: `/registry/…/measured`.

A page of its own, because every look at it is in the access log, and nobody who wants a telephone number looks. To add
a span: its line in `SPANS`. To add a curve: its line in `CURVES`, its words `measured.<name>`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, HTTPException, Path, Request
from starlette.responses import Response

from hub.store import measured_hers as store
from hub.store import registry
from hub.store.access import looked_at
from hub.store.measured_hers import Spread, Time
from hub.store.pool import Connection, hub_now
from hub.web import glass, words
from hub.web.curves import Axis, Band, bars, curve
from hub.web.frame import MOST, PartsOf, SeatOf, go, render

router = APIRouter()
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
HOURS_KEPT = timedelta(days=180)  # a night is told of its hours
NIGHT_ENDS = 6  # o'clock: the hours from midnight on that are a night's
DARK = (22, 6)  # o'clock: what is shaded
FAMILY = ("heart_rate", "spo2")  # what her consent lets her family see


@dataclass(frozen=True, kw_only=True)
class Span:
    """How far back, and what one place of the axis is."""

    back: timedelta
    by: str  # what is read: "hour" or "day"
    slot: str  # "hour", "day", "week" or "month"


SPANS: Mapping[str, Span] = {
    "week": Span(back=7 * DAY, by="hour", slot="hour"),
    "month": Span(back=31 * DAY, by="day", slot="day"),
    "year": Span(back=366 * DAY, by="day", slot="week"),
    "decade": Span(back=3652 * DAY, by="day", slot="month"),
}


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One chart of vital signs."""

    signs: tuple[str, ...]
    room: float
    places: int = 0
    most: float | None = None


CURVES: Mapping[str, Curve] = {
    "heart_rate": Curve(signs=("heart_rate",), room=20),
    "spo2": Curve(signs=("spo2",), room=5, most=100),
    "pressure": Curve(signs=("systolic", "diastolic"), room=40),
    "temperature": Curve(signs=("temperature",), room=1, places=1),
    "respiration": Curve(signs=("respiration",), room=8),
}


class Slots:
    """The places of an axis, from the first to the one that ends before now."""

    def __init__(self, span: Span, now: datetime, zone: ZoneInfo) -> None:
        self.span, self.zone = span, zone
        here = now.astimezone(zone)
        self.until = here.replace(minute=0, second=0, microsecond=0)
        if span.slot == "hour":
            self.since = self.until - span.back
        else:
            self.until = self.until.replace(hour=0)
            self.since = (self.until - span.back).replace(hour=0)
        if span.slot == "week":
            self.since -= timedelta(days=self.since.weekday())
        elif span.slot == "month":
            self.since = self.since.replace(day=1)
        last = self.until - HOUR
        self.count = 1 + (self.of(last) if span.slot == "hour" else self.of_day(last.date()))

    def of(self, at: datetime) -> int:
        """Return the place of an hour or a day that begins then; a day's beginning may be an hour off midnight."""
        if self.span.slot == "hour":
            return (at - self.since) // HOUR
        return self.of_day((at + 12 * HOUR).astimezone(self.zone).date())

    def of_day(self, day: date) -> int:
        first = self.since.date()
        if self.span.slot == "month":
            return (day.year - first.year) * 12 + day.month - first.month
        return (day - first).days // (7 if self.span.slot == "week" else 1)

    def at(self, slot: int) -> datetime:
        """Return when a place begins."""
        if self.span.slot == "hour":
            return (self.since + slot * HOUR).astimezone(self.zone)
        if self.span.slot == "month":
            months = self.since.month - 1 + slot
            return self.since.replace(year=self.since.year + months // 12, month=months % 12 + 1)
        return self.since + slot * (7 if self.span.slot == "week" else 1) * DAY

    def name(self, slot: int) -> str:
        at = self.at(slot)
        form = {"hour": "%m-%d %H:00", "day": "%m-%d", "week": "%Y-%m-%d", "month": "%Y-%m"}[self.span.slot]
        return at.strftime(form)

    def axis(self) -> Axis:
        return Axis(slots=self.count, marks=self._marks(), nights=self._nights())

    def _marks(self) -> list[tuple[int, str]]:
        """Name a place where a new day, quarter or year begins, so that the names keep apart on a telephone."""
        starts = [self.at(slot) for slot in range(self.count)]
        match self.span.slot:
            case "hour":
                return [(n, f"{at:%m-%d}") for n, at in enumerate(starts) if at.hour == 0]
            case "day":
                return [(n, f"{at:%m-%d}") for n, at in enumerate(starts) if n % 7 == 0]
            case "week":
                return [(n, f"{at:%Y-%m}") for n, at in enumerate(starts) if at.day <= 7 and at.month % 3 == 1]
            case _:
                return [(n, f"{at:%Y}") for n, at in enumerate(starts) if at.month == 1 and at.year % 2 == 0]

    def _nights(self) -> list[tuple[int, int]]:
        if self.span.slot != "hour":
            return []
        dark = [self.at(n).hour >= DARK[0] or self.at(n).hour < DARK[1] for n in range(self.count)]
        first = [n for n in range(self.count) if dark[n] and not (n and dark[n - 1])]
        return [(n, next((m for m in range(n, self.count) if not dark[m]), self.count)) for n in first]


@dataclass(frozen=True, kw_only=True)
class Found:
    """What there is to show of one span: by place, each value None where nothing was measured."""

    vitals: Mapping[str, Sequence[Spread | None]]
    steps: Sequence[float | None]
    night_bpm: Sequence[Spread | None]
    bed_out: Sequence[float | None]


@router.get("/registry/residents/{resident_id}/measured")
async def page(
    request: Request, who: SeatOf, has: PartsOf, resident_id: Annotated[int, Path(ge=1, le=MOST)], span: str = "week"
) -> Response:
    """Show a resident's week, month, year or ten years to the desk; the look is written down."""
    async with has.pool.connection() as conn, conn.transaction():
        found = await registry.resident(conn, resident_id)
        if found is None:
            raise HTTPException(404)
        if not await glass.passed(conn, who, {"resident_id": resident_id}):
            return go(f"/glass?resident={resident_id}")
        await looked_at(conn, who.person_id, "measured: registry", resident_id)
        slots = Slots(SPANS.get(span, SPANS["week"]), await hub_now(conn), has.zone)
        told = await shown(conn, resident_id, slots, words.speaker(who.language))
    return render(request, "registry_measured.html", who, here="registry", tab="residents", r=found, **told)


async def shown(
    conn: Connection, resident_id: int, slots: Slots, t: Callable[..., str], only: Sequence[str] | None = None
) -> dict[str, Any]:
    """Return what the page shows: charts and a table. `only` these signs, where consent goes no further."""
    found = await read(conn, resident_id, slots, everything=only is None)
    axis = slots.axis()
    charts = [
        {"name": name, "svg": _curve(name, one, found, axis, t)}
        for name, one in CURVES.items()
        if (only is None or name in only) and any(any(found.vitals[sign]) for sign in one.signs)
    ]
    if any(found.night_bpm):
        charts.append(
            {"name": "night_bpm", "svg": _lines("night_bpm", [found.night_bpm], CURVES["heart_rate"], axis, t)}
        )
    for name, values, room in (("steps", found.steps, 100.0), ("bed_out", found.bed_out, 30.0)):
        if any(value is not None for value in values):
            charts.append({"name": name, "svg": bars(values, axis, said=_said(name, values, t), room=room)})
    head = [str(chart["name"]) for chart in charts]
    named = next(name for name, span in SPANS.items() if span == slots.span)
    return {
        "span": named, "spans": tuple(SPANS), "slot": slots.span.slot, "charts": charts, "head": head,
        "rows": _rows(found, slots, head),
    }  # fmt: skip


async def read(conn: Connection, resident_id: int, slots: Slots, *, everything: bool = True) -> Found:
    """Read one span and put it into its places. With `everything` also steps and nights."""
    times = await store.times(conn, resident_id, slots.since, slots.until, by=slots.span.by)
    by_slot: list[list[Time]] = [[] for _ in range(slots.count)]
    for time in times:
        if 0 <= (slot := slots.of(time.at)) < slots.count:
            by_slot[slot].append(time)
    signs = [sign for one in CURVES.values() for sign in one.signs]
    nothing: list[Any] = [None] * slots.count
    return Found(
        vitals={s: [store.together(t.vitals[s] for t in there if s in t.vitals) for there in by_slot] for s in signs},
        steps=[_mean([t.steps for t in there if t.steps is not None]) for there in by_slot] if everything else nothing,
        night_bpm=await _night_bpm(conn, resident_id, slots) if everything else nothing,
        bed_out=await _bed_out(conn, resident_id, slots) if everything else nothing,
    )


async def _night_bpm(conn: Connection, resident_id: int, slots: Slots) -> list[Spread | None]:
    """Return the pulse from midnight to six, by the morning; of the week it stands in the curve itself."""
    found: list[list[Spread]] = [[] for _ in range(slots.count)]
    if slots.span.slot in ("day", "week"):
        since = max(slots.since, slots.until - HOURS_KEPT)
        for time in await store.times(conn, resident_id, since, slots.until, by="hour"):
            here = time.at.astimezone(slots.zone)
            if here.hour < NIGHT_ENDS and "heart_rate" in time.vitals:
                found[slots.of_day(here.date())].append(time.vitals["heart_rate"])
    return [store.together(there) for there in found]


async def _bed_out(conn: Connection, resident_id: int, slots: Slots) -> list[float | None]:
    found: list[list[int]] = [[] for _ in range(slots.count)]
    if slots.span.slot != "hour":
        for day, minutes in (await store.nights(conn, resident_id, slots.since.date(), slots.until.date())).items():
            if slots.of_day(day) < slots.count:
                found[slots.of_day(day)].append(minutes)
    return [_mean(there) for there in found]


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _curve(name: str, one: Curve, found: Found, axis: Axis, t: Callable[..., str]) -> str:
    return _lines(name, [found.vitals[sign] for sign in one.signs], one, axis, t)


def _lines(
    name: str, lines: Sequence[Sequence[Spread | None]], one: Curve, axis: Axis, t: Callable[..., str]
) -> str:  # fmt: skip
    bands: list[list[Band | None]] = [
        [None if s is None else (s.least, s.mean, s.most) for s in line] for line in lines
    ]
    told = "; ".join(_told(line, one.places, t) for line in lines)
    return curve(bands, axis, said=f"{t(f'measured.{name}')}: {told}", room=one.room, most=one.most)


def _told(line: Sequence[Spread | None], places: int, t: Callable[..., str]) -> str:
    known = [one for one in line if one is not None]
    whole = store.together(known)
    if whole is None:
        return "–"
    least, mean, most = (f"{value:.{places}f}" for value in (whole.least, whole.mean, whole.most))
    return t("measured.told", least=least, mean=mean, most=most, n=len(known), of=len(line))


def _said(name: str, values: Sequence[float | None], t: Callable[..., str]) -> str:
    known = [value for value in values if value is not None]
    least, mean, most = (f"{value:.0f}" for value in (min(known), sum(known) / len(known), max(known)))
    told = t("measured.told", least=least, mean=mean, most=most, n=len(known), of=len(values))
    return f"{t(f'measured.{name}')}: {told}"


def _rows(found: Found, slots: Slots, head: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Return the table behind the curves, the latest first; places without anything are left out."""
    rows = []
    for slot in reversed(range(slots.count)):
        cells = [_cell(name, found, slot) for name in head]
        if any(cells):
            rows.append((slots.name(slot), [cell or "–" for cell in cells]))
    return rows


def _cell(name: str, found: Found, slot: int) -> str:
    if name in ("steps", "bed_out"):
        value = (found.steps if name == "steps" else found.bed_out)[slot]
        return "" if value is None else f"{value:.0f}"
    if name == "night_bpm":
        return _spread(found.night_bpm[slot], 0)
    one = CURVES[name]
    parts = [_spread(found.vitals[sign][slot], one.places) for sign in one.signs]
    return " / ".join(part or "–" for part in parts) if any(parts) else ""


def _spread(one: Spread | None, places: int) -> str:
    if one is None:
        return ""
    least, mean, most = (f"{value:.{places}f}" for value in (one.least, one.mean, one.most))
    return mean if least == most else f"{mean} ({least}–{most})"
