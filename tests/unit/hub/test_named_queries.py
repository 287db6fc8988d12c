"""Named queries: found by name, and numbered once for the press's own path."""

import re
from importlib import resources

import pytest

from hub.errors import HubError
from hub.store import hot
from hub.store.sql import Queries, queries

FILES = sorted(
    file.name.removesuffix(".sql")
    for file in (resources.files("hub.store") / "queries").iterdir()
    if file.name.endswith(".sql")
)


def test_query_is_found_by_its_name() -> None:
    found = Queries("pets", "-- name: cat\n-- It purrs.\nselect 1;\n\n-- name: dog_2\n-- It barks.\nselect 2;\n")
    assert found.cat == b"-- It purrs.\nselect 1;"
    assert found.dog_2 == b"-- It barks.\nselect 2;"


def test_missing_query_names_the_file_to_look_in() -> None:
    with pytest.raises(HubError, match=r"no query 'cow' in hub/store/queries/pets\.sql"):
        _ = Queries("pets", "-- name: cat\nselect 1").cow


@pytest.mark.parametrize("noun", FILES)
def test_every_query_has_its_name_alone_and_says_something(noun: str) -> None:
    text = (resources.files("hub.store") / "queries" / f"{noun}.sql").read_text(encoding="utf-8")
    names = re.findall(r"^-- name: (\S+)", text, re.MULTILINE)
    assert names
    assert len(names) == len(set(names))
    for name in names:
        body: bytes = getattr(queries(noun), name)
        assert re.sub(rb"(?m)^--.*$", b"", body).strip(), name


def test_parameters_are_numbered_once_each_in_the_order_they_come() -> None:
    text, names = hot._numbered(b"-- Of %(nobody)s.\nselect %(b)s, %(a)s, %(b)s::int\n  -- and %(c)s\n where %(a)s")
    assert text == b"select $1, $2, $1::int\n where $2"
    assert names == ("b", "a")


def test_tenth_parameter_is_not_taken_for_the_first() -> None:
    names = [f"p_{number}" for number in range(12)]
    text, found = hot._numbered(b", ".join(b"%%(%s)s" % name.encode() for name in names))
    assert text == b", ".join(b"$%d" % number for number in range(1, 13))
    assert found == tuple(names)
