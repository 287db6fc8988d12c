"""Broken, forged, slow and silent peers: each ends one connection with a reason, and a press still gets through."""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from devices.adapter import Downlink
from hub.ingress import mqtt311
from hub.ingress.credentials import Credentials
from hub.ingress.listener import Listener
from hub.ingress.mqtt311 import Connect, Publish, Will
from hub.ingress.settings import ListenerSettings
from tests.integration.ingress.parts import SECRET, Raw, ScriptedIntake, credential, until

pytestmark = pytest.mark.anyio


def ended(reason: str) -> float:
    labels = {"source": "listener", "reason": reason}
    return REGISTRY.get_sample_value("carehub_ingress_connections_ended_total", labels) or 0.0


async def press_gets_through(port: int, intake: ScriptedIntake) -> None:
    """A device that is in order connects, presses, and hears its acknowledgement."""
    async with await Raw.open(port) as device:
        assert await device.connect("w-2") == b"\x20\2\0\0"
        device.publish("carehub/w-2/event", b"sos", number=9)
        assert await device.hear(4) == b"\x40\2\0\x09"
    assert intake.topics[-1] == "carehub/w-2/event"


HELLO = mqtt311.write_connect(
    Connect(client_id="w-1", clean=True, keep_alive_s=60, username="w-1", password=SECRET.encode())
)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "first packet is not CONNECT"),
        (b"\xc0\0", "first packet is not CONNECT"),
        (b"\x32\x05\0\1a\0\1", "first packet is not CONNECT"),
        (b"\x00\0", "packet type 0"),
        (b"\x10\xff\xff\xff\xff\x01", "bad remaining length"),
        (b"\x10\xff\xff\xff\x7f", "packet too large"),
        (b"\x12\x0c\0\4MQTT\4\2\0\0\0\0", "reserved flags"),
        (b"\x10\x0e\0\6MQIsdp\3\2\0\0\0\0", "wrong protocol name"),
        (b"\x10\x0c\0\4MQTT\6\2\0\0\0\0", "unsupported protocol level"),
        (b"\x10\x0c\0\4MQTT\4\3\0\0\0\0", "reserved connect flag"),
        (HELLO + HELLO, "second CONNECT"),
        (HELLO + b"\x36\x05\0\1a\0\1", "QoS 3"),
        (HELLO + b"\x32\x05\0\1a\0\0", "packet id 0"),
        (HELLO + b"\x30\x03\0\1#", "topic with a wildcard"),
        (HELLO + b"\x30\x03\0\1\xff", "string is not UTF-8"),
        (HELLO + b"\x30\x03\0\1\0", "U+0000 in a string"),
        (HELLO + b"\x80\x06\0\1\0\1a\1", "reserved flags"),
        (HELLO + b"\x30\xff\xff\xff\xff\x01", "bad remaining length"),
        (HELLO + b"\x30\xff\xff\xff\x7f", "packet too large"),
        (HELLO + b"\xd0\0", "packet only a server sends"),
        (HELLO + b"\xf0\0", "packet only a server sends"),
        (HELLO + b"\xc0\1x", "packet that should be empty"),
        (HELLO + b"\x50\2\0\1", "packet of a QoS 2 downlink, which we never send"),
    ],
)
async def test_malformed_input_ends_its_connection_with_a_reason(
    listening: Callable[..., Any], intake: ScriptedIntake, data: bytes, reason: str
) -> None:
    listener = await listening()
    before = ended(reason)
    async with await Raw.open(listener.port) as peer:
        peer.say(data)
        await peer.ended()
    await until(lambda: ended(reason) == before + 1)
    assert [error for *_, error in intake.rejections] == [reason]
    await press_gets_through(listener.port, intake)


async def test_secret_of_an_unreadable_connect_is_not_kept(
    listening: Callable[..., Any], intake: ScriptedIntake
) -> None:
    listener = await listening()
    async with await Raw.open(listener.port) as peer:
        peer.say(HELLO[:9] + bytes((HELLO[9] | 1,)) + HELLO[10:])
        await peer.ended()
    assert SECRET.encode() not in intake.rejections[0][2]


async def test_broken_bytes_are_kept_without_the_good_ones_before_them(
    listening: Callable[..., Any], intake: ScriptedIntake
) -> None:
    listener = await listening(kept_bytes=16)
    async with await Raw.open(listener.port) as peer:
        await peer.connect()
        good = mqtt311.write_publish(Publish("carehub/w-1/event", b"good", 1, 1))
        peer.say(good + b"\x36\x40" + b"A" * 64)
        await peer.ended()
    assert intake.payloads == [b"good"]
    assert intake.rejections == [("listener", "carehub/w-1/", b"\x36\x40" + b"A" * 14, "QoS 3")]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=st.lists(st.binary(min_size=1, max_size=200), max_size=4), greeted=st.booleans())
