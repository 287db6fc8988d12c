"""Timers fire once, on time, each on its own."""

import asyncio

import psycopg
import pytest

from alerts import events
from alerts.events import Refused
from alerts.model import Role
from hub import incidents
from hub.loops.bell import Bell
from hub.loops.escalator import Escalator, fire
from hub.store.pool import connect
from tests.integration.incidents.world import World

pytestmark = pytest.mark.anyio


async def open_cases(world: World, number: int) -> list[int]:
    """Cases of as many unknown devices."""
    cases = []
    for index in range(number):
        device = await world.value(
            "insert into device (address, created_at) values (%s, hub_now()) returning id", f"carehub:x-{index}"
        )
        raised = await world.raised(resident_id=None, device_id=device)
        cases.append(raised.incident_id or 0)
    return cases


async def test_two_escalators_never_fire_a_timer_twice(world: World) -> None:
    cases = await open_cases(world, 12)
    await world.forward(30)
    both = [Escalator(pool=world.pool, bell=asyncio.Event()) for _ in range(3)]
    await asyncio.gather(*(escalator.once() for escalator in both))
    await asyncio.gather(*(escalator.once() for escalator in both))
    assert sum(escalator.fired for escalator in both) == len(cases)
    assert await world.rows("select distinct step, round from incident") == [(1, 0)]


async def test_timer_moved_away_meanwhile_does_not_fire(world: World) -> None:
    incident = await world.press()
    await world.forward(30)
    await world.advance(incident, events.Taken(person_id=world.names["operator"], role=Role.OPERATOR))
    assert not await fire(world.conn, incident)


async def test_incident_in_other_hands_is_left_alone(world: World) -> None:
    incident = await world.press()
    await world.forward(30)
    async with await connect(world.dsn) as busy, busy.transaction():
        await busy.execute("select from incident where id = %s for update", (incident,))
        assert not await fire(world.conn, incident)
    assert await fire(world.conn, incident)


async def test_broken_case_waits_alone_and_is_tried_again(world: World) -> None:
    broken, sound = await open_cases(world, 2)
    # A policy name that its version does not have: advancing fails, whatever is tried.
    await world.conn.execute("update incident set policy_name = 'lost' where id = %s", (broken,))
    await world.forward(30)
    escalator = await world.fire()
    assert escalator.penalties[broken].failures >= 1  # a slow machine has tried it again by now
    assert await world.value("select step from incident where id = %s", sound) == 1
    await world.conn.execute("update incident set policy_name = 'call' where id = %s", (broken,))
    escalator.penalties[broken].until = 0
    await escalator.once()
    assert await world.value("select step from incident where id = %s", broken) == 1
    assert escalator.penalties == {}


async def test_case_that_always_deadlocks_does_not_hold_up_the_rest(world: World) -> None:
    """To the driver a deadlock looks like a database that is away: but it is one case's trouble."""
    broken, *sound = await open_cases(world, 6)
    await world.conn.execute(
        "create function unlucky() returns trigger language plpgsql as"
        " $$ begin raise exception 'deadlock detected' using errcode = '40P01'; end $$"
    )
    await world.conn.execute(
        f"create trigger unlucky before update on incident for each row when (new.id = {broken})"
        " execute function unlucky()".encode()
    )
    await world.forward(30)
    escalator = await world.fire()
    assert escalator.penalties[broken].failures >= 1  # a slow machine has tried it again by now
    assert {(await world.incident(each)).step for each in sound} == {1}


async def test_case_too_long_for_the_database_silences_no_other(world: World) -> None:
    broken, sound = await open_cases(world, 2)
    await world.conn.execute(
        "create function too_long() returns trigger language plpgsql as"
        " $$ begin raise exception 'statement too complex' using errcode = '54001'; end $$"
    )
    await world.conn.execute(
        f"create trigger too_long before update on incident for each row when (new.id = {broken})"
        " execute function too_long()".encode()
    )
    await world.forward(30)
    escalator = await world.fire()
    assert escalator.penalties[broken].failures >= 1  # a slow machine has tried it again by now
    assert await world.value("select step from incident where id = %s", sound) == 1


async def test_escalator_wakes_by_the_bell_and_fires_on_time(world: World) -> None:
    await world.start_clock()
    bell = Bell(world.dsn, ("carehub_incident",))
    escalator = Escalator(pool=world.pool, bell=bell.subscribe())
    tasks = [asyncio.create_task(bell.run()), asyncio.create_task(escalator.run())]
    try:
        incident = (await world.raised(raised_at=await world.now())).incident_id or 0
        await world.conn.execute("update timer set due_at = hub_now() + interval '0.3 s'")
        due_at = await world.value("select due_at from timer")
        await world.conn.execute("select pg_notify('carehub_incident', '0')")
        fired_at = await world.until(
            "select max(at) from incident_event where incident_id = %s and actor = 'timer'", incident
        )
        assert 0 <= (fired_at - due_at).total_seconds() < 0.25
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_escalator_survives_a_lost_database_connection(world: World) -> None:
    escalator = Escalator(pool=world.pool, bell=asyncio.Event())
    task = asyncio.create_task(escalator.run())
    try:
        incident = await world.press()
        await world.conn.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        await world.forward(30)
        await world.until("select step > 0 from incident where id = %s", incident)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_presses_takes_and_timers_at_once_never_deadlock(world: World) -> None:
    """Everything that changes an incident at the same moment, from many connections, in the lock order of all."""
    await world.person("second operator", "operator", ("console", ""))
    for index in range(4):
        await world.person(f"cousin {index}", "family", ("webhook", "http://127.0.0.1:9/"), ("mqtt", f"t/{index}"))
    await world.press()
    operators = [world.names["operator"], world.names["second operator"]]
    faults: list[psycopg.Error] = []

    async def hammer(kind: int) -> None:
        async with await connect(world.dsn) as conn:
            for turn in range(25):
                try:
                    async with conn.transaction():
                        await act(conn, kind, turn)
                except Refused:
                    pass
                except psycopg.Error as err:
                    faults.append(err)

    async def act(conn: psycopg.AsyncConnection[tuple[object, ...]], kind: int, turn: int) -> None:
        if kind == 0:
            await incidents.raise_alert(conn, world.alert(raised_at=await world.now()))
        elif kind == 1:
            await conn.execute("update clock set at = at + interval '31 s'")
        elif kind == 2:
            await fire(conn, 1)
        else:
            who = operators[kind % 2]
            event = events.Released(by=who) if turn % 2 else events.Taken(person_id=who, role=Role.OPERATOR)
            await incidents.advance(conn, 1, event, f"person:{who}")

    async with world.dispatching(), world.dispatching():
        async with asyncio.timeout(60):
            await asyncio.gather(*(hammer(kind) for kind in (0, 0, 1, 2, 2, 3, 4)))
    assert faults == []
    entries = await world.chain(1)
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    assert await world.value("select count(*) from timer") == 1
