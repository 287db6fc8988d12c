"""The family's page, behind a personal link: what is happening now, who is coming, who is with her, how calls ended.

With her consent and as far as it goes; without it the page says so and reads nothing of her. Her door code is never on
it. It is whole without scripts; with them it shows itself anew when something changes.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, HTTPException, Path, Request
from starlette.datastructures import FormData
from starlette.responses import JSONResponse, Response

from alerts.model import Role
from hub.store import family as store
from hub.store import homes, phone
from hub.store.access import looked_at
from hub.store.family import Consent, Relative
from hub.store.phone import Owner
from hub.store.pool import Connection, hub_now
from hub.web import measured, reading, words
from hub.web.frame import Parts, PartsOf, go, render, text

router = APIRouter(prefix="/f/{token}")
log = structlog.get_logger()
Token = Annotated[str, Path(max_length=100)]
Resident = Annotated[int, Path(ge=1, lt=2**63)]
LONGEST_DAYS = 60  # who stays away longer is spoken with
REASON_LENGTH = 200
BATTERY_LOW_PCT = 20
SILENT = timedelta(hours=24)  # a device without a deadline of its own that was not heard of for so long
WITH_HER = frozenset({"on_scene", "handed_over"})
COMING = frozenset({"dispatched", "en_route"})


@router.get("")
async def page(request: Request, token: Token, has: PartsOf) -> Response:
    async with has.pool.connection() as conn:
        me = await phone.owner(conn, token)
        if me is None or me.role != Role.FAMILY:
            return render(request, "phone_gone.html", status=410)
        found = await store.relatives(conn, me.person_id)
        night = await store.night(conn, me.person_id)
        now = await hub_now(conn)
    for one in found:
        for device in one.devices:
            device["silent"] = _silent(device, now)
    return render(
        request, "family.html", me=me, token=token, relatives=found, night=_hours(night), version=_version(found),
        battery_low=BATTERY_LOW_PCT, coming=COMING, with_her=WITH_HER, **_in_words_of(me),
    )  # fmt: skip


@router.get("/state")
async def state(token: Token, has: PartsOf) -> Response:
    """What the page's script asks: the version of what there is to see, and no more."""
    async with has.pool.connection() as conn:
        me = await _mine(conn, token)
        found = await store.relatives(conn, me.person_id)
    return JSONResponse({"version": _version(found)})


@router.get("/{resident}/history")
async def history(request: Request, token: Token, resident: Resident, has: PartsOf) -> Response:
    async with has.pool.connection() as conn:
        me, her = await _hers(conn, token, resident)
        past = await store.history(conn, her.id)
    return render(
        request, "family_history.html", me=me, token=token, her=her, past=past, days=store.HISTORY_DAYS,
        **_in_words_of(me),
    )  # fmt: skip


@router.get("/{resident}/measured")
async def months(request: Request, token: Token, resident: Resident, has: PartsOf, span: str = "week") -> Response:
    """Heart rate and oxygen over months, where her consent says so; that it was read is written down."""
    async with has.pool.connection() as conn, conn.transaction():
        me, her = await _hers(conn, token, resident)
        if not her.health:
            raise HTTPException(404)
        slots = measured.Slots(measured.SPANS.get(span, measured.SPANS["week"]), await hub_now(conn), has.zone)
        await looked_at(conn, me.person_id, "measured: family", her.id)
        told = await measured.shown(conn, her.id, slots, words.speaker(words.pick(me.language)), measured.FAMILY)
    return render(request, "family_measured.html", me=me, token=token, her=her, **told, **_in_words_of(me))


@router.get("/{resident}/away")
async def away(request: Request, token: Token, resident: Resident, has: PartsOf) -> Response:
    async with has.pool.connection() as conn:
        me, her = await _hers(conn, token, resident)
    return _away_page(request, token, me, her, has)


@router.post("/{resident}/away")
async def tell_away(request: Request, token: Token, resident: Resident, has: PartsOf) -> Response:
    """She is with us until Sunday: a silent home is no alarm in that time, and everything else rings as ever."""
    form = await request.form()
    async with has.pool.connection() as conn:
        me, her = await _hers(conn, token, resident)
        now = await hub_now(conn)
        begins, ends = _moment(form, "begins", has), _moment(form, "ends", has, ending=True)
        start = max(begins or now, now)
        if ends is None or ends <= start or ends - start > timedelta(days=LONGEST_DAYS):
            return _away_page(request, token, me, her, has, fault="family.away_bad", form=form)
        if len(her.absences) >= store.ABSENCES:
            return _away_page(request, token, me, her, has, fault="family.away_many", form=form)
        kind = "visit" if text(form, "kind", 10) == "visit" else "away"
        number, _, _ = await homes.add_absence(
            conn, her.id, kind, begins=begins if begins and begins > now else None, ends=ends,
            reason=text(form, "reason", REASON_LENGTH), by=f"person:{me.person_id}",
        )  # fmt: skip
        await conn.execute(store.Q.touched)
    log.info("absence_told", absence=number, person=me.person_id, resident=her.id)
    return go(f"/f/{token}#r{her.id}")


