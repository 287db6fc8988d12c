"""Beside the residents: people who are called, areas, organisations, homes that several share."""

from typing import Annotated, Any, Literal

import psycopg
from fastapi import APIRouter, Path, Response, Security
from pydantic import Field, StringConstraints

from hub import registry_ids as ids
from hub.api.caller import Caller, caller
from hub.api.models import Asked, Person, Shown
from hub.api.once import Once
from hub.api.paging import Id as Number
from hub.api.problems import ProblemError
from hub.api.residents import Match, Named, Short, fault
from hub.channels import addresses
from hub.registry_tables import KINDS
from hub.store import api as store
from hub.store import people as people_store
from hub.store import registry
from hub.store.access import looked_at
from hub.store.pool import Connection
from hub.store.registry import ChangedMeanwhileError
from hub.web.registry_places import LEVELS, LISTED

router = APIRouter(route_class=Once)
Id = Annotated[int, Path(ge=1, lt=2**63)]
PEOPLE = Annotated[Caller, Security(caller, scopes=["people:write"])]
READS = Annotated[Caller, Security(caller, scopes=["register:read"])]
WRITES = Annotated[Caller, Security(caller, scopes=["register:write"])]
Level = Literal["city", "county", "township", "community"]
Role = Annotated[str, Field(json_schema_extra={"enum": [*LISTED]})]
Kind = Annotated[str, Field(json_schema_extra={"enum": [*KINDS]})]
Phone = Annotated[str, StringConstraints(max_length=40)]
Rows = list[dict[str, Any]]


def whole(who: Caller) -> None:
    """Refuse an organisation's token what is the whole hub's."""
    if who.organisation_id is not None:
        raise ProblemError(403, "whole_hub", "the register is of the whole hub: no organisation's token does this")


# ---- people who are called ----


class Ways(Asked):
    """How somebody is reached; what is left out is dropped. Ways with secrets are the command line's."""

    voice: Phone = ""
    sms: Phone = ""
    email: Annotated[str, StringConstraints(max_length=120)] = ""
    app: bool = False


class NewPerson(Asked):
    name: Named
    role: Role
    area: Short = ""
    phone: Phone = ""
    organisation_id: Number | None = None
    ways: Ways | None = None


class PersonChange(Asked):
    name: Named = ""
    role: Role = ""
    area: Short = ""
    phone: Phone = ""
    organisation_id: Number | None = None
    ways: Ways | None = None
    active: bool = True


@router.post("/people", tags=["people"], status_code=201)
async def add_person(who: PEOPLE, said: NewPerson, answer: Response) -> Person:
    """Somebody who may be called: family, neighbour, responder. Accounts that sign in are made at the console."""
    whole(who)
    values = _person_values(said.model_dump(exclude={"ways"}))
    async with who.connection() as conn, conn.transaction():
        await registry.acting(conn, who.as_whom, "api")
        made = await people_store.add_person(
            conn, values["name"], values["role"], area=values["area"], phone=values["phone"]
        )
        if said.organisation_id is not None:
            await _of_organisation(conn, made, said.organisation_id)
        if said.ways is not None:
            await _reach(conn, made, said.ways)
        await registry.tell(conn)
        return await _person(conn, who, made, answer)


@router.patch("/people/{person_id}", tags=["people"])
async def change_person(person_id: Id, who: PEOPLE, said: PersonChange, match: Match, answer: Response) -> Person:
    """Change what is named. Whoever signs in keeps his role and stays active: accounts have a page of their own."""
    whole(who)
    async with who.connection() as conn, conn.transaction():
        held = await registry.row(conn, registry.Q.person, id=person_id)
        if held is None:
            raise ProblemError(404, "no_such_person")
        if held["login"] and {"role", "active"} & said.model_fields_set:
            raise ProblemError(409, "signs_in", "this is an account that signs in: change it at the console")
        known = {name: held[name] for name in ("name", "role", "area", "phone", "organisation_id", "active")}
        given = said.model_dump(exclude={"ways"}, exclude_unset=True)
        values = known | _person_values(given)
        await registry.acting(conn, who.as_whom, "api")
        values |= {"id": person_id, "version": int(match.strip('"'))}
        try:
            saved = await registry.row(conn, registry.Q.save_person, **values)
        except psycopg.errors.ForeignKeyViolation:
            raise fault("body/organisation_id", "an organisation there is") from None
        if saved is None:
            raise ProblemError(412, "changed", "read it again: somebody has changed it since")
        if said.ways is not None:
            await _reach(conn, person_id, said.ways)
        await registry.tell(conn)
        return await _person(conn, who, person_id, answer)


