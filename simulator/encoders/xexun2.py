"""Xexun TRX trackers on TCP (2021), from the fields open servers agree on: records behind a table of their lengths.

Coordinates are ddmm.mmmm in one double, longitude first; older firmware has singles, which are 30 m coarse beyond 100°.
"""

import struct
from datetime import datetime

from simulator.encoders.encoder import Awaits, Device, Encoder, Fix, Messages, Transport, tcp

REPORT = 0x0014
SOS, FALL = 1 << 0, 1 << 15
HAS_ALARM, HAS_PLACE = 1 << 0, 1 << 1
PRECISE = 1 << 6  # the place in doubles
MARK = b"\xfa\xaf"


def checksum(body: bytes) -> int:
    """All bytes added, every bit turned."""
    return ~sum(body) & 0xFFFF


def frame(kind: int, serial: int, imei: str, body: bytes) -> bytes:
    """Return one message; the IMEI fills its eight bytes up with a 0 behind."""
    return (
        MARK + struct.pack(">HH8sHH", kind, serial, bytes.fromhex(imei + "0"), len(body), checksum(body)) + body + MARK
    )


def degrees_minutes(value: float) -> float:
    """Return a coordinate as ddmm.mmmm in one number."""
    whole = int(abs(value))
    return (whole * 100 + (abs(value) - whole) * 60) * (-1 if value < 0 else 1)


def _report(device: Device, at: datetime, alarms: int = 0) -> Messages:
    fix = device.fix
    mask = (HAS_ALARM if alarms else 0) | (HAS_PLACE if fix.valid else 0)
    head = struct.pack(">BIBHB", device.count("record", 256), int(at.timestamp()), 25, device.battery_pct, mask)
    alarm = alarms.to_bytes(4) if alarms else b""
    record = head + alarm + (_place(fix) if fix.valid else b"")
    serial = device.next_serial()
    device.owed = struct.pack(">HH", REPORT, serial)
    body = struct.pack(">BH", 1, len(record)) + record
    return (tcp("xexun2", frame(REPORT, serial, device.native, body)),)


def _place(fix: Fix) -> bytes:
    spot = struct.pack(">dd", degrees_minutes(fix.lon), degrees_minutes(fix.lat))
    return bytes([PRECISE, fix.satellites]) + spot


def heartbeat(device: Device, at: datetime) -> Messages:
    return _report(device, at)


def battery(device: Device, at: datetime, pct: int) -> Messages:
    device.battery_pct = pct
    return _report(device, at)


def position(device: Device, at: datetime, fix: Fix) -> Messages:
    device.fix = fix
    return _report(device, at)


def press(device: Device, at: datetime, identity: str) -> Messages:
    return _report(device, at, SOS)


def fall(device: Device, at: datetime, identity: str) -> Messages:
    return _report(device, at, FALL)


def acknowledged(device: Device, reply: bytes) -> bool:
    """Kind and number come back, with a 1."""
    return reply[:2] == MARK and reply[2:6] == device.owed and reply[-3:-2] == b"\x01"


ENCODER = Encoder(
    family="xexun2", transport=Transport.TCP, awaits=Awaits.REPLY, model="TRX16", example="xexun2:862000000000058",
    source="Xexun TRX16 (2021) as open servers read it",
    press=press, fall=fall, battery=battery, position=position, heartbeat=heartbeat, acknowledged=acknowledged,
)  # fmt: skip
