"""What a connection says and hears, in either version of MQTT: one wire object a version, chosen at CONNECT."""

from collections.abc import Sequence
from typing import Protocol

import mqtt5

from hub.ingress import mqtt5_strings, mqtt311
from hub.ingress.mqtt311 import Connect, Kind, MalformedError, Publish, Refusal, Subscribe, Unsubscribe, Will
from hub.ingress.settings import ListenerSettings
from hub.ingress.topics import filter_fault, topic_fault

Heard = Connect | Publish | Subscribe | Unsubscribe | tuple[int, int] | None
"""A packet from a device. Acknowledgements are (packet id, reason); DISCONNECT is (0, reason); pings are None."""

# Refusals of CONNECT in both languages (MQTT 5, 3.2.2.2).
CONNACK5 = {
    Refusal.PROTOCOL: 132,
    Refusal.CLIENT_ID: 133,
    Refusal.UNAVAILABLE: 136,
    Refusal.CREDENTIALS: 134,
    Refusal.NOT_AUTHORISED: 135,
}


class Wire(Protocol):
    """One version of MQTT as the listener needs it."""

    version: int

    def read(self, kind: Kind, first: int, data: bytes, body: int, end: int) -> Heard:
        """Read one packet. Raises MalformedError."""

    def connack(self, settings: ListenerSettings, connect: Connect, *, present: bool, assigned: str) -> bytes:
        """Accept a CONNECT and announce the limits."""

    def refuse(self, why: Refusal) -> bytes:
        """Refuse a CONNECT."""

    def not_authorised(self, kind: Kind, packet_id: int) -> bytes:
        """Answer a message whose topic is not its sender's; empty where the version has no word for it."""

    def suback(self, packet_id: int, codes: Sequence[int]) -> bytes:
        """Answer SUBSCRIBE: granted QoS, or 0x80 for a filter that is not the sender's."""

    def unsuback(self, packet_id: int, known: Sequence[bool]) -> bytes:
        """Answer UNSUBSCRIBE."""

    def publish(self, message: Publish) -> bytes:
        """Write a message to the device."""

    def disconnect(self, code: int) -> bytes:
        """Say why the connection ends; empty where the version has no word for it."""


class Wire311:
    """MQTT 3.1.1."""

    version = 4

    def read(self, kind: Kind, first: int, data: bytes, body: int, end: int) -> Heard:
        """Read one packet."""
        match kind:
            case Kind.PUBLISH:
                return mqtt311.read_publish(first, data, body, end)
            case Kind.CONNECT:
                return mqtt311.read_connect(data, body, end)
            case Kind.PUBACK | Kind.PUBREC | Kind.PUBREL | Kind.PUBCOMP:
                return mqtt311.read_ack(data, body, end), 0
            case Kind.SUBSCRIBE:
                return mqtt311.read_subscribe(data, body, end)
            case Kind.UNSUBSCRIBE:
                return mqtt311.read_unsubscribe(data, body, end)
            case Kind.PINGREQ | Kind.DISCONNECT:
                if body != end:
                    raise MalformedError("packet that should be empty")
                return (0, 0) if kind is Kind.DISCONNECT else None
            case _:
                raise MalformedError("packet only a server sends", 0x82)

    def connack(self, settings: ListenerSettings, connect: Connect, *, present: bool, assigned: str) -> bytes:
        """Accept a CONNECT."""
        return mqtt311.write_connack(session_present=present)

    def refuse(self, why: Refusal) -> bytes:
        """Refuse a CONNECT."""
        return mqtt311.write_connack(why)

    def not_authorised(self, kind: Kind, packet_id: int) -> bytes:
        """3.1.1 cannot say it: the connection ends instead (3.3.5)."""
        return b""

    def suback(self, packet_id: int, codes: Sequence[int]) -> bytes:
        """Answer SUBSCRIBE."""
        return mqtt311.write_suback(packet_id, codes)

    def unsuback(self, packet_id: int, known: Sequence[bool]) -> bytes:
        """Answer UNSUBSCRIBE."""
        return mqtt311.write_unsuback(packet_id)

    def publish(self, message: Publish) -> bytes:
        """Write a message."""
        return mqtt311.write_publish(message)

    def disconnect(self, code: int) -> bytes:
        """A 3.1.1 server just closes."""
        return b""


