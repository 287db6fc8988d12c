"""Goes through the event chains: those that grow, every second; all there ever were, a few at a time."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from operator import itemgetter
from typing import TypeAlias

from hub import chain
from hub.chain import ChainError
from hub.store import incidents as store
from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("audit")
OVERLAP = timedelta(seconds=10)  # a transaction may commit this long after it read the time
REMEMBERED = 50_000  # ends of chains kept in memory
OLD_ONES = 20  # incidents of any age looked through in one pass
GROWN_MOST = 250  # chains that grew, looked through in one pass; in a disaster the others wait for the next
TOGETHER = 100  # chains read in one go
ANCHORS_HELD = 7  # days looked at when all chains are
SETTLED = timedelta(minutes=1)  # a day's anchor is written this long after midnight UTC

End: TypeAlias = tuple[int, bytes, str]  # of what is known to be good: number, hash, outcome of its last change
NOTHING: End = (0, chain.GENESIS, "")


@dataclass(frozen=True, kw_only=True)
class Break:
    """A chain, or a day's anchor, that does not hold."""

    subject: str
    why: str


@dataclass(kw_only=True)
class Chains:
    """Remembers how far each chain is known to be good."""

    ends: OrderedDict[int, End] = field(default_factory=OrderedDict)
    since: datetime | None = None
    round_at: int = 0  # the incident the slow round has come to
    anchored: date | None = None

    async def check(self, conn: Connection, now: datetime) -> list[Break]:
        """Look through what is new and a little of what is old; returns what does not hold."""
        since = min(self.since or now, now) - OVERLAP  # a clock set back must not hide what grows
        grown = await (await conn.execute(Q.grown, {"since": since})).fetchall()
        fresh = [number for number, seq in grown if self.ends.get(number, NOTHING)[0] < seq]
        old = await self._next_old(conn) or await self._next_old(conn)  # once round: begin again
        breaks: list[Break] = []
        some = fresh[:GROWN_MOST]
        for first in range(0, len(some), TOGETHER):
            good = {number: self.ends.get(number, NOTHING) for number in some[first : first + TOGETHER]}
            breaks += await self._some(conn, good)
        breaks += await self._some(conn, dict.fromkeys(old, NOTHING))
        if some == fresh:
            self.since = now
        return breaks + await self._anchor(conn, now)

    async def all_of_them(self, conn: Connection) -> list[Break]:
        """Look through every chain there is from its beginning, and the last anchors; writes nothing."""
        breaks: list[Break] = []
        while numbers := await self._next_old(conn):
            breaks += await self._some(conn, dict.fromkeys(numbers, NOTHING))
        days = await (await conn.execute(Q.anchored_days, {"limit": ANCHORS_HELD})).fetchall()
        return breaks + [b for b in [await self._held(conn, day) for (day,) in days] if b]

    async def _next_old(self, conn: Connection) -> list[int]:
        rows = await (await conn.execute(Q.some, {"after": self.round_at, "limit": OLD_ONES})).fetchall()
        self.round_at = rows[-1][0] if rows else 0
        return [int(row[0]) for row in rows]

    async def _some(self, conn: Connection, good: Mapping[int, End]) -> list[Break]:
        """Check some chains, each from where it was good, and hold the tables against them."""
        values = {"ids": list(good), "seqs": [end[0] for end in good.values()]}
        async with conn.transaction():
            await conn.execute("set transaction isolation level repeatable read, read only")
            links = await (await conn.execute(Q.links, values)).fetchall()
            rows = await (await conn.execute(Q.as_is, values)).fetchall()
        entries = {number: [store.entry(row[1:]) for row in some] for number, some in groupby(links, itemgetter(0))}
        is_now = {number: _as_is(columns) for number, *columns in rows}
        found = (self._one(number, end, entries.get(number, []), is_now.get(number)) for number, end in good.items())
        return [Break(subject=f"incident:{number}", why=why) for number, why in zip(good, found, strict=True) if why]

    def _one(self, incident_id: int, end: End, entries: Sequence[chain.Entry], is_now: str | None) -> str | None:
        """Return what is wrong with one chain, or with the incident it tells of."""
        seq, head, last = end
        try:
            seq, head = chain.verify(incident_id, entries, seq=seq, prev_hash=head)
        except ChainError as err:
            return f"event {err.seq} {err.why}"
        folded = chain.fold(entries)
        if folded.state:
            last = _outcome(folded)
        self.ends[incident_id] = (seq, head, last)
        self.ends.move_to_end(incident_id)
        while len(self.ends) > REMEMBERED:
            self.ends.popitem(last=False)
        return "the incident is not what its chain says" if is_now and last and last != is_now else None

    async def _anchor(self, conn: Connection, now: datetime) -> list[Break]:
        """Once a day: hold the ends of all chains against yesterday's anchor, then write today's."""
        day = (now - SETTLED).astimezone(UTC).date() - timedelta(days=1)
        if self.anchored == day:
            return []
        breaks = [b for b in [await self._held(conn, day - timedelta(days=1))] if b]
        incidents, digest = await _ends(conn, day)
        values = {"day": day, "now": now, "incidents": incidents, "sha256": digest}
        await conn.execute(Q.drop_anchor, values)
        self.anchored = day
        return breaks

    async def _held(self, conn: Connection, day: date) -> Break | None:
        row = await (await conn.execute(Q.anchored, {"day": day})).fetchone()
        if row is None or (row[0], row[1]) == await _ends(conn, day):
            return None
        return Break(subject=f"anchor:{day}", why="chains that ended by that day have other ends now")


async def _ends(conn: Connection, day: date) -> tuple[int, str]:
    until = datetime.combine(day + timedelta(days=1), time(), UTC)
    row = await (await conn.execute(Q.anchor, {"until": until})).fetchone()
    assert row is not None
    return int(row[0]), str(row[1])


def _outcome(folded: chain.Folded) -> str:
    state: Mapping[str, object] = folded.state
    timer = folded.timer
    return chain.canonical([
        state["state"], state["version"], state["step"], state["round"], *((timer["kind"],
        timer["due_at"]) if timer else (None, None))
    ])  # fmt: skip


def _as_is(columns: Sequence[object]) -> str:
    return chain.canonical(list(columns))
