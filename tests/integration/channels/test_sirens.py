"""Sirens sound for a while and are silenced by whoever takes the case; a siren or a copy ends nobody's ladder."""

import json
from dataclasses import replace

import pytest

from alerts import events
from alerts.model import Role
from hub.channels import Outcome, open_channels
from tests.integration.channels.ways import means, page_of
from tests.integration.incidents.world import World

pytestmark = pytest.mark.anyio
TOPIC = "zigbee2mqtt/hall siren/set"


async def said(world: World, topic: str = TOPIC) -> list[str]:
    rows = await world.rows("select payload, retain from downlink where topic = %s order by id", topic)
    assert not any(retain for _, retain in rows)
    return [payload.decode() for payload, _ in rows]


async def test_siren_sounds_and_stops_when_somebody_takes_the_case(world: World) -> None:
    page = await page_of(world, "siren", TOPIC)
    assert (await open_channels(means(world))["siren"].send(page)).outcome is Outcome.SENT
    (on,) = await said(world)
    assert json.loads(on)["warning"]["mode"] == "emergency"
    await world.advance(page.incident_id, events.Taken(person_id=world.names["operator"], role=Role.OPERATOR))
    assert [json.loads(text)["warning"]["mode"] for text in await said(world)] == ["emergency", "stop"]
    assert await world.value("select count(*) from siren_sounding") == 0


async def test_siren_that_was_not_sounded_is_not_stopped(world: World) -> None:
    incident = await world.press()
    await world.advance(incident, events.Taken(person_id=world.names["operator"], role=Role.OPERATOR))
    assert await world.value("select count(*) from downlink where topic like '%%siren%%'") == 0


async def test_siren_posted_after_the_take_stays_silent(world: World) -> None:
    page = await page_of(world, "siren", TOPIC)
    await world.advance(page.incident_id, events.Taken(person_id=world.names["operator"], role=Role.OPERATOR))
    assert (await open_channels(means(world))["siren"].send(page)).outcome is Outcome.FAILED
    assert await said(world) == []


async def test_siren_sounds_again_when_nobody_came_after_all(world: World) -> None:
    page = await page_of(world, "siren", TOPIC)
    channel = open_channels(means(world))["siren"]
    operator = world.names["operator"]
    for _ in range(2):
        await world.conn.execute("update page set withdrawn_at = null where id = %s", (page.page_id,))
        await channel.send(page)
        await world.advance(page.incident_id, events.Taken(person_id=operator, role=Role.OPERATOR))
        await world.advance(page.incident_id, events.Released(by=operator))
    assert [json.loads(text)["warning"]["mode"] for text in await said(world)] == ["emergency", "stop"] * 2


@pytest.mark.parametrize(
    ("topic", "on", "off"),
    [
        ("cmnd/siren/POWER", "ON", "OFF"),
        ("carehub/siren/centre", '{"v":1,"siren":"on","seconds":120}', '{"v":1,"siren":"off"}'),
    ],
)
async def test_each_family_of_sirens_has_its_own_words(world: World, topic: str, on: str, off: str) -> None:
    page = await page_of(world, "siren", topic)
    await open_channels(means(world))["siren"].send(page)
    await world.advance(page.incident_id, events.Taken(person_id=world.names["operator"], role=Role.OPERATOR))
    assert await said(world, topic) == [on, off]


async def test_siren_says_nothing_but_an_alarm(world: World) -> None:
    page = replace(await page_of(world, "siren", TOPIC), purpose="stand_down")
    assert (await open_channels(means(world))["siren"].send(page)).outcome is Outcome.REFUSED


@pytest.mark.parametrize(("channel", "goes_on"), [("siren", True), ("email", True), ("apprise", True), ("app", False)])
async def test_copy_or_siren_ends_nobodys_ladder(world: World, channel: str, goes_on: bool) -> None:
    page = await page_of(world, channel, "x")
    await world.conn.execute(
        "update page set state = 'delivered', delivered_at = hub_now() where id = %s", (page.page_id,)
    )
    (later,) = await world.pages(page.incident_id, "daughter", channel="mqtt")
    assert later["state"] == ("ready" if goes_on else "withdrawn")
