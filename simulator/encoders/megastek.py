"""Megastek straps and pendants on TCP, from Megastek's GPRS upload document: `$MGV002,…;!`. Nothing comes back."""

from datetime import datetime

from simulator.encoders.checks import degrees_minutes
from simulator.encoders.encoder import PULSE, Awaits, Body, Device, Encoder, Fix, Messages, Transport, tcp, utc

KNOTS_KMH = 1.852


def report(device: Device, at: datetime, alert: str, measured: str = "0000,0000,20,10,0") -> Messages:
    """Return one upload. `measured` is what stands between the signal and the temperatures."""
    fix, moment = device.fix, utc(at)
    lat = f"{degrees_minutes(fix.lat, 4, 5)},{'N' if fix.lat >= 0 else 'S'}"
    lon = f"{degrees_minutes(fix.lon, 5, 5)},{'E' if fix.lon >= 0 else 'W'}"
    place = f"{'A' if fix.valid else 'V'},{lat},{lon},00,{fix.satellites:02d},00,1.20"
    motion = f"{fix.speed_kmh / KNOTS_KMH:.3f},{fix.course_deg:.2f},{fix.altitude_m:.1f},1.5"
    line = (
        f"$MGV002,{device.native},,R,{moment:%d%m%y},{moment:%H%M%S},{place},{motion},460,00,2490,0FF2,25,"
        f"{measured}, , ,,00,{device.battery_pct},{alert};!"
    )
    return (tcp("megastek", line.encode()),)


def position(device: Device, at: datetime, fix: Fix) -> Messages:
    device.fix = fix
    return report(device, at, "Timer")


def battery(device: Device, at: datetime, pct: int) -> Messages:
    device.battery_pct = pct
    return report(device, at, "Timer")


def vitals(device: Device, at: datetime, body: Body) -> Messages:
    """A strap's pulse has three digits and stands before its inputs."""
    return report(device, at, "Timer", f"{body.heart_rate_bpm or 0:03d},0000,0000,20,10,0")


def steps(device: Device, at: datetime, count: int) -> Messages:
    """A watch has pulse, steps, minutes of movement and of two kinds of sleep where others have inputs."""
    device.steps = count
    return report(device, at, "Timer", f"0,{count},{count // 100},0,0")


def press(device: Device, at: datetime, identity: str) -> Messages:
    return report(device, at, "SOS")


def fall(device: Device, at: datetime, identity: str) -> Messages:
    return report(device, at, "Fall")


def low_battery(device: Device, at: datetime, identity: str) -> Messages:
    return report(device, at, "LowBattery")


ENCODER = Encoder(
    family="megastek", transport=Transport.TCP, awaits=Awaits.NOTHING, model="MT60",
    example="megastek:860000000000017", source="Megastek GPRS upload document",
    press=press, fall=fall, low_battery=low_battery, vitals=vitals, measures=PULSE, steps=steps, battery=battery,
    position=position,
)  # fmt: skip
