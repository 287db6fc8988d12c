"""A resident's people are asked through their own channels: once, with a link that answers this and nothing else."""

import pytest

from hub import links
from hub.channels import Means, open_channels
from hub.loops.asker import TRIES, Asker
from hub.store import contacts
from hub.store.pool import hub_now
from tests.integration.channels.provider import open_provider
from tests.integration.incidents.world import LINK_KEY, WEBHOOK_KEY, World

pytestmark = pytest.mark.anyio


def asker(world: World) -> Asker:
    means = Means(pool=world.pool, http=world.http, webhook_key=WEBHOOK_KEY, webhook_timeout_s=20.0)
    return Asker(pool=world.pool, channels=open_channels(means), public_url="http://hub.test", link_key=LINK_KEY)


async def asked_at(world: World, url: str) -> contacts.Contact:
    """The daughter is asked; returns how it stands when nobody is left to ask."""
    await world.conn.execute("update contact set address = %s where channel = 'webhook'", (url,))
    assert await contacts.ask(world.conn, world.resident, world.names["daughter"], "person:1")
    for _ in range(TRIES):
        await asker(world).once()
        await world.conn.execute("update contact_asked set due_at = hub_now() where due_at is not null")
    assert not await asker(world).once()
    (found,) = [c for c in await contacts.of(world.conn, world.resident) if c.person_id == world.names["daughter"]]
    return found


async def test_daughter_is_asked_once_with_a_link_of_its_own_kind(world: World) -> None:
    with open_provider() as provider:
        found = await asked_at(world, provider.url)
    (request,) = provider.heard
    assert found.sent_at is not None
    body = request["body"]
    assert (body["purpose"], body["kind"], body["resident"]) == ("notice", "contact", None), "nobody is alarmed by it"
    assert "Wang Xiulan" in body["text"]
    token = body["answer_url"].removeprefix("http://hub.test/me/contact/")
    number = links.check(LINK_KEY, token, await hub_now(world.conn), kind=links.Kind.CONTACT)
    question = await contacts.question(world.conn, number)
    assert question is not None
    assert question["resident"] == "Wang Xiulan"
    with pytest.raises(links.LinkError):
        links.check(LINK_KEY, token, await hub_now(world.conn))


async def test_channel_that_fails_is_tried_again_and_then_given_up(world: World) -> None:
    with open_provider(*[500] * TRIES) as provider:
        found = await asked_at(world, provider.url)
    assert [request["attempt"] for request in provider.heard] == list(range(1, TRIES + 1))
    assert (found.sent_at, found.failed) == (None, "webhook: HTTP 500")


async def test_person_without_a_channel_for_words_is_given_up_at_once(world: World) -> None:
    await world.conn.execute("delete from contact where person_id = %s", (world.names["daughter"],))
    found = await asked_at(world, "http://127.0.0.1:9/")
    assert (found.channel, found.sent_at) == ("", None)
    assert found.failed.startswith("no app, mail or service")
