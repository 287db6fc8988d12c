"""Mictrack MT trackers on TCP, from Mictrack's MT protocol: `MT;…` with plus signs between values. No answers."""

from datetime import datetime

from simulator.encoders.encoder import Awaits, Device, Encoder, Fix, Messages, Transport, tcp, utc

TIMED, SOS, LOW_POWER, ALIVE = 2, 5, 8, 11


def report(device: Device, at: datetime, event: int) -> Messages:
    """Return R0 with a place, or R2 with the cell where there is no fix."""
    fix, clock, volts_mv = device.fix, f"{utc(at):%y%m%d%H%M%S}", 3300 + 9 * device.battery_pct
    if not fix.valid:
        return _line(device, "R2", f"{clock}+0,4082,9360,460+{event}+{volts_mv}+0")
    place = f"{fix.lat:.5f}+{fix.lon:.5f}+{fix.speed_kmh:.2f}+{fix.course_deg}"
    return _line(device, "R0", f"{fix.satellites}+{clock}+{place}+{event}+{volts_mv}+113")


def _line(device: Device, kind: str, rest: str) -> Messages:
    return (tcp("mictrack", f"MT;6;{device.native};{kind};{rest}\r\n".encode()),)


def heartbeat(device: Device, at: datetime) -> Messages:
    volts_mv = 3300 + 9 * device.battery_pct
    return _line(device, "RH", f"5+{utc(at):%y%m%d%H%M%S}+0+0+0+0+{ALIVE}+{volts_mv}+1")


def position(device: Device, at: datetime, fix: Fix) -> Messages:
    device.fix = fix
    return report(device, at, TIMED)


def battery(device: Device, at: datetime, pct: int) -> Messages:
    device.battery_pct = pct
    return heartbeat(device, at)


def press(device: Device, at: datetime, identity: str) -> Messages:
    return report(device, at, SOS)


def low_battery(device: Device, at: datetime, identity: str) -> Messages:
    return report(device, at, LOW_POWER)


ENCODER = Encoder(
    family="mictrack", transport=Transport.TCP, awaits=Awaits.NOTHING, model="MT510",
    example="mictrack:860000000000017", source="Mictrack MT protocol",
    press=press, low_battery=low_battery, battery=battery, position=position, heartbeat=heartbeat,
)  # fmt: skip
