"""`carehub evaluate`: run the hub's own detectors over recordings and write what they raise, for others to judge."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alerts.detectors.fall_model import FallModel
from alerts.model import AlertError, Severity
from hub.commands import evaluate_all, evaluate_settings
from hub.errors import HubError
from hub.evaluate.archives import arrays, parts
from hub.evaluate.falls import alarm_times
from hub.evaluate.news2_cases import score_cases
from hub.evaluate.streams import Stream, watch
from hub.models import fall_model

LEVELS = {Severity.CRITICAL: "high", Severity.HIGH: "high", Severity.MEDIUM: "medium", Severity.LOW: "low"}


class EvaluateError(HubError):
    """A file is not what the command needs."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one of falls, vitals, news2, all, vitals-settings. Return the exit status."""
    asked = _parser().parse_args(argv)
    if asked.what == "all":
        return evaluate_all.run(asked)
    if asked.what == "vitals-settings":
        return evaluate_settings.run(asked)
    try:
        return _run(asked)
    except (OSError, KeyError, ValueError, TypeError, AlertError) as err:
        raise EvaluateError(
            f"{asked.file} cannot be evaluated: {err}; see carehub evaluate {asked.what} --help"
        ) from err


def _run(asked: argparse.Namespace) -> int:
    if asked.what == "news2":
        for line in score_cases(Path(asked.file)):
            print(json.dumps(line))
        return 0
    if asked.what == "falls":
        answer: dict[str, Any] = {}
        for name in asked.file:
            answer |= find_falls(Path(name), fall_model())
    else:
        answer = watch_streams(Path(asked.file))
    Path(asked.out).write_text(json.dumps(answer), encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="carehub evaluate", description=__doc__)
    kinds = parser.add_subparsers(dest="what", required=True)
    falls = kinds.add_parser("falls", help="wrist recordings -> alarm times in s")
    falls.add_argument("file", nargs="+", help=".npz with fs, offset, rec_id, acc_mg, gyro_2mrad")
    falls.add_argument("--out", required=True)
    vitals = kinds.add_parser("vitals", help="minute streams -> alerts")
    vitals.add_argument("file", help=".npz with id, offset, hr, steps")
    vitals.add_argument("--out", required=True)
    scores = kinds.add_parser("news2", help="cases -> one JSON line a case on standard output")
    scores.add_argument("file", help=".csv with case_id, rr, spo2, scale, on_o2, sbp, hr, acvpu, temp")
    evaluate_all.add_arguments(
        kinds.add_parser("all", help="the report: everything measured, beside what is published")
    )
    evaluate_settings.add_arguments(
        kinds.add_parser(
            "vitals-settings", help="settings of V1 and V2 chosen without a wearer, judged on him; minutes"
        )
    )
    return parser


def find_falls(path: Path, model: FallModel) -> dict[str, list[float]]:
    """Feed each recording to a new detector; return recording id -> alarm times in seconds from its start."""
    file = arrays(path, ("fs", "offset", "rec_id", "acc_mg", "gyro_2mrad"))
    rate_hz, accel, gyro = float(file["fs"]), file["acc_mg"], file["gyro_2mrad"]
    found: dict[str, list[float]] = {}
    for name, (start, end) in zip(file["rec_id"], parts(file["offset"], len(accel)), strict=True):
        alarms = alarm_times(accel[start:end], gyro[start:end], rate_hz, model)
        if alarms:
            found[str(name)] = alarms
    return found


def watch_streams(path: Path) -> dict[str, list[list[Any]]]:
    """Feed all streams side by side, minute by minute; return stream id -> [[minute, rule, severity word], …]."""
    file = arrays(path, ("id", "offset", "hr", "steps"))
    hr, steps = file["hr"], file["steps"]
    streams = zip(file["id"].tolist(), parts(file["offset"], min(len(hr), len(steps))), strict=True)
    found = watch({name: Stream(hr[start:end], steps[start:end]) for name, (start, end) in streams})
    return {
        name: [[minute, f.rule, LEVELS.get(f.severity, "technical")] for minute, f in several]
        for name, several in found.items()
        if several
    }


if __name__ == "__main__":
    sys.exit(main())