def test_no_bytes_whatsoever_take_the_listener_down(noise: list[bytes], greeted: bool) -> None:
    async def story() -> None:
        intake = ScriptedIntake()
        known = Credentials.of([credential("w-1"), credential("w-2")])
        async with Listener(ListenerSettings(port=0, sweep_s=0.05), intake, known) as listener:
            async with await Raw.open(listener.port) as peer:
                if greeted:
                    await peer.connect()
                for chunk in noise:
                    peer.say(chunk)
                    await asyncio.sleep(0)
                with contextlib.suppress(OSError):  # already cut off
                    peer.writer.write_eof()
                await peer.ended()
            await press_gets_through(listener.port, intake)

    asyncio.run(story())


@given(cuts=st.lists(st.integers(1, 400), max_size=12))
@settings(max_examples=30, deadline=None)
def test_messages_arrive_whole_however_the_network_cuts_them(cuts: list[int]) -> None:
    async def story() -> None:
        intake = ScriptedIntake()
        stream = HELLO + b"".join(
            mqtt311.write_publish(Publish("carehub/w-1/vitals", b"x" * size, 1, number))
            for number, size in enumerate((0, 90, 127, 128, 200, 20_000), 1)
        )
        known = Credentials.of([credential("w-1")])
        async with Listener(ListenerSettings(port=0), intake, known) as listener, await Raw.open(listener.port) as peer:
            at = 0
            for cut in [*sorted(cuts), len(stream)]:
                peer.say(stream[at : max(at, cut)])
                at = max(at, cut)
                await peer.writer.drain()
                await asyncio.sleep(0.001)
            assert await peer.hear(4 + 6 * 4) == b"\x20\2\0\0" + b"".join(
                b"\x40\2\0" + bytes((number,)) for number in range(1, 7)
            )
        assert [len(payload) for payload in intake.payloads] == [0, 90, 127, 128, 200, 20_000]

    asyncio.run(story())


async def test_thousand_half_open_connections_end_and_a_press_gets_through_meanwhile(
    listening: Callable[..., Any], intake: ScriptedIntake
) -> None:
    listener = await listening(connect_timeout_s=2.5)
    before = ended("no CONNECT in time")
    sockets = []
    for _ in range(1_000):
        half_open = socket.socket()
        half_open.setblocking(False)
        half_open.connect_ex(("127.0.0.1", listener.port))
        sockets.append(half_open)
    await press_gets_through(listener.port, intake)
    await until(lambda: ended("no CONNECT in time") == before + 1_000)
    for half_open in sockets:
        half_open.close()
    await press_gets_through(listener.port, intake)


async def test_the_oldest_half_open_connection_makes_room(
    listening: Callable[..., Any], intake: ScriptedIntake
) -> None:
    listener = await listening(max_half_open=3)
    peers = [await Raw.open(listener.port) for _ in range(4)]
    assert await peers[0].ended() == b""
    await press_gets_through(listener.port, intake)
    for peer in peers:
        await peer.__aexit__()


async def test_full_listener_says_so_once(listening: Callable[..., Any], intake: ScriptedIntake) -> None:
    listener = await listening(max_connections=2)
    peers = [await Raw.open(listener.port) for _ in range(5)]
    for peer in peers[2:]:
        assert await peer.ended() == b""
    assert [rule for rule, _ in intake.alerts] == ["listener_full"]
    for peer in peers:
        await peer.__aexit__()


async def test_keep_alive_expires_and_the_will_speaks(listening: Callable[..., Any], intake: ScriptedIntake) -> None:
    listener = await listening()
    async with await Raw.open(listener.port) as device:
        began = asyncio.get_running_loop().time()
        await device.connect_as(
            Connect(
                client_id="w-1",
                clean=True,
                keep_alive_s=1,
                username="w-1",
                password=SECRET.encode(),
                will=Will("carehub/w-1/status", b'{"online":false}', 1, True),
            )
        )
        assert await device.ended() == b""
        assert 1.5 <= asyncio.get_running_loop().time() - began < 10.0
    await until(lambda: intake.arrivals)
    assert (intake.topics, intake.payloads) == (["carehub/w-1/status"], [b'{"online":false}'])
    assert intake.arrivals[0].token == 0


