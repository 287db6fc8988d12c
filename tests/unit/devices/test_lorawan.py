"""LoRaWAN: four networks' envelopes, one press that is told twice, and devices of which nobody said what they are."""

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.adapter import DecodeError, Message
from devices.adapters.lorawan import ADAPTER
from devices.codes import CODES
from devices.envelopes import lorawan as envelope
from devices.envelopes.lorawan import Event
from devices.telemetry import Observation, Quality, Telemetry, TimeQuality

NOW = datetime(2026, 11, 21, 22, 0, 30, tzinfo=UTC)
EUI = "70b3d57ed0060a11"
CALL = bytes.fromhex("014d011e01000000000000")  # Netvox R312A, pressed
TOPIC = f"application/wards/device/{EUI}/event/up"


def up(data: bytes = CALL, port: int = 6, **more: Any) -> dict[str, Any]:
    about = {"devEui": EUI, "deviceProfileName": more.pop("profile", "Netvox R312A"), "tags": more.pop("tags", {})}
    told = {"deviceInfo": about, "devAddr": "01a2b3c4", "fCnt": 7, "fPort": port, "data": b64encode(data).decode()}
    return told | {"time": "2026-11-21T22:00:20Z"} | more


def hear(told: object, topic: str = TOPIC, *, model: str | None = None, retained: bool = False) -> list[Telemetry]:
    payload = told.encode() if isinstance(told, str) else json.dumps(told).encode()
    message = Message(topic=topic, payload=payload, received_at=NOW, retained=retained, model=model)
    return list(ADAPTER.decode(message))


def said(told: object, topic: str = TOPIC, **more: Any) -> dict[str, Observation]:
    (one,) = hear(told, topic, **more)
    return {seen.code: seen for seen in one.observations}


def things(**body: Any) -> dict[str, Any]:
    return {"end_device_ids": {"device_id": "b-1", "dev_eui": EUI.upper()}, **body}


THINGS_TOPIC = "v3/wards@care/devices/b-1/up"

# ------------------------------------------------------------------------------------------------ one press, told twice


def test_repeated_frame_is_the_same_press() -> None:
    (first,) = hear(up(deduplicationId="a"))
    (again,) = hear(up(deduplicationId="b", rxInfo=[{"rssi": -101}]))
    assert first.identity == again.identity is not None
    assert first.sequence == again.sequence == 7


def test_next_frame_is_another_press() -> None:
    (first,), (second,) = hear(up()), hear(up(fCnt=8))
    assert first.identity != second.identity


def test_counter_that_begins_again_after_a_join_is_another_press() -> None:
    (before,), (after,) = hear(up(fCnt=0)), hear(up(fCnt=0, devAddr="01ffffff"))
    assert before.identity != after.identity


def test_counter_that_begins_again_without_a_join_is_another_press() -> None:
    (before,), (after,) = hear(up(fCnt=0)), hear(up(fCnt=0, time="2026-11-21T22:03:00Z"))
    assert before.identity != after.identity


def test_without_a_counter_nothing_is_taken_for_a_repeat() -> None:
    told = up()
    del told["fCnt"]
    (one,) = hear(told)
    assert one.identity is None
    assert said(told)["alarm.sos"].value is True


def test_first_frame_of_a_session_has_the_number_that_is_left_out() -> None:
    told = things(uplink_message={"session_key_id": "k", "f_port": 6, "frm_payload": b64encode(CALL).decode()})
    (one,) = hear(told, THINGS_TOPIC, model="netvox.r312a")
    assert one.sequence == 0
    assert one.device == f"lorawan:{EUI}"


# ----------------------------------------------------------------------------------------------------- what is no press


@pytest.mark.parametrize("event", ["txack", "log", "integration", "ack", "join", "status", "location", "x"])
def test_only_uplinks_carry_a_devices_word(event: str) -> None:
    topic = TOPIC.replace("/up", f"/{event}")
    told = up(acknowledged=True, description="UPLINK_MIC", level="ERROR")
    heard = hear(told, topic)
    assert not [one for each in heard for one in each.observations if one.code.startswith(("alarm", "button"))]
    assert not ADAPTER.urgent(topic, json.dumps(told).encode())


def test_downlink_that_was_not_acknowledged_is_no_sign_of_life() -> None:
    assert hear(up(acknowledged=False), TOPIC.replace("/up", "/ack")) == []
    assert hear(things(downlink_nack={}), THINGS_TOPIC) == []
    assert "link.seen" in said(things(downlink_ack={}), THINGS_TOPIC)


