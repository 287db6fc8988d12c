"""carehub reviews: calls drawn by lot for review; verify draws them again from seed and population."""

import argparse
import asyncio
from pathlib import Path

from hub.commands.tables import table
from hub.config import Settings, load, required_dsn
from hub.store import reviews as store
from hub.store.pool import connect

NAMED = 20  # changed cases in a line


def main(argv: list[str]) -> int:
    """Return 0, or 1 when a draw is not what its seed draws."""
    parser = argparse.ArgumentParser(prog="carehub reviews", description=__doc__)
    parser.add_argument("--config", type=Path, help="settings in TOML; the environment comes after it")
    what = parser.add_subparsers(dest="what", required=True)
    what.add_parser("list", help="the draws there are")
    verify = what.add_parser("verify", help="draw again and compare")
    verify.add_argument("number", type=int)
    options = parser.parse_args(argv)
    settings = load(options.config)
    required_dsn(settings)
    return asyncio.run(_run(settings, options))


async def _run(settings: Settings, options: argparse.Namespace) -> int:
    async with await connect(settings.database.dsn, name="carehub reviews") as conn:
        if options.what == "list":
            head = ("draw", "since", "until", "area", "drawn", "of", "reviewed", "seed")
            found = await store.draws(conn)
            print(table(head, [
                (one["id"], f"{one['since']:%Y-%m-%d}", f"{one['until']:%Y-%m-%d}", one["area"] or "*", one["drawn"],
                 one["cases"], one["reviewed"], one["seed"]) for one in found
            ]))  # fmt: skip
            return 0
        kept = await store.one_draw(conn, options.number)
        verified = await store.verify(conn, options.number)
    print(f"draw {options.number}: seed {kept['seed']}, algorithm {kept['algorithm']}")
    print(f"population: {len(kept['population'])} cases, SHA-256 {kept['population_sha256']}")
    for fault in verified.faults:
        print(f"NOT THE SAME: {fault}")
    if verified.changed:
        named = ", ".join(f"#{number}" for number in verified.changed[:NAMED])
        print(f"{len(verified.changed)} cases of the population changed since; the draw stands: {named}")
    if verified.holds:
        print("drawn again: the same")
    return 0 if verified.holds else 1
