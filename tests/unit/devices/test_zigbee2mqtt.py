"""Zigbee2MQTT: whose words they are, how old they are, and one press that arrives three times."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from devices.adapter import DecodeError, Message
from devices.adapters.zigbee2mqtt import ADAPTER, Zigbee2MqttAdapter
from devices.telemetry import Quality, Telemetry, TimeQuality

NOW = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)


def hear(topic: str, fields: Any, *, retained: bool = False, adapter: Zigbee2MqttAdapter = ADAPTER) -> list[Telemetry]:
    payload = fields.encode() if isinstance(fields, str) else json.dumps(fields).encode()
    return list(adapter.decode(Message(topic=topic, payload=payload, received_at=NOW, retained=retained)))


def ago(delta: timedelta) -> str:
    return (NOW - delta).isoformat()


def quality(said: Telemetry, code: str) -> Quality:
    return next(one.quality for one in said.observations if one.code == code)


def test_press_that_arrives_three_times_is_one_press_and_two_hints() -> None:
    seen = ago(timedelta(seconds=1))
    (state,) = hear("zigbee2mqtt/b", {"action": "emergency", "battery": 90, "last_seen": seen})
    (again,) = hear("zigbee2mqtt/b", {"action": "emergency", "battery": 90, "last_seen": seen})
    (empty,) = hear("zigbee2mqtt/b", {"action": "", "battery": 90, "last_seen": seen})
    (bare,) = hear("zigbee2mqtt/b/action", "emergency")
    assert state.identity == again.identity is not None
    assert empty.identity is None
    assert not [one for one in empty.observations if one.code.startswith(("alarm", "button"))]
    assert bare.identity is None, "nothing in it tells it from another press: the ten seconds decide"
    assert bare.device == state.device


def test_reports_without_an_event_have_no_identity() -> None:
    # last_seen has seconds only in some installations: two reports of one second are not one.
    (said,) = hear("zigbee2mqtt/b", {"temperature": 21.5, "last_seen": ago(timedelta(seconds=1))})
    assert said.identity is None


def test_press_without_a_time_rings_now() -> None:
    (said,) = hear("zigbee2mqtt/b", {"action": "emergency"})
    assert quality(said, "alarm.sos") is Quality.OK
    assert said.time_quality is TimeQuality.HUB


@pytest.mark.parametrize(
    "last_seen", ["", None, "soon", 0, 12, "2026-11-21T21:59:59", "1970-01-01T00:00:00Z", {}, [], True]
)
def test_press_with_a_broken_time_rings_now(last_seen: object) -> None:
    (said,) = hear("zigbee2mqtt/b", {"action": "emergency", "last_seen": last_seen})
    assert quality(said, "alarm.sos") is Quality.OK
    assert said.identity is None


def test_old_state_is_a_replay_and_no_sign_of_life() -> None:
    (said,) = hear("zigbee2mqtt/b", {"smoke": True, "battery": 80, "last_seen": ago(timedelta(days=4))})
    assert {one.quality for one in said.observations} == {Quality.REPLAYED}


def test_press_waiting_in_the_broker_during_an_outage_still_rings() -> None:
    (said,) = hear("zigbee2mqtt/b", {"action": "emergency", "last_seen": ago(timedelta(hours=8))})
    assert quality(said, "alarm.sos") is Quality.OK
    (days,) = hear("zigbee2mqtt/b", {"action": "emergency", "last_seen": ago(timedelta(days=3))})
    assert quality(days, "alarm.sos") is Quality.REPLAYED


def test_retained_press_is_stale() -> None:
    (said,) = hear("zigbee2mqtt/b", {"action": "emergency"}, retained=True)
    assert quality(said, "alarm.sos") is Quality.STALE


def test_call_taken_back_on_the_device_is_a_cancel() -> None:
    for word in ("sos_cancel", "emergency_clear", "panic_release"):
        (said,) = hear("zigbee2mqtt/b", {"action": word})
        assert [(one.value, one.stage) for one in said.observations if one.code == "alarm.sos"] == [
            (False, "cancelled")
        ]


@pytest.mark.parametrize("word", ["SOS", "emergency", "panic", "panic_press", "1_emergency", "help"])
def test_every_word_for_help_is_a_call(word: str) -> None:
    (said,) = hear("zigbee2mqtt/b", {"action": word})
    assert said.observations[0].code == "alarm.sos"
    assert said.observations[0].value is True
    assert ADAPTER.urgent("zigbee2mqtt/b", json.dumps({"action": word}).encode())


def test_escaped_words_are_doubtful_and_so_urgent() -> None:
    payload = b'{"act\\u0069on":"emergency"}'
    assert ADAPTER.urgent("zigbee2mqtt/b", payload)
    assert hear("zigbee2mqtt/b", payload.decode())[0].observations[0].code == "alarm.sos"


def test_everyday_reports_are_not_urgent() -> None:
    quiet = [
        ("zigbee2mqtt/b", {"action": "", "battery": 90}),
        ("zigbee2mqtt/b", {"action": None}),
        ("zigbee2mqtt/radar", {"presence": True, "fall_down_status": "none", "illuminance": 4}),
        ("zigbee2mqtt/radar", {"status": "occupied"}),
        ("zigbee2mqtt/smoke", {"smoke": False, "tamper": False}),
        ("zigbee2mqtt/bridge/logging", {"message": 'received "action":"emergency"'}),
        ("zigbee2mqtt/b/availability", {"state": "online"}),
    ]
    assert not [topic for topic, fields in quiet if ADAPTER.urgent(topic, json.dumps(fields).encode())]


def test_unknown_base_needs_to_be_told() -> None:
    told = Zigbee2MqttAdapter(bases=("haus/funk/",))
    assert not ADAPTER.claims("haus/funk/bad/knopf")
    assert told.claims("haus/funk/bad/knopf")
    (said,) = hear("haus/funk/bad/knopf", {"action": "sos"}, adapter=told)
    assert said.device == "z2m:haus/funk/bad/knopf"


def test_what_others_tell_the_device_is_not_its_own_word() -> None:
    assert hear("zigbee2mqtt/siren/set", {"sos": True, "action": "emergency"}) == []
    assert hear("zigbee2mqtt/siren/set/state", "emergency") == []
    assert hear("zigbee2mqtt/siren/get", {"smoke": True}) == []


def test_bridge_talks_of_itself_without_any_device_saying_anything() -> None:
    for topic in ("bridge/info", "bridge/devices", "bridge/logging", "bridge/response/device/rename", "bridge/health"):
        assert hear(f"zigbee2mqtt/{topic}", {"action": "emergency", "data": {"smoke": True}}) == []


def test_two_properties_that_disagree_are_two_measuring_points() -> None:
    (said,) = hear("zigbee2mqtt/r", {"presence": True, "occupancy": False})
    seen = [(one.value, one.sub) for one in said.observations if one.code == "presence.occupied"]
    assert seen == [(True, None), (False, "occupancy")]


@pytest.mark.parametrize(
    ("voltage", "code", "value"),
    [
        (3015, "battery.voltage", 3.015),
        (2.9, "battery.voltage", 2.9),
        (230, "electric.voltage", 230),
        ("3000", "battery.voltage", 3.0),
    ],
)
def test_voltage_is_read_in_the_unit_it_must_have(voltage: object, code: str, value: float) -> None:
    (said,) = hear("zigbee2mqtt/p", {"voltage": voltage})
    assert [(one.code, one.value) for one in said.observations if one.code.endswith("voltage")] == [(code, value)]


@pytest.mark.parametrize("unknown", [None, "", "unknown", [], {}, 7])
def test_unknown_is_never_safe(unknown: object) -> None:
    (said,) = hear("zigbee2mqtt/s", {"smoke": unknown, "contact": unknown, "battery": None})
    assert [one.code for one in said.observations] == ["link.seen"]


def test_bare_words_outside_attributes_are_errors() -> None:
    with pytest.raises(DecodeError):
        hear("zigbee2mqtt/b", "emergency")
    with pytest.raises(DecodeError):
        hear("zigbee2mqtt/b/availability", "perhaps")


def test_damaged_json_is_an_error_even_where_a_bare_word_would_do() -> None:
    with pytest.raises(DecodeError, match="damaged"):
        hear("zigbee2mqtt/flat 3/button", '{"action":"emergency"')


def test_older_bridges_tell_of_new_devices_in_their_log() -> None:
    (joined,) = hear("zigbee2mqtt/bridge/log", {"type": "device_connected", "message": {"friendly_name": "0x01"}})
    assert [(one.code, one.value) for one in joined.observations] == [("provision.candidate", "0x01")]
    meta = {"friendly_name": "0x01", "model": "TS0215A_sos", "vendor": "TuYa", "supported": True}
    (paired,) = hear("zigbee2mqtt/bridge/log", {"type": "pairing", "message": "interview_successful", "meta": meta})
    assert paired.model == "TS0215A_sos"
    assert hear("zigbee2mqtt/bridge/log", {"type": "zigbee_publish_error", "message": "timeout", "meta": {}}) == []


def test_endless_name_gets_an_address_of_its_own_that_an_index_takes() -> None:
    names = ["x" * 40_000, "x" * 39_999 + "y", "中" * 21_000]
    addresses = [hear(f"home7/zigbee2mqtt/{name}", {"action": "emergency"})[0].device for name in names]
    assert len(set(addresses)) == 3
    assert all(len(address.encode()) < 1_000 for address in addresses)
    assert hear("home7/zigbee2mqtt/Bett", {"action": "emergency"})[0].device == "z2m:home7/zigbee2mqtt/Bett"
