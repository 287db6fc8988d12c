"""Tables of the command line: columns stand under their heads, whatever is written in them."""

import pytest

from hub.commands.tables import table, width


def test_columns_stand_under_their_heads_in_both_scripts() -> None:
    told = table(("no.", "name", "what"), [(7, "王秀兰", "a"), (12, "Ma", None), (None, "", "")])
    assert told.splitlines() == ["no.  name    what", "  7  王秀兰  a", " 12  Ma      -", "  -  -       -"]


def test_table_without_rows_says_so() -> None:
    assert table(("no.", "name"), [], indent=2) == "  no.  name\n  (none)"


@pytest.mark.parametrize(("text", "places"), [("ab", 2), ("王a", 3), ("e\u0301", 1), ("（）", 4), ("", 0)])
def test_width_is_what_a_terminal_shows(text: str, places: int) -> None:
    assert width(text) == places
