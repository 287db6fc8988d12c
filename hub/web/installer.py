"""The installer's phone page: a device from its box to 已生效, step by step. How far he is lies in the database."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, HTTPException, Path, Request
from starlette.datastructures import FormData
from starlette.responses import JSONResponse, Response

from hub import device_label
from hub.device_life import CONTACTS_WANTED, Doubt, RefusedError, State
from hub.errors import HubError
from hub.store import contacts, install_find, installs, telephony
from hub.store.console import Row, row
from hub.store.installs import By, ElsewhereError, Install, OvertakenError
from hub.store.pool import Connection, hub_now
from hub.web import bounds, glass, install_view, order_taps, words
from hub.web.auth import INSTALLER, Seat
from hub.web.frame import INSTALL, FormFaultError, FormOf, PartsOf, SeatOf, go, number, render, text
from hub.web.install_acts import ACTS, LONGEST_MODEL, LONGEST_ROOM, UNDER_WAY, Doing, actor_of, key

router = APIRouter(prefix=INSTALL)
log = structlog.get_logger()
DeviceId = Annotated[int, Path(ge=1, lt=2**63)]
LONGEST_CODE = 200
KEY = "key"
NO_WORK: dict[str, Any] = {"taken_back": (), "declined": (), "doubtful": ()}


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One request of one installer, with a connection for as long as it takes."""

    request: Request
    who: Seat
    conn: Connection
    by: By

    def t(self, word: str, **facts: Any) -> str:
        return words.speaker(self.who.language)(word, **facts)

    def render(self, template: str, *, status: int = 200, **values: Any) -> Response:
        return render(self.request, template, self.who, status=status, **values)

    async def look(self, device_id: int) -> Install:
        """Return the device. Raises ElsewhereError, or HTTPException where there is none."""
        it = await installs.look(self.conn, device_id, self.by)
        if it is None:
            raise HTTPException(404)
        await self.bound(it.device)
        named = await self._masked([it.device], by="resident_id", name="resident", empty={"home": ""})
        return replace(it, device=named[0])

    async def bound(self, device: Row) -> None:
        """Refuse a device of somebody whom the database keeps from him. Raises ElsewhereError."""
        whose = device["resident_id"]
        if whose is not None and not await bounds.seen(self.conn, self.who, {whose}):
            raise ElsewhereError(device["area"])

    async def shown(self, found: Sequence[Row], name: str = "name") -> list[Row]:
        """Return residents of a list as he may see them: the database lets them through, locked ones without a name."""
        by = "id" if name == "name" else "resident_id"
        seen = await bounds.seen(self.conn, self.who, {one[by] for one in found if one[by] is not None})
        within = [one for one in found if one[by] is None or one[by] in seen]
        return await self._masked(within, by=by, name=name, empty={"address": ""} if by == "id" else {})

    async def _masked(self, found: Sequence[Row], *, by: str, name: str, empty: Mapping[str, str]) -> list[Row]:
        """Whose record is locked has no name here: he stands at her door, and what he does needs her number only."""
        return await glass.masked(self.conn, self.who, found, by=by, name=name, empty=empty)

    async def desk_work(self) -> dict[str, Any]:
        """What operators and supervisors have to see to, of residents who are installed already."""
        hers = {"person": "–", "phone": ""}
        doubtful = await contacts.doubtful(self.conn, CONTACTS_WANTED)
        return {
            "taken_back": await self._masked(await contacts.taken_back(self.conn), by="id", name="name", empty={}),
            "declined": await self._masked(
                await contacts.declined(self.conn), by="resident_id", name="name", empty=hers),
            "doubtful": await self._masked(doubtful, by="id", name="name", empty={}),
        }  # fmt: skip

    def heard(self, it: Install) -> str:
        """Return when the device was heard last, in words."""
        at = max((at for at in (it.known.heard_at, it.known.pressed_at) if at), default=None)
        if at is None:
            return self.t("install.heard_never")
        return self.t("install.heard", age=install_view.age(it.now, at, self.t))


async def _visit(request: Request, who: SeatOf, has: PartsOf) -> AsyncIterator[Visit]:
    async with has.pool.connection() as conn:
        area, areas = await install_find.bounds_of(conn, who.person_id)
        by = By(actor=actor_of(who), area=area, areas=areas, contacts_min=has.contacts_min)
        yield Visit(request=request, who=who, conn=conn, by=by)


