"""One resident registered twice: who may be, the merge, and taking it back. Chains of cases are never touched.

Everything that refers to her is found in the database's own catalogue, so a table that comes later is not forgotten.
"""

from datetime import date
from typing import Any, Final

import psycopg
from psycopg import sql

from hub.errors import HubError
from hub.store import registry
from hub.store.console import Row, row, rows
from hub.store.pool import Connection
from hub.store.registry import PLAIN, SECRET
from hub.store.sql import queries

Q = queries("registry_merge")
MOVED_MOST = 20_000  # rows of one table: more are moved all the same, and cannot be taken back one by one
LISTS: Final = frozenset({"risks", "languages"})


class MergeError(HubError):
    """It cannot be done; `code` names the words."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


async def proposals(conn: Connection) -> list[Row]:
    """Return pairs that may be one and the same, with why."""
    return await rows(conn, Q.proposals)


async def merge(conn: Connection, keep: int, other: int) -> int:
    """Move everything of `other` to `keep`, inside the caller's transaction; returns the number to undo it by.

    Raises:
        MergeError: One of them is gone, merged already, or has an open case.
    """
    found = {number: await row(conn, registry.Q.hold, id=number) for number in sorted({keep, other})}
    kept, gone = found[keep], found[other]
    if keep == other or kept is None or gone is None or kept["ended_at"] or gone["ended_at"]:
        raise MergeError("gone")
    for number in (keep, other):
        held = await row(conn, Q.held, id=number)
        if held and held["open"]:
            raise MergeError("open_case")
    off = [one["id"] for one in await rows(conn, Q.both_visited, keep=keep, other=other)]
    moved, left = await _move(conn, other, keep)
    filled = await _fill(conn, kept, gone)
    change = await row(conn, Q.filled_by, id=keep) if filled else None
    await conn.execute(Q.merged, {"id": other, "into": keep})
    await registry.settle_homes(conn)
    return await registry.write_change(
        conn, "resident", keep, "merged",
        {"from": other, "moved": moved, "left": left, "filled": filled, "visiting": off,
         "change": change["id"] if change else None},
    )  # fmt: skip


async def _fill(conn: Connection, kept: Row, gone: Row) -> list[str]:
    """Where the one that is kept says nothing, take the other's word; what holds several holds both."""
    values: dict[str, Any] = {}
    for name in PLAIN:
        if name in LISTS:
            both = list(dict.fromkeys([*kept[name], *gone[name]]))
            values |= {name: both} if both != kept[name] else {}
        elif not kept[name] and gone[name]:
            values[name] = gone[name]
    for name in SECRET:
        if gone[name] and not kept[name]:
            values[name] = await registry.secret(conn, gone["id"], name)
    if values:
        await registry.change(conn, kept["id"], kept["version"], values)
    return sorted(values)


async def _give_back(conn: Connection, kept: int, change: int | None) -> None:
    """Take the other's words out again: each field as it was, where nobody has written another since."""
    held = await row(conn, registry.Q.hold, id=kept)
    found = await row(conn, Q.filled_before, change=change) if change else None
    if held is None or found is None:
        return
    names = [name for name in found["untouched"] if name in PLAIN or name in SECRET]
    was = {name: found["was"][name] for name in names}
    if was.get("born"):
        was["born"] = date.fromisoformat(was["born"])
    was |= {name: "" for name in SECRET if name in was}  # it was filled because nothing stood there
    if was:
        await registry.change(conn, kept, held["version"], was)


async def _move(conn: Connection, source: int, target: int) -> tuple[dict[str, list[Any]], dict[str, int]]:
    """Point every reference at the one that is kept. What she has there already stays where it is."""
    moved: dict[str, list[Any]] = {}
    left: dict[str, int] = {}
    for where in await rows(conn, Q.references):
        names = {"t": sql.Identifier(where["table"]), "c": sql.Identifier(where["column"])}
        keys = [key for key in where["keys"] if key != where["column"]]
        told = sql.SQL(", ").join(map(sql.Identifier, keys)) if keys else sql.SQL("1")
        found = await (await conn.execute(
            sql.SQL("select {k} from {t} where {c} = %(source)s").format(k=told, **names), {"source": source}
        )).fetchall()  # fmt: skip
        done: list[Any] = []
        for one in found:
            match = sql.SQL("").join(
                sql.SQL(" and {} = {}").format(sql.Identifier(key), sql.Placeholder(f"k{n}"))
                for n, key in enumerate(keys)
            )
            change = sql.SQL("update {t} set {c} = %(target)s where {c} = %(source)s{m}").format(m=match, **names)
            values = {"source": source, "target": target, **{f"k{n}": value for n, value in enumerate(one)}}
            try:
                async with conn.transaction():
                    await conn.execute(change, values)
            except (psycopg.errors.UniqueViolation, psycopg.errors.CheckViolation):
                left[where["table"]] = left.get(where["table"], 0) + 1
            else:
                done.append([str(value) for value in one])
            if not keys:
                break  # a row a resident: there is nothing to tell them apart by
        if done:
            moved[f"{where['table']}.{where['column']}"] = done[:MOVED_MOST]
    return moved, left


async def undo(conn: Connection, number: int) -> Row:
    """Take a merge back: what was moved goes back as far as it still stands there.

    Raises:
        MergeError: There is no such merge, it was undone, or a case is open.
    """
    found = await row(conn, Q.merges, id=number)
    if found is None or found["undone"]:
        raise MergeError("gone")
    kept, other = found["kept"], found["other"]
    held = await row(conn, Q.held, id=kept)
    if held is None or held["open"]:
        raise MergeError("open_case")
    there = {(one["table"], one["column"]): one for one in await rows(conn, Q.references)}
    for name, keys in found["facts"]["moved"].items():
        table, _, column = name.rpartition(".")
        if (where := there.get((table, column))) is None:
            continue
        columns = [key for key in where["keys"] if key != column]
        names = {"t": sql.Identifier(table), "c": sql.Identifier(column)}
        for one in keys:
            match = sql.SQL("").join(
                sql.SQL(" and {}::text = {}").format(sql.Identifier(key), sql.Placeholder(f"k{n}"))
                for n, key in enumerate(columns)
            )
            change = sql.SQL("update {t} set {c} = %(other)s where {c} = %(kept)s{m}").format(m=match, **names)
            await conn.execute(change, {"other": other, "kept": kept, **{f"k{n}": v for n, v in enumerate(one)}})
    await conn.execute(Q.visited_again, {"ids": found["facts"].get("visiting", [])})
    await _give_back(conn, kept, found["facts"].get("change"))
    await conn.execute(Q.unmerged, {"id": other})
    await registry.write_change(conn, "resident", kept, "unmerged", {"merge": number, "from": other})
    return found
