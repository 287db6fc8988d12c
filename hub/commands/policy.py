"""carehub policy: check, explain, play, publish an escalation policy, and look at what was published."""

import argparse
import asyncio
import getpass
import os
import sys
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from alerts import dry_run_words
from alerts import policy as pure
from alerts.model import AlertKind
from alerts.policy import PolicyError, PolicySet
from alerts.policy_faults import Fault
from hub import config, policies
from hub.config import Settings
from hub.errors import HubError
from hub.policies import DoubtfulPolicyError, Publisher
from hub.store import policies as store
from hub.store.pool import Connection, connect

UNASKED = (
    "no database is configured, so nobody checked whether its duty lists exist, whether everybody can be reached, and "
    "whether somebody is on duty in every hour of the next 14 days"
)
NOT_YET = "people and duty lists are looked at when the file has no fault"


def main(argv: list[str]) -> int:
    """Return 0, or 1 when the policy has a fault, which is printed with file and line."""
    options = _parser().parse_args(argv)
    settings = config.load(options.config)
    work: Callable[[argparse.Namespace, Settings], Awaitable[int]] = options.work
    try:
        return asyncio.run(_run(work, options, settings))
    except PolicyError as error:
        _tell(_name(options), error.faults, options.lang)
        return 1
    except DoubtfulPolicyError as error:
        _tell(_name(options), error.doubts, options.lang)
        print(str(error), file=sys.stderr)
        return 1


async def _run(
    work: Callable[[argparse.Namespace, Settings], Awaitable[int]], options: argparse.Namespace, settings: Settings
) -> int:
    return await work(options, settings)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="carehub policy", description=__doc__)
    parser.add_argument("--config", type=Path, help="settings in TOML; the environment comes after it")
    commands = parser.add_subparsers(dest="what", required=True, metavar="COMMAND")

    def command(
        name: str, work: Callable[[argparse.Namespace, Settings], Awaitable[int]], text: str
    ) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.add_argument("--lang", choices=("zh", "en"), default="en", help="what is said of the policy, in Chinese or"
                          " English; left out: %(default)s")  # fmt: skip
        made.set_defaults(work=work)
        return made

    check = command("check", _check, "say all that is wrong with a policy, without publishing it")
    check.add_argument("file", type=Path, help="the policy in TOML")
    explain = command("explain", _explain, "print who is called when, in words")
    explain.add_argument("file", type=Path, nargs="?", help="the policy in TOML")
    explain.add_argument("--active", nargs="?", const="", metavar="NAME", help="the published one, or one policy of it")
    explain.set_defaults(lang="zh")
    play = command("dry-run", _dry_run, "say who would be called when, nobody answering; nobody is called")
    play.add_argument("--resident", required=True, metavar="NUMBER|NAME", help="for whom")
    play.add_argument(
        "--at", type=datetime.fromisoformat, metavar="2026-11-22T02:14", help="her wall time; left out: now"
    )
    play.add_argument("--kind", type=AlertKind, choices=tuple(AlertKind), default=AlertKind.SOS,
                      help="what happened; left out: %(default)s")  # fmt: skip
    play.add_argument("--policy", type=Path, metavar="FILE", help="a policy in TOML; left out: the published one")
    play.set_defaults(lang="zh")
    publish = command("publish", _publish, "make it the policy of incidents that open from now on")
    publish.add_argument("file", type=Path, help="the policy in TOML")
    history = command("history", _history, "list what was published, newest first")
    history.add_argument("--limit", type=int, default=20, help="so many at most; left out: %(default)s")
    show = command("show", _show, "print one version: who published it, what it changed, its text")
    show.add_argument("version", type=int, help="its number, as `carehub policy history` lists it")
    rollback = command("rollback", _rollback, "publish the text of an old version again")
    rollback.add_argument("version", type=int, help="its number, as `carehub policy history` lists it")
    for changing in (publish, rollback):
        changing.add_argument("--comment", default="", help="why; kept with the version")
        changing.add_argument("--by", metavar="LOGIN", help="whose decision it is, by console account")
        changing.add_argument(
            "--force",
            action="store_true",
            help="in spite of doubts about people and duty lists, which are written down",
        )
    return parser


async def _check(options: argparse.Namespace, settings: Settings) -> int:
    text = _read(options.file)
    if settings.database.dsn:
        async with await connect(settings.database.dsn, name="carehub policy") as conn:
            found = await policies.review(conn, text)
    else:
        found = await policies.review(None, text)
    _tell(options.file, (*found.faults, *found.doubts), options.lang)
    for note in found.notes:
        print(f"{options.file}:{note.line}: note: {note.words(options.lang)}")
    if not found.asked_people and not found.faults:
        print(UNASKED)
    if found.policies is not None and found.sound:
        print(f"{options.file}: {len(list(found.policies))} policies, no fault")
    elif found.faults:
        print(f"{len(found.faults)} to mend; {NOT_YET}")
    return 0 if found.sound else 1


