"""The demo's verdict: silent about a call that ended well, and loud about each single way of losing one."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from hub import chain
from hub.demo import timelines, verdict
from hub.store import presses
from tests.integration.incidents.world import World, open_world

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(anyio_backend: str, dsn: str) -> AsyncIterator[World]:
    async with open_world(dsn) as world:
        yield world


async def answered(world: World) -> int:
    """A press whose page arrived at the operator's console."""
    incident = await world.press()
    press = presses.Kept(
        device_id=world.device, identity="press-1", kind="sos", incident_id=incident, at=await world.now()
    )
    await presses.keep_all(world.conn, [press])
    await world.conn.execute(
        "update page set state = case when channel = 'console' then 'delivered' else 'withdrawn' end,"
        " delivered_at = case when channel = 'console' then hub_now() end"
    )
    return incident


async def end(world: World, incident: int, state: str = "closed", disposition: str | None = "found_well") -> None:
    async with world.conn.transaction():
        await world.conn.execute("delete from timer where incident_id = %s", (incident,))
        await world.conn.execute(
            "update incident set state = %s, closed_at = hub_now(), disposition = %s, dedup_key = null where id = %s",
            (state, disposition, incident),
        )


@pytest.fixture
async def well(world: World) -> int:
    """A press that was answered, and that the operator closed."""
    incident = await answered(world)
    await last_word(world, incident, f"person:{world.names['operator']}")
    await end(world, incident)
    return incident


async def last_word(world: World, incident: int, actor: str, what: str = "closed") -> None:
    """Write the end of a chain as the hub writes it."""
    before = (await world.chain(incident))[-1]
    entry = chain.link(before.hash, seq=before.seq + 1, at=await world.now(), actor=actor, what=what, body={})
    await world.conn.execute(
        "insert into incident_event (incident_id, seq, at, actor, what, body, prev_hash, hash)"
        " values (%s, %s, %s, %s, %s, '{}', %s, %s)",
        (incident, entry.seq, entry.at, actor, what, entry.prev_hash, entry.hash),
    )


async def press_of(world: World, **changes: Any) -> dict[str, Any]:
    """What the simulator reports of the one press there was."""
    identity, at = (await world.rows("select identity, at from press"))[0]
    moment: datetime = at
    return {
        "device": "carehub:w-1", "what": "sos", "identity": identity, "pressed_at": moment.isoformat(),
        "saved_at": moment.isoformat(), "expects": "incident", **changes,
    }  # fmt: skip


async def said(world: World, *reported: dict[str, Any]) -> list[str]:
    return await verdict(world.conn, {"faults": [], "presses": list(reported)})


async def test_call_that_ended_well_gives_nothing_to_say(world: World, well: int) -> None:
    assert await said(world, await press_of(world)) == []
    assert f"incident {well}" in await timelines(world.conn)


@pytest.mark.parametrize("state", ["open", "confirming", "taken", "dispatched", "on_scene", "held", "resolved"])
async def test_case_that_nobody_ended_is_told_whatever_its_state(world: World, state: str) -> None:
    incident = await answered(world)
    await world.conn.execute("update incident set state = %s", (state,))
    assert await said(world) == [f"incident {incident}: is still {state}"]


async def test_case_closed_by_the_machine_is_no_good_ending(world: World, well: int) -> None:
    await last_word(world, well, "timer")
    assert await said(world) == [f"incident {well}: closed by timer, not by a person"]


async def test_case_closed_without_a_word_in_its_chain_was_closed_by_nobody(world: World, well: int) -> None:
    await world.conn.execute("delete from incident_event where what = 'closed'")
    assert await said(world) == [f"incident {well}: closed by nobody, not by a person"]


async def test_call_that_reached_nobody_is_told_though_it_was_closed(world: World, well: int) -> None:
    await world.conn.execute("update page set state = 'failed'")
    pages = len(await world.pages(well))
    assert await said(world) == [f"incident {well}: none of its {pages} pages was delivered"]


async def test_word_that_nobody_need_come_is_no_call_that_arrived(world: World, well: int) -> None:
    await world.conn.execute("update page set purpose = 'stand_down' where channel = 'console'")
    assert any("pages was delivered" in problem for problem in await said(world))


@pytest.mark.parametrize("state", ["ready", "sending"])
async def test_page_left_lying_is_told(world: World, well: int, state: str) -> None:
    left = (await world.pages(well, "daughter"))[0]["id"]
    await world.conn.execute("update page set state = %s where id = %s", (state, left))
    assert await said(world) == [f"incident {well}: page {left} is still {state}"]


async def test_cancelled_by_the_wearer_needs_no_page(world: World) -> None:
    incident = await world.press()
    await last_word(world, incident, "wearer", "cancelled")
    await world.conn.execute("update page set state = 'withdrawn'")
    await end(world, incident, "cancelled", None)
    assert await said(world) == []


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        ("update incident_event set body = body || '{\"presses\": 9}' where seq = 1", "event 1: was changed"),
        ("delete from incident_event where seq = 2", "event 3: comes after 1"),
        ("update incident_event set prev_hash = hash where seq = 2", "event 2: does not follow"),
    ],
)
async def test_chain_that_was_touched_is_told(world: World, well: int, harm: str, why: str) -> None:
    await world.conn.execute(harm.encode())
    problems = await said(world)
    assert len(problems) == 1
    assert f"incident {well}, {why}" in problems[0]


async def test_acknowledged_press_without_an_incident_is_lost(world: World, well: int) -> None:
    problems = await said(world, await press_of(world, identity="press-unheard"))
    assert problems == ["sos of carehub:w-1 at 04:00:00: acknowledged, and has 0 incidents"]


async def test_press_of_another_watch_is_no_excuse(world: World, well: int) -> None:
    assert "has 0 incidents" in (await said(world, await press_of(world, device="carehub:w-2")))[0]


async def test_press_without_identity_is_looked_for_only_around_its_moment(world: World, well: int) -> None:
    now = await world.now()
    assert await said(world, await press_of(world, identity=None)) == []
    for apart in (timedelta(minutes=-5), timedelta(minutes=5)):
        moment = (now + apart).isoformat()
        lost = await press_of(world, identity=None, pressed_at=moment, saved_at=moment)
        assert "has 0 incidents" in (await said(world, lost))[0]


async def test_press_without_identity_that_opened_two_cases_is_told(world: World, well: int) -> None:
    await world.press()
    problems = await said(world, await press_of(world, identity=None))
    assert "sos of carehub:w-1 at 04:00:00: acknowledged, and has 2 incidents" in problems


async def test_case_of_an_earlier_play_is_not_this_plays_loss(world: World, well: int) -> None:
    await world.conn.execute("update page set state = 'failed'")
    await world.conn.execute("update policy_version set active_from = active_from + interval '1 hour'")
    assert await said(world) == []


async def test_many_presses_and_not_one_case_is_told_once_for_all(world: World) -> None:
    lost = {
        "device": "carehub:w-1", "what": "sos", "identity": None, "saved_at": None, "expects": "incident",
        "pressed_at": (await world.now()).isoformat(),
    }  # fmt: skip
    assert await said(world, lost, lost) == ["people pressed, and no incident was opened"]
    assert await timelines(world.conn) == "no incident was opened"
