"""Queclink GL300 pendants on TCP, from the GL300 @Track air interface protocol 1.02: `+RESP:GT…$`.

Every report ends with its own time and a count, which the server says back as `+SACK:<count>$`.
"""

from datetime import datetime

from simulator.encoders.encoder import Awaits, Device, Encoder, Fix, Messages, Transport, tcp, utc

VERSION = "1A0102"  # 1A is the GL300
CELL = "0460,0000,2490,0FF2"


def _line(device: Device, at: datetime, head: str, *words: str) -> Messages:
    count = f"{device.next_serial():04X}"
    heartbeat = head == "+ACK:GTHBD"
    device.owed = f"+SACK:{f'GTHBD,{VERSION},' if heartbeat else ''}{count}$".encode()
    line = ",".join((head, VERSION, device.native, "", *words, f"{utc(at):%Y%m%d%H%M%S}", count))
    return (tcp("gl200text", f"{line}$".encode()),)


def _place(fix: Fix, at: datetime) -> str:
    """Accuracy 0 is no fix: what follows is the last place."""
    motion = f"{1 if fix.valid else 0},{fix.speed_kmh:.1f},{fix.course_deg},{fix.altitude_m:.1f}"
    return f"{motion},{fix.lon:.6f},{fix.lat:.6f},{utc(at):%Y%m%d%H%M%S},{CELL},"


def report(device: Device, at: datetime, word: str, kind: str = "0") -> Messages:
    """Return a report with a place: report id, type, how many positions, the position, charge."""
    place = _place(device.fix, at)
    return _line(device, at, f"+RESP:{word}", "0", kind, "1", place, str(device.battery_pct))


def position(device: Device, at: datetime, fix: Fix) -> Messages:
    device.fix = fix
    return report(device, at, "GTFRI")


def battery(device: Device, at: datetime, pct: int) -> Messages:
    device.battery_pct = pct
    return report(device, at, "GTFRI")


def press(device: Device, at: datetime, identity: str) -> Messages:
    return report(device, at, "GTSOS")


def low_battery(device: Device, at: datetime, identity: str) -> Messages:
    """GTBPL: the volts in front of the position."""
    return _line(device, at, "+RESP:GTBPL", f"{3.3 + 0.009 * device.battery_pct:.2f}", _place(device.fix, at))


def heartbeat(device: Device, at: datetime) -> Messages:
    return _line(device, at, "+ACK:GTHBD")


def acknowledged(device: Device, reply: bytes) -> bool:
    return device.owed != b"" and reply.strip() == device.owed


ENCODER = Encoder(
    family="gl200text", transport=Transport.TCP, awaits=Awaits.REPLY, model="GL300",
    example="gl200text:860000000000017", source="Queclink TRACGL300AN001 1.02, 2013",
    press=press, low_battery=low_battery, battery=battery, position=position, heartbeat=heartbeat,
    acknowledged=acknowledged,
)  # fmt: skip
