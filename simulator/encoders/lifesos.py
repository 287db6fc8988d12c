"""LifeSOS LS-30 alarm bases over LifeSOSpy_MQTT, from its topics: plain text, and the base's Contact ID events as JSON.

An alarm is told twice, as JSON and as its bare code. A magnet contact has a topic of its own.
"""

from datetime import datetime

from simulator.encoders.encoder import Awaits, Device, Encoder, Flag, Messages, Transport, mqtt, publish

MEDICAL, FIRE = {"code": "m", "description": "Medical"}, {"code": "f", "description": "Fire"}


def event(device: Device, code: str, *, begins: bool = True, kind: str = "Alarm") -> Messages:
    """Return a Contact ID event, or its restoring."""
    category = MEDICAL if code == "PersonalEmergency" else FIRE
    words = {
        "event_qualifier": "Event" if begins else "Restore", "event_category": kind, "event_code": code,
        "device_category": category, "zone": "02-01", "user_id": None,
    }  # fmt: skip
    bare = mqtt(f"{device.native}/{'event_code' if begins else 'restore_code'}", code)
    return (publish(f"{device.native}/event", words), bare)


def press(device: Device, at: datetime, identity: str) -> Messages:
    return event(device, "PersonalEmergency")


def low_battery(device: Device, at: datetime, identity: str) -> Messages:
    return event(device, "RFLowBattery", kind="Trouble")


def _detector(code: str) -> Flag:
    def say(device: Device, at: datetime, on: bool) -> Messages:
        return event(device, code, begins=on)

    return say


def login(device: Device, at: datetime) -> Messages:
    return (mqtt(f"{device.native}/is_connected", "True", retain=True),)


def farewell(device: Device, at: datetime) -> Messages:
    return (mqtt(f"{device.native}/is_connected", "False", retain=True),)


def door(device: Device, at: datetime, opened: bool) -> Messages:
    return (mqtt(device.native, "Open" if opened else "Closed", retain=True),)


SOURCE = "https://github.com/rorr73/LifeSOSpy_MQTT docs/topics.rst, and LifeSOSpy's enums"
ENCODER = Encoder(
    family="lifesos", transport=Transport.MQTT, awaits=Awaits.PUBACK, model="LS-30",
    example="lifesos:home7/lifesos/alarm", source=SOURCE,
    press=press, low_battery=low_battery, login=login, farewell=farewell, water=_detector("WaterLeakage"),
    smoke=_detector("Smoke"), gas=_detector("GasDetected"),
)  # fmt: skip
MAGNET = Encoder(
    family="lifesos", transport=Transport.MQTT, awaits=Awaits.PUBACK, model="DoorMagnet",
    example="lifesos:home7/lifesos/hall", source=SOURCE, door=door,
)  # fmt: skip
