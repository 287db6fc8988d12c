"""What every channel promises: success, timeout, refusal, the same page twice, and a receipt that comes later."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from alerts.policy import KNOWN_CHANNELS
from hub.channels import CHANNELS, Channel, Means, OutboundPage, Outcome, open_channels
from tests.integration.channels.provider import ENDLESS, HANG, open_provider
from tests.integration.channels.ways import IMPATIENT_S, PATIENT_S, WAYS, Way
from tests.integration.incidents.world import WEBHOOK_KEY, World

pytestmark = pytest.mark.anyio
PROVIDERS = ("app", "sms", "sms of tencent", "voice", "voice of tencent")
ENDS_THAT_HANG = (*PROVIDERS, "email", "webhook", "apprise")
LATE_RECEIPTS = (*PROVIDERS, "mqtt", "siren", "device")


@pytest.fixture(params=WAYS)
async def way(request: pytest.FixtureRequest, world: World, tmp_path: Path) -> AsyncIterator[Way]:
    async with WAYS[request.param](world, tmp_path) as way:
        yield way


async def test_the_policys_channels_are_the_hubs_and_each_keeps_the_contract(world: World) -> None:
    names = set(open_channels(Means(pool=world.pool, http=world.http)))
    assert names == set(KNOWN_CHANNELS)
    assert len(names) == len(CHANNELS)
    assert {name.partition(" ")[0] for name in WAYS} == names


async def test_accepted_page_is_delivered_or_on_its_way(way: Way) -> None:
    await way.accept()
    receipt = await way.channel.send(way.page)
    assert receipt.outcome in (Outcome.DELIVERED, Outcome.SENT)
    assert receipt.detail


async def test_refusal_is_a_receipt_with_its_reason(way: Way) -> None:
    receipt = await way.channel.send(await way.refuse())
    assert receipt.outcome is Outcome.REFUSED
    assert receipt.detail
    assert way.page.address not in receipt.detail or not way.page.address


@pytest.mark.parametrize("way", ENDS_THAT_HANG, indirect=True)
async def test_end_that_hangs_is_a_failure_and_tried_again(way: Way) -> None:
    assert way.hang is not None
    await way.hang()
    assert way.impatient is not None
    assert (await way.impatient.send(way.page)).outcome is Outcome.FAILED
    assert (await way.channel.send(replace(way.page, attempt=2))).outcome in (Outcome.DELIVERED, Outcome.SENT)


async def test_copies_of_a_page_are_one_to_the_other_end(way: Way) -> None:
    """Providers of messages have no idempotency: there the copies can be told by their reference."""
    await way.accept()
    await way.channel.send(way.page)
    await way.channel.send(replace(way.page, attempt=2))
    by_reference = way.channel.name in ("sms", "voice")
    assert len(await way.copies()) == (0 if way.page.channel == "console" else 2 if by_reference else 1)


@pytest.mark.parametrize("way", LATE_RECEIPTS, indirect=True)
async def test_receipt_that_comes_later_makes_it_delivered(way: Way, world: World) -> None:
    assert way.late is not None
    assert (await way.channel.send(way.page)).outcome is Outcome.SENT
    await way.late()
    assert await world.value("select state from page where id = %s", way.page.page_id) == "delivered"


async def test_channel_that_was_not_set_up_refuses_and_says_what_to_set(world: World, way: Way) -> None:
    bare = open_channels(Means(pool=world.pool, http=world.http))[way.channel.name]
    receipt = await bare.send(way.page)
    if way.channel.name in ("app", "sms", "voice", "email", "webhook", "apprise"):
        assert receipt.outcome is Outcome.REFUSED
        assert "set " in receipt.detail


async def test_device_is_never_told_of_an_alarm_as_of_help(world: World) -> None:
    """Its four words are for the wearer: "coming" on the wrist of somebody who is called would be a lie."""
    channel = open_channels(Means(pool=world.pool, http=world.http))["device"]
    page = replace(page_to("carehub:w-1", await world.now()), channel="device")
    assert (await channel.send(page)).outcome is Outcome.REFUSED
    assert await world.value("select count(*) from downlink where page_id is not null") == 0


async def test_channel_says_how_long_it_may_take(way: Way) -> None:
    assert 0 < way.channel.timeout_s <= 30
    assert way.channel.receipt_s > 0


def webhook_of(world: World, limit_s: float) -> Channel:
    means = Means(pool=world.pool, http=world.http, webhook_key=WEBHOOK_KEY, webhook_timeout_s=limit_s)
    return open_channels(means)["webhook"]


@pytest.fixture
async def webhook(world: World) -> Channel:
    return webhook_of(world, PATIENT_S)


def page_to(url: str, world_now: object) -> OutboundPage:
    return OutboundPage(
        page_id=1, incident_id=1, key="1.0.0.1.webhook.alarm", attempt=1, channel="webhook", address=url, person_id=1,
        role="family", purpose="alarm", language="zh-CN", now=world_now, text="…", body={"page": 1},  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "outcome", "detail"),
    [
        (200, Outcome.DELIVERED, "HTTP 200"), (202, Outcome.DELIVERED, "HTTP 202"), (302, Outcome.REFUSED, "HTTP 302"),
        (400, Outcome.REFUSED, "HTTP 400"), (404, Outcome.REFUSED, "HTTP 404"), (408, Outcome.FAILED, "HTTP 408"),
        (429, Outcome.FAILED, "HTTP 429"), (500, Outcome.FAILED, "HTTP 500"), (HANG, Outcome.FAILED,
        "no answer in time"),
        (ENDLESS, Outcome.DELIVERED, "HTTP 200"),
    ],
)  # fmt: skip
async def test_webhook_reads_the_answer(world: World, answer: int, outcome: Outcome, detail: str) -> None:
    webhook = webhook_of(world, IMPATIENT_S if answer == HANG else PATIENT_S)
    with open_provider(answer) as provider:
        receipt = await webhook.send(page_to(provider.url, await world.now()))
    assert (receipt.outcome, receipt.detail) == (outcome, detail)
    assert len(provider.heard) == 1  # a redirect is not followed


async def test_webhook_to_nobody_is_tried_again(world: World, webhook: Channel) -> None:
    receipt = await webhook.send(page_to("http://127.0.0.1:9/", await world.now()))
    assert receipt.outcome is Outcome.FAILED


@pytest.mark.parametrize("url", ["", "ftp://x/", "not a url", "http://"])
async def test_webhook_to_no_url_is_refused(world: World, webhook: Channel, url: str) -> None:
    receipt = await webhook.send(page_to(url, await world.now()))
    assert receipt.outcome is Outcome.REFUSED


async def test_webhook_without_a_key_sends_nothing(world: World) -> None:
    with open_provider() as provider:
        channel = open_channels(Means(pool=world.pool, http=world.http))["webhook"]
        receipt = await channel.send(page_to(provider.url, await world.now()))
    assert receipt.outcome is Outcome.REFUSED
    assert provider.heard == []
    assert provider.forged == 0


async def test_wrong_key_is_noticed_by_the_provider(world: World) -> None:
    with open_provider(key="another key") as provider:
        means = Means(pool=world.pool, http=world.http, webhook_key=WEBHOOK_KEY)
        receipt = await open_channels(means)["webhook"].send(page_to(provider.url, await world.now()))
    assert (receipt.outcome, provider.forged) == (Outcome.REFUSED, 1)


async def test_operator_who_left_the_console_is_not_reached(world: World) -> None:
    await world.at_console("operator")
    incident = await world.press()
    await world.forward(11)
    async with world.dispatching():
        await world.until(
            "select true from page where incident_id = %s and channel = 'console' and attempts = 1", incident
        )
        await world.until("select true from page where channel = 'console' and receipt like 'not signed in%%'")
        # She comes back: severity 1 is tried until she hears it.
        await world.at_console("operator")
        await world.forward(9.9)
        await world.at_console("operator")
        await world.forward(0.2)
        await world.until("select true from page where channel = 'console' and state = 'delivered'")
