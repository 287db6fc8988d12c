"""TCP for watches and trackers that do not speak MQTT: frames in, the reply a device waits for out – after the commit.

Every protocol of `devices.protocols` that the settings name, each on a port of its own. These devices have no
credentials: a device is whoever its frames say it is. Believing only registered ones is ingest's business
(`ingest.watch_allow_list`); an unknown device's SOS opens an orphan incident either way.
"""

import asyncio
import contextlib
import errno
import socket
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Self

import structlog

from devices import registry
from devices.adapter import DecodeError, Downlink
from devices.protocols import BY_NAME, Protocol
from hub.errors import HubError
from hub.ingress import counters
from hub.ingress.arrival import Intake
from hub.ingress.awaited import Awaited
from hub.ingress.listener import network
from hub.ingress.reception import BACKLOG, Reception
from hub.ingress.settings import Door, GatewaySettings
from hub.ingress.tracker import Tracker

log = structlog.get_logger(__name__)

ALERT_S = 600.0  # one technical alert of a kind in this time, not one a device
ANNOUNCE_S = 0.05  # a thousand that connect at once are one look at what waits for them


class PortTakenError(HubError):
    """Another program listens where a protocol was to be served."""

    def __init__(self, door: Door, host: str) -> None:
        super().__init__(
            f"gateway: {host}:{door.port}, where {door.name} is to be served, is taken; "
            f'name another port: gateway.protocols = ["{door.name}:<port>"]'
        )
        self.door = door


