"""Within a release series migrations only add: the release before goes on working on the schema of the one after."""

import re
from collections.abc import Iterator

import pytest

from hub.store.pool import _migrations
from tests.previous import LAST_MIGRATION

# What looks like more than adding and is not, each with its reason. A piece of the statement is enough.
ALLOWED: dict[tuple[str, str], str] = {
    ("0025", "person drop constraint person_role_check"): "put back at once, with more roles",
    ("0025", "person add constraint person_role_check"): "allows every role the one before allowed",
    ("0026", "create unique index on web_session (id)"): "of a column added beside it, which the database numbers",
    ("0027", "execute function registry_log"): "writes a table of its own beside the change, and refuses none",
    ("0027", "execute function registry_version"): "counts in a column of its own that the older one does not read",
    ("0028", "visit drop constraint visit_reason_check"): "put back at once, with more reasons",
    ("0028", "visit add constraint visit_reason_check"): "allows every reason the one before allowed",
    ("0029", "create trigger page_at_night"): "only for whoever chose quiet nights, which the older one cannot offer",
    ("0044", "create trigger session_ended"): "only tells: whoever does not listen loses nothing",
    ("0044", "create trigger person_may_otherwise"): "only tells: whoever does not listen loses nothing",
    ("0050", "drop view if exists carehub_web.observation"): "made again at once, with one column more",
}
_BODY = re.compile(r"\$(\w*)\$.*?\$\1\$", re.DOTALL)
_STRING = re.compile(r"'(?:[^']|'')*'")
_CREATED = re.compile(r"create (?:unlogged )?table (?:if not exists )?(\w+)")
_MADE = re.compile(r"create (?:or replace )?function (\w+)")
_HELPER = re.compile(r"drop function (\w+)")
_ALTERED = re.compile(r"alter table (?:if exists )?(?:only )?(\w+) (.*)", re.DOTALL)
_ON = re.compile(r"create (?:unique index|(?:constraint )?trigger|rule).*? on (?:only )?(\w+)", re.DOTALL)


def statements(text: str) -> Iterator[str]:
    """Yield the statements of a migration without comments, function bodies and strings, in one line each."""
    bare = _STRING.sub("''", _BODY.sub("''", re.sub(r"--.*", "", text)))
    yield from (" ".join(part.lower().split()) for part in bare.split(";") if part.strip())


def actions(told: str) -> Iterator[str]:
    """Yield the actions of one `alter table`, which commas outside brackets part."""
    depth, begin = 0, 0
    for at, sign in enumerate(told):
        depth += (sign == "(") - (sign == ")")
        if sign == "," and not depth:
            yield told[begin:at].strip()
            begin = at + 1
    yield told[begin:].strip()


def narrows(statement: str, fresh: set[str]) -> Iterator[str]:
    """Yield what a statement takes away from, or demands of, tables that were there before."""
    helper = _HELPER.match(statement)
    dropped = re.match(r"drop (table|view|function|type|sequence|schema|trigger|rule|materialized)", statement)
    if dropped and not (helper and helper[1] in fresh):  # a helper of one migration goes with it
        yield statement
    if (gone := re.match(r"(?:delete from|truncate(?: table)?) (\w+)", statement)) and gone[1] not in fresh:
        yield statement
    if (on := _ON.match(statement)) and on[1] not in fresh:
        yield statement
    altered = _ALTERED.match(statement)
    if altered is None or altered[1] in fresh:
        return
    for action in actions(altered[2]):
        if _tightens(action):
            yield f"{altered[1]} {action}"


def _tightens(action: str) -> bool:
    if re.match(r"(drop|rename|set schema|add (constraint|check|unique|primary|foreign|exclude))", action):
        return True
    if re.match(r"alter (column )?\w+ (set not null|(set data )?type|drop default)", action):
        return True
    added = re.match(r"add (column )?(if not exists )?\w+", action) is not None
    demands = "not null" in action and not re.search(r"default|generated", action)
    return added and (demands or "unique" in action or "primary key" in action)


def found() -> list[tuple[str, str]]:
    fresh: set[str] = set()
    told = []
    for name, text in _migrations():
        if name[:4] <= LAST_MIGRATION:
            continue
        parts = list(statements(text))
        fresh |= {made[1] for part in parts if (made := _CREATED.match(part) or _MADE.match(part))}
        told += [(name[:4], what) for part in parts for what in narrows(part, fresh)]
    return told


def test_every_migration_since_the_last_release_only_adds() -> None:
    told = [
        (name, what) for name, what in found()
        if not any(name == number and piece in what for number, piece in ALLOWED)
    ]  # fmt: skip
    assert told == [], "the release before would stop working: add beside, fill, and take away in the next series"


def test_every_exception_is_still_one() -> None:
    for number, piece in ALLOWED:
        assert any(name == number and piece in what for name, what in found()), (number, piece)


@pytest.mark.parametrize(
    "statement",
    [
        "alter table resident drop column phone",
        "alter table resident rename column phone to telephone",
        "alter table resident add column code text not null",
        "alter table resident alter column born set not null, add column x int",
        "alter table resident add column x int, alter column born type text",
        "alter table resident add column x text unique",
        "alter table resident add constraint c check (name <> '')",
        "create unique index on resident (phone)",
        "create trigger t after insert on resident for each row execute function f()",
        "drop table note",
        "drop function duties(bigint, timestamptz)",
        "delete from press",
        "truncate press",
    ],
)
def test_what_would_stop_the_release_before_is_seen(statement: str) -> None:
    assert list(narrows(next(statements(statement)), set()))


@pytest.mark.parametrize(
    "statement",
    [
        "alter table resident add column code text not null default ''",
        "alter table resident add fence_m int not null default 0 check (fence_m >= 0), add x int",
        "create table fresh (id bigint primary key, name text not null)",
        "create index on resident (phone)",
        "create or replace function f() returns int language sql as $$ drop table x; select 1 $$",
        "update device set model_told = false -- drop table device",
        "insert into area values ('drop table note;')",
        "alter table fresh add constraint c check (true)",
    ],
)
def test_what_only_adds_is_let_through(statement: str) -> None:
    assert list(narrows(next(statements(statement)), {"fresh"})) == []
