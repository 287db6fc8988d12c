"""The responder's phone: what a link opens, personal links and whose they are, the calls of one person."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from hub.errors import HubError
from hub.store.console import Row, row, rows
from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("phone")
LINK_DAYS = 180  # a season and a half: whoever left the service without anybody saying so is out by then
LINKS_KEPT = 5  # phones of one person; one more ends the oldest
TOKEN_BYTES = 24
CALLS_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Whose phone it is."""

    person_id: int
    name: str
    role: str
    area: str
    language: str
    look: str = ""  # as person.look has it


async def called(conn: Connection, page_id: int) -> Row | None:
    """Return the page with its case; None when it is gone or its person is no longer active."""
    return await row(conn, Q.called, page=page_id)


async def make_link(conn: Connection, person_id: int) -> tuple[str, datetime]:
    """Return a new personal token, shown once, and when it ends.

    Raises:
        HubError: Nobody active has this number.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    async with conn.transaction():
        made = await row(conn, Q.add_link, person=person_id, token=_hashed(token), days=LINK_DAYS)
        if made is None:
            raise HubError(f"nobody active has the number {person_id}; `carehub people list` shows them")
        await conn.execute(Q.revoke_oldest, {"person": person_id, "most": LINKS_KEPT})
    ends: datetime = made["expires_at"]
    return token, ends


async def revoke_links(conn: Connection, person_id: int) -> int:
    """End every personal link of this person and return how many there were."""
    return (await conn.execute(Q.revoke_links, {"person": person_id})).rowcount


async def owner(conn: Connection, token: str) -> Owner | None:
    """Return whose phone holds this token; None when it is unknown, over or taken back."""
    found = await row(conn, Q.owner, token=_hashed(token))
    if found is None:
        return None
    return Owner(
        person_id=found["id"],
        name=found["name"],
        role=found["role"],
        area=found["area"],
        language=found["language"],
        look=found["look"],
    )


async def calls(conn: Connection, person_id: int) -> list[Row]:
    return await rows(conn, Q.my_calls, person=person_id, limit=CALLS_SHOWN)


async def speak(conn: Connection, person_id: int, language: str) -> None:
    await conn.execute(Q.speak, {"person": person_id, "language": language})


async def enlarge(conn: Connection, person_id: int, *, large: bool) -> None:
    await conn.execute(Q.enlarge, {"person": person_id, "large": large})


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
