"""Published policies: read once per version, because a version never changes."""

import hashlib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import Any

from psycopg.types.json import Jsonb

from alerts import duty, policy
from alerts.duty import Lists
from alerts.model import Role
from alerts.policy import KNOWN_CHANNELS as CHANNEL_NAMES
from alerts.policy import PolicyError, PolicySet
from alerts.policy_check import AHEAD, Person, Staff
from alerts.policy_faults import Fault
from hub.errors import HubError
from hub.holidays import china
from hub.store import canary
from hub.store import rosters as duty_lists
from hub.store.pool import Connection, hub_now
from hub.store.sql import queries

Q = queries("policies")
CACHE_LIMIT = 1_000  # versions kept in memory: more than a centre publishes in its life
_known: dict[tuple[str, int], PolicySet] = {}


LONGEST_LINE = 2_000  # characters; a key of many dotted parts is read in the square of their number
HISTORY_LIMIT = 200  # versions listed at once
RESIDENTS_LIMIT = 300  # offered to choose from; any other is found by name or number


class NoPolicyError(HubError):
    """An incident names a policy version that is not there."""


@dataclass(frozen=True, kw_only=True)
class Edition:
    """One publication: a version and how it came about."""

    version: int
    text: str
    published_at: datetime
    published_as: str
    comment: str
    forced: tuple[tuple[int, str, str], ...]  # doubts it was published in spite of: line, and words in zh and en
    restored: int | None  # the version whose text was put back
    active: bool
    open: int  # incidents that run by it


@dataclass(frozen=True, kw_only=True)
class Home:
    """A resident, as far as a dry run has to know her."""

    resident_id: int
    name: str
    area: str
    address: str


async def version(conn: Connection, version_id: int) -> PolicySet:
    """Return the policies of one version, and the canary's own."""
    # Two databases in one process (tests) have different versions under one number.
    key = (f"{conn.info.host}:{conn.info.port}/{conn.info.dbname}", version_id)
    if key not in _known:
        row = await (await conn.execute(Q.body, {"id": version_id})).fetchone()
        if row is None:
            raise NoPolicyError(f"policy version {version_id} is missing: restore table policy_version from a backup")
        if len(_known) >= CACHE_LIMIT:
            _known.clear()
        _known[key] = canary.with_rules(published(row[0]))
    return _known[key]


async def publish(
    conn: Connection,
    text: str,
    by: int | None = None,
    *,
    name: str = "",
    comment: str = "",
    forced: Sequence[tuple[int, str, str]] = (),
    restored: int | None = None,
) -> int:
    """Make a text the policy of incidents that open from now on; the open ones keep theirs.

    The people there are may speak against it all the same: `hub.policies` asks them first.

    Raises:
        alerts.policy.PolicyError: The text has a fault; nothing changes.
    """
    check(text, await rosters(conn))
    values = {"sha256": _digest(text), "body": text, "by": by, "name": name, "comment": comment,
              "forced": Jsonb(list(forced)), "restored": restored}  # fmt: skip
    async with conn.transaction():
        await conn.execute(Q.alone)
        row = await (await conn.execute(Q.publish, values)).fetchone()
    assert row is not None
    return int(row[0])


async def ensure(conn: Connection) -> int:
    """Return the active version; where none was ever published, the standard policy becomes it."""
    text = standard()
    await conn.execute(Q.first, {"sha256": _digest(text), "body": text})
    found = await active(conn)
    if found is None:
        raise NoPolicyError("no policy is active yet: publish one with `carehub policy publish FILE`")
    return found


async def active(conn: Connection) -> int | None:
    """Return the version new incidents get, if any was ever published."""
    row = await (await conn.execute(Q.active)).fetchone()
    return None if row is None else int(row[0])


async def history(conn: Connection, limit: int = HISTORY_LIMIT) -> list[Edition]:
    """Return what was published, newest first."""
    rows = await (await conn.execute(Q.history, {"id": None, "limit": limit})).fetchall()
    return [_edition(row) for row in rows]


