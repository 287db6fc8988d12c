"""The register: residents found and changed, the people around them, homes, organisations, areas; what is sealed."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from psycopg import sql
from psycopg.types.json import Jsonb

from hub import sealed
from hub.errors import HubError
from hub.registry_ids import digits
from hub.store.console import Row, row, rows
from hub.store.contacts import TEXT_VERSION
from hub.store.pool import Connection
from hub.store.sql import as_number, queries

Q = queries("registry")
__all__ = ["HubError", "Row", "row", "rows"]  # what the pages read with, besides what stands below
SHOWN = 50  # residents or people of one page
CHANGES_SHOWN = 60
# What of a resident may be written, and what of it belongs to whoever shares her flat as well.
PLAIN: Final = (
    "name", "born", "area", "address", "entrance", "language", "languages", "ability", "risks", "risk_class", "hazards",
    "key_place", "phone", "lat", "lon", "spo2_scale", "fence_m",
)  # fmt: skip
SECRET: Final = ("door_code", "health_notes")
SHARED: Final = frozenset({"area", "address", "entrance", "hazards", "key_place", "lat", "lon", "door_code"})
SCOPES: Final = ("rescue", "health", "location", "family", "family_health", "reports")  # one by one


class ChangedMeanwhileError(HubError):
    """Somebody else changed it since it was read."""


class TiedUpError(HubError):
    """She has devices or open cases: `what` says which."""

    def __init__(self, what: str, count: int) -> None:
        super().__init__(f"{count} {what}: see to them first")
        self.what, self.count = what, count


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is looked for; None: whatever."""

    word: str | None = None
    area: str | None = None
    risk_class: str | None = None
    ability: str | None = None
    ended: bool = False
    page: int = 1

    def values(self) -> dict[str, Any]:
        word = self.word or None
        like = None if word is None else "%" + re.sub(r"([\\%_])", r"\\\1", word) + "%"
        found = digits(word or "")
        return {
            "word": word, "like": like, "number": as_number(word or ""), "digits": found if len(found) >= 4 else "",
            "area": self.area, "risk_class": self.risk_class, "ability": self.ability, "ended": self.ended,
            "limit": SHOWN, "offset": SHOWN * (self.page - 1),
        }  # fmt: skip


async def acting(conn: Connection, actor: str, via: str) -> None:
    """Say who changes the register in this transaction, and how: the history has it from here."""
    await conn.execute(Q.acting, {"actor": actor, "via": via})


async def tell(conn: Connection) -> None:
    """Who stands in the register was changed: whoever keeps a copy reads it again."""
    await conn.execute(Q.tell)


async def residents(conn: Connection, wish: Wish, *, consents: bool = True) -> tuple[int, list[Row]]:
    """Return how many there are, and one page of them; `consents`: with their last words, not for organisations."""
    values = wish.values()
    counted = await row(conn, Q.count, **values)
    found = await rows(conn, Q.residents, **values)
    asked = {"residents": [one["id"] for one in found]}
    said = {one["resident_id"]: one["given"] for one in await rows(conn, Q.last_consents, **asked)} if consents else {}
    return (counted or {"n": 0})["n"], [one | {"consent": said.get(one["id"])} for one in found]


async def seen(conn: Connection, number: int) -> dict[str, Any] | None:
    """Return what an organisation's people read of a resident of theirs, and what stands around her."""
    found = await row(conn, Q.resident_seen, id=number)
    if found is None:
        return None
    asked = {"circle": Q.circle_seen, "devices": Q.devices, "housemates": Q.housemates, "cases": Q.cases}
    return {"r": found, "near": {name: await rows(conn, query, id=number) for name, query in asked.items()}}


async def resident(conn: Connection, number: int) -> Row | None:
    """Return everything plain of a resident, and whether there is a door code and a note: never what they say."""
    found = await row(conn, Q.resident, id=number)
    return None if found is None else {**found, **{name: bool(found[name]) for name in SECRET}}


async def around(conn: Connection, number: int) -> dict[str, Any]:
    """Return what stands around a resident: her people, devices, consent, housemates, cases, visits."""
    asked = {"circle": Q.circle, "consents": Q.consents, "devices": Q.devices, "housemates": Q.housemates,
             "cases": Q.cases, "visits": Q.visits}  # fmt: skip
    return {name: await rows(conn, query, id=number) for name, query in asked.items()}


async def changes(conn: Connection, kind: str, subject: object, other: str = "") -> list[Row]:
    """Return what was changed, the last first, without the words of what is sealed."""
    values = {"kind": kind, "subject": str(subject), "other": other, "limit": CHANGES_SHOWN}
    found = await rows(conn, Q.changes, **values)
    for one in found:
        one["fields"] = {
            name: [bool(old), bool(new)] if name in SECRET else [old, new] for name, (old, new) in one["fields"].items()
        }
    return found


async def secret(conn: Connection, number: int, name: str) -> str | None:
    """Return a sealed field, opened; None where there is no such resident. The look is the caller's to write down."""
    found = await row(conn, Q.resident, id=number)
    return None if found is None else sealed.opened(f"resident.{name}", number, found[name])


