"""`carehub evaluate vitals-settings`: choose V1's and V2's settings on all wearers but one, judge them on that one."""

import argparse
import json
from pathlib import Path

from hub.commands.evaluate_all import NoPlaceError, progress, recordings
from hub.evaluate import vitals, vitals_settings
from hub.evaluate.measure import VITALS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what `carehub evaluate vitals-settings` takes."""
    parser.add_argument("--data", type=Path, help="folder with vitals/ (default: $CAREHUB_DATA)")
    parser.add_argument("--out", type=Path, default=Path(vitals_settings.CARD), help="the card to write")
    parser.add_argument("--windows", type=int, default=vitals.WINDOWS, help="rises a wearer")
    parser.add_argument("--seed", type=int, default=vitals.SEED, help="of the windows")


def run(asked: argparse.Namespace) -> int:
    """Measure and write the card."""
    folder = recordings(asked.data, "vitals/")
    wearers = vitals.load(*(folder / name for name in VITALS))
    told = vitals_settings.held_out(wearers, asked.windows, asked.seed, progress())
    try:
        asked.out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    except OSError as err:
        raise NoPlaceError(f"the card cannot be written to {asked.out}: {err}; give --out another file") from err
    print(asked.out)
    return 0
