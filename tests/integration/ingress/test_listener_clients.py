"""The listener with MQTT clients nobody here wrote: paho, mosquitto_pub and mosquitto_sub, MQTT.js."""

import asyncio
import json
import os
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from devices.adapter import Downlink
from tests.conftest import need
from tests.integration.ingress.parts import SECRET, ScriptedIntake, until
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.anyio

BOTH = pytest.mark.parametrize("version", [MQTTProtocolVersion.MQTTv311, MQTTProtocolVersion.MQTTv5])


class Paho:
    """paho in its own thread, with what happened to it as plain lists."""

    def __init__(self, port: int, name: str, version: MQTTProtocolVersion, **options: Any) -> None:
        self.port = port
        self.version = version
        self.messages: list[paho.MQTTMessage] = []
        self.acknowledged: list[tuple[int, int]] = []
        self.granted: list[int] = []
        self.connects: list[tuple[int, bool]] = []
        self.lost: list[int] = []
        clean = {} if version is MQTTProtocolVersion.MQTTv5 else {"clean_session": options.pop("clean", True)}
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=options.pop("client_id", name),
            protocol=version,
            **clean,
            **options,
        )
        self.client.username_pw_set(name, SECRET)
        self.client.on_connect = lambda _c, _u, flags, code, _p: self.connects.append(
            (code.value, flags.session_present)
        )
        self.client.on_message = lambda _c, _u, message: self.messages.append(message)
        self.client.on_publish = lambda _c, _u, mid, code, _p: self.acknowledged.append((mid, code.value))
        self.client.on_subscribe = lambda _c, _u, _m, codes, _p: self.granted.extend(code.value for code in codes)
        self.client.on_disconnect = lambda _c, _u, _f, code, _p: self.lost.append(code.value)

    async def connect(self, **options: Any) -> "Paho":
        await asyncio.to_thread(self.client.connect, "127.0.0.1", self.port, **options)
        self.client.loop_start()
        await until(lambda: self.connects or self.lost)
        return self

    async def stop(self) -> None:
        self.client.disconnect()
        await asyncio.to_thread(self.client.loop_stop)


@asynccontextmanager
async def connected(port: int, name: str, version: MQTTProtocolVersion, **options: Any) -> AsyncIterator[Paho]:
    device = await Paho(port, name, version, **options).connect()
    try:
        yield device
    finally:
        await device.stop()


@BOTH
async def test_paho_press_is_acknowledged_only_after_the_commit(
    listening: Callable[..., Any], intake: ScriptedIntake, version: MQTTProtocolVersion
) -> None:
    intake.at_once = False
    listener = await listening()
    async with connected(listener.port, "w-1", version) as watch:
        ids = [watch.client.publish("carehub/w-1/event", f"press {n}", qos=1).mid for n in range(3)]
        await until(lambda: len(intake.arrivals) == 3)
        first, second, third = intake.arrivals
        intake.commit(third, second)
        await asyncio.sleep(0.05)
        assert watch.acknowledged == []
        intake.commit(first)
        await until(lambda: len(watch.acknowledged) == 3)
        assert [mid for mid, _ in watch.acknowledged] == ids
        assert intake.payloads == [b"press 0", b"press 1", b"press 2"]


@BOTH
@pytest.mark.parametrize("qos", [0, 1, 2])
async def test_paho_publishes_at_every_quality_of_service(
    listening: Callable[..., Any], intake: ScriptedIntake, version: MQTTProtocolVersion, qos: int
) -> None:
    listener = await listening()
    async with connected(listener.port, "w-1", version) as watch:
        for number in range(20):
            watch.client.publish("carehub/w-1/vitals", str(number), qos=qos)
        await until(lambda: len(watch.acknowledged) == 20)
        await until(lambda: len(intake.arrivals) == 20)
        assert intake.payloads == [str(number).encode() for number in range(20)]
        assert not any(arrival.retained for arrival in intake.arrivals)


@BOTH
async def test_paho_hears_its_downlink_and_its_puback_is_the_receipt(
    listening: Callable[..., Any], version: MQTTProtocolVersion
) -> None:
    listener = await listening()
    assert not listener.reaches("carehub/w-1/command")
    async with connected(listener.port, "w-1", version) as watch:
        watch.client.subscribe("carehub/w-1/command", qos=1)
        await until(lambda: watch.granted)
        assert watch.granted == [1]
        assert listener.reaches("carehub/w-1/command")
        assert await listener.deliver(Downlink(topic="carehub/w-1/command", payload="收到".encode()))
        await until(lambda: watch.messages)
        assert watch.messages[0].payload.decode() == "收到"
        watch.client.unsubscribe("carehub/w-1/command")
        await until(lambda: not listener.reaches("carehub/w-1/command"))


