"""What is written down of devices and keys besides their steps, and the list of devices page by page."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("device_log")
KEYS_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which devices are asked for. `below` is how their address begins, `silent_h` for how long nothing was heard."""

    after: int = 0
    limit: int = 100
    state: str | None = None
    resident: int | None = None
    below: str | None = None
    model: str | None = None
    silent_h: float | None = None


async def note(
    conn: Connection, device_id: int, action: str, actor: str, facts: Mapping[str, object] | None = None, *,
    note: str = "",
) -> None:  # fmt: skip
    """Write a line of a device's history; `facts` are numbers and settings, never names or keys."""
    values = {"id": device_id, "action": action, "actor": actor, "note": note, "facts": _body(facts)}
    await conn.execute(Q.note, values)


async def note_key(conn: Connection, username: str, actor: str, facts: Mapping[str, object]) -> None:
    """Write down who issued a key that is no device's."""
    await conn.execute(Q.note_key, {"username": username, "actor": actor, "facts": _body(facts)})


async def gateway(conn: Connection, username: str) -> tuple[str, bool] | None:
    """Return a gateway's topic prefix and whether it may sign in; None if there is none of this name."""
    row = await (await conn.execute(Q.key, {"username": username})).fetchone()
    return None if row is None else (str(row[0]), bool(row[1]))


async def keys_of(conn: Connection, username: str) -> list[tuple[datetime, str, Mapping[str, Any]]]:
    """Return when and by whom a user's keys were issued, the last first."""
    rows = await (await conn.execute(Q.keys_of, {"username": username, "limit": KEYS_SHOWN})).fetchall()
    return [(at, actor, facts) for at, actor, facts in rows]


async def page(conn: Connection, wanted: Filter) -> tuple[list[tuple[Any, ...]], bool]:
    """Return a page of devices as `devices.listing` does, and whether there are more.

    First which, then what of them: looking at the last words of two hundred thousand devices takes minutes.
    """
    values = {"after": wanted.after, "limit": wanted.limit + 1, "state": wanted.state, "resident": wanted.resident,
              "below": wanted.below, "model": wanted.model, "silent_h": wanted.silent_h}  # fmt: skip
    found = [row[0] for row in await (await conn.execute(Q.page, values)).fetchall()]
    rows = await (await conn.execute(Q.rows, {"ids": found[: wanted.limit]})).fetchall()
    return rows, len(found) > wanted.limit


async def states(conn: Connection) -> Sequence[tuple[str, int]]:
    """Return how many devices there are in each state."""
    return [(str(state), int(count)) for state, count in await (await conn.execute(Q.states)).fetchall()]


def _body(facts: Mapping[str, object] | None) -> str:
    return json.dumps({name: value for name, value in (facts or {}).items() if value not in (None, "")})
