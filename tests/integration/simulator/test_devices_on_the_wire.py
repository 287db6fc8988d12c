"""Simulated devices on real sockets: what reaches the listener, and what a device does until it is answered."""

import asyncio
import contextlib
import json
import re
import socket
from collections.abc import AsyncIterator, Coroutine
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from devices.adapter import Downlink
from hub.ingress.credentials import Credentials
from hub.ingress.listener import Listener
from hub.ingress.settings import ListenerSettings
from hub.loops.ending import ended
from hub.replay import falls as recordings
from hub.replay import line as replay_line
from hub.replay.target import NoTargetError, Way
from simulator import line as lines
from simulator import motion, watch, watch3g
from simulator.home import Home
from simulator.ledger import Ledger
from simulator.line import Line
from simulator.neighbourhood import Device, Endpoint, HomeGateway, Resident
from simulator.physiology import Body, Constitution
from simulator.watch import Watch
from simulator.watch3g import Watch3g
from tests.integration.ingress.parts import SECRET, ScriptedIntake, credential, until
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.anyio

AT = datetime(2026, 11, 21, 18, 14, 7, tzinfo=UTC)
WRIST = Device(kind="watch", address="carehub:w-1", name="w-1", username="w-1", secret=SECRET)
BUTTON = Device(kind="zigbee", address="z2m:home7/浴室", name="浴室", base="home7/zigbee2mqtt", model="TS0215A")
KITCHEN = Device(kind="zigbee", address="z2m:home7/厨房", name="厨房", base="home7/zigbee2mqtt", model="TS0205")


class Hub:
    """A listener and what it took in."""

    def __init__(self) -> None:
        self.intake = ScriptedIntake()
        names = [credential("w-1"), credential("home-7", "gateway", "home7/zigbee2mqtt/")]
        settings = ListenerSettings(port=0, sweep_s=0.05)
        self.listener = Listener(settings, self.intake, Credentials.of(names))

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint("127.0.0.1", self.listener.port)

    def said(self, kind: str) -> list[Any]:
        return [json.loads(a.payload) for a in self.intake.arrivals if a.topic.endswith(f"/{kind}")]


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    hub = Hub()
    async with hub.listener:
        yield hub


@contextlib.asynccontextmanager
async def going(*work: Coroutine[Any, Any, Any]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        await ended(*tasks)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "REPEAT_S", 0.05)
    monkeypatch.setattr(watch, "BURST_S", 0.01)
    monkeypatch.setattr(watch3g, "REPEAT_S", 0.05)
    monkeypatch.setattr(watch3g, "PAUSE_S", (0.02, 0.02))
    monkeypatch.setattr(lines, "PAUSE_S", (0.02, 0.02))
    monkeypatch.setattr(lines, "ACK_LIMIT_S", 0.3)
    monkeypatch.setattr(replay_line, "AGAIN_S", 0.02)


def wrist(hub: Hub) -> Watch:
    return Watch(WRIST, "王秀兰", hub.endpoint, Body("1", Constitution()), Ledger(), seed="1")


def cut(worn: Watch) -> None:
    """The radio is gone: neither side says goodbye."""
    client = worn.line._client
    assert client is not None
    wire = client._client.socket()
    assert isinstance(wire, socket.socket)
    wire.shutdown(socket.SHUT_RDWR)


async def test_press_is_repeated_under_one_identity_until_the_watch_shows_received(hub: Hub) -> None:
    worn = wrist(hub)
    async with going(worn.line.run()):
        pressing = asyncio.create_task(worn.press(AT))
        await until(lambda: len(hub.said("event")) >= 3)
        identity = hub.said("event")[0]["id"]
        for told in ({"say": "received", "id": "another"}, {"say": "coming", "id": identity, "text": "王丽在路上"}):
            await hub.listener.deliver(Downlink(topic="carehub/w-1/command", payload=json.dumps(told).encode()))
        await until(lambda: worn.shows == "王丽在路上")
        assert not pressing.done()
        answer = json.dumps({"say": "received", "id": identity, "text": "收到"}).encode()
        await hub.listener.deliver(Downlink(topic="carehub/w-1/command", payload=answer))
        press = await asyncio.wait_for(pressing, PATIENCE_S)
        await until(lambda: len(hub.said("event")) >= press.copies)
    copies = hub.said("event")
    assert copies == [copies[0]] * press.copies
    assert press.identity == f"sos:{identity}"
    assert press.saved_ms is not None
    assert press.heard_ms is not None
    assert press.saved_ms <= press.heard_ms


