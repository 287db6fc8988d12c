"""Pages of a list: a limit, and a cursor that says where the next one begins and means nothing to anybody else."""

import base64
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from hub.api.problems import Fault, ProblemError
from hub.store.console import Row

T = TypeVar("T", bound=BaseModel)
MOST, USUAL = 200, 50
LONGEST = 200
Limit = Annotated[int, Query(ge=1, le=MOST, description=f"how many at most, up to {MOST}")]
Cursor = Annotated[
    str | None, Query(max_length=LONGEST, pattern=r"^[A-Za-z0-9_-]+$", description="`next` of the page before")
]
Id = Annotated[int, Field(ge=1, lt=2**63)]


class Page(BaseModel, Generic[T]):
    """Some of a list."""

    model_config = ConfigDict(extra="forbid")
    items: list[T]
    next: str | None = Field(description="the cursor of the next page; null: this is the last")


def seal(*place: int | str) -> str:
    """Return a cursor."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def place(cursor: str | None, kinds: tuple[type, ...]) -> tuple[Any, ...] | None:
    """Return what a cursor says; None without one.

    Raises:
        ProblemError: It is none that this list gave.
    """
    if cursor is None:
        return None
    try:
        said = msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=tuple[kinds])  # type: ignore[valid-type]
    except (ValueError, RecursionError, msgspec.MsgspecError):
        said = None
    if said is None or any(isinstance(part, int) and not 0 <= part < 2**63 for part in said):
        fault = Fault(where="query/cursor", what="not a cursor of this list: begin without one")
        raise ProblemError(422, "bad_cursor", faults=[fault])
    found: tuple[Any, ...] = said
    return found


def number(cursor: str | None) -> int | None:
    found = place(cursor, (int,))
    return None if found is None else int(found[0])


def page(kind: Callable[[Row], T], found: Sequence[Row], limit: int, key: str = "id") -> Page[T]:
    """Return a page of rows, of which one more was asked for than is shown."""
    shown = found[:limit]
    more = seal(shown[-1][key]) if len(found) > limit else None
    return Page(items=[kind(row) for row in shown], next=more)
