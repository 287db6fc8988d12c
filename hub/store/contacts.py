"""Consent and contacts: what a resident has agreed to, and which of her people have said that they are hers."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hub.store.console import Row, row, rows
from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("contacts")
TEXT_VERSION = "2026-11b"  # of install.consent_text; another wording is another version
WRITES = ("app", "webhook", "email")  # carry free words and a link; the others have templates, or no words at all
MOST = 12  # contacts of one resident that are shown
ASKED_LASTS = timedelta(days=7)  # a link that old asks nobody any more
DOUBTFUL_DAYS, DOUBTFUL = 30, 50
SAID_BY = ("herself", "relative", "guardian")
# What the text names, and what is asked beside it. An empty scope is the text alone.
WITH_FAMILY_HEALTH = ("rescue", "health", "location", "family", "family_health")
CONSENTS = 50  # words about one resident's data that are shown


@dataclass(frozen=True, kw_only=True)
class Consent:
    """What was said after the text was read aloud."""

    id: int
    given: bool
    said_by: str  # herself, relative, guardian
    read_by: str
    at: datetime
    family_health: bool = False  # her family may see what her devices measure


@dataclass(frozen=True, kw_only=True)
class Contact:
    """One of her people. `confirmed` is None until he answers; `by_link`: he did so himself."""

    person_id: int
    relation: str
    role: str
    name: str
    channel: str  # the first of his ways that carries a question; empty: none does
    asked_at: datetime | None = None
    sent_at: datetime | None = None
    failed: str = ""
    confirmed: bool | None = None
    by_link: bool = False


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question on its way to a contact."""

    id: int
    person_id: int
    role: str
    name: str  # of the resident
    relation: str
    language: str
    tries: int
    ways: tuple[tuple[str, str], ...]  # channel and address, the nearest first
    now: datetime


async def consent(conn: Connection, resident_id: int) -> Consent | None:
    """Return the last word about her data; None: nobody has asked."""
    found = await row(conn, Q.consent, resident=resident_id)
    return Consent(**found) if found else None


async def consented(
    conn: Connection, resident_id: int, *, given: bool, said_by: str, read_by: int, language: str,
    family_health: bool = False,
) -> int:  # fmt: skip
    """Write down what was said, and return its number. `family_health`: her family may see what her devices measure."""
    values = {"resident": resident_id, "given": given, "said_by": said_by, "read_by": read_by, "language": language,
              "scope": list(WITH_FAMILY_HEALTH) if given and family_health else []}  # fmt: skip
    made = await row(conn, Q.add_consent, **values, version=TEXT_VERSION)
    assert made is not None
    return int(made["id"])


async def consents(conn: Connection, resident_id: int) -> tuple[Consent, ...]:
    """Return everything that was said about her data, the last first."""
    return tuple(Consent(**r) for r in await rows(conn, Q.consents, resident=resident_id, limit=CONSENTS))


async def devices_in_hand(conn: Connection, resident_id: int) -> list[Row]:
    """Return her devices that are in use, or on their way to it: id, address, state."""
    return await rows(conn, Q.devices_in_hand, resident=resident_id)


async def of(conn: Connection, resident_id: int) -> tuple[Contact, ...]:
    """Return her people, the nearest first, and what each has answered."""
    return tuple(
        Contact(**r) for r in await rows(conn, Q.contacts, resident=resident_id, writes=list(WRITES), limit=MOST)
    )


async def ask(conn: Connection, resident_id: int, person_id: int, actor: str) -> bool:
    """Have the question sent; False: he is none of her people, or is being asked already."""
    return await row(conn, Q.ask, resident=resident_id, person=person_id, actor=actor) is not None


async def vouch(conn: Connection, resident_id: int, person_id: int, actor: str) -> bool:
    """He has said so face to face or by telephone: it is `actor`'s word. False: he is none of her people."""
    return await row(conn, Q.vouch, resident=resident_id, person=person_id, actor=actor) is not None


async def question(conn: Connection, number: int) -> Row | None:
    """Return what a link asks: resident, relation, language, answer; None: it is over, or he is no contact any more."""
    return await row(conn, Q.question, id=number)


async def answer(conn: Connection, number: int, *, yes: bool) -> None:
    """He has answered. Said again, or otherwise, the last word counts."""
    await conn.execute(Q.answer, {"id": number, "yes": yes})


async def next_question(conn: Connection, again_s: float) -> Question | None:
    """Return a question that is due, and put it off: whoever dies with it leaves it to the next."""
    found = await row(conn, Q.next_question, writes=list(WRITES), again_s=again_s)
    if found is None:
        return None
    ways: list[Any] = found.pop("ways") or []
    return Question(**found, ways=tuple((str(channel), str(address)) for channel, address in ways))


async def sent(conn: Connection, number: int, channel: str) -> None:
    """One of his ways took it."""
    await conn.execute(Q.sent, {"id": number, "channel": channel})


async def given_up(conn: Connection, number: int, why: str) -> None:
    """No way of his takes it: the installer is told."""
    await conn.execute(Q.given_up, {"id": number, "why": why[:200]})


async def doubtful(conn: Connection, enough: int) -> list[Row]:
    """Return residents left lately with fewer confirmed contacts than enough: id, name, area, confirmed, people."""
    return await rows(conn, Q.doubtful, enough=enough, days=DOUBTFUL_DAYS, limit=DOUBTFUL)


async def taken_back(conn: Connection) -> list[Row]:
    """Return residents with a device in use whose last word was no: id, name, area, said_by, read_by, at.

    Their buttons ring on: nobody is left without help by a word on the telephone. The centre speaks with her, and
    retires the devices or writes down another yes.
    """
    return await rows(conn, Q.taken_back, limit=DOUBTFUL)


async def declined(conn: Connection) -> list[Row]:
    """Return people of a circle whose last answer was that they are no contact, until the circle changes or he does.

    resident_id, name, area, person_id, person, phone, role, relation, at.
    """
    return await rows(conn, Q.declined, limit=DOUBTFUL)
