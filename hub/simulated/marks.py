"""What a drill has to say about each operator: how soon taken and answered, what was ticked, what was judged right.

Nobody is ranked: these are figures to talk about after a drill.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from alerts.model import AlertKind

NOT_NEEDED = frozenset(
    {"accidental", "reassured", "service", "test", "device_fault", "low_battery", "duplicate", "fraud"}
)
# What happens in a story after which nobody was needed, though a case was opened; and cases that are about things.
HARMLESS = frozenset(
    {"presses by accident", "presses to test", "presses out of loneliness", "falls and says it was nothing"}
)
TECHNICAL = frozenset({AlertKind.SILENCE, AlertKind.SYSTEM, AlertKind.DEVICE})
ENDED = frozenset({"closed", "cancelled"})
ANSWERS = frozenset(
    {"called", "spoke", "no_speech", "note", "dispatched", "script_step"}
)  # the first thing done for her


def marks(account: Mapping[str, Any], truth: Mapping[str, Any] | None, names: Mapping[int, str]) -> dict[str, Any]:
    """Return a drill's marks.

    Args:
        account: account.json.
        truth: truth.json; None: the drill was stopped before its end, nobody knows what was right.
        names: of the operators, by number.
    """
    needs = _needs(truth) if truth else {}
    operators: dict[int, dict[str, Any]] = {
        number: {"name": name, "cases": 0, "take_s": [], "answer_s": [], "ticked": 0, "right": 0, "wrong": 0}
        for number, name in names.items()
    }
    for case in account["incidents"]:
        _case(case, operators, needs)
    for one in operators.values():
        one["take_s"], one["answer_s"] = _middle(one["take_s"]), _middle(one["answer_s"])
    incidents = account["incidents"]
    return {
        "cases": len(incidents), "left": sum(case["state"] not in ENDED for case in incidents),
        "never_taken": sum(not _taken(case, names) for case in incidents), "truth": truth is not None,
        "operators": list(operators.values()),
    }  # fmt: skip


def _case(
    case: Mapping[str, Any], operators: dict[int, dict[str, Any]], needs: Mapping[int, list[tuple[datetime, bool]]]
) -> None:
    taker: dict[str, Any] | None = None
    taken_at = None
    for event in case["events"]:
        one = operators.get(_person(event["actor"]))
        if one is None:
            continue
        at = _time(event["at"])
        if event["what"] == "taken" and taker is None:
            taker, taken_at = one, at
            one["cases"] += 1
            one["take_s"].append((at - _time(case["opened_at"])).total_seconds())
        elif taken_at is not None and event["what"] in ANSWERS and one is taker:
            one["answer_s"].append((at - taken_at).total_seconds())
            taken_at = None
        one["ticked"] += event["what"] == "script_step"
        if event["what"] == "closed" and (needed := _needed(case, needs)) is not None:
            one["right" if (case["disposition"] not in NOT_NEEDED) == needed else "wrong"] += 1


def _needs(truth: Mapping[str, Any]) -> dict[int, list[tuple[datetime, bool]]]:
    """Return, by the hub's number of a resident, when she needed somebody, and when she only seemed to."""
    found: dict[int, list[tuple[datetime, bool]]] = {}
    for happened in truth.get("happened", ()):
        number = truth.get("numbers", {}).get(happened["resident"])
        if number is not None:
            found.setdefault(number, []).append((_time(happened["at"]), _meant(happened)))
    return found


def _meant(happened: Mapping[str, Any]) -> bool:
    """Whether somebody had to come. A fall is no less one because only a detector could find it."""
    said_nothing = happened["wants"] == "nothing" or happened.get("cancelled_at") is not None
    return not said_nothing and happened["what"] not in HARMLESS


def _needed(case: Mapping[str, Any], needs: Mapping[int, list[tuple[datetime, bool]]]) -> bool | None:
    """Whether she needed somebody: the last that happened to her before the case was opened. None: nobody knows."""
    if case["kind"] in TECHNICAL:
        return None
    opened = _time(case["opened_at"])
    before = [(at, needed) for at, needed in needs.get(case["resident"] or 0, ()) if at <= opened]
    return max(before)[1] if before else None


def _taken(case: Mapping[str, Any], names: Mapping[int, str]) -> bool:
    return any(event["what"] == "taken" and _person(event["actor"]) in names for event in case["events"])


def _middle(values: list[float]) -> float | None:
    return round(median(values), 1) if values else None


def _person(actor: str) -> int:
    kind, _, number = actor.partition(":")
    return int(number) if kind == "person" and number.isdecimal() else 0


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def of_folder(folder: Path, names: Iterable[tuple[int, str]]) -> dict[str, Any]:
    """Return the marks of a drill whose files lie here."""
    account = json.loads((folder / "account.json").read_bytes())
    truth = folder / "truth.json"
    return marks(account, json.loads(truth.read_bytes()) if truth.exists() else None, dict(names))
