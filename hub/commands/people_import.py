"""carehub people import: what a file of the register would change, and with --apply the change."""

import argparse
from pathlib import Path
from typing import Any

from hub.catalogue import speaker
from hub.commands.device_steps import actor
from hub.commands.tables import table
from hub.errors import HubError
from hub.registry_plan import plan as planned
from hub.registry_plan import records
from hub.registry_read import FILE_MOST, FileError, read
from hub.registry_tables import TABLES
from hub.store import registry_imports
from hub.store.pool import Connection

SHOWN = 200


def add_to(commands: Any) -> None:
    """Add the command to `carehub people`."""
    take = commands.add_parser("import", help="residents, circle, organisations or people from CSV or Excel")
    take.add_argument(
        "file", type=Path, metavar="FILE", help="heads in Chinese or English; templates: /registry/import"
    )
    take.add_argument("--kind", choices=tuple(TABLES), default="residents", help="left out: %(default)s")
    take.add_argument("--apply", action="store_true", help="do it; without, it is only shown")
    take.add_argument("--by", metavar="PERSON", help="whose work it is: number, name, account or telephone")
    take.set_defaults(run=_take)


async def _take(conn: Connection, options: argparse.Namespace) -> None:
    t, layout = speaker("en"), TABLES[options.kind]
    try:
        if options.file.stat().st_size > FILE_MOST:
            raise FileError("too_large", most=FILE_MOST // 1_000_000)
        rows, faults = records(read(options.file.read_bytes(), layout), layout)
    except OSError as err:
        raise HubError(f"{options.file}: cannot be read ({err.strerror})") from None
    except FileError as wrong:
        raise HubError(f"{options.file}: {t(f'reg.file.{wrong.code}', **wrong.facts)}") from None
    plan = planned(options.kind, rows, await registry_imports.register(conn))
    heads = {column.name: column.heads[1] for column in layout.columns}
    told = sorted({*faults, *plan.faults})
    for one in told[:SHOWN]:
        said = t(f"reg.fault.{one.code}", what=one.what)
        print(f"{options.file}:{one.row}: {heads.get(one.column, '')}: {said}")
    if told:
        raise HubError(f"{len(told)} faults; nothing was changed")
    for one in plan.doubts[:SHOWN]:
        print(f"{options.file}:{one.row}: look again: {t(f'reg.fault.{one.code}', what=one.what)}")
    shown = [(e.row, e.action, e.title, ", ".join(heads.get(n, n) for n in e.changes)) for e in plan.entries]
    print(table(("row", "would be", "name", "what changes"), shown[:SHOWN]))
    counts = ", ".join(f"{plan.count(action)} {action}" for action in ("new", "changed", "same"))
    if options.apply:
        number, _ = await registry_imports.keep(conn, options.kind, options.file.name, rows, None)
        await registry_imports.apply(conn, number, await actor(conn, options.by))
    print(f"{counts}; {'taken' if options.apply else 'nothing was changed: --apply does it'}")
