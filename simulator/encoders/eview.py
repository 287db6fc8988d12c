"""Eview EV-07B pendants (MiniFinder 2 and others) on TCP, from the protocol's V1.2: keys and values, little-endian.

Every record begins with the IMEI; the alarm word has one bit a cause and its own time, UTC seconds.
"""

import struct
from datetime import datetime

from simulator.encoders.checks import xmodem
from simulator.encoders.encoder import (
    PULSE_OXYGEN,
    Awaits,
    Body,
    Device,
    Encoder,
    Fix,
    Messages,
    Transport,
    tcp,
)

WANTS_ANSWER = 0x10
DATA, RESPONSE = 0x01, 0x7F
IMEI, ALARM, GPS, STATUS, STEPS, PULSE, OXYGEN = 0x01, 0x02, 0x20, 0x24, 0x30, 0x40, 0x41
LOW_BATTERY, FALL, SOS = 1 << 0, 1 << 2, 1 << 12


def frame(serial: int, body: bytes) -> bytes:
    """Return one frame."""
    return struct.pack("<BBHHH", 0xAB, WANTS_ANSWER, len(body), xmodem(body), serial) + body


def item(key: int, value: bytes) -> bytes:
    """Return a key with its value; the length counts the key."""
    return bytes([len(value) + 1, key]) + value


def _record(device: Device, at: datetime, *items: bytes) -> Messages:
    serial = device.next_serial()
    device.owed = serial.to_bytes(2, "little")
    state = device.battery_pct << 24 | 8 << 19 | 2 << 16 | (0x09 << 8 if device.fix.valid else 0)
    status = item(STATUS, struct.pack("<II", int(at.timestamp()), state))
    body = bytes([DATA]) + item(IMEI, device.native.encode()) + status + b"".join(items)
    return (tcp("eview", frame(serial, body)),)


def heartbeat(device: Device, at: datetime) -> Messages:
    return _record(device, at)


def battery(device: Device, at: datetime, pct: int) -> Messages:
    device.battery_pct = pct
    return _record(device, at)


def position(device: Device, at: datetime, fix: Fix) -> Messages:
    device.fix = fix
    lat, lon = round(fix.lat * 10**7), round(fix.lon * 10**7)
    motion = struct.pack("<HHhH", round(fix.speed_kmh), fix.course_deg, fix.altitude_m, 9 if fix.valid else 0)
    satellites = fix.satellites if fix.valid else 0
    return _record(device, at, item(GPS, struct.pack("<ii", lat, lon) + motion + struct.pack("<IB", 0, satellites)))


def steps(device: Device, at: datetime, count: int) -> Messages:
    device.steps = count
    return _record(device, at, item(STEPS, struct.pack("<II", int(at.timestamp()), count)))


def vitals(device: Device, at: datetime, body: Body) -> Messages:
    readings = ((PULSE, body.heart_rate_bpm), (OXYGEN, body.spo2_pct))
    seconds = int(at.timestamp())
    return _record(device, at, *(item(key, struct.pack("<IB", seconds, value)) for key, value in readings if value))


def _alarm(device: Device, at: datetime, bits: int) -> Messages:
    return _record(device, at, item(ALARM, struct.pack("<II", bits, int(at.timestamp()))))


def press(device: Device, at: datetime, identity: str) -> Messages:
    return _alarm(device, at, SOS)


def fall(device: Device, at: datetime, identity: str) -> Messages:
    return _alarm(device, at, FALL)


def low_battery(device: Device, at: datetime, identity: str) -> Messages:
    return _alarm(device, at, LOW_BATTERY)


def acknowledged(device: Device, reply: bytes) -> bool:
    """A response with its number and a check sum that is right."""
    if len(reply) < 9 or reply[0] != 0xAB:
        return False
    check = int.from_bytes(reply[4:6], "little")
    return reply[6:8] == device.owed and reply[8] == RESPONSE and check == xmodem(reply[8:])


ENCODER = Encoder(
    family="eview", transport=Transport.TCP, awaits=Awaits.REPLY, model="EV-07B", example="eview:862000000000025",
    source="Eview EV-07B protocol V1.2, 2020",
    press=press, fall=fall, low_battery=low_battery, vitals=vitals, measures=PULSE_OXYGEN, steps=steps,
    battery=battery, position=position, heartbeat=heartbeat, acknowledged=acknowledged,
)  # fmt: skip
