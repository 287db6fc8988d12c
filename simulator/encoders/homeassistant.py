"""Things that announce themselves to Home Assistant's discovery, as its MQTT documentation has it.

A thing publishes retained configurations, one an entity, and from then on bare states on the topics those name. Who did
not keep the configurations understands nothing of the states.
"""

from datetime import datetime
from typing import Any

from simulator.encoders.encoder import PULSE, Awaits, Body, Device, Encoder, Flag, Messages, Transport, mqtt, publish

# What there is on the thing: entity → component, device class, unit.
ENTITIES: dict[str, tuple[str, str, str]] = {
    "sos": ("binary_sensor", "safety", ""),
    "fall": ("binary_sensor", "safety", ""),
    "door": ("binary_sensor", "door", ""),
    "motion": ("binary_sensor", "motion", ""),
    "presence": ("binary_sensor", "presence", ""),
    "water": ("binary_sensor", "moisture", ""),
    "smoke": ("binary_sensor", "smoke", ""),
    "gas": ("binary_sensor", "gas", ""),
    "bed": ("binary_sensor", "occupancy", ""),
    "battery": ("sensor", "battery", "%"),
    "heart_rate": ("sensor", "", "bpm"),
    "meter": ("sensor", "water", "L"),
}


def _home(device: Device) -> tuple[str, str]:
    """The gateway's prefix with its slash, and the thing's identifier."""
    home, _, own = device.native.rpartition("/")
    return (f"{home}/" if home else ""), own


def _topic(device: Device, entity: str) -> str:
    home, own = _home(device)
    return f"{home}{own}/{entity}"


def login(device: Device, at: datetime) -> Messages:
    """Its discovery: a configuration an entity, retained."""
    home, own = _home(device)
    said = []
    for entity, (component, device_class, unit) in ENTITIES.items():
        words: dict[str, Any] = {"name": entity.replace("_", " "), "state_topic": _topic(device, entity)}
        words |= {"unique_id": f"{own}-{entity}", "device": {"identifiers": [own], "model": device.model or "D1"}}
        words |= {"device_class": device_class} if device_class else {}
        words |= {"unit_of_measurement": unit} if unit else {}
        said.append(publish(f"{home}homeassistant/{component}/{own}/{entity}/config", words, retain=True))
    return tuple(said)


def _on(device: Device, entity: str, on: bool) -> Messages:
    return (mqtt(_topic(device, entity), "ON" if on else "OFF"),)


def press(device: Device, at: datetime, identity: str) -> Messages:
    return (*_on(device, "sos", True), *_on(device, "sos", False))


def fall(device: Device, at: datetime, identity: str) -> Messages:
    return _on(device, "fall", True)


def cancel(device: Device, at: datetime, identity: str) -> Messages:
    return _on(device, "fall", False)


def battery(device: Device, at: datetime, pct: int) -> Messages:
    device.battery_pct = pct
    return (mqtt(_topic(device, "battery"), str(pct)),)


def meter(device: Device, at: datetime, litres: int) -> Messages:
    return (mqtt(_topic(device, "meter"), str(litres)),)


def vitals(device: Device, at: datetime, body: Body) -> Messages:
    return (mqtt(_topic(device, "heart_rate"), str(body.heart_rate_bpm)),) if body.heart_rate_bpm is not None else ()


def _state(entity: str) -> Flag:
    def say(device: Device, at: datetime, on: bool) -> Messages:
        return _on(device, entity, on)

    return say


ENCODER = Encoder(
    family="homeassistant", transport=Transport.MQTT, awaits=Awaits.PUBACK, model="D1", example="ha:home7/acme-7",
    source="https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery",
    press=press, fall=fall, cancel=cancel, vitals=vitals, measures=PULSE, battery=battery, meter=meter, login=login,
    door=_state("door"), motion=_state("motion"), presence=_state("presence"), bed=_state("bed"),
    water=_state("water"), smoke=_state("smoke"), gas=_state("gas"),
)  # fmt: skip
