"""The press's own path numbers its parameters itself: it must ask exactly what psycopg would have asked."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from hub.store import hot
from hub.store.pool import Connection, connect
from hub.store.sql import queries

NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)
QUERY = b"""-- One line about %(what)s.
select %(text)s::text, %(at)s::timestamptz, %(text)s::text || %(number)s::int, %(none)s::bigint, %(many)s::bigint[]
-- and a line between
where %(number)s::int > 0"""
VALUES = {"text": "100 %s; '--", "at": NOW, "number": 7, "none": None, "many": [1, 2], "unused": object()}


@pytest.fixture
async def conn(anyio_backend: str, dsn: str) -> AsyncIterator[Connection]:
    async with await connect(dsn) as conn:
        yield conn


async def test_numbered_query_answers_as_the_named_one(conn: Connection) -> None:
    numbered = await (await hot.execute(conn, QUERY, VALUES)).fetchall()
    named = await (await conn.execute(QUERY.partition(b"\n")[2], VALUES)).fetchall()
    assert numbered == named == [("100 %s; '--", NOW, "100 %s; '--7", None, [1, 2])]


async def test_value_that_was_forgotten_is_named_before_anything_is_asked(conn: Connection) -> None:
    with pytest.raises(KeyError, match="number"):
        await hot.execute(conn, QUERY, {name: value for name, value in VALUES.items() if name != "number"})
    assert (await (await conn.execute("select 1")).fetchone()) == (1,)


@pytest.mark.parametrize("name", ["situation", "open"])
async def test_query_of_the_press_is_whole_once_numbered(conn: Connection, name: str) -> None:
    """The server reads it: a misplaced number or a comment cut in the wrong place would be a syntax error."""
    text, names = hot._numbered(getattr(queries("incidents"), name))
    assert names
    assert b"%(" not in text
    await conn.execute(b"prepare pressed as " + text.strip().rstrip(b";"))
    found = await (await conn.execute("select cardinality(parameter_types) from pg_prepared_statements")).fetchone()
    assert found == (len(names),)
