"""carehub retention: what is kept how long, and when it was last cleared."""

import argparse
import asyncio
from pathlib import Path
from zoneinfo import ZoneInfo

from hub import retention
from hub.catalogue import speaker
from hub.commands.tables import table
from hub.config import Settings, load, required_dsn
from hub.store import sizes
from hub.store.pool import connect


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="carehub retention", description=__doc__)
    parser.add_argument("--config", type=Path, help="settings file (TOML)")
    parser.add_argument("--apply", action="store_true", help="clear now what is over, as the hub does every six hours")
    options = parser.parse_args(argv)
    settings = load(options.config)
    required_dsn(settings)
    return asyncio.run(_run(options, settings))


def _disk(measured: list[sizes.Size], wearers: int) -> str:
    """Say what the measurements take; what a wearer-day takes only when there are wearers."""
    rows = [
        (
            each.table, "hypertable" if each.hypertable else "native partitions", f"{each.bytes / 1e6:,.1f} MB",
            f"{each.rows:,}", f"{each.per_row:,.0f}" if each.rows else "",
            f"{each.per_wearer_day(wearers) / 1e3:,.1f} kB" if wearers and each.pieces else "",
        )
        for each in measured
    ]  # fmt: skip
    return table(("table", "kind", "on disk", "rows, about", "bytes each", "a wearer-day"), rows)


async def _run(options: argparse.Namespace, settings: Settings) -> int:
    t, zone = speaker("en"), ZoneInfo(settings.console.zone)
    async with await connect(settings.database.dsn, name="carehub retention") as conn:
        if options.apply:
            done = await retention.apply(conn)
            print(", ".join(f"{name}: {count}" for name, count in done.items()) or "nothing is over")
        runs = await retention.runs(conn)
        measured, wearers = await sizes.measure(conn), await sizes.wearers(conn)
    rows = []
    for kind in retention.KINDS:
        days, last = retention.days(kind, settings.ingest), runs.get(kind.name)
        rows.append((
            t(f"reg.keep.{kind.name}"), f"{days} days" if days else "for good", t(f"reg.from.{kind.since}"),
            f"{last['at'].astimezone(zone):%Y-%m-%d %H:%M}" if last else "", last["removed_ever"] if last else "",
        ))  # fmt: skip
    print(table(("what", "kept", "from", "last cleared", "cleared in all"), rows))
    print(f"\n{_disk(measured, wearers)}")
    return 0
