"""What the fall model's makers found on people and on data sets that the judged model had not learnt from.

Learning anew takes minutes, so the counts are package data beside the model, written by `carehub train falls`:
`fall_model_card.json`, whose `held_out` maps a way of judging (`people`, `datasets`) to rows
`{"dataset", "activity", "group", "fall", "recordings", "alarmed", "delays_s"}`. Of falls only those that are scored are
in it, and `alarmed` counts the alarms that found them. `found_at_specificity`, if it is there, says by way and data set
how many falls are found where limits leave a share of the daily recordings quiet. `people_otherwise` has such rows of
the same people left out, shown as another watch would have: without the turn rate, or cut off at ±2 g.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from hub.errors import HubError
from hub.evaluate.statistics import median_p95, share

CARD = "fall_model_card.json"


class HeldOutError(HubError):
    """The model's card is not what the report needs."""


def told() -> dict[str, Any]:
    """Return the tables of every way of judging in the card; empty without a card."""
    return _tables("held_out")


def otherwise() -> dict[str, Any]:
    """Return the tables of people left out, shown as another watch would have; empty without a card."""
    return _tables("people_otherwise")


def _tables(key: str) -> dict[str, Any]:
    try:
        return {way: tables(rows) for way, rows in _card().get(key, {}).items()}
    except (KeyError, TypeError, AttributeError) as err:
        raise HeldOutError(f"{CARD} cannot be read ({err}): write it anew with `carehub train falls`") from err


def found_at_specificity() -> list[dict[str, Any]]:
    """Return how many falls are found at other limits: rows of way, data set, specificity, found, of how many."""
    card = _card()
    falls = {way: _falls_by_dataset(rows) for way, rows in card.get("held_out", {}).items()}
    return [
        {"way": way, "dataset": dataset, "specificity": float(at), "found": found, "of": falls[way][dataset]}
        for way, datasets in card.get("found_at_specificity", {}).items()
        for dataset, curve in datasets.items()
        for at, found in curve.items()
    ]


def _falls_by_dataset(rows: Sequence[Mapping[str, Any]]) -> Counter[str]:
    falls: Counter[str] = Counter()
    for row in rows:
        falls.update({row["dataset"]: row["recordings"] * row["fall"], "all": row["recordings"] * row["fall"]})
    return falls


def _card() -> dict[str, Any]:
    card = files("alerts.detectors") / CARD
    if not card.is_file():
        return {}
    try:
        return dict(json.loads(card.read_text(encoding="utf-8")))
    except ValueError as err:
        raise HeldOutError(f"{CARD} cannot be read ({err}): write it anew with `carehub train falls`") from err


def tables(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return counts as the tables of `falls.tables`, as far as counts go."""
    datasets = sorted({row["dataset"] for row in rows})
    groups = sorted({f"{row['dataset']} {row['group']}" for row in rows})
    return {
        "all": _summary(rows),
        "by_dataset": {name: _summary([r for r in rows if r["dataset"] == name]) for name in datasets},
        "by_group": {name: _summary([r for r in rows if f"{r['dataset']} {r['group']}" == name]) for name in groups},
        "activities": _activities(rows),
        "delays_s": sorted(delay for row in rows for delay in row["delays_s"]),
    }


def _summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    falls = [row for row in rows if row["fall"]]
    daily = [row for row in rows if not row["fall"]]
    quiet = sum(row["recordings"] - row["alarmed"] for row in daily)
    middle, late = median_p95([delay for row in falls for delay in row["delays_s"]])
    return {
        "sensitivity": share(sum(row["alarmed"] for row in falls), sum(row["recordings"] for row in falls)),
        "specificity": share(quiet, sum(row["recordings"] for row in daily)),
        "delay_median_s": middle,
        "delay_p95_s": late,
    }


def _activities(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    kinds = sorted({(row["dataset"], row["activity"], row["fall"]) for row in rows})
    out = []
    for dataset, activity, fall in kinds:
        of = [r for r in rows if (r["dataset"], r["activity"], r["fall"]) == (dataset, activity, fall)]
        recordings, alarmed = sum(r["recordings"] for r in of), sum(r["alarmed"] for r in of)
        wrong = recordings - alarmed if fall else alarmed
        elders = sum(r["alarmed"] for r in of if r["group"] == "elder" and not fall)
        out.append(
            {"dataset": dataset, "activity": activity, "fall": fall, "recordings": recordings, "wrong": wrong,
             "elders_wrong": elders}
        )  # fmt: skip
    return out


def alarms(path: Path) -> Mapping[str, Sequence[float]]:
    """Read alarm times in s by recording, of models that had not met its person."""
    try:
        return {str(name): [float(at) for at in times] for name, times in json.loads(path.read_text("utf-8")).items()}
    except (ValueError, AttributeError, TypeError) as err:
        raise HeldOutError(f"{path} does not hold alarm times by recording: {err}") from err
