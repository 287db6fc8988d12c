"""What cuts a TCP stream into frames, and three common ways: by marks, by a length field, by line ends.

A grammar's own framer is one of these with its marks filled in. All of them find their feet again after garbage, hold
no more than `longest` bytes, and look at each byte a fixed number of times however the bytes come.
"""

import re
from typing import ClassVar, Protocol

BLANKS = b" \t\r\n\0"
_BLANK = re.compile(rb"[ \t\r\n\0]*")


class Framer(Protocol):
    """Bytes in, whole frames out, unescaped where the grammar escapes."""

    rejected_bytes: int

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take bytes as they came, return the frames that are complete now."""

    def take_rejected(self) -> bytes:
        """Return, once, the bytes that belonged to no frame."""


class Cutter:
    """Base of the framers: a grammar says in `span` where its first frame lies in what has arrived."""

    longest: ClassVar[int] = 4096

    def __init__(self) -> None:
        self._held = bytearray()
        self._rejected = bytearray()
        self._searched = 0  # up to here `span` has looked for the end of the frame at the front, in vain
        self.rejected_bytes = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take bytes as they came, return the frames that are complete now."""
        self._held += chunk
        frames = []
        while self._held:
            start, end = self.span()
            self._reject(start)
            length = end - start
            if 0 < length <= self.longest:
                frames.append(self.plain(bytes(self._held[:length])))
                self._drop(length)
            elif length > 0:  # whole, and too long to be one
                self._reject(length - self.longest)
            elif (over := len(self._held) - self.longest) > 0:  # what looked like a start was none
                searched = max(0, self._searched - over)
                self._reject(over)
                self._searched = searched
            elif start == 0:
                break
        return frames

    def take_rejected(self) -> bytes:
        """Return, once, the bytes that belonged to no frame: at most `longest` of them, for keeping and counting."""
        rejected, self._rejected = bytes(self._rejected), bytearray()
        return rejected

    def span(self) -> tuple[int, int]:
        """Return where the first frame starts and ends in `_held`; what lies before its start is garbage.

        The end is not behind the start while no frame is whole.
        """
        raise NotImplementedError

    def plain(self, frame: bytes) -> bytes:
        """Return the frame without what the wire put into it."""
        return frame

    def _reject(self, count: int) -> None:
        if count == 0:
            return
        given_up = self._held[:count]
        self.rejected_bytes += len(given_up.translate(None, BLANKS))  # a blank line between frames is no garbage
        self._rejected += given_up[: max(0, self.longest - len(self._rejected))]
        self._drop(count)

    def _drop(self, count: int) -> None:
        del self._held[:count]
        self._searched = 0


def blanks(held: bytearray) -> int:
    """Return how many bytes that are no part of a line come first."""
    found = _BLANK.match(held)
    return 0 if found is None else found.end()


class Lines(Cutter):
    """Frames that end with one of a few bytes; the ends belong to no frame, nor do blanks around it."""

    ends: ClassVar[re.Pattern[bytes]] = re.compile(rb"[\r\n]")

    def span(self) -> tuple[int, int]:
        """Return the first stretch without an end in it, once its end is there."""
        start = blanks(self._held)
        found = self.ends.search(self._held, max(start, self._searched))
        self._searched = 0 if start else len(self._held)
        if found is None:
            return start, start
        return (start, found.end()) if found.start() > start else (found.end(), found.end())

    def plain(self, frame: bytes) -> bytes:
        """Return the line without its end."""
        return frame[:-1].rstrip(BLANKS)


class Marked(Cutter):
    """Frames between a start and an end mark, both of which belong to the frame."""

    start: ClassVar[re.Pattern[bytes]]
    end: ClassVar[re.Pattern[bytes]]
    stub: ClassVar[int] = 1  # bytes at the end of what has arrived that may still become a start

    def span(self) -> tuple[int, int]:
        """Return what lies between the first start and the next end."""
        found = self.start.search(self._held)
        if found is None:
            given_up = max(0, len(self._held) - self.stub)
            return given_up, given_up
        start = found.start()
        end = self.end.search(self._held, max(found.end(), self._searched))
        if end is None:
            self._searched = 0 if start else max(0, len(self._held) - self.stub)
            return start, start
        # A start inside a frame means that the end of the one before was lost.
        last = start
        for again in self.start.finditer(self._held, found.end(), end.start()):
            last = again.start()
        return last, end.end()


class Counted(Cutter):
    """Frames that say how long they are."""

    start: ClassVar[re.Pattern[bytes]]
    head: ClassVar[int]  # bytes from the start on in which the length stands
    stub: ClassVar[int] = 1  # bytes at the end of what has arrived that may still become a start

    def length(self, head: bytes) -> int:
        """Return how many bytes the whole frame has, given its first `head` bytes; 0 if this is no frame."""
        raise NotImplementedError

    def whole(self, frame: bytes) -> bool:
        """Whether a frame of the length it says ends as it should."""
        return True

    def span(self) -> tuple[int, int]:
        """Return the first start whose length leads to a good end."""
        held, at = self._held, 0
        while (found := self.start.search(held, at)) is not None:
            start = found.start()
            if len(held) - start < self.head:
                return start, start
            length = self.length(bytes(held[start : start + self.head]))
            if self.head <= length <= self.longest:
                end = start + length
                if end > len(held):
                    return start, start
                if self.whole(bytes(held[start:end])):
                    return start, end
            at = start + 1
        given_up = max(at, len(held) - self.stub)
        return given_up, given_up
