"""SMS and calls through two providers: what each is asked, what its refusals mean, and who is asked next."""

from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import pytest

from hub.channel_settings import ChannelSettings
from hub.channels import Channel, OutboundPage, Outcome, open_channels
from tests.integration.channels.providers.aliyun import Aliyun
from tests.integration.channels.providers.serving import HANG, OVERLOADED, serving
from tests.integration.channels.providers.tencent import Tencent
from tests.integration.channels.ways import (
    LIMITS_S,
    NUMBER,
    PATIENT_S,
    SECRETS,
    aliyun_settings,
    means,
    page_of,
    tencent_settings,
)
from tests.integration.incidents.world import World

pytestmark = pytest.mark.anyio


@dataclass(kw_only=True)
class Town:
    world: World
    aliyun: Aliyun
    tencent: Tencent
    page: OutboundPage

    def channel(self, name: str, *providers: str, limit_s: float = PATIENT_S, **changes: Any) -> Channel:
        settings = ChannelSettings(**{name: providers, "provider_timeout_s": limit_s})  # type: ignore[arg-type]
        return open_channels(means(
            self.world, channels=settings, aliyun=aliyun_settings(self.aliyun.url),
            tencent=tencent_settings(self.tencent.url), **changes,
        ))[name]  # fmt: skip


@pytest.fixture
async def town(world: World) -> AsyncIterator[Town]:
    page = await page_of(world, "sms", NUMBER)
    town = Town(world=world, aliyun=Aliyun(now=page.now), tencent=Tencent(now=page.now), page=page)
    with ExitStack() as stack:
        stack.enter_context(serving(town.aliyun))
        stack.enter_context(serving(town.tencent))
        yield town
    assert [fault for fault in town.aliyun.faults + town.tencent.faults if "Signature" in fault] == []


async def test_message_is_a_template_with_its_words(town: Town) -> None:
    await town.channel("sms", "aliyun").send(town.page)
    await town.channel("sms", "tencent").send(town.page)
    (first,), (second,) = town.aliyun.heard, town.tencent.heard
    assert first["PhoneNumbers"] == NUMBER
    assert second["PhoneNumberSet"] == [f"+86{NUMBER}"]
    assert first["TemplateParam"] == '{"who":"Wang Xiulan","what":"一键呼叫","where":"block 3, 501","link":"token"}'
    assert second["TemplateParamSet"] == ["Wang Xiulan", "一键呼叫", "block 3, 501", "token"]
    assert first["OutId"] == second["SessionContext"]


async def test_words_hold_no_more_than_the_role_may_see_and_fit_their_place(town: Town) -> None:
    body = dict(town.page.body) | {"resident": {"address": "和平社区\n3 号楼" + "很长" * 40}, "test": True}
    await town.channel("sms", "tencent").send(replace(town.page, body=body))
    await town.channel("sms", "tencent").send(replace(town.page, body=body | {"resident": None}, language="en"))
    who, what, where, _ = town.tencent.heard[0]["TemplateParamSet"]
    assert (who, what) == ("一位长者", "【测试】一键呼叫")
    assert where.startswith("和平社区 3 号楼")
    assert len(where) == 35
    assert town.tencent.heard[1]["TemplateParamSet"][0] == "an unregistered device"


async def test_stand_down_has_a_template_of_its_own_and_no_call(town: Town) -> None:
    page = replace(town.page, purpose="stand_down")
    await town.channel("sms", "aliyun").send(page)
    assert town.aliyun.heard[0]["TemplateCode"] == "SMS_2"
    assert (await town.channel("voice", "aliyun").send(page)).outcome is Outcome.REFUSED


async def test_call_speaks_and_waits_for_a_key(town: Town) -> None:
    await town.channel("voice", "aliyun").send(town.page)
    (call,) = town.aliyun.heard
    assert call["action"] == "IvrCall"
    assert (call["MenuKeyMap.1.Key"], call["MenuKeyMap.2.Key"], call["PlayTimes"]) == ("1", "2", "3")
    assert len(call["OutId"]) <= 15


async def test_provider_that_is_down_does_not_swallow_the_retry(town: Town) -> None:
    town.aliyun.next = [HANG, OVERLOADED, HANG]
    channel, impatient = (town.channel("sms", "aliyun", "tencent", limit_s=limit_s) for limit_s in LIMITS_S)
    asked = ((impatient, 1), (channel, 2), (channel, 3), (channel, 4))
    outcomes = [(await way.send(replace(town.page, attempt=n))).outcome for way, n in asked]
    assert outcomes == [Outcome.FAILED, Outcome.SENT, Outcome.FAILED, Outcome.SENT]
    assert len(town.tencent.heard) == 2
    assert channel.provider("") == "aliyun+tencent"  # type: ignore[attr-defined]


