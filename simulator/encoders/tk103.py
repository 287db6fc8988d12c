"""TK103 trackers on TCP, from the TK103 GPRS protocol: everything between brackets, without separators.

Personal trackers that grew out of it name themselves by IMEI, put commas between the words, the day first, and know of
straps and charge.
"""

from datetime import datetime

from simulator.encoders.checks import degrees_minutes
from simulator.encoders.encoder import Awaits, Device, Encoder, Fix, Messages, Transport, tcp, utc

LEVELS = ((100, 6), (80, 5), (50, 4), (20, 3), (10, 2))  # per cent → what ZC20 says


def _frame(device: Device, words: str, answer: str = "") -> Messages:
    device.owed = f"({device.native}{answer}".encode() if answer else b""
    return (tcp("tk103", f"({device.native}{words})".encode()),)


def _place(device: Device, at: datetime) -> str:
    fix, moment = device.fix, utc(at)
    lat = f"{degrees_minutes(fix.lat, 4)}{'N' if fix.lat >= 0 else 'S'}"
    lon = f"{degrees_minutes(fix.lon, 5)}{'E' if fix.lon >= 0 else 'W'}"
    motion = f"{fix.speed_kmh:05.1f}{moment:%H%M%S}{fix.course_deg:06.2f}"
    return f"{moment:%y%m%d}{'A' if fix.valid else 'V'}{lat}{lon}{motion}00000000L00000000"


def login(device: Device, at: datetime) -> Messages:
    return _frame(device, f"BP05{device.native.zfill(15)}{_place(device, at)}", "AP05")


def heartbeat(device: Device, at: datetime) -> Messages:
    return _frame(device, f"BP00{device.native.zfill(15)}HSO", "AP01HSO")


def position(device: Device, at: datetime, fix: Fix) -> Messages:
    device.fix = fix
    return _frame(device, f"BR00{_place(device, at)}")


def press(device: Device, at: datetime, identity: str) -> Messages:
    """BO01 with alarm 2; the server answers AS01 with the alarm's number."""
    return _frame(device, f"BO012{_place(device, at)}", "AS012")


def acknowledged(device: Device, reply: bytes) -> bool:
    return device.owed != b"" and reply.startswith(device.owed)


def _personal(device: Device, at: datetime, word: str) -> Messages:
    fix, moment = device.fix, utc(at)
    lat = f"{degrees_minutes(fix.lat, 4)}{'N' if fix.lat >= 0 else 'S'}"
    lon = f"{degrees_minutes(fix.lon, 5)}{'E' if fix.lon >= 0 else 'W'}"
    motion = f"{fix.speed_kmh:.1f},{moment:%H%M%S},{fix.course_deg:.1f},{fix.altitude_m:.1f},{fix.satellites}"
    return _frame(device, f",{word},{moment:%d%m%y},{'A' if fix.valid else 'V'},{lat},{lon},{motion}")


def personal_press(device: Device, at: datetime, identity: str) -> Messages:
    return _personal(device, at, "ZC25")


def personal_low_battery(device: Device, at: datetime, identity: str) -> Messages:
    return _personal(device, at, "ZC12")


def personal_taken_off(device: Device, at: datetime, identity: str) -> Messages:
    return _personal(device, at, "ZC17")


def personal_battery(device: Device, at: datetime, pct: int) -> Messages:
    """ZC20: one of five levels, and hundredths of a volt."""
    device.battery_pct, moment = pct, utc(at)
    level = next((word for least, word in LEVELS if pct >= least), 1)
    return _frame(device, f",ZC20,{moment:%d%m%y},{moment:%H%M%S},{level},{330 + 9 * pct // 10},65535,255")


ENCODER = Encoder(
    family="tk103", transport=Transport.TCP, awaits=Awaits.REPLY, model="TK103", example="tk103:047000000017",
    source="TK103 GPRS protocol",
    press=press, position=position, login=login, heartbeat=heartbeat, acknowledged=acknowledged,
)  # fmt: skip
PERSONAL = Encoder(
    family="tk103", transport=Transport.TCP, awaits=Awaits.NOTHING, model="TK103 personal",
    example="tk103:860000000000017", source="TK103 GPRS protocol's form for personal trackers",
    press=personal_press, low_battery=personal_low_battery, taken_off=personal_taken_off, battery=personal_battery,
)  # fmt: skip
