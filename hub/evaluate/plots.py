"""Plots as inline SVG, coloured by the page's style sheet: they need nothing from outside and turn dark with it.

Four kinds of marks are all the report needs; a plotting library would be forty times this module, bring fonts and
colours of its own, and draw text that cannot change its language.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import floor, log10

from markupsafe import Markup, escape

WIDTH, HEIGHT = 460, 230  # two of them stand beside each other, one fills a phone
LEFT, RIGHT, TOP, BOTTOM, NAMELESS = 52, 14, 14, 40, 24  # NAMELESS: below an axis without a name
TICKS = 6
Words = tuple[str, str]  # English, Chinese
Span = tuple[float, float]


@dataclass(kw_only=True, slots=True)
class Plot:
    """One pair of axes; marks are drawn in the order in which they are added."""

    title: Words
    x: Span
    y: Span
    x_name: Words = ("", "")
    y_name: Words = ("", "")
    height: int = HEIGHT
    left: int = LEFT
    y_ticks: bool = True
    _marks: list[str] = field(default_factory=list)

    def at_x(self, value: float) -> float:
        low, high = self.x
        return self.left + (min(max(value, low), high) - low) / (high - low) * (WIDTH - self.left - RIGHT)

    def at_y(self, value: float) -> float:
        low, high = self.y
        return self.foot - (min(max(value, low), high) - low) / (high - low) * (self.foot - TOP)

    @property
    def foot(self) -> int:
        """Where the axis of x lies."""
        return self.height - (BOTTOM if any(self.x_name) else NAMELESS)

    def line(self, points: Iterable[tuple[float, float]], look: str) -> None:
        """A line through points; a None-like break is made by calling twice."""
        path = " ".join(f"{self.at_x(x):.1f},{self.at_y(y):.1f}" for x, y in points)
        self._marks.append(f'<polyline class="{look}" points="{path}"/>')

    def steps(self, points: Sequence[tuple[float, float]], look: str) -> None:
        """A line that keeps its height until the next point."""
        corners = [p for (x0, y0), (x1, _) in pairwise(points) for p in ((x0, y0), (x1, y0))]
        self.line([*corners, *points[-1:]], look)

    def upright(self, x: float, look: str, label: Words = ("", ""), row: int = 0) -> None:
        """A vertical line over the whole height, with a word at its top."""
        at = self.at_x(x)
        self._marks.append(f'<line class="{look}" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{self.foot}"/>')
        late = at > WIDTH * 0.8
        self.text(at + (-4 if late else 4), TOP + 11 + 14 * row, label, look, "end" if late else "start")

    def band(self, x: Span, look: str) -> None:
        """A shaded stretch of time."""
        at, to = self.at_x(x[0]), self.at_x(x[1])
        size = f'x="{at:.1f}" width="{to - at:.1f}" y="{TOP}" height="{self.foot - TOP}"'
        self._marks.append(f'<rect class="{look}" {size}/>')

    def bar(self, x: Span, y: Span, look: str) -> None:
        """A filled box between two values on either axis."""
        left, right = self.at_x(x[0]), self.at_x(x[1])
        low, high = self.at_y(y[0]), self.at_y(y[1])
        size = f'x="{left:.1f}" width="{max(right - left, 0.5):.1f}" y="{high:.1f}" height="{max(low - high, 0.5):.1f}"'
        self._marks.append(f'<rect class="{look}" {size}/>')

    def dot(self, x: float, y: float, look: str) -> None:
        self._marks.append(f'<circle class="{look}" cx="{self.at_x(x):.1f}" cy="{self.at_y(y):.1f}" r="4.5"/>')

    def whisker(self, x: Span, y: float, look: str) -> None:
        """An interval along x."""
        low, high, at = self.at_x(x[0]), self.at_x(x[1]), self.at_y(y)
        ends = "".join(f"M{end:.1f},{at - 4:.1f}V{at + 4:.1f}" for end in (low, high))
        self._marks.append(f'<path class="{look}" d="M{low:.1f},{at:.1f}H{high:.1f}{ends}"/>')

    def row_name(self, y: float, name: Words) -> None:
        """A name to the left of a row."""
        self.text(self.left - 8, self.at_y(y) + 4, name, "name", "end")

    def text(self, x: float, y: float, words: Words, look: str, anchor: str = "start") -> None:
        """Words at a place in pixels, in both languages; the style sheet shows one."""
        if any(words):
            self._marks.append(_text(x, y, words, look, anchor))

    def draw(self) -> Markup:
        """Return the SVG."""
        parts = [f'<svg viewBox="0 0 {WIDTH} {self.height}" role="img" aria-label="{escape(" · ".join(self.title))}">']
        foot = self.foot
        for value in ticks(*self.x):
            at = self.at_x(value)
            parts.append(f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{foot}"/>')
            parts.append(_text(at, foot + 15, (number(value),) * 2, "tick", "middle"))
        for value in ticks(*self.y) if self.y_ticks else ():
            at = self.at_y(value)
            parts.append(f'<line class="grid" x1="{self.left}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
            parts.append(_text(self.left - 6, at + 4, (number(value),) * 2, "tick", "end"))
        parts.append(_text((self.left + WIDTH - RIGHT) / 2, self.height - 6, self.x_name, "tick", "middle"))
        if any(self.y_name):
            middle = (foot + TOP) / 2
            turned = _text(0, 0, self.y_name, "tick", "middle")
            parts.append(f'<g transform="translate(13 {middle:.0f}) rotate(-90)">{turned}</g>')
        return Markup("".join([*parts, *self._marks, "</svg>"]))  # noqa: S704 (numbers and escaped words)


def _text(x: float, y: float, words: Words, look: str, anchor: str) -> str:
    langs = (("", words[0]),) if words[0] == words[1] else (("en", words[0]), ("zh", words[1]))
    return "".join(
        f'<text class="{look} {lang}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(word)}</text>'
        for lang, word in langs
        if word
    )


def ticks(low: float, high: float) -> list[float]:
    """Return round values between two, about TICKS of them."""
    rough = (high - low) / TICKS
    size = 10 ** floor(log10(rough))
    step = next(size * factor for factor in (1, 2, 2.5, 3, 5, 10) if size * factor >= rough * 0.999)
    first = -floor(-low / step + 1e-9)
    return [round(k * step, 10) for k in range(first, floor(high / step + 1e-9) + 1)]


def number(value: float) -> str:
    """Return a tick's value as short as it can be."""
    return f"{value:.6g}".replace("-", "−")
