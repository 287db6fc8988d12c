"""One press, however often it arrives, makes exactly the right rings; and a second press always rings.

Through the running hub: a real broker or a real socket in front, her daughter's telephone behind. `rang` counts cases,
presses and rings at once.
"""

from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub.store import console, device_life
from tests.acceptance.house import House, open_house, until
from tests.conftest import Mosquitto
from tests.integration.ingress.parts import Raw
from tests.integration.ingress.trackers import GMT8, jt808

BUTTON, PANIC, STAIRS = "zigbee2mqtt/Bathroom button", "zigbee2mqtt/Panic", "zigbee2mqtt/Stairs"
EUI = "0018b20000001234"
PHONE, WATCH = "13900000017", "8800000015"


@pytest.fixture
async def house(anyio_backend: str, dsn: str, mosquitto: Callable[..., Mosquitto]) -> AsyncIterator[House]:
    async with open_house(dsn, mosquitto()) as house, house.hub():
        yield house


# Zigbee2MQTT.


async def pressed(house: House, **more: Any) -> None:
    """What the bridge makes of one press: a state, a bare action, and a state with an empty one."""
    await house.say(BUTTON, {"action": "emergency", "battery": 90, **more})
    await house.say(f"{BUTTON}/action", "emergency")
    await house.say(BUTTON, {"action": "", "battery": 90, **more})


@pytest.mark.parametrize("clocked", [True, False])
async def test_button_whose_press_arrives_three_times_rings_once_and_its_next_press_again(
    house: House, clocked: bool
) -> None:
    await house.device(f"z2m:{BUTTON}")

    def seen() -> dict[str, Any]:
        return {"last_seen": house.now.isoformat()} if clocked else {}

    await pressed(house, **seen())
    await house.rang(cases=1, presses=1, rings=1)
    await house.later(31)
    await pressed(house, **seen())
    await house.rang(cases=1, presses=2, rings=2)


async def test_flag_repeated_every_five_seconds_until_it_is_cleared_is_one_press(house: House) -> None:
    await house.device(f"z2m:{PANIC}")
    for _ in range(25):
        await house.say(PANIC, {"sos": True, "last_seen": house.now.isoformat()})
        await house.later(5)
    await house.rang(cases=1, presses=1, rings=1)
    await house.say(PANIC, {"sos": False, "last_seen": house.now.isoformat()})
    await house.later(1)
    await house.say(PANIC, {"sos": True, "last_seen": house.now.isoformat()})
    await house.rang(cases=1, presses=2, rings=2)


async def test_flag_that_nobody_clears_calls_again_once_its_case_is_closed(house: House) -> None:
    await house.device(f"z2m:{PANIC}")
    for _ in range(3):
        await house.say(PANIC, {"sos": True})
        await house.later(5)
    await house.closed()
    for _ in range(3):
        await house.say(PANIC, {"sos": True})
        await house.later(5)
    await house.rang(cases=2, presses=2, rings=2)


async def test_emergency_action_pressed_every_twelve_seconds_is_as_many_presses_and_rings_every_half_minute(
    house: House,
) -> None:
    await house.device(f"z2m:{BUTTON}")
    for _ in range(6):
        await pressed(house)
        await house.later(12)
    await house.rang(cases=1, presses=6, rings=2)


async def test_bridge_that_restarts_days_later_rings_nobody_and_a_press_then_does(house: House) -> None:
    await house.device(f"z2m:{PANIC}")
    await house.device(f"z2m:{STAIRS}")
    told = {"sos": True, "last_seen": house.now.isoformat()}
    await house.say(PANIC, told)
    await house.say(STAIRS, {"smoke": True})  # this one does not say when
    await house.rang(cases=1, presses=1, rings=1)  # one resident, one case
    await house.closed()
    await house.later(days=3)
    await house.say("zigbee2mqtt/bridge/state", {"state": "online"}, retain=True)
    await house.later(2)
    await house.say(PANIC, told)
    await house.say(STAIRS, {"smoke": True})
    await house.say(STAIRS, {"smoke": True}, retain=True)
    await house.rang(cases=1, presses=1, rings=1)
    states = "select distinct code, quality from observation where code in ('alarm.sos', 'alarm.smoke') order by 1, 2"
    assert await house.world.rows(states) == [
        ("alarm.smoke", "ok"), ("alarm.smoke", "replayed"), ("alarm.sos", "ok"), ("alarm.sos", "replayed"),
    ]  # fmt: skip
    await house.say(PANIC, {"sos": False, "last_seen": house.now.isoformat()})
    await house.later(5)
    await house.say(PANIC, {"sos": True, "last_seen": house.now.isoformat()})
    await house.rang(cases=2, presses=2, rings=2)


