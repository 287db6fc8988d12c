"""What a family may know: whose family, with whose consent, what happens now, who comes, how earlier calls ended."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from hub.store.console import Row, row, rows
from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("family")
HEALTH = "family_health"  # of a consent's scope: what her devices measure may be shown to her family
FAMILY = "family"  # a scope that names anything else leaves the family out; an empty one covers what its text says
RESIDENTS = 8  # of one family member
LINES = 60
HISTORY, HISTORY_DAYS = 40, 180
ABSENCES = 12  # of one resident, to come


class Consent(StrEnum):
    """What her last word means for her family."""

    GIVEN = "given"
    REFUSED = "no_consent"  # also: given, and not for her family
    TAKEN_BACK = "taken_back"
    NEVER_ASKED = "never_asked"


@dataclass(frozen=True, kw_only=True)
class Relative:
    """A resident, as one of her family may see her; without consent only her name and how to reach her."""

    id: int
    name: str
    phone: str
    relation: str
    contact: bool | None  # whether he has said that he is her contact
    consent: Consent
    health: bool = False
    cases: tuple[Row, ...] = ()
    devices: tuple[Row, ...] = ()
    absences: tuple[Row, ...] = ()


async def relatives(conn: Connection, person_id: int) -> tuple[Relative, ...]:
    """Return whom this person is family of. Nothing is read of whoever has not consented."""
    found = [await _relative(conn, r) for r in await rows(conn, Q.residents, person=person_id, limit=RESIDENTS)]
    seen = [r.id for r in found if r.consent is Consent.GIVEN]
    about: dict[str, Any] = {"residents": seen, "limit": LINES}
    cases = await rows(conn, Q.open, **about)
    devices = await rows(conn, Q.devices, **about, health=[r.id for r in found if r.health])
    absences = await rows(conn, Q.absences, **about, me=f"person:{person_id}")
    return tuple(replace(r, cases=_of(cases, r), devices=_of(devices, r), absences=_of(absences, r)) for r in found)


async def _relative(conn: Connection, found: Row) -> Relative:
    given, scope = found.pop("given"), found.pop("scope") or []
    found.pop("consent_at")
    word = Consent.NEVER_ASKED
    if given is not None:
        word = Consent.GIVEN if given and (not scope or FAMILY in scope or HEALTH in scope) else Consent.REFUSED
    if given is False and await _was_given(conn, found["id"]):
        word = Consent.TAKEN_BACK
    return Relative(**found, consent=word, health=word is Consent.GIVEN and HEALTH in scope)


async def _was_given(conn: Connection, resident_id: int) -> bool:
    found = await row(conn, Q.was_given, resident=resident_id)
    return bool(found and found["there"])


def _of(found: Collection[Row], relative: Relative) -> tuple[Row, ...]:
    return tuple(one for one in found if one["resident_id"] == relative.id)


async def history(conn: Connection, resident_id: int) -> list[Row]:
    """Return how her calls ended, the last first. The caller has seen her consent."""
    return await rows(conn, Q.history, resident=resident_id, days=HISTORY_DAYS, limit=HISTORY)


async def say_contact(conn: Connection, resident_id: int, person_id: int, *, yes: bool) -> None:
    await conn.execute(Q.say_contact, {"resident": resident_id, "person": person_id, "yes": yes})


async def night(conn: Connection, person_id: int) -> tuple[int, int] | None:
    """Return a person's quiet hours, in minutes of the local day."""
    found = await row(conn, Q.night, person=person_id)
    return None if found is None else (int(found["from_min"]), int(found["until_min"]))


async def set_night(conn: Connection, person_id: int, hours: tuple[int, int] | None, zone: str) -> None:
    """Keep a person's quiet hours, or none."""
    if hours is None:
        await conn.execute(Q.no_night, {"person": person_id})
    else:
        await conn.execute(Q.set_night, {"person": person_id, "from": hours[0], "until": hours[1], "zone": zone})


def version(found: Collection[Relative]) -> str:
    """Return what changes when what is shown changes: cases, people on the way, consent; not a heartbeat."""
    parts: list[Any] = []
    for one in found:
        parts.append((one.id, str(one.consent), [(d["id"], d["worn"]) for d in one.devices]))
        parts += [
            (c["id"], c["state"], c["handler"], c["responder"], c["handed_to"], c["services"], c["arrived"])
            for c in one.cases
        ]
        parts += [(a["id"], _stamp(a["begins_at"]), _stamp(a["ends_at"])) for a in one.absences]
    return repr(parts)


def _stamp(at: datetime) -> float:
    return at.timestamp()