def _person_values(said: dict[str, Any]) -> dict[str, Any]:
    if "role" in said and said["role"] not in LISTED:
        raise fault("body/role", f"one of {', '.join(LISTED)}")
    if said.get("phone"):
        if (phone := ids.phone(said["phone"])) is None:
            raise fault("body/phone", "a telephone number")
        said["phone"] = phone
    return said


async def _of_organisation(conn: Connection, person_id: int, organisation: int) -> None:
    try:
        await conn.execute(registry.Q.of_organisation, {"person": person_id, "organisation": organisation})
    except psycopg.errors.ForeignKeyViolation:
        raise fault("body/organisation_id", "an organisation there is") from None


async def _reach(conn: Connection, person_id: int, ways: Ways) -> None:
    for way in ("voice", "sms", "email", "app"):
        said = getattr(ways, way)
        address = "" if way == "app" else said.replace(" ", "")
        if not said:
            await conn.execute(registry.Q.drop_way, {"person": person_id, "channel": way})
        elif why := addresses.wrong(way, address):
            raise fault(f"body/ways/{way}", why)
        else:
            await people_store.set_contact(conn, person_id, way, address)


async def _person(conn: Connection, who: Caller, person_id: int, answer: Response) -> Person:
    about: dict[str, Any] = {"id": person_id, "after": 0, "role": None, "limit": 1}
    found = await store.row(conn, store.Q.people, **about, **who.sees)
    assert found is not None
    version = await registry.row(conn, registry.Q.person, id=person_id)
    answer.headers["ETag"] = f'"{version["version"] if version else 0}"'
    return Person.of(found)


# ---- areas ----


class Area(Shown):
    name: str
    parent: str | None
    level: str
    code: str
    residents: int


class NewArea(Asked):
    name: Named
    parent: Short = ""
    level: Annotated[str, Field(json_schema_extra={"enum": [*LEVELS]})]
    code: Annotated[str, StringConstraints(pattern=r"^([0-9]{6}|[0-9]{9}|[0-9]{12})?$")] = ""


@router.get("/areas", tags=["register"])
async def areas(who: READS) -> list[Area]:
    """The tree of areas, each before what is inside it."""
    async with who.unbound() as conn:
        return [Area.of(one) for one in await registry.rows(conn, registry.Q.areas)]


@router.put("/areas", tags=["register"])
async def save_area(who: WRITES, said: NewArea) -> list[Area]:
    """Enter an area, or change where it lies."""
    whole(who)
    if said.level not in LEVELS:
        raise fault("body/level", f"one of {', '.join(LEVELS)}")
    values = said.model_dump() | {"parent": said.parent or None}
    async with who.connection() as conn, conn.transaction():
        if said.parent:
            tree = {one["name"]: one for one in await registry.rows(conn, registry.Q.areas)}
            inside = await registry.row(conn, registry.Q.inside, **values)
            above = tree.get(said.parent)
            if (
                above is None
                or (inside and inside["inside"])
                or LEVELS.index(above["level"]) >= LEVELS.index(said.level)
            ):
                raise fault("body/parent", "an area of a higher level that does not lie inside this one")
        await registry.acting(conn, who.as_whom, "api")
        await conn.execute(registry.Q.save_area, values)
        return [Area.of(one) for one in await registry.rows(conn, registry.Q.areas)]


# ---- organisations ----


class Organisation(Shown):
    id: int
    name: str
    uscc: str | None
    kind: str
    phone: str
    active: bool
    version: int
    areas: list[str]
    people: int


class NewOrganisation(Asked):
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
    uscc: Annotated[str, StringConstraints(max_length=40)] = Field("", description="统一社会信用代码")
    kind: Kind
    phone: Phone = ""
    active: bool = True
    areas: Annotated[list[Named], Field(max_length=200, description="whom it serves, with everything inside")] = Field(
        default_factory=list
    )


@router.get("/organisations", tags=["register"])
async def organisations(who: READS) -> list[Organisation]:
    async with who.unbound() as conn:
        found = await registry.rows(conn, registry.Q.organisations, id=who.organisation_id)
    return [Organisation.of(one) for one in found]


