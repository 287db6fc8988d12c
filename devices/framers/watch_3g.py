"""The 3G watch's byte stream cut into frames, by brackets: its length field is wrong too often to be trusted."""

import re

LONGEST = 0x10000 + 64  # the length field counts at most FFFF bytes; more without a bracket is no frame

_START = re.compile(rb"\[[0-9A-Za-z]{2}\*[0-9A-Za-z]{4,20}\*")
_HEAD = re.compile(rb"\[[^*\[\]]{2}\*[^*\[\]]+\*(?:[0-9A-Fa-f]{4}\*)?([0-9A-Fa-f]{4})\*(AL)?")
_BRACKET = re.compile(rb"[\[\]]")
_ESCAPE = re.compile(rb"\x7d([\x01-\x05])")
_PLAIN = {b"\x01": b"}", b"\x02": b"[", b"\x03": b"]", b"\x04": b",", b"\x05": b"*"}
_CLOSING = ord("]")
_STUB = 24  # bytes after a `[` that may still become the start of a frame


def unescape(frame: bytes) -> bytes:
    """Return the frame with 7D 01 … 7D 05 turned back into } [ ] , and *. A lone 7D is kept as it is."""
    if b"\x7d" not in frame:
        return frame
    return _ESCAPE.sub(lambda match: _PLAIN[match[1]], frame)


def escape(content: bytes) -> bytes:
    """Return binary content as it has to go over the wire."""
    back = {plain: b"\x7d" + mark for mark, plain in _PLAIN.items()}
    return re.sub(rb"[\x7d\[\],*]", lambda match: back[match[0]], content)


class Framer:
    """Bytes in, whole frames out, unescaped. Finds its feet again after garbage; holds at most LONGEST bytes.

    A frame ends where its brackets are balanced, because Wi-Fi names inside it may hold brackets of their own.
    Where they are not balanced, the next frame's start or the length field decides. An alarm never waits for
    bytes that may not come: an `AL` is handed on at the first bracket that ends what has arrived. An `AL` cut off
    by the next frame is handed on without its closing bracket, so that its reader can tell.
    """

    def __init__(self) -> None:
        self._held = bytearray()
        self._rejected = bytearray()
        self.rejected_bytes = 0
        # Of the frame at the front: how far its brackets are counted and the next start is looked for. Without them a
        # sender of single brackets would have 64 KB looked through again for each.
        self._counted = self._depth = self._searched = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take bytes as they came, return the frames that are complete now."""
        self._held += chunk
        if b"]" not in chunk and b"[" not in chunk and len(self._held) <= LONGEST:
            return []
        frames = []
        while (frame := self._next()) is not None:
            frames.append(unescape(frame))
        return frames

    def take_rejected(self) -> bytes:
        """Return, once, the bytes that belonged to no frame: at most LONGEST of them, for keeping and counting."""
        rejected, self._rejected = bytes(self._rejected), bytearray()
        return rejected

    def _next(self) -> bytes | None:
        while True:
            start = _START.search(self._held)
            if start is None:
                self._reject(self._stub())
                return None
            self._reject(start.start())
            limit = self._following()
            end = self._end(limit)
            if end is not None and end <= LONGEST:
                return self._cut(end)
            if limit is not None and self._is_alarm():
                return self._cut(limit)
            if end is None and limit is None and len(self._held) <= LONGEST:
                return None
            self._reject(end or limit or len(self._held))

    def _following(self) -> int | None:
        """Return where the next frame starts."""
        found = _START.search(self._held, max(1, self._searched - _STUB))
        self._searched = len(self._held)
        return None if found is None else found.start()

    def _end(self, limit: int | None) -> int | None:
        """Return where the first frame ends, given that the next one starts at `limit`; None if it is not all here."""
        held = self._held
        stop = len(held) if limit is None else limit
        declared = self._declared()
        if declared is not None and declared <= stop and held[declared - 1] == _CLOSING:
            return declared
        for match in _BRACKET.finditer(held, self._counted, stop):
            self._depth += 1 if match[0] == b"[" else -1
            if self._depth == 0:
                return match.end()
        self._counted = stop
        if limit is not None:
            return held.rfind(b"]", 0, limit) + 1 or None
        whole = stop - (len(held[-2:]) - len(held[-2:].rstrip(b"\r\n")))
        waiting = declared is not None and declared > whole and not self._is_alarm()
        return whole if held[whole - 1] == _CLOSING and not waiting else None

    def _declared(self) -> int | None:
        """Return where the frame ends by its length field, which counts what follows the last star of the head."""
        head = _HEAD.match(self._held)
        return None if head is None else head.end(1) + 1 + int(head[1], 16) + 1

    def _is_alarm(self) -> bool:
        head = _HEAD.match(self._held)
        return head is not None and head[2] is not None

    def _stub(self) -> int:
        """Return how many bytes can be given up: all but a tail that may still become the start of a frame."""
        opening = self._held.rfind(b"[")
        return opening if opening >= 0 and len(self._held) - opening < _STUB else len(self._held)

    def _cut(self, end: int) -> bytes:
        frame = bytes(self._held[:end])
        self._drop(end)
        return frame

    def _reject(self, count: int) -> None:
        if count == 0:
            return
        self.rejected_bytes += count
        self._rejected += self._held[: min(count, LONGEST - len(self._rejected))]
        self._drop(count)

    def _drop(self, count: int) -> None:
        del self._held[:count]
        self._counted = self._depth = self._searched = 0
