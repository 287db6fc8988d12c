"""Beside the residents: homes several share, areas, organisations with whom they serve, people who are called."""

from typing import Annotated, Any

import psycopg
from fastapi import APIRouter, HTTPException, Path, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from hub import registry_ids as ids
from hub.channels import addresses
from hub.registry_tables import KINDS, ROLES
from hub.store import people as people_store
from hub.store import registry as store
from hub.store.console import Row
from hub.store.registry import ChangedMeanwhileError, Wish
from hub.store.telemetry import clean
from hub.web import words
from hub.web.auth import Seat
from hub.web.frame import MOST, FormOf, Parts, PartsOf, SeatOf, go, number, render, text
from hub.web.registry import PAGES_MOST, WRITERS, FormError

router = APIRouter()
Id = Annotated[int, Path(ge=1, le=MOST)]
LEVELS = ("city", "county", "township", "community")
WAYS = ("voice", "sms", "app", "email")
LISTED = ("family", *ROLES)


# ---- areas ----


@router.get("/registry/areas")
async def areas(request: Request, who: SeatOf, has: PartsOf, name: str = "") -> Response:
    return await _areas(request, who, has, chosen=clean(name))


async def _areas(request: Request, who: Seat, has: Parts, *, chosen: str = "", **more: Any) -> Response:
    async with has.pool.connection() as conn:
        tree, loose = await store.rows(conn, store.Q.areas), await store.rows(conn, store.Q.loose_areas)
    status = more.pop("status", 200)
    typed = next(
        (one for one in tree if one["name"] == chosen), {"name": chosen, "parent": "", "level": "", "code": ""}
    )
    usual: dict[str, Any] = {"problem": "", "typed": typed}
    return render(
        request, "registry_areas.html", who, status=status, here="registry", tab="areas", tree=tree, loose=loose,
        levels=LEVELS, may=who.role in WRITERS, **(usual | more),
    )  # fmt: skip


