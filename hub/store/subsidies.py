"""Evidence for subsidies, per resident: eligible by which papers, bought, worn, used, tested, and what is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from hub.errors import HubError
from hub.store.console import Row, row, rows
from hub.store.pool import Connection
from hub.store.sql import queries
from hub.subsidies import BY_KEY, FACTS, WORN_MIN, Bought, Condition, Scheme, Verdict, allowances, verdict

Q = queries("subsidies")
SHOWN = 300
LIST_MOST = 20_001  # of an export


class EvidenceRefusedError(HubError):
    """Something that cannot be entered so; `code` is a word of the page."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Period:
    """Of which days worn, used and tested are told."""

    since: datetime
    until: datetime
    first_day: date
    last_day: date


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thing bought, and what it is subsidised with."""

    about: Row
    paid_fen: int


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What stands behind one resident's claim under one scheme."""

    resident: Row
    scheme: Scheme
    facts: Mapping[str, str]
    verdict: Verdict
    conditions: Sequence[tuple[Condition, Verdict]]
    items: Sequence[Item] = ()
    worn_days: int = 0
    calls: int = 0
    answered: int = 0
    tests: int = 0
    last_test: datetime | None = None
    devices: int = 0
    missing: Sequence[str] = field(default_factory=tuple)  # words of the page

    @property
    def price_fen(self) -> int:
        return sum(int(item.about["price_fen"]) for item in self.items)

    @property
    def paid_fen(self) -> int:
        return sum(item.paid_fen for item in self.items)


async def evidence(
    conn: Connection, scheme: Scheme, period: Period, *, area: str | None = None, resident: int | None = None,
    limit: int = SHOWN,
) -> list[Evidence]:  # fmt: skip
    """Return the evidence of residents for one scheme."""
    people = await rows(conn, Q.residents, area=area, resident=resident, limit=limit)
    who = {"residents": [one["id"] for one in people]}
    time = {"since": period.since, "until": period.until}
    facts = _by_resident(await rows(conn, Q.facts, **who))
    bought = _by_resident(await rows(conn, Q.purchases, **who))
    days = {"first_day": period.first_day, "last_day": period.last_day, "worn_min": WORN_MIN}
    worn = _one_each(await rows(conn, Q.worn, **who, **days))
    used = _one_each(await rows(conn, Q.used, **who, **time))
    tested = _one_each(await rows(conn, Q.tested, **who, **time))
    devices = _one_each(await rows(conn, Q.devices, **who))
    found = []
    for person in people:
        number = person["id"]
        known = _facts(person, facts.get(number, ()), period.last_day)
        items = _items(scheme, bought.get(number, ()))
        told = Evidence(
            resident=person, scheme=scheme, facts=known, verdict=verdict(scheme, known),
            conditions=[(one, one.met(known)) for one in scheme.conditions], items=items,
            worn_days=worn.get(number, {}).get("days", 0), calls=used.get(number, {}).get("calls", 0),
            answered=used.get(number, {}).get("answered", 0), tests=tested.get(number, {}).get("presses", 0),
            last_test=tested.get(number, {}).get("last_at"), devices=devices.get(number, {}).get("n", 0),
        )  # fmt: skip
        found.append(Evidence(**{**vars(told), "missing": tuple(missing(told))}))
    return found


def missing(told: Evidence) -> list[str]:
    """Return what is not there, as words of the page."""
    lacks = [f"paper.{one.fact}" for one, met in told.conditions if met is Verdict.UNKNOWN]
    if told.scheme.by_item:
        lacks += ["purchase"] if not told.items else []
        lacks += ["invoice"] if any(not item.about["invoice"] for item in told.items) else []
    if told.scheme.used:
        lacks += [name for name, there in (
            ("device", told.devices), ("worn", told.worn_days), ("tested", told.tests),
        ) if not there]  # fmt: skip
    return lacks


def _facts(person: Row, papers: Sequence[Row], today: date) -> dict[str, str]:
    """Return what conditions may ask: age and ability from the register, the rest from papers that still hold."""
    known = {one["fact"]: one["value"] for one in papers if one["valid_until"] is None or one["valid_until"] >= today}
    if person["born"] is not None:
        born: date = person["born"]
        known["age"] = str(today.year - born.year - ((today.month, today.day) < (born.month, born.day)))
    if person["ability"]:
        known["ability"] = person["ability"]
    return known


def _items(scheme: Scheme, bought: Sequence[Row]) -> list[Item]:
    mine = [one for one in bought if one["scheme"] == scheme.key and one["voided_at"] is None]
    paid = allowances([Bought(price_fen=one["price_fen"], invoiced=bool(one["invoice"])) for one in mine])
    return [Item(about=one, paid_fen=fen if scheme.by_item else 0) for one, fen in zip(mine, paid, strict=True)]


def _by_resident(found: Sequence[Row]) -> dict[int, list[Row]]:
    by: dict[int, list[Row]] = {}
    for one in found:
        by.setdefault(one["resident_id"], []).append(one)
    return by


def _one_each(found: Sequence[Row]) -> dict[int, Row]:
    return {one["resident_id"]: one for one in found}


async def keep_fact(
    conn: Connection, resident: int, fact: str, value: str, *, document: str, valid_until: date | None, by: str
) -> bool:
    """Keep what a paper says; False when there is no such resident.

    Raises:
        EvidenceRefusedError: An unknown fact, or no paper that says so.
    """
    if fact not in FACTS:
        raise EvidenceRefusedError("fact", f"no fact {fact!r}; there are {', '.join(FACTS)}")
    if not value or not document:
        raise EvidenceRefusedError("document", "say what the paper says, and which paper it is")
    values = {"resident": resident, "fact": fact, "value": value, "document": document, "valid_until": valid_until}
    return await row(conn, Q.keep_fact, **values, by=by) is not None


async def keep_purchase(conn: Connection, by: str, **said: Any) -> int | None:
    """Keep what was bought; None when there is no such resident, or this item of this invoice is there.

    Raises:
        EvidenceRefusedError: An unknown scheme, no item, or no price.
    """
    if said["scheme"] not in BY_KEY:
        raise EvidenceRefusedError("scheme", f"no scheme {said['scheme']!r}; there are {', '.join(BY_KEY)}")
    if not said["item"] or not 0 < said["price_fen"] <= 100_000_000:
        raise EvidenceRefusedError("price", "say what was bought and for how much, at most 1,000,000 yuan")
    found = await row(conn, Q.keep_purchase, **said, by=by)
    return None if found is None else int(found["id"])


async def void(conn: Connection, purchase: int, by: str) -> int | None:
    """Take a purchase out of the count; it stays to be read. Returns whose it was."""
    found = await row(conn, Q.void, purchase=purchase, by=by)
    return None if found is None else int(found["resident_id"])
