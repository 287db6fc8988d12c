"""Registers a town in bulk: two thousand homes in seconds. Everything stands as if installed and tested."""

import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

from alerts.policy import PolicyError
from hub import passwords, sealed
from hub.simulated.formats import (
    AccountKey,
    DeviceKey,
    GatewayKey,
    Person,
    PersonKey,
    ResidentKey,
    Shift,
    Town,
    TownError,
)
from hub.store import policies
from hub.store.hot import json
from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("simulated")
AT_ONCE = 2_000  # rows of one statement
ALWAYS_ASKED = ("family", "neighbour")  # they have no shifts
LONGER = timedelta(days=30)  # whoever is on duty at any hour is so beyond the town's end
AFTERWARDS_DAYS = 3  # what is open at the end is worked by those on duty then
KINDS = {"ambulance": "medical", "village_doctor": "medical", "county_centre": "county_centre", "property": "property",
         "third_party": "third_party"}  # fmt: skip


@dataclass
class Registered:
    """Everybody's numbers and secrets, as joined.json tells them."""

    residents: list[ResidentKey] = field(default_factory=list)
    devices: list[DeviceKey] = field(default_factory=list)
    gateways: list[GatewayKey] = field(default_factory=list)
    people: list[PersonKey] = field(default_factory=list)
    accounts: list[AccountKey] = field(default_factory=list)


async def provision(conn: Connection, town: Town, receiver: str) -> Registered:
    """Register everybody and everything of a town, and publish its policy.

    Args:
        conn: to a migrated database in which nobody is registered, its clock at the town's begin.
        town: who lives there.
        receiver: what webhooks' addresses begin with.

    Raises:
        TownError: The town contradicts itself, or its policy has a fault.
    """
    made = Registered()
    async with conn.transaction():
        await conn.execute(Q.areas, {"names": [one.name for one in town.communities]})
        people = await _people(conn, town, made, receiver)
        residents = await _residents(conn, town, made)
        await _circles(conn, town, residents, people)
        await _devices(conn, town, made, residents)
        policy = town.policy or (resources.files("hub.simulated") / "policy.toml").read_text(encoding="utf-8")
        try:
            await policies.publish(conn, policy, name="town", comment=town.title)
        except PolicyError as err:
            raise TownError(f"the town's policy: {err}") from err
    return made


async def _people(conn: Connection, town: Town, made: Registered, receiver: str) -> dict[str, int]:
    houses = {one.organisation: (KINDS.get(one.role, "community"), one.area) for one in town.people if one.organisation}
    rows = [{"name": name, "kind": kind, "area": area} for name, (kind, area) in houses.items()]
    organisations: dict[str, int] = dict(await (await conn.execute(Q.organisations, {"rows": json(rows)})).fetchall())
    numbers = await _numbered(conn, Q.people, [
        {"name": one.name, "role": one.role, "area": one.area, "phone": one.phone, "lat": one.lat, "lon": one.lon,
         "organisation": organisations.get(one.organisation)} for one in town.people
    ])  # fmt: skip
    known = _by_key("person", [one.key for one in town.people], numbers)
    contacts, credentials = [], []
    for one, number in zip(town.people, numbers, strict=True):
        key, ways, credential = _reached(one, number, receiver)
        made.people.append(key)
        contacts += ways
        credentials += credential
    desk = await _desk(conn, town, made)
    contacts += [{"person": each, "channel": "console", "address": str(each), "position": 0} for each in desk]
    await _written(conn, Q.contacts, contacts)
    await _written(conn, Q.credentials, credentials)
    on_duty = [(number, one.shift) for one, number in zip(town.people, numbers, strict=True)
               if one.role not in ALWAYS_ASKED]  # fmt: skip
    on_duty += [(number, one.shift) for number, one in zip(desk, town.operators, strict=True)]
    await _written(conn, Q.shifts, [row for number, shift in on_duty for row in _hours(town, number, shift)])
    return known


