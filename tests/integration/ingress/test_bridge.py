"""The bridge against a real Mosquitto that is killed, restarted and filled up."""

import asyncio
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from devices.adapter import Downlink
from hub.ingress.bridge import Bridge
from hub.ingress.settings import BridgeSettings
from tests.conftest import Mosquitto, need
from tests.integration.ingress.parts import ScriptedIntake, until
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.anyio


def settings_of(broker: Mosquitto | int, **more: Any) -> BridgeSettings:
    port = broker if isinstance(broker, int) else broker.port
    quick = {"enabled": True, "backoff_s": 0.05, "backoff_max_s": 0.3, "alert_sweep_s": 0.05, "deliver_timeout_s": 2.0}
    return BridgeSettings(port=port, **{**quick, **more})


async def publish(broker: Mosquitto, topic: str, *payloads: str, qos: int = 1, retain: bool = False) -> None:
    """Publish as a device would, with a client nobody here wrote."""
    command = [
        need("mosquitto_pub", "mosquitto-clients"), "-p", str(broker.port), "-t", topic, "-q", str(qos), "-l",
        *(["-r"] if retain else []),
    ]  # fmt: skip
    process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE)
    await process.communicate("".join(f"{payload}\n" for payload in payloads).encode())
    assert process.returncode == 0


async def test_both_lanes_hear_what_is_theirs(mosquitto: Callable[..., Mosquitto], intake: ScriptedIntake) -> None:
    broker = mosquitto()
    async with Bridge(settings_of(broker), intake) as bridge:
        await until(lambda: bridge.connected)
        await publish(broker, "carehub/w-1/vitals", "beat")
        await publish(broker, "carehub/w-1/event", "sos")
        await publish(broker, "zigbee2mqtt/卫生间 按钮", "emergency", qos=0)
        await publish(broker, "other/topic", "not ours")
        await until(lambda: len(intake.arrivals) == 3)
    assert intake.payloads == [b"beat", b"sos", b"emergency"]
    assert [arrival.origin.name for arrival in intake.arrivals] == ["bridge"] * 3
    assert intake.arrivals[0].origin is not intake.arrivals[1].origin
    assert intake.arrivals[2].token == 0


async def test_what_was_not_committed_comes_again_after_a_restart_of_the_hub(
    mosquitto: Callable[..., Mosquitto], intake: ScriptedIntake
) -> None:
    broker = mosquitto()
    intake.at_once = False
    async with Bridge(settings_of(broker), intake) as bridge:
        await until(lambda: bridge.connected)
        await publish(broker, "carehub/w-1/event", "one", "two", "three")
        await until(lambda: len(intake.arrivals) == 3)
        one, two, three = intake.arrivals
        intake.commit(three, one)  # three must wait for two: only one is acknowledged
        await asyncio.sleep(0.2)
    await publish(broker, "carehub/w-1/event", "while away")
    again = ScriptedIntake()
    async with Bridge(settings_of(broker), again):
        await until(lambda: len(again.arrivals) == 3)
    assert again.payloads == [b"two", b"three", b"while away"]
    assert two.payload == b"two"


async def test_bridge_comes_back_to_a_broker_that_was_killed(
    mosquitto: Callable[..., Mosquitto], intake: ScriptedIntake
) -> None:
    broker = mosquitto()
    async with Bridge(settings_of(broker), intake) as bridge:
        await until(lambda: bridge.connected)
        await publish(broker, "carehub/w-1/event", "before")
        await until(lambda: len(intake.arrivals) == 1)
        broker.kill()
        await until(lambda: not bridge.connected)
        assert not bridge.reaches("carehub/w-1/command")
        broker.start()
        await until(lambda: bridge.connected)
        await publish(broker, "carehub/w-1/event", "after")
        await until(lambda: b"after" in intake.payloads)


async def test_bridge_waits_for_a_broker_that_is_not_there_yet(
    mosquitto: Callable[..., Mosquitto], intake: ScriptedIntake
) -> None:
    broker = mosquitto()
    broker.stop()
    async with Bridge(settings_of(broker, disconnected_alert_s=0.2), intake) as bridge:
        await until(lambda: len(intake.alerts) == 2)
        await asyncio.sleep(0.3)
        assert [rule for rule, _ in intake.alerts] == ["bridge_disconnected"] * 2
        broker.start()
        await until(lambda: bridge.connected)
    assert len(intake.alerts) == 2


async def test_retained_messages_are_marked_and_not_replayed_when_the_session_is_resumed(
    mosquitto: Callable[..., Mosquitto], intake: ScriptedIntake
) -> None:
    broker = mosquitto()
    await publish(broker, "zigbee2mqtt/door", "old state", retain=True)
    async with Bridge(settings_of(broker), intake) as bridge:
        await until(lambda: bridge.connected)
        await publish(broker, "zigbee2mqtt/door", "live", retain=True)
        await until(lambda: len(intake.arrivals) == 2)
    assert [(a.payload, a.retained) for a in intake.arrivals] == [(b"old state", True), (b"live", False)]
    async with Bridge(settings_of(broker), intake) as bridge:
        await until(lambda: bridge.connected)
        await publish(broker, "zigbee2mqtt/door", "next")
        await until(lambda: len(intake.arrivals) == 3)
    assert intake.arrivals[2].payload == b"next"


