"""Pages to phones by Web Push: encrypted for each phone, signed for its service, and given up where a phone is gone."""

import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from hub.channels import Outcome, open_channels, vapid
from hub.channels.app import topic
from hub.store import push
from tests.integration.channels.providers.push import PushService
from tests.integration.channels.ways import SECRETS, WAYS, Way, means
from tests.integration.incidents.world import World

pytestmark = pytest.mark.anyio


@pytest.fixture
async def way(world: World, tmp_path: Path) -> AsyncIterator[Way]:
    async with WAYS["app"](world, tmp_path) as way:
        yield way


def service_of(way: Way) -> PushService:
    service: PushService = way.others["service"]
    return service


async def test_phone_shows_the_sentence_and_the_link_and_no_more(way: Way) -> None:
    await way.channel.send(way.page)
    (shown,) = way.others["browser"].shown
    assert shown["text"] == way.page.text
    assert shown["answer_url"] == "http://hub.test/r/token"
    assert (shown["page"], shown["severity"], shown["ttl"]) == (way.page.page_id, 1, 600)
    assert "resident" not in shown
    assert service_of(way).faults == []


async def test_every_phone_of_a_person_rings(way: Way, world: World) -> None:
    second = service_of(way).subscribe()
    await push.subscribe(world.conn, way.page.person_id, second.subscription(), "", local=True)
    assert (await way.channel.send(way.page)).detail == "2 of 2 phones"
    assert len(second.shown) == len(way.others["browser"].shown) == 1


async def test_phone_that_is_gone_is_forgotten_and_the_other_still_rings(way: Way, world: World) -> None:
    second = service_of(way).subscribe()
    await push.subscribe(world.conn, way.page.person_id, second.subscription(), "", local=True)
    second.gone = True
    assert (await way.channel.send(way.page)).detail == "1 of 2 phones"
    (left,) = await push.phones(world.conn, way.page.person_id)
    assert left.endpoint == way.others["browser"].endpoint
    assert left.ok_at is not None


async def test_phone_whose_key_is_no_key_does_not_keep_the_other_from_ringing_once(way: Way, world: World) -> None:
    second = service_of(way).subscribe().subscription()
    nowhere = base64.urlsafe_b64encode(b"\x04" + b"\x01" * 64).decode().rstrip("=")
    keys = {**second["keys"], "p256dh": nowhere}
    await push.subscribe(world.conn, way.page.person_id, {**second, "keys": keys}, "", local=True)
    assert (await way.channel.send(way.page)).detail == "1 of 2 phones"
    assert len(way.others["browser"].shown) == 1
    assert len(await push.phones(world.conn, way.page.person_id)) == 1


async def test_last_phone_that_is_gone_ends_the_channel(way: Way, world: World) -> None:
    way.others["browser"].gone = True
    assert (await way.channel.send(way.page)).outcome is Outcome.REFUSED
    assert await world.value("select count(*) from contact where channel = 'app'") == 0
    assert (await way.channel.send(way.page)).detail == "no phone is subscribed"


@pytest.mark.parametrize(
    ("code", "outcome", "wait_s"),
    [(429, Outcome.FAILED, 30.0), (503, Outcome.FAILED, 30.0), (400, Outcome.REFUSED, 30.0)],
)
async def test_push_service_that_is_busy_is_asked_again_when_it_says(
    way: Way, world: World, code: int, outcome: Outcome, wait_s: float
) -> None:
    service_of(way).next.append(code)
    receipt = await way.channel.send(way.page)
    assert (receipt.outcome, receipt.not_before_s, receipt.detail) == (outcome, wait_s, f"HTTP {code}")
    assert await world.value("select failures from push_subscription") == 1


async def test_key_that_phones_did_not_subscribe_with_is_refused(way: Way, world: World) -> None:
    other = open_channels(means(world, secrets=replace(SECRETS, vapid_key=vapid.make_key())))["app"]
    receipt = await other.send(way.page)
    assert (receipt.outcome, receipt.detail) == (Outcome.REFUSED, "HTTP 403")
    assert service_of(way).faults == ["another sender's key"]


async def test_word_that_nobody_is_needed_takes_the_alarms_place(way: Way) -> None:
    await way.channel.send(way.page)
    await way.channel.send(replace(way.page, purpose="stand_down", page_id=99, key="other", text="不必前往"))
    (shown,) = way.others["browser"].shown
    assert shown["text"] == "不必前往"
    assert topic(way.page) != topic(replace(way.page, person_id=9))
    assert topic(way.page) != topic(replace(way.page, incident_id=9))


async def test_service_taken_off_the_list_is_not_posted_to(way: Way, world: World) -> None:
    strict = open_channels(means(world, channels=replace(means(world).channels, push_local=False)))["app"]
    assert (await strict.send(way.page)).outcome is Outcome.REFUSED
    assert service_of(way).heard == []


async def test_broken_key_is_named_without_quoting_it(way: Way, world: World) -> None:
    broken = open_channels(means(world, secrets=replace(SECRETS, vapid_key="no key at all")))["app"]
    receipt = await broken.send(way.page)
    assert receipt.outcome is Outcome.REFUSED
    assert "no key at all" not in receipt.detail
