"""Smart helmets of a platform, from its MQTT document of 2020-12-29: `info/<tenant>/…`, seconds of UTC.

Who wears it stands in the body as tenant and user, so the address is `helmet:<tenant>/<user>`, behind the prefix of
its gateway where there is one.
"""

from datetime import datetime
from typing import Any

from simulator.encoders.encoder import Awaits, Device, Encoder, Fix, Messages, Transport, publish


def _say(device: Device, at: datetime | None, kind: str, **more: Any) -> Messages:
    tenant, user = device.native.split("/")[-2:]
    words: dict[str, Any] = {"user_id": int(user), "tenant_id": int(tenant)}
    if at is not None:
        words["timestamp"] = int(at.timestamp())
    return (publish(f"{device.prefix}info/{tenant}/{kind}", {**words, **more}),)


def _place(device: Device) -> dict[str, float]:
    return {"lng": round(device.fix.lon, 5), "lat": round(device.fix.lat, 5)}


def _alarm(device: Device, at: datetime, kind: str) -> Messages:
    return _say(device, at, "alarm", **_place(device), alarm_type=kind, additional="")


def press(device: Device, at: datetime, identity: str) -> Messages:
    return _alarm(device, at, "SOS")


def fall(device: Device, at: datetime, identity: str) -> Messages:
    return _alarm(device, at, "fall")


def low_battery(device: Device, at: datetime, identity: str) -> Messages:
    return _alarm(device, at, "battery")


def taken_off(device: Device, at: datetime, identity: str) -> Messages:
    return _alarm(device, at, "unwear")


def position(device: Device, at: datetime, fix: Fix) -> Messages:
    device.fix = fix
    return _say(device, at, "position", **_place(device), elevation=fix.altitude_m, position_type="Q", qx_type=1)


def heartbeat(device: Device, at: datetime) -> Messages:
    state = {"battery": device.battery_pct, "battery_charging": False, "mode": "NORMAL", "network": "4G"}
    return _say(device, at, "heart", **state, version="1.0")


def battery(device: Device, at: datetime, pct: int) -> Messages:
    device.battery_pct = pct
    return heartbeat(device, at)


def login(device: Device, at: datetime) -> Messages:
    state = {"battery": device.battery_pct, "mode": "NORMAL", "network": "4G"}
    return _say(device, at, "up", **_place(device), **state)


def farewell(device: Device, at: datetime) -> Messages:
    return _say(device, None, "down")


ENCODER = Encoder(
    family="helmet", transport=Transport.MQTT, awaits=Awaits.PUBACK, model="helmet", example="helmet:7/31",
    source="a platform's MQTT document for smart helmets, 2020-12-29",
    press=press, fall=fall, low_battery=low_battery, taken_off=taken_off, battery=battery, position=position,
    login=login, heartbeat=heartbeat, farewell=farewell,
)  # fmt: skip