async def _explain(options: argparse.Namespace, settings: Settings) -> int:
    if (options.file is None) == (options.active is None):
        raise HubError("explain a FILE, or what is published with --active; not both, not neither")
    if options.file is not None:
        chosen = list(_read_as_policies(options.file))
    else:
        async with await _database(settings) as conn:
            published = list(await policies.current(conn))
        chosen = [p for p in published if options.active in ("", p.name)]
        if not chosen:
            raise HubError(f"no policy is called {options.active!r}; there are {', '.join(p.name for p in published)}")
    print("\n\n".join(pure.explain(one, options.lang) for one in chosen))
    return 0


async def _dry_run(options: argparse.Namespace, settings: Settings) -> int:
    text = None if options.policy is None else _read(options.policy)
    async with await _database(settings) as conn:
        version = None if text is None else store.check(text, await store.rosters(conn))
        run, names, home = await policies.play(conn, version, options.resident, options.at, options.kind)
    print(f"{home.name} ({home.resident_id})" + (f", {home.address}" if home.address else ""))
    print(dry_run_words.text(dry_run_words.tell(run, names, options.lang)))
    return 0


async def _publish(options: argparse.Namespace, settings: Settings) -> int:
    text = _read(options.file)
    async with await _database(settings) as conn:
        by = await _publisher(conn, options.by)
        version = await policies.publish(conn, text, by, comment=options.comment, force=options.force)
    print(f"version {version} is active; incidents that are open keep the version they started with")
    return 0


async def _rollback(options: argparse.Namespace, settings: Settings) -> int:
    async with await _database(settings) as conn:
        by = await _publisher(conn, options.by)
        version = await policies.rollback(conn, options.version, by, comment=options.comment, force=options.force)
    print(f"version {version} is active, with the text of version {options.version}")
    return 0


async def _history(options: argparse.Namespace, settings: Settings) -> int:
    zone = ZoneInfo(settings.console.zone)
    async with await _database(settings) as conn:
        editions = await store.history(conn, max(1, options.limit))
    if not editions:
        print("nothing was published yet: incidents open with the standard policy")
        return 0
    print(f"  version  published ({zone})")
    for edition in editions:
        mark = "*" if edition.active else " "
        said = [edition.published_as or "carehub", edition.comment]
        said += [f"text of version {edition.restored}"] if edition.restored else []
        said += [f"forced, {len(edition.forced)} doubts"] if edition.forced else []
        said += [f"{edition.open} open"] if edition.open else []
        at = edition.published_at.astimezone(zone)
        print(f"{mark} {edition.version:>7}  {at:%Y-%m-%d %H:%M}  {' · '.join(s for s in said if s)}")
    print("* is active; `carehub policy show VERSION` prints one, `rollback VERSION` puts it back")
    return 0


async def _show(options: argparse.Namespace, settings: Settings) -> int:
    async with await _database(settings) as conn:
        edition = await store.edition(conn, options.version)
        changed = await policies.change(conn, edition)
    zone, by = ZoneInfo(settings.console.zone), edition.published_as or "carehub"
    active, at = ", active" if edition.active else "", edition.published_at.astimezone(zone)
    print(f"# version {edition.version}{active}, published {at:%Y-%m-%d %H:%M:%S} ({zone}) by {by}")
    if edition.comment:
        print(f"# {edition.comment}")
    for number, zh, en in edition.forced:
        print(f"# in spite of line {number}: {zh if options.lang == 'zh' else en}")
    for line in changed.splitlines():
        print(f"# {line}")
    print(edition.text, end="" if edition.text.endswith("\n") else "\n")
    return 0


def _name(options: argparse.Namespace) -> Path | str:
    """What a fault's line is a line of."""
    if options.what == "dry-run":
        return Path(options.policy)
    return f"version {options.version}" if options.what == "rollback" else Path(options.file)


def _tell(name: Path | str, faults: Iterable[Fault], lang: str) -> None:
    for fault in faults:
        print(f"{name}:{fault.line}: {fault.words(lang)}", file=sys.stderr)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")  # some editors begin a file with a mark
    except (OSError, UnicodeDecodeError) as err:
        raise HubError(f"{path}: cannot be read ({err}); give the path of a policy in TOML, written in UTF-8") from None


def _read_as_policies(path: Path) -> PolicySet:
    text = _read(path)
    return store.check(text, store.named_rosters(text))


async def _database(settings: Settings) -> Connection:
    return await connect(config.required_dsn(settings), name="carehub policy")


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's number without a name
        return str(os.getuid())


async def _publisher(conn: Connection, login: str | None) -> Publisher:
    """Return whose decision it is: a supervisor by account, or whoever runs this program."""
    if login is None:
        return Publisher(name=f"carehub policy ({_account()})")
    person = await store.supervisor(conn, login)
    if person is None:
        raise HubError(f"no supervisor signs in as {login!r}: give the account of one, or leave --by out")
    return Publisher(name=person[1], person_id=person[0])
