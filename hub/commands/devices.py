"""carehub devices: register a device or a gateway, and list what is registered."""

import argparse
import asyncio
from pathlib import Path

from hub.config import Settings, load, required_dsn
from hub.errors import HubError
from hub.store import devices
from hub.store.pool import connect


def main(argv: list[str]) -> int:
    options = _parser().parse_args(argv)
    settings = load(options.config)
    required_dsn(settings)
    return int(asyncio.run(options.run(options, settings)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="carehub devices", description=__doc__)
    parser.add_argument("--config", type=Path, help="settings file (TOML)")
    commands = parser.add_subparsers(required=True, metavar="add | gateway | test | list")
    add = commands.add_parser("add", help="one device: prints what it signs in with, once")
    add.add_argument(
        "address", help="scheme:native, e.g. carehub:w-0417, watch3g:8800000015, z2m:home7/zigbee2mqtt/SOS"
    )
    add.add_argument("--resident", type=int, help="number of the resident who wears it")
    add.add_argument("--room", default="")
    add.add_argument("--model", default="")
    add.add_argument("--deadline", type=int, help="seconds of silence after which a technical alert is raised")
    add.set_defaults(run=_add)
    gateway = commands.add_parser("gateway", help="one gateway with the topic prefix of its devices")
    gateway.add_argument("name")
    gateway.add_argument("--prefix", required=True, help="e.g. home7/zigbee2mqtt/")
    gateway.set_defaults(run=_gateway)
    test = commands.add_parser("test", help="an installer is at work: presses are shown in grey and call nobody else")
    test.add_argument("device", type=int, help="the device's number")
    test.add_argument("--minutes", type=int, default=30, help=f"up to {devices.LONGEST_TEST_MIN}; 0 ends it now")
    test.set_defaults(run=_test)
    commands.add_parser("list", help="what is registered").set_defaults(run=_list)
    return parser


async def _add(options: argparse.Namespace, settings: Settings) -> int:
    scheme, _, native = options.address.partition(":")
    if not native:
        raise HubError(f"{options.address!r} is no address; write scheme:native, for example carehub:w-0417")
    async with await connect(settings.database.dsn, name="carehub devices") as conn, conn.transaction():
        number = await devices.register(
            conn, options.address, resident_id=options.resident, room=options.room, model=options.model,
            deadline_s=options.deadline,
        )  # fmt: skip
        print(f"device {number}: {options.address}")
        if scheme == "carehub":
            _show(
                settings, await devices.issue_credential(conn, native, "device", f"carehub/{native}/", device_id=number)
            )
    return 0


async def _test(options: argparse.Namespace, settings: Settings) -> int:
    async with await connect(settings.database.dsn, name="carehub devices") as conn, conn.transaction():
        address, until = await devices.test(conn, options.device, options.minutes)
    print(f"device {options.device}: {address}")
    print(f"  test mode until {until.astimezone():%H:%M:%S}; it ends by itself" if options.minutes else "  live again")
    return 0


async def _gateway(options: argparse.Namespace, settings: Settings) -> int:
    prefix = options.prefix.rstrip("/") + "/"
    if prefix == "/" or "#" in prefix or "+" in prefix:
        raise HubError(f"{options.prefix!r} is no topic prefix; write something like home7/zigbee2mqtt/")
    async with await connect(settings.database.dsn, name="carehub devices") as conn, conn.transaction():
        _show(settings, await devices.issue_credential(conn, options.name, "gateway", prefix))
    return 0


async def _list(_: argparse.Namespace, settings: Settings) -> int:
    async with await connect(settings.database.dsn, name="carehub devices") as conn:
        rows = await devices.listing(conn)
    print(f"{'no.':>5} {'address':<36}{'state':<9}{'resident':>8}  {'deadline':>8}  {'room':<12}signs in as")
    for number, address, _model, state, resident, room, deadline, username in rows:
        bound = f"{resident or '-':>8}  {deadline or '-':>8}  {room:<12}"
        print(f"{number:>5} {address:<36}{state:<9}{bound}{username or '-'}")
    return 0


def _show(settings: Settings, credential: devices.Credential) -> None:
    listener = settings.listener
    print(f"  broker    mqtt://{listener.host}:{listener.port}")
    print(f"  user      {credential.username}")
    print(f"  password  {credential.secret}   (shown once)")
    print(f"  topics    {credential.topic_prefix}…")
