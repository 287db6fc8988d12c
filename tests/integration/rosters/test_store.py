"""Rotations become shifts and stay what they were; check-ins prove duty; overrides are the last word."""

from dataclasses import replace
from datetime import date, time, timedelta

import pytest

from alerts import duty
from alerts.duty import Days, Rotation, Shift
from hub.store import rosters
from hub.store.rosters import RosterError
from tests.integration.incidents.world import NOON, World

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LIST = "物业保安"


@pytest.fixture
async def rotation(world: World) -> Rotation:
    await world.conn.execute("truncate shift cascade")
    await rosters.save_roster(world.conn, LIST, role="property", needs_check_in=True)
    return Rotation(
        roster=LIST, zone="Asia/Shanghai", people=(world.names["guard"], world.names["night guard"]), turn_days=1,
        first_day=date(2026, 11, 20), hand_over=time(8),
    )  # fmt: skip


async def of_list(world: World) -> list[Shift]:
    return [row.shift for row in await rosters.shifts(world.conn, NOON - 90 * DAY, NOON + 90 * DAY, roster=LIST)]


async def on_now(world: World) -> set[int]:
    lists = await rosters.lists_of(world.conn, NOON - DAY, NOON + 2 * DAY)
    now = await world.now()
    return {s.person_id for s in duty.spans(lists, NOON - DAY, NOON + 2 * DAY) if s.covers(now)}


async def test_rotation_is_laid_out_for_sixty_days_in_the_same_transaction(world: World, rotation: Rotation) -> None:
    number = await rosters.save_rotation(world.conn, rotation)
    shifts = await of_list(world)
    assert len(shifts) == 61
    assert shifts[-1].end > NOON + duty.HORIZON
    assert (await rosters.rotations(world.conn, LIST)) == [(number, rotation)]


async def test_top_up_the_day_after_adds_a_day_and_nothing_else(world: World, rotation: Rotation) -> None:
    await rosters.save_rotation(world.conn, rotation)
    before = await of_list(world)
    assert await rosters.top_up(world.conn) == 0
    await world.forward(DAY.total_seconds())
    assert await rosters.top_up(world.conn) == 1
    assert (await of_list(world))[:-1] == before


async def test_edit_of_a_rotation_changes_what_comes_and_not_what_was(world: World, rotation: Rotation) -> None:
    number = await rosters.save_rotation(world.conn, rotation)
    await world.forward(5 * DAY.total_seconds())
    now = await world.now()
    was = [s for s in await of_list(world) if s.end <= now]
    await rosters.save_rotation(world.conn, replace(rotation, people=(world.names["guard"],)), number=number)
    shifts = await of_list(world)
    assert shifts[: len(was)] == was
    assert {s.person_id for s in shifts if s.end > now} == {world.names["guard"]}
    await rosters.end_rotation(world.conn, number)
    assert all(s.end <= now for s in await of_list(world))
    with pytest.raises(RosterError):
        await rosters.end_rotation(world.conn, number)


async def test_rotation_of_nobody_we_know_is_refused_and_writes_nothing(world: World, rotation: Rotation) -> None:
    with pytest.raises(RosterError, match="999"):
        await rosters.save_rotation(world.conn, replace(rotation, people=(999,)))
    with pytest.raises(RosterError, match="no duty list"):
        await rosters.save_rotation(world.conn, replace(rotation, roster="?"))
    assert await rosters.rotations(world.conn) == []


async def test_list_that_moves_to_another_zone_moves_its_shifts(world: World, rotation: Rotation) -> None:
    await rosters.save_rotation(world.conn, replace(rotation, first_day=date(2026, 12, 1), days=Days.ANY))
    (first, *_) = await of_list(world)
    await rosters.save_roster(world.conn, LIST, zone="Europe/Berlin")
    (moved, *_) = await of_list(world)
    assert moved.start - first.start == 7 * HOUR


