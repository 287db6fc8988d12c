"""MQTT 3.1.1 as bytes: strict, bounded, no sockets. The packets themselves are shared with MQTT 5.

Source: OASIS MQTT Version 3.1.1, 29 October 2014; section numbers stand beside the rules.
"""

from collections.abc import Sequence
from enum import IntEnum

import msgspec

from hub.ingress.topics import filter_fault, topic_fault


class MalformedError(Exception):
    """Bytes that are not MQTT. `reason` is fit for a log and a metric label; `code` is MQTT 5's."""

    def __init__(self, reason: str, code: int = 0x81) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class Kind(IntEnum):
    """Control packet types (2.2.1)."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14
    AUTH = 15  # MQTT 5 only


class Refusal(IntEnum):
    """CONNACK return codes (3.2.2.3)."""

    PROTOCOL = 1
    CLIENT_ID = 2
    UNAVAILABLE = 3
    CREDENTIALS = 4
    NOT_AUTHORISED = 5


class Will(msgspec.Struct, frozen=True):
    """What to say for a client that vanishes."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    delay_s: int = 0  # MQTT 5


class Connect(msgspec.Struct, frozen=True, kw_only=True):
    """CONNECT of either version; the last fields are MQTT 5's and keep their defaults in 3.1.1."""

    client_id: str
    clean: bool
    keep_alive_s: int
    will: Will | None = None
    username: str | None = None
    password: bytes | None = None
    session_expiry_s: int | None = None  # None: 3.1.1, the server's own limit
    receive_max: int = 65_535
    max_packet_bytes: int = 0  # 0: the client set no limit
    auth_method: bool = False


class Publish(msgspec.Struct, frozen=True, gc=False):
    """PUBLISH of either version."""

    topic: str
    payload: bytes
    qos: int = 0
    packet_id: int = 0
    retain: bool = False
    duplicate: bool = False
    alias: int = 0  # MQTT 5


class Subscribe(msgspec.Struct, frozen=True):
    """SUBSCRIBE: filters with the quality of service asked for."""

    packet_id: int
    filters: tuple[tuple[str, int], ...]
    skip_retained: frozenset[str] = frozenset()  # MQTT 5: retain handling 2


class Unsubscribe(msgspec.Struct, frozen=True):
    """UNSUBSCRIBE."""

    packet_id: int
    filters: tuple[str, ...]


PINGREQ, PINGRESP, DISCONNECT = b"\xc0\0", b"\xd0\0", b"\xe0\0"
# Bits 3-0 of the first byte are fixed for every type but PUBLISH (2.2.2).
FLAGS = {Kind.PUBREL: 2, Kind.SUBSCRIBE: 2, Kind.UNSUBSCRIBE: 2}


def frame(data: bytes, start: int) -> tuple[int, int] | None:
    """Return where a packet's body starts and ends, or None while its header is incomplete (2.2.3).

    Raises:
        MalformedError: Remaining length of more than four bytes.
    """
    length = shift = 0
    for at in range(start + 1, min(start + 5, len(data))):
        byte = data[at]
        length |= (byte & 0x7F) << shift
        if byte < 0x80:
            return at + 1, at + 1 + length
        shift += 7
    if shift == 28:
        raise MalformedError("bad remaining length")
    return None


def check_flags(first: int) -> Kind:
    """Return the packet's type.

    Raises:
        MalformedError: Type 0, or reserved flags not as they must be.
    """
    kind = first >> 4
    if kind == 0:
        raise MalformedError("packet type 0")
    if kind != Kind.PUBLISH and first & 0x0F != FLAGS.get(Kind(kind), 0):
        raise MalformedError("reserved flags")
    return Kind(kind)


def string(data: bytes, at: int, end: int) -> tuple[str, int]:
    """Read a UTF-8 string with its length (1.5.3)."""
    raw, at = binary(data, at, end)
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise MalformedError("string is not UTF-8") from None
    if "\0" in text:
        raise MalformedError("U+0000 in a string")
    return text, at


