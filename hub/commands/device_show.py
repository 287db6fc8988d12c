"""carehub devices list and show: what there is, what one of them is, said and went through."""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from devices import registry
from devices.adapter import DecodeError, Message
from devices.telemetry import Observation
from hub.commands.device_health import deadline_words
from hub.commands.tables import table
from hub.config import Settings
from hub.device_life import State, effect
from hub.errors import HubError
from hub.policies import whose
from hub.store import contacts, device_life, device_log, devices, raw
from hub.store.device_log import Filter
from hub.store.pool import connect, hub_now
from hub.store.telemetry import moment

ROWS = 100
MOST_ROWS = 10_000
MESSAGES = 10
MOST_MESSAGES = 200
RAW_SHOWN = 400  # characters of one message


def add_list(parser: argparse.ArgumentParser) -> None:
    """Say which devices may be asked for."""
    parser.add_argument("--state", choices=[str(state) for state in State])
    parser.add_argument("--resident", metavar="NUMBER|NAME", help="hers")
    parser.add_argument("--below", metavar="ADDRESS", help="whose address begins so, e.g. z2m:home7/")
    parser.add_argument("--model", help="whose model has this in it")
    parser.add_argument("--silent", type=float, metavar="HOURS", help="of which nothing was heard for so long")
    parser.add_argument("--limit", type=int, default=ROWS, help="so many at most; left out: %(default)s")
    parser.add_argument("--after", type=int, default=0, metavar="NUMBER", help="go on after this device")
    parser.set_defaults(run=listing)


async def listing(options: argparse.Namespace, settings: Settings) -> int:
    """Print a page of devices, and how to see the next."""
    if not 0 < options.limit <= MOST_ROWS:
        raise HubError(f"--limit takes 1 to {MOST_ROWS}, not {options.limit}; `carehub devices export` gives all")
    zone = ZoneInfo(settings.console.zone)
    async with await connect(settings.database.dsn, name="carehub devices") as conn:
        await device_life.settle(conn)
        owner = None if options.resident is None else (await whose(conn, options.resident)).resident_id
        rows, more = await device_log.page(conn, Filter(
            after=options.after, limit=options.limit, state=options.state, resident=owner, below=options.below,
            model=options.model, silent_h=options.silent,
        ))  # fmt: skip
        states = await device_log.states(conn) if more else ()
    lines = [
        (number, state, address, model, f"{resident} {name}" if resident else "", room, _time(heard, zone),
         "" if battery is None else f"{battery:.0f} %", deadline_words(address, model, deadline), username)
        for number, address, model, state, resident, name, room, heard, battery, deadline, username in rows
    ]  # fmt: skip
    print(table(("no.", "state", "address", "model", "resident", "room", f"last heard ({zone})", "battery", "deadline",
                 "key"), lines))  # fmt: skip
    if more:
        print(f"and more ({', '.join(f'{count} {state}' for state, count in states)} in all):"
              f" --after {rows[-1][0]}, or --state, --resident, --below, --model, --silent")  # fmt: skip
    return 0


async def gateway(options: argparse.Namespace, settings: Settings) -> int:
    """Print a gateway's topics and who issued its keys."""
    zone = ZoneInfo(settings.console.zone)
    async with await connect(settings.database.dsn, name="carehub devices") as conn:
        found = await device_log.gateway(conn, options.name)
        keys = await device_log.keys_of(conn, options.name)
    if found is None:
        raise HubError(f"there is no gateway {options.name!r}; --prefix home7/zigbee2mqtt/ makes it, with a new key")
    print(f"gateway {options.name}: {found[0]}…{'' if found[1] else ', signs in no more'}")
    print("keys issued")
    lines = [(_time(at, zone), actor, facts.get("prefix", "")) for at, actor, facts in keys]
    print(table(("at", "who", "topics"), lines, indent=2))
    return 0


