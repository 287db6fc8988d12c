"""carehub restore: bring a backup back into a run folder, as it was at a moment, and check what came back."""

import argparse
import time
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from hub.config import load
from hub.errors import HubError
from hub.keeping.restoring import Restored, restore
from hub.keeping.shelf import choose

BREAKS_SHOWN = 20


def main(argv: list[str]) -> int:
    """Return 0 when everything came back and every chain of events holds, 1 when one does not."""
    parser = argparse.ArgumentParser(prog="carehub restore", description=__doc__)
    parser.add_argument("--config", type=Path, help="settings file (TOML)")
    parser.add_argument("--from", dest="source", type=Path, required=True, metavar="DIR", help="the backups, or one")
    parser.add_argument("--into", type=Path, required=True, metavar="RUN_DIR", help="the run folder to be made")
    parser.add_argument("--at", metavar="TIME", help="2026-11-22T02:14:00+08:00: all until then, nothing after it")
    parser.add_argument("--replace", action="store_true", help="move aside what lies in RUN_DIR; nothing is deleted")
    options = parser.parse_args(argv)
    settings = load(options.config)
    zone = ZoneInfo(settings.console.zone)
    at = _moment(options.at, zone)
    backup = choose(options.source.resolve(), at)
    began = time.monotonic()
    done = restore(backup, options.into, at, replace=options.replace)
    print(f"{backup.folder.name} and {done.log_files} files of the log: restored in {time.monotonic() - began:.1f} s")
    _tell(done, zone)
    return 1 if done.breaks else 0


def _moment(said: str | None, zone: ZoneInfo) -> datetime | None:
    if said is None:
        return None
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        raise HubError(f"--at {said!r} is no time; write 2026-11-22T02:14:00+08:00") from None
    return at if at.tzinfo else at.replace(tzinfo=zone)


def _tell(done: Restored, zone: ZoneInfo) -> None:
    holds = done.holds
    until = f"{done.until.astimezone(zone):%Y-%m-%d %H:%M:%S.%f %Z}" if done.until else "the end of the base backup"
    print(f"  the last change it holds: {until}")
    print(f"  {holds['incidents']} incidents (the last is {holds['last_incident']}), {holds['presses']} presses,"
          f" {holds['residents']} residents, {holds['people']} people, {holds['devices']} devices;"
          f" {holds['migration']}")  # fmt: skip
    if done.log_ends_early:
        print("  the log has a gap: what comes after it could not be used")
    for name in done.moved_aside:
        print(f"  moved aside: {name}")
    for file, place in done.to_put_back.items():
        print(f"  put back by hand: {file} was {place}")
    for each in done.breaks[:BREAKS_SHOWN]:
        print(f"  BROKEN {each.subject}: {each.why}")
    print("  every chain of events holds" if not done.breaks else f"  {len(done.breaks)} chains do not hold")
    if holds["open_incidents"] or holds["pages_waiting"]:
        print(f"  {holds['open_incidents']} incidents are open as of then and {holds['pages_waiting']} pages wait: they"
              " ring as soon as the hub starts, also for those who were helped since. Tell the desk first")  # fmt: skip
    print(f"  start it: CAREHUB_RUN_DIR={done.run_dir} carehub up")
