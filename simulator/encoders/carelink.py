"""Carelink bracelets on MQTT, from the Carelink device specification 3.1: a topic an event, WGS-84, ISO 8601 in UTC.

A fall is asked of the wearer: detected first, then her answer. Charge is told in mAh, so no per cent is known.
"""

from datetime import datetime
from typing import Any

from simulator.encoders.encoder import Awaits, Device, Encoder, Fix, Messages, Transport, mqtt, publish, utc

CAPACITY_MAH = 400


def _words(device: Device, at: datetime) -> dict[str, Any]:
    fix = device.fix
    place = {"lat": round(fix.lat, 6), "lon": round(fix.lon, 6), "alt": float(fix.altitude_m)}
    charge = CAPACITY_MAH * device.battery_pct // 100
    return {"timestamp": f"{utc(at):%Y-%m-%dT%H:%M:%SZ}", "location": place, "batteryLevel": charge}


def fall(device: Device, at: datetime, identity: str) -> Messages:
    return (publish(f"{device.native}/fall/detected", _words(device, at)),)


def cancel(device: Device, at: datetime, identity: str) -> Messages:
    """She says that she is fine."""
    return (publish(f"{device.native}/fall/confirmation", {"status": False, **_words(device, at)}),)


def position(device: Device, at: datetime, fix: Fix) -> Messages:
    device.fix = fix
    return (publish(f"{device.native}/status", {**_words(device, at), "accompanied": False}),)


def heartbeat(device: Device, at: datetime) -> Messages:
    return position(device, at, device.fix)


def farewell(device: Device, at: datetime) -> Messages:
    return (mqtt(f"{device.native}/status", "LW: Unexpected disconnection", retain=True),)


ENCODER = Encoder(
    family="carelink", transport=Transport.MQTT, awaits=Awaits.PUBACK, model="Carelink",
    example="carelink:home7/carelink/bracelet7", source="https://github.com/jms-calado/MQTT-Specs, 3.1.0",
    fall=fall, cancel=cancel, position=position, heartbeat=heartbeat, farewell=farewell,
)  # fmt: skip
