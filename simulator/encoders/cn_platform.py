"""Things of the Chinese clouds: Alink (Alibaba Cloud's thing model), with properties and events as documented.

Properties carry a time of their own in milliseconds; an event's name stands in the topic.
"""

from datetime import datetime
from typing import Any

from simulator.encoders.encoder import (
    PULSE_BREATH,
    PULSE_OXYGEN,
    Awaits,
    Body,
    Device,
    Encoder,
    Messages,
    Transport,
    publish,
)

NAMES = {"heart_rate_bpm": "HeartRate", "spo2_pct": "SpO2", "respiration_rpm": "BreathRate"}


def _topic(device: Device, event: str) -> str:
    return f"{device.prefix}/sys/{device.native}/thing/event/{event}/post"


def _post(device: Device, at: datetime, event: str, params: dict[str, Any]) -> Messages:
    words = {"id": str(device.next_serial()), "version": "1.0", "params": params, "method": f"thing.event.{event}.post"}
    return (publish(_topic(device, event), words),)


def properties(device: Device, at: datetime, **values: Any) -> Messages:
    """Post properties, each with its time."""
    clock = int(at.timestamp() * 1000)
    return _post(device, at, "property", {name: {"value": value, "time": clock} for name, value in values.items()})


def press(device: Device, at: datetime, identity: str) -> Messages:
    return _post(device, at, "sos", {"value": {}, "time": int(at.timestamp() * 1000)})


def fall(device: Device, at: datetime, identity: str) -> Messages:
    return _post(device, at, "fall", {"value": {}, "time": int(at.timestamp() * 1000)})


def vitals(device: Device, at: datetime, body: Body) -> Messages:
    read = {word: getattr(body, name) for name, word in NAMES.items()}
    return properties(device, at, **{word: value for word, value in read.items() if value is not None})


def battery(device: Device, at: datetime, pct: int) -> Messages:
    device.battery_pct = pct
    return properties(device, at, BatteryLevel=pct)


def bed(device: Device, at: datetime, on: bool) -> Messages:
    return properties(device, at, InBed=int(on))


ENCODER = Encoder(
    family="cn_platform", transport=Transport.MQTT, awaits=Awaits.PUBACK, model="Alink mat",
    example="cnthing:a1Prod/mat-7", source="https://help.aliyun.com, Alink thing model",
    press=press, fall=fall, vitals=vitals, measures=PULSE_BREATH | PULSE_OXYGEN, battery=battery, bed=bed,
)  # fmt: skip
