"""Plots as inline SVG: bars side by side, and lines. No script, no font, no file beside; colours that print."""

import html
import math
from collections.abc import Mapping, Sequence

WIDTH, ROW, LEFT, RIGHT = 720, 24, 230, 90
HEIGHT, TOP, BOTTOM = 280, 44, 36
COLOURS = ("#2f6f8f", "#c8742c", "#6b8e3a", "#8a4f7d", "#777777")
TICKS = 4


def bars(title: str, rows: Sequence[tuple[str, Mapping[str, float]]], unit: str) -> str:
    """Return horizontal bars, each made of named parts one behind the other."""
    kinds = list(dict.fromkeys(kind for _, parts in rows for kind in parts))
    most = max((sum(parts.values()) for _, parts in rows), default=0.0) or 1.0
    height = TOP + ROW * len(rows) + BOTTOM
    out = [_open(title, height)]
    for place, (label, parts) in enumerate(rows):
        y, x = TOP + ROW * place, float(LEFT)
        out.append(_text(LEFT - 8, y + 15, label, "end"))
        for kind, value in parts.items():
            wide = (WIDTH - LEFT - RIGHT) * value / most
            out.append(
                f'<rect x="{x:.1f}" y="{y + 3}" width="{wide:.1f}" height="{ROW - 6}" fill="{_colour(kinds, kind)}"/>'
            )
            x += wide
        out.append(_text(x + 6, y + 15, f"{number(sum(parts.values()))} {unit}", "start"))
    if len(kinds) > 1:
        out.append(_legend(kinds, height - 12))
    return "".join([*out, "</svg>"])


def lines(
    title: str,
    series: Mapping[str, Sequence[tuple[float, float]]],
    x_unit: str,
    y_unit: str,
    *,
    logarithmic: bool = False,
) -> str:
    """Return lines over one pair of axes; with `logarithmic` both count by powers of ten."""
    kept = {
        name: [(x, y) for x, y in points if not logarithmic or (x > 0 and y > 0)] for name, points in series.items()
    }
    points = [point for one in kept.values() for point in one]
    if not points:
        return ""
    x_axis, y_axis = (Axis.over([p[at] for p in points], logarithmic=logarithmic, zero=at == 1) for at in (0, 1))
    out = [_open(title, HEIGHT + BOTTOM)]
    for value in y_axis.ticks():
        y = HEIGHT - (HEIGHT - TOP) * y_axis.place(value)
        out.append(f'<line x1="70" x2="{WIDTH - 20}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        out.append(_text(64, y + 4, number(value), "end"))
    out += [_text(70 + (WIDTH - 90) * x_axis.place(at), HEIGHT + 14, number(at), "middle") for at in x_axis.ticks()]
    out.append(_text(WIDTH - 20, HEIGHT - 4, x_unit, "end"))
    out.append(_text(74, TOP - 6, y_unit, "start"))
    for name, one in kept.items():
        way = " ".join(
            f"{70 + (WIDTH - 90) * x_axis.place(x):.1f},{HEIGHT - (HEIGHT - TOP) * y_axis.place(y):.1f}" for x, y in one
        )
        colour = _colour(list(kept), name)
        out.append(f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="2"/>')
        if len(one) <= 12:
            dots = (pair.split(",") for pair in way.split())
            out += [f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in dots]
    out.append(_legend(list(kept), HEIGHT + 30))
    return "".join([*out, "</svg>"])


class Axis:
    """From the least to the greatest value, as 0 to 1."""

    def __init__(self, low: float, high: float, *, logarithmic: bool) -> None:
        self.low, self.high, self.logarithmic = low, high if high > low else low + 1, logarithmic

    @classmethod
    def over(cls, values: Sequence[float], *, logarithmic: bool, zero: bool) -> "Axis":
        low, high = min(values), max(values)
        if logarithmic:
            return cls(math.log10(low), math.log10(high), logarithmic=True)
        return cls(min(0.0, low) if zero else low, high, logarithmic=False)

    def place(self, value: float) -> float:
        return ((math.log10(value) if self.logarithmic else value) - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        if self.logarithmic:
            return [10.0**power for power in range(math.ceil(self.low), math.floor(self.high) + 1)]
        return [self.low + (self.high - self.low) * at / TICKS for at in range(TICKS + 1)]


def number(value: float) -> str:
    """Return a number as short as it may be."""
    if value >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.1f}" if value >= 1 else f"{value:.2g}"


def _open(title: str, height: float) -> str:
    said = html.escape(title)
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{said}" font-family="sans-serif"'
        f' font-size="12"><title>{said}</title><text x="8" y="16" font-weight="bold">{said}</text>'
    )


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#222">{html.escape(text)}</text>'


def _colour(kinds: Sequence[str], kind: str) -> str:
    return COLOURS[list(kinds).index(kind) % len(COLOURS)]


def _legend(kinds: Sequence[str], y: float) -> str:
    out, x = [], 74.0
    for kind in kinds:
        out.append(f'<rect x="{x:.0f}" y="{y - 9:.0f}" width="10" height="10" fill="{_colour(kinds, kind)}"/>')
        out.append(_text(x + 14, y, kind, "start"))
        x += 34 + 7 * len(kind)
    return "".join(out)
