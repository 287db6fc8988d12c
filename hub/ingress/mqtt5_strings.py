"""A walk over an MQTT 5 packet that checks what the codec does not: every string, every property, every length.

The codec panics on text that is not UTF-8 and takes U+0000; a device's bytes never reach it unchecked.

Source: OASIS MQTT Version 5.0, 7 March 2019, 2.2.2 (properties), 1.5.4 (strings).
"""

from collections.abc import Callable

from hub.ingress.mqtt311 import Kind, MalformedError, binary, string

FIXED = {
    0x01: 1, 0x02: 4, 0x11: 4, 0x13: 2, 0x17: 1, 0x18: 4, 0x19: 1, 0x21: 2, 0x22: 2, 0x23: 2, 0x24: 1,
    0x25: 1, 0x27: 4, 0x28: 1, 0x29: 1, 0x2A: 1,
}  # fmt: skip
TEXT = frozenset((0x03, 0x08, 0x12, 0x15, 0x1A, 0x1C, 0x1F))
BYTES = frozenset((0x09, 0x16))
VARINT, PAIR = 0x0B, 0x26
REPEATABLE = frozenset((VARINT, PAIR))


def check(kind: Kind, data: bytes, body: int, end: int) -> None:
    """Walk the packet whose body is data[body:end].

    Raises:
        MalformedError: Some string, property or length in it is wrong.
    """
    walk = WALKS.get(kind)
    if walk is not None:
        walk(data, body, end)


def varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Read a variable byte integer."""
    value = 0
    for shift in (0, 7, 14, 21):
        if at >= end:
            raise MalformedError("packet too short")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise MalformedError("bad variable byte integer")


def properties(data: bytes, at: int, end: int) -> int:
    """Check a property block and return where it ends."""
    length, at = varint(data, at, end)
    stop = at + length
    if stop > end:
        raise MalformedError("properties longer than their packet")
    seen: set[int] = set()
    while at < stop:
        name = data[at]
        if name in seen and name not in REPEATABLE:
            raise MalformedError("property given twice", 0x82)
        seen.add(name)
        at = _value(name, data, at + 1, stop)
    return at


def _value(name: int, data: bytes, at: int, stop: int) -> int:
    if name in FIXED:
        at += FIXED[name]
        if at > stop:
            raise MalformedError("packet too short")
    elif name in TEXT:
        _, at = string(data, at, stop)
    elif name in BYTES:
        _, at = binary(data, at, stop)
    elif name == PAIR:
        _, at = string(data, at, stop)
        _, at = string(data, at, stop)
    elif name == VARINT:
        _, at = varint(data, at, stop)
    else:
        raise MalformedError("unknown property")
    return at


def _connect(data: bytes, at: int, end: int) -> None:
    at += 7  # name and level, read by `protocol_level`
    if at + 3 > end:
        raise MalformedError("packet too short")
    flags = data[at]
    if flags & 1:
        raise MalformedError("reserved connect flag")
    at = properties(data, at + 3, end)
    _, at = string(data, at, end)
    if flags & 4:
        at = properties(data, at, end)
        _, at = string(data, at, end)
        _, at = binary(data, at, end)
    elif flags & 0x38:
        raise MalformedError("will flags without a will")
    if flags & 0x80:
        _, at = string(data, at, end)
    if flags & 0x40:
        _, at = binary(data, at, end)
    if at != end:
        raise MalformedError("bytes after the packet's last field")


def _acknowledgement(data: bytes, at: int, end: int) -> None:
    if end - at < 2:
        raise MalformedError("packet too short")
    if not data[at] and not data[at + 1]:
        raise MalformedError("packet id 0")
    if end - at > 3 and properties(data, at + 3, end) != end:
        raise MalformedError("bytes after the packet's last field")


def _farewell(data: bytes, at: int, end: int) -> None:
    if end - at > 1 and properties(data, at + 1, end) != end:
        raise MalformedError("bytes after the packet's last field")


def _subscribe(data: bytes, at: int, end: int) -> None:
    _filters(data, at, end, 1)


def _unsubscribe(data: bytes, at: int, end: int) -> None:
    _filters(data, at, end, 0)


def _filters(data: bytes, at: int, end: int, options: int) -> None:
    if end - at < 2:
        raise MalformedError("packet too short")
    if not data[at] and not data[at + 1]:
        raise MalformedError("packet id 0")
    at = properties(data, at + 2, end)
    if at == end:
        raise MalformedError("no topic filter", 0x82)
    while at < end:
        _, at = string(data, at, end)
        at += options
    if at != end:
        raise MalformedError("packet too short")


def _nothing(_data: bytes, at: int, end: int) -> None:
    if at != end:
        raise MalformedError("ping with a body")


# PUBLISH is walked where it is read: most have no property at all, and then only the topic needs a look.
WALKS: dict[Kind, Callable[[bytes, int, int], None]] = {
    Kind.CONNECT: _connect,
    Kind.PUBACK: _acknowledgement,
    Kind.PUBREC: _acknowledgement,
    Kind.PUBREL: _acknowledgement,
    Kind.PUBCOMP: _acknowledgement,
    Kind.SUBSCRIBE: _subscribe,
    Kind.UNSUBSCRIBE: _unsubscribe,
    Kind.PINGREQ: _nothing,
    Kind.DISCONNECT: _farewell,
    Kind.AUTH: _farewell,
}
