"""What every channel promises: success, a receipt that comes later, refusal, timeout, and the same page twice."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from alerts.policy import KNOWN_CHANNELS
from hub.channels import CHANNELS, Channel, Means, OutboundPage, Outcome, open_channels
from tests.integration.channels.provider import ENDLESS, HANG, Provider, open_provider
from tests.integration.incidents.world import WEBHOOK_KEY, World

pytestmark = pytest.mark.anyio


@dataclass(kw_only=True)
class Way:
    """A channel with the other end it talks to: how to make that end accept, refuse, or go away."""

    channel: Channel
    page: OutboundPage
    accept: Callable[[], Awaitable[None]]
    refuse: Callable[[], Awaitable[OutboundPage]]
    copies: Callable[[], Awaitable[set[str]]]  # what identifies the copies that reached the other end


async def nothing() -> None:
    """The other end accepts as it is."""


@pytest.fixture
def provider() -> Iterator[Provider]:
    with open_provider() as provider:
        yield provider


@pytest.fixture(params=["console", "webhook", "mqtt", "device"])
async def way(request: pytest.FixtureRequest, world: World, provider: Provider) -> Way:
    channels = open_channels(Means(pool=world.pool, http=world.http, webhook_key=WEBHOOK_KEY, webhook_timeout_s=0.5))
    incident = await world.press()
    (row,) = await world.rows(
        "select id, person_id, role from page where incident_id = %s and channel = %s",
        incident, "mqtt" if request.param == "device" else request.param,
    )  # fmt: skip
    addresses = {"console": "", "webhook": provider.url, "mqtt": "carehub/responder/1/page", "device": "carehub:w-1"}
    page = OutboundPage(
        page_id=row[0], incident_id=incident, key=f"{incident}.0.0.{row[1]}.{request.param}.alarm", attempt=1,
        channel=request.param, address=addresses[request.param], person_id=row[1], role=row[2],
        purpose="stand_down" if request.param == "device" else "alarm", language="zh-CN", now=await world.now(),
        text="保安正在赶来", body={"page": row[0]},
    )  # fmt: skip

    async def accept() -> None:
        await world.at_console("operator")

    async def refuse() -> OutboundPage:
        provider.answers.append(404)
        return replace(page, address={"mqtt": "carehub/+/page", "device": "nobody:1"}.get(request.param, page.address))

    async def copies() -> set[str]:
        if request.param == "webhook":
            return provider.keys
        return {str(i) for (i,) in await world.rows("select page_id from downlink where page_id is not null")}

    return Way(channel=channels[request.param], page=page, accept=accept, refuse=refuse, copies=copies)


def test_the_policys_channels_are_the_hubs() -> None:
    assert len(CHANNELS) == len(KNOWN_CHANNELS)


async def test_accepted_page_is_delivered_or_on_its_way(way: Way) -> None:
    await way.accept()
    receipt = await way.channel.send(way.page)
    assert receipt.outcome in (Outcome.DELIVERED, Outcome.SENT)
    assert receipt.detail


async def test_refusal_is_a_receipt_with_its_reason(way: Way) -> None:
    receipt = await way.channel.send(await way.refuse())
    assert receipt.outcome is Outcome.REFUSED
    assert receipt.detail


async def test_copies_of_a_page_are_one_to_the_other_end(way: Way) -> None:
    await way.accept()
    await way.channel.send(way.page)
    await way.channel.send(replace(way.page, attempt=2))
    assert len(await way.copies()) == (0 if way.page.channel == "console" else 1)


async def test_device_is_never_told_of_an_alarm_as_of_help(world: World) -> None:
    """Its four words are for the wearer: "coming" on the wrist of somebody who is called would be a lie."""
    channel = open_channels(Means(pool=world.pool, http=world.http))["device"]
    page = replace(page_to("carehub:w-1", await world.now()), channel="device")
    assert (await channel.send(page)).outcome is Outcome.REFUSED
    assert await world.value("select count(*) from downlink where page_id is not null") == 0


async def test_channel_says_how_long_it_may_take(way: Way) -> None:
    assert 0 < way.channel.timeout_s <= 30
    assert way.channel.receipt_s > 0


@pytest.fixture
async def webhook(world: World) -> Channel:
    means = Means(pool=world.pool, http=world.http, webhook_key=WEBHOOK_KEY, webhook_timeout_s=0.3)
    return open_channels(means)["webhook"]


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
async def test_webhook_reads_the_answer(
    world: World, webhook: Channel, answer: int, outcome: Outcome, detail: str
) -> None:
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
