"""One TCP connection of a watch or a tracker: bytes to frames by its protocol's grammar, and the answers back."""

import asyncio
import fcntl
import struct
import termios
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from devices.framers.base import BLANKS
from devices.protocols import Protocol
from hub import clock
from hub.ingress import counters
from hub.ingress.arrival import Arrival
from hub.ingress.guest import Guest

if TYPE_CHECKING:
    from hub.ingress.gateway import Gateway

HEAD_KEPT = 1_100  # bytes of a device's latest frame, to speak to it in its own dialect; JT808's frames are no longer
LONGEST_ID = 64  # characters
LOOK_S = (0.005, 0.25)  # how often is looked whether the peer has confirmed what we wrote
T = TypeVar("T")


class Tracker(Guest):
    """A connection, nameless until a frame says whose it is. The `Origin` of its frames."""

    name = "gateway"

    def __init__(self, gateway: "Gateway", protocol: Protocol, idle_s: float) -> None:
        settings = gateway.settings
        super().__init__(gateway, write_buffer_bytes=settings.write_buffer_bytes, unsettled_max=settings.unanswered_max)
        self.protocol, self.idle_s = protocol, idle_s
        self._gateway = gateway
        self._intake = gateway.intake
        self._settings = settings
        self._framer = protocol.framer()
        self._since_frame = self._in_frames = self._garbage = 0  # bytes, bytes, pieces
        self._timed: dict[int, bytes] = {}  # token → frame that is answered with the time of its commit
        self._allowance, self._allowed_at = float(settings.frames_burst), gateway.loop.time()
        self._slow_until = 0.0
        self.device = ""  # whose a frame is that names nobody
        self.heads: dict[str, bytes] = {}  # id → its latest frame, where ours must be in its dialect
        self.answered = False  # it has been told that it is heard: now it can be told other things
        self.deaf = False  # it did not confirm what it was told: it is told nothing more until it speaks

    def came(self) -> None:
        """The gateway keeps count of us."""
        self._gateway.opened(self)

    def gone(self) -> None:
        """And forgets whom it reached through us."""
        self._gateway.lost(self)

    # From the device.

    def data_received(self, data: bytes) -> None:
        """Take every whole frame; garbage, unfinished frames and haste have limits."""
        settings = self._settings
        frames = self._ask(self._framer.feed, data)
        if frames is None:
            self._gateway.reject(self.protocol, "framer failed", data[: settings.kept_bytes])
            self.end("framer failed")
            return
        self._since_frame = 0 if frames else self._since_frame + len(data)
        for frame in frames:
            self._in_frames += len(frame)
            self._take(frame)
        if rejected := self._framer.take_rejected().strip(BLANKS):
            self._reject_garbage(rejected)
        if self._framer.rejected_bytes > settings.garbage_bytes + self._in_frames:
            self.end("too much garbage")
        elif self._since_frame > settings.buffer_bytes:
            self._gateway.reject(self.protocol, "frame too long", data[: settings.kept_bytes])
            self.end("frame too long")
        elif self._intake.full:
            self._gateway.pause()
        if frames:
            self._spend(len(frames))

    def _take(self, frame: bytes) -> None:
        protocol = self.protocol
        named = self._ask(protocol.device_of, frame)
        if not (self._claimed(named, frame) if named else self._signed_in(frame)):
            return
        self.heard_at = self._gateway.loop.time()  # garbage is no sign of life
        if self.deaf:
            self.deaf = False
            self._gateway.announce()
        if self._gateway.awaited:
            self._ask(self._gateway.awaited.heard, f"{protocol.topic}/{self.device}", frame)
        # A frame the device wants no answer to stands in line as well: what is unsettled is what is bounded.
        token = self._in_line(frame)
        self._gateway.taken += 1
        topic = protocol.topic if named else f"{protocol.topic}/{self.device}"
        self._intake.submit(Arrival(topic, frame, clock.now_ms(), self, token))
        if self.unsettled >= self._settings.unanswered_max and self.transport and not self.transport.is_closing():
            self._crowded = True
            self.transport.pause_reading()

    def _claimed(self, device: str, frame: bytes) -> bool:
        """Note whom the frame names; False if that is one too many."""
        if device not in self.heads and len(self.heads) >= self._settings.ids_per_connection:
            self._refuse("too many devices on one connection", frame)
            return False
        if len(device) > LONGEST_ID:
            self._refuse("id too long", frame)
            return False
        if self.protocol.readdress is None:
            self.heads[device] = b""
        elif device not in self.heads or len(frame) <= HEAD_KEPT:
            self.heads[device] = frame[:HEAD_KEPT]
        self.device = device
        self._gateway.claim(device, self)
        return True

    def _signed_in(self, frame: bytes) -> bool:
        """Whether we know whose a frame is that names nobody. Nobody is made up for it."""
        if not self.device:
            self._gateway.reject_nameless(self.protocol, frame)
        return bool(self.device)

    def _in_line(self, frame: bytes) -> int:
        timed = self.protocol.timed_reply
        if timed is not None and self._ask(timed, frame, clock.now()) is not None:
            token = self.expect(b"")
            self._timed[token] = frame
            return token
        answer = self._ask(self.protocol.reply, frame)
        return self.expect(answer or b"")

    def _ask(self, question: Callable[..., T | None], *args: object) -> T | None:
        """Ask the grammar. A fault in it costs an answer, never the frame, and never another device's connection."""
        try:
            return question(*args)
        except Exception:
            self._gateway.failed(self.protocol)
            return None

    def _refuse(self, reason: str, frame: bytes) -> None:
        self._gateway.reject(self.protocol, reason, frame[: self._settings.kept_bytes])
        self.end(reason)

    def _reject_garbage(self, garbage: bytes) -> None:
        self._garbage += 1
        kept = garbage[: self._settings.kept_bytes] if self._garbage <= self._settings.garbage_kept else b""
        self._gateway.reject(self.protocol, "bytes between frames", kept)

    # Haste: nothing is thrown away, it is read later.

    def _spend(self, frames: int) -> None:
        settings, now = self._settings, self._gateway.loop.time()
        refilled = self._allowance + (now - self._allowed_at) * settings.frames_per_s
        self._allowance, self._allowed_at = min(float(settings.frames_burst), refilled) - frames, now
        if self._allowance < 0 and self.transport is not None and not self.transport.is_closing():
            if not self._slow_until:
                counters.SLOWED.labels(self.protocol.name).inc()
            self._slow_until = now - self._allowance / settings.frames_per_s
            self.transport.pause_reading()

    def read_on(self) -> None:
        """Resume reading unless something speaks against it, or we went too fast."""
        if self._slow_until <= self._gateway.loop.time():
            self._slow_until = 0.0
            super().read_on()

    @property
    def rested(self) -> bool:
        """Whether it was read more slowly, and no longer need be."""
        return 0 < self._slow_until <= self._gateway.loop.time()

    @property
    def held_back(self) -> bool:
        """Whether it is we who do not listen: then its silence says nothing."""
        return self._crowded or self._slow_until > 0

    # To the device.

    def settle(self, token: int) -> None:
        """The frame is committed. What tells the time tells that of the commit, not of a database that was away."""
        timed = self.protocol.timed_reply
        if timed is not None and (frame := self._timed.pop(token, None)) is not None:
            self._waiting[token - self._oldest] = self._ask(timed, frame, clock.now()) or b""
        super().settle(token)

    def refuse(self, token: int) -> None:
        """The frame is not taken: it has no answer."""
        self._timed.pop(token, None)
        super().refuse(token)

    def flush(self) -> None:
        """Write the answers that are ready."""
        first = bool(self._ready) and not self.answered
        super().flush()
        if first:
            self.answered = True
            self._gateway.announce()
        if self._crowded:
            self.read_on()

    async def tell(self, payload: bytes) -> bool:
        """Write a frame to the device; whether its TCP has confirmed it. A dead line takes anything."""
        transport, loop = self.transport, self._gateway.loop
        if transport is None or transport.is_closing() or self.stalled_at:
            return False
        transport.write(payload)
        until, pause_s = loop.time() + self._settings.deliver_timeout_s, LOOK_S[0]
        while not self.ended and not transport.is_closing():
            if not transport.get_write_buffer_size() and not _unconfirmed(transport):
                return True
            if loop.time() >= until:
                break
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, LOOK_S[1])
        self.deaf = True
        return False

    def end(self, reason: str) -> None:
        """End this connection, once, for a reason that is logged and counted."""
        if self.ended or self.transport is None:
            return
        self.ended = reason
        if self.stalled_at or self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.transport.close()


def _unconfirmed(transport: asyncio.Transport) -> int:
    """Return how many bytes the kernel still holds for the peer (SIOCOUTQ)."""
    connection = transport.get_extra_info("socket")
    return int(struct.unpack("i", fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4)))[0])
