"""Tables in a terminal: columns under their heads, also where a Chinese character takes two places."""

from collections.abc import Iterable, Sequence
from unicodedata import combining, east_asian_width


def table(head: Sequence[str], rows: Iterable[Sequence[object]], *, indent: int = 0) -> str:
    """Return lines with a head; numbers stand to the right."""
    cells = [[("-" if cell in (None, "") else str(cell)) for cell in row] for row in rows]
    numbers = [any(row[n].isdecimal() for row in cells) and all(row[n].isdecimal() or row[n] == "-" for row in cells)
               for n in range(len(head))]  # fmt: skip
    widths = [max(map(width, column)) for column in zip(head, *cells, strict=True)]
    lines = []
    for row in ([*head], *cells):
        padded = [
            " " * (wide - width(cell)) + cell if right else cell + " " * (wide - width(cell))
            for cell, wide, right in zip(row, widths, numbers, strict=True)
        ]
        lines.append(" " * indent + "  ".join(padded).rstrip())
    return "\n".join(lines if cells else [*lines, " " * indent + "(none)"])


def width(text: str) -> int:
    """Return how many places a text takes in a terminal."""
    return sum(0 if combining(sign) else 2 if east_asian_width(sign) in "WF" else 1 for sign in text)