async def test_refusal_of_one_provider_is_no_refusal_while_another_can_be_asked(town: Town) -> None:
    town.aliyun.next = ["isv.AMOUNT_NOT_ENOUGH", "isv.AMOUNT_NOT_ENOUGH"]
    both, alone = town.channel("sms", "aliyun", "tencent"), town.channel("sms", "aliyun")
    assert (await both.send(town.page)).outcome is Outcome.FAILED
    assert (await alone.send(town.page)).outcome is Outcome.REFUSED


@pytest.mark.parametrize("name", ["aliyun", "tencent"])
async def test_wrong_key_is_noticed_by_the_provider(town: Town, name: str) -> None:
    wrong = replace(SECRETS, aliyun_key_secret="wrong", tencent_key="wrong")
    receipt = await town.channel("sms", name, secrets=wrong).send(town.page)
    assert receipt.outcome is Outcome.REFUSED
    assert receipt.detail in ("aliyun: SignatureDoesNotMatch", "tencent: AuthFailure.SignatureFailure")
    town.aliyun.faults.clear()
    town.tencent.faults.clear()


@pytest.mark.parametrize("name", ["aliyun", "tencent"])
async def test_clock_that_is_wrong_is_noticed_by_the_provider(town: Town, name: str) -> None:
    town.aliyun.now = town.tencent.now = town.page.now.replace(year=2027)
    receipt = await town.channel("voice", name).send(town.page)
    assert receipt.outcome is Outcome.REFUSED
    assert "Expire" in receipt.detail
    town.tencent.faults.clear()


@pytest.mark.parametrize(
    ("channel", "name", "said", "outcome", "wait_s"),
    [
        ("sms", "aliyun", "isv.BUSINESS_LIMIT_CONTROL", Outcome.FAILED, 60.0),
        ("voice", "aliyun", "isv.BUSINESS_LIMIT_CONTROL", Outcome.FAILED, 60.0),
        ("sms", "aliyun", "isp.SYSTEM_ERROR", Outcome.FAILED, 0.0),
        ("sms", "aliyun", "isv.OUT_OF_SERVICE", Outcome.REFUSED, 0.0),
        ("sms", "aliyun", OVERLOADED, Outcome.FAILED, 7.0),
        ("sms", "tencent", "LimitExceeded.PhoneNumberOneHourLimit", Outcome.FAILED, 60.0),
        ("sms", "tencent", "InternalError.Timeout", Outcome.FAILED, 0.0),
        ("sms", "tencent", "FailedOperation.InsufficientBalanceInSmsPackage", Outcome.REFUSED, 0.0),
        ("voice", "tencent", "LimitExceeded.DeliveryFrequencyLimit", Outcome.FAILED, 60.0),
        ("voice", "tencent", "UnauthorizedOperation.VoiceSdkAppidVerifyFail", Outcome.REFUSED, 0.0),
        ("voice", "tencent", 500, Outcome.FAILED, 0.0),
        ("voice", "tencent", 200, Outcome.FAILED, 0.0),
    ],
)  # fmt: skip
async def test_what_a_provider_says_decides_about_the_retry(  # noqa: PLR0917
    town: Town, channel: str, name: str, said: int | str, outcome: Outcome, wait_s: float
) -> None:
    town.aliyun.next = [said]
    town.tencent.next = [said]
    receipt = await town.channel(channel, name).send(town.page)
    assert (receipt.outcome, receipt.not_before_s) == (outcome, wait_s)
    assert NUMBER not in receipt.detail


async def test_limit_of_one_provider_does_not_hold_up_the_other(town: Town) -> None:
    town.aliyun.next = ["isv.BUSINESS_LIMIT_CONTROL"]
    assert (await town.channel("sms", "aliyun", "tencent").send(town.page)).not_before_s == 0.0


@pytest.mark.parametrize("name", ["aliyun", "tencent"])
async def test_provider_that_was_not_set_up_says_what_is_missing(town: Town, name: str) -> None:
    settings = ChannelSettings(sms=(name,), voice=(name,))
    channels = open_channels(means(town.world, channels=settings))
    for channel in ("sms", "voice"):
        receipt = await channels[channel].send(town.page)
        assert receipt.outcome is Outcome.REFUSED
        assert f"{name} is not set up" in receipt.detail
