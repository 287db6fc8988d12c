"""A press, a message, a call, key 1: the whole way out and back, through the dispatcher and a real callback."""

import json
from pathlib import Path

import pytest

from alerts.model import State
from hub.channel_settings import ChannelSettings
from hub.channels import open_channels, references
from hub.commands import channels as command
from hub.commands.advice import POSTED
from hub.errors import HubError
from tests.integration.channels.hub_side import CALLBACK_KEY, callbacks
from tests.integration.channels.provider import open_provider
from tests.integration.channels.providers.aliyun import Aliyun
from tests.integration.channels.providers.serving import OVERLOADED, push, serving
from tests.integration.channels.providers.tencent import Tencent
from tests.integration.channels.ways import NUMBER, aliyun_settings, means, tencent_settings
from tests.integration.incidents.world import WEBHOOK_KEY, World, open_world

LADDER = """
[policy."call"]
repeat_last = "60s"

[[policy."call".step]]
notify = [ { role = "family", channels = ["sms", "voice@20s"] }, { role = "operator" } ]
wait = "60s"

[[policy."call".step]]
notify = [ { role = "operator" }, { role = "property" } ]
"""


async def with_a_telephone(world: World) -> None:
    await world.conn.execute("delete from contact where person_id = %s", (world.names["daughter"],))
    for position, channel in enumerate(("sms", "voice")):
        await world.conn.execute(
            "insert into contact values (%s, %s, %s, %s)", (world.names["daughter"], channel, NUMBER, position)
        )


@pytest.mark.anyio
async def test_message_that_never_arrives_becomes_a_call_and_key_one_takes_the_case(dsn: str) -> None:
    """Aliyun is overloaded, Tencent's message is lost, so the telephone rings at once; "1" means: I am going."""
    async with open_world(dsn, LADDER) as world:
        await with_a_telephone(world)
        first, second = Aliyun(next=[OVERLOADED]), Tencent()
        with serving(first), serving(second), callbacks(dsn) as hub:
            both = ChannelSettings(sms=("aliyun", "tencent"), voice=("aliyun",))
            ways = open_channels(means(
                world, channels=both, aliyun=aliyun_settings(first.url), tencent=tencent_settings(second.url)
            ))  # fmt: skip
            incident = await world.press()
            async with world.dispatching(channels=ways):
                await world.until("select true from page where channel = 'sms' and receipt = 'aliyun: HTTP 503'")
                await world.forward(1.0)
                await world.until("select true from page where channel = 'sms' and state = 'sent'")
                lost = second.sms_report(second.heard[0], arrived=False)
                assert push(_url(hub, "sms", "tencent"), lost) == [200]
                await world.until("select true from page where channel = 'voice' and state = 'sent'")
                (call,) = (heard for heard in first.heard if heard["action"] == "IvrCall")
                assert push(_url(hub, "voice", "aliyun"), first.key_report(call, "1"), times=2) == [200, 200]
                assert push(_url(hub, "voice", "aliyun"), first.call_report(call, key="1")) == [200]
            case = await world.incident(incident)
            assert (case.state, case.responder_id) == (State.TAKEN, world.names["daughter"])
            assert first.faults == second.faults == []
            (sms,) = await world.pages(incident, "daughter", channel="sms", purpose="alarm")
            assert sms["state"] == "withdrawn"  # she goes: nobody writes to her again


def _url(hub: str, channel: str, provider: str) -> str:
    return f"{hub}/callbacks/{channel}/{provider}/{references.path(CALLBACK_KEY, channel, provider)}"


def test_test_message_prints_its_receipt(
    dsn: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAREHUB_DATABASE_DSN", dsn)
    monkeypatch.setenv("CAREHUB_SECRETS_WEBHOOK_KEY", WEBHOOK_KEY)
    with open_provider(200, 404) as provider:
        assert command.main(["test", "webhook", provider.url]) == 0
        assert command.main(["test", "webhook", provider.url, "--language", "en"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "delivered: HTTP 200",
        "refused: HTTP 404",
        "  it runs, and there is nothing under this path: look at the URL",
    ]
    assert provider.heard[0]["body"]["test"] is True
    assert command.main(["test", "siren", "cmnd/hall/POWER"]) == 0
    assert command.main(["test", "mqtt", "carehub/responder/1/page"]) == 0
    assert command.main(["test", "sms", NUMBER]) == 1
    assert capsys.readouterr().out.splitlines() == [
        *["sent: posted", f"  {POSTED}"] * 2,
        "refused: no provider: set channels.sms",
        "  name providers in order, for example CAREHUB_CHANNELS_SMS=aliyun,tencent, and set theirs up",
    ]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["pigeon", "x"], "no channel"),
        (["app", "x"], "carehub people list"),
        (["sms", "x"], "'x' is no address for sms: a number is written"),
    ],
)
def test_test_message_nobody_could_get_is_refused(
    dsn: str, monkeypatch: pytest.MonkeyPatch, words: list[str], why: str
) -> None:
    monkeypatch.setenv("CAREHUB_DATABASE_DSN", dsn)
    with pytest.raises(HubError, match=why):
        command.main(["test", *words])


def test_addresses_for_the_providers_are_listed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(HubError, match="CALLBACK_KEY"):
        command.main(["callbacks"])
    monkeypatch.setenv("CAREHUB_SECRETS_CALLBACK_KEY", CALLBACK_KEY)
    monkeypatch.setenv("CAREHUB_CONSOLE_PUBLIC_URL", "https://hub.test/")
    assert command.main(["callbacks"]) == 0
    lines = capsys.readouterr().out.splitlines()
    path = references.path(CALLBACK_KEY, "sms", "aliyun")
    assert lines[0].split() == ["sms", "aliyun", f"https://hub.test/callbacks/sms/aliyun/{path}"]
    assert len(lines) == 4
    assert json.dumps(lines).count(CALLBACK_KEY) == 0
