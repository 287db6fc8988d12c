"""Batteries: what is left when, who is charged when, and what a device says and does about it."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from simulator import story_file, supply
from simulator.supply import Routine, Supply
from simulator.town import bodies
from simulator.town_file import Endpoint
from simulator.wire import MqttLine, Traffic
from tests.unit.simulator.test_speakers import NOON, later, report, speaker

DAY = timedelta(days=1)


def test_watch_of_two_and_a_half_days_loses_four_tenths_of_its_charge_in_one() -> None:
    one = Supply(lasts=2.5 * DAY, level_pct=100.0, at=NOON)
    assert [round(one.left_pct(NOON + days * DAY)) for days in (0, 1, 2, 2.5, 9)] == [100, 60, 20, 0, 0]


def test_who_charges_every_evening_has_a_full_watch_every_night_and_who_forgets_has_not() -> None:
    eight = Routine(minute=20 * 60, forgets=0.0, seed="w")  # local; full a quarter past nine
    one = Supply(lasts=2.5 * DAY, level_pct=50.0, at=NOON, routine=eight)
    full = datetime(2026, 3, 10, 13, 15, tzinfo=UTC)
    assert one.left_pct(full - timedelta(minutes=1)) < 50
    assert one.left_pct(full) == 100.0
    assert one.left_pct(full + 23 * timedelta(hours=1)) == pytest.approx(100 - 100 * 23 / 60)
    assert one.left_pct(full + DAY) == 100.0
    never = Supply(lasts=2.5 * DAY, level_pct=50.0, at=NOON, routine=Routine(minute=20 * 60, forgets=1.0, seed="w"))
    assert never.left_pct(NOON + 2 * DAY) == 0.0


def test_device_says_once_that_little_is_left_and_goes_dark_at_nothing() -> None:
    device, line, clock = speaker()
    device.supply = Supply(lasts=100 * timedelta(hours=1), level_pct=20.0, at=NOON)
    for _ in range(22):
        report(device)
        later(clock, 3600)
    words = line.words
    assert [said["event"] for said in words if "event" in said] == ["low_battery"]
    assert [said["battery"] for said in words if "battery" in said and "event" not in said] == list(range(20, 0, -1))
    assert device.condition.flat
    assert device.counted.dropped == 2


def test_watch_on_its_charger_is_there_again() -> None:
    device, line, clock = speaker()
    opened: list[datetime] = []

    async def opens() -> None:
        opened.append(clock.now)

    line.open = opens  # type: ignore[method-assign]
    routine = Routine(minute=20 * 60, forgets=0.0, seed="w")
    device.supply = Supply(lasts=10 * timedelta(hours=1), level_pct=10.0, at=NOON, routine=routine)

    async def hours() -> None:
        for hour in range(12):
            clock.now = NOON + timedelta(hours=hour)
            report(device)
            await asyncio.sleep(0)
            assert device.condition.flat == (1 <= hour <= 9)

    asyncio.run(hours())
    assert opened == [NOON + timedelta(hours=10)]
    assert [said["battery"] for said in line.words if "hr" in said] == [10, 82]  # it starts while the tenth is due


def test_town_s_watches_are_as_full_as_their_routine_leaves_them_and_mains_has_no_battery() -> None:
    told = story_file.read(
        'title = "x"\n[town]\nresidents = 30\nstarts = "2026-03-10 08:00"\nmakers = "every"\nwears = 1.0\n', "x.toml"
    )
    device, _, _ = speaker()
    supply.fit([device], bodies(told, 3), told.town, 3)
    assert isinstance(device.supply, Supply)
    assert 40 < device.supply.left_pct(told.town.begins) <= 100
    assert supply._days(device) == (2.0, 3.0)


def test_device_that_goes_dark_waits_for_no_answer_to_what_it_said_last() -> None:
    traffic = Traffic()
    line = MqttLine(Endpoint(host="127.0.0.1", port=1), "w", "x", traffic)
    line.publish("carehub/w/vitals", b"{}")
    assert not traffic.idle.is_set()
    device, _, _ = speaker()
    device.mqtt, device.supply = line, Supply(lasts=DAY, level_pct=0.0, at=NOON)
    report(device)
    assert traffic.idle.is_set()
