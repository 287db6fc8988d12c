"""Numbers that prove themselves, and every fault of a file by row and column."""

import io
import zipfile
from datetime import date

import pytest
from openpyxl import Workbook  # type: ignore[import-untyped]

from hub import registry_ids as ids
from hub.registry_plan import Known, Register, plan, records
from hub.registry_read import FileError, read
from hub.registry_tables import TABLES

RESIDENTS = TABLES["residents"]
WANG = Known(id=7, version=3, values={
    "name": "王秀英", "born": "1944-03-02", "area": "和平社区", "address": "3 号楼 501", "phone": "0951 000 0001",
    "ability": "失能",
})  # fmt: skip
REGISTER = Register(residents=(WANG,), areas=frozenset({"和平社区"}))


def made_up(first: str) -> str:
    """Return an identity number of nobody: a district that does not exist, with its check digit."""
    total = sum(int(sign) * weight for sign, weight in zip(first, ids.ID_WEIGHTS, strict=True))
    return first + ids.ID_CHECKS[total % 11]


def test_credit_code_of_the_standard_s_own_shape_is_proved() -> None:
    assert ids.uscc_fault("91350100M000100Y43") == ""
    assert ids.uscc_fault("91350100M000100Y44") == "check"
    assert ids.uscc_fault("91350100M000100Y4") == "length"
    assert ids.uscc_fault("91350100I000100Y43") == "signs"


@pytest.mark.parametrize("place", range(17))
def test_every_single_mistyped_sign_of_a_credit_code_is_found(place: int) -> None:
    code = "91350100M000100Y43"
    wrong = [code[:place] + s + code[place + 1 :] for s in ids.USCC_SIGNS if s != code[place]]
    assert all(ids.uscc_fault(one) == "check" for one in wrong)


def test_identity_number_tells_its_birth_date_and_its_typing_errors() -> None:
    number = made_up("99010119440302001")
    assert ids.id_fault(number) == ""
    assert ids.id_born(number) == date(1944, 3, 2)
    assert ids.id_fault(number[:10] + number[11] + number[10] + number[12:]) == "check"  # two exchanged
    assert ids.id_fault(made_up("99010119440230001")) == "day"
    assert ids.id_fault(number[:-1]) == "length"


@pytest.mark.parametrize(("said", "day"), [
    ("1944-03-02", date(1944, 3, 2)), ("1944/3/2", date(1944, 3, 2)), ("1944年3月2日", date(1944, 3, 2)),
    ("19440302", date(1944, 3, 2)), ("1944.3.2", date(1944, 3, 2)), ("2.3.44", None), ("1944-02-30", None),
])  # fmt: skip
def test_day_is_read_as_people_write_it(said: str, day: date | None) -> None:
    assert ids.day(said) == day


@pytest.mark.parametrize(("said", "right"), [
    ("13800000001", True), ("138 0000 0001", True), ("1380000000", False), ("138000000012", False),
    ("0951-2000001", True), ("+86 13800000001", True), ("12345", True), ("abc", False), ("12", False),
])  # fmt: skip
def test_telephone_number_has_its_digits(said: str, right: bool) -> None:
    assert (ids.phone(said) is not None) == right


def csv(*lines: str) -> bytes:
    return "\n".join(("姓名,社区,住址,电话,出生日期,身份证号", *lines)).encode()


def test_every_fault_is_told_by_row_and_column_and_no_identity_number_is_quoted() -> None:
    number = made_up("99010119440302001")
    rows, faults = records(read(csv(
        f",和平社区,1 号楼,1380000000,1944-13-01,{number[:-1]}9" if number[-1] != "9" else f",和平社区,1,1,x,{number[:-1]}8",  # noqa: E501
        f"李一,和平社区,2 号楼,,1950-01-01,{number}",
    ), RESIDENTS), RESIDENTS)  # fmt: skip
    told = {(one.row, one.column, one.code) for one in faults}
    assert {(2, "name", "empty"), (2, "phone", "phone"), (2, "born", "day"), (2, "id_number", "id_check"),
            (3, "born", "born_not_id")} <= told  # fmt: skip
    assert number[:6] not in repr(rows) + repr(faults)


