"""Troubles of a story: whom they concern, what becomes of devices meanwhile, and that it ends."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from simulator import story_file, supply
from simulator.breakdowns import Breakdowns, Bridge
from simulator.chronicle import Chronicle
from simulator.lockstep import Lockstep
from simulator.quirks import Quirk
from simulator.speakers import Speaker
from simulator.town import bodies, plan
from simulator.town_file import Endpoint
from simulator.wire import MqttLine, Traffic

HEAD = """\
title = "x"
[town]
residents = 40
communities = ["和平社区", "兴旺社区"]
starts = "2026-03-10 08:00"
wrist = { carehub = 1.0 }
wears = 1.0
presses = 1.0

[[resident]]
name = "王秀兰"
wears = "carehub"

[[trouble]]
at = "09:00"
lasts = "1h"
"""
NOWHERE = Endpoint(host="127.0.0.1", port=1)


class Line(MqttLine):
    """A line that notes whether it is open."""

    def __init__(self) -> None:
        super().__init__(NOWHERE, "w", "x", Traffic())
        self.opened = True
        self.said = 0

    async def open(self) -> None:
        self.opened = True

    def close(self, *, rudely: bool = False) -> None:
        assert rudely, "a network that fails says no goodbye"
        self.opened = False

    def publish(self, topic: str, payload: bytes, **how: Any) -> None:
        self.said += 1


class Place:
    """A town with its devices, and a calendar that a test turns."""

    def __init__(self, trouble: str) -> None:
        told = story_file.read(HEAD + trouble, "x.toml")
        self.town = plan(told, 3)
        self.clock = Lockstep("http://127.0.0.1:1", "k", self.town.begins, Traffic())
        self.chronicle = Chronicle(self.town, "x", "")
        self.bridges = {each.name: Bridge(each, Line()) for each in self.town.gateways}
        self.speakers: list[Speaker] = []
        for resident in self.town.residents:
            for device in resident.devices:
                line = self.bridges[device.gateway].line if device.gateway else Line()
                speaker = Speaker(
                    device, resident, self.clock, self.chronicle.counted(device), seed=device.address, mqtt=line
                )
                self.speakers.append(speaker)
                if device.gateway:
                    self.bridges[device.gateway].speakers.append(speaker)
        supply.fit(self.speakers, bodies(told, 3), told.town, 3)
        self.breakdowns = Breakdowns(
            self.town, told, self.clock, self.chronicle, self.speakers, self.bridges, NOWHERE, {}, seed="3"
        )
        self.breakdowns.prepare()

    def until(self, minutes: float) -> None:
        async def run() -> None:
            goal = self.town.begins + timedelta(minutes=minutes)
            while self.clock._heap and self.clock._heap[0][0] <= goal:
                self.clock.now, _, deed = self.clock._heap.pop(0)
                self.clock._heap.sort()
                if (result := deed()) is not None:
                    await result
            self.clock.now = goal

        asyncio.run(run())

    def watches(self, community: str = "") -> list[Speaker]:
        return [each for each in self.speakers if each.device.kind == "watch"
                and community in ("", each.resident.community)]  # fmt: skip


def test_network_of_a_district_is_down_for_its_hour_and_nobody_elses() -> None:
    place = Place('what = "the network is down"\nwho = "residents of 兴旺社区"')
    place.until(61)
    assert all(each.condition.offline for each in place.watches("兴旺社区"))
    assert not any(each.condition.offline for each in place.watches("和平社区"))
    gone = [each.line for each in place.bridges.values() if each.gateway.community == "兴旺社区"]
    assert not any(line.opened for line in gone if isinstance(line, Line))
    place.until(121)
    assert not any(each.condition.offline or each.condition.dead for each in place.speakers)
    assert all(line.opened for line in gone if isinstance(line, Line))
    (trouble,) = place.chronicle.truth.troubles
    assert (trouble.what, trouble.who) == ("the network is down", "兴旺社区")


def test_gateway_that_dies_takes_all_its_devices_with_it() -> None:
    place = Place('what = "a gateway dies"')
    place.until(61)
    dead = [each for each in place.speakers if each.condition.dead]
    assert len({each.device.gateway for each in dead}) == 1
    assert len(dead) == max(len(bridge.speakers) for bridge in place.bridges.values())
    place.until(121)
    assert not any(each.condition.dead for each in place.speakers)


def test_power_cut_leaves_the_watches() -> None:
    place = Place('what = "the power is cut"\nwho = "residents of 和平社区"')
    place.until(61)
    assert not any(each.condition.dead for each in place.watches())
    assert any(each.condition.dead for each in place.speakers)


def test_batteries_run_down_step_by_step_until_nothing_is_said() -> None:
    place = Place('what = "batteries run down"\nwho = "5 residents"')
    levels = []
    for minute in (61, 90, 110):
        place.until(minute)
        levels.append(sorted({each.words.battery_pct for each in place.watches() if each.words.battery_pct < 20}))
    place.until(121)
    assert levels == [[18], [12], [5]]
    assert sum(each.condition.flat for each in place.speakers) == 5


@pytest.mark.parametrize(
    ("what", "name", "value"),
    [
        ('what = "clocks are wrong"\nby = "-3h"', "skew_s", -10_800.0),
        ('what = "clocks jump about"', "jumps_s", 7200.0),
        ('what = "messages are repeated"\ntimes = 4', "copies", 4), ('what = "messages are cut"', "cut", 0.3),
        ('what = "messages come late in bursts"\nby = "5m"', "late_s", 300.0),
        ('what = "messages come out of order"', "disorder", True),
        ('what = "the firmware is broken"', "nonsense", True),
        ('what = "the firmware has a quirk"\nquirk = "it is at 0, 0"', "quirk", "it is at 0, 0"),
        ('what = "clocks drift"\nppm = 40', "drifts_ppm", 40.0),
        ('what = "clocks go to summer time"', "skew_s", 3600.0),
        ('what = "clocks take another zone"', "skew_s", 28_800.0),
    ],
)  # fmt: skip
def test_trouble_of_one_device_begins_and_ends(what: str, name: str, value: object) -> None:
    place = Place(f'who = "王秀兰"\n{what}')
    place.until(61)
    concerned = [each for each in place.speakers if getattr(each.condition, name) == value]
    assert [each.resident.name for each in concerned] == ["王秀兰"]
    place.until(121)
    assert not [each for each in place.speakers if getattr(each.condition, name) == value]


def test_share_of_a_trouble_concerns_about_so_many() -> None:
    place = Place('what = "the firmware is broken"\nshare = 0.5')
    place.until(61)
    assert 10 <= sum(each.condition.nonsense for each in place.speakers) <= 30


def test_clock_that_starts_at_1970_counts_on_from_there() -> None:
    place = Place('who = "王秀兰"\nwhat = "clocks start at 1970"')
    place.until(75)
    (she,) = [each for each in place.watches() if each.resident.name == "王秀兰"]
    assert she.time() == datetime(1970, 1, 1, 0, 15, tzinfo=UTC)


def test_clock_that_drifts_is_wrong_by_more_and_more() -> None:
    place = Place('who = "王秀兰"\nwhat = "clocks drift"\nppm = 1000')
    (she,) = [each for each in place.watches() if each.resident.name == "王秀兰"]
    place.until(70)
    assert she.time() - place.clock.now == timedelta(seconds=0.6)
    place.until(110)
    assert she.time() - place.clock.now == timedelta(seconds=3)


def test_quirk_that_is_not_named_is_one_of_the_table_for_each() -> None:
    place = Place('what = "the firmware has a quirk"')
    place.until(61)
    assert {each.condition.quirk for each in place.watches()} == set(Quirk)


def test_trouble_of_buttons_concerns_them_and_nothing_else() -> None:
    place = Place('what = "batteries run down"\ndevices = "button"')
    place.until(125)
    assert {each.device.kind for each in place.speakers if each.condition.flat} == {"button"}
    assert all(line.opened for line in (each.line for each in place.bridges.values()) if isinstance(line, Line))


def test_lines_in_pieces_are_whole_again_afterwards() -> None:
    place = Place('who = "王秀兰"\nwhat = "messages come in pieces"')
    (she,) = [each for each in place.watches() if each.resident.name == "王秀兰"]
    assert she.mqtt is not None
    place.until(61)
    assert she.mqtt.pieces is not None
    place.until(121)
    assert she.mqtt.pieces is None
