"""A thing nobody has heard of, that puts JSON of common names on a topic: what an installer finds in a box.

There is no document; its words are such as many makers use. The hub reads it and believes nothing.
"""

from datetime import datetime
from typing import Any

from simulator.encoders.encoder import PULSE_OXYGEN, Awaits, Body, Device, Encoder, Messages, Transport, publish


def _say(device: Device, at: datetime, **words: Any) -> Messages:
    return (publish(device.native, {**words, "timestamp": int(at.timestamp())}),)


def vitals(device: Device, at: datetime, body: Body) -> Messages:
    read = {"heartRate": body.heart_rate_bpm, "spo2": body.spo2_pct}
    return _say(device, at, **{word: value for word, value in read.items() if value is not None})


def battery(device: Device, at: datetime, pct: int) -> Messages:
    device.battery_pct = pct
    return _say(device, at, battery=pct)


ENCODER = Encoder(
    family="unknown_json", transport=Transport.MQTT, awaits=Awaits.PUBACK, model="", example="json:home7/json/box-1",
    source="names in common use", vitals=vitals, measures=PULSE_OXYGEN, battery=battery,
)  # fmt: skip
