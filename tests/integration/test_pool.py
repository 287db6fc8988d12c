"""The pool: whoever hangs in the middle of a change holds nobody up for long."""

import asyncio

import psycopg
import pytest

from hub.store import pool
from hub.store.pool import connect, open_pool
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.anyio


async def test_process_that_hangs_in_the_middle_of_a_change_lets_the_case_go(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "STANDSTILL_S", 0.2)
    async with open_pool(dsn) as people, await connect(dsn) as press, asyncio.timeout(PATIENCE_S):
        await press.execute("insert into heartbeat values ('case', hub_now())")
        async with people.connection() as frozen:
            await frozen.execute("begin")
            await frozen.execute("select from heartbeat for update")  # and says nothing more
            held = await press.execute("select role from heartbeat for update")
            assert await held.fetchall() == [("case",)]
            with pytest.raises(psycopg.Error):  # he is told that it was not done, and does it again
                await frozen.execute("commit")
        async with people.connection() as again:
            assert await (await again.execute("select role from heartbeat for update")).fetchall() == [("case",)]


async def test_options_of_the_address_are_kept(dsn: str) -> None:
    with_options = psycopg.conninfo.make_conninfo(dsn, options="-c application_name=x -c work_mem=5MB")
    async with open_pool(with_options) as people, people.connection() as conn:
        rows = [await (await conn.execute(f"show {name}".encode())).fetchone()
                for name in ("work_mem", "idle_in_transaction_session_timeout")]  # fmt: skip
    assert rows == [("5MB",), ("5s",)]
