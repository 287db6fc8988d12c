"""carehub migrate: bring the database up to this release."""

import argparse
from pathlib import Path

from hub.config import load, required_dsn
from hub.store.pool import migrate


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="carehub migrate", description=__doc__)
    parser.add_argument("--config", type=Path, help="settings file (TOML)")
    settings = load(parser.parse_args(argv).config)
    required_dsn(settings)
    done = migrate(settings.database.dsn)
    print("\n".join(f"ran {name}" for name in done) or "nothing to do")
    return 0
