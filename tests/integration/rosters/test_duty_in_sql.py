"""The rule of duty stands twice, in SQL for the press and in Python for everything else: they must say the same."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from psycopg import sql

from alerts import duty
from alerts.duty import CheckIn, Lists, Override, Shift
from hub.store import people, rosters
from tests.integration.incidents.world import NOON, World

HOUR = timedelta(hours=1)
LISTS = ("", "社区", "物业")
SEEDS = range(40)


def some_time(chance: random.Random) -> datetime:
    return NOON + chance.randrange(-24, 24) * HOUR / 2


def some_lists(chance: random.Random, everybody: Sequence[int]) -> Lists:
    def stretch() -> dict[str, datetime]:
        start = some_time(chance)
        return {"start": start, "end": start + chance.randrange(1, 20) * HOUR / 2}

    def change(number: int) -> Override:
        off, on = chance.sample([*everybody, None], 2)
        return Override(number=number, roster=chance.choice(LISTS), off_id=off, on_id=on, **stretch())

    return Lists(
        shifts=tuple(
            Shift(person_id=chance.choice(everybody), roster=chance.choice(LISTS), **stretch())
            for _ in range(chance.randrange(12))
        ),
        overrides=tuple(change(number) for number in range(1, chance.randrange(1, 10))),
        check_ins=tuple(
            CheckIn(person_id=chance.choice(everybody), roster=chance.choice(LISTS), at=s["start"], until=s["end"])
            for s in (stretch() for _ in range(chance.randrange(4)))
        ),
    )


async def write(world: World, lists: Lists) -> None:
    await world.conn.execute("truncate shift, shift_override, check_in restart identity")
    await rosters.add_shifts(world.conn, lists.shifts)
    for o in lists.overrides:  # in order: numbers are given out one after the other
        await world.conn.execute(
            "insert into shift_override (roster, during, off_id, on_id, created_at)"
            " values (%s, tstzrange(%s, %s), %s, %s, hub_now())", (o.roster, o.start, o.end, o.off_id, o.on_id)
        )  # fmt: skip
    for c in lists.check_ins:
        await world.conn.execute(
            "insert into check_in (person_id, roster, at, until, via) values (%s, %s, %s, %s, 'phone')",
            (c.person_id, c.roster, c.at, c.until),
        )


async def in_sql(world: World, person_id: int, at: datetime) -> set[str]:
    query = sql.SQL("select roster from duties(%s, %s) where on_duty")
    return {row[0] for row in await (await world.conn.execute(query, (person_id, at))).fetchall()}


async def test_sql_and_python_say_the_same_of_everybody_at_any_time(world: World) -> None:
    everybody = [world.names["guard"], world.names["night guard"], world.names["operator"]]
    for seed in SEEDS:
        chance = random.Random(seed)
        lists = some_lists(chance, everybody)
        await write(world, lists)
        stored = await rosters.lists_of(world.conn, NOON - 48 * HOUR, NOON + 48 * HOUR)
        assert sorted(stored.shifts) == sorted(lists.shifts), f"seed {seed}"
        assert (stored.overrides, stored.check_ins) == (lists.overrides, lists.check_ins), f"seed {seed}"
        spans = duty.spans(lists, NOON - 30 * HOUR, NOON + 30 * HOUR)
        for at in [some_time(chance) for _ in range(8)]:
            for person_id in everybody:
                pure = {name for name in LISTS if duty.on_duty(lists, person_id, name, at)}
                assert await in_sql(world, person_id, at) == pure, f"seed {seed}, person {person_id}, {at}"
                assert {s.roster for s in spans if s.person_id == person_id and s.covers(at)} == pure


async def test_roster_of_another_time_is_what_the_press_will_read_then(world: World) -> None:
    guard, night = world.names["guard"], world.names["night guard"]
    await world.conn.execute("delete from shift where person_id = %s", (guard,))
    await rosters.add_shifts(world.conn, [
        Shift(start=NOON - HOUR, end=NOON + 8 * HOUR, person_id=guard, roster="物业"),
        Shift(start=NOON + 8 * HOUR, end=NOON + 20 * HOUR, person_id=night, roster="物业"),
    ])  # fmt: skip

    async def guards(at: datetime) -> set[int]:
        roster = await people.roster_at(world.conn, world.resident, at)
        return {r.person_id for r in roster.responders if r.on_duty and r.role == "property"}

    assert await guards(NOON) == {guard}
    assert await guards(NOON + 12 * HOUR) == {night}
    assert await guards(NOON + 30 * HOUR) == set()


# ---- through the press's own path ----


async def on_the_ladder(world: World) -> dict[str, int]:
    """Press, let the family's step pass, and say how many pages each guard has."""
    incident = await world.press()
    await world.forward(30)
    await world.fire()
    return {name: len(await world.pages(incident, name)) for name in ("guard", "night guard")}


