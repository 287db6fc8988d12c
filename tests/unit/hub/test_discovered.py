"""What discovery messages told of is read; what they take back is forgotten; there is an end to what is remembered."""

import json
from datetime import UTC, datetime
from typing import Any

from devices.adapter import Message
from devices.telemetry import Observation, Quality
from hub.discovered import Discovered

NOW = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)


def learned(**configs: dict[str, Any]) -> Discovered:
    discovered = Discovered()
    for name, config in configs.items():
        component, _, key = name.partition("__")
        discovered.learn(f"homeassistant/{component}/{key}/config", json.dumps(config).encode())
    return discovered


def hear(discovered: Discovered, topic: str, payload: str, *, retained: bool = False) -> list[Observation]:
    message = Message(topic=topic, payload=payload.encode(), received_at=NOW, retained=retained)
    return [one for said in discovered.adapter.decode(message) for one in said.observations if one.code != "link.seen"]


def test_door_is_read_by_its_template() -> None:
    door = {"device_class": "door", "state_topic": "a/door", "value_template": "{{ value_json.open }}",
            "payload_on": True, "payload_off": False, "unique_id": "door"}  # fmt: skip
    discovered = learned(binary_sensor__door=door)
    assert [(one.code, one.value) for one in hear(discovered, "a/door", '{"open": true}')] == [("contact.open", True)]
    assert hear(discovered, "a/door", '{"open": null}') == []
    assert hear(discovered, "a/door", "{}") == []
    assert not discovered.adapter.urgent("a/door", b"{}")


def test_fall_and_call_are_known_by_name_and_are_urgent() -> None:
    fall = {"name": "Fall detected", "device_class": "safety", "state_topic": "a/fall"}
    cord = {"name": "SOS cord", "state_topic": "a/cord"}
    discovered = learned(binary_sensor__fall=fall, binary_sensor__cord=cord)
    assert [one.code for one in hear(discovered, "a/fall", "ON")] == ["alarm.fall"]
    assert [one.code for one in hear(discovered, "a/cord", "ON")] == ["alarm.sos"]
    assert discovered.adapter.urgent("a/fall", b"ON")


def test_readings_come_in_our_units() -> None:
    warm = {"device_class": "temperature", "unit_of_measurement": "°F", "state_topic": "a/t"}
    heart = {"name": "Heart rate", "unit_of_measurement": "bpm", "state_topic": "a/h"}
    battery = {"device_class": "voltage", "unit_of_measurement": "mV", "state_topic": "a/v"}
    discovered = learned(sensor__t=warm, sensor__h=heart, sensor__v=battery)
    assert [(one.code, one.value) for one in hear(discovered, "a/t", "68")] == [("env.temperature", 20.0)]
    assert [(one.code, one.value) for one in hear(discovered, "a/h", "61")] == [("vital.heart_rate", 61)]
    assert [(one.code, one.value) for one in hear(discovered, "a/v", "2950")] == [("battery.voltage", 2.95)]


def test_water_meters_count_in_cubic_metres_and_without_a_unit_not_at_all() -> None:
    units = ("m³", "L", "gal", None)
    meters = {f"sensor__m{i}": {"device_class": "water", "unit_of_measurement": unit, "state_topic": f"a/{i}"}
              for i, unit in enumerate(units)}  # fmt: skip
    discovered = learned(**meters)
    said = [
        [(one.code, one.value, one.unit) for one in hear(discovered, f"a/{i}", "1234.5")] for i in range(len(units))
    ]
    assert said[:2] == [[("water.total", 1234.5, "m3")], [("water.total", 1.2345, "m3")]]
    assert said[2:] == [[("water.total", 4.673091, "m3")], []]
    assert [one.quality for one in hear(discovered, "a/0", "-4")] == [Quality.IMPLAUSIBLE]


def test_settings_that_sound_like_an_alarm_are_none() -> None:
    discovered = learned(binary_sensor__s={"name": "SOS sensitivity enabled", "state_topic": "a/s"})
    assert hear(discovered, "a/s", "ON") == []


def test_trigger_is_only_its_own_word() -> None:
    single = {"automation_type": "trigger", "topic": "a/action", "payload": "single", "unique_id": "b"}
    help_ = {"automation_type": "trigger", "topic": "a/action", "payload": "emergency", "unique_id": "b"}
    discovered = learned(device_automation__one=single, device_automation__two=help_)
    assert [(one.code, one.value) for one in hear(discovered, "a/action", "single")] == [("button.press", "single")]
    assert [one.code for one in hear(discovered, "a/action", "emergency")] == ["alarm.sos"]


def test_retained_state_is_stale() -> None:
    discovered = learned(binary_sensor__cord={"name": "SOS cord", "state_topic": "a/cord"})
    assert [one.quality for one in hear(discovered, "a/cord", "ON", retained=True)] == [Quality.STALE]


def test_description_of_one_home_speaks_for_no_topic_of_another() -> None:
    discovered = Discovered()
    discovered.learn("home7/homeassistant/binary_sensor/x/config", b'{"state_topic": "home8/door", "unique_id": "x"}')
    assert list(discovered.by_topic) == ["home7/home8/door"]


def test_new_description_replaces_the_old_and_an_empty_one_takes_it_away() -> None:
    discovered = learned(binary_sensor__x={"state_topic": "a/one"})
    discovered.learn("homeassistant/binary_sensor/x/config", b'{"state_topic": "a/two"}')
    assert list(discovered.by_topic) == ["a/two"]
    discovered.learn("homeassistant/binary_sensor/x/config", b"{")
    assert list(discovered.by_topic) == ["a/two"], "what cannot be read changes nothing"
    discovered.learn("homeassistant/binary_sensor/x/config", b"")
    assert not discovered.by_topic
    assert len(discovered) == 0


def test_template_nobody_here_understands_says_nothing() -> None:
    discovered = learned(binary_sensor__x={"state_topic": "a", "value_template": "{{ states('x') | random }}"})
    assert not discovered.by_topic


def test_oldest_make_room() -> None:
    discovered = Discovered(most=10)
    for at in range(25):
        discovered.learn(f"homeassistant/sensor/s{at}/config", f'{{"state_topic": "t/{at}"}}'.encode())
    assert len(discovered) == len(discovered.by_topic) == 10
    assert "t/24" in discovered.by_topic


def config(place: str, name: str) -> tuple[str, bytes]:
    said = {"name": "SOS cord", "state_topic": f"{place}/{name}"}
    return f"{place}/homeassistant/binary_sensor/{name}/config", json.dumps(said).encode()


def test_stranger_who_invents_houses_has_nobodys_alarm_forgotten_and_leaves_room_for_new_ones() -> None:
    discovered = Discovered(most=100, most_of_one=20)
    cords = [config("home7", f"cord{at}") for at in range(9)]
    for topic, payload in cords:
        discovered.learn(topic, payload)
    for at in range(300):
        discovered.learn(*config(f"acme/{at}", "x"))
    assert len(discovered) == len(discovered.by_topic) == 100
    discovered.learn(*config("home8", "cord"))
    assert len(discovered) == 100
    assert all(f"home7/cord{at}" in discovered.by_topic for at in range(9))
    assert "home8/cord" in discovered.by_topic


def test_newcomer_is_refused_where_nobody_has_more_than_a_share() -> None:
    discovered = Discovered(most=20, most_of_one=20)
    for at in range(30):
        discovered.learn(*config(f"home{at}", "cord"))
    assert len(discovered) == 20
    assert set(discovered.by_topic) == {f"home{at}/cord" for at in range(20)}
    assert len(discovered.fresh) == 20, "what was not taken is not stored"
