"""Named queries out of hub/store/queries/*.sql: `-- name: load_open` and a line saying what for, then the statement."""

import functools
import re
from importlib import resources

from hub.errors import HubError

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
