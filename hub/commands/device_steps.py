"""carehub devices claim, bind, check, live, retire, rotate: what an installer does to one device, with who and when."""

import argparse
import getpass
import os
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from hub.commands.device_words import show_credential
from hub.config import Settings
from hub.device_life import Check, State, effect
from hub.errors import HubError
from hub.policies import whose
from hub.store import device_life, devices, register
from hub.store.device_life import Held
from hub.store.pool import Connection, connect, hub_now

PASSED, FAILED = "ok", "failed"
BY = "whose doing it is: number, name, account or telephone"
Step: TypeAlias = Callable[[Connection, Held, argparse.Namespace, str], Awaitable[None]]


def add_to(commands: Any) -> None:
    """Add the commands to `carehub devices`."""
    claim = _command(commands, "claim", _claim, "a device that was heard, or that comes back, is ours")
    claim.add_argument("--model", default="", help="what it is: the maker's name for it")
    bind = _command(commands, "bind", _bind, "it is this resident's; it must be pressed there once")
    bind.add_argument("--resident", required=True, metavar="NUMBER|NAME")
    bind.add_argument("--room", default="")
    bind.add_argument("--no-button", action="store_true", help="nothing to press: its first message is its test")
    check = _command(commands, "check", _check, "what a trial showed; a press is seen by the hub itself")
    check.add_argument("what", choices=[str(one) for one in Check])
    check.add_argument("outcome", choices=[PASSED, FAILED])
    check.add_argument("--note", default="")
    _command(commands, "live", _live, "the installer has finished; refused while anything stands against it")
    retire = _command(commands, "retire", _retire, "it is nobody's any more and signs in no more")
    retire.add_argument("--why", default="")
    _command(commands, "rotate", _rotate, "a new key, shown once; the old one stops working at once")


def _command(commands: Any, name: str, step: Step, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text)
    parser.add_argument("device", metavar="DEVICE", help="number or address")
    parser.add_argument("--by", metavar="PERSON", help=BY)
    parser.set_defaults(run=_run, step=step)
    return parser


async def _run(options: argparse.Namespace, settings: Settings) -> int:
    options.settings = settings
    async with await connect(settings.database.dsn, name="carehub devices") as conn:
        await device_life.settle(conn)
        async with conn.transaction():
            device = await device_life.hold(conn, options.device)
            await options.step(conn, device, options, await actor(conn, options.by))
        found, now = await device_life.known(conn, device.id), await hub_now(conn)
    told = effect(found, now)
    print(f"device {device.id}: {device.address}, {found.state}")
    if found.state is not State.RETIRED:
        print(f"  {'已生效 in effect' if told.in_effect else '未生效 not in effect'}")
    for words in told.words():
        print(f"  - {words}")
    return 0


async def actor(conn: Connection, said: str | None = None) -> str:
    """Return who does this, for the history: person:3, or whoever runs this program."""
    if said:
        return f"person:{(await register.person(conn, said)).id}"
    try:
        return f"command:{getpass.getuser()}"
    except (KeyError, OSError):  # a container's number without a name
        return f"command:{os.getuid()}"


async def _claim(conn: Connection, device: Held, options: argparse.Namespace, by: str) -> None:
    await device_life.claim(conn, device, by, model=options.model)


async def _bind(conn: Connection, device: Held, options: argparse.Namespace, by: str) -> None:
    home = await whose(conn, options.resident)
    await device_life.bind(
        conn, device, by, resident_id=home.resident_id, room=options.room, no_button=options.no_button or None
    )


async def _check(conn: Connection, device: Held, options: argparse.Namespace, by: str) -> None:
    what, passed = Check(options.what), options.outcome == PASSED
    await device_life.check(conn, device, by, what, passed=passed, note=options.note)


async def _live(conn: Connection, device: Held, _: argparse.Namespace, by: str) -> None:
    await device_life.live(conn, device, by, await hub_now(conn))


async def _retire(conn: Connection, device: Held, options: argparse.Namespace, by: str) -> None:
    await device_life.retire(conn, device, by, why=options.why)


async def _rotate(conn: Connection, device: Held, options: argparse.Namespace, by: str) -> None:
    scheme, _, native = device.address.partition(":")
    if scheme != "carehub":
        raise HubError(f"{device.address} does not sign in by itself: rotate its gateway: `carehub devices gateway`")
    if device.state is State.RETIRED:
        raise HubError(f"{device.address} is retired: claim it again first")
    issued = await devices.issue_credential(conn, native, "device", f"carehub/{native}/", device_id=device.id)
    await device_life.note_credential(conn, device.id, by)
    show_credential(options.settings, issued)
