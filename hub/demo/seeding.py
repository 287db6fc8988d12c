"""Puts the demo's neighbourhood into the database and writes the file its simulator reads."""

import json
import os
import secrets
import tomllib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher

from hub.config import Settings
from hub.ports import free_port, is_free
from hub.store import accounts, contacts, devices, people, phone, policies, telephony
from hub.store.pool import Connection
from hub.store.sql import Queries, queries

NEIGHBOURHOOD_FILE = "neighbourhood.json"
WATCH_DEADLINE_S = 900  # a watch reports every minute; a quarter of an hour's silence is worth a look
SENSOR_DEADLINE_S = 86_400
ADAPTERS = {"carehub": "carehub/1", "watch3g": "watch3g/1", "z2m": "zigbee2mqtt/1"}
TERMINAL_ROLES = ("community", "property", "third_party")  # they carry an MQTT terminal
SHIFT_DAYS = 60


@dataclass
class _Seeding:
    """One run of `seed`: the connection, and the secrets of an earlier run to be kept."""

    conn: Connection
    settings: Settings
    earlier: dict[str, str]
    app_port: int
    queries: Queries
    given: dict[str, str] = field(default_factory=dict)

    async def one(self, query: bytes, **values: Any) -> Any:
        """Run a query and return the first column of its first row, None without one."""
        cursor = await self.conn.execute(query, values)
        row = await cursor.fetchone() if cursor.description else None
        return row[0] if row else None

    def secret(self, name: str, make: Callable[[int], str] = secrets.token_urlsafe) -> str:
        """Return this name's secret: the one devices already know, or a new one of 128 bits."""
        if name not in self.given:
            self.given[name] = self.earlier.get(name) or make(16)
        return self.given[name]

    async def credential(self, username: str, kind: str, prefix: str, **owner: int) -> dict[str, str]:
        issued = await devices.issue_credential(
            self.conn, username, kind, prefix, device_id=owner.get("device"), person_id=owner.get("person"),
            secret=self.secret(username),
        )  # fmt: skip
        return {"username": username, "secret": issued.secret, "prefix": prefix}


async def seed(conn: Connection, run_dir: Path, settings: Settings) -> Path:
    """Provision the neighbourhood, once or again, and return the simulator's file (mode 0600).

    Args:
        conn: an autocommit connection to a migrated database.
        run_dir: where the file goes; the file of an earlier run keeps its secrets and sign-in.
        settings: where the listener, the gateway and the console are, and the key of the webhooks.
    """
    path = run_dir / NEIGHBOURHOOD_FILE
    before = _before(path)
    plan = tomllib.loads((resources.files("hub.demo") / "neighbourhood.toml").read_text(encoding="utf-8"))
    async with conn.transaction():
        run = _Seeding(
            conn=conn, settings=settings,
            earlier=before.get("secrets", {}), app_port=_app_port(before.get("family_app", {}).get("port")),
            queries=queries("demo"),
        )  # fmt: skip
        policy = (resources.files("hub.demo") / "policy.toml").read_text(encoding="utf-8")
        await policies.publish(conn, policy, name="carehub", comment="演示")
        book: dict[str, Any] = {
            "consoles": [await _console(run, entry) for entry in plan["console"]],
            "responders": [await _worker(run, entry, plan["area"]) for entry in plan["worker"]],
            "residents": [],
            "gateways": [],
        }
        for entry in plan["resident"]:
            await _resident(run, entry, plan["area"], book)
        book["family_page"] = await _family_page(run, plan["resident"][0], book["consoles"])
        for mark in plan.get("landmark", ()):
            lat, lon = mark["place"]
            values = {"kind": mark["kind"], "name": mark["name"], "note": mark.get("note", ""), "lat": lat, "lon": lon}
            await run.one(queries("desk").place_landmark, **values)
        for place in plan["place"]:
            await run.one(run.queries.area, **place)
        for house in plan["organisation"]:
            await run.one(run.queries.organisation, area=plan["area"], **house)
        for entry, made in zip(plan["console"], book["consoles"], strict=True):
            if "organisation" in entry:
                await accounts.join(conn, made["person"], entry["organisation"])
        for entry in plan["waiting"]:
            await run.one(run.queries.heard, address=entry["address"], model=entry["model"])
    _write(path, {**_addresses(run), **book, "secrets": run.given})
    return path


