"""carehub api: tokens of other programs, who is told of events, and what platforms of the authorities are owed."""

import argparse
import asyncio
from pathlib import Path
from zoneinfo import ZoneInfo

from hub.api import tokens
from hub.api.scopes import SCOPES
from hub.commands import api_events, api_exchange
from hub.commands.tables import table
from hub.config import Settings, load, required_dsn
from hub.errors import HubError
from hub.store import api as store
from hub.store import register
from hub.store.pool import Connection, connect


def main(argv: list[str]) -> int:
    options = _parser().parse_args(argv)
    settings = load(options.config)
    required_dsn(settings)
    return asyncio.run(_run(options, settings))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="carehub api", description=__doc__)
    parser.add_argument("--config", type=Path, help="settings file (TOML)")
    nouns = parser.add_subparsers(required=True, metavar="NOUN")
    token = nouns.add_parser("token", help="tokens: create, list, revoke; scopes").add_subparsers(
        required=True, metavar="COMMAND"
    )
    create = token.add_parser("create", help="make a token; it is printed once, and kept as a digest only")
    create.add_argument("name", help="which program it is for")
    create.add_argument("--scope", action="append", required=True, metavar="SCOPE", help="again for more; see `scopes`")
    create.add_argument(
        "--organisation", metavar="NAME|NUMBER|CODE", help="it sees what this organisation serves, no more"
    )
    create.add_argument("--person", metavar="PERSON", help="it acts as this colleague; left out: an account of its own")
    create.add_argument("--days", type=int, default=tokens.DAYS, help="how long it counts; left out: %(default)s")
    create.add_argument("--per-minute", type=int, default=tokens.PER_MINUTE, help="requests; left out: %(default)s")
    create.set_defaults(run=_create)
    token.add_parser("list", help="which there are, and when each was used last").set_defaults(run=_list)
    revoke = token.add_parser("revoke", help="end one; it stops counting at once")
    revoke.add_argument("number", type=int)
    revoke.set_defaults(run=_revoke)
    token.add_parser("scopes", help="what a token may be for").set_defaults(run=_scopes)
    api_events.add_to(nouns.add_parser("events", help="signed events: add, list, rotate, replay, enable, remove, test"))
    api_exchange.add_to(
        nouns.add_parser("exchange", help="platforms: add, list, reconcile, differences, replay, refused")
    )
    return parser


async def _run(options: argparse.Namespace, settings: Settings) -> int:
    async with await connect(settings.database.dsn, name="carehub api") as conn:
        options.zone, options.settings = ZoneInfo(settings.console.zone), settings
        return int(await options.run(conn, options) or 0)


async def _create(conn: Connection, options: argparse.Namespace) -> None:
    organisation = await store.organisation(conn, options.organisation) if options.organisation else None
    person = await register.person(conn, options.person) if options.person else None
    made = await tokens.issue(
        conn, options.name, options.scope, by=tokens.by_command(), days=options.days, per_minute=options.per_minute,
        organisation_id=organisation[0] if organisation else None, person=(person.id, person.role) if person else None,
    )  # fmt: skip
    print(f"token {made.id}")
    print(f"  secret    {made.token}   (shown once)")
    print(f"  acts as   person {made.person_id}{f', {person.name}' if person else ', an account of its own'}")
    if organisation:
        print(f"  sees      what {organisation[1]} serves")
    print(f"  until     {made.expires_at.astimezone(options.zone):%Y-%m-%d %H:%M}")


async def _list(conn: Connection, options: argparse.Namespace) -> None:
    found = await store.tokens(conn)
    if not found:
        print("no token yet: carehub api token create NAME --scope incidents:read")
        return
    day = "%Y-%m-%d %H:%M"
    rows = [
        (
            str(one["id"]), one["name"], f"{one['hint']}…", one["organisation"] or "", one["person"],
            one["last_used_at"].astimezone(options.zone).strftime(day) if one["last_used_at"] else "never",
            one["expires_at"].astimezone(options.zone).strftime(day) if one["living"] else "ended",
            " ".join(one["scopes"]),
        )
        for one in found
    ]  # fmt: skip
    print(table(("nr", "name", "begins", "organisation", "acts as", "used", "until", "scopes"), rows))


async def _revoke(conn: Connection, options: argparse.Namespace) -> None:
    name = await store.revoke(conn, options.number, tokens.by_command())
    if name is None:
        raise HubError(f"no living token has the number {options.number}; see `carehub api token list`")
    print(f"token {options.number}, {name}: ended")


async def _scopes(conn: Connection, options: argparse.Namespace) -> None:
    print(table(("scope", "what it is for"), list(SCOPES.items())))