@BOTH
async def test_paho_is_given_the_retained_downlink_when_it_subscribes(
    listening: Callable[..., Any], version: MQTTProtocolVersion
) -> None:
    listener = await listening()
    listener.remember(Downlink(topic="carehub/w-1/command", payload=b"old", retain=True))
    listener.remember(Downlink(topic="carehub/w-1/command", payload=b"new", retain=True))
    listener.remember(Downlink(topic="carehub/w-2/command", payload=b"not yours", retain=True))
    async with connected(listener.port, "w-1", version) as watch:
        watch.client.subscribe("carehub/w-1/#", qos=1)
        await until(lambda: watch.messages)
        assert [(m.payload, m.retain) for m in watch.messages] == [(b"new", True)]


@BOTH
async def test_paho_may_not_listen_to_others(listening: Callable[..., Any], version: MQTTProtocolVersion) -> None:
    listener = await listening()
    async with connected(listener.port, "w-1", version) as watch:
        wanted = ["carehub/w-2/command", "#", "carehub/+/command", "carehub/w-1/+", "$SYS/#"]
        if version is MQTTProtocolVersion.MQTTv5:
            watch.client.subscribe([(topic, SubscribeOptions(qos=2)) for topic in wanted])
            refused = 0x87
        else:
            watch.client.subscribe([(topic, 2) for topic in wanted])
            refused = 0x80
        await until(lambda: watch.granted)
        assert watch.granted == [refused, refused, refused, 1, refused]


async def test_paho_5_is_told_that_a_topic_is_not_its_own(
    listening: Callable[..., Any], intake: ScriptedIntake
) -> None:
    listener = await listening()
    async with connected(listener.port, "w-1", MQTTProtocolVersion.MQTTv5) as watch:
        watch.client.publish("carehub/w-2/event", b"forged", qos=1)
        watch.client.publish("carehub/w-1/event", b"own", qos=1)
        await until(lambda: len(watch.acknowledged) == 2)
        assert [code for _, code in watch.acknowledged] == [0x87, 0]
    assert intake.payloads == [b"own"]
    assert intake.rejections == [("listener", "carehub/w-2/event", b"forged", "topic not authorised")]


async def test_paho_311_is_cut_off_when_a_topic_is_not_its_own(
    listening: Callable[..., Any], intake: ScriptedIntake
) -> None:
    listener = await listening()
    async with connected(listener.port, "w-1", MQTTProtocolVersion.MQTTv311) as watch:
        watch.client.publish("carehub/w-2/event", b"forged", qos=1)
        await until(lambda: watch.lost)
        assert watch.acknowledged == []
    assert intake.arrivals == []
    assert intake.rejections[0] == ("listener", "carehub/w-2/event", b"forged", "topic not authorised")


@BOTH
async def test_paho_with_a_wrong_secret_is_refused(listening: Callable[..., Any], version: MQTTProtocolVersion) -> None:
    listener = await listening()
    watch = Paho(listener.port, "w-1", version)
    watch.client.username_pw_set("w-1", "wrong")
    await watch.connect()
    await watch.stop()
    assert watch.connects[0][0] == 134  # paho translates 3.1.1's 4


@BOTH
async def test_paho_session_is_resumed_and_its_downlink_comes_again(
    listening: Callable[..., Any], version: MQTTProtocolVersion
) -> None:
    listener = await listening()
    options: dict[str, Any] = {}
    connecting: dict[str, Any] = {}
    if version is MQTTProtocolVersion.MQTTv5:
        expiry = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        expiry.SessionExpiryInterval = 60
        connecting = {"properties": expiry, "clean_start": False}
    else:
        options = {"clean": False}
    first = Paho(listener.port, "w-1", version, manual_ack=True, **options)
    await first.connect(**connecting)
    first.client.subscribe("carehub/w-1/command", qos=1)
    await until(lambda: first.granted)
    delivery = asyncio.ensure_future(listener.deliver(Downlink(topic="carehub/w-1/command", payload=b"1")))
    await until(lambda: first.messages)
    await first.stop()
    assert await delivery is False
    second = Paho(listener.port, "w-1", version, **options)
    await second.connect(**connecting)
    assert second.connects == [(0, True)]
    await until(lambda: second.messages)
    assert [(m.payload, m.dup) for m in second.messages] == [(b"1", True)]
    assert listener.reaches("carehub/w-1/command")
    await second.stop()


