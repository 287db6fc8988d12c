"""From the outbox to people: at least once, under one key, and not after somebody took it."""

import asyncio
import os
import signal
import sys
from urllib.parse import urlsplit

import pytest

from alerts import events
from alerts.model import Role
from hub.channels import Means, Outcome, Receipt, open_channels
from hub.channels.wording import compose
from hub.config import DispatchSettings
from hub.store import outbox
from hub.store.outbox import Lane, Reached
from hub.store.pool import connect
from tests.integration.channels.provider import HANG, open_provider
from tests.integration.incidents.world import WEBHOOK_KEY, World
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.anyio

DELIVERED = "select id from page where incident_id = %s and channel = 'webhook' and state = 'delivered'"


async def reach_daughter_at(world: World, url: str) -> None:
    await world.conn.execute("update contact set address = %s where channel = 'webhook'", (url,))


async def test_press_reaches_the_daughter_by_signed_webhook(world: World) -> None:
    with open_provider() as provider:
        await reach_daughter_at(world, provider.url)
        incident = await world.press()
        async with world.dispatching():
            await world.until(DELIVERED, incident)
    (request,) = provider.heard
    assert request["key"] == f"{incident}.0.0.{world.names['daughter']}.webhook.alarm"
    assert request["body"]["resident"]["name"] == "Wang Xiulan"
    assert provider.forged == 0


async def test_delivery_ends_the_ladder(world: World) -> None:
    with open_provider() as provider:
        await reach_daughter_at(world, provider.url)
        incident = await world.press()
        async with world.dispatching():
            await world.until(DELIVERED, incident)
        (mqtt,) = await world.pages(incident, "daughter", channel="mqtt")
        assert mqtt["state"] == "withdrawn"
        assert mqtt["attempts"] == 0


async def test_missed_channel_brings_the_next_one_forward(world: World) -> None:
    with open_provider(410) as provider:
        await reach_daughter_at(world, provider.url)
        incident = await world.press()
        async with world.dispatching():
            await world.until(
                "select id from page where incident_id = %s and channel = 'mqtt' and state = 'sent'", incident
            )
            assert await world.value("select count(*) from downlink where page_id is not null") == 1


@pytest.mark.parametrize("first", [500, 503, 429, HANG])
async def test_webhook_that_fails_is_tried_again_under_the_same_key(world: World, first: int) -> None:
    with open_provider(first) as provider:
        await reach_daughter_at(world, provider.url)
        incident = await world.press()
        async with world.dispatching(webhook_timeout_s=1.0 if first == HANG else 20.0):
            await world.until(
                "select id from page where incident_id = %s and channel = 'webhook' and receipt <> '' and attempts = 1",
                incident,
            )
            await world.forward(2)
            await world.until(DELIVERED, incident)
    assert [request["attempt"] for request in provider.heard] == [1, 2]
    assert len(provider.keys) == 1


async def test_page_of_a_dead_dispatcher_is_sent_by_another_under_the_same_key(world: World) -> None:
    with open_provider() as provider:
        await reach_daughter_at(world, provider.url)
        incident = await world.press()
        async with await connect(world.dsn) as dying:
            dead = await outbox.enlist(dying)
            taken = await outbox.claim(dying, dead, [Lane(channel="webhook", urgent=True, room=9, lease_s=30)])
            assert len(taken) == 1
            async with world.dispatching():
                # As long as it lives, nobody touches its page.
                await world.until("select true from page where channel = 'console' and attempts > 0")
                assert provider.heard == []
                await dying.close()
                await world.until(DELIVERED, incident)
    assert [request["attempt"] for request in provider.heard] == [2]
    (page,) = await world.pages(incident, channel="webhook")
    assert page["owner"] is None


