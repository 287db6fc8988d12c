"""Eelink trackers and badges on TCP, from Eelink's protocol V2.0. The login names the device; time is UTC seconds."""

import struct
from datetime import datetime

from simulator.encoders.checks import bcd
from simulator.encoders.encoder import Awaits, Device, Encoder, Fix, Messages, Outgoing, Transport, tcp

LOGIN, HEARTBEAT, NORMAL, WARNING = 0x01, 0x03, 0x12, 0x14
SOS, LOW_BATTERY, TAKEN_OFF, FALL = 0x02, 0x03, 0x25, 0x86
CELL = struct.pack(">HHHIB", 460, 0, 9360, 4082, 40)
WITH_CELL, WITH_FIX = 1 << 1, 1 << 0
FIXED, CHARGER_KNOWN = 1 << 0, 1 << 7


def _frame(device: Device, kind: int, content: bytes) -> Outgoing:
    serial = device.next_serial()
    device.owed = bytes([kind]) + serial.to_bytes(2)
    return tcp("eelink", struct.pack(">HBHH", 0x6767, kind, len(content) + 2, serial) + content)


def login(device: Device, at: datetime) -> Messages:
    quarters = int(device.zone.utcoffset(None).total_seconds() // 900)
    return (_frame(device, LOGIN, bcd(device.native) + struct.pack(">Bb", 1, quarters)),)


def heartbeat(device: Device, at: datetime) -> Messages:
    return (_frame(device, HEARTBEAT, _status(device)),)


def position(device: Device, at: datetime, fix: Fix) -> Messages:
    device.fix = fix
    return (_normal(device, at),)


def steps(device: Device, at: datetime, count: int) -> Messages:
    device.steps = count
    return (_normal(device, at),)


def battery(device: Device, at: datetime, pct: int) -> Messages:
    """A voltage is all it knows: 3.3 V is empty, 4.2 V full."""
    device.battery_pct = pct
    return (_normal(device, at),)


def press(device: Device, at: datetime, identity: str) -> Messages:
    return _warning(device, at, SOS)


def fall(device: Device, at: datetime, identity: str) -> Messages:
    return _warning(device, at, FALL)


def low_battery(device: Device, at: datetime, identity: str) -> Messages:
    return _warning(device, at, LOW_BATTERY)


def taken_off(device: Device, at: datetime, identity: str) -> Messages:
    return _warning(device, at, TAKEN_OFF)


def _warning(device: Device, at: datetime, code: int) -> Messages:
    return (_frame(device, WARNING, _place(device, at) + bytes([code]) + _status(device)),)


def _normal(device: Device, at: datetime) -> Outgoing:
    volts_mv = 3300 + 9 * device.battery_pct
    inputs, counters = struct.pack(">HH", 0, 0), struct.pack(">IHH", 0, 7, 1)
    walked = struct.pack(">HH", device.steps & 0xFFFF, device.steps // 100)
    tail = volts_mv.to_bytes(2) + inputs + counters + walked
    return _frame(device, NORMAL, _place(device, at) + _status(device) + tail)


def _place(device: Device, at: datetime) -> bytes:
    fix, seconds = device.fix, int(at.timestamp())
    if not fix.valid:
        return struct.pack(">IB", seconds, WITH_CELL) + CELL
    lat, lon = round(fix.lat * 1_800_000), round(fix.lon * 1_800_000)
    spot = struct.pack(">iihHHB", lat, lon, fix.altitude_m, round(fix.speed_kmh), fix.course_deg, fix.satellites)
    return struct.pack(">IB", seconds, WITH_FIX | WITH_CELL) + spot + CELL


def _status(device: Device) -> bytes:
    return ((FIXED if device.fix.valid else 0) | CHARGER_KNOWN).to_bytes(2)


def acknowledged(device: Device, reply: bytes) -> bool:
    """The server repeats kind and number."""
    return reply[:2] == b"\x67\x67" and reply[2:3] + reply[5:7] == device.owed


ENCODER = Encoder(
    family="eelink", transport=Transport.TCP, awaits=Awaits.REPLY, model="TK121", example="eelink:862000000000033",
    source="Eelink GPS tracker protocol V2.0",
    press=press, fall=fall, low_battery=low_battery, taken_off=taken_off, steps=steps, battery=battery,
    position=position, login=login,
    heartbeat=heartbeat, acknowledged=acknowledged,
)  # fmt: skip
