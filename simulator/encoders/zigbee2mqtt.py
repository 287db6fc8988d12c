"""What Zigbee2MQTT publishes for a home's buttons and sensors, as its documentation shows it."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulator.encoders.encoder import Awaits, Device, Encoder, Messages, Outgoing, Transport, mqtt, publish


@dataclass(frozen=True, kw_only=True)
class Publication:
    """One MQTT message of the home's bridge, its topic relative to nothing: complete."""

    topic: str
    payload: bytes
    retain: bool = False


def _state(topic: str, words: dict[str, Any]) -> Publication:
    return Publication(topic=topic, payload=json.dumps(words, ensure_ascii=False).encode())


def _stamp(at: datetime) -> str:
    """`last_seen` in its ISO_8601_local form: the one an installation in China has, offset included."""
    return at.isoformat(timespec="milliseconds")


def bridge_online(base: str) -> Publication:
    return Publication(topic=f"{base}/bridge/state", payload=b'{"state":"online"}', retain=True)


def bridge_offline(base: str) -> Publication:
    """The bridge's will."""
    return Publication(topic=f"{base}/bridge/state", payload=b'{"state":"offline"}', retain=True)


def availability(base: str, name: str, *, online: bool) -> Publication:
    word = "online" if online else "offline"
    return Publication(topic=f"{base}/{name}/availability", payload=json.dumps({"state": word}).encode(), retain=True)


def emergency(base: str, name: str, at: datetime, *, battery_pct: int, linkquality: int) -> list[Publication]:
    """A press of a TS0215A button arrives three times: as state, as an emptied action, and on /action."""
    common: dict[str, Any] = {"battery": battery_pct, "last_seen": _stamp(at), "linkquality": linkquality}
    return [
        _state(f"{base}/{name}", {"action": "emergency", **common}),
        Publication(topic=f"{base}/{name}/action", payload=b"emergency"),
        _state(f"{base}/{name}", {"action": "", **common}),
    ]


def contact(base: str, name: str, at: datetime, *, closed: bool, battery_pct: int, linkquality: int) -> Publication:
    """A door contact: `contact` true means closed."""
    words = {"contact": closed, "battery": battery_pct, "last_seen": _stamp(at), "linkquality": linkquality}
    return _state(f"{base}/{name}", words)


def occupancy(base: str, name: str, at: datetime, *, seen: bool, battery_pct: int, linkquality: int) -> Publication:
    words = {"occupancy": seen, "battery": battery_pct, "last_seen": _stamp(at), "linkquality": linkquality}
    return _state(f"{base}/{name}", words)


def smoke(base: str, name: str, at: datetime, *, smoke: bool, battery_pct: int, linkquality: int) -> Publication:
    words = {"smoke": smoke, "battery": battery_pct, "last_seen": _stamp(at), "linkquality": linkquality}
    return _state(f"{base}/{name}", words)


def _place(device: Device) -> tuple[str, str]:
    base, _, name = device.native.rpartition("/")
    return base, name


def _say(device: Device, at: datetime, words: dict[str, Any]) -> Messages:
    common = {"battery": device.battery_pct, "last_seen": _stamp(at.astimezone(device.zone)), "linkquality": 120}
    return (publish(device.native, {**words, **common}),)


def _sent(publication: Publication) -> Outgoing:
    return mqtt(publication.topic, publication.payload, retain=publication.retain)


def _press(device: Device, at: datetime, identity: str) -> Messages:
    base, name = _place(device)
    three = emergency(base, name, at.astimezone(device.zone), battery_pct=device.battery_pct, linkquality=120)
    return tuple(map(_sent, three))


def _fall(device: Device, at: datetime, identity: str) -> Messages:
    """MIR-HE200, a radar at the ceiling."""
    return _say(device, at, {"fall_down_status": "fall", "presence": True})


def _cancel(device: Device, at: datetime, identity: str) -> Messages:
    return _say(device, at, {"fall_down_status": "none", "presence": True})


def _low_battery(device: Device, at: datetime, identity: str) -> Messages:
    return _say(device, at, {"battery_low": True})


def _battery(device: Device, at: datetime, pct: int) -> Messages:
    device.battery_pct = pct
    return _say(device, at, {})


def _door(device: Device, at: datetime, opened: bool) -> Messages:
    return _say(device, at, {"contact": not opened})


def _motion(device: Device, at: datetime, on: bool) -> Messages:
    return _say(device, at, {"occupancy": on})


def _presence(device: Device, at: datetime, on: bool) -> Messages:
    return _say(device, at, {"presence": on})


def _water(device: Device, at: datetime, on: bool) -> Messages:
    return _say(device, at, {"water_leak": on})


def _smoke(device: Device, at: datetime, on: bool) -> Messages:
    return _say(device, at, {"smoke": on})


def _gas(device: Device, at: datetime, on: bool) -> Messages:
    return _say(device, at, {"gas": on})


def _login(device: Device, at: datetime) -> Messages:
    base, name = _place(device)
    return (_sent(bridge_online(base)), _sent(availability(base, name, online=True)))


def _farewell(device: Device, at: datetime) -> Messages:
    base, name = _place(device)
    return (_sent(availability(base, name, online=False)),)


ENCODER = Encoder(
    family="zigbee2mqtt", transport=Transport.MQTT, awaits=Awaits.PUBACK, model="TS0215A",
    example="z2m:home7/zigbee2mqtt/浴室 SOS", source="https://www.zigbee2mqtt.io/guide/usage/mqtt_topics_and_messages",
    press=_press, fall=_fall, cancel=_cancel, low_battery=_low_battery, battery=_battery, login=_login,
    farewell=_farewell, door=_door, motion=_motion, presence=_presence, water=_water, smoke=_smoke, gas=_gas,
    models={
        "fall": "MIR-HE200", "cancel": "MIR-HE200", "door": "MCCGQ11LM", "motion": "RTCGQ11LM", "presence": "ZY-M100",
        "water": "SJCGQ11LM", "smoke": "TS0205", "gas": "TS0204",
    },
)  # fmt: skip
