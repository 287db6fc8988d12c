"""Queries of the press's own path, with their parameters numbered once: psycopg parses a statement with this many
parameters anew on every call (0.8 ms), which a press can feel."""

import functools
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import msgspec
import psycopg

from hub.store.pool import Connection

Cursor: TypeAlias = psycopg.AsyncCursor[tuple[Any, ...]]
_NAMED = re.compile(rb"%\(([a-z_0-9]+)\)s")
_COMMENT = re.compile(rb"^\s*--.*\n", re.MULTILINE)


def json(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as one parameter, for json_to_recordset: many arrays cost psycopg a hundred times as much."""
    return msgspec.json.encode(list(rows)).decode()


async def execute(conn: Connection, query: bytes, values: Mapping[str, Any]) -> Cursor:
    """Execute a query of hub/store/queries with named parameters; `values` may hold more names than it uses."""
    text, names = _numbered(query)
    return await psycopg.AsyncRawCursor(conn).execute(text, [values[name] for name in names], prepare=True)


@functools.cache
def _numbered(query: bytes) -> tuple[bytes, tuple[str, ...]]:
    names: list[str] = []

    def number(match: re.Match[bytes]) -> bytes:
        name = match[1].decode()
        if name not in names:
            names.append(name)
        return b"$%d" % (names.index(name) + 1)

    return _NAMED.sub(number, _COMMENT.sub(b"", query)), tuple(names)
