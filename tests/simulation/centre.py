"""Random days over the real tables: presses, people, timers and dispatchers that die, with a clock that stands still.

Every rule is one transaction of the hub, some of them undone at their last moment or followed by a death, as a crash
would. After each the tables are held against the invariants of the duty room, which are written here from the rules.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import psycopg
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from alerts import events
from alerts.model import ENDED, Alert, AlertKind, Disposition, Incident, Severity, State
from hub import chain, desk, incidents
from hub.channels import Outcome, Receipt
from hub.loops.retries import ATTEMPTS, ATTEMPTS_WORDS
from hub.store import outbox
from hub.store.outbox import Lane
from hub.store.pool import Connection, connect
from tests.integration.incidents.world import World

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, Any]], Any]
Row = Mapping[str, Any]

LANES = [
    Lane(channel=c, urgent=u, room=3, lease_s=30) for c in ("webhook", "mqtt", "console") for u in (True, False)
]  # fmt: skip
NOBODY_HAS_IT = frozenset({State.CONFIRMING, State.OPEN, State.HELD})
ALARMS = (
    (AlertKind.SOS, Severity.CRITICAL, 0.0),
    (AlertKind.SOS, Severity.CRITICAL, 0.0),
    (AlertKind.FALL, Severity.CRITICAL, 15.0),
    (AlertKind.VITALS, Severity.HIGH, 0.0),
    (AlertKind.VITALS, Severity.MEDIUM, 0.0),
)
TABLES = "response, note, downlink, page, incident_event, timer, alert, incident"
STATE = (
    "select kind, severity, state, step, round, handler_id as handler, responder_id as responder, responder_role,"
    " presses, resolved_by, disposition, version from incident where id = %s"
)
AT_THE_DESK: dict[str, Callable[[Connection, int, int, str], Awaitable[object]]] = {
    "take": lambda c, i, p, n: desk.take(c, i, p, nonce=n),
    "release": lambda c, i, p, n: desk.release(c, i, p, nonce=n),
    "send the next step": lambda c, i, p, n: desk.dispatch(c, i, p, nonce=n),
    "hand over": lambda c, i, p, n: desk.hand_over(c, i, p, "120 car 7", nonce=n),
    "resolve": lambda c, i, p, n: desk.resolve(c, i, p, "her voice", nonce=n),
    "cancel": lambda c, i, p, n: desk.cancel(c, i, p, nonce=n),
    "close": lambda c, i, p, n: desk.close(
        c, i, p, disposition=Disposition.LIFTED, done="lifted", with_whom="guard", called_back=True, nonce=n
    ),
}  # fmt: skip


@dataclass(kw_only=True)
class Worker:
    """A dispatcher: its session, and the pages it has claimed."""

    conn: Connection
    number: int
    holds: list[Row] = field(default_factory=list)


class Centre(RuleBasedStateMachine):
    """One resident's case, or several after one another, and two dispatchers."""

    def __init__(self, run: Run, world: World) -> None:
        super().__init__()
        self._run = run
        self.world = world
        self.alerts: list[tuple[Alert, int]] = []
        self.presses: Counter[int] = Counter()
        self.heard: Counter[str] = Counter()
        self.stale: dict[int, int] = {}  # incident: pages up to this one must not be claimed any more
        self.taps = 0
        self._run(self._clear())
        self.workers = [self._run(self._enlist()) for _ in range(2)]

    def teardown(self) -> None:
        try:
            self._run(self._all_arrive())
        finally:
            for worker in self.workers:
                self._run(worker.conn.close())

    # ---- what happens ----

    @rule(which=st.sampled_from(ALARMS), undone=st.booleans())
    def alarm(self, which: tuple[AlertKind, Severity, float], undone: bool) -> None:
        """Something is found; with `undone` the process dies before the commit, and the device says it again."""
        self._run(self._alarm(which, undone=undone))

    @precondition(lambda self: self.alerts)
    @rule(data=st.data())
    def said_again(self, data: st.DataObject) -> None:
        """The acknowledgement got lost: the same finding again is no second press."""
        alert, incident_id = data.draw(st.sampled_from(self.alerts))
        raised = self._run(self.world.raised(alert))
        assert (raised.incident_id, raised.repeat, raised.rang) == (incident_id, True, False)

    @rule(seconds=st.sampled_from((0.0, 1.0, 10.0, 29.999, 31.0, 300.0)))
    def time_passes(self, seconds: float) -> None:
        self._run(self.world.forward(seconds))

    @rule()
    def time_comes(self) -> None:
        """The clock stands exactly at the next timer."""
        self._run(self._to_the_next_timer())

    @rule(undone=st.booleans())
    def timers_fire(self, undone: bool) -> None:
        self._run(self._fire(undone=undone))

    @precondition(lambda self: self.alerts)
    @rule(what=st.sampled_from((*AT_THE_DESK, "hold", "send the guard")), twice=st.booleans())
    def operator_does(self, what: str, twice: bool) -> None:
        self._run(self._at_the_desk(what, twice=twice))

    @precondition(lambda self: self.alerts)
    @rule(who=st.sampled_from(("daughter", "guard")), verb=st.sampled_from(tuple(desk.EVENTS)), twice=st.booleans())
    def responder_answers(self, who: str, verb: desk.Verb, twice: bool) -> None:
        self._run(self._answer(who, verb, twice=twice))

    @rule(n=st.integers(0, 1))
    def dispatcher_claims(self, n: int) -> None:
        self._run(self._claim(self.workers[n]))

    @rule(n=st.integers(0, 1), outcome=st.sampled_from(Outcome))
    def dispatcher_sends(self, n: int, outcome: Outcome) -> None:
        self._run(self._send(self.workers[n], outcome))

    @precondition(lambda self: self.alerts)
    @rule(n=st.integers(0, 1), outcome=st.sampled_from(Outcome))
    def operator_takes_what_is_being_sent(self, n: int, outcome: Outcome) -> None:
        """The narrow moment, which chance alone seldom meets."""
        self.dispatcher_claims(n)
        self.operator_does("take", twice=False)
        self.dispatcher_sends(n, outcome)

    @rule(n=st.integers(0, 1), arrived=st.booleans())
    def dispatcher_dies(self, n: int, arrived: bool) -> None:
        """With pages in its hands; `arrived`: they had gone out, and only the receipts are lost."""
        worker = self.workers[n]
        if arrived:
            self.heard.update(_key(page) for page in worker.holds)
        self._run(worker.conn.close())
        self.workers[n] = self._run(self._enlist())

    @rule()
    def lost_pages_are_taken_back(self) -> None:
        self._run(self._take_back())

    # ---- what must hold ----

    @invariant()
    def laws_hold(self) -> None:
        self._run(self._laws())

    async def _laws(self) -> None:
        world = self.world
        silent = await world.rows(
            "select i.id from incident i left join timer t on t.incident_id = i.id"
            " where (i.dedup_key is not null) <> (t.incident_id is not null)"
        )
        assert silent == [], "an incident is silent, or rings after its end"
        keys = await world.rows("select dedup_key from incident where dedup_key is not null")
        assert len(keys) <= 1, "two open incidents for one resident"
        for incident_id, newest in self.stale.items():
            left = await world.rows(
                "select id from page where incident_id = %s and id <= %s and purpose = 'alarm' and state = 'ready'",
                incident_id, newest,
            )  # fmt: skip
            assert left == [], "a page waits that was rung before somebody took the incident"
        for (incident_id,) in await world.rows("select id from incident"):
            await self._chain_tells_all(incident_id)

    async def _chain_tells_all(self, incident_id: int) -> None:
        entries = await self.world.chain(incident_id)
        chain.verify(incident_id, entries)
        folded = chain.fold(entries)
        async with self.world.conn.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            row = await (await cursor.execute(STATE.encode(), (incident_id,))).fetchone()
            query = b"select kind, due_at, step, round from timer where incident_id = %s"
            timer = await (await cursor.execute(query, (incident_id,))).fetchone()
        assert row is not None
        assert {name: folded.state[name] for name in row} == chain.plain(row)
        assert folded.timer == (timer and chain.plain(timer))
        assert row["presses"] == self.presses[incident_id], "a press was lost or counted twice"
        told = {page[:5] for page in folded.pages}
        written = {
            tuple(page) for page in await self.world.rows(
                "select round, step, person_id, channel, purpose from page where incident_id = %s", incident_id
            )
        }  # fmt: skip
        assert told <= written, "a page that was decided was not written"
        assert {page[4] for page in written - told} <= {"stand_down"}, "a page nobody decided"

    # ---- how ----

    async def _clear(self) -> None:
        await self.world.conn.execute(f"truncate {TABLES} cascade".encode())
        await self.world.stop_clock()

    async def _alarm(self, which: tuple[AlertKind, Severity, float], *, undone: bool) -> None:
        kind, severity, countdown_s = which
        alert = self.world.alert(
            kind=kind, severity=severity, countdown_s=countdown_s, raised_at=await self.world.now()
        )
        if undone:
            async with self.world.conn.transaction(force_rollback=True):
                await incidents.raise_alert(self.world.conn, alert)
        raised = await self.world.raised(alert)
        assert raised.incident_id is not None
        assert not raised.repeat
        self.presses[raised.incident_id] += kind is AlertKind.SOS
        self.alerts.append((alert, raised.incident_id))

    async def _to_the_next_timer(self) -> None:
        await self.world.conn.execute(
            "update clock set at = greatest(at, coalesce((select min(due_at) from timer), at))"
        )

    async def _fire(self, *, undone: bool) -> None:
        if undone and self.alerts:
            async with self.world.conn.transaction(force_rollback=True):
                at = await incidents.situation(self.world.conn, self._case())
                if at.incident is not None and at.incident.state not in ENDED:
                    await incidents.apply(self.world.conn, at, events.Due(), "timer")
        before = await self.world.rows("select id, state from incident where expires_at <= hub_now()")
        await self.world.fire()
        assert await self.world.value("select count(*) from timer where due_at <= hub_now()") == 0
        for incident_id, _ in before:
            assert (await self.world.incident(incident_id)).state is State.OPEN, "a take did not expire"

    def _case(self) -> int:
        return self.alerts[-1][1]

    async def _at_the_desk(self, what: str, *, twice: bool) -> None:
        operator, conn = self.world.names["operator"], self.world.conn
        until = await self.world.now() + timedelta(minutes=5)

        async def act(nonce: str) -> object:
            if what == "hold":
                return await desk.hold(conn, self._case(), operator, "she asked to", until, nonce=nonce)
            if what == "send the guard":
                return await desk.dispatch(conn, self._case(), operator, self.world.names["guard"], nonce=nonce)
            return await AT_THE_DESK[what](conn, self._case(), operator, nonce)

        await self._by_a_person(act, twice=twice, taps_own_take=what == "take")

    async def _answer(self, who: str, verb: desk.Verb, *, twice: bool) -> None:
        pages = await self.world.pages(self._case(), who, purpose="alarm")
        if not pages:
            return
        page, person = pages[-1], self.world.names[who]

        async def act(nonce: str) -> object:
            return await desk.answer(self.world.conn, person, page["id"], nonce, verb, "her neighbour")

        if await self._by_a_person(act, twice=twice, taps_own_take=verb is desk.Verb.ACCEPT):
            self.heard[_key({"incident_id": self._case(), **page})] += 1  # who answers has it

    async def _by_a_person(self, act: Callable[[str], Awaitable[object]], *, twice: bool, taps_own_take: bool) -> bool:
        """Do it, perhaps twice with one tap; a refusal changes nothing, and neither does taking what one has."""
        self.taps += 1
        before = await self.world.incident(self._case())
        newest = int(await self.world.value("select coalesce(max(id), 0) from page"))
        try:
            await act(f"tap-{self.taps}")
        except desk.Refused:
            assert await self.world.incident(self._case()) == before, "refused, and something changed"
            return False
        after = await self.world.incident(self._case())
        if before.state in NOBODY_HAS_IT and after.state not in NOBODY_HAS_IT:
            self.stale[self._case()] = newest
        if twice:
            await act(f"tap-{self.taps}")
            assert await self.world.incident(self._case()) == after, "one tap did two things"
        if taps_own_take and _somebody_has(after):
            await act(f"again-{self.taps}")
            assert await self.world.incident(self._case()) == after, "taking again is not the same as taking"
        return True

    async def _enlist(self) -> Worker:
        conn = await connect(self.world.dsn)
        return Worker(conn=conn, number=await outbox.enlist(conn))

    async def _claim(self, worker: Worker) -> None:
        for page in await outbox.claim(worker.conn, worker.number, LANES):
            late = page["purpose"] == "alarm" and page["id"] <= self.stale.get(page["incident_id"], 0)
            assert not late, "a page is sent after somebody took the incident"
            assert page["due_at"] <= page["now"], "a page is sent early"
            worker.holds.append(page)

    async def _send(self, worker: Worker, outcome: Outcome) -> None:
        held, worker.holds = worker.holds, []
        for page in held:
            self.heard[_key(page)] += outcome is Outcome.DELIVERED
            receipt = Receipt(outcome=outcome, detail="x")
            await outbox.settle(worker.conn, worker.number, page["id"], receipt, again_s=1.0, receipt_s=20)

    async def _take_back(self) -> None:
        await outbox.take_back(self.world.conn, alarm_tries=tuple(ATTEMPTS.values()), word_tries=ATTEMPTS_WORDS)

    async def _all_arrive(self) -> None:
        """The night is over and every channel works: what was not withdrawn or given up has reached its person."""
        last = await self._enlist()
        self.workers.append(last)
        while await self.world.value("select count(*) from page where state in ('ready', 'sending', 'sent')"):
            await self.world.forward(31)
            await self._take_back()
            await self._claim(last)
            await self._send(last, Outcome.DELIVERED)
        rows = await self.world.rows(
            "select incident_id, round, step, person_id, channel, purpose from page"
            " where state in ('delivered', 'read')"
        )
        names = ("incident_id", "round", "step", "person_id", "channel", "purpose")
        lost = [row for row in rows if not self.heard[_key(dict(zip(names, row, strict=True)))]]
        assert lost == [], "said to be delivered, and nobody heard it"


def _somebody_has(incident: Incident) -> bool:
    return incident.state in (State.TAKEN, State.DISPATCHED, State.EN_ROUTE, State.ON_SCENE)


def _key(page: Row) -> str:
    return ".".join(str(page[n]) for n in ("incident_id", "round", "step", "person_id", "channel", "purpose"))
