"""H02 pendants on TCP, from the H02 protocol and its extensions of 2015: `*HQ,…#`, status bits that are 0 to alarm.

Speed in knots, time in UTC, date day first.
"""

from datetime import datetime

from simulator.encoders.checks import degrees_minutes
from simulator.encoders.encoder import Awaits, Device, Encoder, Fix, Messages, Transport, tcp, utc

QUIET = 0xFFFFFBFF  # no alarm; bit 10 is the ignition a pendant has not
SOS = 1 << 1  # "robbery" in the car tracker it comes from
KNOTS_KMH = 1.852


def _line(device: Device, word: str, rest: str, answer: str = "") -> Messages:
    device.owed = answer.encode()
    return (tcp("h02", f"*HQ,{device.native},{word},{rest}#".encode()),)


def report(device: Device, at: datetime, status: int) -> Messages:
    """Return a V1 with the place it last knew; V beside it: no fix now."""
    fix, moment = device.fix, utc(at)
    lat = f"{degrees_minutes(fix.lat, 4)},{'N' if fix.lat >= 0 else 'S'}"
    lon = f"{degrees_minutes(fix.lon, 5)},{'E' if fix.lon >= 0 else 'W'}"
    motion = f"{fix.speed_kmh / KNOTS_KMH:.2f},{fix.course_deg}"
    place = f"{moment:%H%M%S},{'A' if fix.valid else 'V'},{lat},{lon},{motion},{moment:%d%m%y}"
    return _line(device, "V1", f"{place},{status:08X},460,00,9360,4082")


def position(device: Device, at: datetime, fix: Fix) -> Messages:
    device.fix = fix
    return report(device, at, QUIET)


def press(device: Device, at: datetime, identity: str) -> Messages:
    return report(device, at, QUIET & ~SOS)


def link(device: Device, at: datetime) -> Messages:
    """LINK: signal, satellites, charge, steps, turns in bed."""
    moment = utc(at)
    body = f"20,{device.fix.satellites},{device.battery_pct},{device.steps},0"
    return _line(device, "LINK", f"{moment:%H%M%S},{body},{moment:%d%m%y},{QUIET:08X}")


def steps(device: Device, at: datetime, count: int) -> Messages:
    device.steps = count
    return link(device, at)


def battery(device: Device, at: datetime, pct: int) -> Messages:
    device.battery_pct = pct
    return link(device, at)


def heartbeat(device: Device, at: datetime) -> Messages:
    """HTBT, which the server says back without the charge. Reports are sent and forgotten."""
    return _line(device, "HTBT", f"{device.battery_pct}", f"*HQ,{device.native},HTBT#")


def acknowledged(device: Device, reply: bytes) -> bool:
    return device.owed != b"" and reply.strip() == device.owed


ENCODER = Encoder(
    family="h02", transport=Transport.TCP, awaits=Awaits.REPLY, model="RF-V16", example="h02:4700000017",
    source="H02 protocol and its extensions for pendants, 2015",
    press=press, steps=steps, battery=battery, position=position, heartbeat=heartbeat, acknowledged=acknowledged,
)  # fmt: skip
