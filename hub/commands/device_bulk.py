"""carehub devices import, export, acl, label: what goes into files and onto paper."""

import argparse
import sys
from pathlib import Path

from devices import registry
from hub import device_acl, device_files, device_label
from hub.commands.device_steps import actor
from hub.config import Settings
from hub.errors import HubError
from hub.store import device_life, devices
from hub.store.pool import connect

FILE_LIMIT = 5_000_000  # bytes
FAULTS_SHOWN = 200


async def take(options: argparse.Namespace, settings: Settings) -> int:
    """Register every device of a file, or none; print the keys of those that sign in by themselves."""
    text = _text(options.file)
    async with await connect(settings.database.dsn, name="carehub devices") as conn, conn.transaction():
        found = device_files.read(text, await devices.residents(conn), lambda one: registry.by_scheme(one) is not None)
        for fault in found.faults[:FAULTS_SHOWN]:
            print(f"{options.file}:{fault.line}: {fault.text}")
        if found.faults:
            print(f"{len(found.faults)} faults; nothing was taken")
            return 1
        if options.check:
            print(f"{len(found.rows)} devices; nothing was taken, as asked")
            return 0
        known = await devices.known(conn, [row.address for row in found.rows])
        by = await actor(conn, options.by)
        lines = ["no.,address,user,password"]
        for row in found.rows:
            number = await devices.register(
                conn, row.address, resident_id=row.resident, room=row.room, model=row.model, deadline_s=row.deadline_s
            )
            await device_life.note_registered(conn, number, by)
            key = ("", "")
            native = row.address.removeprefix("carehub:")
            if native != row.address and row.address not in known:  # a device in use keeps the key that it has
                issued = await devices.issue_credential(conn, native, "device", f"carehub/{native}/", device_id=number)
                key = (issued.username, issued.secret)
            lines.append(f"{number},{row.address},{key[0]},{key[1]}")
    print("\n".join(lines))  # after the commit: a key that is shown is a key that works
    return 0


async def give(options: argparse.Namespace, settings: Settings) -> int:
    """Print or write every device in use as CSV."""
    async with await connect(settings.database.dsn, name="carehub devices") as conn:
        rows = [
            device_files.Row(address=address, model=model, resident=resident, room=room, deadline_s=deadline)
            for address, model, resident, room, deadline in await devices.exported(conn)
        ]
    _put(options.file, device_files.write(rows))
    return 0


async def acl(options: argparse.Namespace, settings: Settings) -> int:
    """Print or write who may publish and subscribe where."""
    async with await connect(settings.database.dsn, name="carehub devices") as conn:
        keys = await devices.rights(conn)
    rights = [device_acl.Right(username=user, prefix=prefix) for user, prefix, active in keys if active]
    for right in rights:
        if not device_acl.usable(right):
            print(f"left out: {right.username}, whose prefix is {right.prefix!r}", file=sys.stderr)
    gone = [user for user, _, active in keys if not active]
    _put(options.file, device_acl.emqx(rights) if options.broker == "emqx" else device_acl.mosquitto(rights, gone))
    return 0


async def label(options: argparse.Namespace, settings: Settings) -> int:
    """Print or write one device's label."""
    async with await connect(settings.database.dsn, name="carehub devices") as conn, conn.transaction():
        device = await device_life.hold(conn, options.device)
    _put(options.file, device_label.svg(device.address, device.model, device.id))
    return 0


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > FILE_LIMIT:
            raise HubError(f"{path}: more than {FILE_LIMIT} bytes: cut the file in two")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as err:
        raise HubError(f"{path}: cannot be read ({err}); give the path of a CSV file in UTF-8") from None


def _put(path: Path | None, text: str) -> None:
    if path is None:
        sys.stdout.write(text)
    else:
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as err:
            raise HubError(f"{path}: cannot be written ({err.strerror}); give a file in a folder that exists") from None