async def test_hub_that_comes_back_is_handed_retained_states_that_ring_nobody(
    anyio_backend: str, dsn: str, mosquitto: Callable[..., Mosquitto]
) -> None:
    async with open_house(dsn, mosquitto()) as house:
        async with house.hub():
            await house.device(f"z2m:{PANIC}")
            await house.say(PANIC, {"sos": True}, retain=True)
            await house.rang(cases=1, presses=1, rings=1)
            await house.closed()
        await house.later(days=2)
        async with house.hub():
            await house.say("zigbee2mqtt/Other", {"battery": 50})  # the broker has handed over what it kept before it
            await house.rang(cases=1, presses=1, rings=1)


async def test_press_and_a_flat_battery_in_one_message_are_two_cases_the_worst_first(house: House) -> None:
    await house.device(f"z2m:{PANIC}")
    for _ in range(3):
        await house.say(PANIC, {"battery_low": True, "sos": True, "last_seen": house.now.isoformat()})
        await house.later(5)
    await house.rang(cases=1, presses=1, rings=1)
    told = await house.world.rows("select kind, severity from alert order by raised_at, severity")
    assert told == [("sos", 1), ("device", 5)]
    assert await house.world.rows("select kind, presses from incident order by id") == [("sos", 1), ("device", 0)]


async def test_press_without_a_time_rings_now(house: House) -> None:
    await house.device("carehub:w-7")
    await house.say("carehub/w-7/event", {"event": "sos"})
    await house.rang(cases=1, presses=1, rings=1)


# LoRaWAN.


def uplink(house: House, counter: int, address: str = "01a2b3c4", *, late_ms: int = 0) -> dict[str, Any]:
    """A press of a Netvox call button as ChirpStack hands it over."""
    at = house.now + timedelta(milliseconds=late_ms)
    return {
        "deviceInfo": {"devEui": EUI, "deviceProfileName": "Netvox R312A", "tags": {}}, "devAddr": address,
        "fCnt": counter, "fPort": 6, "data": b64encode(bytes.fromhex("014d011e01000000000000")).decode(),
        "time": at.isoformat(), "rxInfo": [{"gatewayId": "a", "rssi": -101}, {"gatewayId": "b", "rssi": -90}],
    }  # fmt: skip


async def test_uplink_that_three_networks_heard_is_one_press_and_after_a_rejoin_its_number_is_a_new_one(
    house: House,
) -> None:
    await house.device(f"lorawan:{EUI}")
    topic = f"application/1/device/{EUI}/event/up"
    first = uplink(house, 5)
    await house.say(topic, first)
    await house.say(topic, uplink(house, 5, late_ms=300))
    await house.say(f"v3/wards@care/devices/eui-{EUI}/up", {
        "end_device_ids": {"device_id": f"eui-{EUI}", "dev_eui": EUI.upper()},
        "uplink_message": {
            "f_port": 6, "f_cnt": 5, "frm_payload": first["data"], "session_key_id": "AY",
            "received_at": (house.now + timedelta(milliseconds=800)).isoformat(),
            "version_ids": {"brand_id": "netvox", "model_id": "R312A"},
        },
    })  # fmt: skip
    await house.say(f"lorawan/{EUI}", {
        "cmd": "rx", "EUI": EUI, "port": 6, "fcnt": 5, "ts": house.now_ms + 1200, "data": "014d011e01000000000000",
    })  # fmt: skip
    await house.rang(cases=1, presses=1, rings=1)
    await house.later(40)
    await house.say(topic, first)  # the broker says it again, days or seconds later
    await house.rang(cases=1, presses=1, rings=1)
    for address in (
        "01ffffff",
        "01ffffff",
    ):  # it joined, and then was reset without joining
        await house.later(70)
        await house.say(topic, uplink(house, 5, address))
    await house.rang(cases=1, presses=3, rings=3)


# Shelly.