VisitOf = Annotated[Visit, Depends(_visit)]


# ---- which device ----


@router.get("")
async def home(visit: VisitOf) -> Response:
    return await _home(visit)


@router.post("/find")
async def find(visit: VisitOf, form: FormOf) -> Response:
    """A label, an address, an IMEI, a devEUI, a serial number: typed, scanned or pasted."""
    said = text(form, "code", LONGEST_CODE)
    label = device_label.read(said)
    word = label[0] if label else said
    found = await install_find.find(visit.conn, word) if word else []
    if len(found) == 1 or (found and found[0]["address"] == word):
        return go(f"{INSTALL}/devices/{found[0]['id']}")
    fresh = {"address": word, "model": label[1] if label else ""} if not found and ":" in word else None
    problem = "" if found or fresh else "install.found_none" if word else "install.code_missing"
    return await _home(visit, word=word, found=found, fresh=fresh, problem=problem)


@router.post("/register")
async def register(visit: VisitOf, form: FormOf) -> Response:
    """A label names a device that has not spoken yet."""
    address, model = text(form, "address", LONGEST_CODE), text(form, "model", LONGEST_MODEL)
    try:
        async with visit.conn.transaction():
            device_id = await install_find.enrol(visit.conn, address, model, visit.by.actor)
    except install_find.StrangeAddressError:
        return await _home(visit, word=address, problem="install.no_such_kind", status=422)
    log.info("install_registered", device_id=device_id, person_id=visit.who.person_id)
    return go(f"{INSTALL}/devices/{device_id}")


async def _home(visit: Visit, *, status: int = 200, **more: Any) -> Response:
    conn, now = visit.conn, await hub_now(visit.conn)
    shown = {"word": "", "found": [], "fresh": None, "problem": "", **more}
    return visit.render(
        "install.html", status=status, candidates=await install_find.candidates(conn),
        mine=await visit.shown(await install_find.mine(conn, visit.by.actor), "resident"),
        orders=await order_taps.orders_of(conn, visit.who.person_id, visit.who.role, visit.who.language),
        given=await _given(visit),
        **(await visit.desk_work() if visit.who.role != INSTALLER else NO_WORK),
        guess=install_view.kind, age_of=lambda at: install_view.age(now, at, visit.t), **shown,
    )  # fmt: skip


# ---- one device ----


@router.get("/devices/{device_id}")
async def device_page(device_id: DeviceId, visit: VisitOf) -> Response:
    try:
        it = await visit.look(device_id)
    except ElsewhereError as error:
        return _elsewhere(visit, error)
    change = "change" in visit.request.query_params
    if it.state is State.LIVE and not change:
        return go(f"{INSTALL}/devices/{device_id}/end")
    return await _page(visit, it, change=change)


@router.get("/devices/{device_id}/state")
async def state(device_id: DeviceId, visit: VisitOf) -> Response:
    """What the page asks every other second: whether there is anything new, and when the device was heard."""
    try:
        it = await visit.look(device_id)
    except ElsewhereError:
        return JSONResponse({"version": "elsewhere", "heard": ""})
    return JSONResponse({"version": install_view.version(it), "heard": visit.heard(it)})


@router.get("/devices/{device_id}/end")
async def end(device_id: DeviceId, visit: VisitOf) -> Response:
    """已生效 or 未生效, and why."""
    try:
        it = await visit.look(device_id)
    except ElsewhereError as error:
        return _elsewhere(visit, error)
    if it.state not in (*UNDER_WAY, State.LIVE):
        return go(f"{INSTALL}/devices/{device_id}")
    told = it.effect()
    return visit.render("install_end.html", it=it, told=told, against=install_view.reasons(told), **_people(it))


@router.post("/devices/{device_id}/residents")
async def residents(device_id: DeviceId, visit: VisitOf, form: FormOf) -> Response:
    """Whom it is for. Posted, so that no name stands in an address."""
    try:
        it = await visit.look(device_id)
    except ElsewhereError as error:
        return _elsewhere(visit, error)
    word = text(form, "word", LONGEST_ROOM)
    found = await install_find.residents(visit.conn, word, visit.by.area, visit.by.areas)
    return await _page(visit, it, change=True, word=word, results=await visit.shown(found))