async def test_taking_back_cancels_pages_of_an_incident_that_was_taken(world: World) -> None:
    with open_provider() as provider:
        await reach_daughter_at(world, provider.url)
        incident = await world.press()
        async with await connect(world.dsn) as dying:
            dead = await outbox.enlist(dying)
            await outbox.claim(dying, dead, [Lane(channel="webhook", urgent=True, room=9, lease_s=30)])
            await world.advance(incident, events.Taken(person_id=world.names["operator"], role=Role.OPERATOR))
        async with world.dispatching():
            await world.until(
                "select true from page where channel = 'webhook' and purpose = 'alarm' and state = 'withdrawn'"
            )
            await world.until(
                "select true from page where purpose = 'stand_down' and channel = 'webhook' and state = 'delivered'"
            )
    assert [request["body"]["purpose"] for request in provider.heard] == ["stand_down"]


async def test_hanging_dispatcher_loses_its_page_at_lease_end(world: World) -> None:
    with open_provider() as provider:
        await reach_daughter_at(world, provider.url)
        incident = await world.press()
        async with await connect(world.dsn) as hanging:
            worker = await outbox.enlist(hanging)
            await outbox.claim(hanging, worker, [Lane(channel="webhook", urgent=True, room=9, lease_s=30)])
            async with world.dispatching():
                await world.forward(31)
                await world.until(DELIVERED, incident)
    assert len(provider.heard) == 1


async def test_no_page_is_claimed_after_somebody_took_it(world: World) -> None:
    incident = await world.press()
    await world.advance(incident, events.Taken(person_id=world.names["operator"], role=Role.OPERATOR))
    async with await connect(world.dsn) as conn:
        worker = await outbox.enlist(conn)
        lanes = [
            Lane(channel=c, urgent=u, room=99, lease_s=30)
            for c in ("webhook", "mqtt", "console")
            for u in (True, False)
        ]
        assert await outbox.claim(conn, worker, lanes) == []


async def test_slow_provider_does_not_hold_up_other_channels(world: World) -> None:
    with open_provider(HANG) as provider:
        await reach_daughter_at(world, provider.url)
        await world.at_console("operator")
        incident = await world.press()
        async with world.dispatching(senders=1):
            await world.until(
                "select true from page where incident_id = %s and channel = 'console' and state = 'delivered'", incident
            )
            assert await world.value("select count(*) from page where state = 'delivered' and channel = 'webhook'") == 0


async def test_two_dispatchers_share_the_outbox(world: World) -> None:
    with open_provider() as provider:
        await reach_daughter_at(world, provider.url)
        for number in range(20):
            await world.person(f"cousin {number}", "family", ("webhook", provider.url))
        await world.press()
        async with world.dispatching(), world.dispatching():
            await world.until("select count(*) >= 21 from page where channel = 'webhook' and state = 'delivered'")
    assert len(provider.heard) == len(provider.keys) == 21


async def test_incident_that_fails_to_compose_does_not_stop_the_others(world: World) -> None:
    with open_provider() as provider:
        await reach_daughter_at(world, provider.url)
        await world.press()
        await world.conn.execute("update page set role = 'nobody' where channel = 'console'")
        async with world.dispatching():
            await world.until("select true from page where channel = 'webhook' and state = 'delivered'")
            await world.until(
                "select true from page where channel = 'console' and state = 'ready' and receipt = 'ValueError'"
            )


async def test_page_withdrawn_while_it_is_being_sent_is_called_back(world: World) -> None:
    """Claimed before the take, posted after it: the terminal must not ring for an incident somebody has."""
    incident = await world.press()
    await world.forward(10)
    async with await connect(world.dsn) as slow:
        worker = await outbox.enlist(slow)
        (row,) = await outbox.claim(slow, worker, [Lane(channel="mqtt", urgent=True, room=9, lease_s=30)])
        await world.advance(incident, events.Taken(person_id=world.names["operator"], role=Role.OPERATOR))
        page = compose(row, public_url="http://hub.test", link_key="")
        receipt = await open_channels(Means(pool=world.pool, http=world.http))["mqtt"].send(page)
        assert receipt.outcome is Outcome.FAILED
        await outbox.settle(slow, worker, row["id"], receipt, again_s=1.0, receipt_s=20)
    (alarm,) = await world.pages(incident, "daughter", channel="mqtt", purpose="alarm")
    assert alarm["state"] == "withdrawn"
    assert await world.value("select count(*) from downlink where page_id is not null") == 0
    assert len(await world.pages(incident, "daughter", channel="mqtt", purpose="stand_down")) == 1


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
async def test_killed_dispatch_process_loses_no_page(world: World, end: signal.Signals) -> None:
    """The whole process, the real signal: what it was sending arrives through another, under the same key."""
    environment = os.environ | {
        "CAREHUB_DATABASE_DSN": world.dsn,
        "CAREHUB_SECRETS_WEBHOOK_KEY": WEBHOOK_KEY,
        "CAREHUB_METRICS_DISPATCH_PORT": "0",
    }
    with open_provider(HANG) as provider:
        await reach_daughter_at(world, provider.url)
        await world.start_clock()
        incident = await world.press()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hub", "dispatch", env=environment, stderr=asyncio.subprocess.DEVNULL
        )
        await world.until("select true from page where channel = 'webhook' and state = 'sending'")
        process.send_signal(end)
        async with asyncio.timeout(PATIENCE_S), world.dispatching():
            await process.wait()
            await world.until(DELIVERED, incident)
    assert 1 <= len(provider.heard) <= 2
    assert len(provider.keys) == 1


