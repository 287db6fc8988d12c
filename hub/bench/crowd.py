"""A crowd of devices on one port: it connects, speaks, comes back all at once; and those that only take up room."""

import asyncio
import resource
import socket
import time
from binascii import crc_hqx
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hub.bench.load import PASSWORD, length, name
from hub.errors import HubError

CONNECTING = 200  # at once, while nothing is measured
ANSWER_LIMIT_S = 120.0
PUBACK_BYTES = 4
GT06_ANSWER_BYTES = 10
SMALL_BUFFER = 2_048  # bytes a slow reader's kernel takes for it


class CrowdError(HubError):
    """A device was not answered as it must be."""


def resident_kb(pid: int) -> int:
    """Return what a process has in memory, without what it shares."""
    pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
    return (int(pages[1]) - int(pages[2])) * resource.getpagesize() // 1024


def allow_files(count: int) -> None:
    """Ask for so many open files, or for as many as there may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if most < count:
        raise CrowdError(f"{count} open files are needed, {hard} are allowed; raise `ulimit -Hn`, or ask for fewer")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


@dataclass
class Line:
    """One device's connection."""

    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    said: int = 0

    def drop(self) -> None:
        self.writer.transport.abort()

    async def packet(self) -> tuple[int, bytes]:
        """Return first byte and body of the next MQTT packet, of up to 16 KB."""
        kind, size = await self.reader.readexactly(2)
        if size >= 0x80:
            size = size & 0x7F | (await self.reader.readexactly(1))[0] << 7
        return kind, await self.reader.readexactly(size)


@dataclass(frozen=True, kw_only=True)
class Speech:
    """How devices of a kind sign in, speak and press: bytes to send, and how many come back once they are saved."""

    hello: Callable[[int], bytes]
    welcome_bytes: int
    report: Callable[[Line], bytes]
    press: Callable[[Line], bytes]
    answer_bytes: int


def _packet(kind: int, body: bytes) -> bytes:
    return bytes((kind,)) + length(len(body)) + body


def _text(value: str) -> bytes:
    return len(value).to_bytes(2, "big") + value.encode()


def connect_packet(number: int, *, clean: bool = True, secret: str = PASSWORD) -> bytes:
    """Return a watch's CONNECT; without a secret it is nobody's, as a bare broker takes it."""
    flags = 0xC0 * bool(secret) | 2 * clean
    signed = _text(name(number)) + _text(secret) if secret else b""
    return _packet(0x10, _text("MQTT") + bytes((4, flags, 0, 0)) + _text(name(number)) + signed)


def _publish(line: Line, topic: str, body: bytes) -> bytes:
    line.said += 1
    return _packet(0x32, _text(f"carehub/{name(line.number)}/{topic}") + line.said.to_bytes(2, "big") + body)


def mqtt_report(line: Line) -> bytes:
    return _publish(line, "vitals", b'{"hr":72,"spo2":97,"battery":83,"worn":true,"at":%d}' % int(time.time() * 1000))


def mqtt_press(line: Line) -> bytes:
    return _publish(line, "event", b'{"event":"sos","id":"%d-%d"}' % (line.number, line.said))


def subscribe_packet(number: int) -> bytes:
    """Return a SUBSCRIBE to all of a watch's own commands."""
    return _packet(0x82, b"\0\1" + _text(f"carehub/{name(number)}/#") + b"\1")


def imei(number: int) -> str:
    """Return a tracker's invented number."""
    return f"86200000{number:07}"


def gt06(kind: int, content: bytes, serial: int) -> bytes:
    """Return a GT06 frame. Its sum is the reflected CRC-CCITT: of mirrored bytes, mirrored."""
    inner = bytes((len(content) + 5, kind)) + content + (serial & 0xFFFF).to_bytes(2, "big")
    mirrored = bytes(int(f"{byte:08b}"[::-1], 2) for byte in inner)
    total = int(f"{crc_hqx(mirrored, 0xFFFF):016b}"[::-1], 2) ^ 0xFFFF
    return b"xx" + inner + total.to_bytes(2, "big") + b"\r\n"


def _place() -> bytes:
    now = time.gmtime()
    clock = bytes((now.tm_year - 2000, *now[1:6]))
    return clock + b"\xc9" + (69_240_060).to_bytes(4, "big") + (191_291_580).to_bytes(4, "big") + b"\0\x14\x78"


def tcp_report(line: Line) -> bytes:
    line.said += 1
    return gt06(0x12, _place() + bytes.fromhex("01cc002490000ff2"), line.said)


def tcp_press(line: Line) -> bytes:
    line.said += 1
    return gt06(0x16, _place() + bytes.fromhex("0901cc002490000ff26406040101"), line.said)


