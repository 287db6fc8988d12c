"""IW health watches on TCP, from the IW protocol V3 and its health messages: `IWAP…#`, answered `IWBP…#`. All UTC."""

from datetime import datetime

from simulator.encoders.checks import degrees_minutes
from simulator.encoders.encoder import (
    PRESSURE,
    PULSE_OXYGEN,
    Awaits,
    Body,
    Device,
    Encoder,
    Fix,
    Messages,
    Transport,
    tcp,
    utc,
)

SOS, LOW_BATTERY, TAKEN_OFF, FALL = "01", "02", "03", "06"
CELL = "460,0,9360,4082"
NETWORK = "Home|02-00-00-00-00-01|97"


def _line(device: Device, word: str, rest: str) -> Messages:
    device.owed = f"IWBP{word}".encode()
    return (tcp("trv", f"IWAP{word}{rest}#".encode()),)


def login(device: Device, at: datetime) -> Messages:
    return _line(device, "00", device.native)


def heartbeat(device: Device, at: datetime) -> Messages:
    """AP03: status, steps, turns in bed."""
    return _line(device, "03", f",{_status(device)},{device.steps},0")


def position(device: Device, at: datetime, fix: Fix) -> Messages:
    device.fix = fix
    return _line(device, "01", f"{_place(device, at)},{CELL},{NETWORK}")


def steps(device: Device, at: datetime, count: int) -> Messages:
    device.steps = count
    return heartbeat(device, at)


def battery(device: Device, at: datetime, pct: int) -> Messages:
    device.battery_pct = pct
    return heartbeat(device, at)


def vitals(device: Device, at: datetime, body: Body) -> Messages:
    """APHP: pulse, pressures, oxygen, glucose, temperature; what was not measured is left empty."""
    temperature = None if body.temperature_c is None else f"{body.temperature_c:.1f}"
    values = (body.heart_rate_bpm, body.systolic_mmhg, body.diastolic_mmhg, body.spo2_pct, None, temperature)
    return _line(device, "HP", "," + ",".join("" if value is None else str(value) for value in values) + ",,,,,,,")


def _alarm(device: Device, at: datetime, code: str) -> Messages:
    return _line(device, "10", f"{_place(device, at)},{CELL},{code},zh-cn,00,{NETWORK}")


def press(device: Device, at: datetime, identity: str) -> Messages:
    return _alarm(device, at, SOS)


def fall(device: Device, at: datetime, identity: str) -> Messages:
    return _alarm(device, at, FALL)


def low_battery(device: Device, at: datetime, identity: str) -> Messages:
    return _alarm(device, at, LOW_BATTERY)


def worn(device: Device, at: datetime, on: bool) -> Messages:
    """APWR: on the wrist or off it, with the time in milliseconds."""
    return _line(device, "WR", f",{device.native},{int(on)},{int(at.timestamp() * 1000)}")


def acknowledged(device: Device, reply: bytes) -> bool:
    return device.owed != b"" and reply.startswith(device.owed) and reply.rstrip().endswith(b"#")


def _place(device: Device, at: datetime) -> str:
    fix, moment = device.fix, utc(at)
    lat = f"{degrees_minutes(fix.lat, 4)}{'N' if fix.lat >= 0 else 'S'}"
    lon = f"{degrees_minutes(fix.lon, 5)}{'E' if fix.lon >= 0 else 'W'}"
    motion = f"{fix.speed_kmh:05.1f}{moment:%H%M%S}{fix.course_deg:06.2f}"
    return f"{moment:%y%m%d}{'A' if fix.valid else 'V'}{lat}{lon}{motion}{_status(device)}"


def _status(device: Device) -> str:
    """Signal, satellites and charge of three digits each; room left, guard, mode."""
    satellites = device.fix.satellites if device.fix.valid else 0
    return f"060{satellites:03d}{device.battery_pct:03d}00102"


ENCODER = Encoder(
    family="trv", transport=Transport.TCP, awaits=Awaits.REPLY, model="IW-watch", example="trv:860000000000017",
    source="IW watch protocol V3 and its health messages",
    press=press, fall=fall, low_battery=low_battery, vitals=vitals,
    measures=PULSE_OXYGEN | PRESSURE | {"temperature_c"}, steps=steps, battery=battery, position=position, login=login,
    heartbeat=heartbeat, worn=worn, acknowledged=acknowledged,
)  # fmt: skip