async def test_two_presses_have_two_identities_and_each_is_answered_alone(hub: Hub) -> None:
    worn = wrist(hub)
    async with going(worn.line.run()):
        presses = [asyncio.create_task(worn.press(AT)) for _ in range(2)]
        await until(lambda: len({said["id"] for said in hub.said("event")}) == 2)
        for identity in dict.fromkeys(said["id"] for said in hub.said("event")):
            answer = json.dumps({"say": "received", "id": identity}).encode()
            await hub.listener.deliver(Downlink(topic="carehub/w-1/command", payload=answer))
        heard = await asyncio.wait_for(asyncio.gather(*presses), PATIENCE_S)
    assert {press.identity for press in heard} == {f"sos:{said['id']}" for said in hub.said("event")}
    assert len({said["seq"] for said in hub.said("event")}) == 2


async def test_watch_that_was_out_of_reach_tells_its_minutes_oldest_first(hub: Hub) -> None:
    worn = wrist(hub)
    async with going(worn.line.run()):
        await worn.catch_up(AT, 4)
    said = hub.said("vitals")
    assert [each["at"][11:16] for each in said] == ["18:10", "18:11", "18:12", "18:13", "18:14"]
    assert [each["seq"] for each in said] == [1, 2, 3, 4, 5]
    assert worn.ledger.sent == worn.ledger.saved == {"watch vitals": 5}


async def test_second_stream_counts_its_samples_on_from_the_first(hub: Hub) -> None:
    worn = wrist(hub)
    sitting = motion.sitting(0.44, np.random.default_rng(1))
    async with going(worn.line.run()):
        await worn.stream(sitting)
        await worn.stream(sitting)
    firsts = sorted(each["first"] for each in hub.said("accel"))
    assert firsts[0] == 0
    assert len(set(firsts)) == len(firsts)
    assert 22 in firsts


async def test_watch_that_drops_off_the_line_leaves_its_will(hub: Hub) -> None:
    worn = wrist(hub)
    async with going(worn.line.run()):
        await worn.start()
        cut(worn)
        await until(lambda: {"online": False} in hub.said("status"))
        await until(lambda: worn.line.connects == 2)
    assert hub.said("status")[0] == {"online": True}


async def test_what_was_not_acknowledged_is_sent_again_on_the_next_connection(hub: Hub) -> None:
    hub.intake.at_once = False
    worn = wrist(hub)
    async with going(worn.line.run()):
        reporting = asyncio.create_task(worn.report(AT))
        await until(lambda: hub.intake.arrivals)
        assert not reporting.done()
        assert worn.ledger.saved == {}
        hub.intake.at_once = True
        cut(worn)
        await asyncio.wait_for(reporting, PATIENCE_S)
    first, *again = hub.said("vitals")
    assert again
    assert again == [first] * len(again)
    assert worn.ledger.saved == {"watch vitals": 1}


async def test_line_with_a_wrong_secret_never_comes_up(hub: Hub) -> None:
    line = Line(hub.endpoint, "w-1", "not the secret")
    async with going(line.run()):
        await until(lambda: line.failures >= 2)
        assert line.connects == 0


async def test_home_says_who_is_there_then_a_press_in_three_messages(hub: Hub) -> None:
    gateway = HomeGateway("7", "home7/zigbee2mqtt", "home-7", SECRET)
    home = Home(gateway, (BUTTON, KITCHEN), "李国庆", hub.endpoint, Ledger(), seed="1")
    async with going(home.line.run()):
        await home.start()
        press = await home.press(BUTTON, AT)
        await home.smoke(KITCHEN, AT)
    assert hub.intake.topics == [
        "home7/zigbee2mqtt/bridge/state", "home7/zigbee2mqtt/浴室/availability", "home7/zigbee2mqtt/厨房/availability",
        "home7/zigbee2mqtt/浴室", "home7/zigbee2mqtt/浴室/action", "home7/zigbee2mqtt/浴室", "home7/zigbee2mqtt/厨房",
    ]  # fmt: skip
    assert (press.copies, press.device) == (3, BUTTON.address)
    assert json.loads(hub.intake.payloads[3])["last_seen"].startswith("2026-11-22T02:14:07")
    assert json.loads(hub.intake.payloads[-1])["smoke"] is True
    assert [entry.what for entry in home.ledger.presses] == ["sos", "smoke"]


