"""Taking a file into the register: what it would change is kept sealed, shown, and done as shown or not at all."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from hub import registry_plan, sealed
from hub.errors import HubError
from hub.registry_plan import Entry, Known, Plan, Register, Values
from hub.store import people, registry
from hub.store.console import Row, row, rows
from hub.store.pool import Connection
from hub.store.registry import SECRET, ChangedMeanwhileError
from hub.store.sql import queries

Q = queries("registry_imports")
LOCK = 0x0CA5F  # one file at a time
LASTS = timedelta(hours=24)  # a preview that old is read again
BODY = "registry_import.body"


class ChangedSinceError(HubError):
    """The register is not as the preview showed it, or the preview is too old."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A file that was read: what it would do now, and whether that is what was shown."""

    id: int
    kind: str
    file_name: str
    by_name: str | None
    applied: bool
    told: Mapping[str, Any]
    plan: Plan
    as_shown: bool


async def register(conn: Connection) -> Register:
    """Return the register as files are held against it."""
    found = [_known(one, "resident") for one in await rows(conn, Q.residents)]
    areas = {one["name"] for one in await rows(conn, Q.areas)}
    circle = {(one.pop("resident_id"), one.pop("person_id")): one for one in await rows(conn, Q.circle)}
    folk = [_known(one) for one in await rows(conn, Q.people)]
    ways = {one.id: one.values["ways"] for one in folk}
    return Register(
        residents=found, people=folk, organisations=[_known(one) for one in await rows(conn, Q.organisations)],
        areas=frozenset(areas), circle={key: tie | {"ways": ways.get(key[1], [])} for key, tie in circle.items()},
    )  # fmt: skip


def _known(found: Row, table: str = "") -> Known:
    number, version = found.pop("id"), found.pop("version")
    if table:
        found |= {name: sealed.opened(f"{table}.{name}", number, found[name]) for name in SECRET}
    plain = {name: value.isoformat() if isinstance(value, date) else value for name, value in found.items()}
    return Known(id=number, version=version, values=plain)


async def keep(
    conn: Connection, kind: str, file_name: str, records: Sequence[tuple[int, Values]], by: int | None
) -> tuple[int, Plan]:  # fmt: skip
    """Keep what a file says, sealed; return its number and what it would change. The register stays as it is."""
    plan = registry_plan.plan(kind, records, await register(conn))
    if plan.faults:
        return 0, plan
    told = {action: plan.count(action) for action in ("new", "changed", "same")}
    values = {"kind": kind, "file": file_name[:200], "by": by, "digest": plan.digest, "told": Jsonb(told)}
    made = await row(conn, Q.keep, **values)
    assert made is not None
    body = sealed.seal(BODY, made["id"], json.dumps(records, ensure_ascii=False))
    await conn.execute(Q.fill, {"id": made["id"], "body": body})
    return int(made["id"]), plan


async def kept(conn: Connection, number: int) -> Kept | None:
    """Return a file that was read, held against the register as it is now."""
    found = await row(conn, Q.kept, id=number, lasts=LASTS)
    return None if found is None else await _again(conn, found)


async def recent(conn: Connection) -> list[Row]:
    """Return the last files that were read or taken."""
    return await rows(conn, Q.recent)


async def _again(conn: Connection, found: Row) -> Kept:
    plan = Plan()
    if found["body"]:
        lines = [(int(n), v) for n, v in json.loads(sealed.opened(BODY, found["id"], found["body"]))]
        plan = registry_plan.plan(found["kind"], lines, await register(conn))
    same = bool(found["body"]) and not found["stale"] and not plan.faults and plan.digest == found["digest"]
    return Kept(
        id=found["id"], kind=found["kind"], file_name=found["file_name"], by_name=found["by_name"], plan=plan,
        applied=found["applied_at"] is not None, told=found["told"], as_shown=same,
    )  # fmt: skip