def test_row_of_somebody_registered_says_what_changes() -> None:
    rows, _ = records(read(csv("王秀英,和平社区,3号楼501,13800000009,,"), RESIDENTS), RESIDENTS)
    found = plan("residents", rows, REGISTER)
    (entry,) = found.entries
    assert (entry.action, entry.subject, entry.version) == ("changed", 7, 3)
    assert entry.changes["phone"] == ["0951 000 0001", "13800000009"]
    assert "ability" not in entry.changes  # what the file does not say stays


def test_namesake_is_a_doubt_and_the_same_row_twice_a_fault() -> None:
    rows, _ = records(read(csv("王秀英,和平社区,8 号楼,,1950-01-01,", "李一,和平社区,9 号楼,,,", "李一,和平社区,9 号楼,,,"), RESIDENTS),  # noqa: E501
                      RESIDENTS)  # fmt: skip
    found = plan("residents", rows, REGISTER)
    assert [(one.row, one.code) for one in found.doubts] == [(2, "same_name")]
    assert [(one.row, one.code, one.what) for one in found.faults] == [(4, "twice", "3")]


def test_area_that_nobody_entered_is_a_fault() -> None:
    rows, _ = records(read(csv("李一,和平杜区,9 号楼,,,"), RESIDENTS), RESIDENTS)
    assert [(one.column, one.code) for one in plan("residents", rows, REGISTER).faults] == [("area", "area")]


def test_excel_and_gb18030_say_the_same_as_utf_8() -> None:
    book = Workbook()
    page = book.active
    page.append(["登记表（演示）"])
    page.append(["姓名*", "社区", "住址", "电话", "出生日期"])
    page.append(["李一", "和平社区", "9 号楼", 13800000009, date(1950, 1, 2)])
    out = io.BytesIO()
    book.save(out)
    text = "姓名,社区,住址,电话,出生日期\n李一,和平社区,9 号楼,13800000009,1950/1/2\n"
    made = [records(read(body, RESIDENTS), RESIDENTS)[0][0][1]
            for body in (out.getvalue(), text.encode(), text.encode("gb18030"))]  # fmt: skip
    assert made[0] == made[1] == made[2]


def test_file_that_unpacks_without_end_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b"0" * 70_000_000)
    with pytest.raises(FileError) as refused:
        read(out.getvalue(), RESIDENTS)
    assert refused.value.code == "bomb"


@pytest.mark.parametrize(("body", "code"), [
    (b"PK\x03\x04rubbish", "no_excel"), (b"\xff\xfe\x00\x01", "no_text"), ("姓名,社区\n".encode(), "head_missing"),
    (b"a,b\n1,2\n", "no_heads"), ("姓名,社区,住址,血型\n".encode(), "odd_head"), ("姓名,姓名,社区,住址\n".encode(), "head_twice"),  # noqa: E501
    (b"x" * 4_000_001, "too_large"),
])  # fmt: skip
def test_what_is_no_table_is_refused_with_what_to_do(body: bytes, code: str) -> None:
    with pytest.raises(FileError) as refused:
        read(body, RESIDENTS)
    assert refused.value.code == code


@pytest.mark.parametrize(("said", "level", "stored"), [
    ("640121", "county", "640121000000"), ("640121000000", "county", "640121000000"),
    ("640121 103", "township", "640121103000"), ("640121103007", "community", "640121103007"),
    ("6401", "city", "640100000000"),
])  # fmt: skip
def test_area_code_is_stored_in_twelve_digits(said: str, level: str, stored: str) -> None:
    assert ids.area_code(said, level) == stored


@pytest.mark.parametrize(("said", "level"), [
    ("640121", "township"), ("64012110300", "community"), ("640121103000", "county"), ("640121103000", "community"),
    ("64O121000000", "county"), ("000121000000", "county"), ("６４０１２１", "county"),
])  # fmt: skip
def test_area_code_of_another_level_or_length_is_none(said: str, level: str) -> None:
    assert ids.area_code(said, level) is None


def test_area_code_begins_as_that_of_the_area_around_it() -> None:
    assert ids.area_inside("640121103007", "640121103000", "township")
    assert ids.area_inside("640121103007", "640121", "county")  # as an earlier release stored it
    assert not ids.area_inside("640122103007", "640121000000", "county")
    assert ids.area_inside("", "640121000000", "county")
