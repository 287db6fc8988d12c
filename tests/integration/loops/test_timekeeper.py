"""The clock is set back or forward under a hub at work. The clock of the tests runs, and may be ahead or behind."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from alerts import events
from alerts.model import Role
from hub import chain
from hub.loops.auditor import Auditor
from hub.loops.chains import Chains
from hub.loops.timekeeper import JUMP, Timekeeper
from tests.integration.incidents.world import World
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.anyio
HOUR_S = 3600.0
BLUR = timedelta(seconds=5)  # between two looks of a test on a busy machine


@pytest.fixture
async def running(world: World) -> World:
    """The neighbourhood with a clock that runs."""
    await world.conn.execute("update clock set at = null")
    return world


async def looks(keeper: Timekeeper, world: World) -> None:
    """Look until the two clocks could be read together: a busy machine may take its time to answer."""
    async with asyncio.timeout(PATIENCE_S):
        while not await keeper.look(world.conn):
            pass


async def set_clock(world: World, ahead_s: float) -> None:
    await world.conn.execute("update clock set ahead = %s", (timedelta(seconds=ahead_s),))


async def waits(world: World, incident: int) -> timedelta:
    """How long until the timer fires."""
    left: timedelta = await world.value("select due_at - hub_now() from timer where incident_id = %s", incident)
    return left


async def tells_all(world: World, incident: int) -> Any:
    entries = await world.chain(incident)
    chain.verify(incident, entries)
    due_at: datetime = await world.value("select due_at from timer where incident_id = %s", incident)
    folded = chain.fold(entries)
    assert folded.timer is not None
    assert folded.timer["due_at"] == chain.plain(due_at)
    return folded


@pytest.mark.parametrize("back_s", [1.0, 20.0, HOUR_S, 40 * 24 * HOUR_S])
async def test_timer_is_not_late_by_as_much_as_the_clock_went_back(running: World, back_s: float) -> None:
    keeper = Timekeeper(dsn=running.dsn)
    await looks(keeper, running)
    incident = await running.press()
    await looks(keeper, running)
    before = await waits(running, incident)
    await set_clock(running, -back_s)
    await looks(keeper, running)
    assert before - BLUR < await waits(running, incident) <= before
    assert keeper.shifted == 1
    await tells_all(running, incident)


async def test_everything_else_that_waits_comes_forward_too(running: World) -> None:
    keeper = Timekeeper(dsn=running.dsn)
    incident = await running.press()
    await running.at_console("operator")
    await running.advance(incident, events.Taken(person_id=running.names["daughter"], role=Role.FAMILY))
    await looks(keeper, running)
    await set_clock(running, -HOUR_S)
    await looks(keeper, running)
    assert await running.value("select max(due_at) < hub_now() + '1 min' from page where state = 'ready'")
    assert await running.value("select expires_at < hub_now() + '5 min' from incident where id = %s", incident)
    assert await running.value("select max(seen_at) <= hub_now() from presence")
    assert await running.value("select count(*) from clock_jump where done_at is null") == 0


async def test_ladder_of_channels_keeps_its_pace(running: World) -> None:
    await looks(Timekeeper(dsn=running.dsn), running)
    incident = await running.press()
    await set_clock(running, -HOUR_S)
    await looks(Timekeeper(dsn=running.dsn), running)
    mqtt = await running.value(
        "select due_at - hub_now() from page where incident_id = %s and channel = 'mqtt'", incident
    )
    assert timedelta(seconds=10) - BLUR < mqtt <= timedelta(seconds=10)


async def test_page_under_way_is_neither_forgotten_nor_sent_twice_at_once(running: World) -> None:
    await looks(Timekeeper(dsn=running.dsn), running)
    await running.press()
    await running.conn.execute("update page set state = 'sending', lease_until = hub_now() + '30 s', owner = 1")
    await set_clock(running, -HOUR_S)
    await looks(Timekeeper(dsn=running.dsn), running)
    left = await running.value("select max(lease_until) - hub_now() from page")
    assert timedelta(seconds=30) - BLUR < left <= timedelta(seconds=30)


async def test_what_was_set_after_the_jump_is_left_alone(running: World) -> None:
    keeper = Timekeeper(dsn=running.dsn)
    await looks(keeper, running)
    await set_clock(running, -HOUR_S)
    incident = await running.press()
    before = await waits(running, incident)
    await looks(keeper, running)
    assert before - BLUR < await waits(running, incident) <= before
    assert keeper.shifted == 0


async def test_press_in_the_moment_before_anybody_notices_leaves_no_timer_late(running: World) -> None:
    """Her second press joins the case and the step keeps its time: that wait is still the one from before the jump."""
    keeper = Timekeeper(dsn=running.dsn)
    incident = await running.press()
    await looks(keeper, running)
    before = await waits(running, incident)
    await set_clock(running, -HOUR_S)
    await running.press()
    assert await running.value("select round from timer where incident_id = %s", incident) == 1
    await looks(keeper, running)
    assert before - BLUR < await waits(running, incident) <= before
    await tells_all(running, incident)


async def test_clock_set_forward_fires_early_and_is_written_down(running: World) -> None:
    keeper = Timekeeper(dsn=running.dsn)
    await looks(keeper, running)
    incident = await running.press()
    await set_clock(running, HOUR_S)
    await looks(keeper, running)
    await running.fire()
    assert (await running.incident(incident)).step == 1
    assert await running.value("select back < '-59 min' and done_at is not null and shifted = 0 from clock_jump")


async def test_forward_by_mistake_and_back_again_leaves_nothing_behind(running: World) -> None:
    keeper = Timekeeper(dsn=running.dsn)
    await looks(keeper, running)
    await set_clock(running, HOUR_S)
    await looks(keeper, running)
    incident = await running.press()
    before = await waits(running, incident)
    await set_clock(running, 0)
    await looks(keeper, running)
    assert before - BLUR < await waits(running, incident) <= before


async def test_jump_that_nobody_saw_shows_on_the_timer(running: World) -> None:
    """Everything was down while the clock was set: a timer that was set in the future waits as it had to."""
    await set_clock(running, HOUR_S)
    incident = await running.press()
    await set_clock(running, 0)
    await looks(Timekeeper(dsn=running.dsn, machine="another"), running)
    left = await waits(running, incident)
    assert timedelta(seconds=30) - BLUR < left <= timedelta(seconds=30)
    await tells_all(running, incident)


async def test_several_keepers_put_one_jump_right_once(running: World) -> None:
    """Each machine holds the hub's clock against its own, and each notices."""
    keepers = [Timekeeper(dsn=running.dsn, machine=name) for name in ("east", "west")]
    for keeper in keepers:
        await looks(keeper, running)
    incident = await running.press()
    before = await waits(running, incident)
    await set_clock(running, -HOUR_S)
    for keeper in (*keepers, *keepers):
        await looks(keeper, running)
    assert before - BLUR < await waits(running, incident) <= before
    assert sum(keeper.shifted for keeper in keepers) == 1