async def edition(conn: Connection, number: int) -> Edition:
    """Return one version with who published it.

    Raises:
        NoPolicyError: There is none of this number.
    """
    row = await (await conn.execute(Q.history, {"id": number, "limit": 1})).fetchone()
    if row is None:
        raise NoPolicyError(f"there is no policy version {number}: see `carehub policy history`")
    return _edition(row)


def _edition(row: Sequence[Any]) -> Edition:
    number, text, at, name, comment, forced, restored, is_active, open_ = row
    return Edition(
        version=number, text=text, published_at=at, published_as=name, comment=comment, restored=restored,
        active=is_active, open=open_, forced=tuple((line, zh, en) for line, zh, en in forced),
    )  # fmt: skip


async def before(conn: Connection, number: int) -> tuple[int, str] | None:
    """Return number and text of the version that was active before this one."""
    row = await (await conn.execute(Q.before, {"id": number})).fetchone()
    return None if row is None else (int(row[0]), str(row[1]))


async def staff(conn: Connection) -> Staff:
    """Return everybody who may be called, and who is on duty in the coming days."""
    now = await hub_now(conn)
    rows = await (await conn.execute(Q.people)).fetchall()
    lists = await duty_lists.lists_of(conn, now, now + AHEAD)
    planned = Lists(shifts=lists.shifts, overrides=lists.overrides)
    return Staff(
        now=now,
        people={n: Person(name=name, role=Role(role), area=area, reachable=can) for n, name, role, area, can in rows},
        duty=duty.spans(planned, now, now + AHEAD),
        areas=frozenset(r[0] for r in await (await conn.execute(Q.areas)).fetchall()) or frozenset({""}),
    )


async def residents(
    conn: Connection, *, number: int | None = None, name: str | None = None, limit: int = RESIDENTS_LIMIT
) -> list[Home]:
    """Return residents by number or name, or all, so many at most."""
    rows = await (await conn.execute(Q.residents, {"id": number, "name": name, "limit": limit})).fetchall()
    return [Home(resident_id=n, name=name, area=area, address=address) for n, name, area, address in rows]


async def supervisor(conn: Connection, login: str) -> tuple[int, str] | None:
    """Return number and name of the supervisor with this account."""
    row = await (await conn.execute(Q.supervisor, {"login": login})).fetchone()
    return None if row is None else (int(row[0]), str(row[1]))


async def names(conn: Connection, people: Sequence[int]) -> dict[int, str]:
    rows = await (await conn.execute(Q.names, {"people": list(people)})).fetchall()
    return {number: name for number, name in rows}  # noqa: C416 - rows are tuples of any length to the checker


def standard() -> str:
    """Return the policy a new hub starts with."""
    return (resources.files("alerts") / "default_policy.toml").read_text(encoding="utf-8")


def published(text: str) -> PolicySet:
    """Read a text that was checked when it was published; duty lists gone since must not silence an incident."""
    return policy.load(text, rosters=named_rosters(text), calendar=china())


def check(text: str, rosters: tuple[str, ...]) -> PolicySet:
    """Read a text as a policy to be published.

    Raises:
        alerts.policy.PolicyError: The line and what is wrong there.
    """
    # Here and not where a published version is read: what is in force must never be refused.
    long = [number for number, line in enumerate(text.split("\n"), 1) if len(line) > LONGEST_LINE]
    if long:
        raise PolicyError([Fault(line=number, code="long_line", facts={"most": LONGEST_LINE}) for number in long])
    return policy.load(text, channels=CHANNEL_NAMES, rosters=rosters, calendar=china())


async def rosters(conn: Connection) -> tuple[str, ...]:
    """Return the names of the duty lists there are, or have anybody on them."""
    return tuple(row[0] for row in await (await conn.execute(Q.rosters)).fetchall())


def named_rosters(text: str) -> tuple[str, ...]:
    """Return the duty lists a policy text asks for, whatever else is wrong with it."""
    try:
        return tuple(sorted(_values(tomllib.loads(text), "roster")))
    except (ValueError, RecursionError):
        return ()


def _values(table: Any, key: str) -> set[str]:
    if isinstance(table, dict):
        here = {table[key]} if isinstance(table.get(key), str) else set()
        return here.union(*(_values(value, key) for value in table.values()))
    return set().union(*(_values(value, key) for value in table)) if isinstance(table, list) else set()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
