"""OpenMQTTGateway: 433 MHz codes and Bluetooth sensors of Theengs' list, as its documentation shows them.

A call button of 433 MHz has a code and nothing else: no time, no counter, no battery, and it sends it several times.
"""

from datetime import datetime
from typing import Any

from simulator.encoders.encoder import Awaits, Device, Encoder, Messages, Transport, mqtt, publish

REPEATS = 3  # of one push, as the gateway hears them


def press(device: Device, at: datetime, identity: str) -> Messages:
    """`omg:<gateway>/rf/<code in hex>`."""
    gateway, _, code = device.native.rpartition("/rf/")
    words = {"value": int(code, 16), "protocol": 1, "length": 24, "delay": 320}
    return tuple(publish(f"{gateway}/433toMQTT", words) for _ in range(REPEATS))


def _gateway(device: Device) -> str:
    return device.native.rpartition("/rf/")[0] or device.native.rpartition("/")[0]


def login(device: Device, at: datetime) -> Messages:
    return (mqtt(f"{_gateway(device)}/LWT", "online", retain=True),)


def farewell(device: Device, at: datetime) -> Messages:
    return (mqtt(f"{_gateway(device)}/LWT", "offline", retain=True),)


def heard(device: Device, **values: Any) -> Messages:
    """Return what the gateway heard from a Bluetooth sensor: `omg:<gateway>/<address>`."""
    gateway, _, digits = device.native.rpartition("/")
    mac = ":".join(digits[at : at + 2] for at in range(0, 12, 2)).upper()
    words = {"id": mac, "rssi": -71, "brand": "Xiaomi", "model_id": device.model or "MCCGQ02HL", **values}
    return (publish(f"{gateway}/BTtoMQTT/{digits.upper()}", words),)


def door(device: Device, at: datetime, opened: bool) -> Messages:
    return heard(device, open=opened)


def motion(device: Device, at: datetime, on: bool) -> Messages:
    return heard(device, motion=on)


def battery(device: Device, at: datetime, pct: int) -> Messages:
    device.battery_pct = pct
    return heard(device, batt=pct)


SOURCE = "https://docs.openmqttgateway.com and https://decoder.theengs.io/devices"
ENCODER = Encoder(
    family="openmqttgateway", transport=Transport.MQTT, awaits=Awaits.PUBACK, model="call-button",
    example="omg:home7/OpenMQTTGateway/rf/5A3C11", source=SOURCE, press=press, login=login, farewell=farewell,
)  # fmt: skip
BLUETOOTH = Encoder(
    family="openmqttgateway", transport=Transport.MQTT, awaits=Awaits.PUBACK, model="MCCGQ02HL",
    example="omg:home7/OpenMQTTGateway/a4c138aabb02", source=SOURCE, battery=battery, door=door, motion=motion,
    login=login, farewell=farewell, models={"motion": "RTCGQ02LM"},
)  # fmt: skip
