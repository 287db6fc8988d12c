"""The canary's browser at a real console."""

import asyncio

import pytest

from hub.loops.canary_ways import ConsoleWay, LostError
from tests.integration.web.conftest import Served
from tests.integration.web.test_watch import canary
from tests.integration.web.world import PASSWORD, World
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.anyio


async def test_open_case_of_a_lost_round_is_closed_before_the_next(console: Served, world: World) -> None:
    incident = await asyncio.to_thread(canary, world)
    async with asyncio.timeout(PATIENCE_S), ConsoleWay(console.url, "canary", PASSWORD) as way:
        await way.ready()
    assert world.sql("select state, disposition from incident where id = %(i)s", i=incident) == [("closed", "test")]


async def test_case_that_opens_is_named_by_the_stream_and_closed(console: Served, world: World) -> None:
    await asyncio.to_thread(canary, world)
    async with asyncio.timeout(PATIENCE_S), ConsoleWay(console.url, "canary", PASSWORD) as way:
        await way.ready()
        incident = await asyncio.to_thread(world.alert, "canary", area="~canary")
        await way.shown(incident)
        await way.close(incident)
    assert world.sql("select state from incident where id = %(i)s", i=incident) == [("closed",)]


async def test_sign_in_that_was_cut_off_is_made_again(console: Served, world: World) -> None:
    incident = await asyncio.to_thread(canary, world)
    async with asyncio.timeout(PATIENCE_S), ConsoleWay(console.url, "canary", PASSWORD) as way:
        await way._sign_in()
        way._token = ""  # the stage's limit came between the cookie and the form's token
        await way.ready()
    assert world.sql("select state from incident where id = %(i)s", i=incident) == [("closed",)]


async def test_session_that_ended_is_begun_again(console: Served, world: World) -> None:
    async with asyncio.timeout(PATIENCE_S), ConsoleWay(console.url, "canary", PASSWORD) as way:
        await asyncio.to_thread(canary, world)
        await way.ready()
        world.sql("update web_session set expires_at = hub_now() - interval '1 second'")
        await way.ready()


async def test_account_that_is_refused_is_said(console: Served, world: World) -> None:
    async with asyncio.timeout(PATIENCE_S), ConsoleWay(console.url, "nobody", PASSWORD) as way:
        with pytest.raises(LostError, match="sign_in_answers 401"):
            await way.ready()
