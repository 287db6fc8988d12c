"""carehub api exchange: platforms of the authorities, what they are owed, and what differs over there."""

import argparse
from pathlib import Path
from typing import Any

from hub.api import neutral, signing
from hub.api.adapters import ADAPTERS, PlatformError
from hub.api.outgoing import Guard, Outgoing
from hub.commands.tables import table
from hub.config import secret_beside
from hub.errors import HubError
from hub.loops.exchange import adapter_of, reconcile
from hub.store import exchange as store
from hub.store.pool import Connection, hub_now


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the commands of platforms."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add = commands.add_parser("add", help="bring a platform what it is owed from now on; its key is printed once")
    add.add_argument("name")
    add.add_argument("--url", required=True)
    add.add_argument("--mapping", type=Path, help="our fields to theirs (TOML); left out: our own names")
    add.add_argument("--adapter", choices=tuple(ADAPTERS), default="json", help="left out: %(default)s")
    add.add_argument("--area", action="append", default=[], help="with everything inside; left out: everywhere")
    add.set_defaults(run=_add)
    commands.add_parser("list", help="which there are, and how far each is").set_defaults(run=_list)
    commands.add_parser("mapping", help="print the standard mapping, to be copied").set_defaults(run=_mapping)
    for name, run, text in (
        ("reconcile", _reconcile, "compare counts and digests now, list what differs, send it again"),
        ("differences", _differences, "what the last comparisons found"),
        ("refused", _refused, "records the platform refused, and why"),
        ("off", _off, "bring it nothing more"),
        ("on", _on, "bring it what it is owed again"),
    ):
        one = commands.add_parser(name, help=text)
        one.add_argument("name")
        one.set_defaults(run=run)
    replay = commands.add_parser("replay", help="send everything again from a number on")
    replay.add_argument("name")
    replay.add_argument("--from", dest="number", type=int, default=1, help="left out: everything")
    replay.set_defaults(run=_replay)


def _key(options: argparse.Namespace) -> str:
    key = str(options.settings.secrets.link_key)
    if not key:
        raise HubError(f"no key to sign with: {secret_beside(options.settings, 'CAREHUB_SECRETS_LINK_KEY')}")
    return key


async def _platform(conn: Connection, name: str) -> dict[str, Any]:
    found = await store.platforms(conn, name=name)
    if not found:
        raise HubError(f"there is no platform {name!r}: see `carehub api exchange list`")
    return found[0]


async def _add(conn: Connection, options: argparse.Namespace) -> None:
    key = _key(options)
    if wrong := Guard(private=options.settings.api.private_networks).wrong(options.url):
        raise HubError(f"--url: {wrong}")
    if await store.platforms(conn, name=options.name):
        raise HubError(f"there is a platform {options.name!r} already")
    text = _text(options.mapping) if options.mapping else neutral.standard()
    neutral.read(text)
    salt = signing.salt()
    await conn.execute(store.Q.add, {
        "name": options.name, "url": options.url, "adapter": options.adapter, "mapping": text, "areas": options.area,
        "salt": salt,
    })  # fmt: skip
    print(f"platform {options.name}\n  secret    {signing.platform(key, salt)}   (shown once)")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as err:
        raise HubError(f"{path}: cannot be read as UTF-8 text: {err}") from None


async def _list(conn: Connection, options: argparse.Namespace) -> None:
    rows = [
        (
            one["name"], one["url"], "on" if one["active"] else "off", one["last_number"], one["waiting"],
            one["refused"], one["reconciled_on"] or "never", one["why"] if one["failing_since"] else "",
        )
        for one in await store.platforms(conn)
    ]  # fmt: skip
    print(table(("name", "url", "is", "last number", "waiting", "refused", "compared", "fault"), rows))


async def _mapping(conn: Connection, options: argparse.Namespace) -> None:
    print(neutral.standard(), end="")


async def _reconcile(conn: Connection, options: argparse.Namespace) -> int:
    platform = await _platform(conn, options.name)
    day = (await hub_now(conn)).astimezone(options.zone).date()
    async with Outgoing(Guard(private=options.settings.api.private_networks)) as out:
        adapter = adapter_of(platform, out, _key(options))
        try:
            found = await reconcile(conn, platform, neutral.read(platform["mapping"]), adapter, day)
        except PlatformError as err:
            raise HubError(f"{options.name} does not answer as it should: {err}") from None
    rows = [(one.kind, one.ours, one.theirs, len(one.differences)) for one in found]
    print(table(("kind", "ours", "theirs", "differ"), rows))
    return int(any(one.differences for one in found))


async def _differences(conn: Connection, options: argparse.Namespace) -> None:
    platform = await _platform(conn, options.name)
    found = await store.rows(conn, store.Q.reconciliations, platform=platform["id"], limit=store.SHOWN)
    for one in found:
        print(f"{one['day']}  {one['kind']:<10} ours {one['ours']}, theirs {one['theirs']}, sent again {one['resent']}")
        for each in one["differences"]:
            print(f"            {each['id']} {each['what']}")
    if not found:
        print("not compared yet")


async def _refused(conn: Connection, options: argparse.Namespace) -> None:
    platform = await _platform(conn, options.name)
    found = await store.rows(conn, store.Q.refusals, platform=platform["id"], limit=store.SHOWN)
    print(table(("number", "kind", "id", "why"), [(r["number"], r["kind"], r["subject"], r["answer"]) for r in found]))


async def _off(conn: Connection, options: argparse.Namespace) -> None:
    await _switch(conn, options, active=False)


async def _on(conn: Connection, options: argparse.Namespace) -> None:
    await _switch(conn, options, active=True)


async def _switch(conn: Connection, options: argparse.Namespace, *, active: bool) -> None:
    platform = await _platform(conn, options.name)
    await conn.execute(store.Q.switch, {"platform": platform["id"], "active": active})
    print(f"platform {options.name}: {'on' if active else 'off'}")


async def _replay(conn: Connection, options: argparse.Namespace) -> None:
    platform = await _platform(conn, options.name)
    print(f"{await store.replay(conn, platform['id'], options.number)} records are owed again")