async def test_nobody_off_duty_is_paged_and_the_override_moves_the_page(world: World) -> None:
    """Off-duty people were paged elsewhere: here the one who was sent home hears nothing, the other one does."""
    await rosters.add_override(
        world.conn, "", NOON - HOUR, NOON + HOUR, off=world.names["guard"], on=world.names["night guard"], reason="ill"
    )
    assert await on_the_ladder(world) == {"guard": 0, "night guard": 1}


async def test_shift_that_ended_a_second_ago_is_silent(world: World) -> None:
    await world.conn.execute(
        "update shift set during = tstzrange(%s, %s) where person_id = %s",
        (NOON - HOUR, NOON + timedelta(seconds=30), world.names["guard"]),
    )
    assert await on_the_ladder(world) == {"guard": 0, "night guard": 0}


async def test_shift_that_begins_while_the_incident_is_open_is_resolved_when_the_step_fires(world: World) -> None:
    night = world.names["night guard"]
    await rosters.add_shifts(
        world.conn, [Shift(start=NOON + timedelta(seconds=30), end=NOON + HOUR, person_id=night)]
    )  # fmt: skip
    assert await on_the_ladder(world) == {"guard": 1, "night guard": 1}


async def test_stand_in_who_checked_in_is_called(world: World) -> None:
    await rosters.check_in(world.conn, world.names["night guard"], via="phone")
    assert await on_the_ladder(world) == {"guard": 1, "night guard": 1}


async def test_guard_who_forgot_to_check_in_is_called_all_the_same(world: World) -> None:
    await world.conn.execute("update shift set roster = '物业' where person_id = %s", (world.names["guard"],))
    await rosters.save_roster(world.conn, "物业", role="property", needs_check_in=True)
    roster = await people.roster_at(world.conn, world.resident, NOON)
    assert [r.proved for r in roster.responders if r.person_id == world.names["guard"]] == [False]
    assert await on_the_ladder(world) == {"guard": 1, "night guard": 0}


@pytest.mark.parametrize(
    ("area", "circle", "hours", "asked"),
    [("", True, False, True), ("", False, False, False), ("", True, True, False), ("east", False, False, False)],
)
async def test_neighbour_of_her_circle_is_asked_unless_he_keeps_hours(
    world: World, area: str, circle: bool, hours: bool, asked: bool
) -> None:
    neighbour = await world.person(
        "neighbour", "neighbour", ("webhook", "http://127.0.0.1:9/"), on_duty=False, area=area
    )
    if circle:
        await world.conn.execute("insert into care_circle values (%s, %s)", (world.resident, neighbour))
    if hours:
        await rosters.add_shifts(world.conn, [Shift(start=NOON + HOUR, end=NOON + 2 * HOUR, person_id=neighbour)])
    roster = await people.roster_at(world.conn, world.resident, NOON)
    assert [r.on_duty for r in roster.responders if r.person_id == neighbour] in ([[True]] if asked else [[False], []])


async def test_volunteer_of_her_area_comes_when_on_duty(world: World) -> None:
    volunteer = await world.person("volunteer", "neighbour", ("webhook", "http://127.0.0.1:9/"), area="east")
    away = await world.person("far volunteer", "neighbour", ("webhook", "http://127.0.0.1:9/"), area="west")
    roster = await people.roster_at(world.conn, world.resident, NOON)
    assert {r.person_id for r in roster.responders if r.role == "neighbour"} == {volunteer}
    assert away not in {r.person_id for r in roster.responders}


async def test_minutes_come_from_the_map_where_nobody_has_said_them(world: World) -> None:
    async def minutes() -> Any:
        roster = await people.roster_at(world.conn, world.resident, NOON)
        return next(r.minutes_away for r in roster.responders if r.person_id == world.names["guard"])

    assert await minutes() is None
    await world.conn.execute("update resident set lat = 38.4872, lon = 106.2309")
    await world.conn.execute("update person set lat = 38.4962, lon = 106.2309")  # a kilometre north
    assert 8 < await minutes() < 16
    await world.conn.execute(
        "insert into care_circle values (%s, %s, '', 0, 4)", (world.resident, world.names["guard"])
    )
    assert await minutes() == 4
