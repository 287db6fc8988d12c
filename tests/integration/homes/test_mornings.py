"""The morning nobody moves: one welfare check, once, whoever restarts; and none where it is known why."""

from datetime import UTC, date, datetime, timedelta

from hub.store import homes as store
from tests.integration.homes.conftest import DOOR, METER, PIR, WATCH, Home

WELFARE_CHECK = [
    ("B0", 3),
    ("B2", 4),
]  # late at half past nine; at ten, when the door has not been opened for a day, enough


async def test_morning_nobody_moves_is_one_welfare_check_with_its_signs(home: Home) -> None:
    await home.live()
    await home.heard()
    await home.follow()
    assert sorted(await home.alerts()) == WELFARE_CHECK
    assert await home.incidents() == 1
    evidence = await home.hub.one("select evidence from alert where rule = 'B0'")
    assert {one["sign"] for one in evidence["signs"]} == {"late_up", "no_water", "door_unopened"}
    assert (evidence["usual_at"], evidence["days_known"]) == ("06:30", 14)
    assert await home.hub.one("select device_id from alert where rule = 'B0'") in home.device.values()
    assert await home.hub.one("select resident_id from incident") == home.resident


async def test_morning_like_any_other_is_no_alert(home: Home) -> None:
    await home.live(this_morning=True)
    await home.heard()
    await home.follow()
    assert await home.alerts() == []


async def test_motion_through_the_front_door_ends_the_wait(home: Home) -> None:
    await home.live()
    home.sensor("hall", occupancy=True)
    await home.hub.done()
    await home.follow()
    assert await home.alerts() == []


async def test_steps_of_a_watch_are_motion(home: Home) -> None:
    await home.live()
    await home.heard()
    home.hub.vitals("w7", hr=70, steps=12)
    await home.hub.done()
    await home.follow()
    assert await home.alerts() == []


async def test_restart_raises_nothing_twice(home: Home) -> None:
    await home.live()
    await home.heard()
    await home.follow()
    await home.follow()
    await home.follow()
    assert (sorted(await home.alerts()), await home.incidents()) == (WELFARE_CHECK, 1)


async def test_finding_of_a_home_does_not_depend_on_when_the_loop_began(home: Home) -> None:
    """Made of what is stored, or of what came in message by message: the same name."""
    await home.live()
    loop = await home.follow()  # nothing has been heard this morning yet: nobody knows
    assert await home.alerts() == []
    await home.heard()
    loop.passes = 0  # devices are asked for now, not in five minutes
    await loop.once(home.conn)
    first = await home.hub.rows("select alert_id from alert order by 1")
    await home.follow()
    assert len(first) == len(WELFARE_CHECK)
    assert await home.hub.rows("select alert_id from alert order by 1") == first


async def test_known_to_be_away_nothing_is_said_and_her_press_rings(home: Home) -> None:
    await home.live()
    await home.heard()
    await store.add_absence(
        home.conn,
        home.resident,
        "away",
        begins=home.at(-1, 22),
        ends=datetime.now(UTC) + timedelta(days=2),
        reason="医院",
        by="person:1",
    )
    await home.follow()
    assert await home.alerts() == []
    home.hub.press("w7")
    await home.hub.done()
    assert [severity for _, severity in await home.alerts() if severity < 5] == [1]


async def test_who_comes_home_begins_anew(home: Home) -> None:
    """Back an hour ago: what was silent before was known to be."""
    await home.live()
    await home.heard()
    await store.add_absence(
        home.conn, home.resident, "away", begins=home.at(-1, 22), ends=datetime.now(UTC) - timedelta(hours=1),
        reason="", by="person:1",
    )  # fmt: skip
    await home.follow()
    assert await home.alerts() == []


async def test_lost_gateway_is_no_welfare_check(home: Home) -> None:
    await home.live()
    await home.heard()
    await home.conn.execute(
        "insert into device_via (device_id, gateway, at) select id, %s, now() from device where address like 'z2m:%%'"
        " on conflict (device_id) do nothing",
        ("z2m:home7/zigbee2mqtt/bridge",),
    )
    await home.conn.execute(
        "insert into gateway_loss (gateway, device_id, why, began_at, found_at, members, silent)"
        " values ('z2m:home7/zigbee2mqtt/bridge', %s, 'said', %s, now(), 3, 0)",
        (home.device[PIR], home.at(-1, 23.6)),
    )
    await home.follow()
    assert await home.alerts() == []


async def test_sensors_are_learnt_from_what_they_say(home: Home) -> None:
    await home.conn.execute("delete from home_sensor")
    await home.live(this_morning=True)
    for name, said in (("hall", {"occupancy": True}), ("door", {"contact": False})):
        home.sensor(name, **said)
    await home.hub.done()
    loop = await home.follow()
    found = await home.hub.rows("select device_id, sign from home_sensor where sign <> 5 order by sign")
    assert found == [(home.device[PIR], 1), (home.device[DOOR], 2)]
    assert loop.homes is not None
    assert int(loop.homes.state["ups_known"][0]) == 14, "days before anybody listened are made as well"
    assert home.device[METER] not in loop.homes.places.ears


async def test_leak_of_days_is_told_once_over_restarts(home: Home) -> None:
    await home.live(this_morning=True)
    await home.conn.execute("delete from observation where device_id = %s", (home.device[METER],))
    now = datetime.now(UTC)
    hours = [at for day in range(4, -1, -1) for half in range(48) if (at := home.at(-day, half / 2)) < now]
    await home.store(METER, "water.total", hours, [100 + 0.1 * n for n in range(len(hours))])
    await home.follow()
    told = await home.hub.rows("select alert_id from alert where rule = 'B4'")
    await home.follow()
    await home.follow()
    assert len(told) == 1
    assert await home.hub.rows("select alert_id from alert where rule = 'B4'") == told
    loop = await home.follow()
    assert loop.homes is not None
    assert int(loop.homes.state["leak_day"][0]) == (home.at(-4, 0).date() - date(1970, 1, 1)).days


async def test_bridge_that_is_there_shows_that_silence_is_silence(home: Home) -> None:
    """An infrared sensor says nothing while nobody passes; its bridge's line is what tells that it would."""
    await home.live()
    await home.follow()
    assert await home.alerts() == [], "since last night nothing was heard: nobody knows"
    await home.conn.execute(
        "insert into device_via (device_id, gateway, at) values (%s, 'z2m:home7/zigbee2mqtt/bridge', now())",
        (home.device[PIR],),
    )
    await home.follow()
    assert sorted(await home.alerts()) == WELFARE_CHECK


async def test_first_step_of_the_day_is_when_she_rose_although_her_watch_is_two_hours_behind(home: Home) -> None:
    rose, behind = home.at(-1, 8), timedelta(hours=2)
    at = [rose + timedelta(minutes=k) for k in range(5)]
    await home.conn.execute(
        "insert into telemetry (received_at, device_id, batch, measured_at, steps)"
        " select t, %s, 1, t - %s, 20 from unnest(%s::timestamptz[]) as s(t)",
        (home.device[WATCH], behind, at),
    )
    await store.write_days(home.conn, [(home.resident, rose.date())], home.zone.key)
    assert await home.hub.one("select up_min from home_day") == 480
