"""Eelink's packages: 67 67, a kind, a length that counts what follows it. Over UDP several of them stand behind EL."""

import re

from devices.framers.base import Counted

HEAD_BYTES = 5  # 67 67, kind, length
ENVELOPE_BYTES = 14  # EL, length, check sum, IMEI

_START = re.compile(rb"gg|EL")


class Framer(Counted):
    """Bytes in, whole packages out, or whole envelopes of them."""

    start = _START
    head = HEAD_BYTES
    longest = 4096

    def length(self, head: bytes) -> int:
        """Return the length, 0 if it has no room for a running number or an IMEI."""
        if head[:2] == b"EL":
            length = int.from_bytes(head[2:4], "big") + 4
            return length if length >= ENVELOPE_BYTES else 0
        length = int.from_bytes(head[3:5], "big")
        return HEAD_BYTES + length if length >= 2 else 0
