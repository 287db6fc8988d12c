"""One device's MQTT connection: bytes to messages, in order, and back. Synchronous; the listener owns it.

The way of a PUBLISH through `data_received` is the hot path of the hub: 18,000 times a second.
"""

import asyncio
import re
from typing import TYPE_CHECKING, cast

import structlog

from devices.adapter import Downlink
from hub import clock
from hub.ingress import mqtt311
from hub.ingress.arrival import Arrival
from hub.ingress.credentials import Credential
from hub.ingress.guest import Guest
from hub.ingress.mqtt311 import Connect, Kind, MalformedError, Publish, Refusal, Subscribe, Unsubscribe
from hub.ingress.session import Held, Pending, Session
from hub.ingress.wire import WIRES, Wire

if TYPE_CHECKING:
    from hub.ingress.listener import Listener

log = structlog.get_logger(__name__)

CONNECT_KEPT = 10  # of a CONNECT that cannot be read: behind these bytes its secret may stand
PLAIN = re.compile(rb"[A-Za-z0-9/_.:-]{1,128}")  # a topic in which nothing can be wrong
GRACE = 1.5  # keep-alive times this is silence (3.1.2.10)
SHUTTING_DOWN, KEEP_ALIVE, TAKEN_OVER, TOO_MANY, TOO_LARGE = 0x8B, 0x8D, 0x8E, 0x93, 0x95
NOT_AUTHORISED, PROTOCOL_ERROR, ALIAS_INVALID, ADMINISTRATIVE = 0x87, 0x82, 0x94, 0x98


