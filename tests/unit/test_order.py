"""What begins first when tests run side by side."""

from pathlib import Path

from tests import order

ROOT = Path(__file__).parents[2]


def test_files_that_begin_first_are_there_and_named_once() -> None:
    assert [file for file in order.LONGEST if not (ROOT / file).is_file()] == []
    assert len(set(order.LONGEST)) == len(order.LONGEST)


def test_long_files_come_before_all_others() -> None:
    asked = ["tests/unit/test_tidy.py::test_a", f"{order.LONGEST[1]}::test_b[x::y]", f"{order.LONGEST[0]}::test_c"]
    assert sorted(asked, key=order.place_of) == asked[::-1]
