"""Published policies: read once per version, because a version never changes."""

import hashlib
import tomllib
from importlib import resources
from typing import Any

from alerts import policy
from alerts.policy import KNOWN_CHANNELS as CHANNEL_NAMES
from alerts.policy import PolicySet
from hub.errors import HubError
from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("policies")
CACHE_LIMIT = 1_000  # versions kept in memory: more than a centre publishes in its life
_known: dict[tuple[str, int], PolicySet] = {}


class NoPolicyError(HubError):
    """An incident names a policy version that is not there."""


async def version(conn: Connection, version_id: int) -> PolicySet:
    """Return the policies of one version."""
    # Two databases in one process (tests) have different versions under one number.
    key = (f"{conn.info.host}:{conn.info.port}/{conn.info.dbname}", version_id)
    if key not in _known:
        row = await (await conn.execute(Q.body, {"id": version_id})).fetchone()
        if row is None:
            raise NoPolicyError(f"policy version {version_id} is missing: restore table policy_version from a backup")
        if len(_known) >= CACHE_LIMIT:
            _known.clear()
        # It was checked when it was published; duty lists that are gone since must not silence an incident.
        _known[key] = policy.load(row[0], rosters=named_rosters(row[0]))
    return _known[key]


async def publish(conn: Connection, text: str, by: int | None = None) -> int:
    """Make a text the policy of incidents that open from now on; the open ones keep theirs.

    Raises:
        alerts.policy.PolicyError: The text has a fault; nothing changes.
    """
    check(text, await rosters(conn))
    row = await (await conn.execute(Q.publish, {"sha256": _digest(text), "body": text, "by": by})).fetchone()
    assert row is not None
    return int(row[0])


async def ensure(conn: Connection) -> int:
    """Return the active version; where none was ever published, the standard policy becomes it."""
    text = standard()
    await conn.execute(Q.first, {"sha256": _digest(text), "body": text})
    row = await (await conn.execute(Q.active)).fetchone()
    if row is None:
        raise NoPolicyError("no policy is active yet: publish one with `carehub policy publish FILE`")
    return int(row[0])


def standard() -> str:
    """Return the policy a new hub starts with."""
    return (resources.files("alerts") / "default_policy.toml").read_text(encoding="utf-8")


def check(text: str, rosters: tuple[str, ...]) -> PolicySet:
    """Read a text as a policy to be published.

    Raises:
        alerts.policy.PolicyError: The line and what is wrong there.
    """
    return policy.load(text, channels=CHANNEL_NAMES, rosters=rosters)


async def rosters(conn: Connection) -> tuple[str, ...]:
    """Return the names of the duty lists there are."""
    return tuple(row[0] for row in await (await conn.execute(Q.rosters)).fetchall())


def named_rosters(text: str) -> tuple[str, ...]:
    """Return the duty lists a policy text asks for, whatever else is wrong with it."""
    try:
        return tuple(sorted(_values(tomllib.loads(text), "roster")))
    except tomllib.TOMLDecodeError:
        return ()


def _values(table: Any, key: str) -> set[str]:
    if isinstance(table, dict):
        here = {table[key]} if isinstance(table.get(key), str) else set()
        return here.union(*(_values(value, key) for value in table.values()))
    return set().union(*(_values(value, key) for value in table)) if isinstance(table, list) else set()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
