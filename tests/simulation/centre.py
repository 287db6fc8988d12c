"""Random days over the real tables: presses, people, timers and dispatchers that die, with a clock that stands still.

Every rule is one transaction of the hub, some of them undone at their last moment or followed by a death, as a crash
would. After each the tables are held against the laws of the duty room (`laws.py`). The same seed gives the same day to
the last hash of every chain.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from alerts import events
from alerts.model import ENDED, Alert, AlertKind, Disposition, Incident, Service, Severity, State, TimerKind
from alerts.triage import RERING_EVERY
from hub import desk, incidents
from hub.channels import Outcome, Receipt
from hub.loops.retries import ATTEMPTS, ATTEMPTS_WORDS
from hub.loops.timekeeper import Timekeeper
from hub.store import outbox, policies
from hub.store.outbox import Lane
from hub.store.pool import Connection, connect
from tests.integration.incidents.world import NOON, POLICY, World
from tests.simulation.laws import Laws

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, Any]], Any]
Row = Mapping[str, Any]

LANES = [
    Lane(channel=c, urgent=u, room=3, lease_s=30) for c in ("webhook", "mqtt", "console") for u in (True, False)
]  # fmt: skip
NOBODY_HAS_IT = frozenset({State.CONFIRMING, State.OPEN, State.HELD})
ALARMS = (
    (AlertKind.SOS, Severity.CRITICAL, 0.0, False),
    (AlertKind.SOS, Severity.CRITICAL, 0.0, False),
    (AlertKind.FALL, Severity.CRITICAL, 15.0, False),
    (AlertKind.VITALS, Severity.HIGH, 0.0, False),
    (AlertKind.VITALS, Severity.MEDIUM, 0.0, False),
    (AlertKind.SOS, Severity.CRITICAL, 0.0, True),
)
EDITS = (POLICY, POLICY.replace('wait = "30s"', 'wait = "45s"').replace('wait = "60s"', 'wait = "90s"'))
TABLES = (
    "response",
    "note",
    "downlink",
    "page",
    "incident_event",
    "timer",
    "alert",
    "incident",
    "clock_jump",
    "clock_mark",
)
SEQUENCES = ("incident_id_seq", "page_id_seq", "note_id_seq", "downlink_id_seq", "clock_jump_id_seq")
ANSWERS = tuple(v for v in desk.Verb if v not in (desk.Verb.DELIVERED, desk.Verb.READ))
LONGEST_WAIT = timedelta(minutes=31)  # a case nobody closes asks for its ending at least this often
NIGHT_ENDS = 200  # rounds in which every page that waits has arrived, or never will
AT_THE_DESK: dict[str, Callable[[Connection, int, int, str], Awaitable[object]]] = {
    "take": lambda c, i, p, n: desk.take(c, i, p, nonce=n),
    "release": lambda c, i, p, n: desk.release(c, i, p, nonce=n),
    "send the next step": lambda c, i, p, n: desk.dispatch(c, i, p, nonce=n),
    "hand over": lambda c, i, p, n: desk.hand_over(c, i, p, "120 car 7", nonce=n),
    "resolve": lambda c, i, p, n: desk.resolve(c, i, p, "her voice", nonce=n),
    "cancel": lambda c, i, p, n: desk.cancel(c, i, p, nonce=n),
    "call 120": lambda c, i, p, n: desk.call(c, i, p, Service.AMBULANCE, reference="4711", nonce=n),
    "make it real": lambda c, i, p, n: desk.make_real(c, i, p, nonce=n),
    "close": lambda c, i, p, n: desk.close(
        c, i, p, disposition=Disposition.LIFTED, done="lifted", with_whom="guard", called_back=True, nonce=n
    ),
}  # fmt: skip


class Crash(StrEnum):
    """Whether the process dies at the last moment before the commit, and what the person does then."""

    NONE = "none"
    ONCE_MORE = "once more"  # the tap is sent again
    FOR_GOOD = "for good"  # nobody tries again: nothing of it may be left


@dataclass(kw_only=True)
class Worker:
    """A dispatcher: its session, and the pages it has claimed."""

    conn: Connection
    number: int
    holds: list[Row] = field(default_factory=list)


@dataclass(kw_only=True)
class Ledger:
    """What became of all the days of one run."""

    steps: int = 0
    logs: list[list[tuple[Any, ...]]] = field(default_factory=list)  # every day's chains: incident, seq, what, hash


class Centre(RuleBasedStateMachine):
    """One resident's case, or several after one another, and two dispatchers."""

    def __init__(self, run: Run, world: World, ledger: Ledger) -> None:
        super().__init__()
        self._run = run
        self.world = world
        self.ledger = ledger
        self.alerts: list[tuple[Alert, int]] = []
        self.heard: Counter[str] = Counter()
        self.taps = 0
        self.findings = 0
        self.passed_s = 0.0
        people = {world.names[name] for name in ("operator", "guard")}
        self.laws = Laws(world=world, on_duty=people)
        self.keeper = Timekeeper(dsn=world.dsn, machine="day", monotonic=lambda: self.passed_s, by_hand=True)
        self._run(self._clear())
        self.workers = [self._run(self._enlist()) for _ in range(2)]

    def teardown(self) -> None:
        try:
            self._run(self._all_arrive())
            self.ledger.logs.append(self._run(self._log()))
        finally:
            for worker in self.workers:
                self._run(worker.conn.close())

    # ---- what happens ----

    @rule(which=st.sampled_from(ALARMS), undone=st.booleans())
    def alarm(self, which: tuple[AlertKind, Severity, float, bool], undone: bool) -> None:
        """Something is found; with `undone` the process dies before the commit, and the device says it again."""
        self._run(self._alarm(which, undone=undone))

    @precondition(lambda self: self.alerts)
    @rule(data=st.data())
    def said_again(self, data: st.DataObject) -> None:
        """The process died after the commit and acknowledged nothing: the same finding again is no second press."""
        alert, incident_id = data.draw(st.sampled_from(self.alerts))
        raised = self._run(self.world.raised(alert))
        assert (raised.incident_id, raised.repeat, raised.rang) == (incident_id, True, False)

    @rule(seconds=st.sampled_from((0.0, 1.0, 10.0, 29.999, 31.0, 300.0)))
    def time_passes(self, seconds: float) -> None:
        self._run(self._pass(seconds))

    @precondition(lambda self: self.alerts)
    @rule(undone=st.booleans())
    def time_comes(self, undone: bool) -> None:
        """The clock stands exactly at the next timer, and it fires."""
        self._run(self._to_the_next_timer())
        self._run(self._fire(undone=undone))

    @rule(undone=st.booleans())
    def timers_fire(self, undone: bool) -> None:
        self._run(self._fire(undone=undone))

    @precondition(lambda self: self.alerts)
    @rule(seconds=st.sampled_from((-3600.0, -20.0, -0.7, 45.0)), pressed=st.booleans())
    def clock_is_set(self, seconds: float, pressed: bool) -> None:
        """Back or forward, under everything that waits; with `pressed` she presses before anybody has noticed."""
        self._run(self._set_clock(seconds, pressed=pressed))

    @precondition(lambda self: self.alerts)
    @rule(
        what=st.sampled_from((*AT_THE_DESK, "hold", "send the guard")),
        twice=st.booleans(),
        crash=st.sampled_from(Crash),
    )
    def operator_does(self, what: str, twice: bool, crash: Crash) -> None:
        self._run(self._at_the_desk(what, twice=twice, crash=crash))

    @precondition(lambda self: self.alerts)
    @rule(
        who=st.sampled_from(("daughter", "guard")), verb=st.sampled_from(ANSWERS), twice=st.booleans(),
        crash=st.sampled_from(Crash),
    )  # fmt: skip
    def responder_answers(self, who: str, verb: desk.Verb, twice: bool, crash: Crash) -> None:
        self._run(self._answer(who, verb, twice=twice, crash=crash))

    @rule(who=st.sampled_from(("operator", "guard")))
    def duty_changes(self, who: str) -> None:
        """Somebody goes off duty, or comes back."""
        self._run(self._duty(self.world.names[who]))

    @rule(text=st.sampled_from(EDITS))
    def policy_is_edited(self, text: str) -> None:
        """New cases go by it; those in progress keep theirs."""
        self._run(policies.publish(self.world.conn, text))

    @rule(n=st.integers(0, 1))
    def dispatcher_claims(self, n: int) -> None:
        self._run(self._claim(self.workers[n]))

    @rule(n=st.integers(0, 1), outcome=st.sampled_from(Outcome))
    def dispatcher_sends(self, n: int, outcome: Outcome) -> None:
        self._run(self._send(self.workers[n], outcome))

    @rule(n=st.integers(0, 1), outcome=st.sampled_from(Outcome))
    def operator_takes_what_is_being_sent(self, n: int, outcome: Outcome) -> None:
        """The narrow moment, which chance alone seldom meets."""
        self._sending_and_taken(n)
        self.dispatcher_sends(n, outcome)

    @rule(n=st.integers(0, 1), outcome=st.sampled_from(Outcome))
    def dispatcher_freezes_past_its_lease(self, n: int, outcome: Outcome) -> None:
        """It goes on after its pages were taken back; what it writes then must bring nothing back to life."""
        self._sending_and_taken(n)
        self.time_passes(31.0)
        self.lost_pages_are_taken_back()
        self.laws_hold()
        self.dispatcher_sends(n, outcome)

    def _sending_and_taken(self, n: int) -> None:
        self.alarm(ALARMS[0], undone=False)
        self.dispatcher_claims(n)
        self.operator_does("take", twice=False, crash=Crash.NONE)

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
        self.ledger.steps += 1
        self._run(self.laws.hold())

    # ---- how ----

    async def _clear(self) -> None:
        """A new day in the same database: nothing of yesterday's, and its numbers from one."""
        # Rows of a day are few: deleting them takes a tenth of a truncate. The guard against silence looks away.
        text = "set session_replication_role = replica; " + ";".join(f"delete from {table}" for table in TABLES)
        text += "; set session_replication_role = origin"
        text += "".join(f"; select setval('{sequence}', 1, false)" for sequence in SEQUENCES)
        await self.world.conn.execute(text.encode())
        await self.world.stop_clock()
        await policies.publish(self.world.conn, POLICY)
        await self.world.conn.execute("delete from shift")
        for person in self.laws.on_duty:
            await self._on_duty(person)
        await self.keeper.look(self.world.conn)

    async def _on_duty(self, person: int) -> None:
        query = "insert into shift (person_id, during) values (%s, tstzrange(%s, null))"
        await self.world.conn.execute(query, (person, NOON - timedelta(days=1)))

    async def _duty(self, person: int) -> None:
        if person in self.laws.on_duty:
            self.laws.on_duty.remove(person)
            await self.world.conn.execute("delete from shift where person_id = %s", (person,))
        else:
            self.laws.on_duty.add(person)
            await self._on_duty(person)

    async def _pass(self, seconds: float) -> None:
        self.passed_s += seconds
        await self.world.forward(seconds)
        await self.keeper.look(self.world.conn)

    async def _set_clock(self, seconds: float, *, pressed: bool) -> None:
        before = await self.laws.waits()
        await self.world.forward(seconds)
        if pressed:
            await self._alarm(ALARMS[0], undone=False)
        await self.keeper.look(self.world.conn)
        after = await self.laws.waits()
        ahead = timedelta(seconds=max(seconds, 0.0))  # forward: what waits fires so much earlier
        for incident, wait in after.items():
            shall = before.get(incident, LONGEST_WAIT) - ahead
            anew = pressed and incident == self.alerts[-1][1] and wait <= LONGEST_WAIT  # her press may set it anew
            assert anew or wait == shall, "a timer went with the clock"

    async def _alarm(self, which: tuple[AlertKind, Severity, float, bool], *, undone: bool) -> None:
        kind, severity, countdown_s, test = which
        self.findings += 1
        alert = self.world.alert(
            alert_id=f"finding-{self.findings}", identity=f"press-{self.findings}", kind=kind, severity=severity,
            countdown_s=countdown_s, test=test, raised_at=await self.world.now(),
        )  # fmt: skip
        if undone:
            async with self.world.conn.transaction(force_rollback=True):
                await incidents.raise_alert(self.world.conn, alert)
        before = await self.world.incident(self._case()) if self.alerts else None
        raised = await (self._raised_among_others(alert) if self.findings % 2 else self.world.raised(alert))
        assert raised.incident_id is not None
        assert not raised.repeat
        waiting = before is not None and before.incident_id == raised.incident_id and before.state is State.OPEN
        if kind is AlertKind.SOS and waiting and not test and before is not None and not before.test:
            rested = before.paged_at is None or alert.raised_at - before.paged_at >= RERING_EVERY
            assert raised.rang or not rested, "she pressed again and nobody was rung"
        self.laws.presses[raised.incident_id] += kind is AlertKind.SOS
        self.alerts.append((alert, raised.incident_id))

    async def _raised_among_others(self, alert: Alert) -> incidents.Raised:
        """The way a press takes where many wait."""
        conn = self.world.conn
        async with conn.pipeline(), conn.transaction():
            (at,) = await incidents.look(conn, [alert])
            (raised,) = await incidents.raise_alerts(conn, [(alert, at)])
        return raised

    async def _to_the_next_timer(self) -> None:
        wait = await self.world.value("select min(due_at) - hub_now() from timer")
        if wait is not None and wait > timedelta(0):
            await self._pass(wait.total_seconds())

    async def _fire(self, *, undone: bool) -> None:
        conn = self.world.conn
        if undone and self.alerts:
            async with conn.transaction(force_rollback=True):
                at = await incidents.situation(conn, self._case())
                if at.incident is not None and at.incident.state not in ENDED:
                    await incidents.apply(conn, at, events.Due(), "timer")
            return  # whoever fires it next finds everything as it was
        expired = await self.world.rows("select id from incident where expires_at <= hub_now()")
        waits = await self.laws.waits()
        versions = dict(await self.world.rows("select id, version from incident"))
        await self.world.fire()
        assert await self.world.value("select count(*) from timer where due_at <= hub_now()") == 0, "a timer is silent"
        for (incident_id,) in expired:
            assert (await self.world.incident(incident_id)).state is State.OPEN, "a take did not expire"
        for incident_id, version in await self.world.rows("select id, version from incident"):
            if version != versions[incident_id]:
                assert waits[incident_id] <= timedelta(0), "a timer fired early"
                await self._waits_by_its_own_policy(await self.world.incident(incident_id))

    async def _waits_by_its_own_policy(self, fired: Incident) -> None:
        """A step that was just rung waits as the policy says that the incident opened with."""
        if fired.state is not State.OPEN or fired.test or fired.timer is None:
            return
        row = await self.world.rows(
            "select v.body from policy_version v join incident i on i.policy_version = v.id where i.id = %s",
            fired.incident_id,
        )  # fmt: skip
        policy = policies.check(row[0][0], ())[fired.policy.name]
        step = fired.timer.kind is TimerKind.STEP
        wait = policy.steps[fired.step].wait if step else policy.repeat_last
        assert fired.timer.due_at == await self.world.now() + wait, "a step has not the time of its own policy"

    def _case(self) -> int:
        return self.alerts[-1][1]

    async def _at_the_desk(self, what: str, *, twice: bool, crash: Crash) -> None:
        operator, conn = self.world.names["operator"], self.world.conn
        until = await self.world.now() + timedelta(minutes=5)

        async def act(nonce: str) -> object:
            if what == "hold":
                return await desk.hold(conn, self._case(), operator, "she asked to", until, nonce=nonce)
            if what == "send the guard":
                return await desk.dispatch(conn, self._case(), operator, self.world.names["guard"], nonce=nonce)
            return await AT_THE_DESK[what](conn, self._case(), operator, nonce)

        await self._by_a_person(act, twice=twice, crash=crash, taps_own_take=what == "take")

    async def _answer(self, who: str, verb: desk.Verb, *, twice: bool, crash: Crash) -> None:
        pages = await self.world.pages(self._case(), who, purpose="alarm")
        if not pages:
            return
        page, person = pages[-1], self.world.names[who]

        async def act(nonce: str) -> object:
            return await desk.answer(self.world.conn, person, page["id"], nonce, verb, "her neighbour")

        taps_own_take = verb is desk.Verb.ACCEPT
        if await self._by_a_person(act, twice=twice, crash=crash, taps_own_take=taps_own_take):
            self.heard[_key({"incident_id": self._case(), **page})] += 1  # who answers has it

    async def _by_a_person(
        self, act: Callable[[str], Awaitable[object]], *, twice: bool, crash: Crash, taps_own_take: bool
    ) -> bool:
        """Do it, perhaps after a crash at the last moment, perhaps twice with one tap; a refusal changes nothing, and
        neither does taking what one has."""
        self.taps += 1
        before = await self.world.incident(self._case())
        newest = int(await self.world.value("select coalesce(max(id), 0) from page"))
        try:
            if crash is not Crash.NONE:
                async with self.world.conn.transaction(force_rollback=True):
                    await act(f"tap-{self.taps}")
            if crash is Crash.FOR_GOOD:
                return False
            await act(f"tap-{self.taps}")
        except desk.Refused:
            assert await self.world.incident(self._case()) == before, "refused, and something changed"
            return False
        after = await self.world.incident(self._case())
        if before.state in NOBODY_HAS_IT and after.state not in NOBODY_HAS_IT:
            self.laws.stale[self._case()] = newest
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
        now = await self.world.now()
        for page in await outbox.claim(worker.conn, worker.number, LANES):
            self.laws.claimed(page, now)
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
        for _ in range(NIGHT_ENDS):
            if not await self.world.value("select count(*) from page where state in ('ready', 'sending', 'sent')"):
                break
            await self._pass(31)
            await self._take_back()
            await self._claim(last)
            await self._send(last, Outcome.DELIVERED)
        else:
            raise AssertionError("a page neither arrives nor is given up")
        rows = await self.world.rows(
            "select incident_id, round, step, person_id, channel, purpose from page"
            " where state in ('delivered', 'read')"
        )
        names = ("incident_id", "round", "step", "person_id", "channel", "purpose")
        lost = [row for row in rows if not self.heard[_key(dict(zip(names, row, strict=True)))]]
        assert lost == [], "said to be delivered, and nobody heard it"

    async def _log(self) -> list[tuple[Any, ...]]:
        return await self.world.rows(
            "select incident_id, seq, what, encode(hash, 'hex') from incident_event order by incident_id, seq"
        )


def _somebody_has(incident: Incident) -> bool:
    return incident.state in (State.TAKEN, State.DISPATCHED, State.EN_ROUTE, State.ON_SCENE)


def _key(page: Row) -> str:
    return ".".join(str(page[n]) for n in ("incident_id", "round", "step", "person_id", "channel", "purpose"))
