"""Goes through the event chains: those that grow, every second; all there ever were, a few at a time."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from hub import chain
from hub.chain import ChainError
from hub.store import incidents as store
from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("audit")
OVERLAP = timedelta(seconds=10)  # a transaction may commit this long after it read the time
REMEMBERED = 50_000  # ends of chains kept in memory
OLD_ONES = 20  # incidents of any age looked through in one pass
SETTLED = timedelta(minutes=1)  # a day's anchor is written this long after midnight UTC


@dataclass(frozen=True, kw_only=True)
class Break:
    """A chain, or a day's anchor, that does not hold."""

    subject: str
    why: str


@dataclass(kw_only=True)
class Chains:
    """Remembers how far each chain is known to be good."""

    ends: "OrderedDict[int, tuple[int, bytes, str]]" = field(default_factory=OrderedDict)  # seq, hash, last outcome
    since: datetime | None = None
    round_at: int = 0  # the incident the slow round has come to
    anchored: date | None = None

    async def check(self, conn: Connection, now: datetime) -> list[Break]:
        """Look through what is new and a little of what is old; returns what does not hold."""
        since = min(self.since or now, now) - OVERLAP  # a clock set back must not hide what grows
        grown = await (await conn.execute(Q.grown, {"since": since})).fetchall()
        old = await self._next_old(conn) or await self._next_old(conn)  # once round: begin again
        breaks: list[Break] = []
        for incident_id, seq in grown:
            if self.ends.get(incident_id, (0, b"", ""))[0] < seq:
                breaks += await self._one(conn, incident_id, afresh=False)
        for (incident_id,) in old:
            breaks += await self._one(conn, incident_id, afresh=True)
        self.since = now
        return breaks + await self._anchor(conn, now)

    async def _next_old(self, conn: Connection) -> list[tuple[int]]:
        rows = await (await conn.execute(Q.some, {"after": self.round_at, "limit": OLD_ONES})).fetchall()
        self.round_at = rows[-1][0] if rows else 0
        return [(int(row[0]),) for row in rows]

    async def _one(self, conn: Connection, incident_id: int, *, afresh: bool) -> list[Break]:
        """Check one chain, from the beginning or from where it was good, and hold the tables against it."""
        seq, head, last = (0, chain.GENESIS, "") if afresh else self.ends.get(incident_id, (0, chain.GENESIS, ""))
        async with conn.transaction():
            await conn.execute("set transaction isolation level repeatable read, read only")
            rows = await (await conn.execute(Q.links, {"id": incident_id, "seq": seq})).fetchall()
            is_now = await (await conn.execute(Q.as_is, {"id": incident_id})).fetchone()
        entries = [store.entry(row) for row in rows]
        try:
            seq, head = chain.verify(incident_id, entries, seq=seq, prev_hash=head)
        except ChainError as err:
            return [Break(subject=f"incident:{incident_id}", why=f"event {err.seq} {err.why}")]
        folded = chain.fold(entries)
        if folded.state:
            last = _outcome(folded)
        self.ends[incident_id] = (seq, head, last)
        self.ends.move_to_end(incident_id)
        while len(self.ends) > REMEMBERED:
            self.ends.popitem(last=False)
        if is_now is not None and last and last != _as_is(is_now):
            return [Break(subject=f"incident:{incident_id}", why="the incident is not what its chain says")]
        return []

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


def _as_is(row: tuple[object, ...]) -> str:
    state, version, step, round_, kind, due_at, _ = row
    return chain.canonical([state, version, step, round_, kind, due_at])
