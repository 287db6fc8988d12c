"""JT/T 808-2013 on TCP, as pendants speak it: escaped between 7E, BCD phone number, Beijing time in BCD.

A terminal registers once, keeps the code it is given, and from then on signs in with it. The standard has a bit for a
press and for an empty battery; charge stands in an item of the pendants' own (E4: charger, level).
"""

import struct
from datetime import datetime

from simulator.encoders.checks import bcd, xored
from simulator.encoders.encoder import CHINA, Awaits, Device, Encoder, Fix, Messages, Outgoing, Transport, tcp

REGISTER, AUTHENTICATE, HEARTBEAT, POSITION = 0x0100, 0x0102, 0x0002, 0x0200
GENERAL_ANSWER, REGISTERED = 0x8001, 0x8100
SOS, LOW_BATTERY = 1 << 0, 1 << 7
LOCATED, SOUTH, WEST = 1 << 1, 1 << 2, 1 << 3
CHARGE = 0xE4


def frame(kind: int, phone: str, serial: int, body: bytes) -> bytes:
    """Return one message as it stands on the wire."""
    plain = struct.pack(">HH", kind, len(body)) + bcd(phone.zfill(12)) + serial.to_bytes(2) + body
    plain += bytes([xored(plain)])
    return b"\x7e" + plain.replace(b"\x7d", b"\x7d\x01").replace(b"\x7e", b"\x7d\x02") + b"\x7e"


def unescaped(wire: bytes) -> bytes:
    """Return what stands between the marks."""
    return wire[1:-1].replace(b"\x7d\x02", b"\x7e").replace(b"\x7d\x01", b"\x7d")


def login(device: Device, at: datetime) -> Messages:
    """Register, or sign in with the code that registering gave."""
    code = device.memory.get("code")
    if code is not None:
        return (_message(device, AUTHENTICATE, code),)
    maker, model, own = b"00070", b"PD-1".ljust(20, b"\0"), device.native[-7:].rjust(7, "0").encode()
    return (_message(device, REGISTER, struct.pack(">HH", 64, 104) + maker + model + own + b"\x00"),)


def heartbeat(device: Device, at: datetime) -> Messages:
    return (_message(device, HEARTBEAT, b""),)


def report(device: Device, at: datetime, alarm: int, *items: bytes) -> Messages:
    """Return a 0200 with the place it last knew."""
    fix = device.fix
    status = (LOCATED if fix.valid else 0) | (SOUTH if fix.lat < 0 else 0) | (WEST if fix.lon < 0 else 0)
    lat, lon = round(abs(fix.lat) * 10**6), round(abs(fix.lon) * 10**6)
    motion = struct.pack(">HHH", max(0, fix.altitude_m), round(fix.speed_kmh * 10), fix.course_deg)
    clock = bcd(at.astimezone(CHINA).strftime("%y%m%d%H%M%S"))
    body = struct.pack(">IIII", alarm, status, lat, lon) + motion + clock + b"".join(items)
    return (_message(device, POSITION, body),)


def press(device: Device, at: datetime, identity: str) -> Messages:
    return report(device, at, SOS)


def low_battery(device: Device, at: datetime, identity: str) -> Messages:
    return report(device, at, LOW_BATTERY)


def position(device: Device, at: datetime, fix: Fix) -> Messages:
    device.fix = fix
    return report(device, at, 0)


def battery(device: Device, at: datetime, pct: int) -> Messages:
    device.battery_pct = pct
    return report(device, at, 0, bytes([CHARGE, 2, 1, pct]))


def acknowledged(device: Device, reply: bytes) -> bool:
    """The general answer, or a registration's, to its serial number, with result 0."""
    plain = unescaped(reply)
    if len(plain) < 16 or xored(plain) != 0:
        return False
    kind, body = int.from_bytes(plain[:2]), plain[12:-1]
    if kind == REGISTERED and body[2:3] == b"\x00":
        device.memory["code"] = body[3:]
    result = {REGISTERED: body[2:3], GENERAL_ANSWER: body[4:5]}.get(kind)
    return body[:2] == device.owed and result == b"\x00"


def _message(device: Device, kind: int, body: bytes) -> Outgoing:
    serial = device.next_serial()
    device.owed = serial.to_bytes(2)
    return tcp("jt808", frame(kind, device.native, serial, body))


ENCODER = Encoder(
    family="jt808", transport=Transport.TCP, awaits=Awaits.REPLY, model="jt808-pendant", example="jt808:13900000017",
    source="JT/T 808-2013, tables 6 to 25; pendants' items behind 0200",
    press=press, low_battery=low_battery, battery=battery, position=position, login=login, heartbeat=heartbeat,
    acknowledged=acknowledged,
)  # fmt: skip
