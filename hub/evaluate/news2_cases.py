"""Tables of NEWS2 cases: scored, and held against the scores somebody else wrote beside them."""

import csv
from pathlib import Path
from typing import Any

from alerts.detectors import news2


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


def cases(path: Path, scored: list[dict[str, Any]]) -> dict[str, Any]:
    """Hold scored cases against the totals, bands and parts of the file they came from."""
    answers = {line["case_id"]: line for line in scored}
    wrong = []
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        line = answers[row["case_id"]]
        agrees = (line["total"], line["risk"]) == (int(row["rcp_total"]), row["rcp_risk"])
        if row["component"]:
            agrees &= line["components"].get(row["component"]) == int(row["exp_component"])
        if not agrees:
            wrong.append(row["case_id"])
    return {"cases": len(rows), "mismatches": len(wrong), "wrong": wrong}
