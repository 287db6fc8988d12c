"""MiniFinder Pico pendants on TCP, from MiniFinder's GPRS protocol V1.26: `!D,…;` with one word of flags.

Only the login names the device, and nothing comes back.
"""

from datetime import datetime

from simulator.encoders.encoder import Awaits, Device, Encoder, Fix, Messages, Transport, tcp, utc

FIXED, SOS, FALL, LOW_BATTERY = 1 << 0, 1 << 6, 1 << 8, 1 << 12
SIGNAL = 20 << 16


def login(device: Device, at: datetime) -> Messages:
    return (tcp("minifinder", f"!1,{device.native};".encode()),)


def report(device: Device, at: datetime, flags: int = 0) -> Messages:
    """Return a D with the place it last knew."""
    fix, moment = device.fix, utc(at)
    word = SIGNAL | flags | (FIXED if fix.valid else 0)
    state = f"{fix.speed_kmh:.0f},{fix.course_deg},{word:X},{fix.altitude_m:.1f},{device.battery_pct}"
    line = f"!D,{moment:%d/%m/%y},{moment:%H:%M:%S},{fix.lat:.6f},{fix.lon:.6f},{state},{fix.satellites},12,0;"
    return (tcp("minifinder", line.encode()),)


def heartbeat(device: Device, at: datetime) -> Messages:
    state = "A" if device.fix.valid else "V"
    return (tcp("minifinder", f"!5,20,{state},{device.battery_pct};".encode()),)


def battery(device: Device, at: datetime, pct: int) -> Messages:
    device.battery_pct = pct
    return heartbeat(device, at)


def position(device: Device, at: datetime, fix: Fix) -> Messages:
    device.fix = fix
    return report(device, at)


def press(device: Device, at: datetime, identity: str) -> Messages:
    return report(device, at, SOS)


def fall(device: Device, at: datetime, identity: str) -> Messages:
    return report(device, at, FALL)


def low_battery(device: Device, at: datetime, identity: str) -> Messages:
    return report(device, at, LOW_BATTERY)


ENCODER = Encoder(
    family="minifinder", transport=Transport.TCP, awaits=Awaits.NOTHING, model="Pico",
    example="minifinder:860000000000017", source="MiniFinder GPRS protocol V1.26",
    press=press, fall=fall, low_battery=low_battery, battery=battery, position=position, login=login,
    heartbeat=heartbeat,
)  # fmt: skip
