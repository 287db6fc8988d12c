"""The text trackers' streams cut into frames: most end a line or have marks around them, a few mix in binary."""

import re
from typing import ClassVar

from devices.framers.base import BLANKS, Cutter, Lines, Marked, blanks


class NewLines(Lines):
    """Frames that end a line: Laipac, Mictrack, R12W, the long form of Xexun."""


class Semicolons(Lines):
    """Frames that end with a semicolon, or a line: GPS103, MiniFinder."""

    ends: ClassVar[re.Pattern[bytes]] = re.compile(rb"[;\r\n\0]")


class Parentheses(Marked):
    """Frames in parentheses: TK103."""

    start: ClassVar[re.Pattern[bytes]] = re.compile(rb"\(")
    end: ClassVar[re.Pattern[bytes]] = re.compile(rb"\)")


class Trv(Marked):
    """IW and TRV watches: from the maker's letters to a hash."""

    longest: ClassVar[int] = 0x10000  # a voice or a picture comes in frames of its own
    start: ClassVar[re.Pattern[bytes]] = re.compile(rb"(?:TRV|IW)[A-Z]P")
    end: ClassVar[re.Pattern[bytes]] = re.compile(rb"#")
    stub: ClassVar[int] = 4


class Pt60(Marked):
    """PT60 watches: two dialects, each with its own marks."""

    start: ClassVar[re.Pattern[bytes]] = re.compile(rb"@[BG]#@")
    end: ClassVar[re.Pattern[bytes]] = re.compile(rb"@[ER]#@")
    stub: ClassVar[int] = 3


class Wristband(Marked):
    """A text with three bytes before and three behind it."""

    start: ClassVar[re.Pattern[bytes]] = re.compile(rb"\x00\x01\x02")
    end: ClassVar[re.Pattern[bytes]] = re.compile(rb"\xff\xfe\xfc")
    stub: ClassVar[int] = 2


class Xexun(Marked):
    """Xexun's sentence up to the IMEI. What some models write around it is no part: an alarm is whole without it."""

    start: ClassVar[re.Pattern[bytes]] = re.compile(rb"GPRMC")
    end: ClassVar[re.Pattern[bytes]] = re.compile(rb"imei:\d{14,17},")
    stub: ClassVar[int] = 24  # of the end mark, which may be cut in two by the network


class Megastek(Cutter):
    """Megastek's three dialects: the newest ends with `!`, the others end a line."""

    def span(self) -> tuple[int, int]:
        """Return the first stretch that ends with an exclamation mark, which belongs to it, or with a line."""
        held = self._held
        start = blanks(held)
        found = re.compile(rb"[!\r\n]").search(held, max(start, self._searched))
        self._searched = 0 if start else len(held)
        if found is None:
            return start, start
        if found[0] == b"!" and b"$MG" not in held[start : found.start()]:
            found = re.compile(rb"[\r\n]").search(held, found.end())
            if found is None:
                self._searched = 0
                return start, start
        return start, found.end()

    def plain(self, frame: bytes) -> bytes:
        """Return the frame without the end of its line."""
        return frame.rstrip(BLANKS)


class H02(Cutter):
    """H02: text from star to hash, or binary from a dollar sign on, of 32 to 48 bytes by model.

    The model does not say which. What decides is where the next frame starts; then all the connection's are as long.
    """

    longest: ClassVar[int] = 2048
    lengths: ClassVar[tuple[int, ...]] = (48, 46, 45, 42, 32)

    def __init__(self) -> None:
        super().__init__()
        self._length = 0

    def span(self) -> tuple[int, int]:
        """Return the first frame that starts with one of the two marks."""
        held = self._held
        found = re.search(rb"\*[A-Za-z]{2},|\*[A-Za-z]{0,2}\Z|\$", held)
        if found is None:
            return len(held), len(held)
        start = found.start()
        if held[start] == ord("*"):
            end = held.find(b"#", max(start, self._searched))
            self._searched = 0 if start or end >= 0 else len(held)
            return start, end + 1 if end >= 0 else start
        return start, start + self._binary(len(held) - start, start)

    def _binary(self, left: int, start: int) -> int:
        """Return how long the binary frame at the front is; 0 if it is not all here."""
        if self._length and left >= self._length:
            return self._length
        for length in self.lengths:
            if left == length or (left > length and self._held[start + length] in b"$*\r"):
                self._length = length
                return length
        return self.lengths[-1] if left > self.lengths[0] else 0


class Queclink(Cutter):
    """Queclink's @Track: text up to a dollar sign, or a binary report that says how long it is."""

    start: ClassVar[re.Pattern[bytes]] = re.compile(rb"\+(?:RESP|BUFF|ACK):GT|\+(?=[A-Z]{3}[^A-Z:])|\+(?=\x00)")
    tail: ClassVar[re.Pattern[bytes]] = re.compile(rb"[$\x00]")
    head: ClassVar[int] = 11
    stub: ClassVar[int] = 7
    # Where the length stands in a binary report: after how many bytes, in how many.
    counted: ClassVar[dict[bytes, tuple[int, int]]] = {
        b"+ACK": (6, 1), b"+HBD": (5, 1), b"+INF": (7, 2), b"+BNF": (7, 2), b"+CRD": (6, 2), b"+BRD": (6, 2),
        b"+LGN": (6, 2), b"+RSP": (9, 2), b"+BSP": (9, 2), b"+EVT": (9, 2), b"+BVT": (9, 2),
    }  # fmt: skip

    def span(self) -> tuple[int, int]:
        """Return the first report."""
        held = self._held
        for found in self.start.finditer(held):
            start = found.start()
            if len(found[0]) > 1:
                return self._text(start, found.end())
            if len(held) - start < self.head:
                return start, start
            length = self._length(held[start : start + self.head])
            if self.head <= length <= self.longest:
                return start, start + length if start + length <= len(held) else start
        given_up = max(0, len(held) - self.stub)
        return given_up, given_up

    def plain(self, frame: bytes) -> bytes:
        """Return a text without its end."""
        return frame[:-1] if b":GT" in frame[:9] else frame

    def _text(self, start: int, head_ends: int) -> tuple[int, int]:
        end = self.tail.search(self._held, max(head_ends, self._searched))
        self._searched = 0 if start or end is not None else len(self._held)
        return start, end.end() if end is not None else start

    def _length(self, head: bytearray) -> int:
        """Return how long a binary report says it is; 0 if it is none."""
        at, size = (2, 2) if head[1] == 0 else self.counted.get(bytes(head[:4]), (0, 0))
        return int.from_bytes(head[at : at + size], "big")
