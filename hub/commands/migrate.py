"""carehub migrate: bring the database up to this release."""

import argparse
import asyncio
from pathlib import Path

from hub.config import load, required_dsn
from hub.store import sealing
from hub.store.pool import connect, migrate


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="carehub migrate", description=__doc__)
    parser.add_argument("--config", type=Path, help="settings file (TOML)")
    settings = load(parser.parse_args(argv).config)
    required_dsn(settings)
    done = migrate(settings.database.dsn)
    print("\n".join(f"ran {name}" for name in done) or "nothing to do")
    if plain := asyncio.run(_plain(settings.database.dsn)):
        print(f"{plain} door codes and notes stand plain: when every console runs this release, carehub seal plain")
    return 0


async def _plain(dsn: str) -> int:
    async with await connect(dsn, name="carehub migrate") as conn:
        return (await sealing.census(conn)).plain
