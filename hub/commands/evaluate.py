"""`carehub evaluate`: run the hub's own detectors over recordings and write what they raise, for others to judge."""

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.detectors import DETECTORS, news2
from alerts.detectors.detector import Columnar, Detector
from alerts.detectors.fall import FallDetector
from alerts.detectors.fall_model import FallModel
from alerts.detectors.minutes import MINUTE_MS
from alerts.model import Severity
from devices.columns import VITALS, Columns
from hub.errors import HubError
from hub.models import fall_model

EPOCH_MIN = 27_000_000  # any moment long after 1970: minute 0 of every stream
LEVELS = {Severity.CRITICAL: "high", Severity.HIGH: "high", Severity.MEDIUM: "medium", Severity.LOW: "low"}


class EvaluateError(HubError):
    """A file is not what the command needs."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one of falls, vitals, news2. Return the exit status."""
    asked = _parser().parse_args(argv)
    try:
        return _run(asked)
    except (OSError, KeyError, ValueError) as err:
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
    return parser


def find_falls(path: Path, model: FallModel) -> dict[str, list[float]]:
    """Feed each recording to a new detector; return recording id -> alarm times in seconds from its start."""
    with np.load(path, allow_pickle=False) as file:
        rate_hz, offset, names = float(file["fs"]), file["offset"], file["rec_id"]
        accel, gyro = file["acc_mg"], file["gyro_2mrad"]
    found: dict[str, list[float]] = {}
    for name, start, end in zip(names, offset[:-1], offset[1:], strict=True):
        detector = FallDetector(rate_hz, model)
        alarms = detector.feed(accel[start:end], gyro[start:end], 0)
        if alarms:
            found[str(name)] = [alarm.at_sample / rate_hz for alarm in alarms]
    return found


def watch_streams(path: Path) -> dict[str, list[list[Any]]]:
    """Feed all streams side by side, minute by minute; return stream id -> [[minute, rule, severity word], …]."""
    with np.load(path, allow_pickle=False) as file:
        names, offset = file["id"], file["offset"].astype(np.int64)
        hr, steps = file["hr"], file["steps"]
    states = [new_state(detector, len(names)) for detector in DETECTORS]
    length = np.diff(offset)
    found: dict[str, list[list[Any]]] = {str(name): [] for name in names}
    for minute in range(int(length.max(initial=0))):
        rows = np.flatnonzero(length > minute)
        at = offset[rows] + minute
        told = (hr[at] > 0) | (steps[at] >= 0)
        rows, at = rows[told], at[told]
        batch = minute_batch(rows, EPOCH_MIN + minute, hr[at], steps[at])
        for detector, state in zip(DETECTORS, states, strict=True):
            for finding in detector.observe(state, rows, batch):
                found[str(names[finding.row])].append([minute, finding.rule, LEVELS.get(finding.severity, "technical")])
    return {name: alerts for name, alerts in found.items() if alerts}


def new_state(detector: Detector, devices: int) -> Columnar:
    """Return a detector's state for devices never seen."""
    return {
        name: np.full((devices, *field.shape), field.fill, dtype=field.dtype) for name, field in detector.fields.items()
    }


def minute_batch(rows: NDArray[np.int64], minute: int, hr: NDArray[Any], steps: NDArray[Any]) -> Columns:
    """Return one message a device with heart rate (0 = none) and steps (-1 = none) of one minute."""
    n = len(rows)
    nothing = np.full(n, np.nan, np.float32)
    at = np.full(n, minute * MINUTE_MS, np.int64)
    vitals = dict.fromkeys(VITALS, nothing) | {"heart_rate_bpm": np.where(hr > 0, hr, np.nan).astype(np.float32)}
    return Columns(
        device=rows + 1,
        received_ms=at,
        measured_ms=at,
        sequence=np.full(n, -1, np.int64),
        steps=steps.astype(np.int32),
        worn=np.full(n, -1, np.int8),
        **vitals,
    )


def score_cases(path: Path) -> list[dict[str, Any]]:
    """Score every case of a table; an empty field is a value nobody measured."""
    with path.open(encoding="utf-8", newline="") as file:
        return [_score_case(row) for row in csv.DictReader(file)]


def _score_case(row: dict[str, str]) -> dict[str, Any]:
    def number(name: str) -> float | None:
        return float(row[name]) if (row.get(name) or "").strip() else None

    oxygen = number("on_o2")
    result = news2.score(
        news2.Vitals(
            respiration_rpm=number("rr"),
            spo2_pct=number("spo2"),
            oxygen=None if oxygen is None else oxygen != 0,
            systolic_mmhg=number("sbp"),
            pulse_bpm=number("hr"),
            consciousness=(row.get("acvpu") or "").strip() or None,
            temperature_c=number("temp"),
            scale=int(number("scale") or 1),
        )
    )
    return {
        "case_id": row["case_id"],
        "total": result.total,
        "total_upper": result.total_upper,
        "risk": str(result.risk),
        "components": dict(result.components),
        "missing": list(result.missing),
    }


if __name__ == "__main__":
    sys.exit(main())
