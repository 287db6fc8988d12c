"""Radars, beds, watches, meters and bases: stages, whose words they are, and what only sounds like a reading."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from devices import families, json_words, values
from devices.adapter import Adapter, DecodeError, Message
from devices.adapters import (
    bed_topics,
    ble_gateway,
    carelink,
    cn_platform,
    helmet,
    lifesos,
    radar_events,
    radar_json,
    shelly_gen1,
    shelly_rpc,
    unknown_json,
    watch_json,
    zigbee2mqtt,
)
from devices.telemetry import Quality, Stage, Telemetry, TimeQuality

NOW = datetime(2026, 11, 21, 22, 0, 30, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)


def hear(
    adapter: Adapter, topic: str, said: Any, *, retained: bool = False, model: str | None = None
) -> list[Telemetry]:
    payload = said.encode() if isinstance(said, str) else json.dumps(said).encode()
    return list(adapter.decode(Message(topic=topic, payload=payload, received_at=NOW, retained=retained, model=model)))


def codes(said: Telemetry) -> dict[str, Any]:
    return {one.code: one.value for one in said.observations}


# Fall radars.


def fall(status: str, **times: int) -> Telemetry:
    payload = {"status": status, "timestamp": NOW_MS - 60_000, "statusUpdateTimestamp": NOW_MS, "endTimestamp": 0}
    return hear(radar_events.ADAPTER, "/devices/id_1/events", {"type": 1, "payload": {**payload, **times}})[0]


def test_fall_keeps_its_name_when_said_again_and_while_the_radar_calls() -> None:
    confirmed, again, calling = fall("fall confirmed"), fall("fall confirmed"), fall("calling")
    assert confirmed.identity == again.identity == calling.identity is not None
    assert fall("fall_detected").identity != confirmed.identity
    assert calling.measured_at == NOW, "the step's own time, not the fall's"


@pytest.mark.parametrize(
    ("status", "on", "stage"),
    [
        ("fall_detected", True, Stage.SUSPECTED),
        ("fall confirmed", True, Stage.CONFIRMED),
        ("calling", True, Stage.CALLING),
        ("canceled", False, Stage.CANCELLED),
        ("fall_exit", False, Stage.ENDED),
        ("finished", False, Stage.ENDED),
    ],
)
def test_every_step_of_a_fall_is_a_stage(status: str, on: bool, stage: Stage) -> None:
    (seen,) = [one for one in fall(status).observations if one.code == "alarm.fall"]
    assert (seen.value, seen.stage) == (on, stage)


def test_radar_without_a_clock_rings_without_a_name() -> None:
    said = fall("fall confirmed", timestamp=0, statusUpdateTimestamp=0)
    assert (said.identity, said.measured_at, codes(said)["alarm.fall"]) == (None, None, True)


def test_word_for_somebody_on_the_floor_does_not_come_from_a_command() -> None:
    (said,) = hear(radar_events.ADAPTER, "/devices/id_1/events", {"type": 2, "payload": {"status": "fall"}})
    assert "alarm.fall" not in codes(said)


def test_radar_module_is_urgent_when_somebody_may_have_fallen() -> None:
    assert radar_json.ADAPTER.urgent("R60AFD1/live", b'{"presence":true,"fall_alarm":true}')
    assert not radar_json.ADAPTER.urgent("R60AFD1/live", b'{"presence":true,"fall_alarm":false,"stay_still_alarm":0}')


# Beds.


def test_heartbeat_is_a_heart_rate_in_a_bed_and_a_sign_of_life_elsewhere() -> None:
    (bed,) = hear(bed_topics.ADAPTER, "sleepsensor/heartbeat", "61")
    (radar,) = hear(radar_json.ADAPTER, "R60AFD1/live", {"heartbeat": 61, "presence": True})
    (worn,) = hear(helmet.ADAPTER, "info/1/heart", {"user_id": 1, "battery": 61})
    assert codes(bed)["vital.heart_rate"] == 61
    assert "vital.heart_rate" not in {**codes(radar), **codes(worn)}


@pytest.mark.parametrize("payload", ["255", "0"])
def test_bed_that_feels_no_heart_says_that_it_does_not_know(payload: str) -> None:
    (said,) = hear(bed_topics.ADAPTER, "sleepsensor/heartbeat", payload)
    assert next((one.value, one.quality) for one in said.observations) == (None, Quality.ABSENT)


# Watches.


def watch(kind: str, **said: Any) -> Telemetry:
    return hear(watch_json.ADAPTER, f"iMEDE_watch/{kind}", {"IMEI": "860000000000017", **said})[0]


def test_two_watches_on_one_topic_are_two_devices() -> None:
    one = watch("hb", battery=50)
    (other,) = hear(watch_json.ADAPTER, "iMEDE_watch/hb", {"IMEI": "860000000000025", "battery": 50})
    assert one.device != other.device


def test_same_number_in_two_homes_is_two_devices() -> None:
    said = [hear(watch_json.ADAPTER, f"{home}/watch/hb", {"imei": "1", "battery": 5})[0] for home in ("h7", "h8")]
    assert [one.device for one in said] == ["watchjson:h7/1", "watchjson:h8/1"]


def test_watch_without_a_number_is_known_by_its_topic() -> None:
    (said,) = hear(watch_json.ADAPTER, "iMEDE_watch/sos", {"status": "SOS"})
    assert (said.device, codes(said)["alarm.sos"]) == ("watchjson:iMEDE_watch/sos", True)


@pytest.mark.parametrize("status", ["SOS", "", None, "something new"])
def test_topic_of_calls_carries_a_call_whatever_its_status(status: object) -> None:
    assert codes(watch("sos", status=status))["alarm.sos"] is True
    assert watch_json.ADAPTER.urgent("iMEDE_watch/sos", b"{}")


def test_day_first_without_a_zone_is_no_clock() -> None:
    said = watch("VitalSign", heartRate=70, timeStamps="21/11/2026 22:00:20")
    assert (said.measured_at, said.time_quality) == (None, TimeQuality.SUSPECT)


def test_readings_kept_on_the_watch_have_their_own_times() -> None:
    times = [int((NOW - timedelta(hours=hours)).timestamp()) for hours in (2, 1)]
    said = watch("AP55", data=[{"timestamp": at, "heartRate": 70 + at % 7} for at in times])
    hearts = [one for one in said.observations if one.code == "vital.heart_rate"]
    assert [int(one.measured_at.timestamp()) for one in hearts if one.measured_at] == times


def test_press_with_a_good_time_is_recognised_by_it() -> None:
    at = int(NOW.timestamp())
    assert watch("sos", timestamp=at).identity == watch("sos", timestamp=at).identity is not None
    assert watch("sos").identity is None


# Meters behind a gateway.


def measured(value: dict[str, Any]) -> dict[str, Any]:
    about = {"attribute": "X", "ble_mac": "02:00:00:CC:DD:02", "value": value}
    person = {"citiz": "1234567890123", "nameEN": "Somebody", "brith": "25000101"}
    return {
        "type": "reportAttribute",
        "time": int(NOW.timestamp()),
        "mac": "02:00:00:AA:BB:01",
        **person,
        "data": about,
    }


def test_nothing_of_the_person_in_a_meters_message_comes_out() -> None:
    (said,) = hear(ble_gateway.ADAPTER, "CM4_BLE_GW_TX", measured({"bp_high": 131, "bp_low": 82, "pr": 66}))
    assert "1234567890123" not in repr(said)
    assert "Somebody" not in repr(said)


@pytest.mark.parametrize(
    ("value", "mg", "quality"),
    [
        ({"blood_glucose": 104}, 104, Quality.OK),
        ({"blood_glucose": "5.8"}, 104.5, Quality.UNVERIFIED),
        ({"blood_glucose": 5.8, "unit": "mmol/L"}, 104.5, Quality.OK),
    ],
)
def test_glucose_is_read_in_the_unit_it_must_have(value: dict[str, Any], mg: float, quality: Quality) -> None:
    (said,) = hear(ble_gateway.ADAPTER, "CM4_BLE_GW_TX", measured(value))
    (seen,) = [one for one in said.observations if one.code == "vital.blood_glucose"]
    assert seen.value == pytest.approx(mg, abs=0.1)
    assert seen.quality is quality


def test_meter_without_an_address_is_an_error() -> None:
    with pytest.raises(DecodeError):
        hear(ble_gateway.ADAPTER, "CM4_BLE_GW_TX", {"type": "reportAttribute", "data": {"value": {"pr": 60}}})


# Alarm bases, badges, clouds.


def test_trigger_of_an_alarm_bases_device_is_what_its_model_makes_of_it() -> None:
    topic = "home7/lifesos/bath/event_code"
    (button,) = hear(lifesos.ADAPTER, topic, "Trigger", model="MedicalButton")
    (flood,) = hear(lifesos.ADAPTER, topic, "Trigger", model="FloodDetector2")
    (unknown,) = hear(lifesos.ADAPTER, topic, "Trigger")
    assert codes(button)["alarm.sos"] is True
    assert codes(flood)["alarm.water_leak"] is True
    assert list(codes(unknown)) == ["link.seen"], "the base itself says every alarm"


def test_setting_of_an_alarm_base_is_no_report() -> None:
    for topic in ("alarm/operation_mode", "bath/type", "bath/enable_status/Bypass", "bath/switches/SW01"):
        assert hear(lifesos.ADAPTER, f"home7/lifesos/{topic}", "True") == []


def test_answer_i_am_fine_cancels() -> None:
    (said,) = hear(carelink.ADAPTER, "d1/fall/confirmation", {"status": False, "timestamp": NOW.isoformat()})
    assert [(one.value, one.stage) for one in said.observations if one.code == "alarm.fall"] == [
        (False, Stage.CANCELLED)
    ]
    assert said.identity is None


def test_property_of_a_cloud_has_its_own_time() -> None:
    posted = {"params": {"HeartRate": {"value": 62, "time": NOW_MS - 5000}, "Unheard": {"value": 1}}}
    (said,) = hear(cn_platform.ADAPTER, "/sys/p/d/thing/event/property/post", posted)
    (heart,) = [one for one in said.observations if one.code == "vital.heart_rate"]
    assert heart.measured_at == NOW - timedelta(seconds=5)
    assert len(said.observations) == 2


def test_what_a_platform_tells_its_devices_is_no_alarm_of_theirs() -> None:
    assert hear(helmet.ADAPTER, "op/alarm/cap/7", {"alarm": "sos"}) == []
    assert hear(radar_events.ADAPTER, "/devices/id_1/commands", {"type": 1, "payload": {"status": "calling"}}) == []
    assert hear(carelink.ADAPTER, "d1/wandering/notification", {"notification": "Wandering detected!"}) == []


def test_alarm_nobody_has_a_word_for_rings_without_a_reason() -> None:
    found = json_words.alarm("近电")
    assert found is not None
    assert (found.code, found.native) == ("alarm.general", "近电")
    assert json_words.alarm("none") is None
    assert json_words.alarm("") is None


def test_device_nobody_knows_is_read_and_not_believed() -> None:
    (said,) = hear(unknown_json.ADAPTER, "home7/json/thing", {"sn": "T1", "heartRate": 66, "event": "SOS", "x": 4})
    assert said.device == "json:home7/json/thing/T1"
    assert {one.code: one.quality for one in said.observations} == {
        "vital.heart_rate": Quality.UNVERIFIED,
        "alarm.sos": Quality.UNVERIFIED,
        "link.seen": Quality.OK,
    }


@pytest.mark.parametrize(
    ("adapter", "topic", "payload"),
    [
        (watch_json.ADAPTER, "iMEDE_watch/sos", '{"IMEI": "1", "status": "\\ud800"}'),
        (zigbee2mqtt.ADAPTER, "zigbee2mqtt/b", '{"action": "x\\udfff"}'),
        (shelly_gen1.ADAPTER, "shellies/b/input_event/0", '{"event": "\\ud83d", "event_cnt": 1}'),
    ],
)
def test_half_a_character_is_replaced_so_that_the_press_can_be_stored(
    adapter: Adapter, topic: str, payload: str
) -> None:
    (said,) = hear(adapter, topic, payload)
    assert b"?" in msgspec.json.encode(said.observations)


# Topics that only an installer knows.


@pytest.mark.parametrize(
    ("family", "topic", "adapter"),
    [
        ("shelly.gen1_button", "flat7/button/input_event/0", shelly_gen1.ADAPTER),
        ("shelly.gen2_input", "flat7/i4/rpc", shelly_rpc.ADAPTER),
        ("lifesos.base", "home/alarm/event_code", lifesos.ADAPTER),
        ("radar.vayyar", "/devices/id_1/events", radar_events.ADAPTER),
        ("radar.other", "flat7/radar-3", radar_json.ADAPTER),
        ("watch.other", "flat7/w", watch_json.ADAPTER),
        ("bed.mat", "flat7/mat/hr", bed_topics.ADAPTER),
        ("radar.z2m", "zigbee2mqtt/radar", zigbee2mqtt.ADAPTER),
        ("nobody", "flat7/x", unknown_json.ADAPTER),
        ("nobody", "carehub/w-1/command", None),
        ("nobody", "tcp/nobody", None),
    ],
)
def test_family_finds_the_grammar_of_a_topic_nobody_knows(family: str, topic: str, adapter: object) -> None:
    assert families.adapter_of(family, topic) is adapter


def test_base_topic_of_a_zigbee_bridge_is_taken_from_the_topic() -> None:
    adapter = families.adapter_of("z2m.sos_button", "funk/Knopf")
    assert adapter is not None
    assert adapter.claims("funk/Knopf")


def test_frame_of_a_tcp_protocol_is_no_message_of_a_bridge() -> None:
    assert values.below("tcp/watch/1", watch_json.MARKS) is None


@pytest.mark.parametrize(
    ("lat", "lon", "quality", "valid"),
    [
        (47.1, 8.2, Quality.OK, True),
        ("47.1", "8.2", Quality.OK, True),
        (0, 0, Quality.ABSENT, False),
        (147.1, 8.2, Quality.IMPLAUSIBLE, False),
    ],
)
def test_place_is_marked_when_it_is_none(lat: object, lon: object, quality: Quality, valid: bool) -> None:
    (seen,) = values.location(lat, lon)
    assert (seen.quality, seen.valid) == (quality, valid)


@pytest.mark.parametrize("lat", [None, "", "north", True, float("nan"), [1]])
def test_place_that_is_no_number_is_no_place(lat: object) -> None:
    assert not list(values.location(lat, 8.2))
