"""Watches over plain TCP: frames in pieces, replies after the commit, limits."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from devices.adapter import Command, Downlink, Say
from devices.adapters.watch_3g import ADAPTER
from hub.ingress.gateway import Gateway
from hub.ingress.settings import GatewaySettings
from tests.integration.ingress.parts import Raw, ScriptedIntake, until

pytestmark = pytest.mark.anyio

KEEPALIVE = b"[3G*5678901234*0010*LK,1200,0,85]"
ALARM = (
    b"[3G*5678901234*0087*AL,211126,080000,V,0.0,N,0.0,E,0.00,0.0,0.0,0,100,85,1200,0,00010000,"
    b"1,1,460,0,9520,3671,13,0,0]"
)


@pytest.fixture
async def gateway(intake: ScriptedIntake) -> AsyncIterator[Callable[..., Any]]:
    async with AsyncExitStack() as stack:

        async def make(**settings: Any) -> Gateway:
            wanted = GatewaySettings(**{"port": 0, "sweep_s": 0.05, **settings})
            return await stack.enter_async_context(Gateway(wanted, intake))

        yield make


async def test_alarm_is_answered_only_after_the_commit(gateway: Callable[..., Any], intake: ScriptedIntake) -> None:
    intake.at_once = False
    way_in = await gateway()
    async with await Raw.open(way_in.port) as watch:
        watch.say(KEEPALIVE + ALARM)
        await until(lambda: len(intake.arrivals) == 2)
        keepalive, alarm = intake.arrivals
        intake.commit(alarm)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(watch.reader.read(1), 0.1)
        intake.commit(keepalive)
        assert await watch.hear(46) == b"[3G*5678901234*0002*LK][3G*5678901234*0002*AL]"
    assert intake.topics == ["tcp/watch3g"] * 2
    assert intake.payloads == [KEEPALIVE, ALARM]


async def test_frames_arrive_whole_however_the_network_cuts_them(
    gateway: Callable[..., Any], intake: ScriptedIntake
) -> None:
    way_in = await gateway()
    async with await Raw.open(way_in.port) as watch:
        for byte in KEEPALIVE + ALARM:
            watch.say(bytes((byte,)))
            await watch.writer.drain()
            await asyncio.sleep(0)
        await until(lambda: len(intake.arrivals) == 2)
    assert intake.payloads == [KEEPALIVE, ALARM]


async def test_watch_is_told_in_its_own_dialect(gateway: Callable[..., Any]) -> None:
    way_in = await gateway()
    command = Command(device="watch3g:5678901234", say=Say.RECEIVED, text="收到")
    downlink = ADAPTER.encode(command)
    assert downlink is not None
    assert not way_in.reaches(downlink.topic)
    assert not await way_in.deliver(downlink)
    async with await Raw.open(way_in.port) as watch:
        watch.say(b"[SG*5678901234*0002*LK]")
        assert await watch.hear(23) == b"[SG*5678901234*0002*LK]"
        assert way_in.reaches(downlink.topic)
        assert await way_in.deliver(downlink)
        assert await watch.hear(37) == b"[SG*5678901234*0010*MESSAGE,65365230]"
    await until(lambda: not way_in.reaches(downlink.topic))


async def test_watch_that_connects_again_is_reached_on_its_new_connection(gateway: Callable[..., Any]) -> None:
    way_in = await gateway()
    told = []
    way_in.when_reachable(lambda: told.append(1))
    async with await Raw.open(way_in.port) as old, await Raw.open(way_in.port) as new:
        old.say(KEEPALIVE)
        await old.hear(23)
        new.say(KEEPALIVE)
        await new.hear(23)
        assert await old.ended() == b""
        assert await way_in.deliver(Downlink(topic="tcp/watch3g/5678901234", payload=b"[3G*5678901234*0004*FIND]"))
        assert await new.hear(25) == b"[3G*5678901234*0004*FIND]"
        await until(lambda: told)


async def test_garbage_is_kept_and_too_much_of_it_ends_the_connection(
    gateway: Callable[..., Any], intake: ScriptedIntake
) -> None:
    way_in = await gateway(garbage_bytes=1_000)
    async with await Raw.open(way_in.port) as watch:
        watch.say(b"garbage" + KEEPALIVE)
        await watch.hear(23)
        assert intake.rejections == [("gateway", "tcp/watch3g", b"garbage", "bytes between frames")]
        watch.say(b"]" * 2_000)
        assert await watch.ended() == b""
    assert intake.payloads == [KEEPALIVE]


async def test_endless_frame_ends_the_connection(gateway: Callable[..., Any], intake: ScriptedIntake) -> None:
    way_in = await gateway(buffer_bytes=16_384)
    async with await Raw.open(way_in.port) as watch:
        watch.say(b"[3G*5678901234*FFFF*UD," + b"1" * 20_000)
        assert await watch.ended() == b""
    assert intake.rejections[-1][3] == "frame too long"


async def test_silent_connections_end(gateway: Callable[..., Any]) -> None:
    way_in = await gateway(first_frame_s=0.2, idle_s=0.3)
    async with await Raw.open(way_in.port) as nobody, await Raw.open(way_in.port) as watch:
        watch.say(KEEPALIVE)
        await watch.hear(23)
        assert await nobody.ended() == b""
        assert await watch.ended() == b""


async def test_full_gateway_says_so_once(gateway: Callable[..., Any], intake: ScriptedIntake) -> None:
    way_in = await gateway(max_connections=1)
    peers = [await Raw.open(way_in.port) for _ in range(3)]
    for peer in peers[1:]:
        assert await peer.ended() == b""
    for peer in peers:
        await peer.__aexit__()
    assert [rule for rule, _ in intake.alerts] == ["gateway_full"]


async def test_one_connection_speaks_for_a_bounded_number_of_watches(
    gateway: Callable[..., Any], intake: ScriptedIntake
) -> None:
    way_in = await gateway(ids_per_connection=2)
    async with await Raw.open(way_in.port) as relay:
        for number in range(3):
            relay.say(b"[3G*567890123%d*0002*LK]" % number)
        await relay.ended()
    assert len(intake.arrivals) == 2
    assert intake.rejections[-1][3] == "too many devices on one connection"


async def test_no_more_is_read_while_ingest_is_full_or_behind(
    gateway: Callable[..., Any], intake: ScriptedIntake
) -> None:
    intake.at_once = False
    way_in = await gateway(unanswered_max=3)
    async with await Raw.open(way_in.port) as watch:
        for _ in range(6):
            watch.say(KEEPALIVE)
            await watch.writer.drain()
            await asyncio.sleep(0.01)
        assert len(intake.arrivals) == 3
        for arrival in list(intake.arrivals):
            intake.commit(arrival)
        await until(lambda: len(intake.arrivals) == 6)
        intake.commit(*intake.arrivals[3:])
        intake.room.clear()
        watch.say(KEEPALIVE)
        await until(lambda: len(intake.arrivals) == 7)
        watch.say(ALARM)
        await asyncio.sleep(0.1)
        assert len(intake.arrivals) == 7
        intake.room.set()
        await until(lambda: intake.payloads[-1] == ALARM)
