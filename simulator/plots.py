"""Plots as SVG: bars, and how many of a number of waits were over after how long. Whole without any other file."""

from collections.abc import Sequence
from html import escape
from math import log10

from simulator.times import Times

WIDTH, ROW, LABEL = 720, 26, 270
INK, QUIET, BLUE = "currentColor", "#7b8794", "#3b82c4"  # to be read on light and on dark
COLOURS = (BLUE, "#b7791f", "#8b6fd6")
MARKS = ((1, "1 s"), (10, "10 s"), (60, "1 min"), (600, "10 min"), (3600, "1 h"), (36_000, "10 h"))


def bars(rows: Sequence[tuple[str, float, str]], *, most: float | None = None, colour: str = BLUE) -> str:
    """Horizontal bars: a label, a length, and what is written behind it."""
    if not rows:
        return ""
    top = most or max(value for _, value, _ in rows) or 1.0
    space = WIDTH - LABEL - 150
    parts = []
    for number, (label, value, words) in enumerate(rows):
        y = number * ROW + 4
        length = max(1.0, space * min(value, top) / top) if value else 1.0
        parts.append(_text(LABEL - 8, y + 14, label, anchor="end"))
        parts.append(f'<rect x="{LABEL}" y="{y}" width="{length:.1f}" height="18" rx="2" fill="{colour}"/>')
        parts.append(_text(LABEL + length + 6, y + 14, words, colour=QUIET))
    return _svg(len(rows) * ROW + 8, parts)


def waits(lines: Sequence[tuple[str, Times | None]]) -> str:
    """Share of waits that were over, against time on a logarithmic scale, one line each."""
    known = [(name, times) for name, times in lines if times is not None and times.all]
    if not known:
        return ""
    left, bottom, height = 60, 230, 200
    space = WIDTH - left - 150
    longest = max(60.0, *(times.worst for _, times in known))
    scale = log10(longest + 1)

    def x(seconds: float) -> float:
        return left + space * log10(max(seconds, 0.0) + 1) / scale

    parts = []
    for share in (0.0, 0.5, 0.9, 1.0):
        y = bottom - height * share
        parts.append(f'<line x1="{left}" y1="{y}" x2="{left + space}" y2="{y}" stroke="{QUIET}" stroke-opacity=".3"/>')
        parts.append(_text(left - 6, y + 4, f"{share:.0%}", anchor="end", colour=QUIET))
    for seconds, words in MARKS:
        if seconds <= longest:
            place = x(seconds)
            parts.append(f'<line x1="{place:.1f}" y1="{bottom}" x2="{place:.1f}" y2="{bottom + 5}" stroke="{QUIET}"/>')
            parts.append(_text(place, bottom + 19, words, anchor="middle", colour=QUIET))
    for number, (name, times) in enumerate(known):
        colour = COLOURS[number % len(COLOURS)]
        count = len(times.all)
        points = " ".join(
            f"{x(value):.1f},{bottom - height * (place + 1) / count:.1f}" for place, value in enumerate(times.all)
        )  # fmt: skip
        first = f"{x(times.all[0]):.1f},{bottom}"
        parts.append(f'<polyline points="{first} {points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(_text(left + space + 10, 40 + 22 * number, name, colour=colour))
    return _svg(bottom + 30, parts)


def _svg(height: float, parts: Sequence[str]) -> str:
    inside = "".join(parts)
    drawing = f'<svg viewBox="0 0 {WIDTH} {height:.0f}" width="100%" role="img" font-size="13">{inside}</svg>'
    return f'<div class="wide">{drawing}</div>'


def _text(x: float, y: float, words: str, *, anchor: str = "start", colour: str = INK) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>'
