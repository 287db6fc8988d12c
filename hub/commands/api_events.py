"""carehub api events: who is told of what happens to cases, in what state each telling is, and telling it again."""

import argparse
from datetime import datetime
from functools import partial
from typing import Any

from hub.api import messages, signing, tokens
from hub.api.events import Wish, subscribe
from hub.api.outgoing import Guard
from hub.commands.tables import table
from hub.errors import HubError
from hub.store import api
from hub.store import events as store
from hub.store.pool import Connection
from hub.store.sql import as_number


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the commands of subscriptions."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add = commands.add_parser("add", help="tell a program of events from now on; its key is printed once")
    add.add_argument("name")
    add.add_argument("--url", required=True, help="https://…; it answers 2xx once it has kept the message")
    add.add_argument("--kind", action="append", default=[], metavar="KIND",
                     help=f"incident.*, or incident.<{', '.join(messages.KINDS)}>; left out: all")  # fmt: skip
    add.add_argument("--area", action="append", default=[], help="with everything inside; left out: everywhere")
    add.add_argument("--organisation", metavar="NAME|NUMBER|CODE", help="of what this organisation serves only")
    add.add_argument("--health", action="store_true", help="also what happened to her")
    add.set_defaults(run=_add)
    commands.add_parser("list", help="who is told of what, and how it goes").set_defaults(run=_list)
    for name, run, text in (
        ("rotate", _rotate, "print a new key; the old one signs beside it for a day"),
        ("enable", _enable, "tell again, from where it stopped"),
        ("remove", _remove, "tell no more; what waits is dropped"),
    ):
        one = commands.add_parser(name, help=text)
        one.add_argument("number", type=int)
        one.set_defaults(run=run)
    replay = commands.add_parser("replay", help="tell everything again from an event or a moment on")
    replay.add_argument("number", type=int)
    replay.add_argument("--from", dest="begin", required=True, metavar="EVENT|2026-11-22T02:14",
                        help="an event's number, or a moment")  # fmt: skip
    replay.set_defaults(run=_replay)


async def _add(conn: Connection, options: argparse.Namespace) -> None:
    organisation = await api.organisation(conn, options.organisation) if options.organisation else None
    wish = Wish(
        name=options.name, url=options.url, kinds=options.kind or ["incident.*"], areas=options.area,
        organisation=organisation[0] if organisation else None, health=options.health,
    )  # fmt: skip
    guard = Guard(private=options.settings.api.private_networks)
    number, secret = await subscribe(conn, wish, guard=guard, by=tokens.by_command())
    print(f"subscription {number}\n  secret    {secret}   (shown once)")


async def _list(conn: Connection, options: argparse.Namespace) -> None:
    head = ("nr", "name", "url", "kinds", "areas", "waiting", "taken", "state")
    print(table(head, [_line(one, options) for one in await store.subscriptions(conn)]))


def _line(one: dict[str, Any], options: argparse.Namespace) -> tuple[str, ...]:
    def at(moment: datetime | None) -> str:
        return moment.astimezone(options.zone).strftime("%Y-%m-%d %H:%M") if moment else "never"

    state = "on"
    if not one["active"]:
        state = f"off since {at(one['disabled_at'])}: {one['disabled_why']}"
    elif one["failing_since"]:
        state = f"fails since {at(one['failing_since'])}"
    return (
        str(one["id"]), one["name"], one["url"], " ".join(one["kinds"]), " ".join(one["areas"]) or "everywhere",
        str(one["waiting"]), at(one["ok_at"]), state,
    )  # fmt: skip


async def _rotate(conn: Connection, options: argparse.Namespace) -> None:
    fresh, key = signing.fresh(), str(options.settings.secrets.link_key)
    derived = partial(signing.secret, key, "subscription")
    name = await store.rotate(conn, options.number, fresh, derived=derived)
    print(f"subscription {options.number}, {name}\n  secret    {fresh}   (shown once)")


async def _enable(conn: Connection, options: argparse.Namespace) -> None:
    name = await store.named(conn, store.Q.enable, options.number)
    print(f"subscription {options.number}, {name}: is told again")


async def _remove(conn: Connection, options: argparse.Namespace) -> None:
    name = await store.named(conn, store.Q.remove, options.number, organisation=None)
    print(f"subscription {options.number}, {name}: removed")


async def _replay(conn: Connection, options: argparse.Namespace) -> None:
    event = as_number(options.begin)
    since = None
    if event is None:
        try:
            since = datetime.fromisoformat(options.begin)
        except ValueError:
            raise HubError(
                f"{options.begin!r} is neither an event's number nor a moment like 2026-11-22T02:14"
            ) from None
        since = since if since.tzinfo else since.replace(tzinfo=options.zone)
    if not await store.subscriptions(conn, number=options.number):
        raise HubError(f"there is no subscription {options.number}: see `carehub api events list`")
    count = await store.replay(conn, options.number, event=event, since=since)
    print(f"{count} events are told again; what is older than {options.settings.api.keep_days} days is not kept")
