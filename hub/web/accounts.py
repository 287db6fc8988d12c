"""Accounts: who signs in, as what, for which organisation; created, changed and switched off here."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

import psycopg
import structlog
from fastapi import APIRouter, HTTPException, Path, Request
from starlette.responses import Response

from hub.passwords import hash_password
from hub.store import accounts as store
from hub.store import telephony
from hub.store.console import Row, row
from hub.store.pool import Connection
from hub.telephony.reports import EXTENSION_LENGTH
from hub.web import access
from hub.web.access import Holder
from hub.web.auth import IDLE_MINUTES, Seat
from hub.web.browsers import named
from hub.web.frame import FormOf, Parts, PartsOf, SeatOf, go, number, render, text

router = APIRouter(prefix="/people")
log = structlog.get_logger()
PersonId = Annotated[int, Path(ge=1, lt=2**63)]
ROLES = ("operator", "supervisor", "dispatcher", "installer", "administrator", "auditor")
BY_SUPERVISOR = ("operator", "dispatcher", "installer")  # a supervisor makes nobody her own equal
PASSWORD_BYTES = 12


class RefusedError(Exception):
    """It cannot be done; `word` names the sentence that says why."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


@dataclass(frozen=True, kw_only=True)
class Doing:
    """One change of an account."""

    conn: Connection
    who: Seat
    it: Row
    form: Any


def grants(role: str) -> tuple[str, ...]:
    """Return the roles that somebody of this role gives and takes."""
    return ROLES if role == Holder.ADMINISTRATOR else BY_SUPERVISOR


@router.get("")
async def page(request: Request, who: SeatOf, has: PartsOf) -> Response:
    return await _page(request, who, has)


