"""Coverage from the database: found again when anything changes, and the holes as work to do."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, time, timedelta

import pytest

from alerts.coverage import Cover, coverage
from alerts.duty import Days, Rotation, Shift
from hub.loops import coverage as looping
from hub.loops.coverage import CoverageLoop
from hub.store import coverage as store
from hub.store import people, rosters
from tests.integration.incidents.world import NOON, World
from tests.patience import PATIENCE_S

HOUR = timedelta(hours=1)


@pytest.fixture
async def following(world: World) -> AsyncIterator[CoverageLoop]:
    """The loop at work, with its first computation done."""
    loop = CoverageLoop(dsn=world.dsn, quiet_s=0.05)
    task = asyncio.create_task(loop.run(), name="coverage")
    await until(loop, 1)
    yield loop
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def until(loop: CoverageLoop, runs: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while loop.runs < runs:  # noqa: ASYNC110 - the thread rings no event
            await asyncio.sleep(0.01)


async def kinds(world: World) -> set[str]:
    return {row["kind"] for row in await store.work(world.conn)}


async def test_guard_of_unknown_distance_leaves_an_unknown_hole(world: World) -> None:
    run = await store.recompute(world.conn)
    assert (run.residents, run.hours, run.covered) == (1, 336, 0)
    assert await kinds(world) == {"unknown"}
    await world.conn.execute(
        "insert into care_circle values (%s, %s, '', 0, 4)", (world.resident, world.names["guard"])
    )
    assert (await store.recompute(world.conn)).covered == 1
    assert await store.work(world.conn) == []


async def test_night_nobody_serves_is_found_with_its_hours(world: World) -> None:
    await world.conn.execute("delete from contact where person_id = %s", (world.names["daughter"],))
    await world.conn.execute(
        "update shift set during = tstzrange(%s, %s) where person_id = %s",
        (NOON, NOON + 30 * HOUR, world.names["guard"]),
    )
    await store.recompute(world.conn)
    work = {row["kind"]: row for row in await store.work(world.conn)}
    assert (work["nobody"]["first_hour"], work["nobody"]["residents"]) == (NOON + 30 * HOUR, [world.resident])
    assert work["nobody"]["hours"] == 306
    assert work["unreachable"]["people"] == [world.names["daughter"]]
    (gap,) = await store.gaps(world.conn, "nobody", "east", "")
    assert (gap["first_hour"], gap["last_hour"]) == (NOON + 30 * HOUR, NOON + 335 * HOUR)


async def test_coverage_agrees_with_whom_the_press_would_call(world: World) -> None:
    """The same town read for coverage and for the press: hour by hour nobody here is nobody there."""
    await world.conn.execute("truncate shift, care_circle cascade")
    for n in range(0, 40, 7):
        await rosters.add_shifts(
            world.conn, [Shift(start=NOON + n * HOUR, end=NOON + (n + 3) * HOUR, person_id=world.names["guard"])]
        )
    await rosters.add_override(world.conn, "", NOON + 7 * HOUR, NOON + 9 * HOUR, off=world.names["guard"])
    found = coverage(await store.town(world.conn, hours=40))
    for hour in range(40):
        roster = await people.roster_at(world.conn, world.resident, NOON + hour * HOUR)
        come = [r for r in roster.responders if r.role == "property" and r.on_duty]
        assert (found.codes[0, hour] == Cover.NOBODY) == (not come), f"hour {hour}"


async def test_town_worked_out_in_parts_has_the_same_holes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Her area, that of a neighbour's sister who shares her daughter, and one that nobody serves."""
    for area in ("west", "north"):
        row = await (
            await world.conn.execute(
                "insert into resident (name, area, created_at) values ('她', %s, hub_now()) returning id", (area,)
            )
        ).fetchone()
        assert row is not None
        await world.conn.execute("insert into care_circle values (%s, %s)", (row[0], world.names["daughter"]))
    holes = (
        b"select kind, area, roster, residents, people, first_hour, last_hour, minutes from coverage_hole order by id"
    )
    whole = await store.recompute(world.conn)
    at_once = await (await world.conn.execute(holes)).fetchall()
    assert {line[1] for line in at_once} == {"east", "west", "north"}
    monkeypatch.setattr(store, "RESIDENTS_AT_ONCE", 1)
    parts = await store.recompute(world.conn)
    assert await (await world.conn.execute(holes)).fetchall() == at_once
    assert (parts.residents, parts.covered) == (whole.residents, whole.covered) == (3, 0)


