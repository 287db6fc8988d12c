"""A stolen key at a real Mosquitto: it hears and says what its one device does, and nothing else."""

import asyncio
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import aiomqtt
import pytest

from hub import device_acl
from hub.device_acl import Right
from tests.conftest import Mosquitto, need
from tests.patience import PATIENCE_S

PLUGINS = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib", "/usr/local/lib")
CONTROL = "$CONTROL/dynamic-security/v1"
RIGHTS = [
    Right(username="w-1", prefix="carehub/w-1/"),
    Right(username="w-2", prefix="carehub/w-2/"),
    Right(username="hub", prefix="carehub/"),
]


@pytest.fixture
def guarded(tmp_path: Path, mosquitto: Callable[..., Mosquitto]) -> Mosquitto:
    """A Mosquitto that knows nobody but its administrator."""
    control = need("mosquitto_ctrl", "mosquitto")
    plugin = next((p for f in PLUGINS if (p := Path(f) / "mosquitto_dynamic_security.so").exists()), None)
    if plugin is None:
        pytest.skip("Mosquitto's dynamic security plugin is missing: apt-get install mosquitto")
    kept = tmp_path / "dynsec.json"
    subprocess.run([control, "dynsec", "init", str(kept), "admin", "adminpass"], check=True, capture_output=True)
    kept.chmod(0o666)
    return mosquitto(f"plugin {plugin}", f"plugin_opt_config_file {kept}", "allow_anonymous false")


@pytest.fixture
async def broker(guarded: Mosquitto) -> Mosquitto:
    """One that knows what the export told it, and a password for each."""
    export = json.loads(device_acl.mosquitto(RIGHTS))
    passwords = [
        {"command": "setClientPassword", "username": one.username, "password": f"{one.username}-secret"}
        for one in RIGHTS
    ]
    await _command(guarded, {"commands": [*export["commands"], *passwords]})
    return guarded


async def _command(broker: Mosquitto, commands: object) -> list[dict[str, object]]:
    async with aiomqtt.Client("127.0.0.1", broker.port, username="admin", password="adminpass") as admin:
        await admin.subscribe(f"{CONTROL}/response")
        await admin.publish(CONTROL, json.dumps(commands), qos=1)
        async with asyncio.timeout(PATIENCE_S):
            async for message in admin.messages:
                assert isinstance(message.payload, bytes)
                answers: list[dict[str, object]] = json.loads(message.payload)["responses"]
                return answers
    raise AssertionError("the broker said nothing")


def signed_in(broker: Mosquitto, name: str) -> aiomqtt.Client:
    return aiomqtt.Client("127.0.0.1", broker.port, username=name, password=f"{name}-secret", identifier=name)


async def heard(client: aiomqtt.Client, until: str) -> list[str]:
    """Return the topics a client hears up to one that closes the matter."""
    topics = []
    async with asyncio.timeout(PATIENCE_S):
        async for message in client.messages:
            topics.append(str(message.topic))
            if topics[-1] == until:
                break
    return topics


async def test_stolen_key_publishes_below_its_own_device_only(broker: Mosquitto) -> None:
    async with signed_in(broker, "hub") as hub, signed_in(broker, "w-1") as thief:
        await hub.subscribe("carehub/#", qos=1)
        for topic in ("carehub/w-2/event", "carehub/w-1x/event", "home7/zigbee2mqtt/SOS", "carehub/w-1/event"):
            await thief.publish(topic, b"{}", qos=1)
        assert await heard(hub, "carehub/w-1/event") == ["carehub/w-1/event"]


async def test_stolen_key_hears_what_is_said_to_its_own_device_only(broker: Mosquitto) -> None:
    async with signed_in(broker, "hub") as hub, signed_in(broker, "w-1") as thief:
        for topic in ("#", "carehub/#", "carehub/+/command", "carehub/w-2/#", "$SYS/#", "carehub/w-1/command"):
            await thief.subscribe(topic, qos=1)
        for topic in ("carehub/w-2/command", "carehub/w-1/command"):
            await hub.publish(topic, b"{}", qos=1)
        assert await heard(thief, "carehub/w-1/command") == ["carehub/w-1/command"]


async def test_key_that_is_gone_opens_nothing_and_another_export_keeps_the_passwords(broker: Mosquitto) -> None:
    answers = await _command(broker, json.loads(device_acl.mosquitto([RIGHTS[1], RIGHTS[2]], gone=["w-1"])))
    assert [a["command"] for a in answers if "error" in a] == ["createRole", "createClient"] * 2, "they are there"
    with pytest.raises(aiomqtt.MqttError):
        async with signed_in(broker, "w-1"):
            pass
    async with signed_in(broker, "w-2"):
        pass


def test_emqx_has_one_rule_a_key_and_refuses_the_rest() -> None:
    lines = device_acl.emqx([RIGHTS[0], Right(username="all", prefix="#/"), Right(username="x", prefix="/")])
    assert lines.splitlines()[1:] == ['{allow, {username, "w-1"}, all, ["carehub/w-1/#"]}.', "{deny, all}."]


@pytest.mark.parametrize("prefix", ["", "/", "#", "+/", "a/#/", "$SYS/", "carehub/w-1", 'a"]}./', "%u/"])
def test_prefix_that_would_open_more_than_one_device_is_left_out(prefix: str) -> None:
    assert not device_acl.usable(Right(username="x", prefix=prefix))
