"""The 3.1.1 codec: what it writes it reads, and what is wrong it refuses with a reason."""

import paho.mqtt.client as paho
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.ingress import mqtt311
from hub.ingress.mqtt311 import Connect, Kind, MalformedError, Publish, Will
from hub.ingress.topics import topic_fault

TEXT = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=40)
TOPIC = TEXT.filter(lambda text: not topic_fault(text))


def body_of(packet: bytes) -> tuple[int, int]:
    bounds = mqtt311.frame(packet, 0)
    assert bounds is not None
    assert bounds[1] == len(packet)
    return bounds


def refusal(packet: bytes) -> str:
    """Read a packet as the listener would; return why it is refused."""
    with pytest.raises(MalformedError) as caught:
        read(packet)
    return caught.value.reason


def read(packet: bytes) -> object:
    kind = mqtt311.check_flags(packet[0])
    body, end = body_of(packet)
    match kind:
        case Kind.CONNECT:
            assert mqtt311.protocol_level(packet, body, end) == 4
            return mqtt311.read_connect(packet, body, end)
        case Kind.PUBLISH:
            return mqtt311.read_publish(packet[0], packet, body, end)
        case Kind.SUBSCRIBE:
            return mqtt311.read_subscribe(packet, body, end)
        case Kind.UNSUBSCRIBE:
            return mqtt311.read_unsubscribe(packet, body, end)
        case _:
            return mqtt311.read_ack(packet, body, end)


@given(st.integers(0, 268_435_455), st.binary(max_size=3))
def test_remaining_length_is_read_back(length: int, before: bytes) -> None:
    head = mqtt311._packet(0x30, b"")[:1]
    coded = bytearray()
    left = length
    while left > 0x7F:
        coded.append(left & 0x7F | 0x80)
        left >>= 7
    coded.append(left)
    data = before + head + bytes(coded)
    assert mqtt311.frame(data, len(before)) == (len(data), len(data) + length)
    for cut in range(len(before), len(data)):
        assert mqtt311.frame(data[:cut], len(before)) is None


def test_remaining_length_of_five_bytes_is_refused() -> None:
    with pytest.raises(MalformedError, match="remaining length"):
        mqtt311.frame(b"\x30\xff\xff\xff\xff\x01", 0)


PUBLISH = st.integers(0, 2).flatmap(
    lambda qos: st.builds(
        Publish,
        TOPIC,
        st.binary(max_size=300),
        st.just(qos),
        st.integers(1, 65_535) if qos else st.just(0),
        st.booleans(),
        st.booleans() if qos else st.just(False),
    )
)


@given(PUBLISH)
def test_publish_is_read_back(message: Publish) -> None:
    assert read(mqtt311.write_publish(message)) == message


WILL = st.builds(Will, TOPIC, st.binary(max_size=40), st.integers(0, 2), st.booleans())
CONNECTS = st.builds(
    Connect,
    client_id=TEXT,
    clean=st.booleans(),
    keep_alive_s=st.integers(0, 65_535),
    username=TEXT,
    password=st.none() | st.binary(max_size=40),
    will=st.none() | WILL,
)


@given(CONNECTS)
def test_connect_is_read_back(connect: Connect) -> None:
    assert read(mqtt311.write_connect(connect)) == connect


@given(st.integers(1, 65_535), st.lists(st.tuples(TOPIC, st.integers(0, 2)), min_size=1, max_size=5))
def test_subscribe_is_read_back(number: int, filters: list[tuple[str, int]]) -> None:
    asked = read(mqtt311.write_subscribe(number, filters))
    assert asked == mqtt311.Subscribe(number, tuple(filters))
    names = [pattern for pattern, _ in filters]
    assert read(mqtt311.write_unsubscribe(number, names)) == mqtt311.Unsubscribe(number, tuple(names))


@given(st.binary(max_size=60))
def test_random_bytes_are_read_or_refused(noise: bytes) -> None:
    """Any body under any first byte: a packet or a MalformedError, nothing else."""
    for first in (0x10, 0x30, 0x32, 0x34, 0x3B, 0x40, 0x62, 0x82, 0xA2):
        packet = mqtt311._packet(first, noise)
        try:
            if first == 0x10:
                mqtt311.protocol_level(packet, 2, len(packet))
                mqtt311.read_connect(packet, 2, len(packet))
            else:
                read(packet)
        except MalformedError:
            pass


