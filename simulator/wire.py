"""Lines to the hub that cost little: MQTT 3.1.1 over one connection each, and trackers' TCP. Thousands in one loop.

A line knows nothing of devices. `Traffic` counts what is on its way and not acknowledged: in lock-step time stands
until that is nothing.
"""

import asyncio
import contextlib
import random
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from simulator.encoders import wire_faults
from simulator.town_file import Endpoint

Hear = Callable[[str, bytes], None]
Greeting = tuple[list[bytes], Callable[[bytes], bool] | None]  # frames, and what knows the answer to the last
KEEPALIVE_S = 65_535  # real seconds; a town lives for less
CONNECT_LIMIT_S = 20.0
AGAIN_S = 0.2  # real seconds before a lost line is opened again
OPENINGS = 50  # of a line that is refused
REPLY_LIMIT_S = 20.0  # a tracker's answer; the hub may be busy with a whole town
DEAF = 3  # sayings in a row without an answer; from then on a line waits for one …
DEAF_LIMIT_S = 0.5  # … so long: what it kept for an hour must not take an hour
_ID = struct.Struct(">H")


@dataclass
class Traffic:
    """What is on its way."""

    waiting: int = 0
    sent: int = 0
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.idle.set()

    def out(self) -> None:
        self.waiting += 1
        self.sent += 1
        self.idle.clear()

    def home(self, number: int = 1) -> None:
        self.waiting -= number
        if self.waiting <= 0:
            self.idle.set()

    def fault(self, words: str) -> None:
        if len(self.faults) < 100 and words not in self.faults:
            self.faults.append(words)


class MqttLine(asyncio.Protocol):
    """One MQTT client with QoS 1. What is not acknowledged goes again over the next connection.

    Args:
        hear: called with topic and payload of what comes down.
        will: topic, payload of the last will, retained.
    """

    def __init__(
        self, endpoint: Endpoint, username: str, secret: str, traffic: Traffic, *, subscribe: Sequence[str] = (),
        hear: Hear = lambda _topic, _payload: None, will: tuple[str, bytes] | None = None, client: str = "",
    ) -> None:  # fmt: skip
        self.username = username
        self._client = client or f"{username}-sim"
        self._endpoint, self._secret, self._traffic = endpoint, secret, traffic
        self._subscribe, self._hear, self._will = subscribe, hear, will
        self._transport: asyncio.Transport | None = None
        self._unheard: dict[int, tuple[bytes, Callable[[], None] | None]] = {}
        self._id = 0
        self._rest = b""
        self._up = asyncio.Event()
        self._wanted = False
        self._opening: asyncio.Task[None] | None = None
        self.connects = 0
        self.pieces: random.Random | None = None  # with one: packets go out in pieces

    @property
    def up(self) -> bool:
        return self._up.is_set()

    async def open(self) -> None:
        """Connect and return when the hub has agreed.

        Raises:
            TimeoutError: It does not.
        """
        self._wanted = True
        for attempt in range(OPENINGS):
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(CONNECT_LIMIT_S):
                    await asyncio.get_running_loop().create_connection(
                        lambda: self, self._endpoint.host, self._endpoint.port
                    )
                    await self._up.wait()
                    return
            if not self._wanted:
                return
            await asyncio.sleep(AGAIN_S * min(attempt + 1, 10))
        raise TimeoutError(f"{self.username}: the hub takes no connection")

    def close(self, *, rudely: bool = False) -> None:
        """End the connection; `rudely` without a word, so that the will is published."""
        self._wanted = False
        self._up.clear()
        transport, self._transport = self._transport, None
        if transport:
            if not rudely:
                transport.write(b"\xe0\x00")
            transport.close()

    def forget(self) -> None:
        """Wait for nothing that was said before: who has no power keeps nothing."""
        lost, self._unheard = self._unheard, {}
        self._traffic.home(len(lost))

    def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, done: Callable[[], None] | None = None
    ) -> None:
        """Send; `done` is called when the hub has acknowledged it."""
        self._id = self._id % 65_535 + 1
        name = topic.encode()
        body = b"%b%b%b%b" % (_ID.pack(len(name)), name, _ID.pack(self._id), payload)
        packet = b"%b%b%b" % (b"\x33" if retain else b"\x32", _length(len(body)), body)
        self._unheard[self._id] = (packet, done)
        self._traffic.out()
        if self._up.is_set() and self._transport:
            for piece in wire_faults.pieces(packet, self.pieces) if self.pieces else (packet,):
                self._transport.write(piece)

    # ---- asyncio's ----

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._rest = transport, b""
        flags, tail = 0xC2, b""  # user name, password, clean session
        if self._will:
            topic, payload = self._will
            flags |= 0x2C  # a will, QoS 1, retained
            tail = _text(topic.encode()) + _text(payload)
        words = b"\x00\x04MQTT\x04" + bytes([flags]) + _ID.pack(KEEPALIVE_S) + _text(self._client.encode())
        words += tail + _text(self.username.encode()) + _text(self._secret.encode())
        transport.write(b"\x10" + _length(len(words)) + words)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None and not self._transport.is_closing():
            return  # it was another one, from before
        self._up.clear()
        self._transport = None
        if self._wanted and (self._opening is None or self._opening.done()):
            self._opening = asyncio.ensure_future(self._again())

    def data_received(self, data: bytes) -> None:
        buffer = self._rest + data if self._rest else data
        at, end = 0, len(buffer)
        while end - at >= 2:
            size, head = buffer[at + 1], 2
            if size > 127:
                size, head = _read_length(buffer, at)
                if head == 0:
                    break
            if end - at < head + size:
                break
            kind = buffer[at]
            start = at + head
            if kind == 0x40:
                self._acknowledged(buffer[start] << 8 | buffer[start + 1])
            else:
                self._other(kind, buffer[start : start + size])
            at = start + size
        self._rest = buffer[at:]

    # ---- packets ----

    def _acknowledged(self, number: int) -> None:
        known = self._unheard.pop(number, None)
        if known:
            if known[1]:
                known[1]()
            self._traffic.home()

    def _other(self, kind: int, body: bytes) -> None:
        assert self._transport is not None
        if kind == 0x20:  # CONNACK
            if body[1] != 0:
                self._traffic.fault(f"{self.username}: the hub refuses the connection with {body[1]}")
                self._transport.close()
                return
            self.connects += 1
            for topic in self._subscribe:
                words = b"\x00\x01" + _text(topic.encode()) + b"\x01"
                self._transport.write(b"\x82" + _length(len(words)) + words)
            for packet, _ in self._unheard.values():
                self._transport.write(bytes([packet[0] | 0x08]) + packet[1:] if self.connects > 1 else packet)
            if not self._subscribe:
                self._up.set()
        elif kind == 0x90:
            self._up.set()
        elif kind & 0xF0 == 0x30:
            size = body[0] << 8 | body[1]
            rest = 2 + size
            if kind & 0x06:
                self._transport.write(b"\x40\x02" + body[rest : rest + 2])
                rest += 2
            self._hear(body[2 : 2 + size].decode(), body[rest:])

    async def _again(self) -> None:
        await asyncio.sleep(AGAIN_S)
        try:
            if self._wanted:
                await self.open()
        except TimeoutError as error:
            self._traffic.fault(str(error))
            self.forget()