def binary(data: bytes, at: int, end: int) -> tuple[bytes, int]:
    """Read bytes with their length."""
    stop = at + 2
    if stop > end:
        raise MalformedError("packet too short")
    stop += data[at] << 8 | data[at + 1]
    if stop > end:
        raise MalformedError("string longer than its packet")
    return data[at + 2 : stop], stop


def packet_id(data: bytes, at: int, end: int) -> int:
    """Read a packet identifier, which is never 0 (2.3.1)."""
    if at + 2 > end:
        raise MalformedError("packet too short")
    number = data[at] << 8 | data[at + 1]
    if number == 0:
        raise MalformedError("packet id 0")
    return number


def protocol_level(data: bytes, body: int, end: int) -> int:
    """Return the protocol level of a CONNECT: 4 is 3.1.1, 5 is 5 (3.1.2.1, 3.1.2.2).

    Raises:
        MalformedError: The protocol is not called MQTT.
    """
    name, at = binary(data, body, end)
    if name != b"MQTT":
        raise MalformedError("wrong protocol name", 0x84)
    if at >= end:
        raise MalformedError("packet too short")
    return data[at]


def read_connect(data: bytes, body: int, end: int) -> Connect:
    """Read a CONNECT whose protocol level is 4 (3.1)."""
    at = body + 7
    if at + 3 > end:
        raise MalformedError("packet too short")
    flags = data[at]
    if flags & 1:
        raise MalformedError("reserved connect flag")
    keep_alive_s = data[at + 1] << 8 | data[at + 2]
    client_id, at = string(data, at + 3, end)
    will, at = _read_will(data, at, end, flags)
    username: str | None = None
    password: bytes | None = None
    if flags & 0x80:
        username, at = string(data, at, end)
    elif flags & 0x40:
        raise MalformedError("password without username")
    if flags & 0x40:
        password, at = binary(data, at, end)
    if at != end:
        raise MalformedError("bytes after the packet's last field")
    return Connect(
        client_id=client_id,
        clean=bool(flags & 2),
        keep_alive_s=keep_alive_s,
        will=will,
        username=username,
        password=password,
    )


def _read_will(data: bytes, at: int, end: int, flags: int) -> tuple[Will | None, int]:
    qos, retain = flags >> 3 & 3, bool(flags & 0x20)
    if not flags & 4:
        if qos or retain:
            raise MalformedError("will flags without a will")
        return None, at
    if qos == 3:
        raise MalformedError("QoS 3")
    topic, at = string(data, at, end)
    if fault := topic_fault(topic):
        raise MalformedError(f"will: {fault}")
    payload, at = binary(data, at, end)
    return Will(topic, payload, qos, retain), at


def read_publish(first: int, data: bytes, body: int, end: int) -> Publish:
    """Read a PUBLISH (3.3). The listener has the same steps inline; `tests` hold the two together."""
    qos = first >> 1 & 3
    if qos == 3:
        raise MalformedError("QoS 3")
    if first & 8 and not qos:
        raise MalformedError("DUP on QoS 0")
    topic, at = string(data, body, end)
    if fault := topic_fault(topic):
        raise MalformedError(fault, 0x90)
    number = 0
    if qos:
        number = packet_id(data, at, end)
        at += 2
    return Publish(topic, data[at:end], qos, number, bool(first & 1), bool(first & 8))


def read_ack(data: bytes, body: int, end: int) -> int:
    """Read PUBACK, PUBREC, PUBREL, PUBCOMP: a packet id and nothing else."""
    if end - body != 2:
        raise MalformedError("acknowledgement of a wrong length")
    return packet_id(data, body, end)