@pytest.mark.parametrize("command", ["txd", "ans", "hello", None, 7])
def test_loriot_of_its_own_downlinks_is_nothing(command: object) -> None:
    assert hear({"cmd": command, "EUI": EUI, "data": CALL.hex(), "port": 6}, "lorawan/loriot") == []


def test_battery_that_the_network_asked_for() -> None:
    topic = TOPIC.replace("/up", "/status")
    told = {"deviceInfo": {"devEui": EUI}, "margin": 9, "batteryLevel": 61.5}
    assert said(told, topic)["battery.level"].value == 61.5
    assert "battery.level" not in said(told | {"externalPowerSource": True}, topic)
    assert said(told | {"batteryLevel": 250}, topic)["battery.level"].quality is Quality.IMPLAUSIBLE


def test_place_of_the_network_is_named_as_its_own() -> None:
    told = {"deviceInfo": {"devEui": EUI}, "location": {"latitude": 47.5, "longitude": 8.25}}
    found = said(told, TOPIC.replace("/up", "/location"))["location"]
    assert (found.lat, found.lon, found.native) == (47.5, 8.25, "network")
    solved = things(location_solved={"location": {"latitude": 47.5}})  # on the meridian of Greenwich
    found = said(solved, THINGS_TOPIC.replace("/up", "/location/solved"))["location"]
    assert (found.lat, found.lon) == (47.5, 0)
    beyond = {"deviceInfo": {"devEui": EUI}, "location": {"latitude": 47.5, "longitude": 1008.25}}
    found = said(beyond, TOPIC.replace("/up", "/location"))["location"]
    assert (found.valid, found.quality) == (False, Quality.IMPLAUSIBLE)


def test_uplink_without_a_word_is_a_sign_of_life() -> None:
    assert set(said(up(b"", 0))) == {"link.seen"}
    assert set(said(things(uplink_message={}), THINGS_TOPIC)) >= {"link.seen"}


def test_retained_message_is_no_news() -> None:
    assert said(up(), retained=True)["alarm.sos"].quality is Quality.STALE


# ---------------------------------------------------------------------------------------------------------------- times


@pytest.mark.parametrize("time", ["2020-0327T12:39:05Z", "soon", 7, {}, "1970-01-01T00:00:00Z", "2199-01-01T00:00:00Z"])
def test_broken_time_is_suspect_and_the_press_rings(time: object) -> None:
    (one,) = hear(up(time=time))
    assert one.time_quality is TimeQuality.SUSPECT
    assert next(seen for seen in one.observations if seen.code == "alarm.sos").quality is Quality.OK


def test_time_that_nobody_named_is_the_hubs() -> None:
    (one,) = hear(up(time=None))
    assert one.time_quality is TimeQuality.HUB
    assert one.measured_at is None


def test_trackers_own_clock_goes_before_the_networks() -> None:
    at = NOW - timedelta(minutes=3)
    card = bytes.fromhex("10000080") + int(at.timestamp()).to_bytes(4, "big") + bytes.fromhex("5f000000")
    (one,) = hear(up(bytes((0x10, 0)) + card[1:], 5, profile="SenseCAP T1000-A"))
    assert one.measured_at == at


# ------------------------------------------------------------------------------------------------------- what it may be


@pytest.mark.parametrize(
    "named",
    [
        {"profile": "R312A"},
        {"profile": "class A", "tags": {"model": "netvox-r312a"}},
        {"profile": "Milesight WS101", "tags": {"brand": "Netvox", "model": "R312A"}},
        {"profile": "x", "tags": {"Device_Type": "NETVOX R312A (EU868)"}},
    ],
)
def test_model_is_what_tags_say_then_the_profile(named: dict[str, Any]) -> None:
    (one,) = hear(up(**named))
    assert one.model == "netvox.r312a"
    assert not [seen for seen in one.observations if seen.code == "provision.candidate"]


def test_what_an_administrator_registered_goes_before_everything() -> None:
    (one,) = hear(up(profile="Milesight WS101"), model="netvox.r312a")
    assert one.model == "netvox.r312a"


def test_name_of_a_device_is_no_model() -> None:
    told = up(profile="class A")
    told["deviceInfo"]["deviceName"] = "Netvox R312A"
    assert "provision.candidate" in said(told)


