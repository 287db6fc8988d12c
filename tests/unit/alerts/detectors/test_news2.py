"""NEWS2: both sides of every printed band edge."""

import csv
import os
from itertools import pairwise
from pathlib import Path

import pytest

from alerts.detectors.news2 import Risk, Vitals, risk, score

NORMAL = Vitals(
    respiration_rpm=16,
    spo2_pct=97,
    oxygen=False,
    systolic_mmhg=120,
    pulse_bpm=70,
    consciousness="A",
    temperature_c=37.0,
)
EDGES: dict[str, tuple[str, list[tuple[float, int]]]] = {
    "rr": ("respiration_rpm", [(8, 3), (9, 1), (11, 1), (12, 0), (20, 0), (21, 2), (24, 2), (25, 3)]),
    "spo2": ("spo2_pct", [(91, 3), (92, 2), (93, 2), (94, 1), (95, 1), (96, 0), (100, 0)]),
    "sbp": ("systolic_mmhg", [(90, 3), (91, 2), (100, 2), (101, 1), (110, 1), (111, 0), (219, 0), (220, 3)]),
    "hr": (
        "pulse_bpm",
        [(40, 3), (41, 1), (50, 1), (51, 0), (90, 0), (91, 1), (110, 1), (111, 2), (130, 2), (131, 3)],
    ),
    "temp": (
        "temperature_c",
        [(35.0, 3), (35.1, 1), (36.0, 1), (36.1, 0), (38.0, 0), (38.1, 1), (39.0, 1), (39.1, 2)],
    ),
}
CASES = [(part, name, value, points) for part, (name, edges) in EDGES.items() for value, points in edges]


def changed(**values: float | bool | str | int | None) -> Vitals:
    from dataclasses import replace

    return replace(NORMAL, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(("part", "name", "value", "points"), CASES)
def test_band_edge_gives_the_printed_points(part: str, name: str, value: float, points: int) -> None:
    result = score(changed(**{name: value}))
    assert result.components[part] == points
    assert result.total == points


def test_table_of_edges_leaves_no_whole_number_out() -> None:
    for _, edges in EDGES.values():
        for (low, points), (high, others) in pairwise(edges):
            assert points == others or high - low <= 1.001


@pytest.mark.parametrize(
    ("spo2", "points"), [(83, 3), (84, 2), (85, 2), (86, 1), (87, 1), (88, 0), (92, 0), (93, 0), (99, 0)]
)
def test_scale_two_on_air(spo2: float, points: int) -> None:
    assert score(changed(spo2_pct=spo2, scale=2)).components["spo2"] == points


@pytest.mark.parametrize(("spo2", "points"), [(83, 3), (87, 1), (92, 0), (93, 1), (94, 1), (95, 2), (96, 2), (97, 3)])
def test_scale_two_on_oxygen(spo2: float, points: int) -> None:
    result = score(changed(spo2_pct=spo2, scale=2, oxygen=True))
    assert (result.components["spo2"], result.components["o2"]) == (points, 2)


@pytest.mark.parametrize(("word", "points"), [("A", 0), ("C", 3), ("V", 3), ("P", 3), ("U", 3), ("CVPU", 3), ("a", 0)])
def test_consciousness(word: str, points: int) -> None:
    assert score(changed(consciousness=word)).components["acvpu"] == points


@pytest.mark.parametrize(
    ("total", "worst", "expected"),
    [
        (0, 0, Risk.LOW),
        (4, 2, Risk.LOW),
        (3, 3, Risk.LOW_MEDIUM),
        (4, 3, Risk.LOW_MEDIUM),
        (5, 1, Risk.MEDIUM),
        (6, 3, Risk.MEDIUM),
        (7, 2, Risk.HIGH),
        (20, 3, Risk.HIGH),
    ],
)
def test_risk_bands(total: int, worst: int, expected: Risk) -> None:
    assert risk(total, worst) is expected


def test_missing_value_is_reported_and_never_read_as_normal() -> None:
    result = score(changed(respiration_rpm=None, temperature_c=float("nan"), pulse_bpm=135))
    assert result.total == 3
    assert result.total_upper == 9
    assert result.missing == ("rr", "temp")
    assert "rr" not in result.components
    assert result.risk is Risk.LOW_MEDIUM


def test_nothing_known_gives_bounds_and_names_all_parts() -> None:
    result = score(Vitals())
    assert (result.total, result.total_upper, len(result.missing)) == (0, 20, 7)


def test_unknown_oxygen_leaves_high_saturation_on_scale_two_unknown() -> None:
    high = score(changed(spo2_pct=96, scale=2, oxygen=None))
    assert high.missing == ("spo2", "o2")
    assert high.total_upper == 2 + 2
    low = score(changed(spo2_pct=85, scale=2, oxygen=None))
    assert low.components["spo2"] == 2


def test_unknown_word_for_consciousness_is_missing() -> None:
    assert score(changed(consciousness="asleep")).missing == ("acvpu",)


def test_reference_cases_of_the_openehr_suite_agree() -> None:
    from hub.evaluate.news2_cases import score_cases

    folder = os.environ.get("CAREHUB_DATA")
    if not folder:
        pytest.skip("CAREHUB_DATA names no folder of recordings")
    path = Path(folder) / "vitals" / "news2_cases.csv"
    got = {line["case_id"]: line for line in score_cases(path)}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            line = got[row["case_id"]]
            assert (line["total"], line["risk"]) == (int(row["rcp_total"]), row["rcp_risk"])
            if row["component"]:
                assert line["components"][row["component"]] == int(row["exp_component"])