async def test_keeper_that_dies_half_way_is_followed_by_another(running: World) -> None:
    keeper = Timekeeper(dsn=running.dsn)
    await looks(keeper, running)
    first = await running.press()
    device = await running.value("insert into device (address, created_at) values ('x:1', hub_now()) returning id")
    second = (await running.raised(resident_id=None, device_id=device)).incident_id or 0
    await set_clock(running, -HOUR_S)
    async with running.conn.transaction():
        await running.conn.execute("select from incident where id = %s for update", (second,))
        await keeper._notice(running.conn)
    await keeper._forward(running.conn, first, None)
    await looks(Timekeeper(dsn=running.dsn), running)
    for incident in (first, second):
        assert await waits(running, incident) <= timedelta(seconds=30)
        assert [e.what for e in await running.chain(incident)].count("clock_shifted") == 1


async def test_trimmed_clock_and_a_held_up_process_are_no_jump(running: World) -> None:
    """A process that was frozen between its two readings knows nothing; neither does one whose clock is trimmed."""
    await looks(Timekeeper(dsn=running.dsn), running)
    incident = await running.press()
    await set_clock(running, -0.3)
    await looks(Timekeeper(dsn=running.dsn), running)
    frozen = iter((0.0, 30.0))
    held_up = Timekeeper(dsn=running.dsn, monotonic=lambda: next(frozen))
    await held_up.look(running.conn)
    assert await running.value("select count(*) from clock_jump") == 0
    assert (await tells_all(running, incident)).state["version"] == 0
    assert timedelta(seconds=0.3) < JUMP


async def test_case_that_cannot_be_written_does_not_hold_up_the_rest(running: World) -> None:
    keeper = Timekeeper(dsn=running.dsn)
    await looks(keeper, running)
    broken = await running.press()
    device = await running.value("insert into device (address, created_at) values ('x:1', hub_now()) returning id")
    sound = (await running.raised(resident_id=None, device_id=device)).incident_id or 0
    await running.conn.execute("update incident set policy_name = 'lost' where id = %s", (broken,))
    await set_clock(running, -HOUR_S)
    await looks(keeper, running)
    assert await waits(running, sound) <= timedelta(seconds=30)
    assert keeper.stuck == {broken}


async def test_auditor_finds_chains_and_tables_of_one_mind_after_a_jump(running: World) -> None:
    keeper = Timekeeper(dsn=running.dsn)
    await looks(keeper, running)
    await running.press()
    await set_clock(running, -HOUR_S)
    await looks(keeper, running)
    rules = {finding.rule for finding in await Auditor(dsn=running.dsn).look(running.conn)}
    assert "broken_chain" not in rules


async def test_chains_that_grow_after_the_clock_went_back_are_looked_through_at_once(running: World) -> None:
    chains = Chains()
    now = await running.now()
    await chains.check(running.conn, now)
    await set_clock(running, -HOUR_S)
    incident = await running.press()
    await running.conn.execute("update incident_event set body = '{}' where incident_id = %s", (incident,))
    chains.round_at = incident  # the slow round would find it by itself
    assert await chains.check(running.conn, await running.now())


async def test_standing_clock_is_nobodys_jump(world: World) -> None:
    keeper = Timekeeper(dsn=world.dsn)
    await keeper.look(world.conn)
    await world.forward(7200)
    await keeper.look(world.conn)
    assert await world.value("select count(*) from clock_jump") == 0
