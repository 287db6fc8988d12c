"""One persistent session at a broker: connects, subscribes, hands messages on, acknowledges after the commit."""

import asyncio
import random
import ssl
from collections.abc import Callable
from typing import cast

import mqtt5
import structlog

from devices.adapter import Downlink
from hub import clock
from hub.ingress import counters, mqtt311
from hub.ingress.acks import InOrder
from hub.ingress.arrival import Arrival, Intake
from hub.ingress.mqtt311 import Kind, MalformedError
from hub.ingress.settings import BridgeSettings
from hub.ingress.wire import codec

log = structlog.get_logger(__name__)

GRACE = 1.5
GONE = 0xFF  # no reason code of MQTT: the connection ended first
SUBSCRIBE_ID = 1
FIRST_OUT_ID = 2  # packet ids of downlinks; 1 is the subscription's


class Broker(InOrder, asyncio.Protocol):
    """One connection to the broker. The `Origin` of what comes over it: acknowledgements die with the connection."""

    name = "bridge"

    def __init__(self, lane: "Lane") -> None:
        super().__init__()
        self._lane = lane
        self._intake = lane.intake
        self._part = bytearray()
        self._need = 0
        self._out: dict[int, asyncio.Future[int]] = {}
        self._last_id = FIRST_OUT_ID
        self._window = lane.settings.inflight_out
        self._taken_while_full = 0
        self.heard_at = lane.loop.time()
        self.keep_alive_s: float = lane.settings.keep_alive_s
        self.ready = False  # subscribed
        self.paused = False
        self.lost: asyncio.Future[str] = lane.loop.create_future()
        self.ended = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Introduce ourselves."""
        self.transport = transport = cast("asyncio.Transport", transport)
        settings = self._lane.settings
        transport.set_write_buffer_limits(high=settings.write_buffer_bytes)
        transport.write(
            mqtt5.ConnectPacket(
                self._lane.client_id,
                username=settings.username or None,
                password=settings.password.encode() or None,
                clean_start=False,
                session_expiry_interval=settings.session_expiry_s,
                keep_alive=settings.keep_alive_s,
                receive_max=settings.receive_max,
                max_packet_size=settings.max_packet_bytes,
            ).write()
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody will answer any more: downlinks under way are tried again later."""
        self.ready = False
        for heard in self._out.values():
            if not heard.done():
                heard.set_result(GONE)
        if not self.lost.done():
            self.lost.set_result(self.ended or (f"lost: {type(exc).__name__}" if exc else "closed by the broker"))

    def data_received(self, data: bytes) -> None:
        """Take every whole packet; keep the rest."""
        self.heard_at = self._lane.loop.time()
        if self._part:
            self._part += data
            if len(self._part) < self._need:
                return
            data = bytes(self._part)
            self._part.clear()
        try:
            at = self._packets(data)
        except MalformedError as error:
            self.end(f"broker: {error.reason}")
            return
        self._part += data[at:]
        if self._intake.full:
            self._full()
        else:
            self._taken_while_full = 0

    def _packets(self, data: bytes) -> int:
        at, size, view, self._need = 0, len(data), memoryview(data), 2
        received_ms = clock.now_ms()
        while size - at >= 2:
            bounds = mqtt311.frame(data, at)
            if bounds is None:
                self._need = size - at + 1
                break
            end = bounds[1]
            if end - at > self._lane.settings.max_packet_bytes + 5:
                raise MalformedError("packet too large")
            if end > size:
                self._need = end - at
                break
            packet = codec(view[at:end])
            if type(packet) is mqtt5.PublishPacket:
                self._message(packet, received_ms)
            else:
                self._control(packet)
            at = end
        return at

    def _message(self, packet: mqtt5.PublishPacket, received_ms: int) -> None:
        topic = packet.topic
        if topic == self._lane.settings.dropped_topic:
            self._lane.dropped(packet.payload)
            return
        number = packet.packet_id
        token = self.expect(mqtt311.write_ack(Kind.PUBACK, number)) if number else 0
        self._lane.taken += 1
        # Not subscribed `retain_as_published`: the flag is set on what the broker kept, not on what is live.
        self._intake.submit(Arrival(topic, packet.payload, received_ms, self, token, packet.retain))

    def _full(self) -> None:
        """Ingest is full. Telemetry stops at once; alarms go on for a bounded number of messages."""
        if self._lane.urgent and self._taken_while_full < self._lane.settings.receive_max:
            self._taken_while_full += 1
        elif not self.paused and self.transport is not None and not self.transport.is_closing():
            self.paused = True
            self.transport.pause_reading()
            self._lane.pause(self)

    def resume(self) -> None:
        """Ingest has room."""
        self.paused = False
        self.heard_at = self._lane.loop.time()
        if self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()

    def _control(self, packet: mqtt5.Packet) -> None:
        match packet:
            case mqtt5.ConnAckPacket():
                self._welcomed(packet)
            case mqtt5.SubAckPacket():
                self._subscribed(packet)
            case mqtt5.PubAckPacket():
                heard = self._out.pop(packet.packet_id, None)
                if heard is not None and not heard.done():
                    heard.set_result(int(packet.reason_code))
            case mqtt5.DisconnectPacket():
                self.end(f"broker: {packet.reason_code.name.lower()}")
            case mqtt5.PingRespPacket():
                pass
            case _:
                self.end(f"broker: unexpected {type(packet).__name__}")

    def _welcomed(self, packet: mqtt5.ConnAckPacket) -> None:
        if int(packet.reason_code) >= 0x80:  # the codec's enumeration is no int, whatever its stub says
            self.end(f"refused: {packet.reason_code.name.lower()}")
            return
        if packet.server_keep_alive is not None:
            self.keep_alive_s = packet.server_keep_alive
        self._window = min(self._window, packet.receive_max)
        settings = self._lane.settings
        once = mqtt5.RetainHandling.SEND_IF_SUBSCRIPTION_NOT_EXISTS
        filters = [
            mqtt5.TopicFilter(
                pattern,
                max_qos=mqtt5.QoS.AT_LEAST_ONCE,
                no_local=True,
                retain_as_published=False,
                retain_handling=once,
            )
            for pattern in self._lane.filters
        ]
        if self._lane.urgent and settings.dropped_topic:
            filters.append(mqtt5.TopicFilter(settings.dropped_topic, max_qos=mqtt5.QoS.AT_MOST_ONCE))
        self.write(mqtt5.SubscribePacket(SUBSCRIBE_ID, filters).write())
        log.info("bridge connected", lane=self._lane.name, session_present=packet.session_present)

    def _subscribed(self, packet: mqtt5.SubAckPacket) -> None:
        refused = [
            pattern
            for pattern, code in zip(self._lane.filters, packet.reason_codes, strict=False)
            if code not in (0, 1, 2)
        ]
        if refused:  # the counter of dropped messages is the last filter: a broker may well refuse that one
            self._intake.technical("bridge_refused", f"the broker refuses to let us hear {', '.join(refused)}")
        self.ready = True
        self._lane.up()

    def write(self, data: bytes) -> None:
        """Send bytes, unless the connection is on its way out."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def publish(self, downlink: Downlink, key: str) -> "asyncio.Future[int] | None":
        """Publish at QoS 1; the future is the broker's reason code. None: not now."""
        if not self.ready or len(self._out) >= self._window:
            return None
        while self._last_id in self._out or self._last_id < FIRST_OUT_ID:
            self._last_id = self._last_id % 65_535 + 1
        number, self._last_id = self._last_id, self._last_id % 65_535 + 1
        heard: asyncio.Future[int] = self._lane.loop.create_future()
        self._out[number] = heard
        self.write(
            mqtt5.PublishPacket(
                downlink.topic,
                downlink.payload,
                qos=mqtt5.QoS.AT_LEAST_ONCE,
                retain=downlink.retain,
                packet_id=number,
                user_properties=[("idempotency-key", key)] if key else None,
            ).write()
        )
        self._lane.sent += 1
        return heard

    def end(self, reason: str) -> None:
        """End this connection; the lane makes another."""
        self.ended = self.ended or reason
        if self.transport is not None:
            self.transport.abort()