class Wire5:
    """MQTT 5, through the `mqtt5` codec."""

    version = 5

    def read(self, kind: Kind, first: int, data: bytes, body: int, end: int) -> Heard:  # noqa: PLR0911 - a table
        """Read one packet."""
        if kind is Kind.PUBLISH:
            return read_publish5(data, first, body, end)
        mqtt5_strings.check(kind, data, body, end)
        packet = decode5(first, data[body:end])
        match packet:
            case mqtt5.ConnectPacket():
                return _connect5(packet)
            case mqtt5.PubAckPacket() | mqtt5.PubRecPacket() | mqtt5.PubRelPacket() | mqtt5.PubCompPacket():
                return packet.packet_id, int(packet.reason_code)
            case mqtt5.SubscribePacket():
                return _subscribe5(packet)
            case mqtt5.UnsubscribePacket():
                for pattern in packet.patterns:
                    _check_filter(pattern)
                return Unsubscribe(packet.packet_id, tuple(packet.patterns))
            case mqtt5.DisconnectPacket():
                return 0, int(packet.reason_code)
            case mqtt5.PingReqPacket():
                return None
            case _:
                raise MalformedError("packet only a server sends", 0x82)

    def connack(self, settings: ListenerSettings, connect: Connect, *, present: bool, assigned: str) -> bytes:
        """Accept a CONNECT and announce the limits."""
        asked_s = connect.session_expiry_s or 0
        limit_s = settings.max_keep_alive_s
        return mqtt5.ConnAckPacket(
            session_present=present,
            session_expiry_interval=settings.session_expiry_s if asked_s > settings.session_expiry_s else None,
            assigned_client_id=assigned or None,
            server_keep_alive=None if 0 < connect.keep_alive_s <= limit_s else limit_s,
            receive_max=settings.receive_max,
            topic_alias_max=settings.topic_alias_max,
            max_packet_size=settings.max_packet_bytes,
            subscription_id_available=False,
            shared_subscription_available=False,
        ).write()

    def refuse(self, why: Refusal) -> bytes:
        """Refuse a CONNECT."""
        return mqtt5.ConnAckPacket(reason_code=mqtt5.ConnAckReasonCode(CONNACK5[why])).write()

    def not_authorised(self, kind: Kind, packet_id: int) -> bytes:
        """PUBACK or PUBREC with reason 0x87."""
        return bytes((kind << 4, 3, packet_id >> 8, packet_id & 0xFF, 0x87))

    def suback(self, packet_id: int, codes: Sequence[int]) -> bytes:
        """Answer SUBSCRIBE: 0x87 says it is not authorised."""
        return mqtt5.SubAckPacket(
            packet_id, [mqtt5.SubAckReasonCode(0x87 if code == 0x80 else code) for code in codes]
        ).write()

    def unsuback(self, packet_id: int, known: Sequence[bool]) -> bytes:
        """Answer UNSUBSCRIBE."""
        return mqtt5.UnsubAckPacket(packet_id, [mqtt5.UnsubAckReasonCode(0 if was else 17) for was in known]).write()

    def publish(self, message: Publish) -> bytes:
        """Write a message."""
        return mqtt5.PublishPacket(
            message.topic,
            message.payload,
            qos=mqtt5.QoS(message.qos),
            retain=message.retain,
            packet_id=message.packet_id or None,
            duplicate=message.duplicate,
        ).write()

    def disconnect(self, code: int) -> bytes:
        """Say why the connection ends."""
        return bytes((0xE0, 1, code))


def decode5(first: int, body: bytes) -> mqtt5.Packet:
    """Give one whole packet, already walked, to the codec."""
    length, head = len(body), bytearray((first,))
    while length > 0x7F:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    head.append(length)
    return codec(memoryview(bytes(head) + body))


def codec(packet: memoryview) -> mqtt5.Packet:
    """Read one whole packet. Whatever the codec does with it, only that packet's sender is to blame.

    Raises:
        MalformedError: The codec refuses it.
    """
    try:
        return mqtt5.read(packet)[0]
    except (ValueError, IndexError, OverflowError):
        raise MalformedError("refused by the codec") from None
    except BaseException as error:  # a Rust panic is no Exception
        if type(error).__name__ != "PanicException":
            raise
        raise MalformedError("panic of the codec") from None


def read_publish5(data: bytes, first: int, body: int, end: int) -> Publish:
    """Read a PUBLISH of MQTT 5. Only a topic alias matters to us among its properties."""
    qos = first >> 1 & 3
    if qos == 3:
        raise MalformedError("QoS 3")
    if first & 8 and not qos:
        raise MalformedError("DUP on QoS 0")
    topic, at = mqtt311.string(data, body, end)
    number = 0
    if qos:
        number = mqtt311.packet_id(data, at, end)
        at += 2
    alias = 0
    if at < end and data[at] == 0:
        at += 1
    else:
        at, alias = _publish_properties(data, first, body, at, end)
    if topic or not alias:
        fault = topic_fault(topic)
        if fault:
            raise MalformedError(fault, 0x90 if topic else 0x82)
    return Publish(topic, data[at:end], qos, number, bool(first & 1), bool(first & 8), alias)


def _publish_properties(data: bytes, first: int, body: int, at: int, end: int) -> tuple[int, int]:
    stop = mqtt5_strings.properties(data, at, end)
    packet = decode5(first, data[body:stop])
    assert isinstance(packet, mqtt5.PublishPacket)
    if packet.subscription_ids:
        raise MalformedError("subscription id from a client", 0x82)
    return stop, packet.topic_alias or 0


def _connect5(packet: mqtt5.ConnectPacket) -> Connect:
    if packet.receive_max == 0 or packet.max_packet_size == 0:
        raise MalformedError("limit of 0", 0x82)
    will = packet.will
    if will is not None and (fault := topic_fault(will.topic)):
        raise MalformedError(f"will: {fault}")
    return Connect(
        client_id=packet.client_id,
        clean=packet.clean_start,
        keep_alive_s=packet.keep_alive,
        will=None
        if will is None
        else Will(will.topic, will.payload or b"", int(will.qos), will.retain, will.will_delay_interval),
        username=packet.username,
        password=packet.password,
        session_expiry_s=packet.session_expiry_interval,
        receive_max=packet.receive_max,
        max_packet_bytes=packet.max_packet_size or 0,
        auth_method=packet.authentication_method is not None,
    )


def _subscribe5(packet: mqtt5.SubscribePacket) -> Subscribe:
    if packet.subscription_id is not None:
        raise MalformedError("subscription ids are not supported", 0xA1)
    for wanted in packet.topic_filters:
        _check_filter(wanted.pattern)
    return Subscribe(
        packet.packet_id,
        tuple((wanted.pattern, int(wanted.max_qos)) for wanted in packet.topic_filters),
        frozenset(
            wanted.pattern
            for wanted in packet.topic_filters
            if wanted.retain_handling is mqtt5.RetainHandling.SEND_NEVER
        ),
    )


def _check_filter(pattern: str) -> None:
    if fault := filter_fault(pattern):
        raise MalformedError(fault, 0x8F)


WIRES: dict[int, Wire] = {4: Wire311(), 5: Wire5()}