async def test_missing_check_in_and_unannounced_holidays_are_shown(world: World) -> None:
    await rosters.save_roster(world.conn, "物业", needs_check_in=True)
    await rosters.save_rotation(world.conn, Rotation(
        roster="物业", zone="Asia/Shanghai", people=(world.names["guard"],), first_day=date(2026, 11, 20),
        days=Days.WORKDAY, hand_over=time(0),
    ))  # fmt: skip
    await world.conn.execute("update shift set during = tstzrange(%s, %s)", (NOON - HOUR, NOON + 9 * HOUR))
    await store.recompute(world.conn, hours=24 * 60)
    work = {row["kind"]: row for row in await store.work(world.conn)}
    assert (work["unproved"]["roster"], work["unproved"]["people"]) == ("物业", [world.names["guard"]])
    assert work["calendar"]["first_hour"].date() == date(2026, 12, 31)  # midnight in Shanghai
    await rosters.check_in(world.conn, world.names["guard"], via="phone")
    await store.recompute(world.conn)
    assert "unproved" not in await kinds(world)


async def test_canary_needs_no_cover(world: World) -> None:
    await world.conn.execute("update resident set canary = true")
    assert (await store.recompute(world.conn)).residents == 0
    assert await kinds(world) == set()


@pytest.mark.parametrize(
    "change",
    [
        "update shift set during = tstzrange(lower(during), lower(during) + interval '1 hour')",
        "update person set active = false where role = 'property'", "delete from contact where channel = 'mqtt'",
        "update care_circle set minutes_away = 3", "update resident set lat = 38, lon = 106",
    ],
)  # fmt: skip
async def test_change_is_followed_by_a_computation(world: World, following: CoverageLoop, change: str) -> None:
    before = await store.last_run(world.conn)
    await world.forward(1)
    await world.conn.execute(change.encode())
    await until(following, 2)
    after = await store.last_run(world.conn)
    assert before
    assert after
    assert after.at > before.at


async def test_bunch_of_changes_is_few_computations(world: World, following: CoverageLoop) -> None:
    for n in range(30):
        await rosters.add_shifts(
            world.conn, [Shift(start=NOON + n * HOUR, end=NOON + (n + 1) * HOUR, person_id=world.names["guard"])]
        )
    await until(following, 2)
    await asyncio.sleep(0)
    assert following.runs <= 4


async def test_town_of_many_parts_leaves_most_of_the_time_to_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "RESIDENTS_AT_ONCE", 1)
    for area in ("西夏", "兴庆", "金凤"):
        await people.add_resident(world.conn, people.Resident(name="何奶奶", area=area, address="1号"))
    took: list[float] = []
    run = await store.recompute(world.conn, rest=took.append)
    assert run.residents == 4
    assert len(took) == 3  # between four parts
    assert sum(took) <= run.took_s


async def test_process_that_ends_waits_for_no_rest(
    world: World, following: CoverageLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "RESIDENTS_AT_ONCE", 1)
    monkeypatch.setattr(looping, "RESTS", 1e6)  # the rest would be days
    await people.add_resident(world.conn, people.Resident(name="何奶奶", area="西夏", address="1号"))
    compute = asyncio.create_task(following._compute(), name="a part, and a rest")
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.sleep(0)  # it has its thread now
        compute.cancel()
        await asyncio.gather(compute, return_exceptions=True)
        await asyncio.get_running_loop().shutdown_default_executor()  # waits for the thread, as a process does


async def test_loop_goes_on_when_its_connections_are_cut(world: World, following: CoverageLoop) -> None:
    await world.conn.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'carehub bell%'"
    )
    await until(following, 2)