async def test_first_generation_press_said_for_days_rings_once_and_a_new_battery_starts_its_count_again(
    house: House,
) -> None:
    await house.device("shelly1:shellies/shellyix3-A1", model="call-button")
    topic = "shellies/shellyix3-A1/input_event/0"
    await house.say(topic, {"event": "S", "event_cnt": 4})
    for _ in range(3):
        await house.later(hours=7)  # over midnight, too
        await house.say(topic, {"event": "S", "event_cnt": 4})
    await house.rang(cases=1, presses=1, rings=1)
    await house.say(topic, {"event": "S", "event_cnt": 5})
    await house.rang(cases=1, presses=2, rings=2)
    await house.later(60)
    await house.say(topic, {"event": "", "event_cnt": 0})
    for count in (1, 2, 3, 4, 5):
        await house.later(60)
        await house.say(topic, {"event": "S", "event_cnt": count})
    await house.rang(cases=1, presses=7, rings=7)


async def test_first_generation_count_is_known_after_a_restart_of_the_hub(
    anyio_backend: str, dsn: str, mosquitto: Callable[..., Mosquitto]
) -> None:
    topic = "shellies/shellyix3-A1/input_event/0"
    async with open_house(dsn, mosquitto()) as house:
        async with house.hub():
            await house.device("shelly1:shellies/shellyix3-A1", model="call-button")
            for count in (7, 1):
                await house.say(topic, {"event": "S", "event_cnt": count})
                await house.later(60)
            await house.rang(cases=1, presses=2, rings=2)
            await house.closed()
        await house.later(days=2)
        async with house.hub():
            await house.say(topic, {"event": "S", "event_cnt": 1})
            await house.rang(cases=1, presses=2, rings=2)
            await house.say(topic, {"event": "S", "event_cnt": 7})
            await house.rang(cases=2, presses=3, rings=3)


async def test_second_generation_tells_its_whole_state_again_and_rings_once(house: House) -> None:
    await house.device("shelly:plus-smoke")

    def state(method: str) -> dict[str, Any]:
        at = house.now.timestamp()
        return {"src": "plus-smoke", "method": method, "params": {"ts": at, "smoke:0": {"id": 0, "alarm": True}}}

    await house.say("plus-smoke/events/rpc", state("NotifyStatus"))
    for _ in range(3):
        await house.later(minutes=50)
        await house.say("plus-smoke/events/rpc", state("NotifyFullStatus"))
    await house.rang(cases=1, presses=0, rings=1)


# 433 MHz.


async def test_radio_code_that_is_sent_for_as_long_as_the_button_is_held_is_one_press(house: House) -> None:
    await house.device("tasmota:rf/rf/5A3C11", model="call-button")
    for _ in range(6):
        await house.say("tele/rf/RESULT", {"RfReceived": {"Data": "0x5A3C11", "Bits": 24}})
        await house.later(0.4)
    await house.rang(cases=1, presses=1, rings=1)
    await house.later(31)
    await house.say("tele/rf/RESULT", {"RfReceived": {"Data": "0x5A3C11", "Bits": 24}})
    await house.rang(cases=1, presses=2, rings=2)


async def test_radio_code_is_what_its_device_is_registered_as(house: House) -> None:
    await house.device("tasmota:rf/rf/5A3C11", model="smoke-detector")
    await house.device("omg:home7/OMG/rf/A3F", model="door-contact")
    for _ in range(3):
        await house.say("tele/rf/RESULT", {"RfReceived": {"Data": "0x5A3C11", "Bits": 24}})
        await house.say("home7/OMG/433toMQTT", {"value": 0xA3F})
    await house.say("tele/rf/RESULT", {"RfReceived": {"Data": "0x77AA01", "Bits": 24}})
    await house.rang(cases=1, presses=0, rings=1)
    kinds = "select distinct o.code, d.model from observation o join device d on d.id = o.device_id order by 1"
    assert await house.world.rows(f"{kinds}, 2") == [
        ("alarm.smoke", "smoke-detector"), ("contact.open", "door-contact"), ("link.seen", ""),
        ("link.seen", "door-contact"), ("link.seen", "smoke-detector"), ("rf.code", ""),
        ("rf.code", "door-contact"), ("rf.code", "smoke-detector"),
    ]  # fmt: skip


# Trackers.


