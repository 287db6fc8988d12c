"""Plots: marks stand where their values are, words are escaped, and nothing is drawn outside the axes."""

import re
import xml.etree.ElementTree as ET

import pytest

from hub.evaluate import pictures
from hub.evaluate.pictures import Row
from hub.evaluate.plots import HEIGHT, LEFT, NAMELESS, RIGHT, TOP, WIDTH, Plot, number, ticks


def plot() -> Plot:
    return Plot(title=("t", "题"), x=(0, 10), y=(0, 2))


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 10, [0, 2, 4, 6, 8, 10]), (0.85, 1, [0.85, 0.875, 0.9, 0.925, 0.95, 0.975, 1.0]), (-4, 4, [-4, -2, 0, 2, 4]),
     (40, 180, [50, 75, 100, 125, 150, 175])],
)  # fmt: skip
def test_ticks_are_round_values_inside_the_axis(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(expected)


def test_values_stand_in_place_and_those_beyond_stay_at_the_edge() -> None:
    axes = plot()
    assert (axes.at_x(0), axes.at_x(10)) == (LEFT, WIDTH - RIGHT)
    assert (axes.at_y(0), axes.at_y(2)) == (HEIGHT - NAMELESS, TOP)
    assert axes.at_x(99) == axes.at_x(10)
    assert axes.at_y(-1) == axes.at_y(0)


def test_drawing_is_well_formed_and_words_are_escaped() -> None:
    axes = plot()
    axes.line([(0, 0), (10, 2)], "trace")
    axes.steps([(0, 1), (5, 2)], "limit")
    axes.upright(5, "bad", ("<b>", "报警"))
    axes.band((1, 2), "shade")
    axes.bar((3, 4), (0, 1), "fill")
    axes.whisker((1, 2), 1, "ours")
    axes.dot(1, 1, "ours")
    drawn = str(axes.draw())
    root = ET.fromstring(drawn)
    assert root.get("role") == "img"
    assert "&lt;b&gt;" in drawn
    assert {node.tag for node in root} >= {"polyline", "line", "rect", "path", "circle", "text"}


def test_words_of_both_languages_are_there_and_equal_ones_once() -> None:
    axes = plot()
    axes.text(0, 0, ("alarm", "报警"), "name")
    axes.text(0, 0, ("g", "g"), "name")
    drawn = str(axes.draw())
    assert re.findall(r'class="name (en|zh)?" [^>]*>(\S+?)</text>', drawn) == [
        ("en", "alarm"),
        ("zh", "报警"),
        ("", "g"),
    ]


def test_number_is_short() -> None:
    assert [number(v) for v in (0.25, 3.0, -2.0)] == ["0.25", "3", "−2"]


def test_shares_show_every_row_and_what_they_are_held_against() -> None:
    rows = [Row(name=("a", "甲"), share=0.95, between=(0.9, 0.99), look="ours"),
            Row(name=("b", "乙"), share=0.62, between=None, look="mild")]  # fmt: skip
    drawn = str(pictures.shares(("t", "题"), rows, [(0.97, "aim", ("aim", "目标"))]))
    assert drawn.count("<circle") == 2
    assert drawn.count('<path class="ours"') == 1
    assert ">0.6<" in drawn
    assert "aim" in drawn


def test_no_errors_draw_nothing() -> None:
    assert pictures.errors([], ("t", "题")) == ""
