"""Coban trackers on TCP, from Coban's GPRS protocol of 2014: words and commas, a semicolon at the end.

Each report has two clocks: the date and time of the device's own zone, and the hour of UTC the receiver gives. A press
is said again until the server answers `**,imei:…,E;`.
"""

from datetime import datetime

from simulator.encoders.checks import degrees_minutes
from simulator.encoders.encoder import Awaits, Device, Encoder, Fix, Messages, Transport, tcp, utc

KNOTS_KMH = 1.852


def login(device: Device, at: datetime) -> Messages:
    device.owed = b"LOAD"
    return (tcp("gps103", f"##,imei:{device.native},A;".encode()),)


def heartbeat(device: Device, at: datetime) -> Messages:
    device.owed = b"ON"
    return (tcp("gps103", f"{device.native};".encode()),)


def report(device: Device, at: datetime, word: str) -> Messages:
    """Return a report under one of the maker's words."""
    fix = device.fix
    head = f"imei:{device.native},{word},{at.astimezone(device.zone):%y%m%d%H%M%S},"
    device.owed = f"**,imei:{device.native},E;".encode() if word == "help me" else b""
    if not fix.valid:  # no satellites: the cell instead of the place
        return (tcp("gps103", f"{head},L,,,2490,,0ff2,,,;".encode()),)
    lat = f"{degrees_minutes(fix.lat, 4)},{'N' if fix.lat >= 0 else 'S'}"
    lon = f"{degrees_minutes(fix.lon, 5)},{'E' if fix.lon >= 0 else 'W'}"
    motion = f"{fix.speed_kmh / KNOTS_KMH:.2f},{fix.course_deg}"
    return (tcp("gps103", f"{head},F,{utc(at):%H%M%S}.000,A,{lat},{lon},{motion};".encode()),)


def position(device: Device, at: datetime, fix: Fix) -> Messages:
    device.fix = fix
    return report(device, at, "tracker")


def press(device: Device, at: datetime, identity: str) -> Messages:
    return report(device, at, "help me")


def low_battery(device: Device, at: datetime, identity: str) -> Messages:
    return report(device, at, "low battery")


def acknowledged(device: Device, reply: bytes) -> bool:
    return device.owed != b"" and reply.strip() == device.owed


ENCODER = Encoder(
    family="gps103", transport=Transport.TCP, awaits=Awaits.REPLY, model="GPS102", example="gps103:860000000000017",
    source="Coban GPRS protocol, 2014",
    press=press, low_battery=low_battery, position=position, login=login, heartbeat=heartbeat,
    acknowledged=acknowledged,
)  # fmt: skip