async def show(options: argparse.Namespace, settings: Settings) -> int:
    """Print one device: whether it is in effect, what was done to it, what it said last, decoded and raw."""
    zone = ZoneInfo(settings.console.zone)
    async with await connect(settings.database.dsn, name="carehub devices") as conn:
        await device_life.settle(conn)
        async with conn.transaction():
            device = await device_life.hold(conn, options.device)
        found, now = await device_life.known(conn, device.id), await hub_now(conn)
        history = await device_life.history(conn, device.id)
        said = await contacts.consent(conn, device.resident_id) if device.resident_id else None
        bodies = await devices.said(conn, device.id, max(0, min(options.messages, MOST_MESSAGES)))
    found = replace(found, consent_back=bool(said and not said.given and device.state is State.LIVE))
    told = effect(found, now)
    print(f"device {device.id}: {device.address}, {device.state}")
    print(f"  model     {device.model or '-'}")
    print(f"  resident  {device.resident_id or '-'}, {device.room or '-'}")
    print(f"  heard     {_time(found.heard_at, zone) or 'never'}")
    print(f"  deadline  {deadline_words(device.address, device.model, device.deadline_s)}")
    print(f"  battery   {'-' if found.battery_pct is None else f'{found.battery_pct:.0f} %'}")
    print(f"  consent   {_consent(said, device.state, zone)}")
    print(f"  {'已生效 in effect' if told.in_effect else '未生效 not in effect'}")
    for words in told.words():
        print(f"  - {words}")
    print("history")
    facts = [(_time(one.at, zone), one.action, one.state, one.actor, one.note, _facts(one)) for one in history]
    print(table(("at", "what", "then", "who", "note", "facts"), facts, indent=2))
    print("last messages")
    for _, line in zip(range(options.messages), _messages(device.address, device.model, bodies, zone), strict=False):
        print(line)
    return 0


def _consent(said: contacts.Consent | None, state: State, zone: ZoneInfo) -> str:
    if said is None:
        return "-"
    word = "given" if said.given else "taken back" if state is State.LIVE else "refused"
    return f"{word} on {_time(said.at, zone)} by {said.said_by}, heard by {said.read_by}"


def _messages(address: str, model: str, bodies: list[tuple[datetime, bytes]], zone: ZoneInfo) -> Iterator[str]:
    for _, body in bodies:
        for received_ms, topic, payload in reversed(raw.unpack(body)):
            seen = _decoded(address, model, topic, payload, moment(received_ms))
            if seen is not None:
                at = _time(moment(received_ms), zone)
                yield f"  {at}  {topic}\n    raw      {_raw(payload)}\n    decoded  {seen}"


def _decoded(address: str, model: str, topic: str, payload: bytes, at: datetime) -> str | None:
    """Return what a message says of this device, in one line; None if it says nothing of it."""
    adapter = registry.adapter_for(topic)
    if adapter is None:
        return None
    try:
        told = adapter.decode(Message(topic=topic, payload=payload, received_at=at, model=model or None))
    except DecodeError:
        return None
    its = [one for one in told if one.device == address]
    return ", ".join(_words(seen) for one in its for seen in one.observations) or "-" if its else None


def _words(seen: Observation) -> str:
    where = f"{seen.lat:.5f},{seen.lon:.5f}" if seen.lat is not None and seen.lon is not None else ""
    value = where or ("" if seen.value is None else str(seen.value))
    rest = (seen.unit or "", "" if seen.quality == "ok" else f"({seen.quality})", seen.stage or "")
    return " ".join(part for part in (f"{seen.code}={value}", *rest) if part)


def _raw(payload: bytes) -> str:
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        text = ""
    shown = text if text.isprintable() and text else payload.hex(" ")
    return shown if len(shown) <= RAW_SHOWN else f"{shown[:RAW_SHOWN]} … ({len(payload)} bytes)"


def _facts(line: device_life.Line) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(line.facts.items()))


def _time(at: datetime | None, zone: ZoneInfo) -> str:
    return "" if at is None else f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"