def _reached(
    one: Person, number: int, receiver: str
) -> tuple[PersonKey, list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Return where somebody's pages arrive: as the town is told, as contacts, and as a terminal's credential."""
    path = username = secret = prefix = ""
    ways: list[Mapping[str, Any]] = []
    credentials: list[Mapping[str, Any]] = []
    for position, channel in enumerate(one.channels):
        address = one.phone
        if channel == "webhook":
            path = f"/app/{number}"
            address = f"{receiver}{path}"
        elif channel == "mqtt":
            username, secret, prefix = f"responder-{number}", _secret(), f"carehub/responder/{number}/"
            address = f"{prefix}page"
            credentials.append(_credential(username, secret, "responder", prefix, person=number))
        ways.append({"person": number, "channel": channel, "address": address, "position": position})
    key = PersonKey(key=one.key, person=number, path=path, username=username, secret=secret, prefix=prefix)
    return key, ways, credentials


async def _desk(conn: Connection, town: Town, made: Registered) -> list[int]:
    """Whoever signs in. One password for all of a run: hashing is meant to be slow."""
    password = secrets.token_urlsafe(12)
    digest = passwords.hash_password(password)
    numbers = await _numbered(conn, Q.people, [
        {"name": one.name, "role": one.role, "area": "", "phone": "", "login": one.login, "password_hash": digest}
        for one in town.operators
    ])  # fmt: skip
    made.accounts += [
        AccountKey(key=one.key, person=number, role=one.role, login=one.login, password=password)
        for one, number in zip(town.operators, numbers, strict=True)
    ]
    return numbers


async def _residents(conn: Connection, town: Town, made: Registered) -> dict[str, int]:
    numbers = await _numbered(conn, Q.residents, [
        {"name": one.name, "born": one.born, "area": one.community, "address": one.address, "entrance": one.entrance,
         "language": one.language, "ability": one.ability, "risks": one.risks, "key_place": one.key_place,
         "phone": one.phone, "lat": one.lat, "lon": one.lon, "spo2_scale": one.spo2_scale}
        for one in town.residents
    ])  # fmt: skip
    made.residents += [
        ResidentKey(key=one.key, resident=number) for one, number in zip(town.residents, numbers, strict=True)
    ]
    await _written(conn, Q.door_codes, [
        {"id": number, "code": sealed.seal("resident.door_code", number, one.door_code)}
        for one, number in zip(town.residents, numbers, strict=True) if one.door_code
    ])  # fmt: skip
    return _by_key("resident", [one.key for one in town.residents], numbers)


async def _circles(conn: Connection, town: Town, residents: dict[str, int], people: dict[str, int]) -> None:
    rows = []
    for one in town.residents:
        for position, contact in enumerate(one.contacts):
            if contact.person not in people:
                raise TownError(f"resident {one.key} has a contact {contact.person!r} who is nobody in `people`")
            rows.append({
                "resident": residents[one.key], "person": people[contact.person], "relation": contact.relation,
                "position": position, "minutes_away": contact.minutes_away,
            })  # fmt: skip
    await _written(conn, Q.circles, rows)


async def _devices(conn: Connection, town: Town, made: Registered, residents: dict[str, int]) -> None:
    all_of_them = [(residents[one.key], device) for one in town.residents for device in one.devices]
    numbers = await _numbered(conn, Q.devices, [
        {"address": device.address, "adapter": device.adapter, "model": device.model, "resident": resident,
         "room": device.room, "deadline_s": device.deadline_s or None} for resident, device in all_of_them
    ])  # fmt: skip
    credentials = []
    for (_, device), number in zip(all_of_them, numbers, strict=True):
        if device.gateway or device.transport != "mqtt":
            made.devices.append(DeviceKey(address=device.address, device=number))
            continue
        scheme, _, native = device.address.partition(":")
        # What announces itself does so beside its own topics, in its home.
        own = native.rpartition("/")[0] if scheme == "ha" else native
        secret, prefix = _secret(), f"carehub/{own}/" if scheme == "carehub" else f"{own}/"
        made.devices.append(
            DeviceKey(address=device.address, device=number, username=native, secret=secret, prefix=prefix)
        )
        credentials.append(_credential(native, secret, "device", prefix, device=number))
    for gateway in town.gateways:
        key = GatewayKey(name=gateway.name, username=gateway.name, secret=_secret(), prefix=f"{gateway.base}/")
        made.gateways.append(key)
        credentials.append(_credential(key.username, key.secret, "gateway", key.prefix))
    await _written(conn, Q.credentials, credentials)


def _hours(town: Town, person: int, shift: Shift | None) -> Iterable[dict[str, Any]]:
    """Yield when somebody is on duty: always, or so many hours of every day there is."""
    if shift is None:
        yield {"person": person, "since": town.begins - timedelta(hours=1), "until": town.ends + LONGER}
        return
    zone = ZoneInfo(town.zone)
    first, last = town.begins.astimezone(zone).date(), town.ends.astimezone(zone).date()
    for day in range(-1, (last - first).days + 1 + AFTERWARDS_DAYS):
        midnight = datetime.combine(first + timedelta(days=day), time(), zone)
        since, until = midnight + _clock(shift.since), midnight + _clock(shift.until)
        yield {"person": person, "since": since, "until": until if until > since else until + timedelta(days=1)}


def _clock(words: str) -> timedelta:
    hours, _, minutes = words.partition(":")
    if not (hours.isdecimal() and minutes.isdecimal() and int(hours) * 60 + int(minutes) <= 24 * 60):
        raise TownError(f"{words!r} is no time of day; write 07:00, or 24:00 for the day's end")
    return timedelta(hours=int(hours), minutes=int(minutes))


def _by_key(what: str, keys: Sequence[str], numbers: Sequence[int]) -> dict[str, int]:
    known = dict(zip(keys, numbers, strict=True))
    if len(known) < len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise TownError(f"two of them have the {what} key {twice!r}")
    return known


def _credential(
    username: str, secret: str, kind: str, prefix: str, *, device: int | None = None, person: int | None = None
) -> dict[str, Any]:  # fmt: skip
    digest = hashlib.sha256(secret.encode()).hexdigest()
    return {"username": username, "digest": digest, "kind": kind, "prefix": prefix, "device": device, "person": person}


def _secret() -> str:
    return secrets.token_urlsafe(16)


async def _numbered(conn: Connection, query: bytes, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Insert rows in order; returns their numbers in that order."""
    numbers: list[int] = []
    for start in range(0, len(rows), AT_ONCE):
        some = [{"nr": nr, **row} for nr, row in enumerate(rows[start : start + AT_ONCE])]
        found = await (await conn.execute(query, {"rows": json(some)})).fetchall()
        numbers += sorted(int(row[0]) for row in found)
    return numbers


async def _written(conn: Connection, query: bytes, rows: Sequence[Mapping[str, Any]]) -> None:
    for start in range(0, len(rows), AT_ONCE):
        await conn.execute(query, {"rows": json(rows[start : start + AT_ONCE])})
