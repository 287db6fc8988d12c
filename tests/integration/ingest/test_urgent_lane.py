"""Small transactions on a real database: in order for one device, side by side for many, the pressing ones first."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import psycopg
import pytest

from hub import urgent_lane
from hub.steady import Steady
from hub.store.pool import Connection, connect, tuned
from hub.urgent_lane import MOST_TOGETHER, QUICK_TRIES, TURN, Line, UrgentLane
from tests.patience import PATIENCE_S


@dataclass(eq=False)
class Note:
    """A job that writes its name into table `duty_log`; `ruin` may spoil a try."""

    key: str
    name: str
    log: list[str]
    line: Line = Line.SOMEBODY
    alone: bool = False
    ruin: Callable[[int], Exception | None] = lambda _: None
    keep: Callable[[int], Exception | None] = lambda _: None
    tries: int = 0
    farewells: int = 0
    gate: asyncio.Event | None = None
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def prepare(self, conn: Connection) -> None:
        self.begun.set()
        if self.gate is not None:
            await self.gate.wait()

    async def run(self, conn: Connection) -> None:
        self.tries += 1
        await conn.execute("insert into duty_log values (%s)", (self.name,))
        if error := self.ruin(self.tries):
            raise error

    def committed(self) -> None:
        self.log.append(self.name)
        self.done.set()

    async def give_up(self, conn: Connection, error: Exception) -> None:
        self.farewells += 1
        await conn.execute("insert into duty_log values (%s)", (f"{self.name} unread",))
        if fault := self.keep(self.farewells):
            raise fault


@pytest.fixture
async def conn(dsn: str) -> AsyncIterator[Connection]:
    """A connection that sees what was committed."""
    async with await connect(dsn) as conn:
        await conn.execute("create table duty_log (name text not null)")
        yield conn


@asynccontextmanager
async def working(lane: UrgentLane) -> AsyncIterator[None]:
    """The lane at work; on the way out everything it was given is done."""
    task = asyncio.create_task(lane.run())
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield
            await lane.drained()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def notes(conn: Connection) -> list[str]:
    return sorted(name for (name,) in await (await conn.execute("select name from duty_log")).fetchall())


async def test_presses_of_one_device_stay_in_order_however_many_workers(dsn: str, conn: Connection) -> None:
    log: list[str] = []
    lane = UrgentLane(dsn, 4)
    names = [f"{number:02}" for number in range(30)]
    async with working(lane):
        for name in names:
            lane.put(Note("w1", name, log))
    assert log == names == await notes(conn)
    assert lane.waiting == 0


async def test_press_goes_before_the_findings_that_came_first(dsn: str, conn: Connection) -> None:
    log: list[str] = []
    lane = UrgentLane(dsn, 1)
    for number in range(3):
        lane.put(Note(f"w{number}", f"finding {number}", log, line=Line.FINDING))
    lane.put(Note("w9", "press", log))
    async with working(lane):
        pass
    assert log == ["press", "finding 0", "finding 1", "finding 2"]


async def test_press_of_a_resident_does_not_wait_for_a_flood_of_strangers(dsn: str, conn: Connection) -> None:
    log: list[str] = []
    lane = UrgentLane(dsn, 1)
    for number in range(50):
        lane.put(Note(f"x{number}", "stranger", log, line=Line.STRANGER))
    lane.put(Note("w1", "hers", log))
    async with working(lane):
        pass
    assert log == ["hers"] + ["stranger"] * 50


async def test_stranger_gets_a_turn_in_a_disaster(dsn: str, conn: Connection) -> None:
    """A button that was never claimed may hang in somebody's bathroom."""
    log: list[str] = []
    lane = UrgentLane(dsn, 1)
    for number in range(50):
        lane.put(Note(f"w{number}", "hers", log))
    for number in range(2):
        lane.put(Note(f"x{number}", "stranger", log, line=Line.STRANGER))
    async with working(lane):
        pass
    assert [at for at, name in enumerate(log, 1) if name == "stranger"] == [TURN, 2 * TURN]


async def test_silent_device_is_told_of_though_strangers_press_without_end(dsn: str, conn: Connection) -> None:
    log: list[str] = []
    lane = UrgentLane(dsn, 1)
    for number in range(50):
        lane.put(Note(f"x{number}", "stranger", log, line=Line.STRANGER))
    lane.put(Note("w1", "finding", log, line=Line.FINDING))
    async with working(lane):
        pass
    assert log.index("finding") == TURN - 1


async def test_device_whose_press_is_stuck_holds_no_other_device_up(dsn: str, conn: Connection) -> None:
    log: list[str] = []
    lane, gate = UrgentLane(dsn, 2), asyncio.Event()
    stuck = Note("w1", "stuck", log, gate=gate)
    async with working(lane):
        lane.put(stuck)
        lane.put(Note("w1", "behind it", log))
        await stuck.begun.wait()
        other = Note("w2", "other", log)
        lane.put(other)
        await other.done.wait()
        assert log == ["other"]
        gate.set()
    assert log == ["other", "stuck", "behind it"]


