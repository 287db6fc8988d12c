"""Thousands of trackers on one gateway: all are heard, all come back at once, and nobody is mistaken for another.

CAREHUB_CROWD=5000 is the long form.
"""

import asyncio
import os
import resource
from collections.abc import AsyncIterator, Iterator

import pytest

from devices.adapter import Downlink
from hub.ingress.gateway import Gateway
from hub.ingress.settings import GatewaySettings
from tests.integration.ingress.parts import Raw, ScriptedIntake, until
from tests.integration.ingress.trackers import ALARM, gt06_answer, gt06_login, gt06_sos

pytestmark = pytest.mark.anyio

CROWD = int(os.environ.get("CAREHUB_CROWD", "2000"))
BACK_AT_ONCE = CROWD // 2
LIMIT_S = 120.0
BESIDE = 500  # open files that are no trackers


@pytest.fixture(autouse=True)
def open_files() -> Iterator[None]:
    """Both ends of every connection are ours, and of those that come back twice."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * (CROWD + BACK_AT_ONCE) + BESIDE
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"{wanted} open files are needed, {hard} are allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
async def way_in(intake: ScriptedIntake) -> AsyncIterator[Gateway]:
    async with Gateway(GatewaySettings(port=0, protocols=("gt06:0",), sweep_s=0.05), intake) as gateway:
        yield gateway


def imei(number: int) -> str:
    return f"86200000{number:07}"


async def connected(way_in: Gateway, number: int) -> Raw:
    peer = await Raw.open(way_in.ports["gt06"])
    peer.say(gt06_login(imei(number)))
    return peer


async def all_of(peers: list[Raw], answer: bytes) -> None:
    async with asyncio.timeout(LIMIT_S):
        assert set(await asyncio.gather(*(peer.reader.readexactly(len(answer)) for peer in peers))) == {answer}


async def test_crowd_is_heard_comes_back_at_once_and_is_told_apart(way_in: Gateway, intake: ScriptedIntake) -> None:
    first = await asyncio.gather(*(connected(way_in, number) for number in range(CROWD)))
    await all_of(first, gt06_answer(0x01, 1))
    # Their old lines are half-open: nobody has closed them.
    back = await asyncio.gather(*(connected(way_in, number) for number in range(BACK_AT_ONCE)))
    await all_of(back, gt06_answer(0x01, 1))
    for old in first[:BACK_AT_ONCE]:
        assert await old.ended() == b""
    now = [*back, *first[BACK_AT_ONCE:]]
    await until(lambda: len(way_in._connections) == CROWD, LIMIT_S)

    intake.arrivals.clear()
    for peer in now:
        peer.say(gt06_sos(2))
    await all_of(now, gt06_answer(ALARM, 2))
    assert sorted(intake.topics) == sorted(f"tcp/gt06/{imei(number)}" for number in range(CROWD))

    words = [Downlink(topic=f"tcp/gt06/{imei(number)}", payload=b"%07d" % number) for number in range(CROWD)]
    assert all(await asyncio.gather(*(way_in.deliver(word) for word in words)))
    assert [await peer.hear(7) for peer in now] == [word.payload for word in words]
    assert intake.rejections == []
    assert intake.alerts == []

    await asyncio.gather(*(peer.__aexit__() for peer in (*first, *back)))
    await until(lambda: not way_in._connections, LIMIT_S)
    assert not way_in._newest
    assert not way_in._nameless
