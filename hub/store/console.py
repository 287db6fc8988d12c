"""What the console reads and the little it writes itself: sessions, presence, what was shown to whom.

Everything people decide about an incident goes through `hub.desk`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

import structlog
from psycopg.rows import dict_row

from hub import sealed
from hub.sealed import SealError
from hub.store.pool import Connection
from hub.store.sql import queries

Row: TypeAlias = dict[str, Any]
Q = queries("console")
QUEUE_LIMIT = 200  # rows shown at once; the count beside them is of all
SURGE_LIMIT = 500  # the same in disaster mode: a house is taken as one, so none of its cases may be missing
VITALS_LIMIT = 2000
UNOPENED = "密钥缺失 key missing"  # instead of a door code that cannot be opened here: `carehub doctor` says what to do
log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Account:
    person_id: int
    role: str
    password_hash: str | None


@dataclass(frozen=True, kw_only=True)
class SessionRow:
    person_id: int
    name: str
    role: str
    language: str
    csrf: str
    canary: bool
    organisation_id: int | None
    look: str
    enrolled: bool  # has a second factor
    glass: int  # records opened without access that no supervisor has signed; counted for supervisors


async def rows(conn: Connection, query: bytes, **values: Any) -> list[Row]:
    """Run a query of this noun and return its rows by column name."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, values)
        return await cursor.fetchall()


async def row(conn: Connection, query: bytes, **values: Any) -> Row | None:
    found = await rows(conn, query, **values)
    return found[0] if found else None


async def account(conn: Connection, login: str) -> Account | None:
    found = await row(conn, Q.account, login=login)
    if found is None:
        return None
    return Account(person_id=found["id"], role=found["role"], password_hash=found["password_hash"])


async def begin_session(
    conn: Connection, token_sha256: bytes, person_id: int, csrf: str, *, hours: int, address: str = "",
    browser: str = "", second_factor: bool = False,
) -> None:  # fmt: skip
    async with conn.transaction():
        await conn.execute(Q.forget_sessions)
        await conn.execute(Q.begin_session, {
            "token": token_sha256, "person": person_id, "csrf": csrf, "hours": hours, "address": address[:60],
            "browser": browser[:300], "second_factor": second_factor,
        })  # fmt: skip


async def session(conn: Connection, token_sha256: bytes, *, idle_minutes: int) -> SessionRow | None:
    found = await row(conn, Q.session, token=token_sha256, idle_minutes=idle_minutes)
    if found is None:
        return None
    return SessionRow(
        person_id=found["id"], name=found["name"], role=found["role"], language=found["language"], csrf=found["csrf"],
        canary=found["canary"], organisation_id=found["organisation_id"], look=found["look"],
        enrolled=found["enrolled"], glass=found["glass"],
    )  # fmt: skip


async def end_session(conn: Connection, token_sha256: bytes) -> None:
    await conn.execute(Q.end_session, {"token": token_sha256})


async def beat(conn: Connection, streams: Sequence[str], sessions: Sequence[bytes]) -> tuple[datetime, set[bytes]]:
    """Keep the presence of these consoles; return the hub's time and which of the sessions still live."""
    async with conn.transaction():
        found = await row(conn, Q.beat, streams=list(streams), sessions=list(sessions))
        living = await rows(conn, Q.living_sessions, sessions=list(sessions))
    assert found is not None
    return found["now"], {bytes(r["token_sha256"]) for r in living}


async def door_code(conn: Connection, incident_id: int, person_id: int, why: str, *, once: bool = False) -> str | None:
    """Return the code and write down who saw it, or neither. With `once`, a second look at the same case is not."""
    async with conn.transaction():
        found = await row(conn, Q.door_code, incident=incident_id)
        if found is None:
            return None
        about = {"person": person_id, "resident": found["id"], "what": why, "incident": incident_id}
        before = await row(conn, Q.seen_before, **about) if once else None
        if not (before and before["there"]):
            await conn.execute(Q.log_access, about)
    return _opened(found["id"], found["door_code"])


def _opened(resident_id: int, stored: str) -> str:
    """Whoever stands before the door is told why there is no code, and that somebody else must say it."""
    try:
        return sealed.opened("resident.door_code", resident_id, stored)
    except SealError as err:
        log.error("door_code_does_not_open", resident_id=resident_id, error=str(err))
        return UNOPENED


async def names(conn: Connection, people: set[int]) -> Mapping[int, str]:
    """Return the names of these people."""
    found = await rows(conn, Q.names, people=list(people))
    return {r["id"]: r["name"] for r in found}
