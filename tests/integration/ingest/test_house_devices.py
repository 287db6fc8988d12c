"""What is already in a house, through the running hub: one press rings once, what lay in the broker rings never."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.integration.ingest.conftest import Hub
from tests.integration.ingest.test_press import known

RF = "tasmota:home7/rf/rf/5A3C11"
SHELLY = "shelly1:shellies/shellybutton1-A1"


async def test_radio_code_of_a_call_button_rings_once_for_its_repeats(hub: Hub, dsn: str) -> None:
    await known(hub, dsn, RF, model="call-button")
    start = int(time.time() * 1000)
    for offset in (0, 400, 800):  # a transmitter repeats its code while it is held
        hub.send("home7/tele/rf/RESULT", {"RfReceived": {"Data": "0x5A3C11", "Bits": 24}}, at_ms=start + offset)
    hub.send("home7/tele/rf/RESULT", {"RfReceived": {"Data": "0x77AA01", "Bits": 24}}, at_ms=start + 900)
    await hub.done()
    assert await hub.rows("select presses from incident") == [(1,)], "the neighbour's remote control is nobody's call"


async def test_shelly_that_says_its_last_press_every_half_minute_rang_once(hub: Hub, dsn: str) -> None:
    await known(hub, dsn, SHELLY, model="call-button")
    noon = int(datetime.now(UTC).replace(hour=12, minute=0).timestamp() * 1000)
    for offset in (0, 30_000, 60_000, 3_600_000):
        hub.send("shellies/shellybutton1-A1/input_event/0", {"event": "S", "event_cnt": 4}, at_ms=noon + offset)
        await hub.done()
    assert await hub.rows("select presses from incident") == [(1,)]
    hub.send("shellies/shellybutton1-A1/input_event/0", {"event": "S", "event_cnt": 5}, at_ms=noon + 3_700_000)
    await hub.done()
    assert await hub.rows("select presses from incident") == [(2,)]


async def test_cord_that_discovery_told_of_rings_and_its_retained_state_does_not(hub: Hub, dsn: str) -> None:
    await known(hub, dsn, "ha:home7/cord7")
    cord = {"state_topic": "flat7/cord", "name": "SOS cord", "device": {"identifiers": ["cord7"]}}
    hub.send("home7/homeassistant/binary_sensor/cord7/config", cord, retained=True)
    hub.send("home7/flat7/cord", b"ON", retained=True)
    await hub.done()
    assert await hub.rows("select presses from incident") == []
    hub.send("home7/flat7/cord", b"ON")
    await hub.done()
    assert await hub.rows("select presses from incident") == [(1,)]


@pytest.mark.parametrize(("more", "presses"), [({"off_delay": 5}, 2), ({"payload_off": None}, 2), ({}, 1)])
async def test_cord_that_says_only_on_is_pressed_again_by_the_next_on(
    hub: Hub, dsn: str, more: dict[str, Any], presses: int
) -> None:
    await known(hub, dsn, "ha:home7/cord7")
    cord = {"state_topic": "flat7/cord", "name": "SOS cord", "device": {"identifiers": ["cord7"]}, **more}
    hub.send("home7/homeassistant/binary_sensor/cord7/config", cord, retained=True)
    start = int(time.time() * 1000)
    for offset in (0, 3_000, 30_000):  # the second is the same press; the third is another, unless it went on
        hub.send("home7/flat7/cord", b"ON", at_ms=start + offset)
        await hub.done()
    assert await hub.rows("select presses from incident") == [(presses,)]


async def test_fall_in_stages_is_one_case(hub: Hub, dsn: str) -> None:
    await known(hub, dsn, "radar:id_1")
    now = int(time.time() * 1000)

    def step(status: str, at: int) -> dict[str, Any]:
        times = {"timestamp": now, "statusUpdateTimestamp": at, "endTimestamp": 0}
        return {"type": 1, "payload": {"status": status, **times}}

    for seconds, status in ((0, "fall_detected"), (52, "fall confirmed"), (52, "fall confirmed"), (82, "calling")):
        at = now + seconds * 1000
        hub.send("/devices/id_1/events", step(status, at), at_ms=at)
        await hub.done()
    assert await hub.rows("select kind, count(*) from incident group by kind") == [("fall", 1)]


async def test_bridge_that_restarts_with_days_old_smoke_rings_nobody(hub: Hub, dsn: str) -> None:
    await known(hub, dsn, "z2m:zigbee2mqtt/Stairs")
    hub.send("zigbee2mqtt/Stairs", {"smoke": True, "last_seen": "2026-01-01T00:00:00Z"})
    hub.send("zigbee2mqtt/Stairs", {"smoke": True}, retained=True)
    await hub.done()
    assert await hub.rows("select kind from incident") == []
