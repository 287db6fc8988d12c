"""What providers call back: a key is a tap, a report moves its own page only, and nothing forged is believed."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from alerts.model import State
from hub.channels import references
from tests.integration.channels.hub_side import CALLBACK_KEY, callbacks
from tests.integration.channels.providers.aliyun import Aliyun
from tests.integration.channels.providers.serving import push
from tests.integration.channels.providers.tencent import Tencent
from tests.integration.channels.ways import WAYS, Way, page_of, sent
from tests.integration.incidents.world import World

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["voice", "voice of tencent"])
async def call(request: pytest.FixtureRequest, world: World, tmp_path: Path) -> AsyncIterator[Way]:
    """The daughter's telephone rings."""
    async with WAYS[request.param](world, tmp_path) as way:
        await way.channel.send(way.page)
        await sent(world, way.page)
        yield way


@pytest.fixture(params=["sms", "sms of tencent"])
async def message(request: pytest.FixtureRequest, world: World, tmp_path: Path) -> AsyncIterator[Way]:
    """A message to the daughter is under way."""
    async with WAYS[request.param](world, tmp_path) as way:
        await way.channel.send(way.page)
        await sent(world, way.page)
        yield way


@pytest.fixture(params=["voice", "voice of tencent", "sms", "sms of tencent"])
async def way(request: pytest.FixtureRequest, world: World, tmp_path: Path) -> AsyncIterator[Way]:
    """A call or a message to the daughter is under way."""
    async with WAYS[request.param](world, tmp_path) as way:
        await way.channel.send(way.page)
        await sent(world, way.page)
        yield way


def provider_of(way: Way) -> Any:
    return way.others["provider"]


def missed(way: Way) -> bytes:
    provider: Aliyun | Tencent = way.others["provider"]
    (heard,) = provider.heard
    if way.channel.name == "sms":
        return provider.sms_report(heard, arrived=False)
    return (
        provider.call_report(heard, status="200003") if isinstance(provider, Aliyun) else provider.failure_report(heard)
    )


def arrived(way: Way) -> bytes:
    provider: Aliyun | Tencent = way.others["provider"]
    (heard,) = provider.heard
    return provider.sms_report(heard) if way.channel.name == "sms" else provider.call_report(heard)


async def page_state(world: World, way: Way) -> str:
    return str(await world.value("select state from page where id = %s", way.page.page_id))


async def test_key_one_says_she_goes_and_a_second_report_changes_nothing(call: Way, world: World) -> None:
    report = provider_of(call).key_report(provider_of(call).heard[0], "1")
    assert push(call.others["url"], report, times=3) == [200, 200, 200]
    incident = await world.incident(call.page.incident_id)
    assert (incident.state, incident.responder_id) == (State.TAKEN, world.names["daughter"])
    assert await page_state(world, call) == "read"
    assert await world.value("select count(*) from response where incident_id = %s", call.page.incident_id) == 1


async def test_key_two_says_she_cannot_and_the_case_stays_open(call: Way, world: World) -> None:
    assert push(call.others["url"], provider_of(call).key_report(provider_of(call).heard[0], "2")) == [200]
    assert (await world.incident(call.page.incident_id)).state is State.OPEN
    assert await world.value("select verb from response") == "cannot_go"


async def test_any_other_key_is_an_answered_call(call: Way, world: World) -> None:
    assert push(call.others["url"], provider_of(call).key_report(provider_of(call).heard[0], "9")) == [200]
    assert (await world.incident(call.page.incident_id)).state is State.OPEN
    assert await page_state(world, call) == "delivered"


async def test_key_that_comes_too_late_is_refused_and_not_brought_again(call: Way, world: World) -> None:
    await world.conn.execute("update person set active = false where id = %s", (call.page.person_id,))
    assert push(call.others["url"], provider_of(call).key_report(provider_of(call).heard[0], "1")) == [200]
    assert (await world.incident(call.page.incident_id)).responder_id is None


async def test_nobody_there_starts_the_next_channel_at_once(way: Way, world: World) -> None:
    assert push(way.others["url"], missed(way), times=2) == [200, 200]
    assert await page_state(world, way) == "ready"
    receipt = await world.value("select receipt from page where id = %s", way.page.page_id)
    assert receipt.split(":")[0] in ("aliyun", "tencent")
    (later,) = await world.pages(way.page.incident_id, "daughter", channel="mqtt")
    assert later["due_at"] == await world.now()


async def test_report_out_of_order_does_not_unsay_what_arrived(message: Way, world: World) -> None:
    assert push(message.others["url"], arrived(message)) == [200]
    assert push(message.others["url"], missed(message)) == [200]
    assert await page_state(world, message) == "delivered"


async def test_late_word_that_it_arrived_is_believed_after_a_failure(message: Way, world: World) -> None:
    assert push(message.others["url"], missed(message)) == [200]
    assert push(message.others["url"], arrived(message)) == [200]
    assert await page_state(world, message) == "delivered"


