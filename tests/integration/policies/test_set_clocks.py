"""Policies when the hub's clock was wrong: the one published last is in force, whatever it said then."""

import pytest

from hub import policies
from hub.policies import Publisher
from hub.store import policies as store
from tests.integration.incidents.world import POLICY, World

pytestmark = pytest.mark.anyio

HOUR_S = 3600.0
MA = Publisher(name="Ma", person_id=None)


async def of_next_press(world: World) -> str:
    return (await world.incident(await world.press())).policy.name


async def test_clock_set_back_leaves_the_policy_in_force(world: World) -> None:
    """Else the press runs by the standard policy, whose people need not be there."""
    await world.forward(-HOUR_S)
    assert await of_next_press(world) == "call"
    assert await world.value("select count(*) from policy_version") == 1


async def test_policy_published_after_the_clock_was_put_right_stays_in_force(world: World) -> None:
    """The older one was published by a clock that was ahead: it must not come back when that time is reached."""
    await world.forward(-HOUR_S)
    fresh = await policies.publish(world.conn, POLICY.replace('"call"', '"call anew"'), MA, comment="new", force=True)
    await world.forward(2 * HOUR_S)
    assert await of_next_press(world) == "call anew"
    assert await store.active(world.conn) == fresh
    newest, older = await store.history(world.conn)
    assert ((newest.version, newest.active), older.active) == ((fresh, True), False)
    before = await store.before(world.conn, fresh)
    assert before is not None
    assert before[0] == older.version