MQTT = Speech(hello=connect_packet, welcome_bytes=4, report=mqtt_report, press=mqtt_press, answer_bytes=PUBACK_BYTES)
BARE = Speech(
    hello=lambda number: connect_packet(number, secret=""), welcome_bytes=4, report=mqtt_report, press=mqtt_press,
    answer_bytes=PUBACK_BYTES,
)  # fmt: skip
TCP = Speech(
    hello=lambda number: gt06(0x01, bytes.fromhex(imei(number).zfill(16)), 1), welcome_bytes=GT06_ANSWER_BYTES,
    report=tcp_report, press=tcp_press, answer_bytes=GT06_ANSWER_BYTES,
)  # fmt: skip


@dataclass
class Crowd:
    """All devices of one kind on one port."""

    speech: Speech
    port: int
    lines: list[Line] = field(default_factory=list)

    async def sign_in(self, number: int) -> Line:
        """Return a device's new line, once it is welcome."""
        line = Line(number, *await asyncio.open_connection("127.0.0.1", self.port))
        line.writer.write(self.speech.hello(number))
        try:
            await line.reader.readexactly(self.speech.welcome_bytes)
        except asyncio.IncompleteReadError as error:
            raise CrowdError(f"device {number} was not welcome: {error.partial!r}") from None
        return line

    async def come(self, count: int) -> None:
        """Connect devices, some at a time."""
        for first in range(0, count, CONNECTING):
            several = range(first, min(first + CONNECTING, count))
            self.lines += await asyncio.gather(*(self.sign_in(number) for number in several))

    async def acknowledged(self, line: Line, what: Callable[[Line], bytes]) -> float:
        """Say something and return the seconds until it is saved."""
        began = time.perf_counter()
        line.writer.write(what(line))
        await line.reader.readexactly(self.speech.answer_bytes)
        return time.perf_counter() - began

    async def report_for(self, seconds: float, every_s: float) -> list[float]:
        """Let each device report once in `every_s`, for so long; returns the seconds to each acknowledgement."""
        started, took = time.perf_counter(), list[float]()

        async def one(place: int, line: Line) -> None:
            due = every_s * place / len(self.lines)
            while due < seconds:
                await asyncio.sleep(max(0.0, started + due - time.perf_counter()))
                took.append(await self.acknowledged(line, self.speech.report))
                due += every_s

        await asyncio.gather(*(one(place, line) for place, line in enumerate(self.lines)))
        return took

    async def come_back(self, count: int) -> float:
        """Return the seconds until so many, all at once, are back over half-open lines and acknowledged."""
        began = time.perf_counter()

        async def back(number: int) -> Line:
            line = await self.sign_in(number)
            await self.acknowledged(line, self.speech.report)
            return line

        returned = await asyncio.gather(*(back(number) for number in range(count)))
        took_s = time.perf_counter() - began
        for line in self.lines[:count]:
            line.drop()
        self.lines[:count] = returned
        return took_s

    def leave(self) -> None:
        """Drop every line."""
        for line in self.lines:
            line.drop()
        self.lines.clear()


async def silent(port: int, opening: bytes) -> socket.socket:
    """Connect, say a beginning of something, or nothing, and never more."""
    line = socket.socket()
    line.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(line, ("127.0.0.1", port))
    if opening:
        await loop.sock_sendall(line, opening)
    return line


async def slow(crowd: Crowd, number: int, asked: bytes) -> socket.socket:
    """Sign in, ask for what waits, which is more than the kernel holds, and read none of it."""
    line, loop = socket.socket(), asyncio.get_running_loop()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
    line.setblocking(False)
    await loop.sock_connect(line, ("127.0.0.1", crowd.port))
    await loop.sock_sendall(line, crowd.speech.hello(number))
    await loop.sock_recv(line, crowd.speech.welcome_bytes)
    await loop.sock_sendall(line, asked)
    return line


def gone(line: socket.socket) -> bool:
    """Whether the other side has ended this connection; what it sent stays unread."""
    with socket.socket(fileno=socket.dup(line.fileno())) as looked:
        error = looked.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        state = looked.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    return bool(error) or state != 1  # 1 is ESTABLISHED


async def all_gone(lines: Sequence[socket.socket], limit_s: float) -> float:
    """Return the seconds until all of these are ended. Raises CrowdError if some are not in time."""
    began = time.perf_counter()
    while not all(map(gone, lines)):
        if time.perf_counter() - began > limit_s:
            left = sum(not gone(line) for line in lines)
            raise CrowdError(f"{left} of {len(lines)} that should be gone are there after {limit_s:.0f} s")
        await asyncio.sleep(0.05)
    return time.perf_counter() - began


async def within(work: Awaitable[float], limit_s: float = ANSWER_LIMIT_S) -> float:
    """Return what work returns, if it does in time."""
    async with asyncio.timeout(limit_s):
        return await work