def test_unknown_model_is_a_candidate_and_its_readings_are_unverified() -> None:
    heard = said(up(profile="class A"))
    assert heard["provision.candidate"].value == EUI
    assert heard["provision.model"].value == "netvox.r312a"
    assert heard["alarm.sos"].quality is Quality.UNVERIFIED


@pytest.mark.parametrize("data", ["c0ffee", "00", "ff" * 20, "0167", "03670000ff", "0000000000"])
def test_bytes_that_no_grammar_reads_whole_say_nothing(data: str) -> None:
    assert set(said(up(bytes.fromhex(data), 12, profile="class A"))) == {"provision.candidate", "link.seen"}


def test_press_of_an_unknown_model_is_looked_at_at_once() -> None:
    assert ADAPTER.urgent(TOPIC, json.dumps(up(profile="class A")).encode())
    assert ADAPTER.urgent(TOPIC, b"{")
    assert ADAPTER.urgent(TOPIC, json.dumps(up()).encode())
    assert not ADAPTER.urgent(TOPIC, json.dumps(up(bytes.fromhex("014d011e00000000000000"))).encode())


def test_bytes_of_another_product_are_refused() -> None:
    with pytest.raises(DecodeError, match=r"netvox\.r312a"):
        hear(up(bytes.fromhex("010a011e01000000000000")))


# ------------------------------------------------------------------------------------------------------------ envelopes


@pytest.mark.parametrize("eui", [EUI.upper(), "70-B3-D5-7E-D0-06-0A-11", b64encode(bytes.fromhex(EUI)).decode()])
def test_device_is_the_same_however_its_eui_is_written(eui: str) -> None:
    assert envelope.read("application/7/device/x/rx", json.dumps({"devEUI": eui, "data": ""}).encode()).eui == EUI


@pytest.mark.parametrize(
    "told",
    [
        "[]",
        "7",
        "{}",
        '{"deviceInfo": 7}',
        '{"devEUI": "room 4"}',
        '{"EUI": null}',
        '{"devEUI": "70b3d57ed0060a11", "data": 7, "fPort": 1}',
        '{"devEUI": "70b3d57ed0060a11", "data": "' + "A" * 400 + '", "fPort": 1}',
        '{"EUI": "70b3d57ed0060a11", "cmd": "rx", "data": "0g"}',
    ],
)
def test_what_is_no_envelope_is_refused(told: str) -> None:
    with pytest.raises(DecodeError):
        hear(told, "lorawan/x")


def test_message_without_a_topic_is_known_by_its_fields() -> None:
    def event(told: dict[str, Any]) -> Event:
        return envelope.read("lorawan/http", json.dumps({"devEUI": EUI, **told}).encode()).event

    assert event({"data": "", "fPort": 6}) is Event.UP
    assert event({"margin": 4}) is Event.STATUS
    assert event({"acknowledged": True}) is Event.ACK
    assert event({"devAddr": "01a2b3c4"}) is Event.BESIDE


@pytest.mark.parametrize(
    ("topic", "claimed"),
    [
        (TOPIC, True),
        ("eu868/application/a/device/b/event/up", True),
        ("application/7/device/70b3d57ed0060a11/rx", True),
        (THINGS_TOPIC, True),
        ("lorawan/anything", True),
        ("application/7/device/70b3d57ed0060a11/command/down", False),
        ("carehub/w-1/event", False),
        ("zigbee2mqtt/button", False),
    ],
)
def test_topics_of_the_networks_are_claimed(topic: str, claimed: bool) -> None:
    assert ADAPTER.claims(topic) is claimed


WILD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ["deviceInfo", "devEUI", "end_device_ids", "EUI", "cmd", "data", "fPort", "fCnt", "time", "rxInfo", "ts"]
MORE = ["uplink_message", "join_accept", "location_solved", "location", "tags", "batteryLevel", "gws", "acknowledged"]


@settings(max_examples=200, deadline=None)
@given(told=st.dictionaries(st.sampled_from([*FIELDS, *MORE]), WILD, max_size=8), up_body=st.booleans())
def test_any_json_is_telemetry_or_refused(told: dict[str, Any], up_body: bool) -> None:
    told = up() | told if up_body else told
    try:
        heard = hear(told)
    except DecodeError:
        return
    for one in heard:
        assert one.device.startswith("lorawan:")
        assert len(one.device) == 24
        (f"{one.identity}{one.sequence}").encode()
        assert {seen.code for seen in one.observations} <= set(CODES)
