"""Everybody who is registered, as an administrator reads them: who is called for whom, how, and who is on duty."""

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from alerts.model import Role
from hub.commands.tables import table
from hub.store.register import PersonRow, ResidentRow
from hub.web.auth import CONSOLE_ROLES, INSTALLER

ANY_HOUR = frozenset({Role.FAMILY, Role.AMBULANCE})  # are called on duty or not
UNSAID = frozenset({"app", "console"})  # channels that take no address


def as_tables(residents: Sequence[ResidentRow], people: Sequence[PersonRow], zone: ZoneInfo) -> str:
    """Return two tables, the second with times in this zone."""
    homes = [(r.id, r.name, r.area, r.address, _each(map(_near, r.circle)) or "nobody of her own") for r in residents]
    persons = [
        (p.id, p.name, p.role, p.area, _reached(p), _each(one["name"] for one in p.called_for), _duty(p, zone))
        for p in people
    ]  # fmt: skip
    return "\n".join((
        "residents", table(("no.", "name", "area", "address", "called for her, in this order"), homes), "",
        "people", table(("no.", "name", "role", "area", "reached by", "called for", f"duty ({zone})"), persons),
    ))  # fmt: skip


def as_json(residents: Sequence[ResidentRow], people: Sequence[PersonRow], _: ZoneInfo) -> str:
    """Return one object on one line, addresses in full, times in UTC."""
    found: Mapping[str, Sequence[Any]] = {"residents": residents, "people": people}
    plain = {title: [dataclasses.asdict(row) for row in rows] for title, rows in found.items()}
    return json.dumps(plain, ensure_ascii=False, default=datetime.isoformat)


def _near(one: Mapping[str, Any]) -> str:
    away = "" if one["minutes"] is None else f"{one['minutes']:g} min"
    told = _each(filter(None, (one["relation"], away)))
    return f"{one['name']} ({told})" if told else str(one["name"])


def _reached(person: PersonRow) -> str:
    """Channels with addresses; of a URL only whose it is, because the rest may be a secret."""
    told = []
    for contact in person.contacts:
        channel, address = contact["channel"], contact["address"]
        address = urlsplit(address).netloc if channel == "webhook" else "" if channel in UNSAID else address
        told.append(f"{channel} {address}".strip())
    return _each(told) or "NOTHING"


def _duty(person: PersonRow, zone: ZoneInfo) -> str:
    if person.role in ANY_HOUR or (person.role == Role.NEIGHBOUR and not person.keeps_hours):
        return "any hour"
    if person.on_duty:
        lists = _each(filter(None, person.lists))
        until = f" until {person.until.astimezone(zone):%m-%d %H:%M}" if person.until else ""
        return f"on{until}" + (f" ({lists})" if lists else "")
    if person.next_shift is not None:
        return f"from {person.next_shift.astimezone(zone):%m-%d %H:%M}"
    if person.role == INSTALLER:
        return "installs"
    return "while signed in" if person.role in CONSOLE_ROLES else "NEVER"


def _each(words: Iterable[str]) -> str:
    return ", ".join(words)
