"""Tables that leave the hub: CSV that Excel reads as it is, and Excel itself; never a formula, never endless."""

import csv as comma_separated
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import TypeAlias
from unicodedata import east_asian_width
from zoneinfo import ZoneInfo

from openpyxl import Workbook  # type: ignore[import-untyped]
from openpyxl.cell import WriteOnlyCell  # type: ignore[import-untyped]
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE  # type: ignore[import-untyped]
from openpyxl.styles import Alignment, Font, PatternFill  # type: ignore[import-untyped]
from openpyxl.utils import get_column_letter  # type: ignore[import-untyped]

from hub.errors import HubError

Cell: TypeAlias = str | int | float | Decimal | bool | date | datetime | None
Row: TypeAlias = Sequence[Cell]

ROWS_MOST = 100_000  # of one table; Excel itself ends at 1,048,576
LONGEST_CELL = 32_767  # characters, Excel's own limit
MEASURED = 200  # rows that a column's width is taken from
NARROWEST, WIDEST = 6, 48  # of a column, in digits
LONGEST_TITLE = 31  # of a sheet
BOM = "\ufeff"  # without it Excel reads UTF-8 as the system's old encoding
# A cell that begins so is run by a spreadsheet; full-width signs are taken for the narrow ones.
RUN = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
HEAD_FILL = PatternFill("solid", fgColor="E8EEF4")
HEAD_FONT = Font(bold=True)
TOP = Alignment(vertical="top", wrap_text=True)


class SheetTooLongError(HubError):
    """More rows than one file may have."""

    def __init__(self, most: int) -> None:
        super().__init__(f"more than {most:,} rows: choose one area, one organisation or a shorter time")
        self.most = most


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """One table. A cell's type is its value's: numbers and days stay numbers and days in Excel."""

    title: str
    head: Sequence[str]
    rows: Iterable[Row]
    notes: Sequence[str] = ()  # lines above the table: what was counted and what was not


def csv(sheet: Sheet, zone: ZoneInfo, *, most: int = ROWS_MOST) -> bytes:
    """Return a table as CSV: UTF-8 with its mark, lines ended as RFC 4180 says, moments in the hub's wall time.

    Raises:
        SheetTooLongError: More rows than `most`.
    """
    text = io.StringIO()
    writer = comma_separated.writer(text)
    writer.writerows([_harmless(line)] for line in sheet.notes)
    writer.writerow([_harmless(word) for word in sheet.head])
    for row in _bounded(sheet.rows, most):
        writer.writerow([_written(cell, zone) for cell in row])
    return (BOM + text.getvalue()).encode()


def xlsx(sheets: Sequence[Sheet], zone: ZoneInfo, *, most: int = ROWS_MOST) -> bytes:
    """Return tables as one Excel file, a sheet each, the head kept in sight. Seconds for a long one: not on a loop.

    Raises:
        SheetTooLongError: More rows than `most` in one of them.
    """
    book = Workbook(write_only=True)
    taken: set[str] = set()
    for sheet in sheets:
        rows = _bounded(sheet.rows, most)
        page = book.create_sheet(_title(sheet.title, taken))
        for number, width in enumerate(_widths(sheet.head, rows), start=1):
            page.column_dimensions[get_column_letter(number)].width = width
        page.freeze_panes = f"A{len(sheet.notes) + 2}"
        for line in sheet.notes:
            page.append([_cell(page, line, zone)])
        page.append([_head(page, word) for word in sheet.head])
        for row in rows:
            page.append([_cell(page, value, zone) for value in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _bounded(rows: Iterable[Row], most: int) -> list[Row]:
    found = list(islice(rows, most + 1))
    if len(found) > most:
        raise SheetTooLongError(most)
    return found


def _harmless(text: str) -> str:
    """Return text that no spreadsheet runs: an apostrophe before what would be taken for a formula."""
    text = ILLEGAL_CHARACTERS_RE.sub("", text)[:LONGEST_CELL]
    return f"'{text}" if text.lstrip(" \u3000").startswith(RUN) or text.startswith(RUN) else text


def _written(cell: Cell, zone: ZoneInfo) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return f"{_wall(cell, zone):%Y-%m-%d %H:%M:%S}"
    if isinstance(cell, str):
        return _harmless(cell)
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def _wall(at: datetime, zone: ZoneInfo) -> datetime:
    """Return a moment as the clock on the wall shows it: Excel knows no zones."""
    return at.astimezone(zone).replace(tzinfo=None)


def _cell(page: object, value: Cell, zone: ZoneInfo) -> object:
    if isinstance(value, datetime):
        cell = WriteOnlyCell(page, _wall(value, zone))
        cell.number_format = "yyyy-mm-dd hh:mm:ss"
    elif isinstance(value, date):
        cell = WriteOnlyCell(page, value)
        cell.number_format = "yyyy-mm-dd"
    elif isinstance(value, str):
        cell = WriteOnlyCell(page, ILLEGAL_CHARACTERS_RE.sub("", value)[:LONGEST_CELL])
        cell.data_type = "s"  # else "=…" is a formula
        if value.startswith(RUN):
            cell.quotePrefix = True  # stays text when somebody edits the cell
    else:
        cell = WriteOnlyCell(page, value)
        if isinstance(value, (float, Decimal)):
            cell.number_format = "0.00"
    return cell


def _head(page: object, word: str) -> object:
    cell = WriteOnlyCell(page, word)
    cell.data_type = "s"
    cell.font, cell.fill, cell.alignment = HEAD_FONT, HEAD_FILL, TOP
    return cell


def _widths(head: Sequence[str], rows: Sequence[Row]) -> list[int]:
    """Return the columns' widths: a Chinese character takes two places."""
    columns: list[list[Cell]] = [[word] for word in head]
    for row in rows[:MEASURED]:
        for column, value in zip(columns, row, strict=True):
            column.append(value)
    return [min(WIDEST, max(NARROWEST, *(2 + _places(value) for value in column))) for column in columns]


def _places(value: Cell) -> int:
    if isinstance(value, datetime):
        return 19
    text = "" if value is None else str(value)
    return sum(2 if east_asian_width(sign) in "WF" else 1 for sign in text)


def _title(wanted: str, taken: set[str]) -> str:
    """Return a sheet's name as Excel allows it, and of its own."""
    plain = "".join("·" if sign in r"[]:*?/\\" else sign for sign in wanted).strip("' ")[:LONGEST_TITLE] or "1"
    title, number = plain, 1
    while title.casefold() in taken:
        number += 1
        title = f"{plain[: LONGEST_TITLE - 4]} {number}"
    taken.add(title.casefold())
    return title
