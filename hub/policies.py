"""What an administrator does with policies, from the command line or the console: check, play, publish, put back."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from alerts import dry_run, policy_check
from alerts.dry_run import DryRun
from alerts.model import AlertKind, Role, Roster
from alerts.policy import DEFAULT_ZONE, PolicyError, PolicySet
from alerts.policy_check import NOTES
from alerts.policy_faults import Fault
from alerts.values import replace
from hub.errors import HubError
from hub.store import people
from hub.store import policies as store
from hub.store.policies import Edition, Home
from hub.store.pool import Connection, hub_now
from hub.store.sql import as_number

OF_OUR_YEARS = (2000, 2200)  # a dry run is of one of these: at the edge of all time no zone reaches


class DoubtfulPolicyError(HubError):
    """Nothing is wrong with the text, but the people and duty lists there are speak against it. `doubts` say how."""

    def __init__(self, doubts: tuple[Fault, ...]) -> None:
        super().__init__("people or duty lists speak against this policy: see to them, or publish it with --force")
        self.doubts = doubts


class NotPublishedError(HubError):
    """Publishing makes no sense as things stand. `code`: same_text, stale."""

    def __init__(self, code: str, reason: str, version: int) -> None:
        super().__init__(reason)
        self.code = code
        self.version = version


class WhenError(HubError):
    """A dry run is for a moment of our years, and this is none."""


class WhoError(HubError):
    """A dry run is for one resident, and this names none or several."""

    def __init__(self, reason: str, found: tuple[Home, ...] = ()) -> None:
        super().__init__(reason)
        self.found = found


@dataclass(frozen=True, kw_only=True)
class Review:
    """What was found in a text. `policies` is None when it has a fault; without a database there are no doubts."""

    policies: PolicySet | None
    faults: tuple[Fault, ...] = ()  # it cannot be published
    doubts: tuple[Fault, ...] = ()  # it should not be, as people and duty lists are now
    notes: tuple[Fault, ...] = ()  # worth knowing
    asked_people: bool = False  # whether the database was asked

    @property
    def sound(self) -> bool:
        return not self.faults and not self.doubts


@dataclass(frozen=True, kw_only=True)
class Publisher:
    """Who publishes: a person of the console, or a program in somebody's name."""

    name: str
    person_id: int | None = None


async def review(conn: Connection | None, text: str) -> Review:
    """Find everything that is wrong with a text; with a connection, against the people and duty lists there are."""
    rosters = store.named_rosters(text) if conn is None else await store.rosters(conn)
    try:
        policies = store.check(text, rosters)
    except PolicyError as error:
        return Review(policies=None, faults=error.faults, asked_people=conn is not None)
    if conn is None:
        return Review(policies=policies)
    found = policy_check.doubts(text, policies, await store.staff(conn))
    return Review(
        policies=policies,
        doubts=tuple(f for f in found if f.code not in NOTES),
        notes=tuple(f for f in found if f.code in NOTES),
        asked_people=True,
    )


async def publish(
    conn: Connection,
    text: str,
    by: Publisher,
    *,
    comment: str = "",
    force: bool = False,
    base: int | None = None,
    restored: int | None = None,
) -> int:
    """Make a text the policy of incidents that open from now on; returns its version.

    Args:
        conn: an autocommit connection.
        text: the policy in TOML.
        by: who publishes.
        comment: why.
        force: publish in spite of doubts; they are written down with it.
        base: the version the text was edited from: somebody else's work in between is not undone unseen.
        restored: the version whose text this is.

    Raises:
        PolicyError: The text has faults.
        DoubtfulPolicyError: People or duty lists speak against it, and it was not forced.
        NotPublishedError: The text is active already, or another was published meanwhile.
    """
    async with conn.transaction():
        await conn.execute(store.Q.alone)
        active = await store.active(conn)
        if base is not None and active is not None and base != active:
            raise NotPublishedError("stale", f"version {active} was published meanwhile: look at it first", active)
        if active is not None and (await store.edition(conn, active)).text == text:
            raise NotPublishedError("same_text", f"version {active} is active and has this very text", active)
        found = await review(conn, text)
        if found.faults:
            raise PolicyError(found.faults)
        if found.doubts and not force:
            raise DoubtfulPolicyError(found.doubts)
        return await store.publish(
            conn, text, by.person_id, name=by.name, comment=comment, restored=restored,
            forced=[(doubt.line, doubt.words("zh"), doubt.words("en")) for doubt in found.doubts],
        )  # fmt: skip


