"""What programs of others hold and read: tokens, and pages of cases, residents, people and devices by scope."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.errors import HubError
from hub.store.console import Row, row, rows
from hub.store.pool import Connection
from hub.store.sql import as_number, queries

Q = queries("api")
TOKENS_SHOWN = 500
__all__ = [
    "Holder",
    "Made",
    "Q",
    "Row",
    "add_account",
    "add_token",
    "holder",
    "organisation",
    "revoke",
    "row",
    "rows",
    "tokens",
]


@dataclass(frozen=True, kw_only=True)
class Holder:
    """A token that counts."""

    id: int
    name: str
    scopes: frozenset[str]
    person_id: int
    role: str
    organisation_id: int | None
    per_minute: int


@dataclass(frozen=True, kw_only=True)
class Made:
    id: int
    expires_at: datetime


async def holder(conn: Connection, digest: bytes) -> Holder | None:
    """Return whose this token is, unless it was revoked, is too old, or its account or organisation is off."""
    found = await row(conn, Q.token, digest=digest)
    if found is None:
        return None
    return Holder(**found | {"scopes": frozenset(found["scopes"])})


async def add_account(conn: Connection, name: str, role: str, organisation_id: int | None) -> int:
    found = await row(conn, Q.add_account, name=name, role=role, organisation=organisation_id)
    assert found is not None
    return int(found["id"])


async def add_token(conn: Connection, **values: Any) -> Made:
    """Write down a token: name, digest, hint, scopes, person, organisation, per_minute, by, days."""
    found = await row(conn, Q.add_token, **values)
    assert found is not None
    return Made(**found)


async def tokens(conn: Connection) -> list[Row]:
    return await rows(conn, Q.tokens, limit=TOKENS_SHOWN)


async def revoke(conn: Connection, token_id: int, by: str) -> str | None:
    """End a token and return its name; None: there is none of this number that lives."""
    found = await row(conn, Q.revoke_token, id=token_id, by=by)
    return None if found is None else str(found["name"])


async def organisation(conn: Connection, said: str) -> tuple[int, str]:
    """Return the one organisation of this number, name or 统一社会信用代码.

    Raises:
        HubError: There is none, or there are several.
    """
    found = await rows(conn, Q.organisation, word=said.strip(), number=as_number(said.strip()))
    if len(found) != 1:
        raise HubError(f"{'no' if not found else 'more than one'} active organisation is called {said!r}")
    return int(found[0]["id"]), str(found[0]["name"])
