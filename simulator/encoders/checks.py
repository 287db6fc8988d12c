"""Check sums and packed numbers, bit by bit as the makers' documents define them."""

from collections.abc import Iterable
from functools import reduce
from operator import xor


def crc16(data: bytes, *, polynomial: int, start: int, reflected: bool = False, last: int = 0) -> int:
    """Return a CRC of 16 bits. `reflected`: bits go in and come out lowest first; `last` is XORed at the end."""
    value = start
    for byte in data:
        if reflected:
            value ^= byte
            for _ in range(8):
                value = (value >> 1) ^ (_mirrored(polynomial) if value & 1 else 0)
        else:
            value ^= byte << 8
            for _ in range(8):
                value = ((value << 1) ^ (polynomial if value & 0x8000 else 0)) & 0xFFFF
    return value ^ last


def itu(data: bytes) -> int:
    """Return the CRC-ITU of Concox's appendix (X-25)."""
    return crc16(data, polynomial=0x1021, start=0xFFFF, reflected=True, last=0xFFFF)


def xmodem(data: bytes) -> int:
    """Return the CRC that begins at 0."""
    return crc16(data, polynomial=0x1021, start=0)


def ccitt_false(data: bytes) -> int:
    """Return the CRC that begins at FFFF and is not mirrored."""
    return crc16(data, polynomial=0x1021, start=0xFFFF)


def xored(data: Iterable[int]) -> int:
    """Return all bytes XORed."""
    return reduce(xor, data, 0)


def bcd(digits: str) -> bytes:
    """Return decimal digits, two a byte; an odd number of them gets a 0 in front."""
    return bytes.fromhex(digits if len(digits) % 2 == 0 else f"0{digits}")


def degrees_minutes(value: float, width: int, decimals: int = 4) -> str:
    """Return a coordinate as NMEA has it: ddmm.mmmm of `width` digits before the point."""
    scale = 10**decimals
    minutes = round(abs(value) * 60 * scale)  # rounded once, so that 59.99999 does not become 60
    whole, rest = divmod(minutes, 60 * scale)
    return f"{whole:0{width - 2}d}{rest // scale:02d}.{rest % scale:0{decimals}d}"


def _mirrored(value: int) -> int:
    return int(f"{value:016b}"[::-1], 2)
