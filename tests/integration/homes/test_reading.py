"""What was stored is read once and whole: late, repeated, out of order; by one of two; over a lost database."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from alerts.model import Alert, AlertKind, Severity
from hub.embedded import EmbeddedPostgres
from hub.loops import routine, turns
from hub.store import followed
from hub.store import homes as store
from hub.store.pool import connect
from tests.integration.homes.conftest import DOOR, METER, PIR, Home
from tests.integration.ingest.conftest import eventually

DAY = "select resident_id, day, up_min, movements, openings, water_m3, water_halves, dry_min, bed_out_min from home_day"


async def moved(home: Home, minutes_ago: float, batch: int) -> datetime:
    at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    await home.store(PIR, "presence.motion", [at], [1.0], batch=batch)
    return at


async def test_batch_that_is_committed_after_a_later_one_is_read(home: Home) -> None:
    await home.conn.execute("select setval('batch_number', 7)")
    loop = await home.follow()
    assert loop.homes is not None
    await moved(home, 50, batch=7_300)
    await loop.once(home.conn)
    early = int(loop.homes.state["moved_min"][0])
    await moved(home, 40, batch=7_299)
    await moved(home, 60, batch=7_001)
    await loop.once(home.conn)
    assert int(loop.homes.state["moved_min"][0]) - early in (9, 10, 11)
    assert loop._seen >= {7_300, 7_299, 7_001}


async def test_batch_is_read_once(home: Home) -> None:
    loop = await home.follow()
    before = routine.SIGNS.labels("motion")._value.get()
    await moved(home, 5, batch=9_000)
    await loop.once(home.conn)
    await loop.once(home.conn)
    assert routine.SIGNS.labels("motion")._value.get() - before == 1


async def test_rows_of_a_look_have_a_limit_and_batches_stay_whole(home: Home) -> None:
    loop = await home.follow(rows=4)
    for batch in range(30, 60):
        await home.store(PIR, "presence.motion", [datetime.now(UTC)] * 3, [1.0] * 3, batch=batch)
    assert await loop.once(home.conn), "there is more"
    assert loop._seen == {*range(30, 30 + 2 * routine.LOOKS)}
    while await loop.once(home.conn):
        pass
    assert loop._seen == {*range(30, 60)}


async def test_days_are_the_same_whatever_comes_late_and_twice(home: Home) -> None:
    await home.live(this_morning=True)
    await home.follow()
    days = await home.hub.rows(f"{DAY} order by day")
    await home.conn.execute(
        "delete from observation where measured_at > now() - interval '3 days' and device_id = any(%s)",
        ([home.device[one] for one in (PIR, DOOR)],),
    )
    await home.conn.execute("delete from home_day")
    loop = await home.follow()
    await home.conn.execute("update home_mark set days_batch = 0")
    loop = await home.follow()
    assert await home.hub.rows(f"{DAY} order by day") != days
    for batch in (41, 40):  # what was lost comes after all, and twice
        await home.live(days=4, this_morning=True, meter=False, batch=batch)
        await loop.once(home.conn)
    today = home.at(0, 0).date()
    assert await home.hub.rows(f"{DAY} where day < %s order by day", today) == [one for one in days if one[1] < today]


async def test_day_of_a_device_that_moved_is_of_who_had_it(home: Home) -> None:
    """The sensor came to her yesterday at noon: what it saw before is somebody else's."""
    await home.live()
    noon = home.at(-1, 12)
    await home.conn.execute("update device set bound_at = %s where id = %s", (noon, home.device[PIR]))
    await home.conn.execute(
        "insert into device_event (device_id, at, action, state, actor, facts) values"
        " (%s, %s, 'bind', 'bound', 'person:1', '{\"resident\": 999}'),"
        " (%s, %s, 'bind', 'bound', 'person:1', jsonb_build_object('resident', %s::bigint))",
        (home.device[PIR], home.at(-30, 0), home.device[PIR], noon, home.resident),
    )
    await home.follow()
    (row,) = await home.hub.rows(
        f"select up_min, movements from home_day where day = '{home.at(-1, 0):%Y-%m-%d}'"
    )  # fmt: skip
    assert row == (600, 24), "the door at ten, hers all along; every half-hour from noon on"


async def test_of_two_one_follows_and_the_other_takes_over(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "STANDBY_S", 0.02)
    await home.live()
    await home.heard()
    first, second = home.loop(every_s=0.05), home.loop(every_s=0.05)
    one = asyncio.create_task(first.run())

    async def follows(loop: routine.RoutineLoop, least: int = 3) -> bool:
        return loop.passes >= least

    await eventually(lambda: follows(first))
    two = asyncio.create_task(second.run())
    later = first.passes + 3
    await eventually(lambda: follows(first, later))
    assert second.homes is None
    one.cancel()
    await asyncio.gather(one, return_exceptions=True)
    await eventually(lambda: follows(second))
    two.cancel()
    await asyncio.gather(two, return_exceptions=True)
    assert await home.incidents() == 1


