"""MicRadar modules behind a bridge, from the R60AFD1 protocol's items: all as one flat object on `<model>/live`.

`heartbeat` there counts the module's own signs of life; the heart rate has its own name.
"""

from datetime import datetime
from typing import Any

from simulator.encoders.encoder import PULSE_BREATH, Awaits, Body, Device, Encoder, Messages, Transport, publish


def live(device: Device, **values: Any) -> Messages:
    """`radarjson:<place>/<own name>`: the topic is the place's."""
    place, _, own = device.native.rpartition("/")
    words = {"device_id": own, "device_type": "R60AFD1", **values, "heartbeat": device.count("live", 256)}
    return (publish(f"{place}/live", words),)


def fall(device: Device, at: datetime, identity: str) -> Messages:
    return live(device, presence=True, fall_alarm=True, stay_still_alarm=False, movement_state=1)


def cancel(device: Device, at: datetime, identity: str) -> Messages:
    return live(device, presence=True, fall_alarm=False, stay_still_alarm=False, movement_state=2)


def presence(device: Device, at: datetime, on: bool) -> Messages:
    return live(device, presence=on, fall_alarm=False, movement_state=1 if on else 0)


def motion(device: Device, at: datetime, on: bool) -> Messages:
    return live(device, presence=True, fall_alarm=False, movement_state=2 if on else 1)


def bed(device: Device, at: datetime, on: bool) -> Messages:
    return live(device, presence=True, in_bed=int(on))


def vitals(device: Device, at: datetime, body: Body) -> Messages:
    read = {"heart_rate": body.heart_rate_bpm, "breath_rate": body.respiration_rpm}
    return live(device, presence=True, **{word: value for word, value in read.items() if value is not None})


ENCODER = Encoder(
    family="radar_json", transport=Transport.MQTT, awaits=Awaits.PUBACK, model="R60AFD1",
    example="radarjson:home7/R60AFD1/bath-1", source="MicRadar R60AFD1 protocol, bridged as JSON",
    fall=fall, cancel=cancel, vitals=vitals, measures=PULSE_BREATH, motion=motion, presence=presence, bed=bed,
)  # fmt: skip