@router.post("")
async def create(request: Request, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    """Make an account; its password is shown once."""
    name, role, login = text(form, "name", 80), text(form, "role", 40), text(form, "login", 80)
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    hashed = await asyncio.to_thread(hash_password, password)
    try:
        if not name or not login:
            raise RefusedError("people.incomplete")
        organisation = _organisation(role, number(form, "organisation"))
        _may(who, role)
        async with has.whole.connection() as conn, conn.transaction():
            person = await store.add(
                conn, actor=who.person_id, name=name, role=role, login=login, hash=hashed, organisation=organisation,
                phone=text(form, "phone", 40), language=who.language,
            )  # fmt: skip
    except RefusedError as no:
        return await _page(request, who, has, problem=no.word, status=422)
    except psycopg.errors.UniqueViolation:
        return await _page(request, who, has, problem="people.login_taken", status=409)
    except psycopg.errors.ForeignKeyViolation:
        return await _page(request, who, has, problem="people.needs_organisation", status=422)
    log.info("account_created", person_id=person, role=role, by=who.person_id)
    return await _page(request, who, has, shown={"name": name, "login": login, "password": password})


@router.get("/{person_id}")
async def person_page(request: Request, person_id: PersonId, who: SeatOf, has: PartsOf) -> Response:
    return await _one(request, who, has, person_id)


@router.post("/{person_id}/{verb}")
async def act(*, request: Request, person_id: PersonId, verb: str, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    if verb not in VERBS:
        raise HTTPException(404)
    try:
        async with has.whole.connection() as conn, conn.transaction():
            it = await _found(conn, person_id)
            if person_id == who.person_id:
                raise RefusedError("people.not_oneself")
            _may(who, it["role"])
            shown = await VERBS[verb](Doing(conn=conn, who=who, it=it, form=form))
    except RefusedError as no:
        return await _one(request, who, has, person_id, problem=no.word, status=422)
    except psycopg.errors.ForeignKeyViolation:
        return await _one(request, who, has, person_id, problem="people.needs_organisation", status=422)
    log.info("account_changed", person_id=person_id, verb=verb, by=who.person_id)
    if shown:
        return await _one(
            request, who, has, person_id, shown={"name": it["name"], "login": it["login"], "password": shown}
        )
    return go(f"/people/{person_id}")


Verb: TypeAlias = Callable[[Doing], Awaitable[str]]


async def _role(it: Doing) -> str:
    role = text(it.form, "role", 40)
    organisation = _organisation(role, number(it.form, "organisation"))
    _may(it.who, role)
    await store.set_role(it.conn, it.it["id"], role, organisation, actor=it.who.person_id)
    return ""


async def _deactivate(it: Doing) -> str:
    await store.set_active(it.conn, it.it["id"], False, actor=it.who.person_id)
    return ""


async def _activate(it: Doing) -> str:
    await store.set_active(it.conn, it.it["id"], True, actor=it.who.person_id)
    return ""


async def _reset_factor(it: Doing) -> str:
    """His phone is gone and so are the codes: somebody who knows him by sight lets him set it up anew."""
    await store.end_all(it.conn, it.it["id"])
    await store.drop_factor(it.conn, it.it["id"], actor=it.who.person_id)
    return ""


async def _end_sessions(it: Doing) -> str:
    one = number(it.form, "session")
    if one is None:
        await store.end_all(it.conn, it.it["id"])
    else:
        await store.end_one(it.conn, it.it["id"], one)
    await store.note(it.conn, it.it["id"], "sessions_ended", actor=it.who.person_id)
    return ""


async def _password(it: Doing) -> str:
    """A new one, shown once."""
    if not it.it["login"]:
        raise RefusedError("people.no_login")
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    hashed = await asyncio.to_thread(hash_password, password)
    await store.set_password(it.conn, it.it["id"], hashed, actor=it.who.person_id)
    return password


async def _extension(it: Doing) -> str:
    """Where the provider rings her; empty: her registered phone."""
    said = text(it.form, "extension", EXTENSION_LENGTH)
    await it.conn.execute(telephony.Q.set_extension, {"person": it.it["id"], "extension": said})
    await store.note(it.conn, it.it["id"], "extension", actor=it.who.person_id, detail=said)
    return ""


VERBS: dict[str, Verb] = {
    "role": _role, "deactivate": _deactivate, "activate": _activate, "reset_factor": _reset_factor,
    "end_sessions": _end_sessions, "password": _password, "extension": _extension,
}  # fmt: skip


def _may(who: Seat, role: str) -> None:
    if role not in access.SIGN_IN:
        raise RefusedError("people.no_such_role")
    if role not in grants(who.role):
        raise RefusedError("people.only_administrators")


def _organisation(role: str, organisation: int | None) -> int | None:
    """A dispatcher is always somebody's; the centre's own are nobody's, and see all."""
    if role == Holder.DISPATCHER and organisation is None:
        raise RefusedError("people.needs_organisation")
    return organisation if role in (Holder.DISPATCHER, Holder.INSTALLER) else None


async def _found(conn: Connection, person: int) -> Row:
    found = await store.accounts(conn, ROLES, idle_minutes=IDLE_MINUTES, person=person)
    if not found:
        raise HTTPException(404)
    return found[0]


async def _page(request: Request, who: Seat, has: Parts, *, status: int = 200, **more: Any) -> Response:
    async with has.whole.connection() as conn:
        found = await store.accounts(conn, ROLES, idle_minutes=IDLE_MINUTES)
        organisations = await store.organisations(conn)
    about: dict[str, Any] = {"problem": "", "shown": None, **more}
    return render(
        request, "people.html", who, status=status, here="people", accounts=found, organisations=organisations,
        roles=grants(who.role), **about,
    )  # fmt: skip


async def _one(request: Request, who: Seat, has: Parts, person: int, *, status: int = 200, **more: Any) -> Response:
    async with has.whole.connection() as conn:
        it = await _found(conn, person)
        sessions = await store.sessions(conn, person, idle_minutes=IDLE_MINUTES)
        history = await store.history(conn, person)
        desk = await row(conn, telephony.Q.desk, person=person)
        organisations = await store.organisations(conn)
    about: dict[str, Any] = {"problem": "", "shown": None, **more}
    return render(
        request, "people_one.html", who, status=status, here="people", it=it, history=history,
        extension=desk["extension"] if desk else "",
        sessions=[s | {"named": named(s["browser"])} for s in sessions], organisations=organisations,
        roles=grants(who.role), mine=person == who.person_id,
        changes=person != who.person_id and it["role"] in grants(who.role)
        and access.may(who.holder, "POST /people/{person_id}/{verb}"), **about,
    )  # fmt: skip
