"""First-generation Shellies on MQTT, from shelly-api-docs.shelly.cloud/gen1: `shellies/<id>/…`, bare values.

A button counts its presses; what it says right after it started is an empty event of the same count.
"""

from datetime import datetime

from simulator.encoders.encoder import Awaits, Device, Encoder, Messages, Transport, mqtt, publish

BUTTON_COUNTS = 4096


def _bare(device: Device, path: str, value: str, *, retain: bool = False) -> Messages:
    return (mqtt(f"{device.native}/{path}", value, retain=retain),)


def press(device: Device, at: datetime, identity: str) -> Messages:
    """A short push of a Button 1."""
    return (
        publish(f"{device.native}/input_event/0", {"event": "S", "event_cnt": device.count("press", BUTTON_COUNTS)}),
    )


def battery(device: Device, at: datetime, pct: int) -> Messages:
    device.battery_pct = pct
    return _bare(device, "sensor/battery", str(pct))


def door(device: Device, at: datetime, opened: bool) -> Messages:
    """Door/Window 2."""
    return _bare(device, "sensor/state", "open" if opened else "close")


def water(device: Device, at: datetime, on: bool) -> Messages:
    return _bare(device, "sensor/flood", "true" if on else "false")


def smoke(device: Device, at: datetime, on: bool) -> Messages:
    return _bare(device, "sensor/smoke", "true" if on else "false")


def gas(device: Device, at: datetime, on: bool) -> Messages:
    return _bare(device, "sensor/gas", "heavy" if on else "none")


def motion(device: Device, at: datetime, on: bool) -> Messages:
    """Shelly Motion: one object for everything."""
    words = {
        "motion": on, "timestamp": int(at.timestamp()), "active": True, "vibration": False, "lux": 41,
        "bat": device.battery_pct,
    }  # fmt: skip
    return (publish(f"{device.native}/status", words),)


def login(device: Device, at: datetime) -> Messages:
    return _bare(device, "online", "true", retain=True)


def farewell(device: Device, at: datetime) -> Messages:
    return _bare(device, "online", "false", retain=True)


ENCODER = Encoder(
    family="shelly1", transport=Transport.MQTT, awaits=Awaits.PUBACK, model="SHBTN-2",
    example="shelly1:home7/shellies/shellybutton1-A1B2C3D4E5F6", source="https://shelly-api-docs.shelly.cloud/gen1/",
    press=press, battery=battery, login=login, farewell=farewell, door=door, motion=motion, water=water, smoke=smoke,
    gas=gas,
    models={"door": "SHDW-2", "motion": "SHMOS-01", "water": "SHWT-1", "smoke": "SHSM-01", "gas": "SHGS-1"},
)  # fmt: skip