class Lane:
    """One of the bridge's sessions, for ever: connect, serve, back off, again."""

    def __init__(
        self,
        settings: BridgeSettings,
        intake: Intake,
        *,
        name: str,
        filters: tuple[str, ...],
        dropped: Callable[[bytes], None],
        up: Callable[[], None],
    ) -> None:
        self.settings = settings
        self.intake = intake
        self.name = name
        self.urgent = name == "urgent"
        self.client_id = f"{settings.name}-{name}"
        self.filters = filters
        self.dropped = dropped
        self.loop = asyncio.get_running_loop()
        self.broker: Broker | None = None
        self.down_since: float | None = self.loop.time()
        self.taken = self.sent = 0
        self.reason = "not connected yet"
        self._tell_up = up
        self._failures = 0
        self._resuming: asyncio.Task[None] | None = None

    def up(self) -> None:
        """The subscription stands."""
        self.down_since = None
        self._failures = 0
        counters.CONNECTIONS.labels("bridge").inc()
        self._tell_up()

    def pause(self, broker: Broker) -> None:
        """Read on as soon as ingest has room."""
        if self._resuming is None:
            self._resuming = self.loop.create_task(self._resume(broker), name=f"bridge {self.name} resume")

    async def _resume(self, broker: Broker) -> None:
        try:
            await self.intake.wait_room()
        finally:
            self._resuming = None
        broker.resume()

    async def run(self) -> None:
        """Stay connected until cancelled."""
        while True:
            broker = Broker(self)
            try:
                self.reason = await self._serve(broker)
            except (OSError, TimeoutError) as error:
                self.reason = type(error).__name__
            except Exception:
                log.exception("bridge lane failed", lane=self.name)
            finally:
                self.broker = None
                if self._resuming is not None:
                    self._resuming.cancel()
                broker.end("shutting down")
            if self.down_since is None:
                self.down_since = self.loop.time()
                counters.CONNECTIONS.labels("bridge").dec()
            counters.ENDED.labels("bridge", self.reason).inc()
            pause_s = self._pause_s()
            log.warning("bridge disconnected", lane=self.name, reason=self.reason, again_in_s=round(pause_s, 2))
            await asyncio.sleep(pause_s)

    def _pause_s(self) -> float:
        """Exponential, jittered so that many hubs do not return together, bounded."""
        longest = min(self.settings.backoff_s * 2.0 ** min(self._failures, 16), self.settings.backoff_max_s)
        self._failures += 1
        return longest * random.uniform(0.5, 1.0)

    async def _serve(self, broker: Broker) -> str:
        settings = self.settings
        async with asyncio.timeout(settings.connect_timeout_s):
            await self.loop.create_connection(lambda: broker, settings.host, settings.port, ssl=tls(settings))
        self.broker = broker
        counters.OPENED.labels("bridge").inc()
        deadline = self.loop.time() + settings.connect_timeout_s
        while not broker.lost.done():
            await asyncio.wait([broker.lost], timeout=broker.keep_alive_s / 2 if broker.ready else 0.2)
            now = self.loop.time()
            if not broker.ready and now > deadline:
                broker.end("no answer in time")
            elif broker.ready and not broker.paused and now - broker.heard_at > broker.keep_alive_s * GRACE:
                broker.end("dead peer")
            elif broker.ready:
                broker.write(mqtt311.PINGREQ)
        return broker.lost.result()


def tls(settings: BridgeSettings) -> ssl.SSLContext | None:
    """Return how the broker proves who it is, if it must."""
    return ssl.create_default_context(cafile=settings.tls_ca or None) if settings.tls else None