async def add(conn: Connection, values: Mapping[str, Any]) -> int:
    """Register a resident and return her number."""
    plain = {name: values[name] for name in PLAIN if values.get(name) is not None}
    query = sql.SQL("insert into resident ({c}, created_at) values ({v}, hub_now()) returning id").format(
        c=sql.SQL(", ").join(map(sql.Identifier, plain)), v=sql.SQL(", ").join(map(sql.Placeholder, plain))
    )
    made = await (await conn.execute(query, plain)).fetchone()
    assert made is not None
    number = int(made[0])
    if kept := _sealed(number, values):
        await _write(conn, number, kept)
    return number


async def change(conn: Connection, number: int, version: int, values: Mapping[str, Any]) -> None:
    """Change fields of a resident; those of the flat also of whoever shares it.

    Raises:
        ChangedMeanwhileError: She is not as she was in `version`.
    """
    held = await row(conn, Q.hold, id=number)
    if held is None or held["version"] != version:
        raise ChangedMeanwhileError("somebody changed this since it was read: look again")
    plain = {name: values[name] for name in PLAIN if name in values and values[name] != held[name]}
    secrets = {
        n: values[n] for n in SECRET if n in values and values[n] != sealed.opened(f"resident.{n}", number, held[n])
    }
    if plain or secrets:
        await _write(conn, number, plain | _sealed(number, secrets))
    shared = {name: value for name, value in (plain | secrets).items() if name in SHARED}
    if shared and held["home_id"] is not None:
        for mate in await rows(conn, Q.housemates, id=number):
            fields = {name: value for name, value in shared.items() if name not in SECRET}
            await _write(conn, mate["id"], fields | _sealed(mate["id"], shared))


def _sealed(number: int, values: Mapping[str, Any]) -> dict[str, str]:
    return {n: sealed.seal(f"resident.{n}", number, values[n]) for n in SECRET if values.get(n) is not None}


async def _write(conn: Connection, number: int, values: Mapping[str, Any]) -> None:
    if values:
        sets = sql.SQL(", ").join(sql.SQL("{} = {}").format(sql.Identifier(n), sql.Placeholder(n)) for n in values)
        query = sql.SQL("update resident set {sets} where id = %(_id)s").format(sets=sets)
        await conn.execute(query, {**values, "_id": number})


async def consented(
    conn: Connection, number: int, *, given: bool, said_by: str, read_by: int, language: str, scope: Iterable[str]
) -> int:
    """Write down what she agreed to, part by part."""
    values = {"resident": number, "given": given, "said_by": said_by, "read_by": read_by, "language": language,
              "version": TEXT_VERSION, "scope": [one for one in SCOPES if one in set(scope)]}  # fmt: skip
    made = await row(conn, Q.consent, **values)
    assert made is not None
    return int(made["id"])


async def tie(conn: Connection, resident_id: int, person_id: int, **of: Any) -> None:
    """Put a person into her circle, or change what stands there: relation, position, minutes, has_key."""
    usual = {"relation": "", "position": 0, "minutes": None, "has_key": False}
    await conn.execute(Q.tie, {**usual, **of, "resident": resident_id, "person": person_id})


async def end(conn: Connection, number: int, why: str) -> None:
    """She is cared for no more: moved, died, declined. The time to keep her data begins.

    Raises:
        TiedUpError: A device of hers is in use, or a case is open.
    """
    found = await row(conn, Q.tied_up, id=number)
    for what in ("devices", "cases"):
        if found and found[what]:
            raise TiedUpError(what, found[what])
    await conn.execute(Q.end, {"id": number, "why": why})
    await conn.execute(Q.visited_no_more, {"id": number})
    await conn.execute(Q.nobody_goes, {"id": number})
    await settle_homes(conn)


async def settle_homes(conn: Connection) -> None:
    """A flat that one resident is left in is hers alone."""
    await conn.execute(Q.leave_homes)
    await conn.execute(Q.drop_homes)


async def share(conn: Connection, numbers: Sequence[int], first: Row) -> int:
    """Say that residents live in one flat: it has the address, the way in and the code of the first of them."""
    made = await row(conn, Q.add_home)
    assert made is not None
    code = await secret(conn, first["id"], "door_code") or ""
    for number in numbers:
        mine = {name: first[name] for name in SHARED if name not in SECRET}
        if number != first["id"]:
            await _write(conn, number, mine | _sealed(number, {"door_code": code}))
    await conn.execute(Q.into_home, {"home": made["id"], "residents": list(numbers)})
    await settle_homes(conn)
    return int(made["id"])


async def write_change(conn: Connection, kind: str, subject: object, what: str, facts: Mapping[str, Any]) -> int:
    """Write into the history what no single row tells: a merge, an erasure."""
    values = {"kind": kind, "subject": str(subject), "what": what, "facts": Jsonb(dict(facts))}
    made = await row(conn, Q.write_change, **values)
    assert made is not None
    return int(made["id"])


async def save_organisation(conn: Connection, number: int | None, values: Mapping[str, Any]) -> int:
    """Enter or change an organisation, and whom it serves.

    Raises:
        ChangedMeanwhileError: It is not as it was.
    """
    made = await row(conn, Q.save_organisation if number else Q.add_organisation, **values, id=number)
    if made is None:
        raise ChangedMeanwhileError("somebody changed this since it was read: look again")
    served = {"id": made["id"], "areas": list(values["areas"])}
    await conn.execute(Q.forget_areas, served)
    await conn.execute(Q.serves, served)
    return int(made["id"])
