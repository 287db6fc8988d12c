"""Concox/Jimi trackers on TCP, from Concox's protocol for GT06N (2015) and Jimi's alarm codes for pendants.

The login names the device; later frames do not. Coordinates in 1/1,800,000 of a degree, time in UTC (`GMT,W,0`).
"""

import struct
from datetime import datetime

from simulator.encoders.checks import bcd, itu
from simulator.encoders.encoder import Awaits, Device, Encoder, Fix, Messages, Outgoing, Transport, tcp, utc

CELL = struct.pack(">HBH", 460, 0, 9360) + (4082).to_bytes(3)  # country, network, area, cell
LOGIN, POSITION, HEARTBEAT, ALARM = 0x01, 0x12, 0x13, 0x16
SOS, LOW_BATTERY, FALL = 0x01, 0x19, 0x23
LEVELS = 6  # of the battery: 0 is off, 6 is full
TERMINAL = {
    SOS: 0x24,
    LOW_BATTERY: 0x1C,
}  # bits 3 to 5 of the terminal information say what alarms, bit 2 that it charges


def frame(serial: int, kind: int, content: bytes) -> bytes:
    """Return one frame; the length counts from the kind to the check sum."""
    body = bytes([len(content) + 5, kind]) + content + serial.to_bytes(2)
    return b"\x78\x78" + body + itu(body).to_bytes(2) + b"\r\n"


def login(device: Device, at: datetime) -> Messages:
    return (_frame(device, LOGIN, bcd(device.native)),)


def heartbeat(device: Device, at: datetime) -> Messages:
    return (_frame(device, HEARTBEAT, bytes([0x40, _level(device), 4, 0, 2])),)


def battery(device: Device, at: datetime, pct: int) -> Messages:
    device.battery_pct = pct
    return heartbeat(device, at)


def position(device: Device, at: datetime, fix: Fix) -> Messages:
    device.fix = fix
    return (_frame(device, POSITION, gps(at, fix) + CELL),)


def gps(at: datetime, fix: Fix) -> bytes:
    """Return date, satellites, coordinates, speed and course as every frame with a place has them."""
    moment = utc(at)
    clock = bytes([moment.year - 2000, moment.month, moment.day, moment.hour, moment.minute, moment.second])
    flags = (fix.course_deg % 360) | (fix.valid << 12) | ((fix.lon < 0) << 11) | ((fix.lat >= 0) << 10)
    lat, lon = round(abs(fix.lat) * 1_800_000), round(abs(fix.lon) * 1_800_000)
    return clock + struct.pack(">BIIBH", 0xC0 | min(fix.satellites, 15), lat, lon, round(fix.speed_kmh), flags)


def _alarm(device: Device, at: datetime, code: int) -> Messages:
    state = bytes([TERMINAL.get(code, 0x44), _level(device), 4, code, 2])
    return (_frame(device, ALARM, gps(at, device.fix) + bytes([len(CELL) + 1]) + CELL + state),)


def press(device: Device, at: datetime, identity: str) -> Messages:
    return _alarm(device, at, SOS)


def fall(device: Device, at: datetime, identity: str) -> Messages:
    return _alarm(device, at, FALL)


def low_battery(device: Device, at: datetime, identity: str) -> Messages:
    return _alarm(device, at, LOW_BATTERY)


def acknowledged(device: Device, reply: bytes) -> bool:
    """The server repeats kind and serial number in a frame of its own check sum."""
    return reply[3:4] + reply[-6:-4] == device.owed and reply[-4:-2] == itu(reply[2:-4]).to_bytes(2)


def _level(device: Device) -> int:
    return min(LEVELS, -(-device.battery_pct * LEVELS // 100))


def _frame(device: Device, kind: int, content: bytes) -> Outgoing:
    serial = device.next_serial()
    device.owed = bytes([kind]) + serial.to_bytes(2)
    return tcp("gt06", frame(serial, kind, content))


ENCODER = Encoder(
    family="gt06", transport=Transport.TCP, awaits=Awaits.REPLY, model="GT06N", example="gt06:862000000000017",
    source="Concox, GPS tracker communication protocol (GT06N), 2015; Jimi's alarm codes",
    press=press, fall=fall, low_battery=low_battery, battery=battery, position=position, login=login,
    heartbeat=heartbeat, acknowledged=acknowledged,
)  # fmt: skip