async def test_shift_made_by_hand_may_go_and_one_of_a_rotation_may_not(world: World, rotation: Rotation) -> None:
    await rosters.save_rotation(world.conn, rotation)
    (row, *_) = await rosters.shifts(world.conn, NOON, NOON + DAY, roster=LIST)
    with pytest.raises(RosterError, match="rotation"):
        await rosters.drop_shift(world.conn, row.shift_id)
    running = Shift(start=NOON - HOUR, end=NOON + HOUR, person_id=world.names["operator"], roster="坐席")
    await rosters.add_shifts(world.conn, [running, replace(running, start=NOON + HOUR, end=NOON + 2 * HOUR)])
    for row in await rosters.shifts(world.conn, NOON, NOON + DAY, roster="坐席"):
        await rosters.drop_shift(world.conn, row.shift_id)
    kept = await rosters.shifts(world.conn, NOON - DAY, NOON + DAY, roster="坐席")
    assert [r.shift for r in kept] == [replace(running, end=NOON)]  # what was stays written


# ---- check-ins ----


async def unproved(world: World) -> list[int]:
    now = await world.now()
    lists = await rosters.lists_of(world.conn, now - DAY, now + DAY)
    return [s.person_id for s in rosters.unproved(lists, frozenset({LIST}), now)]


async def test_shift_is_unproved_after_ten_minutes_and_proved_by_a_word(world: World, rotation: Rotation) -> None:
    night = world.names["night guard"]
    await rosters.add_shifts(world.conn, [Shift(start=NOON, end=NOON + 12 * HOUR, person_id=night, roster=LIST)])
    await rosters.save_roster(world.conn, LIST, needs_check_in=True)
    await world.forward(599)
    assert await unproved(world) == []
    await world.forward(1)
    assert await unproved(world) == [night]
    (here,) = await rosters.check_in(world.conn, night, via="sms")
    assert (here.roster, here.until, here.stand_in) == (LIST, NOON + 12 * HOUR, False)
    assert await unproved(world) == []
    assert await rosters.check_out(world.conn, night) == (LIST,)
    assert await unproved(world) == [night]
    assert await on_now(world) == {night}  # a slip of the thumb sends nobody home


async def test_check_in_half_an_hour_early_is_for_the_shift_that_comes(world: World, rotation: Rotation) -> None:
    night = world.names["night guard"]
    await rosters.add_shifts(
        world.conn, [Shift(start=NOON + HOUR / 2, end=NOON + 9 * HOUR, person_id=night, roster=LIST)]
    )  # fmt: skip
    (here,) = await rosters.check_in(world.conn, night, via="phone")
    assert (here.until, here.stand_in) == (NOON + 9 * HOUR, False)


async def test_stand_in_ends_at_the_limit_and_a_second_word_is_the_same_presence(
    world: World, rotation: Rotation
) -> None:
    night = world.names["night guard"]
    (here,) = await rosters.check_in(world.conn, night, via="voice", stand_in=timedelta(days=9))
    assert (here.until, here.stand_in) == (NOON + duty.STAND_IN_LIMIT, True)
    await world.forward(60)
    await rosters.check_in(world.conn, night, via="voice")
    assert await world.value("select count(*) from check_in") == 1
    await world.forward(duty.STAND_IN_LIMIT.total_seconds())
    assert await on_now(world) == set()


async def test_override_takes_back_an_earlier_check_in(world: World, rotation: Rotation) -> None:
    night = world.names["night guard"]
    await rosters.add_shifts(world.conn, [Shift(start=NOON - HOUR, end=NOON + HOUR, person_id=night, roster=LIST)])
    await rosters.check_in(world.conn, night, via="phone")
    number = await rosters.add_override(world.conn, LIST, NOON, NOON + HOUR, off=night, reason="ill")
    await world.forward(1)
    assert await on_now(world) == set()
    await rosters.drop_override(world.conn, number)
    assert await on_now(world) == {night}
    with pytest.raises(RosterError):
        await rosters.drop_override(world.conn, number)


async def test_somebody_who_left_the_service_cannot_check_in(world: World) -> None:
    await world.conn.execute("update person set active = false where id = %s", (world.names["night guard"],))
    for nobody in (world.names["night guard"], 999):
        with pytest.raises(RosterError) as refused:
            await rosters.check_in(world.conn, nobody, via="phone")
        assert refused.value.code == "unknown_person"


@pytest.mark.parametrize(("off", "on", "hours"), [(None, None, 1), (3, 3, 1), (3, 4, 0), (3, 4, 24 * 93)])
async def test_override_that_says_nothing_is_refused(world: World, off: int | None, on: int | None, hours: int) -> None:
    with pytest.raises(RosterError):
        await rosters.add_override(world.conn, LIST, NOON, NOON + hours * HOUR, off=off, on=on)
