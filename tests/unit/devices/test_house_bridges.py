"""Tasmota, Shelly, ESPHome: which device spoke, what a repeat is recognised by, what is urgent, what is no event."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from devices.adapter import Adapter, DecodeError, Message
from devices.adapters import esphome, shelly_gen1, shelly_rpc, tasmota
from devices.telemetry import Quality, Telemetry, TimeQuality

NOW = datetime(2026, 11, 21, 22, 0, 30, tzinfo=UTC)
TS = NOW.timestamp() - 1


def hear(
    adapter: Adapter, topic: str, said: Any, *, retained: bool = False, at: datetime = NOW, model: str | None = None
) -> list[Telemetry]:
    payload = said.encode() if isinstance(said, str) else json.dumps(said).encode()
    return list(adapter.decode(Message(topic=topic, payload=payload, received_at=at, retained=retained, model=model)))


def codes(said: Telemetry) -> dict[str, Any]:
    return {one.code: one.value for one in said.observations}


# Tasmota.


def test_bridge_that_heard_several_devices_speaks_for_each() -> None:
    heard = {"ZbReceived": {"0x0001": {"Contact": 0}, "0x0002": {"Occupancy": 1}}}
    door, hall = hear(tasmota.ADAPTER, "tele/zb/SENSOR", heard)
    assert (door.device, codes(door)["contact.open"]) == ("tasmota:zb/0x0001", False)
    assert (hall.device, codes(hall)["presence.occupied"]) == ("tasmota:zb/0x0002", True)


def test_bluetooth_sensors_in_one_message_are_measuring_points_of_the_bridge() -> None:
    (said,) = hear(tasmota.ADAPTER, "tele/ble/SENSOR", {"A-1": {"Temperature": 20}, "B-2": {"Temperature": 21}})
    assert [(one.sub, one.value) for one in said.observations if one.code == "env.temperature"] == [
        ("A-1", 20),
        ("B-2", 21),
    ]


def test_local_time_without_a_zone_is_suspect_and_utc_is_not() -> None:
    (local,) = hear(tasmota.ADAPTER, "tele/x/STATE", {"Time": "2026-11-21T23:00:20"})
    (utc,) = hear(tasmota.ADAPTER, "tele/x/STATE", {"Time": "2026-11-21T23:00:20", "Epoch": int(NOW.timestamp())})
    assert (local.time_quality, utc.time_quality) == (TimeQuality.SUSPECT, TimeQuality.DEVICE)


def test_same_radio_code_is_the_same_device_however_the_bridge_writes_it() -> None:
    written = ["0x5A3C11", "5A3C11", "0x5a3c11", 0x5A3C11]
    said = [hear(tasmota.ADAPTER, "tele/rf/RESULT", {"RfReceived": {"Data": one}})[0] for one in written]
    assert {one.device for one in said} == {"tasmota:rf/rf/5A3C11"}
    with pytest.raises(DecodeError):
        hear(tasmota.ADAPTER, "tele/rf/RESULT", {"RfReceived": {"Data": "None"}})


def test_commands_to_a_bridge_are_nobodys_report() -> None:
    assert hear(tasmota.ADAPTER, "cmnd/zb/RESULT", {"ZbReceived": {"0x0001": {"0501!02": ""}}}) == []
    assert hear(tasmota.ADAPTER, "stat/zb/STATUS8", {"StatusSNS": {}}) == []


def test_what_may_call_is_urgent_and_weather_is_not() -> None:
    assert tasmota.ADAPTER.urgent("tele/zb/SENSOR", b'{"ZbReceived":{"0x1":{"0501!02":""}}}')
    assert tasmota.ADAPTER.urgent("tele/rf/RESULT", b'{"RfReceived":{"Data":"0x1"}}')
    assert not tasmota.ADAPTER.urgent("tele/x/SENSOR", b'{"DS18B20":{"Temperature":20.5}}')
    assert not tasmota.ADAPTER.urgent("tele/x/STATE", b'{"Action":1}')


@pytest.mark.parametrize("unknown", [None, "", "unknown", [], {}])
def test_unknown_in_a_zigbee_report_is_never_safe(unknown: object) -> None:
    attributes = dict.fromkeys(("Contact", "Water", "Fire", "Temperature", "Click", "ZoneStatusChange"), unknown)
    (said,) = hear(tasmota.ADAPTER, "tele/zb/SENSOR", {"ZbReceived": {"0x0001": attributes}})
    assert [one.code for one in said.observations] == ["link.seen"]


# Shelly, first generation.

BUTTON = "shellies/shellybutton1-A1/input_event/0"


def test_press_said_again_is_the_same_and_the_next_is_not() -> None:
    first, again, following = (
        hear(shelly_gen1.ADAPTER, BUTTON, {"event": "S", "event_cnt": count})[0] for count in (2, 2, 3)
    )
    assert first.identity == again.identity != following.identity
    assert (first.sequence, following.sequence) == (2, 3)


def test_count_that_has_not_changed_is_the_same_press_after_midnight() -> None:
    press = {"event": "S", "event_cnt": 1}
    (before,) = hear(shelly_gen1.ADAPTER, BUTTON, press)
    (after,) = hear(shelly_gen1.ADAPTER, BUTTON, press, at=NOW + timedelta(days=1))
    assert before.identity == after.identity == "input0:1"


def test_press_without_a_count_has_no_identity_and_rings_by_time() -> None:
    (said,) = hear(shelly_gen1.ADAPTER, BUTTON, {"event": "L"})
    assert (said.identity, codes(said)["button.press"]) == (None, "long")


def test_first_generation_calls_presses_and_findings_urgent() -> None:
    urgent = shelly_gen1.ADAPTER.urgent
    assert urgent(BUTTON, b'{"event":"S","event_cnt":2}')
    assert not urgent(BUTTON, b'{"event": "", "event_cnt":0}')
    assert urgent("shellies/x/sensor/flood", b"true")
    assert not urgent("shellies/x/sensor/flood", b"false")
    assert not urgent("shellies/x/sensor/temperature", b"21.5")


def test_shelly_below_a_root_of_its_installer_is_named_by_what_stands_before_the_makers_words() -> None:
    (said,) = hear(shelly_gen1.ADAPTER, "flat7/bed/button/input_event/0", {"event": "S", "event_cnt": 2})
    assert said.device == "shelly1:flat7/bed/button"


def test_commands_to_a_shelly_are_not_its_words() -> None:
    assert hear(shelly_gen1.ADAPTER, "shellies/x/relay/0/command", "on") == []


# Shelly, second generation.

RPC = "shellyplusi4-a1/events/rpc"


def notify(method: str, **params: Any) -> dict[str, Any]:
    return {"src": "shellyplusi4-a1", "method": method, "params": {"ts": TS, **params}}


def test_event_is_recognised_by_its_own_time() -> None:
    event = {"component": "input:0", "id": 0, "event": "single_push", "ts": TS}
    (said,) = hear(shelly_rpc.ADAPTER, RPC, notify("NotifyEvent", events=[event]))
    (again,) = hear(shelly_rpc.ADAPTER, RPC, notify("NotifyEvent", events=[event]))
    assert said.identity == again.identity is not None


def test_event_whose_clock_was_never_set_has_no_identity() -> None:
    event = {"component": "input:0", "id": 0, "event": "single_push", "ts": 12.5}
    (said,) = hear(shelly_rpc.ADAPTER, RPC, notify("NotifyEvent", events=[event]))
    assert said.identity is None
    assert codes(said)["button.press"] == "single"


def test_two_bluetooth_buttons_behind_one_gateway_are_two_devices() -> None:
    events = [{"component": f"bthomedevice:{n}", "event": "single_push", "idx": 0, "ts": TS} for n in (200, 201)]
    said = hear(shelly_rpc.ADAPTER, RPC, notify("NotifyEvent", events=events))
    assert [one.device for one in said] == [f"shelly:shellyplusi4-a1/bthomedevice:{n}" for n in (200, 201)]


def test_status_says_nothing_of_what_it_does_not_name() -> None:
    (said,) = hear(shelly_rpc.ADAPTER, RPC, notify("NotifyStatus", sys={"cfg_rev": 4}))
    assert [one.code for one in said.observations] == ["link.seen"]
    (null,) = hear(shelly_rpc.ADAPTER, RPC, notify("NotifyStatus", **{"smoke:0": {"id": 0, "alarm": None}}))
    assert [one.code for one in null.observations] == ["link.seen"]


def test_answer_to_a_question_is_no_report() -> None:
    assert hear(shelly_rpc.ADAPTER, RPC, {"id": 1, "src": "x", "result": {"smoke:0": {"alarm": True}}}) == []
    assert hear(shelly_rpc.ADAPTER, "home7/shelly/x/rpc", {"method": "Switch.Set"}) == []


# ESPHome.


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("front_door", "contact.open"),
        ("kitchen_smoke", "alarm.smoke"),
        ("wc_sos", "alarm.sos"),
        ("bed_presence", "bed.occupied"),
        ("battery_low", "battery.low"),
        ("hallway_motion", "presence.motion"),
    ],
)
def test_binary_sensor_is_what_its_name_says(name: str, code: str) -> None:
    (said,) = hear(esphome.ADAPTER, f"node/binary_sensor/{name}/state", "ON")
    assert codes(said)[code] is True


@pytest.mark.parametrize("name", ["smoke_detector_connected", "fall_sensitivity", "sos_test_mode", "living_room_lamp"])
def test_setting_or_unknown_name_states_nothing(name: str) -> None:
    (said,) = hear(esphome.ADAPTER, f"node/binary_sensor/{name}/state", "ON")
    assert [one.code for one in said.observations] == ["link.seen"]


def test_retained_states_of_all_three_are_stale() -> None:
    for adapter, topic, payload in (
        (tasmota.ADAPTER, "tele/zb/SENSOR", '{"ZbReceived":{"0x0001":{"Water":1}}}'),
        (shelly_gen1.ADAPTER, "shellies/x/sensor/smoke", "true"),
        (esphome.ADAPTER, "node/binary_sensor/smoke/state", "ON"),
    ):
        (said,) = hear(adapter, topic, payload, retained=True)
        assert {one.quality for one in said.observations} == {Quality.STALE}


@pytest.mark.parametrize("adapter", [tasmota.ADAPTER, shelly_gen1.ADAPTER, shelly_rpc.ADAPTER, esphome.ADAPTER])
def test_emptied_topic_is_no_report(adapter: Adapter) -> None:
    for topic in ("tele/x/SENSOR", "shellies/x/sensor/smoke", RPC, "node/binary_sensor/smoke/state"):
        if adapter.claims(topic):
            assert hear(adapter, topic, "") == []


def test_endless_names_get_addresses_that_an_index_takes() -> None:
    long = "x" * 40_000
    for adapter, topic, payload in (
        (tasmota.ADAPTER, f"tele/{long}/LWT", "Online"),
        (shelly_gen1.ADAPTER, f"shellies/{long}/online", "true"),
        (esphome.ADAPTER, f"{long}/binary_sensor/smoke/state", "ON"),
    ):
        (said,) = hear(adapter, topic, payload)
        assert len(said.device.encode()) < 1_000