async def test_stand_down_to_a_terminal_that_is_off_is_given_up(world: World) -> None:
    """A receipt that never comes is an attempt like any other: the guard's dead terminal is not rung for months."""
    incident = await world.press()
    await world.conn.execute(
        "update page set purpose = 'stand_down', state = 'sent', attempts = 8, lease_until = hub_now() - interval '1 s'"
        " where incident_id = %s and channel = 'mqtt'", (incident,)
    )  # fmt: skip
    async with world.dispatching():
        await world.until("select true from page where channel = 'mqtt' and state = 'failed'")


async def test_severity_one_alarm_without_a_receipt_is_never_given_up(world: World) -> None:
    incident = await world.press()
    await world.conn.execute(
        "update page set state = 'sent', attempts = 500, lease_until = hub_now() - interval '1 s'"
        " where incident_id = %s and channel = 'mqtt'", (incident,)
    )  # fmt: skip
    async with world.dispatching():
        await world.until("select true from page where channel = 'mqtt' and state = 'sent' and attempts > 500")


async def test_alarm_of_an_earlier_ring_that_fails_for_half_an_hour_is_let_go(world: World) -> None:
    """His phone was off; his shift is long over when it is switched on. Later rings have called whoever is on duty."""
    incident = await world.press()
    await world.conn.execute("update incident set round = round + 1 where id = %s", (incident,))
    await world.conn.execute("update page set created_at = created_at - interval '29 minutes'")
    async with await connect(world.dsn) as conn:
        worker = await outbox.enlist(conn)
        for state in ("ready", "withdrawn"):
            claimed = await outbox.claim(conn, worker, [Lane(channel="webhook", urgent=True, room=1, lease_s=30)])
            failed = Receipt(outcome=Outcome.FAILED, detail="no answer")
            await outbox.settle(conn, worker, claimed[0]["id"], failed, again_s=0.0, receipt_s=20)
            assert await world.value("select state from page where id = %s", claimed[0]["id"]) == state
            await world.conn.execute("update page set created_at = created_at - interval '2 minutes'")


async def test_report_that_an_alarm_never_arrived_lets_an_old_one_go_too(world: World) -> None:
    """Whether the worker says so or, an hour later, the provider: his shift is over either way."""
    incident = await world.press()
    await world.conn.execute("update incident set round = round + 1 where id = %s", (incident,))
    await world.conn.execute(
        "update page set state = 'sent', attempts = 1, created_at = created_at - interval '1 hour'"
        " where channel = 'webhook'"
    )
    page = await world.value("select id from page where channel = 'webhook'")
    assert not await outbox.not_received(world.conn, page, 2, "another attempt", again_s=0.0)
    assert await outbox.not_received(world.conn, page, 1, "switched off", again_s=0.0)
    assert await world.value("select state from page where id = %s", page) == "withdrawn"


