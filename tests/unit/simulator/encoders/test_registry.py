"""Every grammar the hub has can be spoken by a simulated device, and says what it cannot say."""

import pytest

from devices.protocols import BY_NAME
from devices.registry import ADAPTERS
from simulator.encoders.encoder import STATES, WORDS, Awaits, Transport
from simulator.encoders.registry import ENCODERS, encoder_of
from tests.unit.simulator.encoders.heard import AT, device_of


def test_every_adapter_family_has_an_encoder() -> None:
    families = {adapter.name.partition("/")[0] for adapter in ADAPTERS}
    missing = families - {encoder.family for encoder in ENCODERS.values()}
    assert not missing, (
        f"no encoder of {sorted(missing)}: write simulator/encoders/<family>.py and name it in registry.py"
    )
    assert families <= set(ENCODERS), "each family has one under its own name"


def test_family_s_other_kinds_are_called_after_it() -> None:
    for name, encoder in ENCODERS.items():
        assert name.partition(".")[0] == encoder.family


def test_asking_for_a_family_nobody_wrote_names_those_there_are() -> None:
    assert encoder_of("gt06") is ENCODERS["gt06"]
    with pytest.raises(KeyError, match=r"no encoder of 'sputnik'; there are bed, .*zigbee2mqtt"):
        encoder_of("sputnik")


@pytest.mark.parametrize("name", ENCODERS)
def test_family_can_say_something_and_its_document_is_named(name: str) -> None:
    encoder = ENCODERS[name]
    assert encoder.says
    assert encoder.source
    assert bool(encoder.vitals) == bool(encoder.measures)
    assert (encoder.acknowledged is None) == (encoder.awaits is not Awaits.REPLY)
    assert (encoder.awaits is Awaits.PUBACK) <= (encoder.transport is Transport.MQTT)
    assert set(encoder.models) <= encoder.says


@pytest.mark.parametrize("name", ENCODERS)
def test_messages_travel_as_the_family_does(name: str) -> None:
    encoder = ENCODERS[name]
    for word in ("press", "battery", *STATES):
        say = getattr(encoder, word)
        if say is None:
            continue
        for one in say(device_of(encoder, word), AT, {"press": "81", "battery": 80}.get(word, True)):
            assert one.transport is encoder.transport
            assert one.payload
            assert (one.topic in BY_NAME) == (one.transport is Transport.TCP)


@pytest.mark.parametrize("name", ENCODERS)
def test_two_devices_of_one_seed_say_the_same_bytes(name: str) -> None:
    encoder = ENCODERS[name]
    for word in ("press", "fall", "heartbeat", "login"):
        say = getattr(encoder, word)
        if say is not None:
            one, other = device_of(encoder, word), device_of(encoder, word)
            more = ("81",) if word in ("press", "fall") else ()
            assert say(one, AT, *more) == say(other, AT, *more)


def test_words_are_fields_of_an_encoder() -> None:
    assert ENCODERS["carehub"].says <= set(WORDS)
    assert ENCODERS["topin"].press is None, "its protocol has no word for its button"
    assert ENCODERS["r12w"].says == {"login", "heartbeat"}
