"""Xexun V3 trackers and watches on TCP (2025), from the items open servers agree on: FC … CF with a CRC."""

import struct
from datetime import datetime

from simulator.encoders.checks import bcd, ccitt_false
from simulator.encoders.encoder import (
    PRESSURE,
    PULSE_BREATH,
    PULSE_OXYGEN,
    Awaits,
    Body,
    Device,
    Encoder,
    Fix,
    Messages,
    Outgoing,
    Transport,
    tcp,
)

LOGIN, DATA = 0x01, 0x20
PLACE, ALARM, STATE = 0x64, 0x69, 0x6A
SOS, LOW_BATTERY, REMOVED, FALL = 1, 2, 4, 7
UNKNOWN = 0xFF


def frame(kind: int, number: int, imei: str, body: bytes) -> bytes:
    """Return one message; length and CRC count from the version to the end of the body."""
    inside = bytes([3, kind, number]) + bcd(imei) + body
    return b"\xfc" + len(inside).to_bytes(2) + inside + ccitt_false(inside).to_bytes(2) + b"\xcf"


def _message(device: Device, kind: int, body: bytes) -> Outgoing:
    number = device.next_serial(256)
    device.owed = bytes([kind, number])
    return tcp("xexun3", frame(kind, number, device.native, body))


def item(kind: int, value: bytes) -> bytes:
    return bytes([kind, len(value)]) + value


def login(device: Device, at: datetime) -> Messages:
    return (_message(device, LOGIN, b""),)


def state(device: Device, at: datetime, body: Body) -> Messages:
    """Return level, link, movement, steps and what was measured; FF is nothing measured."""
    link = struct.pack(">HBBBB", 3, 25, 1, 0, 0)
    measured = (
        body.respiration_rpm, body.heart_rate_bpm, body.systolic_mmhg, body.diastolic_mmhg, body.spo2_pct, None,
    )  # fmt: skip
    readings = bytes(UNKNOWN if value is None else value for value in (None, *measured))  # the first: degrees
    steps = min(device.steps, 0xFFFE).to_bytes(2)
    return (
        _message(
            device,
            DATA,
            item(STATE, bytes([device.battery_pct]) + link + steps + readings + int(at.timestamp()).to_bytes(4)),
        ),
    )


def heartbeat(device: Device, at: datetime) -> Messages:
    return state(device, at, Body())


def battery(device: Device, at: datetime, pct: int) -> Messages:
    device.battery_pct = pct
    return state(device, at, Body())


def steps(device: Device, at: datetime, count: int) -> Messages:
    device.steps = count
    return state(device, at, Body())


def position(device: Device, at: datetime, fix: Fix) -> Messages:
    device.fix = fix
    spot = (fix.lat, fix.lon) if fix.valid else (float("nan"), float("nan"))
    tail = struct.pack(">fBBBHH", fix.altitude_m, 0, fix.satellites, 40, round(fix.speed_kmh * 10), fix.course_deg * 10)
    return (_message(device, DATA, item(PLACE, struct.pack(">Idd", int(at.timestamp()), *spot) + tail)),)


def _alarm(device: Device, at: datetime, code: int) -> Messages:
    return (_message(device, DATA, item(ALARM, struct.pack(">IBB", int(at.timestamp()), code, 0))),)


def press(device: Device, at: datetime, identity: str) -> Messages:
    return _alarm(device, at, SOS)


def fall(device: Device, at: datetime, identity: str) -> Messages:
    return _alarm(device, at, FALL)


def low_battery(device: Device, at: datetime, identity: str) -> Messages:
    return _alarm(device, at, LOW_BATTERY)


def taken_off(device: Device, at: datetime, identity: str) -> Messages:
    return _alarm(device, at, REMOVED)


def acknowledged(device: Device, reply: bytes) -> bool:
    """Kind and number come back with result 0."""
    inside = reply[3:-3]
    return reply[4:6] == device.owed and inside[-1:] == b"\x00" and reply[-3:-1] == ccitt_false(inside).to_bytes(2)


ENCODER = Encoder(
    family="xexun3", transport=Transport.TCP, awaits=Awaits.REPLY, model="XW3", example="xexun3:862000000000066",
    source="Xexun protocol V3 (2025) as open servers read it",
    press=press, fall=fall, low_battery=low_battery, taken_off=taken_off, vitals=state,
    measures=PULSE_OXYGEN | PULSE_BREATH | PRESSURE,
    steps=steps, battery=battery, position=position, login=login, heartbeat=heartbeat, acknowledged=acknowledged,
)  # fmt: skip
