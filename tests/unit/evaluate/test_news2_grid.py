"""The independent table is a table: each row as long as its scale, each edge where the chart prints it."""

from pathlib import Path

import numpy as np
import pytest

from hub.evaluate import news2_cases, news2_grid


def test_written_rows_have_the_printed_edges() -> None:
    assert news2_grid.edges(news2_grid.RESPIRATION) == [8, 9, 11, 12, 20, 21, 24, 25]
    assert news2_grid.edges(news2_grid.PULSE) == [40, 41, 50, 51, 90, 91, 110, 111, 130, 131]
    assert news2_grid.edges(news2_grid.TENTHS) == [350, 351, 360, 361, 380, 381, 390, 391]
    assert news2_grid.edges(news2_grid.SYSTOLIC) == [90, 91, 100, 101, 110, 111, 219, 220]
    assert {len(row) for row in (news2_grid.SPO2_1, news2_grid.SPO2_2_AIR, news2_grid.SPO2_2_OXYGEN)} == {101}


def test_a_part_of_the_grid_agrees_and_says_how_far_it_is() -> None:
    told: list[tuple[int, int]] = []
    part = news2_grid.grid(lambda done, of: told.append((done, of)), step=101)
    assert part == {"combinations": told[0][1] * 8 * 10 * 5 * 8, "mismatches": 0}
    assert told[0][0] == 0


def test_grid_finds_a_table_that_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = news2_grid.PULSE.copy()
    wrong[91] = 0
    monkeypatch.setattr(news2_grid, "PULSE", wrong)
    assert news2_grid.grid(step=211)["mismatches"] > 0


def test_no_set_of_missing_parts_is_read_as_normal() -> None:
    assert news2_grid.missing() == {"sets": 128, "mismatches": 0}


def test_cases_that_disagree_are_named(tmp_path: Path) -> None:
    table = tmp_path / "cases.csv"
    head = "case_id,rr,spo2,scale,on_o2,sbp,hr,acvpu,temp,component,exp_component,rcp_total,rcp_risk\n"
    table.write_text(
        head + "well,16,97,1,0,120,70,A,37.0,,,0,low\nfast,16,97,1,0,120,131,A,37.0,hr,3,3,low-medium\n"
        "wrong,16,97,1,0,120,131,A,37.0,hr,2,3,low-medium\n",
        encoding="utf-8",
    )
    told = news2_cases.cases(table, news2_cases.score_cases(table))
    assert told == {"cases": 3, "mismatches": 1, "wrong": ["wrong"]}


def test_rows_are_points_and_nothing_else() -> None:
    for row in (news2_grid.RESPIRATION, news2_grid.SYSTOLIC, news2_grid.PULSE, news2_grid.TENTHS):
        assert set(np.unique(row)) <= {0, 1, 2, 3}
