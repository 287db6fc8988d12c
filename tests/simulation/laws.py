"""What must be true of the tables at every moment of a day, written from the rules and with a memory of its own.

The laws remember each chain's end, so that a step costs what has grown in it; each looks at the tables as an outsider
would, and none asks the code that wrote them.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hub import chain
from hub.store import incidents as store
from tests.integration.incidents.world import World

Row = Mapping[str, Any]

CASES = b"""
select i.id, i.dedup_key, t.incident_id is not null, i.policy_version, i.handler_id, i.responder_id,
       coalesce(t.due_at > i.expires_at, false), e.seq
from incident i left join timer t on t.incident_id = i.id
left join lateral (select max(seq) as seq from incident_event where incident_id = i.id) e on true order by i.id
"""
FRESH = b"""
select p.id, p.incident_id, p.person_id, p.role, p.purpose, p.round, p.step, p.channel
from page p where p.id > %s order by p.id
"""
STALE = b"""
select p.id
from page p join unnest(%s::bigint[], %s::bigint[]) as s (incident_id, newest) on p.incident_id = s.incident_id
where p.id <= s.newest and p.purpose = 'alarm' and p.state = 'ready'
"""
STATE = b"""
select kind, severity, state, step, round, handler_id as handler, responder_id as responder, responder_role, presses,
       resolved_by, disposition, services, proof, version from incident where id = %s
"""
TIMER = b"select kind, due_at, step, round from timer where incident_id = %s"
ASKED_ALWAYS = frozenset({"family", "ambulance"})


@dataclass(kw_only=True)
class Known:
    """How far one chain is known to be good, and what it told until there."""

    seq: int = 0
    head: bytes = chain.GENESIS
    told: set[tuple[Any, ...]] = field(default_factory=set)
    written: set[tuple[Any, ...]] = field(default_factory=set)
    state: Mapping[str, Any] = field(default_factory=dict)
    timer: Mapping[str, Any] | None = None


@dataclass(kw_only=True)
class Laws:
    """The laws' own memory of one day."""

    world: World
    on_duty: set[int]
    known: dict[int, Known] = field(default_factory=dict)
    policies: dict[int, int] = field(default_factory=dict)  # incident: the version it opened with
    presses: Counter[int] = field(default_factory=Counter)
    stale: dict[int, int] = field(default_factory=dict)  # incident: pages up to this must not be claimed any more
    holders: dict[int, set[int]] = field(default_factory=dict)  # who has, or had a step ago, each incident
    newest: int = 0

    async def hold(self) -> None:
        """Hold the tables against everything that must be true after each step."""
        conn = self.world.conn
        async with conn.pipeline():
            cases = await conn.execute(CASES)
            fresh = await conn.execute(FRESH, (self.newest,))
            stale = await conn.execute(STALE, (list(self.stale), list(self.stale.values())))
            rows, pages, late = await cases.fetchall(), await fresh.fetchall(), await stale.fetchall()
        assert late == [], "a page waits that was rung before somebody took the incident"
        keys = [row[1] for row in rows if row[1] is not None]
        assert len(keys) == len(set(keys)) <= 1, "two open incidents for one resident"
        for incident_id, key, ticks, policy, _, _, sleeps, _ in rows:
            assert (key is not None) == ticks, "an incident is silent, or rings after its end"
            assert self.policies.setdefault(incident_id, policy) == policy, "an edit changed a case in progress"
            assert not sleeps, "whoever has it is silent past his time, and nobody would notice"
        before, self.holders = self.holders, {row[0]: {p for p in row[4:6] if p} for row in rows}
        for page in pages:
            self._nobody_is_woken_off_duty(page, before.get(page[1], set()))
            self.known.setdefault(page[1], Known()).written.add((page[5], page[6], page[2], page[7], page[4]))
        self.newest = pages[-1][0] if pages else self.newest
        rung = {page[1] for page in pages}
        for incident_id, *_, seq in rows:
            if self.known.setdefault(incident_id, Known()).seq < (seq or 0) or incident_id in rung:
                await self._chain_tells_all(incident_id)

    def _nobody_is_woken_off_duty(self, page: tuple[Any, ...], had: set[int]) -> None:
        _, incident_id, person, role, purpose, *_ = page
        known = role in ASKED_ALWAYS or person in self.on_duty or purpose == "stand_down"
        assert known or person in had | self.holders[incident_id], f"person {person} is off duty and is paged"

    async def _chain_tells_all(self, incident_id: int) -> None:
        """The chain goes on from where it was good, and folding it gives the incident, its timer and its pages."""
        known, conn = self.known[incident_id], self.world.conn
        rows = await self.world.rows(
            "select seq, at, actor, what, body, prev_hash, hash from incident_event"
            " where incident_id = %s and seq > %s order by seq", incident_id, known.seq,
        )  # fmt: skip
        entries = [store.entry(row) for row in rows]
        known.seq, known.head = chain.verify(incident_id, entries, seq=known.seq, prev_hash=known.head)
        folded = chain.fold(entries)
        if folded.state:
            known.state, known.timer = folded.state, folded.timer
        state, timer = await _row(conn, STATE, incident_id), await _row(conn, TIMER, incident_id)
        assert state is not None
        assert {name: known.state[name] for name in state} == chain.plain(state), (
            "the incident is not what its chain says"
        )
        assert known.timer == (timer and chain.plain(timer)), "the timer is not what its chain says"
        assert state["presses"] == self.presses[incident_id], "a press was lost or counted twice"
        known.told |= {tuple(page[:5]) for page in folded.pages}
        assert known.told <= known.written, "a page that was decided was not written"
        undecided = {page[4] for page in known.written - known.told}
        assert undecided <= {"stand_down"}, "a page nobody decided"

    async def waits(self) -> dict[int, timedelta]:
        """Return how long each timer still has to wait."""
        return dict(await self.world.rows("select incident_id, due_at - hub_now() from timer"))

    def claimed(self, page: Row, now: datetime) -> None:
        """A page is in a dispatcher's hands: was it wanted, and is it time?"""
        late = page["purpose"] == "alarm" and page["id"] <= self.stale.get(page["incident_id"], 0)
        assert not late, "a page is sent after somebody took the incident"
        assert page["due_at"] <= now, "a page is sent early"


async def _row(conn: Any, query: bytes, incident_id: int) -> dict[str, Any] | None:
    cursor = await conn.execute(query, (incident_id,))
    row = await cursor.fetchone()
    return None if row is None else dict(zip((c.name for c in cursor.description), row, strict=True))
