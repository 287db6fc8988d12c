"""What an organisation's people may see holds when a request is cancelled, and on the line of what changes."""

import asyncio

import httpx
import pytest

from hub.store.pool import Connection, open_pool
from hub.web import bounds, live
from hub.web.auth import Seat
from tests.integration.web.conftest import Served
from tests.integration.web.test_scope import EAST, organisation, own, two
from tests.integration.web.world import World

__all__ = ["own", "two"]
SLOW = b"select pg_sleep(30); " + bounds.TAKE_OFF


@pytest.mark.anyio
async def test_bounds_that_do_not_come_off_go_with_their_connection(
    two: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cancelled in the very moment: the next who borrows it would see a part of the cases, and not know it."""
    begun = asyncio.Event()

    async def look(conn: Connection) -> None:
        async with bounds.acting(conn, organisation(two, "own"), two.people["own"]):
            begun.set()

    async with open_pool(two.dsn, name="cancelled", largest=1) as pool:

        async def request() -> None:
            async with pool.connection() as conn:
                await look(conn)

        monkeypatch.setattr(bounds, "TAKE_OFF", SLOW)
        task = asyncio.create_task(request())
        await begun.wait()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        monkeypatch.undo()
        async with pool.connection() as conn:
            row = await (await conn.execute(b"select current_user = session_user, count(*) from resident")).fetchone()
        assert row == (True, 5)


def test_dispatchers_line_names_no_case_of_others(own: httpx.Client, console: Served, two: World) -> None:
    other = two.alert("watch-far", area=EAST)
    with own.stream("GET", "/stream") as line:
        said = ""
        two.sql("select pg_notify('carehub_incident', %(i)s::text)", i=other)
        for part in line.iter_text():
            said += part
            if ("hub:changed" in said and said.endswith("\n\n")) or said.count("hub:beat") > 5:
                break
    assert f'"incidents":[{other}]' not in said
    assert '"incidents":[0]' in said, "that something changed, and he looks what he may see"


@pytest.mark.anyio
async def test_one_person_takes_no_more_lines_than_are_hers(world: World) -> None:
    seat = Seat(person_id=world.people["li"], name="", role="operator", language="zh-CN", csrf="", token_sha256=b"1")
    async with open_pool(world.dsn, name="lines") as pool, live.Live(world.dsn, pool) as fan:
        opened = [await fan.open(seat) for _ in range(live.STREAMS_EACH + 3)]
        assert [one.closed for one in opened if one] == [True] * 3 + [False] * live.STREAMS_EACH