async def test_deadlock_is_tried_again_as_often_as_it_takes(dsn: str, conn: Connection) -> None:
    log: list[str] = []
    lane = UrgentLane(dsn, 1)
    job = Note("w1", "press", log, ruin=lambda n: psycopg.errors.DeadlockDetected() if n <= QUICK_TRIES + 1 else None)
    async with working(lane):
        lane.put(job)
    assert (job.tries, job.farewells) == (QUICK_TRIES + 2, 0)
    assert log == await notes(conn) == ["press"]


async def test_message_at_fault_is_given_up_and_leaves_nothing_of_its_tries(dsn: str, conn: Connection) -> None:
    log: list[str] = []
    lane = UrgentLane(dsn, 1)
    bad = Note("w1", "bad", log, ruin=lambda _: ValueError("too many words"))
    async with working(lane):
        lane.put(bad)
        lane.put(Note("w1", "good", log))
    assert (bad.tries, bad.farewells) == (QUICK_TRIES, 1)
    assert log == ["bad", "good"]
    assert await notes(conn) == ["bad unread", "good"]


async def test_press_that_cannot_even_be_given_up_stays_first_in_its_line(
    dsn: str, conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(urgent_lane, "LONGEST_PAUSE_S", 0.05)
    log: list[str] = []
    lane = UrgentLane(dsn, 1)
    bad = Note(
        "w1", "bad", log, ruin=lambda _: ValueError("bad"), keep=lambda n: ValueError("worse") if n == 1 else None
    )
    async with working(lane):
        lane.put(bad)
        lane.put(Note("w1", "behind it", log))
        lane.put(Note("w2", "other", log))
    assert log == ["other", "bad", "behind it"]
    assert (bad.tries, bad.farewells) == (2 * QUICK_TRIES, 2)
    assert await notes(conn) == ["bad unread", "behind it", "other"]


async def test_connection_the_server_ended_is_replaced(dsn: str, conn: Connection) -> None:
    async with Steady(dsn, "carehub test") as steady:
        first = await steady.get()
        assert await steady.get() is first
        await conn.execute("select pg_terminate_backend(%s)", (first.info.backend_pid,))
        with pytest.raises(psycopg.OperationalError):
            await first.execute("select 1")
        second = await steady.get()
        assert await (await second.execute("select 1")).fetchone() == (1,)
    assert not steady.up
    assert second.closed


async def together(conn: Connection, jobs: Sequence[Note]) -> None:
    for job in jobs:
        await job.run(conn)


async def transactions(conn: Connection) -> dict[str, str]:
    """Note -> the transaction that wrote it."""
    return dict(await (await conn.execute("select name, xmin::text from duty_log")).fetchall())


async def test_first_press_of_a_burst_goes_alone_and_those_behind_it_go_together(dsn: str, conn: Connection) -> None:
    lane, gate, log = UrgentLane(dsn, 1, together), asyncio.Event(), list[str]()
    notes_ = [Note(f"button {n}", f"press {n}", log, gate=gate if n == 0 else None) for n in range(100)]
    async with working(lane):
        lane.put(notes_[0])
        await notes_[0].begun.wait()
        for note in notes_[1:]:
            lane.put(note)
        gate.set()
        await lane.drained()
    wrote = await transactions(conn)
    sizes = Counter(wrote.values())
    assert sizes[wrote["press 0"]] == 1
    assert max(sizes.values()) == MOST_TOGETHER
    assert log == [f"press {n}" for n in range(100)]


async def test_cases_are_looked_up_by_index_however_small_the_tables_were(dsn: str, conn: Connection) -> None:
    async with await connect(tuned(dsn)) as tuned_conn:
        for name, value in (("enable_seqscan", "off"), ("plan_cache_mode", "force_generic_plan")):
            assert await (await tuned_conn.execute(f"show {name}".encode())).fetchone() == (value,)


async def test_few_waiting_presses_have_a_transaction_each(dsn: str, conn: Connection) -> None:
    """As long as there are workers for them, nobody shares: together is slower for each."""
    lane, log = UrgentLane(dsn, 4, together), list[str]()
    for n in range(4):
        lane.put(Note(f"button {n}", f"press {n}", log))
    async with working(lane):
        await lane.drained()
    assert len(set((await transactions(conn)).values())) == 4


async def test_press_at_fault_harms_nobody_it_shared_a_transaction_with(dsn: str, conn: Connection) -> None:
    lane, log = UrgentLane(dsn, 1, together), list[str]()
    broken = Note("button 3", "broken", log, ruin=lambda _: ValueError("unreadable"))
    notes_ = [broken if n == 3 else Note(f"button {n}", f"press {n}", log) for n in range(8)]
    for note in notes_:
        lane.put(note)
    async with working(lane):
        await lane.drained()
    assert set(await notes(conn)) == {note.name for note in notes_ if note is not broken} | {"broken unread"}
    assert broken.farewells == 1


async def test_job_that_needs_a_transaction_of_its_own_has_one(dsn: str, conn: Connection) -> None:
    lane, log = UrgentLane(dsn, 1, together), list[str]()
    for n in range(9):
        lane.put(Note(f"button {n}", f"press {n}", log, alone=n == 4))
    async with working(lane):
        await lane.drained()
    wrote = await transactions(conn)
    assert list(wrote.values()).count(wrote["press 4"]) == 1
