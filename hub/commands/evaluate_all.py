"""`carehub evaluate all`: one report of what the shipped detectors find in recordings, beside what is published."""

import argparse
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

from hub.errors import HubError
from hub.evaluate import report
from hub.evaluate.measure import QUICK, WHOLE, measure


class NoDataError(HubError):
    """Nothing says where the recordings are."""


class NoPlaceError(HubError):
    """The report cannot be written."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what `carehub evaluate all` takes."""
    parser.add_argument("--data", type=Path, help="folder with falls/ and vitals/ (default: $CAREHUB_DATA)")
    parser.add_argument("--out", type=Path, default=Path(), help="folder for report.html and report.json")
    parser.add_argument("--date", type=date.fromisoformat, help="what the report is dated (default: today, UTC)")
    parser.add_argument("--quick", action="store_true", help="a part of everything, to see that it works")
    parser.add_argument(
        "--held-out", type=Path, metavar="ALARMS",
        help="alarms of models that had not met the person (carehub train falls --heldout); examples are drawn from it",
    )  # fmt: skip


def run(asked: argparse.Namespace) -> int:
    """Measure and write. Exit status 1 when something that must be exact is not."""
    folder, say = recordings(asked.data, "falls/ and vitals/"), progress()
    dated = asked.date or datetime.now(UTC).date()
    measured = measure(folder, dated.isoformat(), say, QUICK if asked.quick else WHOLE, asked.held_out)
    try:
        page, figures = report.write(measured, asked.out)
    except OSError as err:
        raise NoPlaceError(f"the report cannot be written to {asked.out}: {err}; give --out another folder") from err
    say("written")
    print(page)
    print(figures)
    wrong = [part["mismatches"] for part in measured.figures["news2"].values()]
    return int(any(wrong) or measured.figures["falls"]["causal"]["lost_or_moved"] > 0)


def recordings(asked: Path | None, inside: str) -> Path:
    """Return the folder of recordings that was asked for, or that the environment names.

    Raises:
        NoDataError: Neither says where they are.
    """
    folder = asked or os.environ.get("CAREHUB_DATA")
    if not folder:
        raise NoDataError(f"where are the recordings? set CAREHUB_DATA or --data to the folder with {inside}")
    return Path(folder)


def progress() -> Callable[[str], None]:
    """Return what tells, on standard error, how far it is after how many seconds."""
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {line}", file=sys.stderr, flush=True)

    return say