@router.post("/registry/areas")
async def save_area(request: Request, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    t = words.speaker(who.language)
    typed = {name: text(form, name, 60) for name in ("name", "parent", "level", "code")}
    fault = "empty" if not typed["name"] else "choose" if typed["level"] not in LEVELS else ""
    if not fault and typed["code"]:
        code = ids.area_code(typed["code"], typed["level"])
        typed["code"], fault = code or typed["code"], "" if code else "code"
    async with has.pool.connection() as conn:
        tree = {one["name"]: one for one in await store.rows(conn, store.Q.areas)}
        if not fault and typed["parent"]:
            inside = await store.row(conn, store.Q.inside, **typed)
            above = tree.get(typed["parent"])
            if (
                above is None
                or (inside and inside["inside"])
                or LEVELS.index(above["level"]) >= LEVELS.index(typed["level"])
            ):
                fault = "inside"
        if not fault and not _codes_agree(typed, tree):
            fault = "code_parent"
        if not fault:
            async with conn.transaction():
                await store.acting(conn, f"person:{who.person_id}", "page")
                await conn.execute(store.Q.save_area, typed | {"parent": typed["parent"] or None})
    if fault:
        return await _areas(request, who, has, typed=typed, problem=t(f"reg.fault.{fault}"), status=422)
    return go("/registry/areas")


def _codes_agree(typed: dict[str, str], tree: dict[str, Row]) -> bool:
    """Whether a code begins as that of the area around it, and those inside begin as it does."""
    above = tree.get(typed["parent"])
    inside = [one for one in tree.values() if one["parent"] == typed["name"]]
    return (above is None or ids.area_inside(typed["code"], above["code"], above["level"])) and all(
        ids.area_inside(one["code"], typed["code"], typed["level"]) for one in inside
    )


# ---- organisations ----


@router.get("/registry/organisations")
async def organisations(request: Request, who: SeatOf, has: PartsOf) -> Response:
    return await _organisations(request, who, has)


@router.get("/registry/organisations/{organisation_id}")
async def organisation(request: Request, who: SeatOf, has: PartsOf, organisation_id: Id) -> Response:
    return await _organisations(request, who, has, chosen=organisation_id)


async def _organisations(
    request: Request, who: Seat, has: Parts, *, chosen: int | None = None, status: int = 200, **more: Any
) -> Response:  # fmt: skip
    async with has.pool.connection() as conn:
        found = await store.rows(conn, store.Q.organisations, id=None)
        tree = await store.rows(conn, store.Q.areas)
        folk, told = [], []
        if chosen is not None:
            values = Wish().values() | {"role": None, "organisation": chosen, "gone": False}
            folk = await store.rows(conn, store.Q.people, **values)
            told = await store.changes(conn, "organisation", chosen)
    typed: Row | None = next((one for one in found if one["id"] == chosen), None)
    if chosen is not None and typed is None:
        raise HTTPException(404)
    blank: Row = {
        "id": None,
        "name": "",
        "uscc": "",
        "kind": "",
        "phone": "",
        "active": True,
        "version": 0,
        "areas": [],
    }
    usual: dict[str, Any] = {"problem": "", "at_field": "", "o": typed or blank}
    return render(
        request, "registry_organisations.html", who, status=status, here="registry", tab="organisations", found=found,
        areas=tree, kinds=KINDS, folk=folk, changes=told, may=who.role in WRITERS, names={}, **(usual | more),
    )  # fmt: skip


@router.post("/registry/organisations")
async def save_organisation(request: Request, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    t = words.speaker(who.language)
    known = number(form, "id")
    values: Row = {
        "name": text(form, "name", 120), "uscc": ids.uscc(text(form, "uscc", 40)) or None,
        "kind": text(form, "kind", 20), "phone": text(form, "phone", 40),
        "active": bool(text(form, "active")) or known is None,
        "version": number(form, "version") or 0, "areas": [str(one) for one in form.getlist("areas")][:200],
    }  # fmt: skip
    field, fault, status = _wrong_organisation(values)
    if not fault:
        try:
            async with has.pool.connection() as conn, conn.transaction():
                await store.acting(conn, f"person:{who.person_id}", "page")
                made = await store.save_organisation(conn, known, values)
            return go(f"/registry/organisations/{made}")
        except ChangedMeanwhileError:
            fault, status = "meanwhile", 409
        except psycopg.errors.UniqueViolation as err:
            field = "uscc" if "uscc" in str(err) else "name"
            fault, status = "taken", 409
    typed = {**values, "id": known, "uscc": values["uscc"] or ""}
    return await _organisations(
        request, who, has, o=typed, problem=t(f"reg.fault.{fault}"), at_field=field, status=status
    )


def _wrong_organisation(values: Row) -> tuple[str, str, int]:
    if not values["name"]:
        return "name", "empty", 422
    if values["kind"] not in KINDS:
        return "kind", "choose", 422
    if values["uscc"] and (why := ids.uscc_fault(values["uscc"])):
        return "uscc", f"uscc_{why}", 422
    if values["phone"] and ids.phone(values["phone"]) is None:
        return "phone", "phone", 422
    return "", "", 200


# ---- people who are called ----


@router.get("/registry/people")
async def people(  # noqa: PLR0917 - the parts of an address
    request: Request,
    who: SeatOf,
    has: PartsOf,
    role: str = "",
    organisation: int = 0,
    gone: bool = False,
    page: int = 1,
) -> Response:
    return await _people(request, who, has, Wish(page=min(max(page, 1), PAGES_MOST)), role, organisation, gone)


@router.post("/registry/people")
async def search_people(request: Request, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    wish = Wish(word=text(form, "word", 60) or None, page=min(max(number(form, "page") or 1, 1), PAGES_MOST))
    gone, house = bool(text(form, "gone")), number(form, "organisation") or 0
    return await _people(request, who, has, wish, text(form, "role", 20), house, gone)


async def _people(  # noqa: PLR0917
    request: Request, who: Seat, has: Parts, wish: Wish, role: str, organisation: int, gone: bool
) -> Response:
    asked = {"role": clean(role) or None, "organisation": min(max(organisation, 0), MOST) or None, "gone": gone}
    async with has.pool.connection() as conn:
        counted = await store.row(conn, store.Q.people_count, **wish.values(), **asked)
        found = await store.rows(conn, store.Q.people, **wish.values(), **asked)
        houses = await store.rows(conn, store.Q.organisations, id=None)
    count = (counted or {"n": 0})["n"]
    return render(
        request, "registry_people.html", who, here="registry", tab="people", wish=wish, asked=asked, count=count,
        found=found, houses=houses, roles=LISTED, pages=-(-count // store.SHOWN), may=who.role in WRITERS,
    )  # fmt: skip


@router.get("/registry/people/{person_id}")
async def person(request: Request, who: SeatOf, has: PartsOf, person_id: Id) -> Response:
    return await _person(request, who, has, person_id)


async def _person(
    request: Request, who: Seat, has: Parts, person_id: int, *, status: int = 200, **more: Any
) -> Response:  # fmt: skip
    async with has.pool.connection() as conn:
        found = await store.row(conn, store.Q.person, id=person_id)
        if found is None:
            raise HTTPException(404)
        ways = await store.rows(conn, store.Q.ways, id=person_id)
        called_for = await store.rows(conn, store.Q.called_for, id=person_id)
        houses = await store.rows(conn, store.Q.organisations, id=None)
        tree = await store.rows(conn, store.Q.areas)
        told = await store.changes(conn, "person", person_id, other="contact")
    usual: dict[str, Any] = {"problem": "", "p": found}
    return render(
        request, "registry_person.html", who, status=status, here="registry", tab="people", ways=ways, houses=houses,
        called_for=called_for, areas=tree, roles=LISTED, changes=told, names={}, to_set=WAYS, may=who.role in WRITERS,
        **(usual | more),
    )  # fmt: skip


@router.post("/registry/people/{person_id}")
async def save_person(request: Request, who: SeatOf, form: FormOf, has: PartsOf, person_id: Id) -> Response:
    """Who signs in keeps his role here: accounts have a page of their own."""
    t = words.speaker(who.language)
    async with has.pool.connection() as conn:
        held = await store.row(conn, store.Q.person, id=person_id)
    if held is None:
        raise HTTPException(404)
    values: Row = {
        "id": person_id, "version": number(form, "version") or 0, "name": text(form, "name", 60),
        "role": held["role"] if held["login"] else text(form, "role", 20), "area": text(form, "area", 60),
        "phone": text(form, "phone", 40),
        "organisation_id": held["organisation_id"] if held["login"] else number(form, "organisation_id"),
        "active": True if held["login"] else bool(text(form, "active")),
    }  # fmt: skip
    fault = "empty" if not values["name"] else ""
    if values["phone"] and ids.phone(values["phone"]) is None:
        fault = fault or "phone"
    if not held["login"] and values["role"] not in LISTED:
        fault = fault or "choose"
    status = 422
    if not fault:
        try:
            async with has.pool.connection() as conn, conn.transaction():
                await store.acting(conn, f"person:{who.person_id}", "page")
                if await store.row(conn, store.Q.save_person, **values) is None:
                    raise ChangedMeanwhileError("changed meanwhile")
                await _ways(conn, person_id, form)
                await store.tell(conn)
            return go(f"/registry/people/{person_id}")
        except ChangedMeanwhileError:
            fault, status = "meanwhile", 409
        except FormError as wrong:
            fault = wrong.code
        except psycopg.errors.ForeignKeyViolation:
            fault = "organisation"
    return await _person(
        request, who, has, person_id, p=held | values, problem=t(f"reg.fault.{fault}", what=""), status=status
    )


async def _ways(conn: Any, person_id: int, form: FormData) -> None:
    """Set the ways that have no secret; the others are the command line's."""
    for way in WAYS:
        said = text(form, f"way_{way}", 120).replace(" ", "")
        if way == "app":
            said = "app" if text(form, "way_app") else ""
        if not said:
            await conn.execute(store.Q.drop_way, {"person": person_id, "channel": way})
        elif addresses.wrong(way, "" if way == "app" else said):
            raise FormError(f"way_{way}", "email" if way == "email" else "phone")
        else:
            await people_store.set_contact(conn, person_id, way, "" if way == "app" else said)


# ---- homes ----


@router.get("/registry/homes")
async def homes(request: Request, who: SeatOf, has: PartsOf) -> Response:
    async with has.pool.connection() as conn:
        shared, alike = await store.rows(conn, store.Q.homes), await store.rows(conn, store.Q.same_address)
    return render(
        request, "registry_homes.html", who, here="registry", tab="homes", shared=shared, alike=alike,
        may=who.role in WRITERS,
    )  # fmt: skip


@router.post("/registry/homes")
async def share(who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    """Two or more live in one flat; or one moves out of it."""
    numbers = [int(one) for one in map(str, form.getlist("resident")) if one.isdecimal() and int(one) <= MOST][:12]
    async with has.pool.connection() as conn, conn.transaction():
        await store.acting(conn, f"person:{who.person_id}", "page")
        held = [await store.row(conn, store.Q.hold, id=one) for one in sorted(set(numbers))]
        living = [one for one in held if one is not None and one["ended_at"] is None]
        if text(form, "do", 10) == "apart":
            for one in living:
                await conn.execute(store.Q.into_home, {"home": None, "residents": [one["id"]]})
            await store.settle_homes(conn)
        elif len(living) > 1:
            await store.share(conn, [one["id"] for one in living], living[0])
        else:
            raise HTTPException(422)
    return go("/registry/homes")