async def apply(conn: Connection, number: int, actor: str) -> Kept:
    """Do what was shown, all of it or nothing.

    Raises:
        ChangedSinceError: It was done already, is too old, or would not do what was shown any more.
    """
    async with conn.transaction():
        await conn.execute(Q.lock, {"lock": LOCK})
        found = await row(conn, Q.kept_for_me, id=number, lasts=LASTS)
        if found is None or found["applied_at"] is not None:
            raise ChangedSinceError("this file was taken already, or is gone")
        done = await _again(conn, found)
        if not done.as_shown:
            raise ChangedSinceError("the register was changed since this was shown: read the file again")
        await registry.acting(conn, actor, f"import:{number}")
        act = _Acts(conn)
        try:
            for entry in done.plan.entries:
                if entry.action != "same":
                    await getattr(act, done.kind)(entry)
        except ChangedMeanwhileError as err:
            raise ChangedSinceError(str(err)) from None
        await conn.execute(Q.applied, {"id": number})
        await registry.tell(conn)
    return done


class _Acts:
    """What each kind of row does. The sons and daughters of two residents are one person."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self.fresh: dict[tuple[str, str], int] = {}

    async def residents(self, entry: Entry) -> None:
        values = dict(entry.values)
        if "born" in values:
            values["born"] = date.fromisoformat(values["born"])
        if entry.subject is None:
            await registry.add(self.conn, values)
        else:
            assert entry.version is not None
            await registry.change(self.conn, entry.subject, entry.version, values)

    async def circle(self, entry: Entry) -> None:
        of = entry.values
        who = (str(of["name"]), str(of["phone"]))
        person = of["person_id"] or self.fresh.get(who)
        if person is None:
            person = self.fresh[who] = await people.add_person(self.conn, who[0], of["role"], phone=who[1])
        await self._ways(person, of.get("ways", ()), who[1])
        known = await row(self.conn, Q.circle_of, resident=of["resident_id"], person=person) or {}
        await registry.tie(
            self.conn, of["resident_id"], person, relation=of.get("relation", known.get("relation", "")),
            position=of.get("order", known.get("position", 0)), minutes=of.get("minutes", known.get("minutes_away")),
            has_key=of.get("has_key", known.get("has_key", False)),
        )  # fmt: skip

    async def organisations(self, entry: Entry) -> None:
        of = {"uscc": None, "phone": "", "kind": "third_party", "areas": (), **entry.values}
        if entry.subject is None:
            number = await registry.save_organisation(self.conn, None, of)
        else:
            blank = {"uscc": None, "kind": None, "phone": None}
            values = {**blank, **{k: v for k, v in entry.values.items() if k != "areas"}}
            done = await row(self.conn, Q.organisation_changed, **values, id=entry.subject, version=entry.version)
            if done is None:
                raise ChangedMeanwhileError("an organisation was changed meanwhile")
            number = entry.subject
        await self.conn.execute(registry.Q.serves, {"id": number, "areas": list(of["areas"])})

    async def people(self, entry: Entry) -> None:
        of = entry.values
        if entry.subject is None:
            number = await people.add_person(
                self.conn, of["name"], of["role"], area=of.get("area", ""), phone=of["phone"]
            )
            await people.set_place(self.conn, number, of.get("lat"), of.get("lon"))
        else:
            blank = dict.fromkeys(("name", "role", "area", "phone", "lat", "lon"))
            values = {name: of.get(name, blank[name]) for name in blank}
            if await row(self.conn, Q.person_changed, **values, id=entry.subject, version=entry.version) is None:
                raise ChangedMeanwhileError("a person was changed meanwhile")
            number = entry.subject
        if of.get("organisation"):
            house = await row(self.conn, Q.organisation_called, name=of["organisation"])
            await self.conn.execute(
                registry.Q.of_organisation, {"person": number, "organisation": house["id"] if house else None}
            )
        await self._ways(number, of.get("ways", ()), of["phone"])

    async def _ways(self, person: int, ways: Sequence[str], phone: str) -> None:
        for way in ways:
            await people.set_contact(self.conn, person, way, "" if way == "app" else phone.replace(" ", ""))
