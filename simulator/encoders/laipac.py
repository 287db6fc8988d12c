"""Laipac S911 bracelets on TCP, from Laipac's protocol: sentences as receivers write them, with their check sum.

A status in small letters asks for `$EAVACK`; a press is settled by the configuration word `d`.
"""

from datetime import datetime

from simulator.encoders.checks import degrees_minutes, xored
from simulator.encoders.encoder import Awaits, Device, Encoder, Fix, Messages, Transport, tcp, utc

ROUTINE, SOS, LOW_BATTERY = "0", "3", "Z"
KNOTS_KMH = 1.852


def sentence(words: str) -> bytes:
    """Return a sentence with what all its characters between $ and * are XORed."""
    return f"${words}*{xored(words.encode()):02X}\r\n".encode()


def report(device: Device, at: datetime, event: str) -> Messages:
    """Return an AVRMC; volts are written in thousandths."""
    fix, moment = device.fix, utc(at)
    place = f"{degrees_minutes(fix.lat, 4)},{'N' if fix.lat >= 0 else 'S'}," \
            f"{degrees_minutes(fix.lon, 5)},{'E' if fix.lon >= 0 else 'W'}"  # fmt: skip
    motion = f"{fix.speed_kmh / KNOTS_KMH:.2f},{fix.course_deg:.2f},{moment:%d%m%y}"
    state = "a" if fix.valid else "v"
    words = f"AVRMC,{device.native},{moment:%H%M%S},{state},{place},{motion}"
    line = sentence(f"{words},{event},{3300 + 9 * device.battery_pct},167,1,0,0")
    device.owed = b"$EAVACK,%s,%s" % (event.encode(), line[-4:-2])
    return (tcp("laipac", line),)


def position(device: Device, at: datetime, fix: Fix) -> Messages:
    device.fix = fix
    return report(device, at, ROUTINE)


def battery(device: Device, at: datetime, pct: int) -> Messages:
    device.battery_pct = pct
    return report(device, at, ROUTINE)


def press(device: Device, at: datetime, identity: str) -> Messages:
    return report(device, at, SOS)


def low_battery(device: Device, at: datetime, identity: str) -> Messages:
    return report(device, at, LOW_BATTERY)


def heartbeat(device: Device, at: datetime) -> Messages:
    """ECHK, which the server sends back as it is."""
    line = sentence(f"ECHK,{device.native},{device.next_serial(10)}")
    device.owed = line.strip()
    return (tcp("laipac", line),)


def acknowledged(device: Device, reply: bytes) -> bool:
    return device.owed != b"" and any(line.startswith(device.owed) for line in reply.splitlines())


ENCODER = Encoder(
    family="laipac", transport=Transport.TCP, awaits=Awaits.REPLY, model="S911", example="laipac:47000017",
    source="Laipac S911 GPRS protocol",
    press=press, low_battery=low_battery, battery=battery, position=position, heartbeat=heartbeat,
    acknowledged=acknowledged,
)  # fmt: skip
