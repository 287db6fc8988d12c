"""What the hub understands of an encoder's messages: frames cut and named as the gateway does, without sockets."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from devices import registry
from devices.adapter import DecodeError, Message
from devices.adapters import homeassistant
from devices.adapters.homeassistant_discovery import Entity, entities_of
from devices.protocols import BY_NAME
from devices.telemetry import Observation, Telemetry
from simulator.encoders.encoder import Device, Encoder, Fix, Outgoing, Transport
from simulator.encoders.registry import ENCODERS

AT = datetime(2026, 11, 21, 21, 59, 58, tzinfo=UTC)
HOME = Fix(lat=38.4667, lon=106.2731, speed_kmh=4.0, course_deg=120, altitude_m=1110, satellites=9)


def device_of(encoder: Encoder, word: str = "", seed: int = 7) -> Device:
    """Return a device of the family that says a word, at a place it knows."""
    return replace(Device(address=encoder.example, seed=seed, model=encoder.model_of(word)), fix=HOME)


def messages_of(said: Iterable[Outgoing], device: Device, at: datetime = AT) -> list[Message]:
    """Return what reaches the hub's decoders: TCP as one stream that the protocol's framer cuts."""
    arrived: list[Message] = []
    signed_in = device.native  # what the login on this connection said
    for one in said:
        if one.transport is Transport.MQTT:
            arrived.append(_message(one.topic, one.payload, device, at))
            continue
        protocol = BY_NAME[one.topic]
        for frame in protocol.framer().feed(one.payload):
            named = protocol.device_of(frame)
            scheme = device.address.partition(":")[0]
            arrived.append(_message(f"tcp/{scheme}" if named else f"tcp/{scheme}/{signed_in}", frame, device, at))
    return arrived


def _message(topic: str, payload: bytes, device: Device, at: datetime) -> Message:
    return Message(topic=topic, payload=payload, received_at=at, model=device.model or None)


def telemetry(encoder: Encoder, said: Iterable[Outgoing], device: Device, at: datetime = AT) -> list[Telemetry]:
    """Return what the registry's grammar makes of it.

    Raises:
        DecodeError: The grammar refuses a message.
    """
    found: list[Telemetry] = []
    for message in messages_of(said, device, at):
        if encoder.family == "homeassistant":
            adapter = homeassistant.HomeAssistantAdapter(entities=discovered(encoder, device))
            found.extend(adapter.decode(message))
            continue
        known = registry.adapter_for(message.topic)
        assert known is not None, f"nobody claims {message.topic}"
        assert known.name.partition("/")[0] == encoder.family, f"{known.name} claims {message.topic}"
        found.extend(known.decode(message))
    return found


def discovered(encoder: Encoder, device: Device) -> dict[str, tuple[Entity, ...]]:
    """Return the entities a thing told of at its discovery, by topic."""
    assert encoder.login is not None
    table: dict[str, tuple[Entity, ...]] = {}
    for one in encoder.login(device, AT):
        told = entities_of(one.topic, one.payload)
        assert told is not None
        for entity in told[1]:
            table[entity.topic] = (*table.get(entity.topic, ()), entity)
    return table


def observations(encoder: Encoder, said: Sequence[Outgoing], device: Device, at: datetime = AT) -> list[Observation]:
    """Return all observations, whatever message they came in."""
    return [seen for one in telemetry(encoder, said, device, at) for seen in one.observations]


def saying(word: str) -> list[str]:
    """Return the names of the encoders that have a word."""
    return [name for name, encoder in ENCODERS.items() if word in encoder.says]


def every(words: Iterable[str]) -> list[tuple[str, str]]:
    """Return each encoder's name with each of the words it has."""
    return [(name, word) for word in words for name in saying(word)]


def refused(message: Message) -> bool:
    """Decode a damaged message: nothing but DecodeError may come of it."""
    adapter = registry.adapter_for(message.topic)
    if adapter is None:
        return True
    try:
        adapter.decode(message)
    except DecodeError:
        return True
    return False
