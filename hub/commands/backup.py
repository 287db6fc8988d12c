"""carehub backup: copy the running database and the hub's keys; follow its log, so that any moment can come back."""

import argparse
import sys
import time
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from hub import logs
from hub.commands.tables import table
from hub.config import load
from hub.errors import HubError
from hub.keeping.base import make
from hub.keeping.follow import Follower, followed
from hub.keeping.shelf import backups, prune, reach
from hub.keeping.tools import Tools, dsn_here
from hub.supervisor import stop_signals

NOT_FOLLOWED = (
    "nobody follows the log into this folder: this backup restores to its own moment and no later one.\n"
    "  set backup.to (CAREHUB_BACKUP_TO) for `carehub up`, or keep `carehub backup --to DIR --follow` running"
)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="carehub backup", description=__doc__)
    parser.add_argument("--config", type=Path, help="settings file (TOML)")
    parser.add_argument("--to", type=Path, metavar="DIR", help="where backups lie; left out: backup.to")
    parser.add_argument("--keep", type=int, metavar="N", help="how many base backups stay; left out: backup.keep")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--follow", action="store_true", help="until stopped: fetch the log, a base backup when due")
    what.add_argument("--list", action="store_true", help="what lies there, and how far each can be restored")
    options = parser.parse_args(argv)
    settings = load(options.config)
    how = settings.backup
    place, keep = options.to or (Path(how.to) if how.to else None), options.keep or how.keep
    if place is None:
        raise HubError("say where to: --to DIR, on another disk or machine, or backup.to in the settings")
    if keep < 1:
        raise HubError("--keep is 1 or more: the last backup is never removed")
    zone = ZoneInfo(settings.console.zone)
    shelf = place.resolve()
    if options.list:
        return _list(shelf, zone)
    tools = Tools(dsn_here(settings), settings.run_dir.resolve())
    if options.follow:
        logs.configure("backup", settings.log_level)
        with stop_signals() as stopped:
            Follower(
                settings=settings, tools=tools, shelf=shelf, every=timedelta(hours=how.every_h), keep=keep,
                stopped=stopped,
            ).run()  # fmt: skip
        return 0
    began = time.monotonic()
    made = make(settings, tools, shelf)
    backup = made.backup
    print(f"{backup.folder}: {_mb(backup.bytes_on_disk)} in {time.monotonic() - began:.1f} s, every file verified")
    print(f"  restores to {backup.ended.astimezone(zone):%Y-%m-%d %H:%M:%S %Z} and later; {backup.migration}")
    print(f"  with {', '.join(made.files) or 'no file of the hub'} and the CAREHUB_… settings of this environment")
    print("  not encrypted, readable by this account alone: it holds every secret of the hub")
    for name in prune(shelf, keep):
        print(f"  removed {name}")
    for name in made.missing:
        print(f"  MISSING {name}: it is configured and could not be read; it is in no backup", file=sys.stderr)
    if not followed(shelf):
        print(NOT_FOLLOWED, file=sys.stderr)
    return 1 if made.missing else 0


def _list(shelf: Path, zone: ZoneInfo) -> int:
    rows = []
    for each in backups(shelf):
        files, gap = reach(each)
        rows.append((
            each.folder.name, f"{each.ended.astimezone(zone):%Y-%m-%d %H:%M:%S}", _mb(each.bytes_on_disk),
            f"{len(files)}{' and then a gap' if gap else ''}", each.migration,
        ))  # fmt: skip
    if not rows:
        print(f"there is no finished backup in {shelf}")
        return 1
    print(table(("backup", f"restores from ({zone.key})", "size", "log files after it", "schema"), rows))
    print("the log is followed now" if followed(shelf) else NOT_FOLLOWED)
    return 0


def _mb(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
