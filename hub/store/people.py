"""Residents and the people around them: how they are registered, who might be called for a case, what speaks to her."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from alerts import nearness
from alerts.model import Contact, Responder, Role, Roster
from hub import sealed
from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("people")
SIGNED_IN = timedelta(seconds=30)  # an operator whose console was heard of in this time is on duty without a shift


@dataclass(frozen=True, kw_only=True)
class Listener:
    """A device that belongs to a case. `answered` is true for the one that raised it."""

    device_id: int
    address: str
    answered: bool
    language: str
    relations: Mapping[str, str] = field(default_factory=dict)  # what each person of her circle is to her, by number


CALLED = frozenset(str(role) for role in Role)  # a supervisor or an installer in somebody's circle is not


def roster(rows: Iterable[Sequence[Any]]) -> Roster:
    """Return the rows of query `roster` as the engine wants them."""
    return Roster(responders=tuple(_responder(row) for row in rows if row[1] in CALLED))


async def roster_at(conn: Connection, resident_id: int, at: datetime) -> Roster:
    """Return who might be called for this resident at another time than now, as the duty lists stand today."""
    values = {"resident": resident_id, "area": "", "incident": None, "at": at, "signed_in": SIGNED_IN}
    return roster(await (await conn.execute(Q.roster, values)).fetchall())


def _responder(row: Sequence[Any]) -> Responder:
    person_id, role, on_duty, minutes, position, channels, addresses, duty, proved, *places, quiet = row
    lat, lon, door_lat, door_lon = places
    contacts = tuple(Contact(channel=c, address=a) for c, a in zip(channels or (), addresses or (), strict=True))
    return Responder(
        person_id=person_id,
        role=Role(role),
        contacts=contacts,
        on_duty=on_duty,
        minutes_away=nearness.minutes_away(Role(role), minutes, (lat, lon), (door_lat, door_lon)),
        position=position,
        roster=duty,
        proved=proved,
        quiet_until=quiet,
    )


def listeners(rows: Iterable[Sequence[Any]]) -> tuple[Listener, ...]:
    """Return the rows of query `devices`."""
    return tuple(
        Listener(device_id=d, address=a, answered=bool(x), language=lang, relations=relations or {})
        for d, a, x, lang, relations in rows
    )


@dataclass(frozen=True, kw_only=True)
class Resident:
    """Somebody to be registered; what each field is for stands in the first migration."""

    name: str
    area: str = ""
    address: str = ""
    phone: str = ""
    born: date | None = None
    entrance: str = ""
    language: str = "zh-CN"
    ability: str = ""
    risks: Sequence[str] = ()
    key_place: str = ""
    door_code: str = ""
    lat: float | None = None
    lon: float | None = None
    spo2_scale: int = 1


async def add_resident(conn: Connection, resident: Resident) -> int:
    """Register a resident and return her number."""
    values = asdict(resident) | {"risks": list(resident.risks), "door_code": ""}
    async with conn.transaction():
        number = await _number(conn, Q.add_resident, values)
        if resident.door_code:
            code = sealed.seal("resident.door_code", number, resident.door_code)
            await conn.execute(Q.set_door_code, {"resident": number, "code": code})
    return number


async def set_spo2_scale(conn: Connection, resident_id: int, scale: int) -> int:
    """Say which SpO2 scale a resident's saturation is judged by, and return the one before."""
    return await _number(conn, Q.set_spo2_scale, {"resident": resident_id, "scale": scale})


async def add_person(
    conn: Connection,
    name: str,
    role: str,
    *,
    area: str = "",
    phone: str = "",
    login: str | None = None,
    password_hash: str | None = None,
) -> int:
    """Register somebody who may be called or works the console, on no duty yet, and return the number."""
    values = {
        "name": name, "role": role, "area": area, "phone": phone, "login": login, "password_hash": password_hash,
    }  # fmt: skip
    return await _number(conn, Q.add_person, values)


async def set_place(conn: Connection, person_id: int, lat: float | None, lon: float | None) -> None:
    """Say where a person usually starts from, in degrees of WGS-84."""
    await conn.execute(Q.set_place, {"person": person_id, "lat": lat, "lon": lon})


async def set_contact(conn: Connection, person_id: int, channel: str, address: str) -> None:
    """Say how to reach a person through a channel; said again, the address is replaced."""
    await conn.execute(
        Q.set_contact, {"person": person_id, "channel": channel, "address": address, "position": 0}
    )  # fmt: skip


async def set_circle(
    conn: Connection, resident_id: int, person_id: int, *, relation: str, minutes_away: float | None, position: int = 0
) -> None:
    """Put a person into a resident's circle, in the order in which they are called."""
    values = {
        "resident": resident_id, "person": person_id, "relation": relation, "position": position,
        "minutes_away": minutes_away,
    }  # fmt: skip
    await conn.execute(Q.set_circle, values)


async def leave_circle(conn: Connection, resident_id: int, person_id: int) -> bool:
    """Take a person out of a resident's circle: he is called for her no more. False: he was not in it."""
    values = {"resident": resident_id, "person": person_id}
    return await (await conn.execute(Q.leave_circle, values)).fetchone() is not None


async def cover(conn: Connection, person_id: int, days: int) -> None:
    """Put a person on duty from now on, unless a shift already covers the next day."""
    await conn.execute(Q.cover, {"person": person_id, "days": days})


async def _number(conn: Connection, query: bytes, values: dict[str, Any]) -> int:
    row = await (await conn.execute(query, values)).fetchone()
    assert row is not None
    return int(row[0])
