"""Trackers of every protocol on their own ports: who they are, what they are told, and what they may not do."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from devices.adapter import Downlink
from devices.framers import lines
from devices.protocols import BY_NAME, PROTOCOLS, Protocol
from hub.ingress.gateway import Gateway, PortTakenError
from hub.ingress.settings import GatewaySettings
from tests.integration.ingress.parts import Raw, ScriptedIntake, until
from tests.integration.ingress.trackers import (
    ALARM,
    HEARTBEAT,
    IMEI,
    LOCATION,
    TIME_ASKED,
    gt06,
    gt06_answer,
    gt06_location,
    gt06_login,
    gt06_sos,
    jt808,
    jt808_heard,
    jt808_position,
    signed_in,
)

pytestmark = pytest.mark.anyio

ALL = tuple(f"{protocol.name}:0" for protocol in PROTOCOLS if protocol.name != "watch3g")
WATCH_FRAME = b"[3G*5678901234*0002*LK]"
HTBT = b"*HQ,4700000017,HTBT#"


@pytest.fixture
async def gateway(intake: ScriptedIntake) -> AsyncIterator[Callable[..., Any]]:
    async with AsyncExitStack() as stack:

        async def make(**settings: Any) -> Gateway:
            given = {"port": 0, "sweep_s": 0.05, "protocols": ("watch3g", *ALL), **settings}
            return await stack.enter_async_context(Gateway(GatewaySettings(**given), intake))

        yield make


# Who it is.


async def test_every_protocol_has_a_port_of_its_own(gateway: Callable[..., Any]) -> None:
    way_in = await gateway()
    assert list(way_in.ports) == [protocol.name for protocol in PROTOCOLS]
    assert len(set(way_in.ports.values())) == len(PROTOCOLS)
    for port in way_in.ports.values():
        async with await Raw.open(port):
            pass


async def test_port_that_is_taken_is_named_with_what_to_write(intake: ScriptedIntake, free_port: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", free_port))
        other.listen()
        wanted = GatewaySettings(port=0, protocols=("watch3g", f"gt06:{free_port}"))
        with pytest.raises(PortTakenError, match=r'gateway.protocols = \["gt06:<port>"\]'):
            async with Gateway(wanted, intake):
                pass


async def test_frames_that_name_nobody_are_their_connections_device_s(
    gateway: Callable[..., Any], intake: ScriptedIntake
) -> None:
    way_in = await gateway()
    async with await signed_in(way_in) as one, await signed_in(way_in, "862000000000025") as other:
        one.say(gt06(HEARTBEAT, bytes.fromhex("4406040002"), 2))
        assert await one.hear(10) == gt06_answer(HEARTBEAT, 2)
        other.say(gt06_sos(2))
        assert await other.hear(10) == gt06_answer(ALARM, 2)
    assert intake.topics == ["tcp/gt06", "tcp/gt06", f"tcp/gt06/{IMEI}", "tcp/gt06/862000000000025"]


async def test_vendor_s_own_example_of_a_login_is_answered_with_the_vendor_s_own_answer(
    gateway: Callable[..., Any],
) -> None:
    way_in = await gateway()
    async with await Raw.open(way_in.ports["gt06"]) as tracker:
        tracker.say(gt06_login(serial=5))
        assert (await tracker.hear(10)).hex() == "7878050100059ff80d0a"


async def test_frame_before_any_login_is_kept_and_counted_and_nobody_is_made_up(
    gateway: Callable[..., Any], intake: ScriptedIntake
) -> None:
    way_in = await gateway()
    async with await Raw.open(way_in.ports["gt06"]) as tracker:
        tracker.say(gt06_location(1) + gt06_sos(2) + gt06_sos(3) + gt06_login())
        assert await tracker.hear(10) == gt06_answer(0x01, 1)
    assert intake.topics == ["tcp/gt06"]
    assert [(topic, error) for _, topic, _, error in intake.rejections] == [("tcp/gt06", "frame before any login")] * 3
    assert [rule for rule, _ in intake.alerts] == ["gateway_nameless"]


async def test_who_never_signs_in_is_cut_off_however_much_it_says(gateway: Callable[..., Any]) -> None:
    way_in = await gateway(first_frame_s=0.2)
    async with await Raw.open(way_in.ports["gt06"]) as tracker:

        def cut_off() -> bool:
            if not tracker.writer.is_closing():
                tracker.say(gt06_location(1))
            return tracker.reader.at_eof() or tracker.reader.exception() is not None

        await until(cut_off)


async def test_text_tracker_s_login_gets_the_clock_and_its_alarm_the_answer(
    gateway: Callable[..., Any], intake: ScriptedIntake
) -> None:
    way_in = await gateway()
    async with await Raw.open(way_in.ports["trv"]) as watch:
        watch.say(b"IWAP00860000000000017#")
        clock = (await watch.reader.readuntil(b"#")).decode()
        assert clock.startswith("IWBP00,20")
        watch.say(b"IWAP10261121A3828.0020N10616.3860E000.4215958120.0006000900600102,460,0,9360,4082,01,zh-cn,00#")
        assert await watch.reader.readuntil(b"#") == b"IWBP10#"
    assert intake.topics == ["tcp/trv", "tcp/trv/860000000000017"]


# Answers.


async def test_time_that_is_told_is_that_of_the_commit(gateway: Callable[..., Any], intake: ScriptedIntake) -> None:
    way_in = await gateway()
    async with await signed_in(way_in) as tracker:
        intake.at_once = False
        tracker.say(gt06(TIME_ASKED, b"", 2))
        await until(lambda: len(intake.arrivals) == 2)
        arrived = datetime.now(UTC).replace(microsecond=0)
        await until(lambda: datetime.now(UTC).replace(microsecond=0) > arrived)
        intake.commit(intake.arrivals[-1])
        told = await tracker.hear(16)
        year, month, day, hour, minute, second = told[4:10]
        assert datetime(2000 + year, month, day, hour, minute, second, tzinfo=UTC) > arrived
        assert told == gt06(TIME_ASKED, told[4:10], 2)


async def test_pendant_registers_signs_in_and_is_heard(gateway: Callable[..., Any], intake: ScriptedIntake) -> None:
    way_in = await gateway()
    number = bytes.fromhex("013900000017")
    async with await Raw.open(way_in.ports["jt808"]) as pendant:
        pendant.say(jt808(0x0100, bytes(25) + b"\x01", serial=1))
        kind, phone, body = await jt808_heard(pendant)
        assert (kind, phone, body[:3]) == (0x8100, number, b"\0\1\0")
        pendant.say(jt808(0x0102, body[3:], serial=2))
        assert await jt808_heard(pendant) == (0x8001, number, bytes.fromhex("0002010200"))
        pendant.say(jt808(0x0002, b"", serial=3))
        assert await jt808_heard(pendant) == (0x8001, number, bytes.fromhex("0003000200"))
        pendant.say(jt808(0x0200, jt808_position(alarm=1), serial=0x7D7E))
        assert await jt808_heard(pendant) == (0x8001, number, bytes.fromhex("7d7e020000"))
    assert intake.topics == ["tcp/jt808"] * 4


async def test_grammar_that_fails_costs_an_answer_and_never_the_frame(
    gateway: Callable[..., Any], intake: ScriptedIntake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(frame: bytes) -> bytes:
        raise KeyError(frame)

    monkeypatch.setitem(BY_NAME, "h02", msgspec.structs.replace(BY_NAME["h02"], reply=broken))
    way_in = await gateway()
    async with await Raw.open(way_in.ports["h02"]) as tracker:
        tracker.say(HTBT + HTBT)
        await until(lambda: intake.payloads == [HTBT, HTBT])
    assert [rule for rule, _ in intake.alerts] == ["gateway_grammar"]


async def test_framer_that_fails_ends_its_connection_and_its_bytes_are_kept(
    gateway: Callable[..., Any], intake: ScriptedIntake, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(lines.H02):
        def feed(self, chunk: bytes) -> list[bytes]:
            raise IndexError(len(chunk))

    monkeypatch.setitem(BY_NAME, "h02", msgspec.structs.replace(BY_NAME["h02"], framer=Broken))
    way_in = await gateway()
    async with await Raw.open(way_in.ports["h02"]) as tracker:
        tracker.say(HTBT)
        assert await tracker.ended() == b""
    assert intake.rejections == [("gateway", "tcp/h02", HTBT, "framer failed")]


# Told.


async def test_pendant_is_told_in_the_version_it_speaks(gateway: Callable[..., Any]) -> None:
    way_in = await gateway()
    text = Downlink(topic="tcp/jt808/13900000017", payload=jt808(0x8300, b"\x0c" + "收到".encode("gbk"), serial=0))
    assert not way_in.reaches(text.topic)
    async with await Raw.open(way_in.ports["jt808"]) as pendant:
        pendant.say(jt808(0x0200, jt808_position(), version=1))
        assert (await jt808_heard(pendant))[0] == 0x8001
        assert way_in.reaches(text.topic)
        assert await way_in.deliver(text)
        number = bytes.fromhex("00000000013900000017")
        assert await jt808_heard(pendant) == (0x8300, number, b"\x0c\x01" + "收到".encode("gbk"))


async def test_nobody_is_told_anything_before_his_login_is_answered(
    gateway: Callable[..., Any], intake: ScriptedIntake
) -> None:
    way_in = await gateway()
    topic = f"tcp/gt06/{IMEI}"
    told: list[bool] = []
    way_in.when_reachable(lambda: told.append(way_in.reaches(topic)))
    intake.at_once = False
    async with await Raw.open(way_in.ports["gt06"]) as tracker:
        tracker.say(gt06_login())
        await until(lambda: intake.arrivals)
        assert not way_in.reaches(topic)
        intake.commit(intake.arrivals[0])
        await until(lambda: told)
        assert told == [True]


async def test_device_of_one_protocol_is_not_another_s(gateway: Callable[..., Any]) -> None:
    way_in = await gateway()
    async with await signed_in(way_in):
        assert not way_in.reaches(f"tcp/jt808/{IMEI}")
        assert not way_in.reaches(f"carehub/{IMEI}/command")
        assert not way_in.reaches("tcp/gt06")


async def test_line_that_confirms_nothing_has_not_been_told(gateway: Callable[..., Any]) -> None:
    way_in = await gateway(deliver_timeout_s=0.1, write_stall_s=0.2)
    topic = f"tcp/gt06/{IMEI}"
    async with await signed_in(way_in) as tracker:
        tracker.writer.transport.pause_reading()  # type: ignore[attr-defined]
        assert not await way_in.deliver(Downlink(topic=topic, payload=bytes(16_000_000)))
        assert not way_in.reaches(topic)
        await until(lambda: not way_in._connections)


async def test_device_that_confirmed_nothing_is_told_again_when_it_speaks(gateway: Callable[..., Any]) -> None:
    way_in = await gateway(deliver_timeout_s=0.1, write_stall_s=60.0)
    topic = f"tcp/gt06/{IMEI}"
    async with await signed_in(way_in) as tracker:
        tracker.writer.transport.pause_reading()  # type: ignore[attr-defined]
        assert not await way_in.deliver(Downlink(topic=topic, payload=bytes(16_000_000)))
        assert not way_in.reaches(topic)
        told: list[bool] = []
        way_in.when_reachable(lambda: told.append(way_in.reaches(topic)))
        tracker.writer.transport.resume_reading()  # type: ignore[attr-defined]
        assert await tracker.hear(16_000_000) == bytes(16_000_000)
        tracker.say(gt06_location(2))
        assert await tracker.hear(10) == gt06_answer(LOCATION, 2)
        await until(lambda: told == [True])


async def test_connection_whose_peer_is_gone_does_not_stay(gateway: Callable[..., Any]) -> None:
    way_in = await gateway(unacknowledged_s=7.0)
    async with await signed_in(way_in):
        (connection,) = way_in._connections
        accepted = connection.transport.get_extra_info("socket")
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 7_000


async def test_device_that_connects_again_is_reached_there_and_its_old_line_ends(
    gateway: Callable[..., Any], intake: ScriptedIntake
) -> None:
    way_in = await gateway()
    async with await signed_in(way_in) as old, await signed_in(way_in) as new:
        assert await old.ended() == b""
        assert await way_in.deliver(Downlink(topic=f"tcp/gt06/{IMEI}", payload=b"WHERE#"))
        assert await new.hear(6) == b"WHERE#"


# Limits.


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.name)
async def test_noise_ends_its_own_connection_and_no_other(
    gateway: Callable[..., Any], intake: ScriptedIntake, protocol: Protocol
) -> None:
    way_in = await gateway(garbage_bytes=2_000, first_frame_s=0.3)
    dice = random.Random(protocol.name)
    async with await signed_in(way_in) as good, await Raw.open(way_in.ports[protocol.name]) as noisy:
        starts = (b"\r\n", b"#", b"\x78\x78", b"\x7e", b"[3G*", b"(", b"+RESP:")
        noisy.say(b"".join(dice.randbytes(2_000) + dice.choice(starts) for _ in range(20)))
        await noisy.ended()
        good.say(gt06_location(9))
        assert await good.hear(10) == gt06_answer(LOCATION, 9)
    assert intake.rejections
    assert all(len(payload) <= way_in.settings.kept_bytes for _, _, payload, _ in intake.rejections)


async def test_garbage_beside_good_frames_is_forgiven_and_not_all_of_it_kept(
    gateway: Callable[..., Any], intake: ScriptedIntake
) -> None:
    way_in = await gateway(garbage_bytes=100, garbage_kept=3)
    async with await Raw.open(way_in.ports["h02"]) as tracker:
        for _ in range(50):
            tracker.say(b"0123456789" + HTBT)
            await tracker.hear(len(HTBT))
        assert len(intake.arrivals) == 50
    assert len(intake.rejections) == 3


async def test_who_sends_too_fast_is_read_more_slowly_and_nothing_is_lost(
    gateway: Callable[..., Any], intake: ScriptedIntake
) -> None:
    way_in = await gateway(frames_per_s=50.0, frames_burst=10)
    async with await signed_in(way_in) as tracker:
        began = asyncio.get_running_loop().time()
        tracker.say(b"".join(gt06_location(serial) for serial in range(40)))
        await until(lambda: len(intake.arrivals) == 41)
        tracker.say(gt06_sos(99))
        await until(lambda: len(intake.arrivals) == 42)
        assert asyncio.get_running_loop().time() - began > 0.4  # 31 frames above the allowance, at 50 a second


async def test_nameless_connections_make_room_for_others(gateway: Callable[..., Any]) -> None:
    way_in = await gateway(max_nameless=3)
    silent = [await Raw.open(way_in.ports["gt06"]) for _ in range(3)]
    async with await signed_in(way_in) as tracker:
        assert await silent[0].ended() == b""
        tracker.say(gt06_location(2))
        assert await tracker.hear(10) == gt06_answer(LOCATION, 2)
    for peer in silent:
        await peer.__aexit__()


async def test_silence_is_measured_by_protocol(gateway: Callable[..., Any]) -> None:
    way_in = await gateway(idle_s=0.2, idle=("gt06:600",))
    async with await signed_in(way_in) as tracker, await Raw.open(way_in.port) as watch:
        watch.say(WATCH_FRAME)
        await watch.hear(23)
        assert await watch.ended() == b""
        tracker.say(gt06_location(2))
        assert await tracker.hear(10) == gt06_answer(LOCATION, 2)


async def test_device_whose_frames_wait_for_the_database_is_not_called_silent(
    gateway: Callable[..., Any], intake: ScriptedIntake
) -> None:
    way_in = await gateway(idle_s=0.1, unanswered_max=1)
    async with await Raw.open(way_in.ports["h02"]) as tracker:
        intake.at_once = False
        tracker.say(HTBT)
        await until(lambda: intake.arrivals)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.4):
                await tracker.reader.read(1)
        intake.commit(intake.arrivals[0])
        assert await tracker.hear(len(HTBT)) == HTBT