async def test_failure_of_the_first_attempt_does_not_touch_the_second(message: Way, world: World) -> None:
    await world.conn.execute("update page set attempts = 2 where id = %s", (message.page.page_id,))
    assert push(message.others["url"], missed(message)) == [200]
    assert await page_state(world, message) == "sent"


async def test_report_that_overtakes_the_senders_own_note_is_asked_for_again(message: Way, world: World) -> None:
    await world.conn.execute("update page set state = 'sending' where id = %s", (message.page.page_id,))
    assert push(message.others["url"], missed(message)) == [503]
    await sent(world, message.page)
    assert push(message.others["url"], missed(message)) == [200]
    assert await page_state(world, message) == "ready"


async def test_wrong_path_leads_nowhere(call: Way, world: World) -> None:
    report = provider_of(call).key_report(provider_of(call).heard[0], "1")
    url = call.others["url"]
    other = url.rpartition("/")[0]
    assert push(f"{other}/{'x' * 22}", report) == [404]
    assert push(f"{other}/{references.path('another key', 'voice', 'aliyun')}", report) == [404]
    assert push(url.replace("/voice/", "/pigeon/"), report) == [404]
    assert push(url.replace("/voice/", "/sms/"), report) == [404]
    assert (await world.incident(call.page.incident_id)).responder_id is None


async def test_hub_without_a_key_takes_no_callbacks(world: World) -> None:
    with callbacks(world.dsn, key="") as url:
        assert push(f"{url}/callbacks/sms/aliyun/{references.path(CALLBACK_KEY, 'sms', 'aliyun')}", b"[]") == [404]


async def test_what_is_no_report_is_refused(way: Way) -> None:
    for body in (b"", b"{", b"[1]", b'{"a": 1}', b'[{"biz_id": {}}', b"\xff\xfe", b"null"):
        assert push(way.others["url"], body) == [422], body


async def test_number_nobody_gave_us_moves_nothing(call: Way, world: World) -> None:
    if isinstance(provider_of(call), Aliyun):
        report = provider_of(call).key_report({**provider_of(call).heard[0], "ref": "1^2", "OutId": ""}, "1")
    else:
        report = provider_of(call).key_report({**provider_of(call).heard[0], "ref": "call-0"}, "1")
    assert push(call.others["url"], report) == [503]
    assert (await world.incident(call.page.incident_id)).responder_id is None


@pytest.mark.parametrize("call", ["voice"], indirect=True)
async def test_reference_that_is_forged_or_anothers_moves_nothing(call: Way, world: World) -> None:
    heard = provider_of(call).heard[0]
    for reference in (
        "1.1.AAAAA",
        references.make("another key", "voice", 1, 1),
        references.make(CALLBACK_KEY, "voice", call.page.page_id + 1, 1),
    ):
        if reference != heard["OutId"]:
            report = provider_of(call).key_report({**heard, "OutId": reference}, "1")
            assert push(call.others["url"], report) == [200]
    assert (await world.incident(call.page.incident_id)).responder_id is None


@pytest.mark.parametrize("call", ["voice"], indirect=True)
async def test_call_whose_answer_was_lost_is_known_by_its_reference(call: Way, world: World) -> None:
    """The provider took the order, its answer never reached us: the telephone rang all the same."""
    await world.conn.execute("delete from provider_ref")
    assert push(call.others["url"], provider_of(call).key_report(provider_of(call).heard[0], "1")) == [200]
    assert (await world.incident(call.page.incident_id)).responder_id == world.names["daughter"]


@pytest.mark.parametrize("call", ["voice"], indirect=True)
async def test_ringing_is_no_result(call: Way, world: World) -> None:
    assert push(call.others["url"], provider_of(call).call_report(provider_of(call).heard[0], status="200103")) == [200]
    assert await page_state(world, call) == "sent"


@pytest.mark.parametrize("message", ["sms"], indirect=True)
async def test_many_reports_in_one_push_are_each_heard(message: Way, world: World) -> None:
    good = json.loads(arrived(message))
    unknown = [{**good[0], "biz_id": str(n), "out_id": ""} for n in range(3)]
    assert push(message.others["url"], json.dumps(unknown + good).encode()) == [503]
    assert await page_state(world, message) == "delivered"


async def test_page_of_another_channel_is_not_touched(world: World, tmp_path: Path) -> None:
    page = await page_of(world, "email", "daughter@family.test")
    with callbacks(world.dsn) as url:
        reference = references.make(CALLBACK_KEY, "sms", page.page_id, 1)
        report = [{"biz_id": "1", "success": True, "out_id": reference, "err_code": "DELIVERED"}]
        path = references.path(CALLBACK_KEY, "sms", "aliyun")
        assert push(f"{url}/callbacks/sms/aliyun/{path}", json.dumps(report).encode()) == [200]
    assert await world.value("select state from page where id = %s", page.page_id) == "ready"
