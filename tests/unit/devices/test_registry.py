"""Which grammar is spoken where, and what is urgent before anybody has decoded it."""

import timeit

import pytest

from devices import registry, topics
from devices.adapter import Command, Message
from devices.adapters import (
    carehub,
    esphome,
    gt06,
    homeassistant,
    jt808,
    shelly_gen1,
    shelly_rpc,
    tasmota,
    watch_3g,
    watch_json,
    zigbee2mqtt,
)
from devices.telemetry import Telemetry


@pytest.mark.parametrize(
    ("topic", "adapter"),
    [
        ("carehub/w-0417/vitals", carehub.ADAPTER),
        ("carehub/w-0417/event", carehub.ADAPTER),
        ("carehub/w-0417/command", None),  # our own words
        ("carehub/responder/12/answer", None),  # a person's terminal
        ("carehub/responder/event", None),
        ("carehub/a b/event", None),
        ("carehub//event", None),
        ("tcp/watch3g", watch_3g.ADAPTER),
        ("tcp/watch3g/4700000017", watch_3g.ADAPTER),
        ("tcp/jt808", jt808.ADAPTER),
        ("tcp/gt06/862000000000001", gt06.ADAPTER),
        ("tcp/nobody", None),
        ("zigbee2mqtt/Bad", zigbee2mqtt.ADAPTER),
        # A thing's discovery is Home Assistant's, whatever its entities are called.
        ("home7/homeassistant/binary_sensor/acme-7/bed/config", homeassistant.ADAPTER),
        ("homeassistant/sensor/radar/distance/config", homeassistant.ADAPTER),
        ("homeassistant/switch/shelly/relay/config", homeassistant.ADAPTER),
        ("home7/zigbee2mqtt/flat 3/bed", zigbee2mqtt.ADAPTER),
        ("zigbee2mqtt-upstairs/Bad", zigbee2mqtt.ADAPTER),
        ("zigbee2mqtt", None),
        ("homeassistant/sensor/x/config", homeassistant.ADAPTER),
        ("home7/tele/hall/SENSOR", tasmota.ADAPTER),
        ("shellies/shellyflood-0A0B0C/sensor/flood", shelly_gen1.ADAPTER),
        ("shellyplusi4-a1b2c3d4e5f6/events/rpc", shelly_rpc.ADAPTER),
        ("bath-radar/binary_sensor/falling_detected/state", esphome.ADAPTER),
        ("iMEDE_watch/sos", watch_json.ADAPTER),
        ("home7/nobody/knows", None),
        ("", None),
    ],
)
def test_topic_finds_its_grammar(topic: str, adapter: object) -> None:
    assert registry.adapter_for(topic) is adapter


def test_address_finds_its_grammar() -> None:
    assert registry.by_scheme("carehub:w-0417") is carehub.ADAPTER
    assert registry.by_scheme("watch3g:4700000017") is watch_3g.ADAPTER
    assert registry.by_scheme("z2m:home7/zigbee2mqtt/SOS: bath") is zigbee2mqtt.ADAPTER
    assert registry.by_scheme("smoke signal") is None


def test_doubt_is_urgent() -> None:
    assert registry.urgent("nobody/knows", b"{}")
    assert registry.urgent("carehub/w-0417/event", b"")
    assert not registry.urgent("carehub/w-0417/vitals", b"{}")
    assert not registry.urgent("carehub/w-0417/accel", b"{}")


def test_grammar_that_fails_at_a_glance_is_doubt_too() -> None:
    class Hasty:
        name, scheme = "hasty/1", "hasty"

        def claims(self, topic: str) -> bool:
            return topic == "hasty/a"

        def urgent(self, topic: str, payload: bytes) -> bool:
            return payload[0] > 0

        def decode(self, message: Message) -> list[Telemetry]:
            return []

        def encode(self, command: Command) -> None:
            return None

    assert registry.urgent("hasty/a", b"", (Hasty(),))


def test_asking_whether_vitals_are_urgent_costs_next_to_nothing() -> None:
    ask = timeit.Timer(lambda: registry.urgent("carehub/w-0417/vitals", b"{}"))
    best_us = min(ask.repeat(repeat=20, number=1000)) / 1000 * 1e6
    assert best_us < 2, f"{best_us:.2f} µs a message"  # 0.2 on the machine it was written on


def test_names_are_unique_and_versioned() -> None:
    names = [adapter.name for adapter in registry.ADAPTERS]
    assert len(set(names)) == len(names)
    assert all(name.partition("/")[2].isdigit() for name in names)


def test_topics_are_built_as_they_are_read() -> None:
    for kind in topics.UP:
        assert topics.parse(topics.uplink("w-0417", kind)) == topics.Uplink("w-0417", kind)
    assert topics.command("w-0417") == "carehub/w-0417/command"
    assert topics.page(12) == "carehub/responder/12/page"
    assert topics.answering_person(topics.answer(12)) == 12
    assert topics.answering_person(topics.page(12)) is None
    assert topics.answering_person("carehub/responder/x/answer") is None