@given(
    st.data(),
    st.sampled_from([b"\x32\x0a\0\5topic\0\7x", b"\x82\x08\0\1\0\3a/b\1", b"\x10\x10\0\4MQTT\4\2\0\x3c\0\4abcd"]),
)
def test_a_changed_byte_is_read_or_refused(data: st.DataObject, packet: bytes) -> None:
    at = data.draw(st.integers(2, len(packet) - 1))
    changed = packet[:at] + bytes((data.draw(st.integers(0, 255)),)) + packet[at + 1 :]
    try:
        body, end = body_of(packet)
        if packet[0] == 0x10:
            mqtt311.protocol_level(changed, body, end)
            mqtt311.read_connect(changed, body, end)
        else:
            read(changed)
    except MalformedError:
        pass


CONNECT = b"\0\4MQTT\4"


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (b"\x00\x00", "packet type 0"),
        (b"\x11\x00", "reserved flags"),
        (b"\x80\x05\0\1\0\1a", "reserved flags"),
        (b"\x36\x05\0\1a\0\1", "QoS 3"),
        (b"\x38\x03\0\1a", "DUP on QoS 0"),
        (b"\x32\x05\0\1a\0\0", "packet id 0"),
        (b"\x32\x03\0\1a", "packet too short"),
        (b"\x30\x03\0\1+", "topic with a wildcard"),
        (b"\x30\x03\0\1#", "topic with a wildcard"),
        (b"\x30\x02\0\0", "empty topic"),
        (b"\x30\x03\0\1\0", "U+0000 in a string"),
        (b"\x30\x03\0\1\xff", "string is not UTF-8"),
        (b"\x30\x05\0\3\xed\xa0\x80", "string is not UTF-8"),
        (b"\x30\x03\0\7a", "string longer than its packet"),
        (b"\x30\x01\0", "packet too short"),
        (b"\x40\x03\0\1\0", "acknowledgement of a wrong length"),
        (b"\x40\x02\0\0", "packet id 0"),
        (b"\x82\x02\0\1", "no topic filter"),
        (b"\x82\x06\0\1\0\1a\3", "QoS 3"),
        (b"\x82\x06\0\1\0\1a\4", "reserved subscription flags"),
        (b"\x82\x08\0\1\0\3a/#", "packet too short"),
        (b"\x82\x07\0\1\0\2a#\0", "# not alone at the end of a topic filter"),
        (b"\xa2\x02\0\1", "no topic filter"),
        (mqtt311._packet(0x10, CONNECT + b"\3\0\0\0\0"), "reserved connect flag"),
        (mqtt311._packet(0x10, CONNECT + b"\x0a\0\0\0\0"), "will flags without a will"),
        (mqtt311._packet(0x10, CONNECT + b"\x1e\0\0\0\0\0\1a\0\0"), "QoS 3"),
        (mqtt311._packet(0x10, CONNECT + b"\x06\0\0\0\0\0\1+\0\0"), "will: topic with a wildcard"),
        (mqtt311._packet(0x10, CONNECT + b"\x42\0\0\0\0\0\0"), "password without username"),
        (mqtt311._packet(0x10, CONNECT + b"\2\0\0\0\0x"), "bytes after the packet's last field"),
        (mqtt311._packet(0x10, CONNECT + b"\2\0\0"), "packet too short"),
        (mqtt311._packet(0x10, b"\0\6MQIsdp\3\2\0\0\0\0"), "wrong protocol name"),
    ],
)
def test_malformed_packet_is_refused_with_its_reason(packet: bytes, reason: str) -> None:
    full = packet if packet[1] + 2 == len(packet) else mqtt311._packet(packet[0], packet[2:])
    assert refusal(full) == reason


def test_paho_and_we_mean_the_same_by_connack() -> None:
    assert [int(code) for code in (mqtt311.Refusal.PROTOCOL, mqtt311.Refusal.NOT_AUTHORISED)] == [
        paho.CONNACK_REFUSED_PROTOCOL_VERSION,
        paho.CONNACK_REFUSED_NOT_AUTHORIZED,
    ]
