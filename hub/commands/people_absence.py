"""carehub people away, back, absences, fence: when nobody is to be expected at home, and how far from there is told."""

import argparse
from datetime import datetime, timedelta
from typing import Any

from hub.commands.device_steps import actor
from hub.commands.places import add_place, place_of, shown
from hub.commands.tables import table
from hub.errors import HubError
from hub.policies import whose
from hub.store import homes
from hub.store.homes import Absence
from hub.store.pool import Connection, hub_now

LONGEST = timedelta(days=400)  # longer is no absence: retire her devices
FENCE_M = (100, 30_000)  # a position is right to 50 m; and whoever is 30 km away is not at the next corner
LONGEST_REASON = 200


def add_to(commands: Any) -> None:
    """Add the commands to `carehub people`."""
    away = commands.add_parser("away", help="she is known to be away, or has visitors: her home may be silent")
    away.add_argument("resident", metavar="RESIDENT", help="number or name")
    away.add_argument("--from", dest="begins", metavar="WHEN", help="2026-11-24 or 2026-11-24T09:30; left out: now")
    away.add_argument("--until", dest="ends", metavar="WHEN", required=True, help="likewise; a day counts to its end")
    away.add_argument("--reason", default="", help="hospital, at her daughter's …")
    away.add_argument("--visit", action="store_true", help="she is at home and has visitors: what moves is not she")
    away.add_argument("--by", metavar="PERSON", help="whose word it is: number, name, account or telephone")
    away.set_defaults(run=_away)
    back = commands.add_parser("back", help="she is back: what was written of now ends")
    back.add_argument("resident", metavar="RESIDENT", help="number or name")
    back.add_argument("--all", action="store_true", help="what is still to come, too")
    back.add_argument("--by", metavar="PERSON", help="whose word it is: number, name, account or telephone")
    back.set_defaults(run=_back)
    listing = commands.add_parser("absences", help="who is away and will be, who said so and when")
    listing.add_argument("resident", metavar="RESIDENT", nargs="?", help="number or name; left out: everybody")
    listing.add_argument("--past", action="store_true", help="what is over, too")
    listing.set_defaults(run=_list)
    fence = commands.add_parser("fence", help="where she lives, and how far from there is told")
    fence.add_argument("resident", metavar="RESIDENT", help="number or name")
    add_place(fence, "of her door")
    add_fence(fence)
    fence.set_defaults(run=_fence)


def add_fence(parser: argparse.ArgumentParser) -> None:
    """What belongs to a resident's place, where she is registered and later."""
    parser.add_argument("--fence", type=_metres, metavar="METRES", help="told when she is further away; 0: never")


async def _away(conn: Connection, options: argparse.Namespace) -> None:
    home, now = await whose(conn, options.resident), await hub_now(conn)
    begins = _when(options.begins, options.zone) if options.begins else None
    ends = _when(options.ends, options.zone, ending=True)
    if ends <= max(begins or now, now):
        raise HubError("it would be over before it begins, or is over: give a later --until")
    if ends - (begins or now) > LONGEST:
        raise HubError(f"{LONGEST.days} days at most; who stays away longer is better served by retiring her devices")
    number, begins, ends = await homes.add_absence(
        conn, home.resident_id, "visit" if options.visit else "away", begins=begins, ends=ends,
        reason=options.reason.strip()[:LONGEST_REASON], by=await actor(conn, options.by),
    )  # fmt: skip
    word = "has visitors" if options.visit else "is away"
    print(f"absence {number}: {home.name} {word} {_shown(begins, options.zone)} to {_shown(ends, options.zone)}")
    print("  note      calls, falls, smoke ring as ever; only what a silent home means is not told")


async def _back(conn: Connection, options: argparse.Namespace) -> None:
    home = await whose(conn, options.resident)
    ended = await homes.back(conn, home.resident_id, await actor(conn, options.by), everything=options.all)
    if not ended:
        raise HubError(f"nothing says that {home.name} is away now; what is to come ends with --all")
    print(f"{home.name} is back: {ended} ended")


async def _list(conn: Connection, options: argparse.Namespace) -> None:
    number = (await whose(conn, options.resident)).resident_id if options.resident else None
    found = await homes.absences(conn, number, past=options.past)
    head = ("no.", "resident", "what", "from", "until", "reason", "written by", "when", "ended")
    print(table(head, [_line(one, options.zone) for one in found]))


async def _fence(conn: Connection, options: argparse.Namespace) -> None:
    home = await whose(conn, options.resident)
    lat, lon = place_of(options)
    lat, lon, metres = await homes.set_fence(conn, home.resident_id, lat=lat, lon=lon, fence_m=options.fence)
    if metres and lat is None:
        raise HubError("nobody knows where she lives: give --lat and --lon as well")
    print(f"{home.name}: {shown(lat, lon)}, fence {metres or 'none'}")


def _line(one: Absence, zone: Any) -> tuple[Any, ...]:
    ended = f"{_shown(one.ended_at, zone)} {one.ended_by}" if one.ended_at else ""
    return (
        one.id, f"{one.resident_id} {one.name}", one.kind, _shown(one.begins_at, zone), _shown(one.ends_at, zone),
        one.reason, one.written_by, _shown(one.written_at, zone), ended,
    )  # fmt: skip


def _when(text: str, zone: Any, *, ending: bool = False) -> datetime:
    """Return a moment of the district; a day alone is its beginning, or with `ending` its end."""
    try:
        at = datetime.fromisoformat(text)
        if len(text) == len("2026-11-24") and ending:
            at += timedelta(days=1)
    except (ValueError, OverflowError):
        raise HubError(f"{text!r} is no time: write 2026-11-24 or 2026-11-24T09:30") from None
    return at if at.tzinfo else at.replace(tzinfo=zone)


def _shown(at: datetime, zone: Any) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


def _metres(text: str) -> int:
    value = int(text)
    if value and not FENCE_M[0] <= value <= FENCE_M[1]:
        raise argparse.ArgumentTypeError(f"0, or {FENCE_M[0]} to {FENCE_M[1]} metres")
    return value