async def test_ping_keeps_a_device_alive(listening: Callable[..., Any]) -> None:
    listener = await listening()
    async with await Raw.open(listener.port) as device:
        await device.connect(keep_alive_s=2)  # it would be hung up on after three seconds
        for _ in range(4):
            await asyncio.sleep(0.9)
            device.say(mqtt311.PINGREQ)
            assert await device.hear(2) == mqtt311.PINGRESP


async def test_a_device_that_says_goodbye_has_no_will(listening: Callable[..., Any], intake: ScriptedIntake) -> None:
    listener = await listening()
    async with await Raw.open(listener.port) as device:
        will = Will("carehub/w-1/status", b"gone", 0, False)
        await device.connect_as(
            Connect(client_id="w-1", clean=True, keep_alive_s=9, username="w-1", password=SECRET.encode(), will=will)
        )
        device.say(mqtt311.DISCONNECT)
        assert await device.ended() == b""
    await press_gets_through(listener.port, intake)
    assert intake.topics == ["carehub/w-2/event"]


async def test_a_will_on_another_devices_topic_is_refused(listening: Callable[..., Any]) -> None:
    listener = await listening()
    async with await Raw.open(listener.port) as device:
        will = Will("carehub/w-2/event", b"forged", 0, False)
        answer = await device.connect_as(
            Connect(client_id="w-1", clean=True, keep_alive_s=9, username="w-1", password=SECRET.encode(), will=will)
        )
        assert answer == b"\x20\2\0\5"


async def test_takeover_lets_the_old_will_speak_before_the_new_connection(
    listening: Callable[..., Any], intake: ScriptedIntake
) -> None:
    listener = await listening()
    async with await Raw.open(listener.port) as old, await Raw.open(listener.port) as new:
        will = Will("carehub/w-1/status", b"gone", 0, False)
        await old.connect_as(
            Connect(client_id="w-1", clean=True, keep_alive_s=9, username="w-1", password=SECRET.encode(), will=will)
        )
        new.say(HELLO)
        new.publish("carehub/w-1/status", b"online")
        assert await new.hear(8) == b"\x20\2\0\0\x40\2\0\1"
        assert await old.ended() == b""
    assert intake.payloads == [b"gone", b"online"]


async def test_commit_after_the_connection_ended_is_harmless(
    listening: Callable[..., Any], intake: ScriptedIntake
) -> None:
    intake.at_once = False
    listener = await listening()
    async with await Raw.open(listener.port) as device:
        await device.connect()
        device.publish("carehub/w-1/event")
        await until(lambda: intake.arrivals)
    before = len(intake.arrivals)
    async with await Raw.open(listener.port) as again:
        await again.connect()
        intake.commit(*intake.arrivals)
        again.publish("carehub/w-1/event", duplicate=True)
        await until(lambda: len(intake.arrivals) == before + 1)
        intake.commit(intake.arrivals[-1])
        assert await again.hear(4) == b"\x40\2\0\1"


async def test_qos_2_message_sent_again_is_taken_once(listening: Callable[..., Any], intake: ScriptedIntake) -> None:
    intake.at_once = False
    listener = await listening()
    async with await Raw.open(listener.port) as device:
        await device.connect(clean=False)
        device.publish("carehub/w-1/event", qos=2, number=5)
        await until(lambda: intake.arrivals)
    async with await Raw.open(listener.port) as device:
        assert await device.connect(clean=False) == b"\x20\2\1\0"
        device.publish("carehub/w-1/event", qos=2, number=5, duplicate=True)
        device.say(mqtt311.PINGREQ)
        assert await device.hear(2) == mqtt311.PINGRESP
        assert len(intake.arrivals) == 1
        intake.commit(intake.arrivals[0])
        assert await device.hear(4) == b"\x50\2\0\5"
        device.say(b"\x62\2\0\5")
        assert await device.hear(4) == b"\x70\2\0\5"
        device.publish("carehub/w-1/event", qos=2, number=5)
        await until(lambda: len(intake.arrivals) == 2)


async def test_slow_reader_is_cut_off(listening: Callable[..., Any], intake: ScriptedIntake) -> None:
    listener = await listening(write_buffer_bytes=4_096, write_stall_s=0.3, inflight_out=10_000, deliver_timeout_s=0.01)
    before = ended("slow reader")
    async with await Raw.open(listener.port) as device:
        await device.connect()
        device.say(mqtt311.write_subscribe(1, [("carehub/w-1/command", 1)]))
        assert (await device.packet())[0] == 0x90
        device.writer.transport.pause_reading()  # type: ignore[attr-defined]
        number = 0
        while ended("slow reader") == before:
            number += 1
            assert number < 2_000
            await listener.deliver(Downlink(topic="carehub/w-1/command", payload=bytes(100_000) + number.to_bytes(4)))
            await asyncio.sleep(0.01)
    await press_gets_through(listener.port, intake)