class Connection(Guest):
    """A connection, half-open until its CONNECT is accepted. Also the `Origin` of its messages."""

    name = "listener"

    # Known as soon as the connection is `live`.
    wire: Wire
    connect: Connect
    credential: Credential
    session: Session

    def __init__(self, listener: "Listener") -> None:
        settings = listener.settings
        super().__init__(listener, write_buffer_bytes=settings.write_buffer_bytes, unsettled_max=settings.receive_max)
        self._listener = listener
        self._intake = listener.intake
        self._settings = settings
        self._part = bytearray()  # of a packet whose rest is still to come
        self._need = 0
        self._topics: dict[bytes, str] = {}  # as they stand in packets → checked
        self._carried = b""  # what a gateway's topics begin with
        self._aliases: dict[int, str] = {}
        self._held: dict[int, int] = {}  # token of a QoS 2 message → packet id
        self._broken_at = 0
        self._largest = self._settings.max_connect_bytes
        self.part_at = 0.0
        self.silence_s = self._settings.connect_timeout_s
        self.live = False  # the CONNECT is accepted
        self.graceful = False

    def came(self) -> None:
        """The listener keeps count of us."""
        self._listener.opened(self)

    def gone(self) -> None:
        """And does what is left to do."""
        self._listener.lost(self)

    def data_received(self, data: bytes) -> None:
        """Take every whole packet in the bytes; keep the rest."""
        self.heard_at = self._listener.loop.time()
        if self._part:
            self._part += data
            if len(self._part) < self._need:
                return
            data = bytes(self._part)
            self._part.clear()
        try:
            at = self._packets(data)
        except MalformedError as error:
            self._broken(data[self._broken_at :], error)
            return
        if at < len(data):
            self._part += data[at:]
            self.part_at = self.heard_at
        if self._intake.full:
            self._listener.pause()

    def _packets(self, data: bytes) -> int:
        """Take whole packets from the start of `data`; return where the first incomplete one starts."""
        at, size, self._need = 0, len(data), 2
        while size - at >= 2 and not self.ended:
            self._broken_at = at
            first = data[at]
            length = data[at + 1]
            if length < 0x80:
                body = at + 2
                end = body + length
            elif size - at > 2 and data[at + 2] < 0x80:  # most messages: up to 16 kB
                body = at + 3
                end = body + (length & 0x7F | data[at + 2] << 7)
            else:
                bounds = mqtt311.frame(data, at)
                if bounds is None:
                    self._need = size - at + 1
                    return at
                body, end = bounds
            if end - at > self._largest:
                raise MalformedError("packet too large", TOO_LARGE)
            if end > size:
                if not self.live and first != 0x10:
                    raise MalformedError("first packet is not CONNECT", PROTOCOL_ERROR)
                self._need = end - at
                return at
            if first & 0xF0 == 0x30 and self.live:
                self._publish(first, data, body, end)
            else:
                self._control(first, data, body, end)
            at = end
        return size if self.ended else at

    # Messages from the device.

    def _publish(self, first: int, data: bytes, body: int, end: int) -> None:
        """Take a PUBLISH. The usual one – 3.1.1, QoS 1, a topic seen before – is read here and now."""
        qos = first & 0x06
        if qos == 2 and self.wire.version == 4 and end - body >= 4:
            after = body + 2 + (data[body] << 8 | data[body + 1])
            raw = data[body + 2 : after]
            topic = self._topics.get(raw)
            if topic is None and self._carried and raw.startswith(self._carried) and PLAIN.fullmatch(raw):
                topic = raw.decode()  # a gateway's watches are more than the topics that are remembered
            if topic is not None and after + 2 <= end:
                number = data[after : after + 2]
                if number == b"\0\0":
                    raise MalformedError("packet id 0")
                token = self.expect(b"@\2" + number)
                self._take(topic, data[after + 2 : end], token)
                return
        message = cast("Publish", self.wire.read(Kind.PUBLISH, first, data, body, end))
        topic = self._aliased(message) if message.alias else message.topic
        if topic.startswith(self.credential.prefix):
            self._own(topic, message)
        else:
            self._foreign(topic, message)

    def _take(self, topic: str, payload: bytes, token: int) -> None:
        listener = self._listener
        listener.taken += 1
        # A device's own retain flag asks a broker to keep the message; for us it is a report of now, never a replay.
        self._intake.submit(Arrival(topic, payload, clock.now_ms(), self, token))
        if len(self._waiting) >= self._settings.receive_max:
            self._hold_back()

    def _hold_back(self) -> None:
        self._crowded = True
        if self.wire.version == 5 and self.unsettled > self._settings.receive_max:
            self.end("receive maximum exceeded", TOO_MANY)
        elif self.transport is not None and not self.transport.is_closing():
            self.transport.pause_reading()

    def _aliased(self, message: Publish) -> str:
        if message.alias > self._settings.topic_alias_max:
            raise MalformedError("topic alias too great", ALIAS_INVALID)
        if message.topic:
            self._aliases[message.alias] = message.topic
            return message.topic
        if message.alias not in self._aliases:
            raise MalformedError("topic alias unknown", PROTOCOL_ERROR)
        return self._aliases[message.alias]

    def _own(self, topic: str, message: Publish) -> None:
        """Take a message on one of the device's own topics."""
        if len(self._topics) < self._settings.topics_cached:
            self._topics[topic.encode()] = topic
        if message.qos == 2:
            self._take_once(topic, message)
        else:
            token = self.expect(mqtt311.write_ack(Kind.PUBACK, message.packet_id)) if message.qos else 0
            self._take(topic, message.payload, token)

    def _foreign(self, topic: str, message: Publish) -> None:
        """Refuse a message outside the credential's prefix, in its turn."""
        self._listener.reject("topic not authorised", topic, message.payload)
        if message.qos:
            answer = self.wire.not_authorised(Kind.PUBACK if message.qos == 1 else Kind.PUBREC, message.packet_id)
            if not answer:
                self.end("topic not authorised", NOT_AUTHORISED)
                return
            self.settle(self.expect(answer))
            self.flush()
        elif self.wire.version == 4:
            self.end("topic not authorised", NOT_AUTHORISED)

    def _take_once(self, topic: str, message: Publish) -> None:
        """QoS 2: taken once, PUBREC after the commit; the same id again only waits for that commit."""
        number = message.packet_id
        held = self.session.held.get(number)
        token = self.expect(mqtt311.write_ack(Kind.PUBREC, number))
        if held is not None and held.committed:
            self.settle(token)
            self.flush()
        elif held is not None:
            held.again = self, token
        elif len(self.session.held) >= self._settings.receive_max:
            self.end("receive maximum exceeded", TOO_MANY)
        else:
            self.session.held[number] = Held()
            self._held[token] = number
            self._take(topic, message.payload, token)

    def settle(self, token: int) -> None:
        """The message is committed."""
        if self._held and token in self._held:
            self._committed(self._held.pop(token))
        super().settle(token)

    def refuse(self, token: int) -> None:
        """The message is not taken: when it is sent again it is a new one."""
        if self._held and token in self._held:
            self.session.held.pop(self._held.pop(token), None)
        super().refuse(token)

    def _committed(self, number: int) -> None:
        held = self.session.held.get(number)
        if held is not None and not held.committed:
            held.committed = True
            if held.again is not None:
                connection, token = held.again
                connection.settle(token)
                connection.flush()

    def flush(self) -> None:
        """Write the acknowledgements that are ready."""
        super().flush()
        if self._crowded:
            self.read_on()

    # Everything else from the device.

    def _control(self, first: int, data: bytes, body: int, end: int) -> None:
        kind = mqtt311.check_flags(first)
        if not self.live:
            self._first(kind, first, data, body, end)
            return
        if kind is Kind.CONNECT:
            raise MalformedError("second CONNECT", PROTOCOL_ERROR)
        heard = self.wire.read(kind, first, data, body, end)
        match heard:
            case Subscribe():
                self._listener.subscribe(self, heard)
            case Unsubscribe():
                known = [self.session.filters.pop(pattern, None) is not None for pattern in heard.filters]
                self.write(self.wire.unsuback(heard.packet_id, known))
            case (number, reason):
                self._answer(kind, number, reason)
            case _:
                self.write(mqtt311.PINGRESP)

    def _first(self, kind: Kind, first: int, data: bytes, body: int, end: int) -> None:
        """The first packet: it must be a CONNECT, and it decides the version."""
        if kind is not Kind.CONNECT:
            raise MalformedError("first packet is not CONNECT", PROTOCOL_ERROR)
        wire = WIRES.get(mqtt311.protocol_level(data, body, end))
        if wire is None:
            self.write(mqtt311.write_connack(Refusal.PROTOCOL))
            raise MalformedError("unsupported protocol level", 0x84)
        self.wire = wire
        self._listener.admit(self, cast("Connect", wire.read(kind, first, data, body, end)))

    def _answer(self, kind: Kind, number: int, reason: int) -> None:
        if kind is Kind.PUBACK:
            self.session.acknowledged(number, reason < 0x80)
        elif kind is Kind.PUBREL:
            self.session.held.pop(number, None)
            self.write(mqtt311.write_ack(Kind.PUBCOMP, number))
        elif kind is Kind.DISCONNECT:
            self.graceful = reason != 4  # MQTT 5: disconnect with will message
            self.end("disconnected", 0)
        else:
            raise MalformedError("packet of a QoS 2 downlink, which we never send", PROTOCOL_ERROR)

    @property
    def account(self) -> str | None:
        """The gateway whose account this is, for devices that do not say what passed their words on."""
        return f"account:{self.credential.username}" if self.live and self.credential.kind == "gateway" else None

    def accepted(self, connect: Connect, credential: Credential, session: Session) -> None:
        """The CONNECT is accepted: from now on this is a device."""
        settings = self._settings
        self.connect, self.credential, self.session, self.live = connect, credential, session, True
        self._carried = credential.prefix.encode() if credential.kind == "gateway" else b""
        self._largest = settings.max_packet_bytes
        keep_alive_s: float = connect.keep_alive_s
        if connect.session_expiry_s is not None and not 0 < keep_alive_s <= settings.max_keep_alive_s:
            keep_alive_s = settings.max_keep_alive_s
        self.silence_s = keep_alive_s * GRACE or settings.idle_limit_s

    # To the device.

    def write(self, data: bytes) -> None:
        """Send bytes, unless the connection is on its way out."""
        if data and self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def send(self, downlink: Downlink, key: str) -> "asyncio.Future[bool] | None":
        """Send a downlink; the future tells whether the device acknowledged it. None: not now."""
        session = self.session
        if self.stalled_at or self.transport is None or self.transport.is_closing():
            return None
        heard: asyncio.Future[bool] = self._listener.loop.create_future()
        if session.granted(downlink.topic) <= 0:
            self._send(Publish(downlink.topic, downlink.payload))
            heard.set_result(True)  # the device asked for QoS 0: it will never say more
            return heard
        if key in session.unclaimed:
            del session.unclaimed[key]
            heard.set_result(True)
            return heard
        pending = session.waiting_for(downlink, key)
        if pending is not None:
            pending.heard = heard if pending.heard.done() else pending.heard
            return pending.heard
        return heard if self._send_first(Pending(downlink=downlink, key=key, heard=heard)) else None

    def _send_first(self, pending: Pending) -> bool:
        """Send a downlink this client has not been sent before, if its window has room."""
        session, downlink = self.session, pending.downlink
        if len(session.outbound) >= min(self._settings.inflight_out, self.connect.receive_max):
            return False
        number = session.next_id()
        if not self._send(Publish(downlink.topic, downlink.payload, 1, number)):
            return False
        session.outbound[number] = pending
        return True

    def send_again(self) -> None:
        """Send what the last connection left unacknowledged, same ids, DUP set (4.4)."""
        for number, pending in list(self.session.outbound.items()):
            downlink = pending.downlink
            self._send(Publish(downlink.topic, downlink.payload, 1, number, duplicate=True))

    def send_retained(self, downlink: Downlink) -> None:
        """Send the last state of a topic, at QoS 0: it is state, and the next one replaces it."""
        self._send(Publish(downlink.topic, downlink.payload, retain=True))

    def _send(self, message: Publish) -> bool:
        packet = self.wire.publish(message)
        if 0 < self.connect.max_packet_bytes < len(packet):
            self._listener.reject("downlink larger than the device takes", message.topic, b"")
            return False
        self._listener.sent += 1
        self.write(packet)
        return True

    # The end.

    def end(self, reason: str, code: int) -> None:
        """End this connection, once, for a reason that is logged and counted."""
        if self.ended or self.transport is None:
            return
        self.ended = reason
        if self.live and code:
            self.write(self.wire.disconnect(code))
        if self.stalled_at or self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.transport.close()

    def _broken(self, data: bytes, error: MalformedError) -> None:
        secret = not self.live and data[:1] == b"\x10"
        kept = data[: CONNECT_KEPT if secret else self._settings.kept_bytes]
        self._part.clear()
        self._listener.reject(error.reason, self.credential.prefix if self.live else "", kept)
        self.end(error.reason, error.code)
