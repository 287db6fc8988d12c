"""Named queries out of hub/store/queries/*.sql: `-- name: load_open` and a line saying what for, then the statement;
and the numbers that people give them."""

import functools
import re
from importlib import resources

from hub.errors import HubError

LONGEST_NUMBER = 18  # digits; beyond it no number of ours, nor of the database
_NAME = re.compile(r"^-- name: ([a-z_0-9]+)\s*$", re.MULTILINE)


class Queries:
    """The queries of one noun, as attributes."""

    def __init__(self, noun: str, text: str) -> None:
        self.noun = noun
        parts = _NAME.split(text)[1:]
        self._texts = {name: body.strip().encode() for name, body in zip(parts[::2], parts[1::2], strict=True)}

    def __getattr__(self, name: str) -> bytes:
        try:
            return self._texts[name]
        except KeyError:
            raise HubError(f"no query {name!r} in hub/store/queries/{self.noun}.sql") from None


@functools.cache
def queries(noun: str) -> Queries:
    """Return the queries of `hub/store/queries/<noun>.sql`, as bytes, which psycopg takes as trusted text."""
    return Queries(noun, (resources.files("hub.store") / "queries" / f"{noun}.sql").read_text(encoding="utf-8"))


def as_number(said: str) -> int | None:
    """Return the number of ours that somebody gave; None where it is an address, a name, or longer than any."""
    return int(said) if said.isdecimal() and len(said) <= LONGEST_NUMBER else None