@router.post("/devices/{device_id}/{verb}")
async def act(device_id: DeviceId, verb: str, visit: VisitOf, form: FormOf) -> Response:
    if verb not in ACTS and verb != KEY:
        raise HTTPException(404)
    try:
        await _bound(visit, device_id, number(form, "resident"))
        async with _doing(visit, device_id, form) as doing:
            answer = visit.render("install_key.html", **await key(doing)) if verb == KEY else await ACTS[verb](doing)
    except ElsewhereError as error:
        return _elsewhere(visit, error)
    except HubError as error:
        log.info("install_refused", device_id=device_id, verb=verb, error=type(error).__name__)
        status = 422 if isinstance(error, FormFaultError) else 409
        return await _again(visit, device_id, _said(visit, error), status)
    log.info("install", device_id=device_id, verb=verb, person_id=visit.who.person_id)
    return answer if isinstance(answer, Response) else go(f"{INSTALL}/devices/{device_id}{answer}")


async def _bound(visit: Visit, device_id: int, whose: int | None) -> None:
    """Refuse what is done to somebody whom the database keeps from him, or given to her."""
    device = await row(visit.conn, installs.Q.device, id=device_id)
    if device is not None:
        await visit.bound(device)
    if whose is not None and not await bounds.seen(visit.conn, visit.who, {whose}):
        raise FormFaultError("install.resident_missing")


@asynccontextmanager
async def _doing(visit: Visit, device_id: int, form: FormData) -> AsyncIterator[Doing]:
    """Hold the device in a transaction, unless somebody else changed it since the page was made."""
    async with visit.conn.transaction():
        mark = number(form, "mark") or 0
        held = await installs.hold(visit.conn, device_id, visit.by, mark)
        yield Doing(conn=visit.conn, device=held, who=visit.who, by=visit.by, form=form)


def _said(visit: Visit, error: HubError) -> str:
    """Return what was wrong, in the installer's words."""
    if isinstance(error, FormFaultError):
        return visit.t(error.word)
    if isinstance(error, OvertakenError):
        name = error.name or visit.t("install.the_office")
        return visit.t("install.overtaken", name=name, what=visit.t(f"install.did.{error.action}"))
    if isinstance(error, RefusedError):
        return error.en if visit.who.language.startswith("en") else error.zh
    return visit.t("install.refused")


def _elsewhere(visit: Visit, error: ElsewhereError) -> Response:
    return visit.render("install_elsewhere.html", status=409, area=error.area)


async def _again(visit: Visit, device_id: int, problem: str, status: int) -> Response:
    """The page as it is now, with what was wrong at its head."""
    try:
        it = await visit.look(device_id)
    except ElsewhereError as error:
        return _elsewhere(visit, error)
    return await _page(visit, it, problem=problem, status=status)


async def _page(visit: Visit, it: Install, *, change: bool = False, status: int = 200, **more: Any) -> Response:
    step = install_view.step(it.state, change=change)
    given = await _given(visit) if step == "give" else None
    button, plug = it.guesses()
    shown = {"results": None, "word": "", "problem": "", **more}
    return visit.render(
        "install_device.html", status=status, it=it, d=it.device, step=step, change=change, given=given, button=button,
        plug=plug, rooms=install_view.ROOMS, version=install_view.version(it), heard=visit.heard(it),
        rest=install_view.reasons(it.rest()), kind=install_view.kind(it.device["address"]),
        age_of=lambda at: install_view.age(it.now, at, visit.t), area=visit.by.area or visit.t("install.everywhere"),
        sim=(await row(visit.conn, telephony.Q.sim, device=it.device["id"]) or {"sim_number": ""})["sim_number"],
        **_people(it), **shown,
    )  # fmt: skip


async def _given(visit: Visit) -> Row | None:
    """To whom he gave a device last: the next one is likely hers too."""
    found = await install_find.last_given(visit.conn, visit.by.actor, visit.by.area, visit.by.areas)
    shown = await visit.shown([found] if found else [])
    return shown[0] if shown else None


def _people(it: Install) -> dict[str, Any]:
    """What the page says of her contacts: how many have confirmed, of how many that are wanted."""
    few = {Doubt.FEW_CONTACTS, Doubt.NOBODY_OF_HER_OWN} & set(it.effect().doubts)
    return {"wanted": max(CONTACTS_WANTED, it.known.contacts_min), "few": bool(few), "masked": install_view.masked}
