"""Kati/iMEDE watches on MQTT, from the Kati watch payload document: one topic a kind, the IMEI in the body.

Their time is written day first, in the watch's own zone, and without saying so; an alarm has no time at all.
"""

from datetime import datetime, timedelta, timezone
from typing import Any

from simulator.encoders.encoder import (
    PRESSURE,
    PULSE_OXYGEN,
    Awaits,
    Body,
    Device,
    Encoder,
    Fix,
    Messages,
    Transport,
    publish,
)

THAILAND = timezone(timedelta(hours=7))  # where these watches are sold
LBS = {"MCC": "520", "MNC": "3", "LAC": "1815", "CID": "79474300"}


def _say(device: Device, kind: str, **words: Any) -> Messages:
    home, _, imei = device.native.rpartition("/")
    topic = f"{home}/iMEDE_watch/{kind}" if home else f"iMEDE_watch/{kind}"
    return (publish(topic, {**words, "IMEI": imei}),)


def _clock(at: datetime) -> str:
    return f"{at.astimezone(THAILAND):%d/%m/%Y %H:%M:%S}"


def _place(fix: Fix, **more: float) -> dict[str, Any]:
    gps = {"latitude": round(fix.lat, 6), "longitude": round(fix.lon, 6), **more}
    return {**({"GPS": gps} if fix.valid else {}), "LBS": LBS}


def press(device: Device, at: datetime, identity: str) -> Messages:
    return _say(device, "sos", status="SOS", location=_place(device.fix))


def fall(device: Device, at: datetime, identity: str) -> Messages:
    return _say(device, "fallDown", status="FALL DOWN", location=_place(device.fix))


def heartbeat(device: Device, at: datetime) -> Messages:
    state = {"signalGSM": 80, "battery": device.battery_pct, "satellites": device.fix.satellites, "workingMode": 2}
    return _say(device, "hb", **state, timeStamps=_clock(at), step=device.steps)


def battery(device: Device, at: datetime, pct: int) -> Messages:
    device.battery_pct = pct
    return heartbeat(device, at)


def steps(device: Device, at: datetime, count: int) -> Messages:
    device.steps = count
    return heartbeat(device, at)


def vitals(device: Device, at: datetime, body: Body) -> Messages:
    words: dict[str, Any] = {}
    if body.heart_rate_bpm is not None:
        words["heartRate"] = body.heart_rate_bpm
    if body.systolic_mmhg is not None and body.diastolic_mmhg is not None:
        words["bloodPressure"] = {"bp_sys": body.systolic_mmhg, "bp_dia": body.diastolic_mmhg}
    if body.temperature_c is not None:
        words["bodyTemperature"] = round(body.temperature_c, 1)
    if body.spo2_pct is not None:
        words["spO2"] = body.spo2_pct
    return _say(device, "VitalSign", **words, signalGSM=80, battery=device.battery_pct, timeStamps=_clock(at))


def position(device: Device, at: datetime, fix: Fix) -> Messages:
    device.fix = fix
    return _say(device, "location", location=_place(fix, speed=fix.speed_kmh, header=float(fix.course_deg)))


def login(device: Device, at: datetime) -> Messages:
    return _say(device, "onlineTrigger", status="online")


def farewell(device: Device, at: datetime) -> Messages:
    return _say(device, "onlineTrigger", status="offline")


ENCODER = Encoder(
    family="watch_json", transport=Transport.MQTT, awaits=Awaits.PUBACK, model="Kati",
    example="watchjson:860000000000017", source="Kati watch MQTT payload document",
    press=press, fall=fall, vitals=vitals, measures=PULSE_OXYGEN | PRESSURE | {"temperature_c"}, steps=steps,
    battery=battery, position=position, login=login, heartbeat=heartbeat, farewell=farewell, local_time=True,
)  # fmt: skip
