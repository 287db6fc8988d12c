"""Xexun's binary frames of 2025: FC, a length, and CF at the end."""

import re

from devices.framers.base import Counted

HEAD_BYTES = 3
TAIL_BYTES = 3  # check sum, end mark
VERSION = 3

_START = re.compile(rb"\xfc")


def crc(data: bytes) -> int:
    """Return CRC-16/CCITT-FALSE of everything between the length and the check sum."""
    value = 0xFFFF
    for byte in data:
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1 ^ (0x1021 if value & 0x8000 else 0)) & 0xFFFF
    return value


class Framer(Counted):
    """Bytes in, whole frames out."""

    start = _START
    head = HEAD_BYTES + 1
    longest = 4096

    def length(self, head: bytes) -> int:
        """Return the length, 0 if the version is none we know."""
        length = int.from_bytes(head[1:3], "big")
        return HEAD_BYTES + length + TAIL_BYTES if length >= 11 and head[3] == VERSION else 0

    def whole(self, frame: bytes) -> bool:
        """Whether the end mark is there."""
        return frame.endswith(b"\xcf")
