"""Notifications and the clock: both only hints, and both would fail without a word."""

import pytest

from hub.loops.echo import UNHEARD_MOST, Echo
from hub.store.pool import connect
from tests.integration.incidents.world import World

pytestmark = pytest.mark.anyio


async def test_echo_comes_back(world: World) -> None:
    await world.start_clock()
    echo = Echo(dsn=world.dsn)
    async with await connect(world.dsn) as conn:
        await conn.execute("listen carehub_echo")
        for _ in range(UNHEARD_MOST):
            await echo.look(conn)
    assert echo.findings() == []
    assert echo.says() == "heard"


async def test_session_that_hears_nothing_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.start_clock()
    monkeypatch.setattr("hub.loops.echo.ECHO_LIMIT_S", 0.05)
    echo = Echo(dsn=world.dsn)
    async with await connect(world.dsn) as conn:  # it does not listen: a pooler gives every statement another session
        for _ in range(UNHEARD_MOST):
            await echo.look(conn)
    assert [finding.rule for finding in echo.findings()] == ["notify_broken"]


@pytest.mark.parametrize("seconds", [40, -40])
async def test_clock_that_jumps_is_found(world: World, seconds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.start_clock()
    echo = Echo(dsn=world.dsn)
    async with await connect(world.dsn) as conn:
        await conn.execute("listen carehub_echo")
        await echo.look(conn)
        await echo.look(conn)
        assert echo.findings() == []
        await world.conn.execute("insert into clock (ahead) values (make_interval(secs => %s))", (seconds,))
        await echo.look(conn)
        [finding] = echo.findings()
        assert (finding.rule, finding.detail) == ("clock_jumped", f"by {seconds:+d} s")
        monkeypatch.setattr("hub.loops.echo.JUMP_SHOWN_S", 0.0)
        assert echo.findings() == []