async def test_relatives_behind_a_hanging_provider_do_not_hold_up_the_daughter(world: World) -> None:
    """Every sender that hangs is one fewer for those whose provider answers."""
    with open_provider(*[HANG] * 40) as hanging, open_provider() as provider:
        await reach_daughter_at(world, provider.url)
        for number in range(40):
            await world.person(f"cousin {number}", "family", ("webhook", hanging.url))
        incident = await world.press()
        await world.conn.execute(
            "update page set due_at = hub_now() - interval '1 s' where address = %s", (hanging.url,)
        )
        async with world.dispatching(senders=DispatchSettings().senders):
            await world.until(DELIVERED, incident)
            still = "select count(*) from page where state = 'sending' and address = %s"
            assert await world.value(still, hanging.url) == 40


async def test_two_hundred_pages_that_hang_at_one_host_leave_room_for_another(world: World) -> None:
    """More than all senders hang at one provider, and the daughter is not behind it."""
    senders = DispatchSettings().senders
    with open_provider(*[HANG] * 200) as hanging, open_provider() as provider:
        await reach_daughter_at(world, provider.url)
        for number in range(200):
            await world.person(f"cousin {number}", "family", ("webhook", f"{hanging.url}/{number}"))
        incident = await world.press()
        await world.conn.execute(
            "update page set due_at = hub_now() - interval '1 s' where address like %s", (f"{hanging.url}/%",)
        )
        async with world.dispatching(senders=senders) as dispatcher:
            await world.until(DELIVERED, incident)
            under_way = "select count(*) from page where state = 'sending'"
            assert senders <= await world.value(under_way) <= 2 * senders
            assert [lane.full for lane in dispatcher._lanes() if lane.channel == "webhook" and lane.urgent] == [
                (urlsplit(hanging.url).netloc,)
            ]


async def test_pages_that_arrive_together_are_written_together(world: World) -> None:
    with open_provider() as provider:
        await reach_daughter_at(world, provider.url)
        for number in range(40):
            await world.person(f"cousin {number}", "family", ("webhook", f"{provider.url}/{number}"))
        incident = await world.press()
        async with world.dispatching(senders=64):
            await world.until(
                "select count(*) = 41 from page where incident_id = %s and channel = 'webhook' and state = 'delivered'",
                incident,
            )
        commits = "select count(distinct xmin::text) from page where incident_id = %s and channel = 'webhook'"
        assert await world.value(commits, incident) < 41


async def test_receipts_pass_over_a_page_that_somebody_holds(world: World) -> None:
    """Somebody takes the case at the moment its page arrives: several receipts never wait for him, nor he for them."""
    await world.person("cousin", "family", ("webhook", "http://127.0.0.1:9/cousin"))
    await world.press()
    async with world.pool.connection() as proof, world.pool.connection() as taking:
        worker = await outbox.enlist(proof)
        rows = await outbox.claim(proof, worker, [Lane(channel="webhook", urgent=True, room=9, lease_s=30)])
        held, free = (row["id"] for row in rows)
        reached = [Reached(id=page, worker=worker, receipt="HTTP 204") for page in (held, free)]
        async with taking.transaction():
            await taking.execute("select id from page where id = %s for no key update", (held,))
            assert set(await outbox.settle_reached(proof, reached)) == {free}
        assert set(await outbox.settle_reached(proof, reached)) == {held}


async def test_receipt_that_waited_for_an_operators_hand_is_written_all_the_same(world: World) -> None:
    """He took the case while the page was under way: its row is another one when the receipt gets at it."""
    incident = await world.press()
    async with await connect(world.dsn) as conn, await connect(world.dsn) as desk:
        worker = await outbox.enlist(conn)
        rows = await outbox.claim(conn, worker, [Lane(channel="webhook", urgent=True, room=8, lease_s=30)])
        page = rows[0]["id"]
        receipt = Receipt(outcome=Outcome.SENT, detail="accepted")
        async with desk.transaction():
            await desk.execute("update page set withdrawn_at = now() where incident_id = %s", (incident,))
            writing = asyncio.create_task(outbox.settle(conn, worker, page, receipt, again_s=None, receipt_s=20))
            await world.until("select count(*) from pg_locks where not granted")
        assert await writing is not None
    assert await world.value("select state from page where id = %s", page) == "withdrawn"
