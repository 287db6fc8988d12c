"""YX wristbands on TCP, as open servers read them: a sentence between 00 01 02 and FF FE FC. No document was found.

It tells charge and place, the latter by the minute; it has no word for a press.
"""

from datetime import datetime

from simulator.encoders.encoder import Awaits, Device, Encoder, Fix, Messages, Transport, tcp, utc

VERSION = "V1.0"


def frame(sentence: str) -> bytes:
    """Return a sentence in its frame."""
    body = sentence.encode()
    return b"\x00\x01\x02" + len(body).to_bytes(2) + body + b"\xff\xfe\xfc"


def _say(device: Device, function: int, words: str, answered: bool) -> Messages:
    device.owed = f"YX{device.native}|{VERSION}|0|{{F{function:02d}#".encode() if answered else b""
    return (tcp("wristband", frame(f"YX{device.native}|{VERSION}|1|{{F{function:02d}#{words}}}\r\n")),)


def login(device: Device, at: datetime) -> Messages:
    return _say(device, 91, "460_00|0|0|0|X", answered=True)


def battery(device: Device, at: datetime, pct: int) -> Messages:
    device.battery_pct = pct
    return _say(device, 1, f"{pct},1,100,0,31000,900", answered=True)


def heartbeat(device: Device, at: datetime) -> Messages:
    return battery(device, at, device.battery_pct)


def position(device: Device, at: datetime, fix: Fix) -> Messages:
    device.fix = fix
    place = f"{fix.lon:.6f},{fix.lat:.6f},{utc(at):%Y%m%d%H%M},{fix.speed_kmh:.2f}"
    return _say(device, 2, place, answered=False)


def acknowledged(device: Device, reply: bytes) -> bool:
    return device.owed != b"" and reply[5:].startswith(device.owed)


ENCODER = Encoder(
    family="wristband", transport=Transport.TCP, awaits=Awaits.REPLY, model="YX", example="wristband:860000000000017",
    source="YX wristbands as open servers read them",
    battery=battery, position=position, login=login, heartbeat=heartbeat, acknowledged=acknowledged,
)  # fmt: skip
