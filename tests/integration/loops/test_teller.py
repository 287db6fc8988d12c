"""Whoever is given a work order is told once, through his own channel, without her name or her door."""

from datetime import date

import pytest

from hub.channels import Means, open_channels
from hub.loops.teller import TRIES, Teller
from hub.store import work_orders
from hub.store.work_orders import Order
from tests.integration.channels.provider import open_provider
from tests.integration.incidents.world import WEBHOOK_KEY, World

pytestmark = pytest.mark.anyio


async def given(world: World, url: str) -> int:
    await world.conn.execute("update contact set address = %s where channel = 'webhook'", (url,))
    order = Order(kind="battery", scope="换手环电池", due=date(2030, 1, 5), area="和平社区", resident=world.resident)
    number = await work_orders.make(world.conn, order, "hub")
    assert number is not None
    await work_orders.move(world.conn, number, "assign", "hub", assignee=world.names["daughter"])
    return number


async def tell(world: World) -> None:
    means = Means(pool=world.pool, http=world.http, webhook_key=WEBHOOK_KEY, webhook_timeout_s=20.0)
    teller = Teller(pool=world.pool, channels=open_channels(means))
    for _ in range(TRIES):
        await teller.once()
        await world.conn.execute("update work_order_notice set due_at = hub_now() where due_at is not null")
    assert not await teller.once()


async def test_order_is_told_once_and_names_nobody(world: World) -> None:
    with open_provider() as provider:
        number = await given(world, provider.url)
        await tell(world)
    (request,) = provider.heard
    assert request["body"]["purpose"] == "notice", "nobody is alarmed by it"
    assert f"WO-{number}" in request["body"]["text"]
    assert "Wang Xiulan" not in str(request["body"])
    notice = await work_orders.notice(world.conn, number)
    assert notice is not None
    assert (notice["channel"], notice["failed"], notice["due_at"]) == ("webhook", "", None)


async def test_channel_that_takes_nothing_is_said_on_the_orders_page(world: World) -> None:
    with open_provider(*[500] * TRIES) as provider:
        number = await given(world, provider.url)
        await tell(world)
    notice = await work_orders.notice(world.conn, number)
    assert notice is not None
    assert (notice["sent_at"], notice["failed"]) == (None, "webhook: HTTP 500")


async def test_order_that_went_to_another_meanwhile_is_told_to_nobody(world: World) -> None:
    with open_provider() as provider:
        number = await given(world, provider.url)
        await world.conn.execute("update work_order set state = 'accepted' where id = %s", (number,))
        await tell(world)
    assert provider.heard == []
