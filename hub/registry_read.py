"""A file of the register as rows of text: CSV in UTF-8 or GB 18030, or Excel. Bounded, whatever it says of itself."""

import csv
import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from openpyxl import load_workbook  # type: ignore[import-untyped]

from hub.device_files import bare
from hub.errors import HubError
from hub.registry_tables import Table, head

FILE_MOST = 4_000_000  # bytes, as sent
UNPACKED_MOST = 60_000_000  # bytes of everything in an Excel file
PARTS_MOST = 300  # files in it
ROWS_MOST = 5_000
COLUMNS_MOST = 60
# No office program defines words in its XML; a few lines of such unfold to more than there is room for.
DEFINES = tuple("<!DOCTYPE".encode(code) for code in ("utf-8", "utf-16-le", "utf-16-be"))
CELL_MOST = 8_000  # characters


class FileError(HubError):
    """A file that cannot be read at all; `code` names the words that say what to do."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(f"{code} {facts or ''}".strip())
        self.code, self.facts = code, facts


@dataclass(frozen=True)
class Line:
    """One row: where it stands in the file, and its cells by column."""

    number: int
    cells: dict[str, str]


def read(body: bytes, table: Table) -> list[Line]:
    """Return the rows of a file; empty ones are passed over.

    Raises:
        FileError: Too large, packed to burst, neither CSV nor Excel, unknown or missing heads.
    """
    if len(body) > FILE_MOST:
        raise FileError("too_large", most=FILE_MOST // 1_000_000)
    rows = _sheet(body) if body[:4] == b"PK\x03\x04" else _comma_separated(body)
    # The first row with a head of ours: above it templates and offices put titles and notes.
    for number, cells in rows:
        if sum(head(cell) in table.by_head for cell in cells) >= 2:
            return list(_lines(rows, _heads(cells, table, number), number))
        if number > 20:
            break
    raise FileError("no_heads", heads="、".join(c.heads[0] for c in table.columns if c.required))


def _heads(cells: list[str], table: Table, at: int) -> dict[int, str]:
    found: dict[int, str] = {}
    for place, cell in enumerate(cells):
        column = table.by_head.get(head(cell))
        if cell.strip() and column is None:
            raise FileError("odd_head", head=cell.strip()[:40], row=at)
        if column is not None:
            if column.name in found.values():
                raise FileError("head_twice", head=cell.strip()[:40], row=at)
            found[place] = column.name
    missing = [c.heads[0] for c in table.columns if c.required and c.name not in found.values()]
    if missing:
        raise FileError("head_missing", head="、".join(missing))
    return found


def _lines(rows: Iterator[tuple[int, list[str]]], heads: dict[int, str], first: int) -> Iterator[Line]:
    for number, cells in rows:
        said = {name: cells[place].strip() for place, name in heads.items() if place < len(cells)}
        if not any(said.values()):
            continue
        if number > first + ROWS_MOST:
            raise FileError("too_many", most=ROWS_MOST)
        yield Line(number, {name: cell for name, cell in said.items() if cell})


def _comma_separated(body: bytes) -> Iterator[tuple[int, list[str]]]:
    for encoding in ("utf-8-sig", "gb18030"):  # Excel of a Chinese Windows writes the second
        try:
            text = body.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise FileError("no_text")
    if "\0" in text:
        raise FileError("no_text")
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for cells in lines:
            yield lines.line_num, [bare(cell.strip())[:CELL_MOST] for cell in cells[:COLUMNS_MOST]]
    except csv.Error:
        raise FileError("no_csv", row=lines.line_num) from None


def _sheet(body: bytes) -> Iterator[tuple[int, list[str]]]:
    _bounded(body)
    try:
        book = load_workbook(io.BytesIO(body), read_only=True, data_only=True, keep_links=False)
        page = book.worksheets[0]
        rows: Iterable[Any] = page.iter_rows(max_row=ROWS_MOST + 30, max_col=COLUMNS_MOST, values_only=True)
        for number, cells in enumerate(rows, 1):
            yield number, [_text(cell) for cell in cells]
    except FileError:
        raise
    except Exception:
        raise FileError("no_excel") from None


def _bounded(body: bytes) -> None:
    """Refuse a file that unpacks to more than there is room for: counted as it unpacks, its own word is nothing."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            parts = packed.infolist()
            if len(parts) > PARTS_MOST or sum(part.file_size for part in parts) > UNPACKED_MOST:
                raise FileError("bomb")
            room = UNPACKED_MOST
            for part in parts:
                tail = b""
                with packed.open(part) as inside:
                    while piece := inside.read(1 << 16):
                        room -= len(piece)
                        if room < 0 or any(sign in tail + piece for sign in DEFINES):
                            raise FileError("bomb")
                        tail = piece[-32:]
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError):
        raise FileError("no_excel") from None


def _text(cell: Any) -> str:
    """Return a cell as somebody would have written it."""
    if cell is None:
        return ""
    if isinstance(cell, datetime | date):
        return cell.strftime("%Y-%m-%d")
    if isinstance(cell, bool):
        return "1" if cell else "0"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return bare(str(cell).strip())[:CELL_MOST]