async def test_slow_packet_is_cut_off(listening: Callable[..., Any], intake: ScriptedIntake) -> None:
    listener = await listening(packet_timeout_s=0.3)
    before = ended("packet too slow")
    async with await Raw.open(listener.port) as device:
        await device.connect()
        device.say(b"\x32\x7f")
        while ended("packet too slow") == before:
            device.say(b"\0")
            await asyncio.sleep(0.05)
    await press_gets_through(listener.port, intake)


async def test_no_more_is_read_while_ingest_is_full(listening: Callable[..., Any], intake: ScriptedIntake) -> None:
    listener = await listening()
    async with await Raw.open(listener.port) as one, await Raw.open(listener.port) as two:
        await one.connect("w-1", keep_alive_s=1)
        await two.connect("w-2", keep_alive_s=1)
        intake.room.clear()
        one.publish("carehub/w-1/vitals", b"last one in")
        await until(lambda: intake.arrivals)
        two.publish("carehub/w-2/vitals", b"waits")
        await asyncio.sleep(2.0)  # silence we asked for is no reason to hang up
        assert intake.payloads == [b"last one in"]
        intake.room.set()
        assert await two.hear(4) == b"\x40\2\0\1"
    assert intake.payloads == [b"last one in", b"waits"]


async def test_no_more_is_read_from_a_device_with_too_much_uncommitted(
    listening: Callable[..., Any], intake: ScriptedIntake
) -> None:
    intake.at_once = False
    listener = await listening(receive_max=5)
    async with await Raw.open(listener.port) as device:
        await device.connect()
        for number in range(1, 11):
            device.publish("carehub/w-1/vitals", number=number)
            await device.writer.drain()
            await asyncio.sleep(0.01)
        assert len(intake.arrivals) == 5
        await press_is_read_meanwhile(listener.port, intake)
        for arrival in list(intake.arrivals):
            intake.commit(arrival)
        await until(lambda: len(intake.arrivals) == 11)


async def press_is_read_meanwhile(port: int, intake: ScriptedIntake) -> None:
    async with await Raw.open(port) as other:
        await other.connect("w-2")
        other.publish("carehub/w-2/event")
        await until(lambda: intake.topics[-1] == "carehub/w-2/event")


async def test_wrong_credentials_become_curt_but_never_lock_a_right_one_out(
    listening: Callable[..., Any], intake: ScriptedIntake
) -> None:
    listener = await listening(failures_per_source=3, failure_backoff_s=60)
    forged = Connect(client_id="w-1", clean=True, keep_alive_s=9, username="w-1", password=b"guess")
    answers = []
    for _ in range(5):
        async with await Raw.open(listener.port) as peer:
            peer.say(mqtt311.write_connect(forged))
            answers.append(await peer.ended())
    assert answers == [b"\x20\2\0\4"] * 3 + [b""] * 2
    await press_gets_through(listener.port, intake)


async def test_revoked_credential_ends_its_connections(
    listening: Callable[..., Any], intake: ScriptedIntake, credentials: Credentials
) -> None:
    listener = await listening()
    async with await Raw.open(listener.port) as device:
        await device.connect("w-1")
        credentials.put([credential("w-2")])
        assert await device.ended() == b""
    async with await Raw.open(listener.port) as device:
        assert await device.connect("w-1") == b"\x20\2\0\4"
    await press_gets_through(listener.port, intake)


async def test_one_credential_has_a_bounded_number_of_clients(listening: Callable[..., Any]) -> None:
    listener = await listening(clients_per_credential=2)
    peers = [await Raw.open(listener.port) for _ in range(3)]
    answers = [await peer.connect("w-1", client_id=f"c{n}") for n, peer in enumerate(peers)]
    assert answers == [b"\x20\2\0\0", b"\x20\2\0\0", b"\x20\2\0\3"]
    for peer in peers:
        await peer.__aexit__()


async def test_shutdown_is_no_outage_of_the_devices(credentials: Credentials) -> None:
    intake = ScriptedIntake()
    device = None
    async with Listener(ListenerSettings(port=0), intake, credentials) as listener:
        device = await Raw.open(listener.port)
        will = Will("carehub/w-1/status", b"gone", 0, False)
        await device.connect_as(
            Connect(client_id="w-1", clean=True, keep_alive_s=9, username="w-1", password=SECRET.encode(), will=will)
        )
    assert await device.ended() == b""
    await device.__aexit__()
    assert intake.arrivals == []