class Gateway(Reception[Tracker]):
    """`async with Gateway(settings, intake)`; also an `Outlet` for `tcp/<protocol>/<id>`."""

    name = "gateway"

    def __init__(self, settings: GatewaySettings, intake: Intake) -> None:
        super().__init__(intake, settings.sweep_s)
        self.settings = settings
        self.port = settings.port
        self.ports: dict[str, int] = {}  # by protocol, once they are open
        self.taken = self.sent = 0
        self._nameless: dict[Tracker, None] = {}  # oldest first
        self._newest: dict[tuple[str, str], Tracker] = {}  # (protocol, id) → its newest connection
        self._reachable: list[Callable[[], None]] = []
        self.awaited: Awaited | None = None
        self._announcing: asyncio.TimerHandle | None = None
        self._servers: list[asyncio.Server] = []
        self._told_at: dict[str, float] = {}

    async def __aenter__(self) -> Self:
        self.loop = asyncio.get_running_loop()
        try:
            for door in self.settings.doors():
                self._servers.append(await self._open(door))
        except BaseException:
            for server in self._servers:
                server.close()
            raise
        self.port = self.ports.get("watch3g", self.port)
        self._start(self._sweeps(), "gateway sweep")
        return self

    async def _open(self, door: Door) -> asyncio.Server:
        protocol = BY_NAME[door.name]
        try:
            server = await self.loop.create_server(
                lambda: Tracker(self, protocol, door.idle_s), self.settings.host, door.port, backlog=BACKLOG
            )
        except OSError as err:
            if err.errno == errno.EADDRINUSE:
                raise PortTakenError(door, self.settings.host) from err
            raise
        for listening in server.sockets:
            # Accepted connections inherit it. It asks nothing of a radio that has nothing to say, unlike keep-alive.
            with contextlib.suppress(OSError):
                unacknowledged_ms = int(self.settings.unacknowledged_s * 1000)
                listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, unacknowledged_ms)
        self.ports[door.name] = port = server.sockets[0].getsockname()[1]
        log.info("listening", host=self.settings.host, port=port, protocol=door.name)
        return server

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._servers:
            server.close()
        for connection in list(self._connections):
            connection.end("shutting down")
        if self._announcing is not None:
            self._announcing.cancel()
        await self._ended()
        self._count()

    # Connections come and go.

    def opened(self, connection: Tracker) -> None:
        """Somebody connected."""
        counters.OPENED.labels("gateway").inc()
        self._connections.add(connection)
        self._nameless[connection] = None
        if len(self._connections) > self.settings.max_connections:
            connection.end("too many connections")
            self._tell("gateway_full", f"{self.settings.max_connections} connections, the limit")
        elif len(self._nameless) > self.settings.max_nameless:
            oldest = next(iter(self._nameless))
            del self._nameless[oldest]
            oldest.end("nameless, made room")
        if self.paused and connection.transport is not None and not connection.ended:
            connection.transport.pause_reading()

    def lost(self, connection: Tracker) -> None:
        """A connection is gone."""
        self._connections.discard(connection)
        self._nameless.pop(connection, None)
        for device in connection.heads:
            key = connection.protocol.name, device
            if self._newest.get(key) is connection:
                del self._newest[key]
        counters.ENDED.labels("gateway", connection.ended).inc()
        log.info(
            "connection ended",
            reason=connection.ended,
            protocol=connection.protocol.name,
            device=next(iter(connection.heads), None),
            network=None if connection.heads else network(connection.source),
        )

    def claim(self, device: str, connection: Tracker) -> None:
        """A frame names its device: from now on it is reached here, and an older connection of its own is over."""
        key = connection.protocol.name, device
        old = self._newest.get(key)
        if old is connection:
            return
        self._newest[key] = connection
        self._nameless.pop(connection, None)
        if old is not None:
            old.heads.pop(device, None)
            if old.device == device:
                old.device = ""
            if not old.heads:
                old.end("device connected again")
        if connection.answered:
            self.announce()

    def announce(self) -> None:
        """Somebody can be told things; said once for all who came within a moment."""
        if self._announcing is None:
            self._announcing = self.loop.call_later(ANNOUNCE_S, self._announce)

    def _announce(self) -> None:
        self._announcing = None
        for tell in self._reachable:
            tell()

    # What is no message.

    def reject(self, protocol: Protocol, reason: str, payload: bytes) -> None:
        """Count what is no frame, and keep it if there is any of it to keep."""
        counters.REJECTED.labels("gateway", reason).inc()
        if payload:
            self.intake.rejected("gateway", protocol.topic, payload, reason)

    def reject_nameless(self, protocol: Protocol, frame: bytes) -> None:
        """Count and keep a frame of nobody knows whom. One that may be a call for help is told to the technicians."""
        self.reject(protocol, "frame before any login", frame[: self.settings.kept_bytes])
        if registry.urgent(protocol.topic, frame):
            self._tell("gateway_nameless", f"{protocol.name}: what may be an alarm, before its device signed in")

    def failed(self, protocol: Protocol) -> None:
        """A grammar has a fault, which is being handled: it is told, and its trace logged, now and then."""
        counters.REJECTED.labels("gateway", "grammar failed").inc()
        if self._tell("gateway_grammar", f"{protocol.name}: its grammar failed on a frame; update carehub"):
            log.exception("grammar failed", protocol=protocol.name)

    def _tell(self, rule: str, text: str) -> bool:
        now = self.loop.time()
        due = now - self._told_at.get(rule, -ALERT_S) >= ALERT_S
        if due:
            self._told_at[rule] = now
            self.intake.technical(rule, text)
        return due

    # Silence, slowness.

    def _sweep(self, now: float) -> None:
        settings = self.settings
        for connection in list(self._connections):
            silent_s = now - connection.heard_at
            if connection.ended:
                if connection.transport is not None and connection.transport.get_write_buffer_size():
                    connection.transport.abort()
            elif connection.stalled_at and now - connection.stalled_at > settings.write_stall_s:
                connection.end("slow reader")
            elif connection.rested:
                connection.read_on()
            elif self.paused or connection.held_back:
                continue  # it is we who do not listen
            elif silent_s > (connection.idle_s if connection.heads else settings.first_frame_s):
                connection.end("silent for too long" if connection.heads else "no login in time")
        self._count()

    def _count(self) -> None:
        counters.MESSAGES_IN.labels("gateway").inc(self.taken)
        counters.MESSAGES_OUT.labels("gateway").inc(self.sent)
        counters.CONNECTIONS.labels("gateway").set(len(self._connections))
        connected = Counter(connection.protocol.name for connection in self._connections)
        for name in self.ports:
            counters.TRACKERS.labels(name).set(connected[name])
        self.taken = self.sent = 0

    # To devices.

    def when_reachable(self, tell: Callable[[], None]) -> None:
        """Call `tell` whenever devices have connected."""
        self._reachable.append(tell)

    def when_heard(self, awaited: Awaited) -> None:
        """Show it every frame from now on."""
        self.awaited = awaited

    def reaches(self, topic: str) -> bool:
        """Whether the device of `tcp/<protocol>/<id>` is connected, answered once, and confirms what it is sent."""
        return self._to(topic) is not None

    async def deliver(self, downlink: Downlink, key: str = "") -> bool:
        """Send a frame in the device's own dialect. Few protocols acknowledge one: what counts is that the line did."""
        connection = self._to(downlink.topic)
        if connection is None:
            return False
        readdress, payload = connection.protocol.readdress, downlink.payload
        if readdress is not None:
            with contextlib.suppress(DecodeError):
                payload = readdress(payload, connection.heads[downlink.topic.split("/", 2)[2]])
        sent = await connection.tell(payload)
        self.sent += sent
        return sent

    def _to(self, topic: str) -> Tracker | None:
        root, _, rest = topic.partition("/")
        name, _, device = rest.partition("/")
        connection = self._newest.get((name, device)) if root == "tcp" else None
        if connection is None or connection.ended or connection.deaf or not connection.answered:
            return None
        return connection
