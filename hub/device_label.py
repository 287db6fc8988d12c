"""The label an installer sticks on a device: its address and model as a QR code, and in letters. Pure."""

import io
from html import escape
from urllib.parse import parse_qs, quote

import segno

MODULE_PX, BORDER = 6, 4  # a phone reads it at 25 mm
LINE_PX, LETTER_PX = 18, 8
LONGEST = 120  # characters of an address that a label holds
LONGEST_MODEL = 40
PREFIX = "carehub:device?"


def text(address: str, model: str) -> str:
    """Return what the code says: never a key, because anybody can read a label."""
    return f"{PREFIX}a={quote(_cut(address))}&m={quote(_cut(model, LONGEST_MODEL))}"


def read(code: str) -> tuple[str, str] | None:
    """Return the address and model that a label names; None: it is no label of ours, or it was cut."""
    if not code.startswith(PREFIX):
        return None
    fields = {name: values[0] for name, values in parse_qs(code[len(PREFIX) :]).items()}
    address = fields.get("a", "")
    return None if not address or address.endswith("…") else (address, fields.get("m", ""))


def svg(address: str, model: str, number: int) -> str:
    """Return the label as SVG, black on white, to be printed at any size."""
    code = segno.make(text(address, model), error="m", micro=False)
    out = io.BytesIO()
    code.save(out, kind="svg", scale=MODULE_PX, border=BORDER, xmldecl=False, svgns=True, light="white")
    side = int(code.symbol_size(scale=MODULE_PX, border=BORDER)[0])
    fits = side // LETTER_PX
    shown = _cut(address, 3 * fits)
    lines = [_cut(f"{number}  {model}".strip(), fits), *(shown[at : at + fits] for at in range(0, len(shown), fits))]
    words = "".join(
        f'<text x="{side // 2}" y="{side + LINE_PX * (at + 1) - 4}" font-family="monospace" font-size="13" '
        f'text-anchor="middle">{escape(line)}</text>'
        for at, line in enumerate(lines)
    )
    height = side + LINE_PX * len(lines) + 6
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{side}" height="{height}" viewBox="0 0 {side} {height}">'
        f'<rect width="100%" height="100%" fill="white"/>{out.getvalue().decode()}{words}</svg>\n'
    )


def _cut(words: str, most: int = LONGEST) -> str:
    return words if len(words) <= most else words[: most - 1] + "…"