def position(house: House, serial: int, *, alarm: int = 0, age_s: float = 0) -> bytes:
    clock = (house.now - timedelta(seconds=age_s)).astimezone(GMT8).strftime("%y%m%d%H%M%S")
    body = (
        alarm.to_bytes(4, "big") + (2).to_bytes(4, "big") + (38_466_700).to_bytes(4, "big")
        + (106_273_100).to_bytes(4, "big") + bytes(6) + bytes.fromhex(clock)
    )  # fmt: skip
    return jt808(0x0200, body, phone=PHONE, serial=serial)


async def test_terminal_that_holds_its_alarm_bit_for_minutes_rang_once_and_for_the_next_press_again(
    house: House,
) -> None:
    await house.device(f"jt808:{PHONE}")
    async with await Raw.open(house.gateway.ports["jt808"]) as line:
        for serial in range(12):
            await house.frame(line, position(house, serial, alarm=1))
            await house.later(30)
        await house.rang(cases=1, presses=1, rings=1)
        await house.frame(line, position(house, 20))
        await house.later(20)
        await house.frame(line, position(house, 21, alarm=1))
        await house.rang(cases=1, presses=2, rings=2)


def watch_frame(command: str, at: datetime, status: int) -> bytes:
    stamp = at.astimezone(UTC).strftime("%d%m%y,%H%M%S")
    content = f"{command},{stamp},A,38.466700,N,106.273100,E,0,0,0,9,80,55,0,0,{status:08X},0,0,0"
    return f"[3G*{WATCH}*{len(content):04X}*{content}]".encode()


async def test_watch_that_uploads_its_blind_hours_rings_only_for_what_nobody_heard(house: House) -> None:
    await house.device(f"watch3g:{WATCH}")
    pressed_at = house.now
    async with await Raw.open(house.gateway.ports["watch3g"]) as line:
        for _ in range(3):
            await house.frame(line, watch_frame("AL", pressed_at, 1 << 16))
            await house.later(5)
        await house.rang(cases=1, presses=1, rings=1)
        await house.closed()
        await house.later(hours=5)
        await house.frame(line, watch_frame("UD2", pressed_at, 1 << 16))
        await house.rang(cases=1, presses=1, rings=1)
        unheard = house.now - timedelta(hours=3)
        await house.frame(line, watch_frame("UD2", unheard, 1 << 16))
        await house.rang(cases=2, presses=2, rings=2)
    age = "select body ->> 'age_s' from incident_event where what = 'opened' order by at desc limit 1"
    assert await house.world.value(age) == str(3 * 3600)


# Radars.


async def test_radar_that_suspects_confirms_calls_and_ends_is_one_case_that_rang_once(house: House) -> None:
    await house.device("radar:id_1")
    began = house.now_ms

    async def step(kind: str, wait_s: float) -> None:
        times = {"timestamp": began, "statusUpdateTimestamp": house.now_ms, "endTimestamp": 0}
        await house.say("/devices/id_1/events", {"type": 1, "payload": {"status": kind, **times}})
        await house.later(wait_s)

    for kind, wait_s in (("fall_detected", 10), ("fall confirmed", 20), ("fall confirmed", 20), ("calling", 60)):
        await step(kind, wait_s)
    for kind in ("calling", "fall exit", "finished"):
        await step(kind, 5)
    await house.rang(cases=1, presses=0, rings=1)
    began = house.now_ms
    await step("fall confirmed", 1)
    await house.rang(cases=1, presses=0, rings=2)


# Nobody's.


async def test_press_of_a_retired_device_reaches_the_operators_who_hear_whose_it_was(house: House) -> None:
    number = await house.device(f"z2m:{PANIC}")
    async with house.world.conn.transaction():
        await device_life.retire(house.world.conn, await device_life.hold(house.world.conn, str(number)), "person:1")
    await until(lambda: house.door.ingest.table.resident(house.door.ingest.table.row_of_id(number)) is None)
    await house.say(PANIC, {"action": "emergency"})
    assert await house.world.rows("select resident_id, kind, severity from incident") == [(None, "sos", 1)]
    cases = [row[0] for row in await house.world.rows("select id from incident")]
    rows = await console.rows(house.world.conn, console.Q.queue, canary=False, ids=cases)
    assert [(row["retired_of"], row["retired_home"]) for row in rows] == [("Wang Xiulan", "block 3, 501")]
    page = "select p.role from page p join incident i on i.id = p.incident_id where p.purpose = 'alarm'"
    assert await house.world.rows(page) == [("operator",)]
