"""MQTT 5 at the listener: the codec never sees bytes that have not been walked, and never takes the process down."""

import mqtt5
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.ingress import mqtt311
from hub.ingress.mqtt311 import Connect, Kind, MalformedError, Publish, Subscribe, Will
from hub.ingress.settings import ListenerSettings
from hub.ingress.wire import WIRES, codec

WIRE = WIRES[5]


def hear(packet: bytes) -> object:
    kind = mqtt311.check_flags(packet[0])
    bounds = mqtt311.frame(packet, 0)
    assert bounds is not None
    if kind is Kind.CONNECT:
        mqtt311.protocol_level(packet, *bounds)
    return WIRE.read(kind, packet[0], packet, *bounds)


def reason(packet: bytes) -> str:
    """Return why a packet is refused, or ''."""
    try:
        hear(packet)
    except MalformedError as error:
        return error.reason
    return ""


PACKETS = [
    mqtt5.ConnectPacket(
        "w-1",
        username="w-1",
        password=b"secret",
        keep_alive=30,
        session_expiry_interval=60,
        will=mqtt5.Will("carehub/w-1/status", payload=b"gone", will_delay_interval=5, content_type="text/plain"),
        user_properties=[("a", "b")],
    ).write(),
    mqtt5.PublishPacket("carehub/w-1/event", b"{}", qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=7).write(),
    mqtt5.PublishPacket(
        "", b"{}", qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=7, topic_alias=3, user_properties=[("k", "v")]
    ).write(),
    mqtt5.SubscribePacket(9, [mqtt5.TopicFilter("carehub/w-1/#")], user_properties=[("a", "b")]).write(),
    mqtt5.UnsubscribePacket(9, ["carehub/w-1/#"]).write(),
    mqtt5.PubAckPacket(9, reason_code=mqtt5.PubAckReasonCode.QUOTA_EXCEEDED, reason_str="no").write(),
    mqtt5.PubRelPacket(9).write(),
    mqtt5.DisconnectPacket(reason_str="bye", session_expiry_interval=3).write(),
    mqtt5.AuthPacket(reason_str="x", authentication_method="y").write(),
    mqtt5.PingReqPacket().write(),
]


def test_connect_is_heard_whole() -> None:
    assert hear(PACKETS[0]) == Connect(
        client_id="w-1", clean=False, keep_alive_s=30, username="w-1", password=b"secret", session_expiry_s=60,
        will=Will("carehub/w-1/status", b"gone", 0, False, 5),
    )  # fmt: skip


def test_publish_is_heard_with_and_without_properties() -> None:
    assert hear(PACKETS[1]) == Publish("carehub/w-1/event", b"{}", 1, 7)
    assert hear(PACKETS[2]) == Publish("", b"{}", 1, 7, alias=3)


def test_subscribe_is_heard() -> None:
    assert hear(PACKETS[3]) == Subscribe(9, (("carehub/w-1/#", 2),))


def test_disconnect_is_heard_with_its_reason() -> None:
    assert hear(b"\xe0\x01\x04") == (0, 4)
    assert hear(b"\xe0\x00") == (0, 0)


@pytest.mark.parametrize(
    ("packet", "why"),
    [
        (b"\x32\x06\0\1\xff\0\1\0", "string is not UTF-8"),
        (b"\x32\x06\0\1\0\0\1\0", "U+0000 in a string"),
        (b"\x32\x06\0\1+\0\1\0", "topic with a wildcard"),
        (b"\x32\x06\0\1a\0\0\0", "packet id 0"),
        (b"\x36\x06\0\1a\0\1\0", "QoS 3"),
        (b"\x30\x03\0\0\0", "empty topic"),
        (b"\x30\x03\0\1a", "packet too short"),
        (b"\x30\x0a\0\1a\6\x26\0\1k\0\5", "string longer than its packet"),
        (b"\x30\x06\0\1a\2\x7f\0", "unknown property"),
        (b"\x30\x08\0\1a\4\1\0\1\0", "property given twice"),
        (b"\x30\x07\0\0\3\x23\0\0", "refused by the codec"),
        (b"\x30\x06\0\1a\2\x0b\1", "subscription id from a client"),
        (b"\x82\x03\0\1\0", "no topic filter"),
        (b"\x82\x07\0\1\0\0\1\xff\1", "string is not UTF-8"),
        (b"\x82\x09\0\1\2\x0b\1\0\1a\1", "subscription ids are not supported"),
        (b"\x20\x03\0\0\0", "packet only a server sends"),
        (b"\xc0\x01\0", "ping with a body"),
    ],
)
def test_malformed_packet_is_refused_with_its_reason(packet: bytes, why: str) -> None:
    with pytest.raises(MalformedError) as caught:
        hear(packet)
    assert caught.value.reason == why


@given(st.sampled_from(PACKETS), st.data())
def test_changed_bytes_are_heard_or_refused_and_never_reach_a_panic(packet: bytes, data: st.DataObject) -> None:
    changed = bytearray(packet)
    for _ in range(data.draw(st.integers(1, 4))):
        if len(packet) > 2:
            changed[data.draw(st.integers(2, len(packet) - 1))] = data.draw(st.integers(0, 255))
    assert "panic" not in reason(bytes(changed))


@given(
    st.sampled_from([0x10, 0x30, 0x32, 0x34, 0x40, 0x50, 0x62, 0x70, 0x82, 0xA2, 0xC0, 0xE0, 0xF0]),
    st.binary(max_size=50),
)
def test_random_bodies_are_heard_or_refused(first: int, body: bytes) -> None:
    assert "panic" not in reason(mqtt311._packet(first, (b"\0\4MQTT\5" if first == 0x10 else b"") + body))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the panic's own trace
def test_a_panic_of_the_codec_is_only_a_malformed_packet(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(MalformedError, match="panic"):
        codec(memoryview(b"\x32\x06\0\1\xff\0\1\0"))
    capfd.readouterr()


def test_connack_announces_the_limits() -> None:
    settings = ListenerSettings(receive_max=7, max_packet_bytes=1_000, topic_alias_max=3, max_keep_alive_s=50)
    asked = Connect(client_id="", clean=True, keep_alive_s=0, session_expiry_s=999_999)
    packet = codec(memoryview(WIRE.connack(settings, asked, present=False, assigned="auto-1")))
    assert isinstance(packet, mqtt5.ConnAckPacket)
    assert (packet.receive_max, packet.max_packet_size, packet.topic_alias_max) == (7, 1_000, 3)
    assert (packet.server_keep_alive, packet.assigned_client_id) == (50, "auto-1")
    assert packet.session_expiry_interval == settings.session_expiry_s


def test_refusals_are_read_by_the_codec() -> None:
    for packet in (WIRE.not_authorised(Kind.PUBACK, 7), WIRE.not_authorised(Kind.PUBREC, 7)):
        answer = codec(memoryview(packet))
        assert isinstance(answer, mqtt5.PubAckPacket | mqtt5.PubRecPacket)
        assert (answer.packet_id, int(answer.reason_code)) == (7, 0x87)
    goodbye = codec(memoryview(WIRE.disconnect(0x8E)))
    assert isinstance(goodbye, mqtt5.DisconnectPacket)
    assert goodbye.reason_code is mqtt5.DisconnectReasonCode.SESSION_TAKEN_OVER
