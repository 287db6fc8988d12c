"""What trackers put on the wire, written from their vendors' documents; numbers and places invented."""

from datetime import UTC, datetime, timedelta, timezone
from functools import reduce
from operator import xor

from hub.ingress.gateway import Gateway
from tests.check_sums import crc
from tests.integration.ingress.parts import Raw

IMEI = "862000000000017"
GMT8 = timezone(timedelta(hours=8))
LOCATION, ALARM, HEARTBEAT, TIME_ASKED = 0x12, 0x16, 0x13, 0x8A


def gt06(kind: int, content: bytes, serial: int) -> bytes:
    inner = bytes((len(content) + 5, kind)) + content + serial.to_bytes(2, "big")
    return b"\x78\x78" + inner + crc(inner).to_bytes(2, "big") + b"\r\n"


def gt06_login(imei: str = IMEI, serial: int = 1) -> bytes:
    return gt06(0x01, bytes.fromhex(imei.zfill(16)), serial)


def gt06_answer(kind: int, serial: int) -> bytes:
    """What a GT06 terminal waits for: its kind and number, ten bytes."""
    return gt06(kind, b"", serial)


def gt06_place(at: datetime) -> bytes:
    """Time, satellites, 38.4667 N 106.2731 E, speed, course."""
    clock = bytes((at.year - 2000, at.month, at.day, at.hour, at.minute, at.second))
    return (
        clock
        + b"\xc9"
        + int(38.4667 * 1_800_000).to_bytes(4, "big")
        + (int(106.2731 * 1_800_000).to_bytes(4, "big") + b"\x00\x14\x78")
    )


def gt06_location(serial: int, at: datetime | None = None) -> bytes:
    return gt06(LOCATION, gt06_place(at or datetime.now(UTC)) + bytes.fromhex("01cc002490000ff2"), serial)


def gt06_sos(serial: int, at: datetime | None = None) -> bytes:
    """An alarm with the SOS bits of the terminal information and the SOS word."""
    return gt06(ALARM, gt06_place(at or datetime.now(UTC)) + bytes.fromhex("0901cc002490000ff2640604 0101"), serial)


def jt808(kind: int, body: bytes, *, phone: str = "13900000017", serial: int = 1, version: int | None = None) -> bytes:
    """A message of JT/T 808-2013, or of 2019 with its version, as it goes over the wire."""
    attributes = len(body) | (0x4000 if version is not None else 0)
    number = bytes.fromhex(phone.zfill(20 if version is not None else 12))
    head = kind.to_bytes(2, "big") + attributes.to_bytes(2, "big") + (b"" if version is None else bytes((version,)))
    inner = head + number + serial.to_bytes(2, "big") + body
    inner += bytes((reduce(xor, inner),))
    return b"\x7e" + inner.replace(b"\x7d", b"\x7d\x01").replace(b"\x7e", b"\x7d\x02") + b"\x7e"


def jt808_position(*, alarm: int = 0) -> bytes:
    """The body of 0x0200: alarms, located, place, altitude, speed, direction, time in GMT+8."""
    clock = bytes.fromhex(datetime.now(GMT8).strftime("%y%m%d%H%M%S"))
    return (
        alarm.to_bytes(4, "big") + (2).to_bytes(4, "big") + (38_466_700).to_bytes(4, "big")
        + (106_273_100).to_bytes(4, "big") + bytes(6) + clock
    )  # fmt: skip


async def jt808_heard(peer: Raw) -> tuple[int, bytes, bytes]:
    """Return (kind, phone, body) of the next message of the platform, whose check byte is right."""
    wire = await peer.reader.readuntil(b"\x7e")
    if wire == b"\x7e":
        wire += await peer.reader.readuntil(b"\x7e")
    inner = wire[1:-1].replace(b"\x7d\x02", b"\x7e").replace(b"\x7d\x01", b"\x7d")
    assert reduce(xor, inner) == 0
    long = inner[2] & 0x40
    number = inner[5:15] if long else inner[4:10]
    return int.from_bytes(inner[:2], "big"), number, inner[17 if long else 12 : -1]


async def signed_in(gateway: Gateway, imei: str = IMEI) -> Raw:
    """Return a GT06 tracker whose login has been answered."""
    peer = await Raw.open(gateway.ports["gt06"])
    peer.say(gt06_login(imei))
    assert await peer.hear(10) == gt06_answer(0x01, 1)
    return peer
