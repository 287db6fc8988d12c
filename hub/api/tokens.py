"""Tokens: made, shown once, told apart from everything else, and known again by their digest."""

import getpass
import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.api.scopes import CENTRE, DESK, SCOPES, SUPERVISOR, role_for, unknown
from hub.errors import HubError
from hub.store import api as store
from hub.store.pool import Connection

PREFIX = "carehub_"  # so that whoever finds one, and every scanner for secrets, knows what it is
SECRET_BYTES = 32
TOKEN = re.compile(r"carehub_[A-Za-z0-9_-]{43}")
HINT = len(PREFIX) + 4
DAYS, MOST_DAYS = 90, 730
PER_MINUTE, MOST_PER_MINUTE = 600, 60_000
DESK_ROLES = frozenset({"operator", "supervisor", "dispatcher"})


@dataclass(frozen=True, kw_only=True)
class Issued:
    """A token that was just made; its text is nowhere else."""

    id: int
    token: str
    person_id: int
    expires_at: datetime


def digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def by_command() -> str:
    """As whom somebody at the command line stands in the history."""
    return f"command:{getpass.getuser()}"


async def issue(
    conn: Connection, name: str, scopes: Sequence[str], *, by: str, days: int = DAYS,
    organisation_id: int | None = None, person: tuple[int, str] | None = None, per_minute: int = PER_MINUTE,
) -> Issued:  # fmt: skip
    """Make a token. Without a person (number and role) it gets an account of its own, of the least role that will do.

    Raises:
        HubError: A scope that is none, a person who may not do what it is for, a time or rate beyond the limits.
    """
    if wrong := unknown(scopes):
        raise HubError(f"no such scope: {', '.join(wrong)}; there are {', '.join(SCOPES)}")
    if not scopes or not name.strip():
        raise HubError("a token has a name and at least one scope")
    if not 1 <= days <= MOST_DAYS or not 1 <= per_minute <= MOST_PER_MINUTE:
        raise HubError(f"1 to {MOST_DAYS} days and 1 to {MOST_PER_MINUTE} requests a minute")
    if organisation_id is not None and (whole := (SUPERVISOR | CENTRE) & set(scopes)):
        raise HubError(f"{', '.join(sorted(whole))} is not for an organisation: it is of the whole hub")
    if person is not None:
        _may(person[1], scopes)
    token = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    async with conn.transaction():
        number = person[0] if person else await store.add_account(
            conn, name.strip(), role_for(scopes, organisation=organisation_id is not None), organisation_id
        )  # fmt: skip
        made = await store.add_token(
            conn, name=name.strip(), digest=digest(token), hint=token[:HINT], scopes=sorted(set(scopes)), person=number,
            organisation=organisation_id, per_minute=per_minute, by=by, days=days,
        )  # fmt: skip
    return Issued(id=made.id, token=token, person_id=number, expires_at=made.expires_at)


def _may(role: str, scopes: Sequence[str]) -> None:
    wanted = set(scopes)
    if wanted & SUPERVISOR and role != "supervisor":
        raise HubError(f"{', '.join(sorted(wanted & SUPERVISOR))} needs a supervisor")
    if wanted & DESK and role not in DESK_ROLES:
        raise HubError(f"{', '.join(sorted(wanted & DESK))} needs somebody who works the console")