async def test_database_that_was_away_is_gone_on_with(
    home: Home, postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "STANDBY_S", 0.02)
    loop = home.loop(every_s=0.05)
    task = asyncio.create_task(loop.run())

    async def passed(least: int) -> bool:
        return loop.passes >= least

    await eventually(lambda: passed(2))
    before = loop.passes
    postgres.stop()
    postgres.start()
    async with await connect(home.dsn) as conn:
        await conn.execute(
            "insert into observation (received_at, device_id, batch, measured_at, code, number, quality)"
            " values (now(), %s, 20, now(), 'presence.motion', 1, 'ok')",
            (home.device[PIR],),
        )
    await eventually(lambda: passed(before + 3))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert loop.homes is not None
    assert int(loop.homes.state["moved_min"][0]) > 0


async def test_more_homes_than_may_be_followed_are_told_to_a_technician(home: Home) -> None:
    await home.conn.execute(
        "with r as (insert into resident (name, created_at) values ('two', now()) returning id),"
        " d as (insert into device (address, adapter, resident_id, state, created_at)"
        " select 'z2m:two/hall', 'test', id, 'live', now() from r returning id)"
        " insert into home_sensor select id, 1, now() from d"
    )
    loop = await home.follow(most=1)
    assert loop.homes is not None
    assert loop.homes.resident_id.tolist() == [home.resident]
    assert await home.alerts() == [("homes_over_limit", 5)]


async def test_hub_that_heard_nobody_begins_anew(home: Home) -> None:
    """Stopped last night, started now: nobody says that nobody moved."""
    await home.live()
    await home.follow()
    await home.conn.execute("update home_mark set at = %s", (home.at(-1, 23.5),))
    await home.conn.execute("delete from raw_batch")
    await home.heard()
    await home.conn.execute("update raw_batch set received_at = now()")
    await home.follow()
    assert await home.alerts() == []
    assert await home.hub.one("select count(*) from home_deaf") == 1


async def test_absences_that_follow_each_other_are_one(home: Home) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    hour = timedelta(hours=1)
    for begins, ends in ((now - hour, now + hour), (now, now + 3 * hour), (now + 5 * hour, now + 6 * hour)):
        await store.add_absence(home.conn, home.resident, "away", begins=begins, ends=ends, reason="", by="person:1")
    (quiet,) = await followed.quiet(home.conn, now, timedelta(days=2))
    assert quiet["from_ms"] == int((now - hour).timestamp() * 1000)
    assert quiet["until_ms"] == int((now + 3 * hour).timestamp() * 1000)
    found = await store.away_now(home.conn, home.resident)
    assert found is not None
    assert found.until == now + 3 * hour
    assert await store.back(home.conn, home.resident, "person:2", everything=False) == 2
    assert await store.away_now(home.conn, home.resident) is None
    left = await store.absences(home.conn, home.resident, past=True)
    assert [(one.written_by, one.ended_by) for one in left] == [
        ("person:1", None), ("person:1", "person:2"), ("person:1", "person:2"),
    ]  # fmt: skip


async def test_alert_that_cannot_be_written_rings_without_its_evidence_and_holds_up_nobody(home: Home) -> None:
    loop = await home.follow()
    for name, words in (("one", "a\x00b"), ("two", "of her home")):
        loop.waiting[name] = Alert(
            alert_id=name, kind=AlertKind.STILLNESS, severity=Severity.MEDIUM, raised_at=datetime.now(UTC),
            resident_id=home.resident, rule="B1", evidence={"last": words},
        )  # fmt: skip
    await loop.once(home.conn)
    assert loop.waiting == {}
    assert await home.hub.rows("select alert_id, evidence from alert order by 1") == [
        ("one", {}), ("two", {"last": "of her home"})
    ]  # fmt: skip


async def test_more_findings_than_may_wait_are_all_raised(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lost hour of a whole district: nothing is dropped, it is only said later."""
    await home.live()
    await home.heard()
    monkeypatch.setattr(routine, "WAITING_MOST", 1)
    monkeypatch.setattr(routine, "RAISED_AT_ONCE", 1)
    loop = home.loop()
    for _ in range(8):
        await loop.once(home.conn)
    assert not loop.waiting
    assert sorted(await home.alerts()) == [("B0", 3), ("B2", 4)]


async def test_meter_that_was_exchanged_is_no_leak(home: Home) -> None:
    """Nor may it seem to be one that was told: a real one that begins next day would not be."""
    await home.live(days=2, this_morning=True)
    later = [home.at(-1, hour) for hour in (12.25, 13.25)]
    await home.conn.execute(
        "delete from observation where device_id = %s and measured_at > %s", (home.device[METER], home.at(-1, 12))
    )
    await home.store(METER, "water.total", later, [8000.0, 8000.1])
    loop = await home.follow()
    assert loop.homes is not None
    assert int(loop.homes.state["leak_day"][0]) == 0
    used = await home.hub.one("select water_m3 from home_day where day = %s", home.at(-1, 0).date())
    assert 0 < float(used) < 1
