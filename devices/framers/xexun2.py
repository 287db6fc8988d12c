"""Xexun's binary frames of 2021: FA AF before and behind, and two escapes between."""

import re

from devices.framers.base import Cutter

MARK = b"\xfa\xaf"
SHORTEST = 22  # two marks, kind, number, IMEI, length, check sum

_ESCAPE = re.compile(rb"\xfb\xbf([\x01\x02])")
_PLAIN = {b"\x01": MARK, b"\x02": b"\xfb\xbf"}


def escape(inner: bytes) -> bytes:
    """Return what stands between the marks as it has to go over the wire."""
    return inner.replace(b"\xfb\xbf", b"\xfb\xbf\x02").replace(MARK, b"\xfb\xbf\x01")


class Framer(Cutter):
    """Bytes in, whole frames out, unescaped."""

    longest = 8192

    def span(self) -> tuple[int, int]:
        """Return what lies between two marks, both included."""
        held = self._held
        start = held.find(MARK)
        if start < 0:
            given_up = len(held) - held.endswith(MARK[:1])
            return given_up, given_up
        end = held.find(MARK, max(start + 2, self._searched))
        if end < 0:
            self._searched = 0 if start else max(0, len(held) - 1)
            return start, start
        if end == start + 2:  # the end of one frame and the start of the next
            return end, end
        return start, end + 2

    def plain(self, frame: bytes) -> bytes:
        """Return the frame with its escapes undone."""
        return _ESCAPE.sub(lambda match: _PLAIN[match[1]], frame)