@router.post("/{resident}/back")
async def back(token: Token, resident: Resident, has: PartsOf) -> Response:
    async with has.pool.connection() as conn:
        me, her = await _hers(conn, token, resident)
        await homes.back(conn, her.id, f"person:{me.person_id}", everything=False)
        await conn.execute(store.Q.touched)
    return go(f"/f/{token}#r{her.id}")


@router.post("/{resident}/contact")
async def contact(request: Request, token: Token, resident: Resident, has: PartsOf) -> Response:
    """He says whether he is her contact. That needs no consent of hers: it is about him."""
    said = text(await request.form(), "say", 5)
    async with has.pool.connection() as conn:
        me, her = await _hers(conn, token, resident, consented=False)
        if said in ("yes", "no"):
            await store.say_contact(conn, her.id, me.person_id, yes=said == "yes")
            log.info("contact_said", person=me.person_id, resident=her.id, yes=said == "yes")
    return go(f"/f/{token}#r{her.id}")


@router.post("/night")
async def night(request: Request, token: Token, has: PartsOf) -> Response:
    form = await request.form()
    begins, ends = _minute(form, "begins"), _minute(form, "ends")
    hours = None if begins is None or ends is None or begins == ends else (begins, ends)
    async with has.pool.connection() as conn:
        me = await _mine(conn, token)
        if hours is not None or text(form, "say", 5) == "off":
            await store.set_night(conn, me.person_id, hours if text(form, "say", 5) != "off" else None, has.zone.key)
    return go(f"/f/{token}#night")


@router.post("/language")
async def speak(request: Request, token: Token, has: PartsOf) -> Response:
    """The language, or large type: each is changed for itself, what is not sent stays."""
    form = await request.form()
    async with has.pool.connection() as conn:
        me = await _mine(conn, token)
        await reading.chosen(conn, me.person_id, form)
    return go(f"/f/{token}")


async def _mine(conn: Connection, token: str) -> Owner:
    me = await phone.owner(conn, token)
    if me is None or me.role != Role.FAMILY:
        raise HTTPException(410)
    return me


async def _hers(conn: Connection, token: str, resident: int, *, consented: bool = True) -> tuple[Owner, Relative]:
    """Return whose page it is and one of his; nobody else's, and with consent unless it is about himself."""
    me = await _mine(conn, token)
    for one in await store.relatives(conn, me.person_id):
        if one.id == resident and (one.consent is Consent.GIVEN or not consented):
            return me, one
    raise HTTPException(404)


def _away_page(
    request: Request, token: str, me: Owner, her: Relative, has: Parts, *, fault: str = "", form: FormData | None = None
) -> Response:
    kept = {name: text(form, name, REASON_LENGTH) if form else "" for name in ("kind", "begins", "ends", "reason")}
    return render(
        request, "family_away.html", me=me, token=token, her=her, fault=fault, kept=kept, longest=LONGEST_DAYS,
        status=422 if fault else 200, **_in_words_of(me),
    )  # fmt: skip


def _moment(form: FormData, name: str, has: Parts, *, ending: bool = False) -> datetime | None:
    """Return what a date or a date with its time means here; a day alone ends at its end."""
    said = text(form, name, 30)
    try:
        at = datetime.fromisoformat(said)
        if ending and len(said) == len("2026-11-24"):
            at += timedelta(days=1)
        return at.replace(tzinfo=has.zone) if at.tzinfo is None else at
    except (ValueError, OverflowError):
        return None


def _minute(form: FormData, name: str) -> int | None:
    hours, _, minutes = text(form, name, 8).partition(":")
    if not (hours.isdecimal() and minutes[:2].isdecimal() and len(hours) < 3):
        return None
    found = int(hours) * 60 + int(minutes[:2])
    return found if 0 <= found < 24 * 60 and int(minutes[:2]) < 60 else None


def _hours(night: tuple[int, int] | None) -> tuple[str, str] | None:
    return None if night is None else (_clock(night[0]), _clock(night[1]))


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _silent(device: dict[str, Any], now: datetime) -> bool:
    allowed = timedelta(seconds=device["deadline_s"]) if device["deadline_s"] else SILENT
    return device["seen_at"] is None or now - device["seen_at"] > allowed


def _version(found: tuple[Relative, ...]) -> str:
    return hashlib.sha256(store.version(found).encode()).hexdigest()[:16]


def _in_words_of(me: Owner) -> dict[str, Any]:
    language = words.pick(me.language)
    return {"language": language, "look": me.look, "t": words.speaker(language)}
