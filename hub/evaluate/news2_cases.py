"""Tables of NEWS2 cases: scored, and held against the scores somebody else wrote beside them."""

import csv
from pathlib import Path
from typing import Any

from alerts.detectors import news2

PARTS = frozenset({"rr", "spo2", "scale", "on_o2", "sbp", "hr", "acvpu", "temp"})


def score_cases(path: Path) -> list[dict[str, Any]]:
    """Score every case of a table; an empty field is a value nobody measured.

    Raises:
        ValueError: It is no such table, or a field holds no number.
    """
    return [_score_case(row) for row in _table(path)]


def _table(path: Path) -> list[dict[str, str]]:
    """Read a table as spreadsheets write it too: with a mark at its beginning, its headings in capitals."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        table = csv.DictReader(file)
        try:
            table.fieldnames = [name.strip().lower() for name in table.fieldnames or ()]
            rows = list(table)
        except csv.Error as err:
            raise ValueError(str(err)) from err
    if "case_id" not in table.fieldnames or not PARTS & set(table.fieldnames):
        raise ValueError(f"no table of cases: its first line must name case_id, {', '.join(sorted(PARTS))}")
    return rows


def _score_case(row: dict[str, str]) -> dict[str, Any]:
    def number(name: str) -> float | None:
        return float(row[name]) if (row.get(name) or "").strip() else None

    oxygen, scale = number("on_o2"), 1 if (given := number("scale")) is None else int(given)
    if scale not in (1, 2) or given not in (None, scale):
        raise ValueError(f"case {row['case_id']}: SpO2 scale {row['scale']}, which is 1 or 2")
    result = news2.score(
        news2.Vitals(
            respiration_rpm=number("rr"),
            spo2_pct=number("spo2"),
            oxygen=None if oxygen is None else oxygen != 0,
            systolic_mmhg=number("sbp"),
            pulse_bpm=number("hr"),
            consciousness=(row.get("acvpu") or "").strip() or None,
            temperature_c=number("temp"),
            scale=scale,
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
    rows = _table(path)
    for row in rows:
        line = answers[row["case_id"]]
        agrees = (line["total"], line["risk"]) == (int(row["rcp_total"]), row["rcp_risk"])
        if row["component"]:
            agrees &= line["components"].get(row["component"]) == int(row["exp_component"])
        if not agrees:
            wrong.append(row["case_id"])
    return {"cases": len(rows), "mismatches": len(wrong), "wrong": wrong}
