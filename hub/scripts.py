"""Scripts of the console: published in versions, kept by each case, and ticked as events of its chain."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import resources

from alerts import scripts as pure
from alerts.model import ENDED
from alerts.scripts import Said, Script
from hub.errors import HubError
from hub.refusals import Refused
from hub.store import incidents as store
from hub.store.console import Row, row, rows
from hub.store.pool import Connection
from hub.store.sql import queries
from hub.taps import at_desk, lock

Q = queries("scripts")
CACHE_LIMIT = 200  # versions kept in memory
HISTORY_LIMIT = 50
COMMENT_LENGTH = 300
_known: dict[tuple[str, int], tuple[Script, ...]] = {}


class NoScriptError(HubError):
    """A version is named that is not there."""


@dataclass(frozen=True, kw_only=True)
class Tick:
    """The last word about one step."""

    said: Said
    actor: str
    at: datetime


def standard() -> str:
    """Return the scripts a new hub starts with."""
    return (resources.files("alerts") / "default_scripts.toml").read_text(encoding="utf-8")


async def ensure(conn: Connection) -> None:
    """Have the standard scripts published where nobody published any."""
    if await row(conn, Q.active) is None:
        text = standard()
        await conn.execute(Q.first, {"sha256": _digest(text), "body": text})


async def active(conn: Connection) -> tuple[int, str]:
    """Return the active version and its text."""
    await ensure(conn)
    found = await row(conn, Q.active)
    assert found is not None
    return found["id"], found["body"]


async def version(conn: Connection, number: int) -> tuple[Script, ...]:
    """Return the scripts of a version, read once.

    Raises:
        NoScriptError: There is none of this number.
    """
    key = (f"{conn.info.host}:{conn.info.port}/{conn.info.dbname}", number)
    if key not in _known:
        found = await row(conn, Q.body, id=number)
        if found is None:
            raise NoScriptError(f"script version {number} is missing: restore table script_version from a backup")
        if len(_known) >= CACHE_LIMIT:
            _known.clear()
        _known[key] = pure.read(found["body"])
    return _known[key]


async def of_case(conn: Connection, incident_id: int) -> tuple[int, tuple[Script, ...]]:
    """Return the version a case runs by, and its scripts."""
    found = await row(conn, Q.of_case, incident=incident_id)
    if found is None or found["version"] is None:
        await ensure(conn)
        found = await row(conn, Q.of_case, incident=incident_id)
    assert found is not None
    return found["version"], await version(conn, found["version"])


async def ticks(conn: Connection, incident_id: int) -> Mapping[str, Tick]:
    """Return what was said of each step; one that was taken back is not among them."""
    found = await rows(conn, Q.ticks, incident=incident_id)
    ticked = {r["step"]: Tick(said=Said(r["said"]), actor=r["actor"], at=r["at"]) for r in found}
    return {step: tick for step, tick in ticked.items() if tick.said is not Said.OPEN}


async def publish(conn: Connection, text: str, by: int, comment: str = "") -> int | None:
    """Make a text the scripts of cases that open from now on; None when it is active already.

    Raises:
        alerts.scripts.ScriptError: The text has faults; nothing changes.
    """
    pure.read(text)
    values = {"sha256": _digest(text), "body": text, "by": by, "comment": comment[:COMMENT_LENGTH]}
    async with conn.transaction():
        await ensure(conn)
        await conn.execute(Q.alone)
        found = await row(conn, Q.publish, **values)
    return None if found is None else int(found["id"])


async def history(conn: Connection) -> Sequence[Row]:
    return await rows(conn, Q.history, limit=HISTORY_LIMIT)


async def tick(
    conn: Connection, incident_id: int, person_id: int, step: str, said: Said, *, nonce: str | None = None
) -> bool:
    """Write what came of a step; False when this very press was written before.

    Raises:
        Refused: The case has ended, or its scripts know no such step.
    """
    who = await at_desk(conn, person_id)
    async with conn.transaction():
        at, repeat = await lock(conn, incident_id, who, "script_step", nonce)
        if repeat:
            return False
        if at.incident is not None and at.incident.state in ENDED:
            raise Refused("ended")
        number, scripts = await of_case(conn, incident_id)
        if not any(each.name == step for script in scripts for each in script.steps):
            raise Refused("not_in_this_state", f"script version {number} has no step {step!r:.60}")
        await store.append(conn, at, who.name, "script_step", {"version": number, "step": step, "said": said.value})
    return True


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
