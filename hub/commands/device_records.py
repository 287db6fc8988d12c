"""carehub devices records and raw: what was said, as normalized records, and the bytes that one of them came from."""

import argparse
import csv
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from devices import fhir
from devices.records import FIELDS, Record, plain
from hub import device_files
from hub.config import Settings
from hub.errors import HubError
from hub.policies import whose
from hub.store import raw, records
from hub.store.pool import Connection, connect, hub_now
from hub.store.sql import as_number

DAY = timedelta(days=1)
AHEAD = timedelta(days=1)  # of a device whose hub's clock was set back
Write: TypeAlias = Callable[[Iterable[Record]], None]


def add_to(commands: Any) -> None:
    """Add the commands to `carehub devices`."""
    told = commands.add_parser("records", help="what was said, LOINC-coded in UCUM units: JSON lines, CSV or FHIR R5",
                               description=f"What was said. In CSV, {device_files.GUARDED}.")  # fmt: skip
    told.add_argument("device", metavar="DEVICE", nargs="?", help="number or address")
    told.add_argument("--resident", metavar="NUMBER|NAME", help="of every device while it was this resident's")
    told.add_argument("--since", type=datetime.fromisoformat, metavar="2026-11-22T02:14", help="left out: a day ago")
    told.add_argument("--until", type=datetime.fromisoformat, metavar="2026-11-23", help="left out: now")
    told.add_argument("--format", choices=tuple(FORMATS), default="jsonl", help="left out: %(default)s")
    told.set_defaults(run=give)
    one = commands.add_parser("raw", help="the bytes that a record's raw_ref names, while they are kept")
    one.add_argument("ref", metavar="BATCH/MILLISECONDS")
    one.set_defaults(run=show_raw)


async def give(options: argparse.Namespace, settings: Settings) -> int:
    """Print what was said, a line each, as it comes from the database: nothing is gathered first."""
    if (options.device is None) == (options.resident is None):
        raise HubError("give a DEVICE, or --resident for all of hers; not both, not neither")
    zone = ZoneInfo(settings.console.zone)
    async with await connect(settings.database.dsn, name="carehub devices") as conn, conn.transaction():
        since, until = await _times(conn, options, zone)
        owner = None if options.resident is None else (await whose(conn, options.resident)).resident_id
        speakers = (
            [await records.device(conn, options.device)] if owner is None else await records.devices_of(conn, owner)
        )
        write = FORMATS[options.format]()
        for speaker in speakers:
            async for message in _messages(records.said(conn, speaker, since, until)):
                write([one for one in message if owner is None or one.person_id == owner])
    return 0


async def show_raw(options: argparse.Namespace, settings: Settings) -> int:
    """Print topic and bytes of what came at that moment in that batch."""
    batch, at_ms = (as_number(part) for part in options.ref.partition("/")[::2])
    if batch is None or at_ms is None:
        raise HubError(f"{options.ref!r} is no reference: write it as a record's raw_ref has it, 81000/1795384800123")
    async with await connect(settings.database.dsn, name="carehub devices") as conn:
        bodies = await records.bodies(conn, batch, at_ms)
    found = [
        (topic, payload) for body in bodies for ms, topic, payload in raw.unpack(body) if 0 <= at_ms - ms <= 1
    ]  # a device's own time that is ours to the millisecond is kept as one later
    for topic, payload in found:
        text = payload.decode("utf-8", "replace")
        print(json.dumps({"topic": topic, "payload_hex": payload.hex(), "text": text}, ensure_ascii=False))
    if not found:
        print(f"nothing is kept of {options.ref} any more: bytes are kept for ingest.raw_keep_days", file=sys.stderr)
    return 0 if found else 1


async def _times(conn: Connection, options: argparse.Namespace, zone: ZoneInfo) -> tuple[datetime, datetime]:
    now = await hub_now(conn)
    since, until = (
        None if at is None else at if at.tzinfo else at.replace(tzinfo=zone) for at in (options.since, options.until)
    )
    since, until = since or (until or now) - DAY, until or now + AHEAD
    if since >= until:
        raise HubError(f"--since {since:%Y-%m-%d %H:%M} is not before --until {until:%Y-%m-%d %H:%M}")
    return since, until


async def _messages(said: AsyncIterator[Record]) -> AsyncIterator[list[Record]]:
    """Yield the records of one message after the other: a blood pressure is two of them."""
    message: list[Record] = []
    async for one in said:
        if message and message[0].raw_ref != one.raw_ref:
            yield message
            message = []
        message.append(one)
    if message:
        yield message


def _lines() -> Write:
    return lambda said: _print(plain(one) for one in said)


def _resources() -> Write:
    return lambda said: _print(fhir.observations(said))


def _table() -> Write:
    out = csv.DictWriter(sys.stdout, FIELDS, lineterminator="\n")
    out.writeheader()
    return lambda said: out.writerows(
        {name: device_files.guarded(cell) for name, cell in plain(one).items()} for one in said
    )


def _print(said: Iterable[Any]) -> None:
    for one in said:
        sys.stdout.write(json.dumps(one, ensure_ascii=False, separators=(",", ":")) + "\n")


FORMATS: dict[str, Callable[[], Write]] = {"jsonl": _lines, "csv": _table, "fhir": _resources}