def _length(size: int) -> bytes:
    """MQTT's own number: seven bits a byte."""
    if size < 128:
        return bytes([size])
    out = bytearray()
    while True:
        size, low = divmod(size, 128)
        out.append(low | (128 if size else 0))
        if not size:
            return bytes(out)


def _read_length(buffer: bytes, at: int) -> tuple[int, int]:
    """Return the number and the bytes of the head; (0, 0) when there are not enough of them."""
    size = 0
    for position in range(1, 5):
        if at + position >= len(buffer):
            return 0, 0
        byte = buffer[at + position]
        size |= (byte & 0x7F) << 7 * (position - 1)
        if byte < 128:
            return size, position + 1
    return 0, 0


def _text(words: bytes) -> bytes:
    return _ID.pack(len(words)) + words


class TcpLine:
    """One tracker's connection. Frames go one after another; a frame with `settles` waits for the answer it names."""

    def __init__(self, endpoint: Endpoint, name: str, traffic: Traffic, hear: Callable[[bytes], None]) -> None:
        self.name = name
        self._endpoint, self._traffic, self._hear = endpoint, traffic, hear
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._lock = asyncio.Lock()
        self._unanswered = 0
        self.pieces: random.Random | None = None  # with one: frames go out in pieces

    @property
    def up(self) -> bool:
        return self._writer is not None and not self._writer.is_closing()

    async def say(
        self, frames: Sequence[bytes], settles: Callable[[bytes], bool] | None,
        greeting: Callable[[], Greeting] = lambda: ([], None),
    ) -> bool:  # fmt: skip
        """Write frames and return whether the answer came; without `settles` whether they could be written.

        What `greeting` returns comes first on a new connection, and waits for its own answer.
        """
        async with self._lock:
            try:
                async with asyncio.timeout(REPLY_LIMIT_S if self._unanswered < DEAF else DEAF_LIMIT_S):
                    hello, welcome = ([], None) if self.up else greeting()
                    said = (not hello or await self._said(hello, welcome)) and await self._said(frames, settles)
                    self._unanswered = 0 if said else self._unanswered + 1
                    return said
            except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
                self._unanswered += 1
                self._traffic.fault(f"{self.name}: {type(error).__name__} on its TCP line")
                self.close()
                return False

    def order(self, frame: bytes) -> None:
        """Write something out of turn: an echo."""
        if self._writer:
            self._writer.write(frame)

    def close(self) -> None:
        if self._writer:
            self._writer.close()
        self._reader = self._writer = None

    async def _said(self, frames: Sequence[bytes], settles: Callable[[bytes], bool] | None) -> bool:
        if not self.up:
            self._reader, self._writer = await asyncio.open_connection(self._endpoint.host, self._endpoint.port)
        assert self._reader is not None
        assert self._writer is not None
        whole = b"".join(frames)
        for piece in wire_faults.pieces(whole, self.pieces) if self.pieces else (whole,):
            self._writer.write(piece)
            await self._writer.drain()
            await asyncio.sleep(0)
        while settles is not None:
            chunk = await self._reader.read(4096)
            if not chunk:
                self.close()
                return False
            self._hear(chunk)
            if settles(chunk):
                break
        return True
