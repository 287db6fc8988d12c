"""JT/T 808 cut into frames by its 7E marks, and the two escapes undone. E7 is the mark of some locks' dialect."""

import re

from devices.framers.base import Cutter

MARK, OTHER_MARK = 0x7E, 0xE7
SHORTEST = 15  # mark, head of 12 bytes, check byte, mark

_START = re.compile(rb"[\x7e\xe7(]")
_PLAIN = {b"\x7d\x01": b"\x7d", b"\x7d\x02": b"\x7e", b"\x3e\x01": b"\x3e", b"\x3e\x02": b"\xe7"}
_ESCAPED = {MARK: re.compile(rb"\x7d[\x01\x02]"), OTHER_MARK: re.compile(rb"\x3e[\x01\x02]")}


def escape(frame: bytes) -> bytes:
    """Return a frame, its marks included, as it has to go over the wire."""
    inner = frame[1:-1]
    if frame[0] == OTHER_MARK:
        return b"\xe7" + inner.replace(b"\x3e", b"\x3e\x01").replace(b"\xe7", b"\x3e\x02") + b"\xe7"
    return b"\x7e" + inner.replace(b"\x7d", b"\x7d\x01").replace(b"\x7e", b"\x7d\x02") + b"\x7e"


def unescape(frame: bytes) -> bytes:
    """Return a frame as it came from the wire with its escapes undone. A lone escape byte is kept as it is."""
    pattern = _ESCAPED.get(frame[0]) if frame else None
    return frame if pattern is None else pattern.sub(lambda match: _PLAIN[match[0]], frame)


class Framer(Cutter):
    """Bytes in, whole frames out, unescaped.

    One mark ends a frame and another starts the next; a device that sends a single mark between two frames is
    understood too. Locks put text in brackets between the frames: that is a frame of its own.
    """

    longest = 4096  # a body has at most 1023 bytes, twice that if all of it is escaped

    def __init__(self) -> None:
        super().__init__()
        self._mark = b""  # what was looked for in vain up to `_searched`

    def span(self) -> tuple[int, int]:
        """Return what lies between two marks, both included."""
        held = self._held
        found = _START.search(held)
        if found is None:
            return len(held), len(held)
        start = found.start()
        mark = b")" if held[start] == ord("(") else bytes((held[start],))
        if mark != self._mark:
            self._mark, self._searched = mark, 0
        end = held.find(mark, max(start + 1, self._searched))
        if end < 0:
            self._searched = 0 if start else len(held)
            return start, start
        if end - start + 1 < SHORTEST and mark != b")":  # two marks side by side: the second is the start
            return end, end
        return start, end + 1

    def plain(self, frame: bytes) -> bytes:
        """Return the frame with its escapes undone."""
        return unescape(frame)
