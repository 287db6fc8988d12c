"""The register of residents: searched and filtered; one with everything around her; changed by two without loss."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from hub import registry_ids as ids
from hub.sealed import SealError
from hub.store import access as looks
from hub.store import homes, people, register
from hub.store import registry as store
from hub.store.console import Row
from hub.store.contacts import SAID_BY
from hub.store.pool import Connection, hub_now
from hub.store.registry import ChangedMeanwhileError, TiedUpError, Wish
from hub.store.telemetry import clean
from hub.web import glass, words
from hub.web.auth import Seat
from hub.web.frame import MOST, FormOf, Parts, PartsOf, SeatOf, go, number, render, text
from hub.web.registry_seen import one as as_organisations_see

router = APIRouter()
ResidentId = Annotated[int, Path(ge=1, le=MOST)]
ABILITIES = ("自理", "半失能", "失能")
CLASSES = ("high", "medium", "low")
WORDS = ("name", "area", "address", "entrance", "language", "ability", "risk_class", "hazards", "key_place")
ENDINGS = ("moved", "died", "declined", "other")
PAGES_MOST = 2_000
LONGEST_ABSENCE = timedelta(days=400)
WRITERS = frozenset({"supervisor", "administrator"})
REVEALERS = frozenset({"operator", "supervisor"})
# what stands in a list instead of a locked record's
HIDDEN = {"born": None, "address": "", "phone": "", "risk_class": None, "ability": None, "risks": ()}


class FormError(Exception):
    """A field that cannot be used: which one, and the key of the words that say what to write."""

    def __init__(self, field: str, code: str) -> None:
        super().__init__(code)
        self.field, self.code = field, code


# ---- all of them ----


@router.get("/registry")
async def page(  # noqa: PLR0917 - the parts of an address
    request: Request, who: SeatOf, has: PartsOf, area: str = "", risk_class: str = "", ability: str = "",
    ended: bool = False, page: int = 1,
) -> Response:  # fmt: skip
    wish = Wish(area=clean(area) or None, risk_class=clean(risk_class) or None, ability=clean(ability) or None,
                ended=ended, page=min(max(page, 1), PAGES_MOST))  # fmt: skip
    return await _found(request, who, has, wish)


@router.post("/registry")
async def search(request: Request, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    """A name or a telephone stands in no address and in no log."""
    wish = Wish(
        word=text(form, "word", 60) or None, area=text(form, "area", 60) or None, ended=bool(text(form, "ended")),
        risk_class=text(form, "risk_class", 10) or None, ability=text(form, "ability", 10) or None,
        page=min(max(number(form, "page") or 1, 1), PAGES_MOST),
    )  # fmt: skip
    return await _found(request, who, has, wish)


async def _found(request: Request, who: Seat, has: Parts, wish: Wish) -> Response:
    if who.scoped:
        wish = replace(wish, ended=False)
    async with has.pool.connection() as conn:
        count, found = await store.residents(conn, wish, consents=not who.scoped)
        found = await glass.masked(conn, who, found, by="id", empty=HIDDEN, also=WRITERS)
        areas = await store.rows(conn, store.Q.areas)
    return render(
        request, "registry.html", who, here="registry", tab="residents", wish=wish, count=count, found=found,
        areas=areas, abilities=ABILITIES, classes=CLASSES, pages=-(-count // store.SHOWN), may=who.role in WRITERS,
        scoped=who.scoped,
    )  # fmt: skip


# ---- one of them ----


@router.get("/registry/residents/new")
async def blank(request: Request, who: SeatOf, has: PartsOf) -> Response:
    return await _form(
        request, who, has, {"id": None, "version": 0, "language": "普通话", "risks": [], "languages": []}
    )


@router.post("/registry/residents/new")
async def enter(request: Request, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    typed = _typed(form)
    try:
        values = _values(form)
        async with has.pool.connection() as conn, conn.transaction():
            await store.acting(conn, f"person:{who.person_id}", "page")
            made = await store.add(conn, values)
            await store.tell(conn)
    except FormError as wrong:
        return await _form(request, who, has, typed, wrong=wrong)
    except SealError as err:
        return await _form(request, who, has, typed, wrong=FormError("door_code", "no_key"), why=str(err))
    return go(f"/registry/residents/{made}")


@router.get("/registry/residents/{resident_id}")
async def one(request: Request, who: SeatOf, has: PartsOf, resident_id: ResidentId) -> Response:
    if who.scoped:
        return await as_organisations_see(request, who, has, resident_id)
    return await _one(request, who, has, resident_id)


async def _one(
    request: Request, who: Seat, has: Parts, resident_id: int, *, status: int = 200, **more: Any
) -> Response:  # fmt: skip
    async with has.pool.connection() as conn:
        found = await store.resident(conn, resident_id)
        if found is None:
            raise HTTPException(404)
        if not await glass.passed(conn, who, {"resident_id": resident_id}, also=WRITERS):
            return go(f"/glass?resident={resident_id}")
        near = await store.around(conn, resident_id)
        values: dict[str, Any] = {
            "r": found, "near": near, "absences": await homes.absences(conn, resident_id, past=False),
            "changes": await store.changes(conn, "resident", resident_id, other="circle"),
            "names": await _called(conn, near),
        }  # fmt: skip
    wanted: dict[str, Any] = {"shown": {}, "problem": "", "at_form": ""}
    return render(
        request, "registry_resident.html", who, status=status, here="registry", tab="residents",
        may=who.role in WRITERS, may_show=who.role in REVEALERS, said_by=SAID_BY, scopes=store.SCOPES, endings=ENDINGS,
        sees_cases=who.role != "administrator", **(values | wanted | more),
    )  # fmt: skip


async def _called(conn: Connection, near: dict[str, Any]) -> dict[int, str]:
    return {one["id"]: one["name"] for one in near["circle"]}


@router.post("/registry/residents/{resident_id}/show/{field}")
async def show(  # noqa: PLR0917
    request: Request, who: SeatOf, form: FormOf, has: PartsOf, resident_id: ResidentId, field: str
) -> Response:
    """What is sealed is shown on press, to whom it is for, and the look is written down."""
    if field not in store.SECRET:
        raise HTTPException(404)
    async with has.pool.connection() as conn, conn.transaction():
        if not await glass.passed(conn, who, {"resident_id": resident_id}):
            raise HTTPException(403)
        try:
            told = await store.secret(conn, resident_id, field)
        except SealError as err:
            return await _one(request, who, has, resident_id, status=503, problem=str(err))
        if told is None:
            raise HTTPException(404)
        await looks.looked_at(conn, who.person_id, f"{field}: registry", resident_id)
    return await _one(request, who, has, resident_id, shown={field: told})


@router.get("/registry/residents/{resident_id}/edit")
async def edit(request: Request, who: SeatOf, has: PartsOf, resident_id: ResidentId) -> Response:
    async with has.pool.connection() as conn:
        found = await store.resident(conn, resident_id)
    if found is None or found["erased_at"] is not None:
        raise HTTPException(404)
    return await _form(request, who, has, found)


@router.post("/registry/residents/{resident_id}/edit")
async def save(request: Request, who: SeatOf, form: FormOf, has: PartsOf, resident_id: ResidentId) -> Response:
    """Two who change her at once: the second is told what the first has changed, and nothing of his is lost."""
    typed = {**_typed(form), "id": resident_id}
    try:
        values = _values(form)
        async with has.pool.connection() as conn, conn.transaction():
            await store.acting(conn, f"person:{who.person_id}", "page")
            await store.change(conn, resident_id, number(form, "version") or 0, values)
            await store.tell(conn)
    except FormError as wrong:
        return await _form(request, who, has, typed, wrong=wrong)
    except SealError as err:
        return await _form(request, who, has, typed, wrong=FormError("door_code", "no_key"), why=str(err))
    except ChangedMeanwhileError:
        async with has.pool.connection() as conn:
            now = await store.resident(conn, resident_id)
            told = await store.changes(conn, "resident", resident_id)
        if now is None:
            raise HTTPException(404) from None
        since = [one for one in told if one["what"] == "changed"][: max(1, now["version"] - int(typed["version"] or 0))]
        return await _form(request, who, has, {**typed, "version": now["version"]}, meanwhile=since, status=409)
    return go(f"/registry/residents/{resident_id}")


async def _form(
    request: Request, who: Seat, has: Parts, resident: Row, *, wrong: FormError | None = None, status: int = 0,
    **more: Any,
) -> Response:  # fmt: skip
    async with has.pool.connection() as conn:
        areas = await store.rows(conn, store.Q.areas)
        loose = await store.rows(conn, store.Q.loose_areas)
        known = await store.resident(conn, resident["id"]) if resident["id"] else None
    blank = dict.fromkeys((*store.PLAIN, *store.SECRET, "home_id"), "")
    typed = resident | {name: known[name] for name in (*store.SECRET, "home_id")} if known else resident
    usual: dict[str, Any] = {"meanwhile": [], "why": ""}
    return render(
        request, "registry_edit.html", who, status=status or (422 if wrong else 200), here="registry", tab="residents",
        r={**blank, **typed}, wrong=wrong, areas=areas, loose=loose, abilities=ABILITIES, classes=CLASSES,
        known_risks=words.RISKS, **(usual | more),
    )  # fmt: skip


def _typed(form: FormData) -> Row:
    typed: Row = {name: text(form, name, 4000) for name in (*store.PLAIN, "version", "id")}
    typed |= {"risks": [str(one) for one in form.getlist("risks")], "languages": _several(text(form, "languages", 300))}
    return typed | dict.fromkeys(store.SECRET, "")


def _values(form: FormData) -> Row:
    """Return what a form says of a resident, as it is stored.

    Raises:
        FormError: Something cannot be used.
    """
    values: Row = {name: text(form, name, 200) for name in WORDS}
    for name in ("name", "area", "address"):
        if not values[name]:
            raise FormError(name, "empty")
    if values["ability"] not in ("", *ABILITIES) or values["risk_class"] not in ("", *CLASSES):
        raise FormError("ability", "class")
    values["phone"] = _phone(form)
    values["born"] = ids.day(text(form, "born", 20)) if text(form, "born", 20) else None
    if text(form, "born", 20) and (values["born"] is None or values["born"] < ids.EARLIEST):
        raise FormError("born", "day")
    ticked = [one for one in map(str, form.getlist("risks")) if one in words.RISKS]
    values["risks"] = list(dict.fromkeys(ticked + _several(text(form, "other_risks", 200))))
    values["languages"] = _several(text(form, "languages", 300))
    values["lat"], values["lon"] = _degrees(form, "lat", 90), _degrees(form, "lon", 180)
    if (values["lat"] is None) != (values["lon"] is None):
        raise FormError("lat", "degrees")
    values["spo2_scale"] = 2 if text(form, "spo2_scale", 2) == "2" else 1
    values["fence_m"] = min(number(form, "fence_m") or 0, 30_000)
    for name, limit in (("door_code", 40), ("health_notes", 4000)):
        if said := text(form, name, limit):
            values[name] = said
        elif text(form, f"no_{name}"):
            values[name] = ""
    return values


def _phone(form: FormData) -> str:
    said = text(form, "phone", 40)
    found = ids.phone(said) if said else ""
    if found is None:
        raise FormError("phone", "phone")
    return found


def _degrees(form: FormData, name: str, most: float) -> float | None:
    said = text(form, name, 20)
    try:
        found = float(said) if said else None
    except ValueError:
        raise FormError(name, "degrees") from None
    if found is not None and not -most <= found <= most:
        raise FormError(name, "degrees")
    return found


def _several(said: str) -> list[str]:
    for sign in "，、;；":
        said = said.replace(sign, ",")
    return [part.strip()[:40] for part in said.split(",") if part.strip()][:20]


# ---- what is done to one of them ----


@router.post("/registry/residents/{resident_id}/{verb}")
async def act(  # noqa: PLR0917
    request: Request, who: SeatOf, form: FormOf, has: PartsOf, resident_id: ResidentId, verb: str
) -> Response:
    do = ACTS.get(verb)
    if do is None:
        raise HTTPException(404)
    try:
        async with has.pool.connection() as conn, conn.transaction():
            held = await store.row(conn, store.Q.hold, id=resident_id)
            if held is None or held["erased_at"] is not None:
                raise HTTPException(404)
            await store.acting(conn, f"person:{who.person_id}", "page")
            await do(conn, held, form, who, has)
            await store.tell(conn)
    except (FormError, TiedUpError) as wrong:
        t = words.speaker(who.language)
        told = (
            t(f"reg.tied.{wrong.what}", n=wrong.count)
            if isinstance(wrong, TiedUpError)
            else t(f"reg.fault.{wrong.code}")
        )
        status = 409 if isinstance(wrong, TiedUpError) else 422
        return await _one(request, who, has, resident_id, status=status, problem=told, at_form=verb)
    return go(f"/registry/residents/{resident_id}")


async def _consent(conn: Connection, held: Row, form: FormData, who: Seat, _: Parts) -> None:
    given, said_by = text(form, "given", 3) == "yes", text(form, "said_by", 20)
    if said_by not in SAID_BY:
        raise FormError("said_by", "choose")
    await store.consented(
        conn, held["id"], given=given, said_by=said_by, read_by=who.person_id, language=words.pick(who.language),
        scope=[str(one) for one in form.getlist("scope")] if given else (),
    )  # fmt: skip


async def _circle(conn: Connection, held: Row, form: FormData, _who: Seat, _: Parts) -> None:
    """Put somebody into her circle: one who is registered, or a new relative with his telephone."""
    known = text(form, "person", 60)
    if known:
        try:
            person = (await register.person(conn, known)).id
        except store.HubError:
            raise FormError("person", "nobody") from None
    else:
        name, phone = text(form, "name", 60), _phone(form)
        if not name or not phone:
            raise FormError("name", "name_phone")
        role = "neighbour" if text(form, "role", 20) == "neighbour" else "family"
        person = await people.add_person(conn, name, role, phone=phone)
        if text(form, "calls"):
            await people.set_contact(conn, person, "voice", phone.replace(" ", ""))
    minutes = text(form, "minutes", 8)
    try:
        away = float(minutes) if minutes else None
    except ValueError:
        raise FormError("minutes", "minutes") from None
    if away is not None and not 0 <= away <= 1440:
        raise FormError("minutes", "minutes")
    await store.tie(
        conn, held["id"], person, relation=text(form, "relation", 40), position=min(number(form, "position") or 0, 99),
        minutes=away, has_key=bool(text(form, "has_key")),
    )  # fmt: skip


async def _leave(conn: Connection, held: Row, form: FormData, _who: Seat, _: Parts) -> None:
    await people.leave_circle(conn, held["id"], number(form, "person") or 0)


async def _away(conn: Connection, held: Row, form: FormData, who: Seat, has: Parts) -> None:
    now = await hub_now(conn)
    begins, ends = (_moment(text(form, name, 20), has) for name in ("begins", "ends"))
    if ends is None or ends <= max(begins or now, now) or ends - (begins or now) > LONGEST_ABSENCE:
        raise FormError("ends", "absence")
    kind = "visit" if text(form, "kind", 10) == "visit" else "away"
    await homes.add_absence(
        conn, held["id"], kind, begins=begins, ends=ends, reason=text(form, "reason", 200), by=f"person:{who.person_id}"
    )


async def _back(conn: Connection, held: Row, form: FormData, who: Seat, _: Parts) -> None:
    await homes.back(conn, held["id"], f"person:{who.person_id}", everything=bool(text(form, "all")))


async def _end(conn: Connection, held: Row, form: FormData, _who: Seat, _: Parts) -> None:
    why = text(form, "why", 20)
    if why not in ENDINGS:
        raise FormError("why", "choose")
    await store.end(conn, held["id"], why)


async def _again(conn: Connection, held: Row, _form: FormData, _who: Seat, _: Parts) -> None:
    await conn.execute(store.Q.unend, {"id": held["id"]})


def _moment(said: str, has: Parts) -> datetime | None:
    if not said:
        return None
    try:
        return datetime.fromisoformat(said).replace(tzinfo=has.zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise FormError("ends", "absence") from None


async def _lock(conn: Connection, held: Row, form: FormData, who: Seat, _: Parts) -> None:
    """A colleague's mother, somebody under protection: her record opens with a reason only."""
    await looks.lock(conn, who.person_id, held["id"], locked=text(form, "locked", 3) == "yes")


ACTS = {"consent": _consent, "circle": _circle, "leave": _leave, "away": _away, "back": _back, "end": _end,
        "again": _again, "lock": _lock}  # fmt: skip