def read_subscribe(data: bytes, body: int, end: int) -> Subscribe:
    """Read a SUBSCRIBE (3.8)."""
    number = packet_id(data, body, end)
    at = body + 2
    filters: list[tuple[str, int]] = []
    while at < end:
        pattern, at = string(data, at, end)
        if fault := filter_fault(pattern):
            raise MalformedError(fault, 0x8F)
        if at >= end:
            raise MalformedError("packet too short")
        if data[at] > 2:
            raise MalformedError("QoS 3" if data[at] == 3 else "reserved subscription flags")
        filters.append((pattern, data[at]))
        at += 1
    if not filters:
        raise MalformedError("no topic filter")
    return Subscribe(number, tuple(filters))


def read_unsubscribe(data: bytes, body: int, end: int) -> Unsubscribe:
    """Read an UNSUBSCRIBE (3.10)."""
    number = packet_id(data, body, end)
    at = body + 2
    filters: list[str] = []
    while at < end:
        pattern, at = string(data, at, end)
        if fault := filter_fault(pattern):
            raise MalformedError(fault, 0x8F)
        filters.append(pattern)
    if not filters:
        raise MalformedError("no topic filter")
    return Unsubscribe(number, tuple(filters))


def _packet(first: int, body: bytes) -> bytes:
    length = len(body)
    head = bytearray((first,))
    while length > 0x7F:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    head.append(length)
    return bytes(head) + body


def _sized(raw: bytes) -> bytes:
    return len(raw).to_bytes(2, "big") + raw


def write_connect(connect: Connect) -> bytes:
    """Write a CONNECT: what a client says first. For benches and tests."""
    flags = 2 * connect.clean
    parts = [_sized(connect.client_id.encode())]
    if connect.will is not None:
        flags |= 4 | connect.will.qos << 3 | connect.will.retain << 5
        parts += [_sized(connect.will.topic.encode()), _sized(connect.will.payload)]
    if connect.username is not None:
        flags |= 0x80
        parts.append(_sized(connect.username.encode()))
    if connect.password is not None:
        flags |= 0x40
        parts.append(_sized(connect.password))
    head = b"\0\4MQTT\4" + bytes((flags,)) + connect.keep_alive_s.to_bytes(2, "big")
    return _packet(0x10, head + b"".join(parts))


def write_connack(refusal: int = 0, *, session_present: bool = False) -> bytes:
    """Write a CONNACK."""
    return bytes((0x20, 2, session_present, refusal))


def write_publish(publish: Publish) -> bytes:
    """Write a PUBLISH."""
    first = 0x30 | publish.duplicate << 3 | publish.qos << 1 | publish.retain
    number = publish.packet_id.to_bytes(2, "big") if publish.qos else b""
    return _packet(first, _sized(publish.topic.encode()) + number + publish.payload)


def write_ack(kind: Kind, number: int) -> bytes:
    """Write PUBACK, PUBREC, PUBREL or PUBCOMP."""
    return bytes((kind << 4 | FLAGS.get(kind, 0), 2, number >> 8, number & 0xFF))


def write_subscribe(number: int, filters: Sequence[tuple[str, int]]) -> bytes:
    """Write a SUBSCRIBE."""
    body = b"".join(_sized(pattern.encode()) + bytes((qos,)) for pattern, qos in filters)
    return _packet(0x82, number.to_bytes(2, "big") + body)


def write_suback(number: int, codes: Sequence[int]) -> bytes:
    """Write a SUBACK; 0x80 is a refusal."""
    return _packet(0x90, number.to_bytes(2, "big") + bytes(codes))


def write_unsubscribe(number: int, filters: Sequence[str]) -> bytes:
    """Write an UNSUBSCRIBE."""
    return _packet(0xA2, number.to_bytes(2, "big") + b"".join(_sized(pattern.encode()) for pattern in filters))


def write_unsuback(number: int) -> bytes:
    """Write an UNSUBACK."""
    return bytes((0xB0, 2, number >> 8, number & 0xFF))