async def rollback(conn: Connection, number: int, by: Publisher, *, comment: str = "", force: bool = False) -> int:
    """Publish the text of an old version again, as a new one. Raises what `publish` raises."""
    old = await store.edition(conn, number)
    return await publish(conn, old.text, by, comment=comment, force=force, restored=number)


async def change(conn: Connection, edition: Edition) -> str:
    """Return what a version changed, as a unified diff against the one active before it; empty for the first."""
    earlier = await store.before(conn, edition.version)
    return (
        "" if earlier is None else diff(earlier[1], edition.text, f"version {earlier[0]}", f"version {edition.version}")
    )


def diff(old: str, new: str, old_name: str, new_name: str) -> str:
    """Return a unified diff of two texts."""
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), old_name, new_name, lineterm="")
    return "\n".join(lines)


async def play(
    conn: Connection, policies: PolicySet | None, resident: str, at: datetime | None, kind: AlertKind
) -> tuple[DryRun, Mapping[int, str], Home]:
    """Play an alert of a resident in a transaction that cannot write; nobody is called.

    Args:
        conn: an autocommit connection.
        policies: what to play; None: the active version.
        resident: number or name.
        at: when; without a zone it is the wall time of the policies; None: now.
        kind: what is found.

    Returns:
        The run, the names of everybody in it, and the resident.

    Raises:
        WhoError: No resident of this name or number, or several.
        WhenError: It is at the edge of all time, where no zone reaches and no step can follow.
    """
    async with conn.transaction():
        await conn.execute("set transaction read only, isolation level repeatable read")
        home = await whose(conn, resident)
        if policies is None:
            policies = await current(conn)
        start = await hub_now(conn) if at is None else _moment(at, policies)
        alert = dry_run.imagined(kind, start, resident_id=home.resident_id, area=home.area)
        rehearsal = dry_run.rehearsal(alert, policies, start)
        moment, everybody = next(rehearsal), set[int]()
        here = await _signed_in(conn, home.resident_id) if at is None else frozenset()
        while True:
            roster = _with(here, await people.roster_at(conn, home.resident_id, moment))
            everybody |= {r.person_id for r in roster.responders}
            try:
                moment = rehearsal.send(roster)
            except StopIteration as over:
                run: DryRun = over.value
                break
        return run, await store.names(conn, sorted(everybody)), home


async def current(conn: Connection) -> PolicySet:
    """Return the policies new incidents get: the active version, or what a fresh hub begins with."""
    return store.published((await current_text(conn))[0])


async def current_text(conn: Connection) -> tuple[str, int | None]:
    """Return the text new incidents run by, and its version."""
    number = await store.active(conn)
    return (store.standard(), None) if number is None else ((await store.edition(conn, number)).text, number)


async def whose(conn: Connection, resident: str) -> Home:
    """Return the one resident of this number or name.

    Raises:
        WhoError: There is none, or there are several.
    """
    said = resident.strip()
    number = as_number(said)
    found = await store.residents(conn, number=number, name=None if number is not None else said, limit=20)
    if not found:
        raise WhoError(
            f"there is no resident {said!r}: give her number or her whole name, as `carehub people list` shows them"
        )
    if len(found) > 1:
        numbers = ", ".join(f"{h.resident_id} ({h.address})" for h in found)
        raise WhoError(f"several residents are called {said!r}: give the number, one of {numbers}", tuple(found))
    return found[0]


async def _signed_in(conn: Connection, resident_id: int) -> frozenset[int]:
    """Return the operators who are at a console now: in a rehearsal of now they stay there for its few minutes."""
    values = {"resident": resident_id, "area": "", "incident": None, "at": None, "signed_in": people.SIGNED_IN}
    now = people.roster(await (await conn.execute(people.Q.roster, values)).fetchall())
    return frozenset(r.person_id for r in now.responders if r.role is Role.OPERATOR and r.on_duty)


def _with(here: frozenset[int], roster: Roster) -> Roster:
    if not here:
        return roster
    return Roster(responders=tuple(
        replace(r, on_duty=True) if r.role is Role.OPERATOR and r.person_id in here else r for r in roster.responders
    ))  # fmt: skip


def _moment(at: datetime, policies: PolicySet) -> datetime:
    first, last = OF_OUR_YEARS
    if not first <= at.year <= last:
        raise WhenError(f"nothing is played in the year {at.year}: give a time of the years {first} to {last}")
    if at.tzinfo is not None:
        return at.astimezone(UTC)
    zone = next((policy.zone for policy in policies), DEFAULT_ZONE)
    return at.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