async def test_paho_with_the_same_client_id_takes_the_session_over(listening: Callable[..., Any]) -> None:
    listener = await listening()
    async with connected(listener.port, "w-1", MQTTProtocolVersion.MQTTv5) as old:
        old.client.reconnect_delay_set(60, 60)
        async with connected(listener.port, "w-1", MQTTProtocolVersion.MQTTv5) as new:
            await until(lambda: old.lost)
            assert old.lost == [0x8E]
            new.client.subscribe("carehub/w-1/command", qos=1)
            await until(lambda: new.granted)
            assert await listener.deliver(Downlink(topic="carehub/w-1/command", payload=b"x"))


async def test_the_same_client_id_of_another_credential_is_another_client(listening: Callable[..., Any]) -> None:
    listener = await listening()
    async with (
        connected(listener.port, "w-1", MQTTProtocolVersion.MQTTv311, client_id="watch") as one,
        connected(listener.port, "w-2", MQTTProtocolVersion.MQTTv311, client_id="watch") as two,
    ):
        two.client.publish("carehub/w-2/event", b"x", qos=1)
        await until(lambda: two.acknowledged)
        assert one.lost == []


async def test_gateway_speaks_for_the_devices_behind_it(listening: Callable[..., Any], intake: ScriptedIntake) -> None:
    listener = await listening()
    async with connected(listener.port, "home-7", MQTTProtocolVersion.MQTTv311) as gateway:
        gateway.client.subscribe("home7/zigbee2mqtt/+/set", qos=1)
        await until(lambda: gateway.granted)
        gateway.client.publish("home7/zigbee2mqtt/卫生间 按钮", b'{"action":"emergency"}', qos=1, retain=True)
        await until(lambda: gateway.acknowledged)
        assert intake.topics == ["home7/zigbee2mqtt/卫生间 按钮"]
        assert intake.arrivals[0].retained is False  # a device's own flag is a wish to a broker, not a replay
        assert await listener.deliver(Downlink(topic="home7/zigbee2mqtt/siren/set", payload=b"{}"))


