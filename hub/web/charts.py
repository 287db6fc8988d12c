"""Charts made on the server: SVG with classes, so that a strict page shows them and a printer draws them sharp."""

from collections.abc import Iterable, Sequence
from html import escape

from markupsafe import Markup

Point = tuple[str, float | None]  # what it is called; None: nothing to show
WIDTH, HEIGHT, FOOT, LEFT, HEAD = 720, 200, 28, 64, 14
LABELS_MOST = 16  # below a chart; of more every other one is left out


def columns(
    points: Sequence[Point], *, title: str, target: float | None = None, share: bool = False, top: float | None = None
) -> Markup:
    """Return columns over their names; a target is a line across, and columns below it have their own colour.

    Args:
        share: values are shares of one, written in per cent.
    """
    known = [value for _, value in points if value is not None]
    high = top or _nice(max([*known, target or 0, 1 if share else 0], default=1) or 1)
    tall = HEIGHT - FOOT - HEAD
    step = (WIDTH - LEFT) / max(1, len(points))
    parts = [_grid(high, tall, share=share)]
    every = -(-len(points) // LABELS_MOST)
    for index, (name, value) in enumerate(points):
        x = LEFT + index * step
        if value is not None:
            size = tall * min(value, high) / high
            bad = " is-bad" if target is not None and value < target else ""
            said = f"{escape(name)}: {_said(value, share=share)}"
            parts.append(
                f'<rect class="chart-bar{bad}" x="{x + step * 0.14:.1f}" y="{HEAD + tall - size:.1f}"'
                f' width="{step * 0.72:.1f}" height="{max(size, 0.8):.1f}"><title>{said}</title></rect>'
            )
        if index % every == 0:
            parts.append(f'<text class="chart-name" x="{x + step / 2:.1f}" y="{HEIGHT - 6}">{escape(name)}</text>')
    if target is not None:
        y = HEAD + tall - tall * target / high
        parts.append(f'<line class="chart-target" x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
    return _svg(parts, HEIGHT, title, points, share=share)


def strips(points: Sequence[Point], *, title: str, target: float | None = None) -> Markup:
    """Return horizontal bars of shares, one a line, with the target as a mark."""
    parts, line, left, right = [], 22, 170, 60
    wide = WIDTH - left - right
    for index, (name, value) in enumerate(points):
        y = index * line
        parts.append(f'<text class="strip-name" x="{left - 8}" y="{y + 15}">{escape(name[:16])}</text>')
        parts.append(f'<rect class="chart-rest" x="{left}" y="{y + 5}" width="{wide}" height="12"/>')
        if value is not None:
            bad = " is-bad" if target is not None and value < target else ""
            size = max(wide * value, 0.8)
            parts.append(f'<rect class="chart-bar{bad}" x="{left}" y="{y + 5}" width="{size:.1f}" height="12"/>')
        said = "–" if value is None else _said(value, share=True)
        parts.append(f'<text class="strip-value" x="{WIDTH - right + 8}" y="{y + 15}">{said}</text>')
    if target is not None:
        x = left + wide * target
        parts.append(f'<line class="chart-target" x1="{x:.1f}" x2="{x:.1f}" y1="2" y2="{len(points) * line}"/>')
    return _svg(parts, max(1, len(points)) * line, title, points, share=True)


def _grid(high: float, tall: float, *, share: bool) -> str:
    lines = []
    for part in (0, 0.5, 1):
        y = HEAD + tall - tall * part
        lines.append(f'<line class="chart-grid" x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
        lines.append(
            f'<text class="chart-axis" x="{LEFT - 6}" y="{y + 4:.1f}">{_said(high * part, share=share)}</text>'
        )
    return "".join(lines)


def _said(value: float, *, share: bool) -> str:
    return f"{100 * value:.0f} %" if share else f"{value:.0f}" if value == int(value) else f"{value:.1f}"


def _nice(value: float) -> float:
    """Return the next round number, so that half of it is one as well."""
    size = 1.0
    while size * 10 < value:
        size *= 10
    return next(size * times for times in (1, 2, 4, 6, 8, 10) if size * times >= value)


def _svg(parts: Sequence[str], height: float, title: str, points: Sequence[Point], *, share: bool) -> Markup:
    """Put it together; whoever cannot see it hears the title and every value."""
    told = "; ".join(f"{name} {'–' if value is None else _said(value, share=share)}" for name, value in points[:40])
    return picture("chart", (WIDTH, height), parts, f"{title}: {told}")


def picture(kind: str, size: tuple[float, float], parts: Iterable[str], said: str) -> Markup:
    """Return one SVG. `parts` are markup, every text in them escaped; `said` is plain, for who does not see it."""
    wide, tall = size
    return Markup(  # noqa: S704 - every text in it went through escape
        f'<svg class="{kind}" viewBox="0 0 {wide:.0f} {tall:.0f}" role="img" aria-label="{escape(said)}">'
        f"{''.join(parts)}</svg>"
    )