async def test_dropped_messages_become_a_technical_alert(
    mosquitto: Callable[..., Mosquitto], intake: ScriptedIntake
) -> None:
    broker = mosquitto("sys_interval 1", "max_queued_messages 5")
    slow = [
        need("mosquitto_sub", "mosquitto-clients"), "-p", str(broker.port), "-q", "1", "-t", "other/#",
        "-i", "sleeper", "-c", "-E",
    ]  # fmt: skip
    await asyncio.to_thread(subprocess.run, slow, check=True, timeout=PATIENCE_S)
    async with Bridge(settings_of(broker), intake) as bridge:
        await until(lambda: bridge.connected)
        await until(lambda: bridge._dropped is not None)
        await publish(broker, "other/x", *[str(n) for n in range(2_000)])
        await until(lambda: intake.alerts)
    assert intake.alerts[0][0] == "broker_dropped"


async def test_telemetry_waits_while_ingest_is_full_and_alarms_do_not(
    mosquitto: Callable[..., Mosquitto], intake: ScriptedIntake
) -> None:
    broker = mosquitto()
    async with Bridge(settings_of(broker, keep_alive_s=2), intake) as bridge:
        await until(lambda: bridge.connected)
        await until(lambda: bridge._dropped is not None)  # the broker's own word, which would be the last in instead
        intake.room.clear()
        await publish(broker, "carehub/w-1/vitals", "last in")
        await until(lambda: len(intake.arrivals) == 1)
        await publish(broker, "carehub/w-1/vitals", "waits")
        await publish(broker, "carehub/w-1/event", "sos")
        await until(lambda: intake.payloads[-1] == b"sos")
        await asyncio.sleep(3.5)  # longer than the keep-alive's grace: being paused is not being dead
        assert bridge.connected
        assert intake.payloads == [b"last in", b"sos"]
        intake.room.set()
        await until(lambda: intake.payloads[-1] == b"waits")


async def test_dead_broker_is_noticed_by_its_silence(intake: ScriptedIntake) -> None:
    """A peer that takes CONNECT and SUBSCRIBE and then says nothing more, as behind a broken NAT."""

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"\x20\3\0\0\0")
        await reader.read(1_000)
        writer.write(b"\x90\4\0\1\0\1")
        await reader.read(-1)
        writer.close()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    wanted = settings_of(port, keep_alive_s=1, telemetry=(), dropped_topic="", urgent=("a",))
    async with Bridge(wanted, intake) as bridge:
        await until(lambda: bridge.connected)
        await until(lambda: not bridge.connected)
        assert bridge._lanes[0].reason == "dead peer"
    server.close()


async def test_downlink_is_published_once_with_its_key(
    mosquitto: Callable[..., Mosquitto], intake: ScriptedIntake
) -> None:
    broker = mosquitto()
    listener = await asyncio.create_subprocess_exec(
        need("mosquitto_sub", "mosquitto-clients"), "-p", str(broker.port), "-V", "5", "-q", "1", "-C", "1",
        "-t", "carehub/responder/12/page", "-F", "%q %P %p", stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with Bridge(settings_of(broker), intake) as bridge:
        await until(lambda: bridge.connected)
        downlink = Downlink(topic="carehub/responder/12/page", payload=b"come")
        while not await bridge.deliver(downlink, "page-7"):  # noqa: ASYNC110 - until the other has subscribed
            await asyncio.sleep(0.02)
        heard, _ = await asyncio.wait_for(listener.communicate(), PATIENCE_S)
    assert heard == b"1 idempotency-key:page-7 come\n"


async def test_downlink_nobody_is_subscribed_to_is_not_delivered(
    mosquitto: Callable[..., Mosquitto], intake: ScriptedIntake
) -> None:
    broker = mosquitto()
    async with Bridge(settings_of(broker), intake) as bridge:
        await until(lambda: bridge.connected)
        assert not await bridge.deliver(Downlink(topic="carehub/w-9/command", payload=b"x"))
        assert await bridge.deliver(Downlink(topic="carehub/w-9/command", payload=b"x", retain=True))
        assert not bridge.reaches("tcp/watch3g/8800000015")


async def test_wrong_password_is_told_and_tried_again(
    mosquitto: Callable[..., Mosquitto], intake: ScriptedIntake, tmp_path: Any
) -> None:
    passwords = tmp_path / "passwords"
    command = [need("mosquitto_passwd", "mosquitto"), "-c", "-b", str(passwords), "hub", "right"]
    await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True)
    passwords.chmod(0o644)
    broker = mosquitto("allow_anonymous false", f"password_file {passwords}")
    wrong = settings_of(broker, username="hub", password="wrong", disconnected_alert_s=0.1)
    async with Bridge(wrong, intake):
        await until(lambda: intake.alerts)
        assert "refused" in intake.alerts[0][1]
    async with Bridge(settings_of(broker, username="hub", password="right"), intake) as bridge:
        await until(lambda: bridge.connected)