@BOTH
async def test_paho_sends_a_quarter_megabyte_and_no_more(
    listening: Callable[..., Any], intake: ScriptedIntake, version: MQTTProtocolVersion
) -> None:
    listener = await listening()
    async with connected(listener.port, "w-1", version) as watch:
        watch.client.publish("carehub/w-1/accel", bytes(262_000), qos=1)
        await until(lambda: watch.acknowledged)
        watch.client.publish("carehub/w-1/accel", bytes(1_000_000), qos=1)
        await until(lambda: watch.lost)
    assert len(intake.arrivals) == 1
    assert intake.rejections[-1][3] == "packet too large"


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [
            need("openssl", "openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
            "-keyout", str(key), "-out", str(cert),
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    return str(cert), str(key)


@BOTH
async def test_paho_over_tls(
    listening: Callable[..., Any],
    intake: ScriptedIntake,
    certificate: tuple[str, str],
    version: MQTTProtocolVersion,
) -> None:
    cert, key = certificate
    listener = await listening(tls_cert=cert, tls_key=key)
    watch = Paho(listener.port, "w-1", version)
    watch.client.tls_set_context(ssl.create_default_context(cafile=cert))
    await watch.connect()
    watch.client.publish("carehub/w-1/event", b"x" * 100_000, qos=1)
    await until(lambda: watch.acknowledged)
    await watch.stop()
    assert len(intake.payloads[0]) == 100_000


async def test_plain_text_at_the_tls_port_goes_nowhere(
    listening: Callable[..., Any], intake: ScriptedIntake, certificate: tuple[str, str]
) -> None:
    cert, key = certificate
    listener = await listening(tls_cert=cert, tls_key=key)
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(b"\x10\x0c\0\4MQTT\4\2\0\0\0\0")
    await asyncio.wait_for(reader.read(), PATIENCE_S)
    writer.close()
    await asyncio.gather(writer.wait_closed(), return_exceptions=True)
    assert intake.arrivals == []


# mosquitto-clients


def mosquitto(tool: str, port: int, *more: str) -> list[str]:
    program = need(tool, "mosquitto-clients")
    return [program, "-h", "127.0.0.1", "-p", str(port), "-u", "w-1", "-P", SECRET, *more]


@pytest.mark.parametrize("version", ["mqttv311", "mqttv5"])
@pytest.mark.parametrize("qos", ["0", "1", "2"])
async def test_mosquitto_pub_publishes(
    listening: Callable[..., Any], intake: ScriptedIntake, version: str, qos: str
) -> None:
    listener = await listening()
    command = mosquitto(
        "mosquitto_pub", listener.port, "-V", version, "-q", qos, "-t", "carehub/w-1/event", "-m", "sos"
    )
    process = await asyncio.create_subprocess_exec(*command)
    assert await asyncio.wait_for(process.wait(), PATIENCE_S) == 0
    await until(lambda: intake.payloads == [b"sos"])


@pytest.mark.parametrize("version", ["mqttv311", "mqttv5"])
async def test_mosquitto_sub_hears(listening: Callable[..., Any], version: str) -> None:
    listener = await listening()
    command = mosquitto(
        "mosquitto_sub", listener.port, "-V", version, "-q", "1", "-t", "carehub/w-1/command", "-C", "1"
    )
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    await until(lambda: listener.reaches("carehub/w-1/command"))
    assert await listener.deliver(Downlink(topic="carehub/w-1/command", payload=b"coming"))
    heard, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert heard == b"coming\n"


async def test_mosquitto_pub_with_a_will_that_is_killed(listening: Callable[..., Any], intake: ScriptedIntake) -> None:
    listener = await listening()
    command = mosquitto(
        "mosquitto_sub", listener.port, "-t", "carehub/w-1/command",
        "--will-topic", "carehub/w-1/status", "--will-payload", "gone", "--will-qos", "1",
    )  # fmt: skip
    process = await asyncio.create_subprocess_exec(*command)
    await until(lambda: listener.reaches("carehub/w-1/command"))
    process.kill()
    await process.wait()
    await until(lambda: intake.arrivals)
    assert (intake.topics, intake.payloads) == (["carehub/w-1/status"], [b"gone"])


# MQTT.js


@pytest.fixture(scope="session")
def mqtt_js(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mqttjs")
    npm = need("npm", "npm nodejs")
    done = subprocess.run(
        [npm, "install", "--no-audit", "--no-fund", "--silent", "mqtt@5"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    if done.returncode != 0:
        message = f"npm could not install MQTT.js: {done.stderr[-300:]}"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return folder


SCRIPT = """
const mqtt = require("mqtt");
const [port, version, secret] = process.argv.slice(1);
const client = mqtt.connect({ host: "127.0.0.1", port: +port, protocolVersion: +version, clientId: "js",
                              username: "w-1", password: secret, reconnectPeriod: 0, keepalive: 5 });
const say = (...what) => console.log(JSON.stringify(what));
client.on("error", (e) => { say("error", e.message); process.exit(1); });
client.on("connect", () => client.subscribe("carehub/w-1/command", { qos: 1 }, (e, granted) => {
  say("granted", granted[0].qos);
  for (const qos of [0, 1, 2])
    client.publish("carehub/w-1/event", "press " + qos, { qos }, (e) => say("published", qos, e ? e.message : null));
}));
client.on("message", (topic, payload) => {
  say("heard", topic, payload.toString());
  setTimeout(() => client.end(false, () => say("end")), 200);  // its PUBACK goes out after this handler
});
"""


@pytest.mark.parametrize("version", ["4", "5"])
async def test_mqtt_js_publishes_and_hears(
    listening: Callable[..., Any], intake: ScriptedIntake, mqtt_js: Path, version: str
) -> None:
    listener = await listening()
    process = await asyncio.create_subprocess_exec(
        need("node", "nodejs"), "-e", SCRIPT, str(listener.port), version, SECRET,
        cwd=mqtt_js, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    await until(lambda: len(intake.arrivals) == 3)
    assert await listener.deliver(Downlink(topic="carehub/w-1/command", payload=b"ok"))
    out, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    said = [json.loads(line) for line in out.splitlines()]
    assert said[0] == ["granted", 1]
    assert sorted(said[1:-1]) == [
        ["heard", "carehub/w-1/command", "ok"],
        ["published", 0, None],
        ["published", 1, None],
        ["published", 2, None],
    ]
    assert said[-1] == ["end"]
