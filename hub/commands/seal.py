"""carehub seal: the keys of what is stored sealed. Without them door codes and health notes are lost."""

import argparse
import asyncio
from pathlib import Path

from hub import sealed
from hub.commands.tables import table
from hub.config import Settings, load, required_dsn
from hub.errors import HubError
from hub.store import sealing
from hub.store.pool import Connection, connect


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="carehub seal", description=__doc__)
    parser.add_argument("--config", type=Path, help="settings file (TOML)")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, act, text in (
        ("show", _show, "which keys are here, and how much each of them sealed"),
        ("init", _init, "make the first key, where nothing was ever sealed"),
        ("plain", _plain, "seal what an earlier release left plain; once every console runs this one"),
        ("rotate", _rotate, "make a new key and seal everything under it; the old ones stay, to open old backups"),
    ):
        commands.add_parser(name, help=text).set_defaults(run=act)
    commands.add_parser("key", help="print a new key, for CAREHUB_SEAL_KEY").set_defaults(run=None)
    options = parser.parse_args(argv)
    if options.run is None:
        print(sealed.new_key())
        return 0
    settings = load(options.config)
    required_dsn(settings)
    return asyncio.run(_run(options, settings))


async def _run(options: argparse.Namespace, settings: Settings) -> int:
    sealed.use(settings.run_dir)
    async with await connect(settings.database.dsn, name="carehub seal") as conn:
        return int(await options.run(conn, settings))


async def _show(conn: Connection, _: Settings) -> int:
    ring, found = sealed.ring(), await sealing.census(conn)
    names = [*ring.keys, *(key for key in found.by_key if key not in ring.keys and key != sealing.PLAIN)]
    rows = [(key, _said(key, ring), found.by_key.get(key, 0)) for key in names]
    print(table(("key", "", "sealed with it"), rows) if rows else "there is no key here")
    if found.plain:
        print(f"{found.plain} stand plain: carehub seal plain")
    if lost := found.lost(ring.keys):
        print(f"{lost} cannot be opened here: bring {sealed.KEYS_FILE} back from the backup")
    return 1 if lost else 0


def _said(key: str, ring: sealed.Ring) -> str:
    return "seals" if key == ring.current else "opens" if key in ring.keys else "NOT HERE"


async def _init(conn: Connection, settings: Settings) -> int:
    if not await sealing.begin(conn, settings.run_dir):
        raise HubError(f"this database has a key already: bring {sealed.KEYS_FILE} from the machine or the backup that"
                       f" has it, or set {sealed.KEY_VARIABLE}")  # fmt: skip
    print(f"key {sealed.ring().current} seals")
    return 0


async def _plain(conn: Connection, settings: Settings) -> int:
    await _init(conn, settings)
    print(f"{await sealing.seal_plain(conn)} sealed")
    return 0


async def _rotate(conn: Connection, settings: Settings) -> int:
    """With keys of the environment the first of them is the new one: it was put there before the roles started."""
    ring = sealed.ring()
    if not await sealing.begin(conn, settings.run_dir):
        raise HubError(f"the key of this database is not here: bring {sealed.KEYS_FILE} from the backup first")
    if sealed.from_environment():
        print(f"the first key of {sealed.KEY_VARIABLE} seals: {ring.current}; put a new one before it to change it")
    else:
        print(f"new key {sealed.add_key()} in {sealed.keys_file()}: it is in no backup made before now")
    print(f"{await sealing.seal_anew(conn)} sealed anew under {sealed.ring().current}")
    return 0
