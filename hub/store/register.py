"""Who is registered: a person found by what she is called, and everybody as an administrator reads them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import class_row

from hub.errors import HubError
from hub.store.pool import Connection
from hub.store.sql import as_number, queries

Q = queries("register")
CANDIDATES_SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class Known:
    """Somebody who is registered and active."""

    id: int
    name: str
    role: str
    area: str


@dataclass(frozen=True, kw_only=True)
class ResidentRow:
    """`circle`: person, name, relation and minutes of whoever is called for her, in order."""

    id: int
    name: str
    area: str
    address: str
    circle: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class PersonRow:
    """`contacts`: channel and address; `called_for`: resident, name, relation, minutes; `lists`: duty lists now."""

    id: int
    name: str
    role: str
    area: str
    phone: str
    login: str
    contacts: list[dict[str, str]]
    called_for: list[dict[str, Any]]
    on_duty: bool
    lists: list[str]
    until: datetime | None
    next_shift: datetime | None
    keeps_hours: bool


async def person(conn: Connection, said: str) -> Known:
    """Return the one person of this number, name, account or telephone.

    Raises:
        HubError: There is none, or there are several; then it names them.
    """
    word = said.strip()
    number = as_number(word)
    async with conn.cursor(row_factory=class_row(Known)) as cursor:
        values = {"word": word, "number": number, "limit": CANDIDATES_SHOWN + 1}
        found = await (await cursor.execute(Q.find_person, values)).fetchall()
    if not found:
        raise HubError(f"nobody active is called {word!r}; `carehub people list` shows everybody")
    if found[0].id == number or len(found) == 1:
        return found[0]
    raise HubError(f"{word!r} is more than one person; give the number of one of {candidates(found)}")


def candidates(found: list[Known]) -> str:
    """Return people as they are told apart: 3 王伟 (community, 和平社区), 4 王伟 (family)."""
    told = [f"{who.id} {who.name} ({', '.join(filter(None, (who.role, who.area)))})" for who in found]
    return ", ".join(told[:CANDIDATES_SHOWN]) + (" …" if len(told) > CANDIDATES_SHOWN else "")


async def residents(conn: Connection, *, area: str | None = None) -> list[ResidentRow]:
    async with conn.cursor(row_factory=class_row(ResidentRow)) as cursor:
        return await (await cursor.execute(Q.residents, {"area": area})).fetchall()


async def people(conn: Connection, *, area: str | None = None) -> list[PersonRow]:
    """Return everybody; of an area, those who serve it, and those who serve everywhere."""
    async with conn.cursor(row_factory=class_row(PersonRow)) as cursor:
        return await (await cursor.execute(Q.people, {"area": area})).fetchall()
