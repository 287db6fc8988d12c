"""carehub roster: duty lists – who is on, rotations, overrides, check-ins, import and export."""

import argparse
import asyncio
import shlex
import sys
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from alerts import duty
from alerts.duty import EVER, FOREVER, Days, Rotation, Shift, instant
from alerts.model import Role
from alerts.policy import DEFAULT_ZONE
from hub.commands.tables import table
from hub.config import load, required_dsn
from hub.errors import HubError
from hub.roster_files import FileFault, People, read_file, write_csv, write_ics
from hub.store import register, roster_imports, rosters
from hub.store.pool import Connection, connect, hub_now
from hub.web.words import speaker

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FILE_LIMIT = 5_000_000  # bytes


def main(argv: list[str]) -> int:
    """Return 0, or 1 when a file has faults, which are printed with their lines."""
    options = _parser().parse_args(argv)
    dsn = required_dsn(load(options.config))
    return asyncio.run(_run(dsn, options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="carehub roster", description=__doc__)
    parser.add_argument("--config", type=Path, help="settings in TOML; the environment comes after it")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    commands.add_parser("list", help="every duty list and who is on it now").set_defaults(run=_list)
    show = commands.add_parser("show", help="who is on, as overrides and check-ins leave it")
    show.add_argument("roster")
    show.add_argument("--days", type=int, default=7)
    show.set_defaults(run=_show)
    create = commands.add_parser("create", help="make a duty list, or change what it is")
    create.add_argument("roster")
    create.add_argument("--zone", default=DEFAULT_ZONE, help="its wall time, e.g. Asia/Shanghai")
    create.add_argument("--role", choices=[str(role) for role in Role], default="")
    create.add_argument("--needs-check-in", action="store_true", help="duty is proved by a word from the telephone")
    create.set_defaults(run=_create)
    _rotation_parser(commands)
    override = commands.add_parser("override", help="somebody does not come, somebody else does")
    override.add_argument("roster")
    override.add_argument("--off", default="", metavar="PERSON", help="who does not come")
    override.add_argument("--on", default="", metavar="PERSON", help="who comes")
    override.add_argument("--from", dest="start", required=True, metavar="TIME", help="2026-11-22T08:00, wall time")
    override.add_argument("--to", dest="end", required=True, metavar="TIME")
    override.add_argument("--reason", default="")
    override.set_defaults(run=_override)
    for name, text in (("check-in", "somebody says that he is here"), ("check-out", "somebody says that he leaves")):
        check = commands.add_parser(name, help=text)
        check.add_argument("person")
        check.add_argument("--roster")
        check.set_defaults(run=_check_in if name == "check-in" else _check_out)
    _file_parsers(commands)
    return parser


def _rotation_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    rotation = commands.add_parser("rotation", help="people take turns; --change N edits one, --end N ends one")
    rotation.add_argument("roster")
    rotation.add_argument("--people", default="", help="numbers or names in order, with commas")
    rotation.add_argument("--first-day", type=date.fromisoformat, metavar="YYYY-MM-DD")
    rotation.add_argument("--hand-over", type=time.fromisoformat, default=time(8), metavar="HH:MM")
    rotation.add_argument("--turn-days", type=int, default=7, help="length of a turn; 7: weekly, 14: every two weeks")
    rotation.add_argument(
        "--hours", default="00:00-00:00", metavar="HH:MM-HH:MM", help="of each day; over midnight too"
    )
    rotation.add_argument("--weekdays", default=",".join(WEEKDAYS), help="mon,tue,…")
    rotation.add_argument("--days", choices=[str(d) for d in Days], default="any", help="by the public calendar")
    rotation.add_argument("--until", type=date.fromisoformat, metavar="YYYY-MM-DD", help="the last day")
    rotation.add_argument("--change", type=int, metavar="N")
    rotation.add_argument("--end", type=int, metavar="N")
    rotation.set_defaults(run=_rotation)


def _file_parsers(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    reading = commands.add_parser(
        "import", help="take a file: CSV (roster,person,from,to) or iCalendar; nothing of a file with a fault is taken"
    )
    reading.add_argument("file", type=Path)
    reading.add_argument("--roster", default="", help="the list of a calendar that does not name it")
    reading.add_argument("--replace", action="store_true", help="shifts to come that the file does not name go")
    reading.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
    reading.add_argument("--lang", choices=("zh", "en"), default="zh")
    reading.set_defaults(run=_import)
    writing = commands.add_parser("export", help="write a list's shifts, as they will be imported again")
    writing.add_argument("roster", nargs="?", help="left out: every named list")
    writing.add_argument("--days", type=int, default=60)
    writing.add_argument("--format", choices=("csv", "ics"), default="csv")
    writing.add_argument("--out", type=Path, help="left out: printed")
    writing.set_defaults(run=_export)


async def _run(dsn: str, options: argparse.Namespace) -> int:
    async with await connect(dsn, name="carehub roster") as conn:
        return int(await options.run(conn, options) or 0)


async def _list(conn: Connection, _: argparse.Namespace) -> None:
    now = await hub_now(conn)
    people = await roster_imports.people(conn)
    lists = await rosters.lists_of(conn, now - duty.HORIZON, now + timedelta(days=1))
    on = [s for s in duty.spans(lists, now - duty.UNPROVED_AFTER, now + timedelta(days=1)) if s.covers(now)]
    found = await rosters.rosters(conn)
    missing = rosters.unproved(lists, frozenset(row.name for row in found if row.needs_check_in), now)
    silent = {(s.person_id, s.roster) for s in missing}
    rows = []
    for row in found:
        names = [
            people.names.get(s.person_id, str(s.person_id)) + ("?" if (s.person_id, s.roster) in silent else "")
            for s in on if s.roster == row.name
        ]  # fmt: skip
        rows.append((row.name or "(no list: their own duty)", row.role, row.zone, row.people, ", ".join(names)))
    print(table(("duty list", "role", "wall time of", "people", "on duty now (?: has not checked in)"), rows))
    if not any(row.name for row in found):
        print("no duty list was made yet: carehub roster create NAME")


async def _show(conn: Connection, options: argparse.Namespace) -> None:
    now = await hub_now(conn)
    zone = await _zone(conn, options.roster)
    people = await roster_imports.people(conn)
    end = now + timedelta(days=options.days)
    lists = await rosters.lists_of(conn, now, end, roster=options.roster)
    shifts = duty.spans(lists, now, end)
    print(f"{options.roster}, times of {zone}" + ("" if shifts else f": nobody is on in the next {options.days} days"))
    for shift in shifts:
        ends = "  –  ".join(f"{t.astimezone(zone):%a %m-%d %H:%M}" for t in (shift.start, shift.end))
        print(f"{ends}  {people.names.get(shift.person_id, shift.person_id)}")
    for number, rotation in await rosters.rotations(conn, options.roster):
        order = ", ".join(people.names.get(p, str(p)) for p in rotation.people)
        print(f"rotation {number}: {order}; {rotation.turn_days} d from {rotation.first_day}, {rotation.days}")


async def _create(conn: Connection, options: argparse.Namespace) -> None:
    if options.zone not in available_timezones():
        raise HubError(f"{options.zone!r} is no time zone; write Asia/Shanghai, Europe/Berlin …")
    await rosters.save_roster(
        conn, options.roster, zone=options.zone, role=options.role, needs_check_in=options.needs_check_in
    )
    print(f"duty list {options.roster}")


async def _rotation(conn: Connection, options: argparse.Namespace) -> None:
    if options.end is not None:
        await rosters.end_rotation(conn, options.end)
        print(f"rotation {options.end} has ended")
        return
    if not options.people or not options.first_day:
        raise HubError("a rotation needs --people and --first-day")
    people = await roster_imports.people(conn)
    opens, _, shuts = options.hours.partition("-")
    try:
        window = time.fromisoformat(opens), time.fromisoformat(shuts)
        weekdays = frozenset(WEEKDAYS.index(day) + 1 for day in options.weekdays.lower().split(","))
    except ValueError:
        raise HubError("write --hours 20:00-08:00 and --weekdays mon,tue,wed") from None
    rotation = Rotation(
        roster=options.roster, zone=(await _zone(conn, options.roster)).key, first_day=options.first_day,
        people=tuple([await _person(conn, people, word) for word in options.people.split(",")]),
        hand_over=options.hand_over, turn_days=options.turn_days, window_from=window[0], window_to=window[1],
        weekdays=weekdays, days=Days(options.days), until=options.until,
    )  # fmt: skip
    number = await rosters.save_rotation(conn, rotation, number=options.change)
    print(f"rotation {number}: laid out for {duty.HORIZON.days} days")


async def _override(conn: Connection, options: argparse.Namespace) -> None:
    people = await roster_imports.people(conn)
    zone = await _zone(conn, options.roster)
    number = await rosters.add_override(
        conn, options.roster, _moment(options.start, zone), _moment(options.end, zone), reason=options.reason,
        off=await _person(conn, people, options.off) if options.off else None,
        on=await _person(conn, people, options.on) if options.on else None,
    )  # fmt: skip
    print(f"override {number}")


async def _check_in(conn: Connection, options: argparse.Namespace) -> None:
    person = await _person(conn, await roster_imports.people(conn), options.person)
    for here in await rosters.check_in(conn, person, via="console", roster=options.roster):
        zone = await _zone(conn, here.roster, DEFAULT_ZONE)
        print(f"{here.roster or '-'}: until {here.until.astimezone(zone):%m-%d %H:%M}{' (stand-in)' * here.stand_in}")


async def _check_out(conn: Connection, options: argparse.Namespace) -> None:
    person = await _person(conn, await roster_imports.people(conn), options.person)
    print("\n".join(await rosters.check_out(conn, person, roster=options.roster)) or "was not checked in")


# ---- files ----


async def _import(conn: Connection, options: argparse.Namespace) -> int:
    people, zones = await roster_imports.people(conn), await roster_imports.zones(conn)
    found = read_file(_text(options.file), people, zones, now=await hub_now(conn), roster=options.roster)
    if found.faults:
        for fault in found.faults:
            print(f"{options.file}:{fault.line}: {fault_words(fault, options.lang)}", file=sys.stderr)
        if hint := _about_lists(found.faults, zones):
            print(hint, file=sys.stderr)
        return 1
    act = roster_imports.plan if options.dry_run else roster_imports.take
    done = await act(conn, found.shifts, replace=options.replace)
    for sign, shifts in (("+", done.new), ("-", tuple(done.gone.values()))):
        for shift in shifts:
            print(f"{sign} {_line(shift, people, zones)}")
    print(f"{len(done.new)} new, {len(done.same)} as they are, {len(done.gone)} gone"
          + (" – nothing was changed (--dry-run)" if options.dry_run else ""))  # fmt: skip
    return 0


def _about_lists(faults: Iterable[FileFault], zones: Mapping[str, str]) -> str:
    """Say how a list comes to be that a file names and nobody has made, or that it does not name at all."""
    wanted = sorted({fault.what for fault in faults if fault.code == "unknown_roster"})
    told = [f"make a duty list first: carehub roster create {shlex.quote(name)}" for name in wanted]
    if any(fault.code == "no_roster" for fault in faults):
        known = ", ".join(filter(None, zones)) or "none yet: carehub roster create NAME makes one"
        told.append(f"a calendar that names no list is taken with --roster NAME; there are {known}")
    return "\n".join(told)


def fault_words(fault: FileFault, lang: str) -> str:
    return speaker(lang)(f"roster_fault.{fault.code}", what=fault.what)


async def _export(conn: Connection, options: argparse.Namespace) -> None:
    now = await hub_now(conn)
    people, zones = await roster_imports.people(conn), await roster_imports.zones(conn)
    rows = await rosters.shifts(conn, now, now + timedelta(days=options.days), roster=options.roster)
    shifts = [row.shift for row in rows if row.shift.roster]
    if options.format == "ics":
        text = write_ics(shifts, people, zones, now=now, name=options.roster or "carehub")
    else:
        text = write_csv(shifts, people, zones)
    if options.out:
        try:
            options.out.write_bytes(text.encode())
        except OSError as err:
            raise HubError(f"{options.out}: cannot be written ({err.strerror}); give another --out") from None
        print(f"{options.out}: {len(shifts)} shifts")
    else:
        sys.stdout.write(text.replace("\r\n", "\n"))


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > FILE_LIMIT:
            raise HubError(f"{path} is longer than {FILE_LIMIT // 1_000_000} MB; no duty list is")
        return path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as err:
        if isinstance(err, OSError):
            raise HubError(
                f"{path}: cannot be read ({err.strerror}); give the path of a CSV or iCalendar file"
            ) from None
        raise HubError(f"{path}: is not in UTF-8; save it as CSV in UTF-8, or as iCalendar") from None


def _line(shift: Shift, people: People, zones: dict[str, str]) -> str:
    zone = ZoneInfo(zones.get(shift.roster, DEFAULT_ZONE))
    ends = ["…" if t in (EVER, FOREVER) else f"{t.astimezone(zone):%Y-%m-%d %H:%M}" for t in (shift.start, shift.end)]
    return f"{shift.roster}  {' – '.join(ends)}  {people.names.get(shift.person_id, shift.person_id)}"


async def _zone(conn: Connection, roster: str, otherwise: str | None = None) -> ZoneInfo:
    found = {row.name: row.zone for row in await rosters.rosters(conn)}.get(roster, otherwise)
    if found is None:
        raise HubError(
            f"there is no duty list {roster!r}; `carehub roster list` shows all, `carehub roster create NAME` makes one"
        )
    return ZoneInfo(found)


async def _person(conn: Connection, people: People, word: str) -> int:
    numbers = people.find(word)
    if len(numbers) > 1:
        return (await register.person(conn, word)).id  # it says who they are
    if not numbers:
        raise HubError(f"{word!r} is nobody who could be on a list; `carehub people list` shows everybody")
    return next(iter(numbers))


def _moment(text: str, zone: ZoneInfo) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise HubError(f"{text!r} is no time; write 2026-11-22T08:00") from None
    return instant(zone, moment.date(), moment.time()) if moment.tzinfo is None else moment
