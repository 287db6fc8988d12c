"""TCP for watches that do not speak MQTT: frames in, the reply a watch waits for out – after the commit.

These watches have no credentials: a device is whoever its frames say it is. Believing only registered ones is
ingest's business (`ingest.watch_allow_list`); an unknown watch's SOS opens an orphan incident either way.
"""

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import structlog

from devices.adapter import DecodeError, Downlink
from devices.adapters import watch_3g
from devices.framers.watch_3g import Framer
from hub.ingress import counters
from hub.ingress.arrival import Arrival, Intake
from hub.ingress.guest import Guest
from hub.ingress.listener import network
from hub.ingress.settings import GatewaySettings

log = structlog.get_logger(__name__)

HEAD_KEPT = 64  # of a frame: enough to answer in the watch's own dialect
BACKLOG = 1_024
FULL_ALERT_S = 600.0


class Watch(Guest):
    """One TCP connection, usually one watch's. The `Origin` of its frames."""

    name = "gateway"

    def __init__(self, gateway: "Gateway") -> None:
        settings = gateway.settings
        super().__init__(gateway, write_buffer_bytes=settings.write_buffer_bytes, unsettled_max=settings.unanswered_max)
        self._gateway = gateway
        self._intake = gateway.intake
        self._settings = settings
        self._framer = Framer()
        self._since_frame = 0  # bytes
        self.heads: dict[str, bytes] = {}  # id → start of its latest frame

    def came(self) -> None:
        """The gateway keeps count of us."""
        self._gateway.opened(self)

    def gone(self) -> None:
        """And forgets whom it reached through us."""
        self._gateway.lost(self)

    def data_received(self, data: bytes) -> None:
        """Take every whole frame; garbage and unfinished frames have limits."""
        settings = self._settings
        frames = self._framer.feed(data)
        self._since_frame = 0 if frames else self._since_frame + len(data)
        if frames:
            self.heard_at = self._gateway.loop.time()  # garbage is no sign of life
        for frame in frames:
            self._take(frame)
        if rejected := self._framer.take_rejected().strip(b"\r\n"):
            self._gateway.reject("bytes between frames", rejected[: settings.kept_bytes])
        if self._framer.rejected_bytes > settings.garbage_bytes:
            self.end("too much garbage")
        elif self._since_frame > settings.buffer_bytes:
            self._gateway.reject("frame too long", data[: settings.kept_bytes])
            self.end("frame too long")
        elif self._intake.full:
            self._gateway.pause()

    def _take(self, frame: bytes) -> None:
        try:
            watch = watch_3g.parse(frame).id
        except DecodeError:
            self._gateway.reject("frame without a head", frame[: self._settings.kept_bytes])
            return
        if watch not in self.heads and len(self.heads) >= self._settings.ids_per_connection:
            self._gateway.reject("too many watches on one connection", frame[: self._settings.kept_bytes])
            self.end("too many watches on one connection")
            return
        self._gateway.claim(watch, self, frame[:HEAD_KEPT])
        # A frame the watch wants no answer to stands in line as well: what is unsettled is what is bounded.
        token = self.expect(watch_3g.reply(frame) or b"")
        self._gateway.taken += 1
        self._intake.submit(Arrival(watch_3g.TOPIC, frame, time.time_ns() // 1_000_000, self, token))
        if self.unsettled >= self._settings.unanswered_max and self.transport and not self.transport.is_closing():
            self._crowded = True
            self.transport.pause_reading()

    def flush(self) -> None:
        """Write the answers that are ready."""
        super().flush()
        if self._crowded:
            self.read_on()

    def tell(self, payload: bytes) -> bool:
        """Write a frame to the watch; whether the network took it."""
        if self.transport is None or self.transport.is_closing() or self.stalled_at:
            return False
        self.transport.write(payload)
        return True

    def end(self, reason: str) -> None:
        """End this connection, once, for a reason that is logged and counted."""
        if self.ended or self.transport is None:
            return
        self.ended = reason
        if self.stalled_at or self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.transport.close()


class Gateway:
    """`async with Gateway(settings, intake)`; also an `Outlet` for `tcp/watch3g/<id>`."""

    name = "gateway"

    def __init__(self, settings: GatewaySettings, intake: Intake) -> None:
        self.settings = settings
        self.intake = intake
        self.port = settings.port
        self.paused = False
        self.taken = self.sent = 0
        self.loop: asyncio.AbstractEventLoop
        self._connections: set[Watch] = set()
        self._watches: dict[str, Watch] = {}
        self._reachable: list[Callable[[], None]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._full_told_at = -FULL_ALERT_S

    async def __aenter__(self) -> Self:
        self.loop = asyncio.get_running_loop()
        settings = self.settings
        self._server = await self.loop.create_server(lambda: Watch(self), settings.host, settings.port, backlog=BACKLOG)
        self.port = self._server.sockets[0].getsockname()[1]
        self._tasks.add(asyncio.create_task(self._sweeps(), name="gateway sweep"))
        log.info("listening", host=settings.host, port=self.port, protocol="watch3g")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.end("shutting down")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)
        self._count()

    def opened(self, connection: Watch) -> None:
        """Somebody connected."""
        counters.OPENED.labels("gateway").inc()
        self._connections.add(connection)
        if len(self._connections) > self.settings.max_connections:
            connection.end("too many connections")
            if self.loop.time() - self._full_told_at >= FULL_ALERT_S:
                self._full_told_at = self.loop.time()
                self.intake.technical("gateway_full", f"{self.settings.max_connections} connections, the limit")
        elif self.paused and connection.transport is not None:
            connection.transport.pause_reading()

    def lost(self, connection: Watch) -> None:
        """A connection is gone."""
        self._connections.discard(connection)
        for watch in connection.heads:
            if self._watches.get(watch) is connection:
                del self._watches[watch]
        counters.ENDED.labels("gateway", connection.ended).inc()
        log.info(
            "connection ended",
            reason=connection.ended,
            device=next(iter(connection.heads), None),
            network=None if connection.heads else network(connection.source),
        )

    def claim(self, watch: str, connection: Watch, head: bytes) -> None:
        """A frame names its watch: from now on it is reached here, and an older connection of its own is over."""
        connection.heads[watch] = head
        old = self._watches.get(watch)
        if old is connection:
            return
        self._watches[watch] = connection
        if old is not None:
            old.heads.pop(watch, None)
            if not old.heads:
                old.end("watch connected again")
        for tell in self._reachable:
            tell()

    def reject(self, reason: str, payload: bytes) -> None:
        """Count and keep what is no frame."""
        counters.REJECTED.labels("gateway", reason).inc()
        self.intake.rejected("gateway", watch_3g.TOPIC, payload, reason)

    def pause(self) -> None:
        """Ingest is full: read nobody until it has room."""
        if self.paused:
            return
        self.paused = True
        for connection in self._connections:
            if connection.transport is not None and not connection.transport.is_closing():
                connection.transport.pause_reading()
        task = asyncio.create_task(self._resume(), name="gateway resume")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _resume(self) -> None:
        await self.intake.wait_room()
        self.paused = False
        for connection in list(self._connections):
            connection.read_on()

    async def _sweeps(self) -> None:
        while True:
            await asyncio.sleep(self.settings.sweep_s)
            try:
                self._sweep(self.loop.time())
            except Exception:
                log.exception("gateway sweep failed")

    def _sweep(self, now: float) -> None:
        settings = self.settings
        for connection in list(self._connections):
            silent_s = now - connection.heard_at
            if connection.ended:
                if connection.transport is not None and connection.transport.get_write_buffer_size():
                    connection.transport.abort()
            elif connection.stalled_at and now - connection.stalled_at > settings.write_stall_s:
                connection.end("slow reader")
            elif not self.paused and silent_s > (settings.idle_s if connection.heads else settings.first_frame_s):
                connection.end("silent for too long" if connection.heads else "no frame in time")
        self._count()

    def _count(self) -> None:
        counters.MESSAGES_IN.labels("gateway").inc(self.taken)
        counters.MESSAGES_OUT.labels("gateway").inc(self.sent)
        counters.CONNECTIONS.labels("gateway").set(len(self._connections))
        self.taken = self.sent = 0

    def when_reachable(self, tell: Callable[[], None]) -> None:
        """Call `tell` whenever a watch has connected."""
        self._reachable.append(tell)

    def reaches(self, topic: str) -> bool:
        """Whether the watch of `tcp/watch3g/<id>` is connected."""
        return self._to(topic) is not None

    async def deliver(self, downlink: Downlink, key: str = "") -> bool:
        """Send a frame in the watch's own dialect. The protocol has no acknowledgement: sent is all we can know."""
        connection = self._to(downlink.topic)
        if connection is None:
            return False
        watch = downlink.topic.removeprefix(f"{watch_3g.TOPIC}/")
        try:
            payload = watch_3g.readdress(downlink.payload, connection.heads[watch])
        except DecodeError:
            payload = downlink.payload
        sent = connection.tell(payload)
        self.sent += sent
        return sent

    def _to(self, topic: str) -> Watch | None:
        connection = self._watches.get(topic.removeprefix(f"{watch_3g.TOPIC}/"))
        return None if connection is None or connection.ended else connection
