"""Loops that work in turns: one at a time, again after a fault of ours, and after a database that was away."""

import asyncio

import pytest

from hub.loops import turns
from hub.store.pool import Connection, connect
from tests.integration.loops.waiting import until

LOCK = 0x7E57


class Worker:
    """Counts its turns; fails in those it is told to."""

    def __init__(self, *fails: int) -> None:
        self.turns, self.forgotten, self.fails = 0, 0, fails

    async def once(self, conn: Connection) -> bool:
        await conn.execute("select 1")
        self.turns += 1
        if self.turns in self.fails:
            raise ValueError("a fault of ours")
        return False

    def forget(self) -> None:
        self.forgotten += 1

    def start(self, dsn: str) -> asyncio.Task[None]:
        async def alone(conn: Connection) -> bool:
            row = await (await conn.execute("select pg_try_advisory_lock(%s)", (LOCK,))).fetchone()
            return bool(row and row[0])

        return asyncio.create_task(
            turns.take_turns(dsn, "test", self.once, every_s=0.02, alone=alone, forget=self.forget)
        )


async def ended(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_fault_of_ours_is_forgotten_and_the_next_turn_comes(dsn: str) -> None:
    worker = Worker(2)
    task = worker.start(dsn)
    await until(lambda: worker.turns >= 4)
    await ended(task)
    assert worker.forgotten == 1


async def test_second_waits_until_the_first_is_gone(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "STANDBY_S", 0.02)
    first, second = Worker(), Worker()
    one = first.start(dsn)
    await until(lambda: first.turns >= 1)
    two = second.start(dsn)
    await until(lambda: second.forgotten >= 2)
    assert second.turns == 0
    await ended(one)
    await until(lambda: second.turns >= 1)
    await ended(two)


async def test_session_that_is_ended_is_replaced_and_asks_for_the_lock_again(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "STANDBY_S", 0.02)
    worker = Worker()
    task = worker.start(dsn)
    await until(lambda: worker.turns >= 1)
    async with await connect(dsn) as conn:
        await conn.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'carehub test'"
        )
        before = worker.turns
        await until(lambda: worker.turns >= before + 3)
        held = await (
            await conn.execute("select count(*) from pg_locks where locktype = 'advisory' and objid = %s", (LOCK,))
        ).fetchone()
    await ended(task)
    assert held == (1,)
    assert worker.forgotten == 0, "an ended session is the database's doing: what is known stays good"
