"""GT06 cut into frames: 78 78 with one byte of length or 79 79 with two, and 0D 0A at the end.

The length is wrong in several makers' frames (Wi-Fi lists put a count there), so a frame may also end at any 0D 0A
that a good check sum, or the start of the next frame, says is its end.
"""

import re

from devices.framers.base import Cutter

END = b"\r\n"
SHORTEST = 6  # two marks, length, kind, end
WIFI_LISTS = (0x17, 0x69)
SEALED_MOST = 300  # bytes; a check sum is reckoned only where a length is wrong, and only over so many
ENDS_TRIED = 8  # for one start, each time something arrives

_START = re.compile(rb"xx|yy")
_STARTS = (b"xx", b"yy")


def _table() -> tuple[int, ...]:
    rows = []
    for row in range(256):
        value = row
        for _ in range(8):
            value = value >> 1 ^ (0x8408 if value & 1 else 0)
        rows.append(value)
    return tuple(rows)


_CRC = _table()


def crc(data: bytes) -> int:
    """Return the CRC-ITU (X.25) of everything between the marks and the check sum."""
    value = 0xFFFF
    for byte in data:
        value = value >> 8 ^ _CRC[(value ^ byte) & 0xFF]
    return value ^ 0xFFFF


def seal(kind: int, content: bytes, serial: int, *, long: bool = False) -> bytes:
    """Return a whole frame of ours."""
    length = (len(content) + 5).to_bytes(2 if long else 1, "big")
    inner = length + bytes((kind,)) + content + serial.to_bytes(2, "big")
    return (b"yy" if long else b"xx") + inner + crc(inner).to_bytes(2, "big") + END


class Framer(Cutter):
    """Bytes in, whole frames out."""

    longest = 4096  # a piece of a picture has 1 KB; alarms less than 256 bytes

    def __init__(self) -> None:
        super().__init__()
        self._tried = 0  # of the frame at the front: up to here, no 0D 0A is its end

    def span(self) -> tuple[int, int]:
        """Return the first frame, by its length where that leads to an end mark."""
        held = self._held
        found = _START.search(held)
        if found is None:
            return (len(held) - (held[-1] in b"xy"),) * 2
        start = found.start()
        if len(held) - start < SHORTEST:
            return start, start
        for length in self._lengths(start):
            if held[start + length - 2 : start + length] == END:
                return start, start + length
        end = self._other_end(start)
        return start, end or start

    def _lengths(self, start: int) -> list[int]:
        """Return how long the frame may be by what its head says."""
        held = self._held
        if held[start] == ord("y"):
            return [int.from_bytes(held[start + 2 : start + 4], "big") + 6]
        count, kind = held[start + 2], held[start + 3]
        lengths = [count + 5, count + 6]  # some do not count the kind
        cells = start + 4 + 6 + 7 * count
        if kind in WIFI_LISTS and len(held) > cells:  # time, networks, then cells: a count, a country, so many
            lengths.append(cells - start + 1 + 3 + 5 * held[cells] + 2)
        return lengths

    def _other_end(self, start: int) -> int | None:
        held = self._held
        at = max(start + SHORTEST - 2, self._tried if start == 0 else 0)
        for _ in range(ENDS_TRIED):
            at = held.find(END, at)
            if at < 0:
                break
            after = at + 2
            follows = bytes(held[after : after + 2])
            if follows in _STARTS or self._sealed(bytes(held[start:after])):
                return after
            if len(follows) < 2:  # what follows it is not here yet
                break
            at += 1
        self._tried = 0 if start else max(0, len(held) - 3 if at < 0 else at)
        return None

    def _drop(self, count: int) -> None:
        super()._drop(count)
        self._tried = 0

    def _sealed(self, frame: bytes) -> bool:
        return 10 <= len(frame) <= SEALED_MOST and crc(frame[2:-4]) == int.from_bytes(frame[-4:-2], "big")
