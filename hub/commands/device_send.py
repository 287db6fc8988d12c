"""carehub devices send and sent: tell one device to do something, and what became of it."""

import argparse
import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from devices.orders import Call, Contacts, Find, Interval, Locate, Measure, Order, OrderError, Reboot, Report, Vital
from hub.commands import device_steps
from hub.commands.tables import table
from hub.config import Settings
from hub.errors import HubError
from hub.store import device_commands, device_life
from hub.store.device_commands import Told
from hub.store.pool import Connection, connect

WAIT_S = 0
LONGEST_WAIT_S = 300
LOOK_S = 0.5
BARE: dict[str, Order] = {"locate": Locate(), "find": Find(), "reboot": Reboot()}
WHAT = """\
locate                      where it is, now
measure [heart-rate|spo2|blood-pressure|temperature]
call NUMBER                 it dials this number
interval SECONDS [position|heart-rate]
contacts NUMBER…            what its SOS button dials, up to three
find                        it rings or vibrates
reboot
say "WORDS"                 it shows or speaks them
"""


def add_to(commands: Any) -> None:
    """Add the commands to `carehub devices`."""
    send = commands.add_parser(
        "send", help="tell it to do something: locate, measure, call, interval, contacts, find, reboot, say",
        description=WHAT, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    send.add_argument("device", metavar="DEVICE", help="number or address")
    send.add_argument("what", nargs="+", metavar="WHAT")
    send.add_argument("--by", metavar="PERSON", help="whose doing it is: number, name, account or telephone")
    send.add_argument("--incident", type=int, metavar="CASE", help="the case it is for")
    send.add_argument("--keep", type=int, metavar="MINUTES", help="how long it may wait for a device that sleeps")
    send.add_argument(
        "--wait", type=int, default=WAIT_S, metavar="SECONDS", help=f"for what becomes of it, {LONGEST_WAIT_S} at most"
    )
    send.set_defaults(run=_send)
    sent = commands.add_parser("sent", help="what it was told, by whom, and what it answered")
    sent.add_argument("device", metavar="DEVICE", help="number or address")
    sent.set_defaults(run=_sent)


def order(words: Sequence[str]) -> tuple[Order | None, str]:
    """Return what these words ask for; None and a text to be shown.

    Raises:
        HubError: No order, or a number that is none.
    """
    what, rest = words[0], list(words[1:])
    if what == "say" and rest:
        return None, " ".join(rest)
    asked: Order | None = None
    try:
        match what, rest:
            case (("locate" | "find" | "reboot"), []):
                asked = BARE[what]
            case "measure", ([] | [_]):
                asked = Measure(Vital(rest[0]) if rest else Vital.HEART_RATE)
            case "call", [number]:
                asked = Call(number)
            case "interval", ([seconds] | [seconds, _]):
                asked = Interval(int(seconds), Report(rest[1]) if len(rest) == 2 else Report.POSITION)
            case "contacts", [*numbers] if numbers:
                asked = Contacts(tuple(numbers))
    except OrderError as fault:
        raise HubError(str(fault)) from None
    except ValueError:
        pass
    if asked is None:
        raise HubError(f"{' '.join(words)!r:.80} is no order; one of\n{WHAT}")
    return asked, ""


def named(number: int) -> str:
    """Return a command's number, with the one the device is given where two bytes cannot hold it."""
    given = device_commands.on_the_wire(number)
    return str(number) if given == number else f"{number} (to the device {given})"


async def _send(options: argparse.Namespace, settings: Settings) -> int:
    asked, words = order(options.what)
    keep_s = None if options.keep is None else max(1, options.keep) * 60
    async with await connect(settings.database.dsn, name="carehub devices") as conn:
        async with conn.transaction():
            by = await device_steps.actor(conn, options.by)
            number = await device_commands.ask(
                conn, options.device, by, asked, words=words, incident_id=options.incident, keep_s=keep_s
            )
        print(f"command {named(number)}: waits for the device")
        if options.wait <= 0:
            return 0
        told = await _outcome(conn, options.device, number, min(options.wait, LONGEST_WAIT_S))
    print(f"  {told.state}: {_became(told) or '-'}")
    return 0 if told.state in ("answered", "sent") else 1


async def _outcome(conn: Connection, device: str, number: int, wait_s: int) -> Told:
    """Return a command when it has come to something, or as it stands after so long."""
    loop = asyncio.get_running_loop()
    until = loop.time() + wait_s
    while True:
        told = next(one for one in await _told(conn, device) if one.id == number)
        if told.state not in ("waiting", "sent") or loop.time() >= until:
            return told
        await asyncio.sleep(LOOK_S)


async def _told(conn: Connection, device: str) -> list[Told]:
    async with conn.transaction():
        held = await device_life.hold(conn, device)
    return await device_commands.of_device(conn, held.id)


async def _sent(options: argparse.Namespace, settings: Settings) -> int:
    zone = ZoneInfo(settings.console.zone)
    async with await connect(settings.database.dsn, name="carehub devices") as conn:
        rows = await _told(conn, options.device)
    lines = [
        (named(one.id), _time(one.asked_at, zone), one.asked_by, device_commands.describe(one.what, one.detail),
         one.state, _time(one.sent_at, zone), _time(one.answered_at, zone), _became(one))
        for one in rows
    ]  # fmt: skip
    print(table(("no.", f"asked ({zone})", "by", "what", "state", "sent", "answered", "what became of it"), lines))
    return 0


def _became(told: Told) -> str:
    result = "" if told.result is None else " ".join(f"{name}={value}" for name, value in told.result.items())
    return "; ".join(part for part in (told.failed or "", told.answer, result) if part)


def _time(at: datetime | None, zone: ZoneInfo) -> str:
    return "" if at is None else f"{at.astimezone(zone):%m-%d %H:%M:%S}"