@router.get("/organisations/{organisation_id}", tags=["register"])
async def organisation(organisation_id: Id, who: READS, answer: Response) -> Organisation:
    async with who.unbound() as conn:
        if who.organisation_id not in (None, organisation_id):
            raise ProblemError(404, "no_such_organisation")
        return await _organisation(conn, organisation_id, answer)


async def _organisation(conn: Connection, number: int, answer: Response) -> Organisation:
    found = await registry.row(conn, registry.Q.organisations, id=number)
    if found is None:
        raise ProblemError(404, "no_such_organisation")
    answer.headers["ETag"] = f'"{found["version"]}"'
    return Organisation.of(found)


@router.post("/organisations", tags=["register"], status_code=201)
async def add_organisation(who: WRITES, said: NewOrganisation, answer: Response) -> Organisation:
    return await _save_organisation(who, None, 0, said, answer)


@router.put("/organisations/{organisation_id}", tags=["register"])
async def save_organisation(
    organisation_id: Id, who: WRITES, said: NewOrganisation, match: Match, answer: Response
) -> Organisation:  # fmt: skip
    return await _save_organisation(who, organisation_id, int(match.strip('"')), said, answer)


async def _save_organisation(
    who: Caller, number: int | None, version: int, said: NewOrganisation, answer: Response
) -> Organisation:
    whole(who)
    values = said.model_dump() | {"uscc": ids.uscc(said.uscc) or None, "version": version}
    if said.kind not in KINDS:
        raise fault("body/kind", f"one of {', '.join(KINDS)}")
    if values["uscc"] and (why := ids.uscc_fault(values["uscc"])):
        raise fault("body/uscc", why)
    if said.phone and ids.phone(said.phone) is None:
        raise fault("body/phone", "a telephone number")
    async with who.connection() as conn, conn.transaction():
        await registry.acting(conn, who.as_whom, "api")
        if number is not None:
            await _organisation(conn, number, answer)
        try:
            made = await registry.save_organisation(conn, number, values)
        except ChangedMeanwhileError:
            raise ProblemError(412, "changed", "read it again: somebody has changed it since") from None
        except psycopg.errors.UniqueViolation:
            raise ProblemError(409, "taken", "another organisation has this name or this code") from None
        return await _organisation(conn, made, answer)


# ---- homes that several share ----


class Home(Shown):
    id: int
    note: str
    residents: Rows


class Sharing(Asked):
    residents: Annotated[list[Number], Field(min_length=1, max_length=12)]


@router.get("/homes", tags=["register"])
async def homes(who: READS) -> list[Home]:
    """Flats that several residents share."""
    whole(who)
    async with who.connection() as conn:
        found = await registry.rows(conn, registry.Q.homes)
        await looked_at(conn, who.person_id, "homes: api", f"{len(found)}", who.reason)
    return [Home.of(one) for one in found]


@router.post("/homes", tags=["register"], status_code=201)
async def share(who: WRITES, said: Sharing) -> list[Home]:
    """They live in one flat: it has the address, the way in and the code of the first of them."""
    return await _move(who, said, apart=False)


@router.post("/homes/apart", tags=["register"])
async def apart(who: WRITES, said: Sharing) -> list[Home]:
    """They live there no more."""
    return await _move(who, said, apart=True)


async def _move(who: Caller, said: Sharing, *, apart: bool) -> list[Home]:
    whole(who)
    async with who.connection() as conn, conn.transaction():
        await registry.acting(conn, who.as_whom, "api")
        held = {n: await registry.row(conn, registry.Q.hold, id=n) for n in sorted(set(said.residents))}
        living = [one for n in dict.fromkeys(said.residents) if (one := held[n]) and one["ended_at"] is None]
        if len(living) < (1 if apart else 2):
            raise fault("body/residents", "two or more who are cared for" if not apart else "somebody cared for")
        if apart:
            for one in living:
                await conn.execute(registry.Q.into_home, {"home": None, "residents": [one["id"]]})
            await registry.settle_homes(conn)
        else:
            await registry.share(conn, [one["id"] for one in living], living[0])
        await registry.tell(conn)
        return [Home.of(one) for one in await registry.rows(conn, registry.Q.homes)]
