"""Curves over time made on the server: a mean in its band of least and most, torn where nothing was measured."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

from hub.web.charts import picture

WIDTH, HEIGHT, FOOT, LEFT, HEAD = 520, 210, 40, 64, 16
LETTER = 15  # the width of one below a chart, as large as it is on a telephone
TICKS = 4  # across a chart, at most one more
Band = tuple[float, float, float]  # least, mean, most
Line = Sequence[Band | None]  # one place a slot; None: nothing was measured


@dataclass(frozen=True, kw_only=True)
class Axis:
    """The time below: how many slots, the names of some, and those that are night."""

    slots: int
    marks: Sequence[tuple[int, str]]
    nights: Sequence[tuple[int, int]] = ()

    @property
    def step(self) -> float:
        return (WIDTH - LEFT) / max(1, self.slots)

    def x(self, slot: float) -> float:
        """Return the middle of a slot."""
        return LEFT + (slot + 0.5) * self.step


def curve(lines: Sequence[Line], axis: Axis, *, said: str, room: float, most: float | None = None) -> Markup:
    """Return lines in one chart.

    Args:
        said: the whole in words, for who does not see it.
        room: the least height of the scale, so that a quiet day does not look wild.
        most: what no value can pass, such as 100 %.
    """
    known = [band for line in lines for band in line if band is not None]
    ticks = _ticks(min(band[0] for band in known), max(band[2] for band in known), room, most)
    parts = [_ground(axis, ticks)]
    for number, line in enumerate(lines):
        parts += [_run(run, axis, ticks, f" is-{number}") for run in _runs(line)]
    return picture("curve", (WIDTH, HEIGHT), parts, said)


def bars(values: Sequence[float | None], axis: Axis, *, said: str, room: float) -> Markup:
    """Return columns from zero."""
    known = [value for value in values if value is not None]
    ticks = _ticks(0, max(known), room, None)
    parts = [_ground(axis, ticks)]
    foot = _y(0, ticks)
    wide = max(1.0, axis.step * 0.72)
    for slot, value in enumerate(values):
        if value is not None:
            top = min(_y(value, ticks), foot - 1)
            parts.append(
                f'<rect class="curve-bar" x="{axis.x(slot) - wide / 2:.1f}" y="{top:.1f}" width="{wide:.1f}"'
                f' height="{foot - top:.1f}"/>'
            )
    return picture("curve", (WIDTH, HEIGHT), parts, said)


def _runs(line: Line) -> Iterator[list[tuple[int, Band]]]:
    """Yield what hangs together: a gap is a gap, and nobody's heart is drawn through it."""
    run: list[tuple[int, Band]] = []
    for slot, band in enumerate(line):
        if band is not None:
            run.append((slot, band))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _run(run: list[tuple[int, Band]], axis: Axis, ticks: Sequence[float], which: str) -> str:
    if len(run) == 1:  # no line has one end: what was measured alone stands as a dot in its span
        (slot, (least, mean, most)) = run[0]
        x = axis.x(slot)
        return (
            f'<line class="curve-span{which}" x1="{x:.1f}" x2="{x:.1f}"'
            f' y1="{_y(least, ticks):.1f}" y2="{_y(most, ticks):.1f}"/>'
            f'<circle class="curve-dot{which}" cx="{x:.1f}" cy="{_y(mean, ticks):.1f}" r="4"/>'
        )
    over = [f"{axis.x(slot):.1f},{_y(band[2], ticks):.1f}" for slot, band in run]
    under = [f"{axis.x(slot):.1f},{_y(band[0], ticks):.1f}" for slot, band in reversed(run)]
    middle = [f"{axis.x(slot):.1f},{_y(band[1], ticks):.1f}" for slot, band in run]
    return (
        f'<polygon class="curve-band{which}" points="{" ".join(over + under)}"/>'
        f'<polyline class="curve-line{which}" points="{" ".join(middle)}"/>'
    )


def _ground(axis: Axis, ticks: Sequence[float]) -> str:
    parts = [
        f'<rect class="curve-night" x="{LEFT + first * axis.step:.1f}" y="{HEAD}"'
        f' width="{(end - first) * axis.step:.1f}" height="{HEIGHT - FOOT - HEAD}"/>'
        for first, end in axis.nights
    ]
    places = max(0, -math.floor(math.log10(ticks[1] - ticks[0])))
    for tick in ticks:
        y = _y(tick, ticks)
        parts.append(f'<line class="curve-grid" x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="curve-axis" x="{LEFT - 8}" y="{y + 6:.1f}">{tick:.{places}f}</text>')
    for x, name in _apart(axis):
        parts.append(
            f'<line class="curve-grid" x1="{x:.1f}" x2="{x:.1f}" y1="{HEIGHT - FOOT}" y2="{HEIGHT - FOOT + 6}"/>'
        )
        parts.append(f'<text class="curve-name" x="{x:.1f}" y="{HEIGHT - 8}">{escape(name)}</text>')
    return "".join(parts)


def _apart(axis: Axis) -> Iterator[tuple[float, str]]:
    """Yield names that have room, the first of those that would touch one another."""
    free = float(LEFT)
    for slot, name in axis.marks:
        x = LEFT + slot * axis.step
        ends = x + LETTER * len(name)
        if x >= free and ends <= WIDTH:
            yield x, name
            free = ends + LETTER


def _y(value: float, ticks: Sequence[float]) -> float:
    tall = HEIGHT - FOOT - HEAD
    return HEAD + tall * (ticks[-1] - value) / (ticks[-1] - ticks[0])


def _ticks(least: float, most: float, room: float, limit: float | None) -> list[float]:
    """Return round numbers from below the least to above the most, at least `room` apart in all."""
    low = max(0.0, least - max(0.0, room - (most - least)) / 2)
    high = max(most, low + room)
    rough = (high - low) / TICKS
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * times for times in (1, 2, 5, 10) if size * times >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    found = [round(n * step, 6) for n in range(first, last + 1)]
    if limit is not None and found[-1] > limit:
        found = [tick for tick in found if tick < limit] + [limit]
    return found
