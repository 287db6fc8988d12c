"""Files that leave the hub: read back with what reads them elsewhere, and nothing in them runs."""

import csv as comma_separated
import io
import itertools
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook  # type: ignore[import-untyped]

from hub.sheets import Sheet, SheetTooLongError, csv, xlsx

CHINA = ZoneInfo("Asia/Shanghai")
AT = datetime(2026, 10, 31, 16, 30, 5, tzinfo=UTC)  # the first of November on the wall
FORMULAS = ("=HYPERLINK(1)", "+8613800000000", "-2+3", "@SUM(A1)", "\t=1", "＝1+1", "  =1")


def read(text: bytes) -> list[list[str]]:
    return list(comma_separated.reader(io.StringIO(text.decode("utf-8-sig"), newline="")))


def test_csv_begins_with_its_mark_and_keeps_quotes_and_lines() -> None:
    made = csv(Sheet(title="t", head=("姓名", "注"), rows=[("王秀兰", 'a "b", c\nd')]), CHINA)
    assert made.startswith(b"\xef\xbb\xbf")
    assert read(made) == [["姓名", "注"], ["王秀兰", 'a "b", c\nd']]
    assert b"\r\n" in made


@pytest.mark.parametrize("text", FORMULAS)
def test_formula_in_a_name_is_text_in_csv_and_in_excel(text: str) -> None:
    sheet = Sheet(title="t", head=("姓名",), rows=[(text,)])
    assert read(csv(sheet, CHINA))[1] == [f"'{text}"]
    cell = load_workbook(io.BytesIO(xlsx([sheet], CHINA))).active["A2"]
    assert (cell.value, cell.data_type) == (text, "s")


def test_numbers_and_days_stay_numbers_and_days_in_excel() -> None:
    row = (-5, 0.5, Decimal("3199.90"), date(2026, 10, 1), AT, None, True)
    sheet = Sheet(title="月报", head=tuple("abcdefg"), rows=[row], notes=("不含测试",))
    page = load_workbook(io.BytesIO(xlsx([sheet], CHINA)))["月报"]
    found = [cell.value for cell in page[3]]
    assert found == [-5, 0.5, 3199.9, datetime(2026, 10, 1), datetime(2026, 11, 1, 0, 30, 5), None, True]  # noqa: DTZ001
    assert page["A1"].value == "不含测试"
    assert page["A2"].font.bold
    assert page.freeze_panes == "A3"
    assert read(csv(sheet, CHINA))[2] == ["-5", "0.5", "3199.90", "2026-10-01", "2026-11-01 00:30:05", "", "True"]


def test_table_without_an_end_is_refused_with_what_to_do() -> None:
    endless = Sheet(title="t", head=("n",), rows=((n,) for n in itertools.count()))
    with pytest.raises(SheetTooLongError, match="choose one area"):
        csv(endless, CHINA, most=10)
    with pytest.raises(SheetTooLongError, match="choose one area"):
        xlsx([endless], CHINA, most=10)
    assert len(read(csv(Sheet(title="t", head=("n",), rows=[(n,) for n in range(10)]), CHINA, most=10))) == 11


def test_sheets_of_one_name_and_of_odd_names_are_all_there() -> None:
    sheets = [Sheet(title=title, head=("a",), rows=[]) for title in ("和平/社区", "和平/社区", "x" * 40, "")]
    names = load_workbook(io.BytesIO(xlsx(sheets, CHINA))).sheetnames
    assert names == ["和平·社区", "和平·社区 2", "x" * 31, "1"]


def test_columns_are_as_wide_as_what_stands_in_them() -> None:
    sheet = Sheet(title="t", head=("a", "b"), rows=[("和平社区", "x" * 500)])
    page = load_workbook(io.BytesIO(xlsx([sheet], CHINA))).active
    assert page.column_dimensions["A"].width == 10
    assert page.column_dimensions["B"].width == 48


def test_what_excel_cannot_hold_is_left_out() -> None:
    sheet = Sheet(title="t", head=("a",), rows=[("a\x00b\x1fc",), ("长" * 40_000,)])
    page = load_workbook(io.BytesIO(xlsx([sheet], CHINA))).active
    assert page["A2"].value == "abc"
    assert len(page["A3"].value) == 32_767