def sign_in(run_dir: Path) -> str:
    """Return the demo's sign-in in words, for the terminal."""
    first, *others = _before(run_dir / NEIGHBOURHOOD_FILE)["consoles"]
    return f"{first['login']} / {first['password']}   (also {', '.join(other['login'] for other in others)})"


def family_page(run_dir: Path) -> str:
    """Return where a daughter sees how her mother is."""
    return f"/f/{_before(run_dir / NEIGHBOURHOOD_FILE)['family_page']}"


def _before(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _addresses(run: _Seeding) -> dict[str, Any]:
    settings = run.settings
    return {
        "listener": {"host": _reachable(settings.listener.host), "port": settings.listener.port},
        "gateway": {"host": _reachable(settings.gateway.host), "port": settings.gateway.port},
        "console_url": f"http://{_reachable(settings.console.host)}:{settings.console.port}",
        "family_app": {"host": "127.0.0.1", "port": run.app_port, "key": settings.secrets.webhook_key},
    }


def _reachable(host: str) -> str:
    return "127.0.0.1" if host in ("", "0.0.0.0", "::") else host


def _app_port(wanted: int | None) -> int:
    """Return the port of the last run if nobody took it, else one that is free now."""
    return wanted if wanted and is_free("127.0.0.1", wanted) else free_port()


def _write(path: Path, book: dict[str, Any]) -> None:
    """Write beside and rename, readable by us alone from the first byte."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        json.dump(book, out, ensure_ascii=False, indent=1)
    fresh.replace(path)


async def _person(run: _Seeding, entry: dict[str, Any], area: str, role: str, **console: str) -> int:
    found = await run.one(run.queries.find_person, phone=entry["phone"], role=role)
    if found is None:
        found = await people.add_person(run.conn, entry["name"], role, area=area, phone=entry["phone"], **console)
    elif console:
        await run.one(run.queries.set_password, person=found, password_hash=console["password_hash"])
    return int(found)


async def _console(run: _Seeding, entry: dict[str, Any]) -> dict[str, Any]:
    """Somebody who signs in, for every area. One password for all, easy to type. Only the desk is called."""
    password = run.secret("demo sign-in", lambda _: f"demo-{secrets.token_hex(4)}")
    person = await _person(
        run, entry, "", entry["role"], login=entry["login"], password_hash=PasswordHasher().hash(password)
    )
    if entry["role"] in accounts.DESK:
        await people.set_contact(run.conn, person, "console", str(person))
        await people.cover(run.conn, person, SHIFT_DAYS)
    return {"person": person, "role": entry["role"], "login": entry["login"], "password": password}


async def _worker(run: _Seeding, entry: dict[str, Any], area: str) -> dict[str, Any]:
    """Somebody on duty for the area: guards and community workers carry a terminal, 120's desk has an address."""
    person = await _person(run, entry, area, entry["role"])
    await people.set_place(run.conn, person, *entry["place"])
    if "away" in entry:
        zone = run.settings.console.zone
        await run.one(run.queries.cover_but, person=person, days=SHIFT_DAYS, zone=zone, **entry["away"])
    else:
        await people.cover(run.conn, person, SHIFT_DAYS)
    if entry["role"] in TERMINAL_ROLES:
        return await _terminal(run, entry, person)
    return await _app(run, entry, person, entry["role"])


async def _terminal(run: _Seeding, entry: dict[str, Any], person: int) -> dict[str, Any]:
    prefix = f"carehub/responder/{person}/"
    await people.set_contact(run.conn, person, "mqtt", f"{prefix}page")
    credential = await run.credential(f"responder-{person}", "responder", prefix, person=person)
    return {"person": person, "name": entry["name"], "role": entry["role"], "channel": "mqtt", **credential}


async def _app(run: _Seeding, entry: dict[str, Any], person: int, role: str) -> dict[str, Any]:
    path = f"/app/{person}"
    url = f"http://127.0.0.1:{run.app_port}{path}"
    await people.set_contact(run.conn, person, "webhook", url)
    return {"person": person, "name": entry["name"], "role": role, "channel": "webhook", "path": path}


async def _resident(run: _Seeding, entry: dict[str, Any], area: str, book: dict[str, Any]) -> None:
    resident = await run.one(run.queries.find_resident, phone=entry["phone"])
    if resident is None:
        lat, lon = entry["place"]
        words = {name: entry[name] for name in ("name", "born", "address", "entrance", "language", "ability", "risks",
                                                "key_place", "door_code", "phone")}  # fmt: skip
        resident = await people.add_resident(run.conn, people.Resident(area=area, lat=lat, lon=lon, **words))
        await run.one(run.queries.visited, resident=resident)  # so that the supervisor's pages are not empty
    for position, relative in enumerate(entry["family"]):
        person = await _person(run, relative, "", "family")
        await people.set_circle(
            run.conn, resident, person, relation=relative["relation"], minutes_away=relative["minutes_away"],
            position=position,
        )  # fmt: skip
        book["responders"].append(await _app(run, relative, person, "family"))
    worn = [device async for device in _devices(run, entry, int(resident), book)]
    body = {name: entry[name] for name in ("resting_bpm", "spo2_pct", "breaths_rpm", "frailty") if name in entry}
    book["residents"].append({"name": entry["name"], "place": entry["place"], "body": body, "devices": worn})


async def _family_page(run: _Seeding, entry: dict[str, Any], consoles: list[dict[str, Any]]) -> str:
    """The first resident has agreed that her daughter sees how she is; each operator has an extension."""
    for number, console in enumerate(consoles, 8001):
        await run.one(telephony.Q.set_extension, person=console["person"], extension=str(number))
    resident = await run.one(run.queries.find_resident, phone=entry["phone"])
    if await contacts.consent(run.conn, resident) is None:
        await contacts.consented(
            run.conn, resident, given=True, said_by="herself", read_by=consoles[0]["person"], language="zh-CN"
        )
    daughter = await run.one(run.queries.find_person, phone=entry["family"][0]["phone"], role="family")
    return (await phone.make_link(run.conn, daughter))[0]


async def _devices(
    run: _Seeding, entry: dict[str, Any], resident: int, book: dict[str, Any]
) -> AsyncIterator[dict[str, Any]]:
    """Bind what a resident wears and has on the walls, and yield it for the simulator."""
    if watch := entry.get("watch"):
        address = f"carehub:{watch}"
        device = await _device(run, address, resident, model="CW-1", deadline_s=WATCH_DEADLINE_S)
        credential = await run.credential(watch, "device", f"carehub/{watch}/", device=device)
        yield {"kind": "watch", "address": address, "name": watch, **credential}
    if watch := entry.get("watch3g"):
        address = f"watch3g:{watch}"
        await _device(run, address, resident, model="SG-20", deadline_s=WATCH_DEADLINE_S)
        yield {"kind": "watch3g", "address": address, "name": watch}
    if home := entry.get("home"):
        base = f"{home}/zigbee2mqtt"
        credential = await run.credential(home, "gateway", f"{base}/")
        book["gateways"].append({"name": home, "base": base, **credential})
        for thing in entry["zigbee"]:
            address = f"z2m:{base}/{thing['name']}"
            await _device(
                run, address, resident, model=thing["model"], deadline_s=SENSOR_DEADLINE_S, room=thing["room"]
            )
            yield {"kind": "zigbee", "address": address, "name": thing["name"], "model": thing["model"], "base": base}


async def _device(run: _Seeding, address: str, resident: int, *, model: str, deadline_s: int, room: str = "") -> int:
    return await devices.register(
        run.conn, address, resident_id=resident, room=room, model=model, deadline_s=deadline_s,
        adapter=ADAPTERS[address.partition(":")[0]], live=True,
    )  # fmt: skip
