"""ZhongXun/Topin pocket trackers on TCP, from the maker's protocol of 2018. No check sum; only the login names it.

It has a button and no word for it: what it alarms about is shaking, speed and an empty battery. Time is UTC.
"""

from datetime import datetime

from simulator.encoders.checks import bcd
from simulator.encoders.encoder import (
    PULSE,
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
from simulator.encoders.gt06 import gps

LOGIN, HEARTBEAT, POSITION, STATUS = 0x01, 0x08, 0x10, 0x13
LOW_POWER = 1 << 4


def _frame(device: Device, kind: int, content: bytes, length: int | None = None) -> Outgoing:
    device.owed = bytes([kind])
    counted = len(content) + 1 if length is None else length
    return tcp("topin", b"\x78\x78" + bytes([counted, kind]) + content + b"\r\n")


def login(device: Device, at: datetime) -> Messages:
    # The length of a login is 0D whatever its content: it was taken over from the protocol this one descends from.
    return (_frame(device, LOGIN, bcd(device.native) + b"\x01", length=0x0D),)


def heartbeat(device: Device, at: datetime) -> Messages:
    """The maker lists what must be answered: login, places, state. A heartbeat is not among them."""
    beat = _frame(device, HEARTBEAT, b"")
    device.owed = b""
    return (beat,)


def position(device: Device, at: datetime, fix: Fix) -> Messages:
    device.fix = fix
    return (_frame(device, POSITION, gps(at, fix)),)


def low_battery(device: Device, at: datetime, identity: str) -> Messages:
    altitude = max(0, device.fix.altitude_m).to_bytes(2)
    return (_frame(device, POSITION, gps(at, device.fix) + altitude + bytes([LOW_POWER])),)


def _status(device: Device, pulse: int | None) -> Messages:
    # level, version, time zone, minutes between reports, signal; then three bytes unused, charging, pulse
    state = bytes([device.battery_pct, 1, 8, 25, 70])
    return (_frame(device, STATUS, state if pulse is None else state + bytes([0, 0, 0, 0, pulse])),)


def battery(device: Device, at: datetime, pct: int) -> Messages:
    device.battery_pct = pct
    return _status(device, None)


def vitals(device: Device, at: datetime, body: Body) -> Messages:
    return _status(device, body.heart_rate_bpm or 0)


def acknowledged(device: Device, reply: bytes) -> bool:
    """The server says the kind back."""
    return device.owed != b"" and reply[:2] == b"\x78\x78" and reply[3:4] == device.owed


ENCODER = Encoder(
    family="topin", transport=Transport.TCP, awaits=Awaits.REPLY, model="TQ", example="topin:862000000000041",
    source="ZhongXun/Topin GPS tracker protocol, 2018",
    low_battery=low_battery, vitals=vitals, measures=PULSE, battery=battery, position=position, login=login,
    heartbeat=heartbeat, acknowledged=acknowledged,
)  # fmt: skip
