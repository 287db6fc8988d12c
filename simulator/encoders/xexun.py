"""Xexun TK102 trackers on TCP, from Xexun's GPRS format: a receiver's sentence, then the maker's word and the IMEI.

Speed is in knots; F or L before the word says whether the satellites are seen. Nothing comes back.
"""

from datetime import datetime

from simulator.encoders.checks import degrees_minutes, xored
from simulator.encoders.encoder import Awaits, Device, Encoder, Fix, Messages, Transport, tcp, utc

KNOTS_KMH = 1.852


def sentence(fix: Fix, at: datetime) -> str:
    """Return the receiver's sentence of the least words."""
    moment = utc(at)
    if fix.valid:
        place = f"{degrees_minutes(fix.lat, 4)},{'N' if fix.lat >= 0 else 'S'}," \
                f"{degrees_minutes(fix.lon, 5)},{'E' if fix.lon >= 0 else 'W'}"  # fmt: skip
        motion = f"{fix.speed_kmh / KNOTS_KMH:.2f},{fix.course_deg:.2f}"
        words = f"GPRMC,{moment:%H%M%S}.000,A,{place},{motion},{moment:%d%m%y},,,A"
    else:
        words = f"GPRMC,{moment:%H%M%S}.000,V,,,,,,,{moment:%d%m%y},,,N"
    return f"{words}*{xored(words.encode()):02X}"


def report(device: Device, at: datetime, word: str) -> Messages:
    """Return the long form: serial, number of the SIM, sentence, word, IMEI, satellites, altitude, volts, cell."""
    fix = device.fix
    volts = 3.3 + 0.009 * device.battery_pct
    state = f"{fix.satellites:02d},{fix.altitude_m:.1f},{'L' if volts < 3.6 else 'F'}:{volts:.2f}V,0,139,2689"
    serial = f"{at.astimezone(device.zone):%y%m%d%H%M%S}"
    line = (
        f"{serial},+8613000000000,{sentence(fix, at)},{'F' if fix.valid else 'L'},{word}, imei:{device.native},{state},"
        "460,00,2490,0FF2\r\n"
    )
    return (tcp("xexun_lines", line.encode()),)


def position(device: Device, at: datetime, fix: Fix) -> Messages:
    device.fix = fix
    return report(device, at, "")


def battery(device: Device, at: datetime, pct: int) -> Messages:
    device.battery_pct = pct
    return report(device, at, "")


def press(device: Device, at: datetime, identity: str) -> Messages:
    return report(device, at, "help me!")


def low_battery(device: Device, at: datetime, identity: str) -> Messages:
    return report(device, at, "low battery!")


ENCODER = Encoder(
    family="xexun", transport=Transport.TCP, awaits=Awaits.NOTHING, model="TK102", example="xexun:860000000000017",
    source="Xexun GPRS format",
    press=press, low_battery=low_battery, battery=battery, position=position,
)  # fmt: skip
