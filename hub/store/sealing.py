"""What the database holds sealed: sealed where it is plain, sealed anew under another key, counted for the doctor."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb

from hub import sealed
from hub.sealed import SEALED, Place, SealError
from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("sealing")
LOCK = 0x0CA5E  # whoever has it makes the first key, or seals anew
AT_ONCE = 500  # rows in one transaction
PLAIN = "plain"


@dataclass(frozen=True, kw_only=True)
class Census:
    """How many texts each key sealed, under its name; `plain`: not sealed at all."""

    by_key: Mapping[str, int] = field(default_factory=dict)

    @property
    def plain(self) -> int:
        return self.by_key.get(PLAIN, 0)

    def lost(self, here: Mapping[str, bytes]) -> int:
        """Return how many cannot be opened with these keys."""
        return sum(count for key, count in self.by_key.items() if key != PLAIN and key not in here)


async def begin(conn: Connection, run_dir: Path) -> bool:
    """Say where the keys lie; make the first one where nothing was ever sealed. False: a key is missing here.

    Whoever starts without the key of a database that has one must go on, because presses ring without it; but must not
    make another, or half of the codes would open here and half there.
    """
    sealed.use(run_dir)
    async with conn.transaction():
        await conn.execute(Q.lock, {"lock": LOCK})
        known = {str(row[0]) for row in await (await conn.execute(Q.keys)).fetchall()}
        ring = sealed.ring()
        if not ring.current and not known:
            sealed.add_key()
            ring = sealed.ring()
        if not ring.current:
            return False
        await conn.execute(Q.add_key, {"id": ring.current})
    return True


async def census(conn: Connection) -> Census:
    """Count what is sealed by which key."""
    found: Counter[str] = Counter()
    for place in await _places(conn):
        query = sql.SQL(
            "select case when {c} ~ '^sealed:1:[0-9a-f]{{8}}:' then substr({c}, 10, 8) else 'plain' end, count(*)"
            " from {t} where {c} <> '' group by 1"
        ).format(c=sql.Identifier(place.column), t=sql.Identifier(place.table))
        found.update({str(key): int(count) for key, count in await (await conn.execute(query)).fetchall()})
    return Census(by_key=dict(found))


async def seal_plain(conn: Connection) -> int:
    """Seal what stands plain, written by an earlier release or by hand; returns how many."""
    return await _through(conn, lambda stored: not sealed.is_sealed(stored))


async def seal_anew(conn: Connection) -> int:
    """Seal everything under the key that seals now, history included; returns how many were under another.

    Raises:
        SealError: Something does not open. What was done before stays done, and nothing is lost.
    """
    current = sealed.ring().current
    if not current:
        raise SealError("there is no key here to seal with")
    await conn.execute(Q.add_key, {"id": current})
    return await _through(conn, lambda stored: sealed.key_of(stored) != current) + await _histories(conn, current)


async def _through(conn: Connection, wanted: Callable[[str], bool]) -> int:
    done = 0
    for place in await _places(conn):
        last: Any = None
        more: sql.Composable = sql.SQL("")
        names = {"t": sql.Identifier(place.table), "c": sql.Identifier(place.column), "k": sql.Identifier(place.row)}
        change = sql.SQL("update {t} set {c} = %(text)s where {k} = %(row)s").format(**names)
        while True:
            async with conn.transaction():
                await conn.execute("set local carehub.via = 'seal'")
                some = sql.SQL(
                    "select {k}, {c} from {t} where {c} <> '' {more} order by {k} limit %(limit)s for no key update"
                ).format(**names, more=more)
                rows = await (await conn.execute(some, {"last": last, "limit": AT_ONCE})).fetchall()
                for row, stored in rows:
                    if wanted(stored):
                        text = sealed.seal(_name(place), row, sealed.opened(_name(place), row, stored))
                        await conn.execute(change, {"text": text, "row": row})
                        done += 1
            if len(rows) < AT_ONCE:
                break
            last, more = rows[-1][0], sql.SQL("and {k} > %(last)s").format(**names)
    return done


async def _histories(conn: Connection, current: str) -> int:
    columns, done, last = [p.column for p in SEALED if p.table == "resident"], 0, 0
    while True:
        async with conn.transaction():
            values = {"columns": columns, "after": last, "limit": AT_ONCE}
            rows = await (await conn.execute(Q.histories, values)).fetchall()
            for number, kind, subject, fields in rows:
                fresh = {
                    name: [_anew(f"{kind}.{name}", subject, one, current) for one in pair] if name in columns else pair
                    for name, pair in fields.items()
                }  # fmt: skip
                if fresh != fields:
                    await conn.execute(Q.write_history, {"id": number, "fields": Jsonb(fresh)})
                    done += 1
        if len(rows) < AT_ONCE:
            return done
        last = rows[-1][0]


def _anew(place: str, row: str, stored: Any, current: str) -> Any:
    if not isinstance(stored, str) or not stored or sealed.key_of(stored) == current:
        return stored
    return sealed.seal(place, row, sealed.opened(place, row, stored))


async def _places(conn: Connection) -> list[Place]:
    """Return the places this database has: those of a later migration are not there yet."""
    there = []
    for place in SEALED:
        row = await (await conn.execute(Q.there, {"table": place.table, "column": place.column})).fetchone()
        there += [place] if row and row[0] else []
    return there


def _name(place: Place) -> str:
    return f"{place.table}.{place.column}"
