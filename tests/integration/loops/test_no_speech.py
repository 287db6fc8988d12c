"""No speech is an emergency: whoever is called is told that she did not answer, once that is known."""

import pytest

from alerts.model import AlertKind
from hub import desk
from hub.refusals import Refused
from tests.integration.channels.provider import Provider, open_provider
from tests.integration.incidents.world import World

pytestmark = pytest.mark.anyio

SENT = "select count(*) >= %s from page where incident_id = %s and purpose = 'alarm' and state = 'delivered'"


async def reach_by_webhook(world: World, provider: Provider) -> None:
    """The daughter and the guard have a receiver; the guard's comes with the second step."""
    await world.conn.execute("delete from contact where channel = 'mqtt'")
    await world.conn.execute("update contact set address = %s where channel = 'webhook'", (provider.url,))
    await world.conn.execute("insert into contact values (%s, 'webhook', %s, 0)", (world.names["guard"], provider.url))


async def test_fall_whose_countdown_ran_out_says_no_answer_to_family_and_guard(world: World) -> None:
    with open_provider() as provider:
        await reach_by_webhook(world, provider)
        incident = (await world.raised(kind=AlertKind.FALL, countdown_s=15.0)).incident_id or 0
        async with world.dispatching():
            await world.forward(15)
            await world.fire()
            await world.until(SENT, 1, incident)
            await world.forward(30)
            await world.fire()
            await world.until(SENT, 2, incident)
    family, guard = (request["body"] for request in provider.heard)
    assert family["text"].startswith("【紧急】Wang Xiulan跌倒，无应答，请立即回应")
    assert (family["role"], guard["role"]) == ("family", "property")
    assert guard["text"].startswith("【紧急】Wang Xiulan跌倒，无应答")
    assert family["no_speech"] is guard["no_speech"] is True


async def test_press_says_nothing_of_an_answer_nobody_has_asked_for(world: World) -> None:
    with open_provider() as provider:
        await reach_by_webhook(world, provider)
        incident = await world.press()
        async with world.dispatching():
            await world.until(SENT, 1, incident)
    assert "无应答" not in provider.heard[0]["text"]
    assert provider.heard[0]["body"]["no_speech"] is False


async def test_call_back_without_an_answer_is_in_every_page_from_then_on(world: World) -> None:
    with open_provider() as provider:
        await reach_by_webhook(world, provider)
        incident = await world.press()
        async with world.dispatching():
            await world.until(SENT, 1, incident)
            await desk.take(world.conn, incident, world.names["operator"])
            assert await desk.no_speech(world.conn, incident, world.names["operator"])
            await desk.dispatch(world.conn, incident, world.names["operator"], world.names["guard"])
            await world.until(SENT, 2, incident)
    told = [request["body"]["text"] for request in provider.heard if request["body"]["purpose"] == "alarm"]
    assert ["无应答" in text for text in told] == [False, True]
    assert "一键呼叫，无应答" in told[1]


async def test_no_answer_is_written_once_and_by_an_operator(world: World) -> None:
    incident = await world.press()
    operator = world.names["operator"]
    assert await desk.no_speech(world.conn, incident, operator, nonce="first")
    assert not await desk.no_speech(world.conn, incident, operator, nonce="first")
    assert not await desk.no_speech(world.conn, incident, operator, nonce="second")
    with pytest.raises(Refused, match="only an operator"):
        await desk.no_speech(world.conn, incident, world.names["guard"])
    assert [entry.what for entry in await world.chain(incident)].count("no_speech") == 1


async def test_nothing_is_added_to_a_case_that_has_ended(world: World) -> None:
    incident = (await world.raised(kind=AlertKind.FALL, countdown_s=15.0)).incident_id or 0
    await desk.cancel(world.conn, incident, world.names["operator"])
    with pytest.raises(Refused, match="has ended"):
        await desk.no_speech(world.conn, incident, world.names["operator"])