class Gateway:
    """The other end of a 3G watch's line; answers what the test tells it to."""

    def __init__(self) -> None:
        self.heard = b""
        self.lines: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.lines.append(writer)
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(4096):
                self.heard += data
        writer.close()

    def say(self, word: bytes) -> None:
        self.lines[-1].write(b"[3G*8800000015*%04X*%s]" % (len(word), word))


@pytest.fixture
async def gateway() -> AsyncIterator[tuple[Gateway, Watch3g]]:
    gateway = Gateway()
    server = await asyncio.start_server(gateway.serve, "127.0.0.1", 0)
    device = Device(kind="watch3g", address="watch3g:8800000015", name="8800000015")
    resident = Resident("马桂英", (38.4869, 106.2321), (device,))
    endpoint = Endpoint("127.0.0.1", int(server.sockets[0].getsockname()[1]))
    worn = Watch3g(device, resident, endpoint, Body("1", Constitution()), Ledger())
    async with going(worn.run()):
        await until(lambda: b"*LK," in gateway.heard)
        yield gateway, worn
    server.close()


async def test_3g_watch_repeats_the_same_alarm_until_it_hears_al(gateway: tuple[Gateway, Watch3g]) -> None:
    server, worn = gateway
    pressing = asyncio.create_task(worn.press(AT))
    await until(lambda: server.heard.count(b"*AL,") >= 3)
    server.say(b"LK")
    await until(lambda: server.heard.count(b"*AL,") >= 5)
    assert not pressing.done()
    server.say(b"AL")
    press = await asyncio.wait_for(pressing, PATIENCE_S)
    await until(lambda: server.heard.count(b"*AL,") >= press.copies)
    alarms = [frame for frame in server.heard.split(b"]") if b"*AL," in frame]
    assert len(set(alarms)) == 1
    assert b",211126,181407,V,38.486900,N,106.232100,E," in alarms[0]
    assert len(alarms) == press.copies
    assert press.saved_at is not None


async def test_3g_watch_whose_line_is_cut_comes_back_and_goes_on_with_its_alarm(
    gateway: tuple[Gateway, Watch3g],
) -> None:
    server, worn = gateway
    pressing = asyncio.create_task(worn.press(AT))
    await until(lambda: b"*AL," in server.heard)
    server.lines[0].transport.abort()
    await until(lambda: len(server.lines) == 2)
    server.heard = b""
    await until(lambda: b"*AL," in server.heard)
    server.say(b"AL")
    assert (await asyncio.wait_for(pressing, PATIENCE_S)).copies > 1


async def test_3g_watch_that_is_told_to_tells_the_order_back_and_obeys(gateway: tuple[Gateway, Watch3g]) -> None:
    server, _ = gateway
    await until(lambda: server.lines)
    server.say(b"CR")
    await until(lambda: b"*CR]" in server.heard and b"*UD," in server.heard)
    server.say(b"hrtstart,1")
    await until(lambda: re.search(rb"\*0008\*hrtstart\].*\*heart,\d+\]", server.heard, re.DOTALL))


async def test_replayed_recordings_stay_apart_in_the_one_device_s_count(hub: Hub) -> None:
    samples = motion.sitting(0.2, np.random.default_rng(1)).accel_mg
    t_ms = np.repeat(np.array([0, 100], np.int64), 5)
    one, two = (
        recordings.Recording(name=name, t_ms=t_ms, accel_mg=samples, gyro_2mrad=samples) for name in ("walk", "sit")
    )
    way = Way(host="127.0.0.1", port=hub.listener.port, username="w-1", secret=SECRET, prefix="carehub/w-1/")
    sent = await recordings.to_listener(way, [one, two], speed=0)
    assert [(each.bursts, each.acknowledged) for each in sent] == [(2, 2), (2, 2)]
    pause = round(recordings.BETWEEN_S * one.rate_hz)
    assert sorted(each["first"] for each in hub.said("accel")) == [0, 5, 10 + pause, 15 + pause]


async def test_replay_with_a_wrong_secret_gives_up_and_names_the_door(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_line, "GIVE_UP_S", 0.3)
    way = Way(host="127.0.0.1", port=hub.listener.port, username="w-1", secret="no")
    with pytest.raises(NoTargetError, match=f"127.0.0.1:{hub.listener.port} did not take w-1: .+"):
        async with replay_line.Line(way):
            pytest.fail("it was let in")
