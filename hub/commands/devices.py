"""carehub devices: register, claim, bind, test, show and retire devices; their keys, files and rights."""

import argparse
import asyncio
from pathlib import Path

from devices import registry
from hub import device_files
from hub.commands import (
    device_bulk,
    device_falls,
    device_health,
    device_records,
    device_send,
    device_show,
    device_steps,
)
from hub.commands.device_words import show_credential
from hub.config import Settings, load, required_dsn
from hub.errors import HubError
from hub.policies import whose
from hub.store import device_life, device_log, devices
from hub.store.pool import connect

OWN = "carehub/"  # topics of devices and responders that sign in by themselves


def main(argv: list[str]) -> int:
    options = _parser().parse_args(argv)
    settings = load(options.config)
    required_dsn(settings)
    return int(asyncio.run(options.run(options, settings)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="carehub devices", description=__doc__)
    parser.add_argument("--config", type=Path, help="settings file (TOML)")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add = commands.add_parser("add", help="one device: prints what it signs in with, once")
    add.add_argument(
        "address", help="scheme:native, e.g. carehub:w-0417, watch3g:8800000015, z2m:home7/zigbee2mqtt/SOS"
    )
    add.add_argument("--resident", metavar="NUMBER|NAME", help="who wears it")
    add.add_argument("--room", default="")
    add.add_argument("--model", default="")
    add.add_argument("--deadline", type=int, help="seconds of silence after which a technical alert is raised")
    add.set_defaults(run=_add)
    gateway = commands.add_parser("gateway", help="one gateway with the topic prefix of its devices")
    gateway.add_argument("name")
    gateway.add_argument("--prefix", help="e.g. home7/zigbee2mqtt/; left out: what it has, and who issued its keys")
    gateway.set_defaults(run=_gateway)
    test = commands.add_parser("test", help="an installer is at work: presses are shown in grey and call nobody else")
    test.add_argument("device", metavar="DEVICE", help="number or address")
    test.add_argument("--minutes", type=int, default=30, help=f"up to {devices.LONGEST_TEST_MIN}; 0 ends it now")
    test.set_defaults(run=_test)
    for step in (add, gateway, test):
        step.add_argument("--by", metavar="PERSON", help=device_steps.BY)
    device_steps.add_to(commands)
    device_health.add_to(commands)
    device_falls.add_to(commands)
    device_send.add_to(commands)
    device_show.add_list(commands.add_parser("list", help="devices: state, whose, last heard, battery, deadline"))
    device_records.add_to(commands)
    show = commands.add_parser("show", help="one device: in effect or why not, history, last messages decoded and raw")
    show.add_argument("device", metavar="DEVICE", help="number or address")
    show.add_argument("--messages", type=int, default=device_show.MESSAGES)
    show.set_defaults(run=device_show.show)
    take = commands.add_parser("import", help=f"CSV with {','.join(device_files.COLUMNS)}: all of it, or every fault")
    take.add_argument("file", type=Path)
    take.add_argument("--check", action="store_true", help="only look for faults")
    take.add_argument("--by", metavar="PERSON", help="whose doing it is")
    take.set_defaults(run=device_bulk.take)
    give = commands.add_parser(
        "export", help="every device in use, as import reads it",
        description=f"Every device in use, as import reads it: {device_files.GUARDED}.",
    )  # fmt: skip
    give.add_argument("file", type=Path, nargs="?")
    give.set_defaults(run=device_bulk.give)
    acl = commands.add_parser("acl", help="who may publish and subscribe where, for a broker of your own")
    acl.add_argument("broker", choices=["mosquitto", "emqx"])
    acl.add_argument("file", type=Path, nargs="?")
    acl.set_defaults(run=device_bulk.acl)
    label = commands.add_parser("label", help="a label with a QR code, as SVG; it holds no key")
    label.add_argument("device", metavar="DEVICE", help="number or address")
    label.add_argument("file", type=Path, nargs="?")
    label.set_defaults(run=device_bulk.label)
    return parser


async def _add(options: argparse.Namespace, settings: Settings) -> int:
    if fault := device_files.address_fault(options.address, lambda one: registry.by_scheme(one) is not None):
        raise HubError(fault)
    if options.deadline is not None and not 0 <= options.deadline <= device_files.LONGEST_DEADLINE_S:
        raise HubError(
            f"--deadline {options.deadline}: whole seconds from 0 (not supervised) to {device_files.LONGEST_DEADLINE_S}"
        )
    scheme, _, native = options.address.partition(":")
    async with await connect(settings.database.dsn, name="carehub devices") as conn, conn.transaction():
        resident = None if options.resident is None else (await whose(conn, options.resident)).resident_id
        number = await devices.register(
            conn, options.address, resident_id=resident, room=options.room, model=options.model,
            deadline_s=options.deadline,
        )  # fmt: skip
        facts = {"resident": resident, "room": options.room, "model": options.model}
        by = await device_steps.actor(conn, options.by)
        await device_log.note(conn, number, "registered", by, facts)
        issued = None
        if scheme == "carehub":
            issued = await devices.issue_credential(conn, native, "device", f"carehub/{native}/", device_id=number)
    print(f"device {number}: {options.address}")
    if issued is not None:
        show_credential(settings, issued)
    return 0


async def _test(options: argparse.Namespace, settings: Settings) -> int:
    async with await connect(settings.database.dsn, name="carehub devices") as conn, conn.transaction():
        device = await device_life.hold(conn, options.device)
        address, until = await devices.test(conn, device.id, options.minutes)
        by = await device_steps.actor(conn, options.by)
        await device_log.note(conn, device.id, "test_mode", by, {"minutes": options.minutes})
    print(f"device {device.id}: {address}")
    print(f"  test mode until {until.astimezone():%H:%M:%S}; it ends by itself" if options.minutes else "  live again")
    return 0


async def _gateway(options: argparse.Namespace, settings: Settings) -> int:
    if options.prefix is None:
        return await device_show.gateway(options, settings)
    prefix = options.prefix.rstrip("/") + "/"
    if prefix == "/" or "#" in prefix or "+" in prefix:
        raise HubError(f"{options.prefix!r} is no topic prefix; write something like home7/zigbee2mqtt/")
    if prefix.startswith(OWN):  # below it every watch and every responder speaks
        raise HubError(
            f"{options.prefix!r}: below {OWN} watches and responders speak for themselves, and a gateway's key"
            " would speak for all of them; choose another prefix, such as home7/zigbee2mqtt/"
        )
    async with await connect(settings.database.dsn, name="carehub devices") as conn, conn.transaction():
        by = await device_steps.actor(conn, options.by)
        issued = await devices.issue_credential(conn, options.name, "gateway", prefix)
        await device_log.note_key(conn, options.name, by, {"prefix": prefix})
        show_credential(settings, issued)
    return 0
