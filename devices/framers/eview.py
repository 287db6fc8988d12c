"""Eview's frames (EV-07B, MiniFinder): AB, then a length that counts what follows the head of eight bytes."""

import binascii
import re

from devices.framers.base import Counted

HEAD_BYTES = 8  # AB, flags, length, check sum, number
KINDS = (0x01, 0x02, 0x03, 0x04, 0x7E, 0x7F)

_START = re.compile(rb"\xab")


def seal(kind: int, content: bytes, number: int) -> bytes:
    """Return a whole frame of ours."""
    body = bytes((kind,)) + content
    head = len(body).to_bytes(2, "little") + binascii.crc_hqx(body, 0).to_bytes(2, "little")
    return b"\xab\0" + head + number.to_bytes(2, "little") + body


class Framer(Counted):
    """Bytes in, whole frames out."""

    start = _START
    head = HEAD_BYTES + 1
    longest = 8192

    def length(self, head: bytes) -> int:
        """Return the length, 0 if this is no kind of message that there is."""
        body = int.from_bytes(head[2:4], "little")
        return HEAD_BYTES + body if body and head[HEAD_BYTES] in KINDS else 0
