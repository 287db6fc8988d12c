"""The server stopped hard after a claim, whose commit waits for no disk: no page is lost, all copies have one key."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import psycopg
import pytest

from hub.embedded import EmbeddedPostgres
from hub.store import outbox
from hub.store.outbox import Lane
from hub.store.pool import connect
from tests import given
from tests.integration.channels.provider import open_provider
from tests.integration.incidents.world import World
from tests.integration.loops.test_dispatcher import DELIVERED, reach_daughter_at
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.anyio

# Nobody else may bring the claim to the disk before the server dies: then it is lost every time, not now and then.
LAZY = ("wal_writer_delay = '10s'", "wal_writer_flush_after = '100MB'", "autovacuum = off")
WEBHOOK = [Lane(channel="webhook", urgent=True, room=9, lease_s=30)]


@pytest.fixture
def lazy(postgres: EmbeddedPostgres) -> Iterator[EmbeddedPostgres]:
    """A server that writes what nobody waits for as late as it may."""
    if given.named():
        pytest.skip(given.NOT_OURS)
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as conn:
        for setting in LAZY:
            conn.execute(f"alter system set {setting}".encode())
    postgres.restart()
    yield postgres
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as conn:
        conn.execute("alter system reset all")
    postgres.restart()


def stop_hard(server: EmbeddedPostgres) -> None:
    """What `pg_ctl stop -m immediate` does: nothing more is written."""
    assert server.process is not None
    os.kill(server.process.pid, signal.SIGQUIT)
    server.process.wait(PATIENCE_S)


async def seen(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110 - nobody rings when a server dies
            await asyncio.sleep(0.01)


@asynccontextmanager
async def again(world: World) -> AsyncIterator[World]:
    """The world after its database came back."""
    async with await connect(world.dsn) as conn:
        world.conn = conn
        yield world


async def test_claim_that_was_lost_with_the_server_is_made_again(lazy: EmbeddedPostgres, world: World) -> None:
    with open_provider() as provider:
        await reach_daughter_at(world, provider.url)
        incident = await world.press()
        async with await connect(world.dsn) as claiming:
            worker = await outbox.enlist(claiming)
            await outbox.hurry(claiming)
            (claimed,) = await outbox.claim(claiming, worker, WEBHOOK)
            stop_hard(lazy)
        lazy.start()
        async with again(world):
            (page,) = await world.pages(incident, channel="webhook")
            assert (page["id"], page["state"], page["owner"], page["attempts"]) == (claimed["id"], "ready", None, 0)
            async with world.dispatching():
                await world.until(DELIVERED, incident)
    assert [request["key"] for request in provider.heard] == [f"{incident}.0.0.{world.names['daughter']}.webhook.alarm"]


async def test_claim_of_a_session_that_waits_for_the_disk_would_be_there(lazy: EmbeddedPostgres, world: World) -> None:
    """The test itself: what is lost above is lost by `hurry`, and by nothing else."""
    incident = await world.press()
    async with await connect(world.dsn) as claiming:
        worker = await outbox.enlist(claiming)
        await outbox.claim(claiming, worker, WEBHOOK)
        stop_hard(lazy)
    lazy.start()
    async with again(world):
        (page,) = await world.pages(incident, channel="webhook")
        assert (page["state"], page["owner"], page["attempts"]) == ("sending", worker, 1)


async def test_page_on_its_way_when_the_server_stops_is_sent_again_under_its_key(
    lazy: EmbeddedPostgres, world: World
) -> None:
    with open_provider() as provider:
        provider.when_heard = lambda: stop_hard(lazy) if len(provider.heard) == 1 else None
        await reach_daughter_at(world, provider.url)
        incident = await world.press()
        # Nothing else that is written at that moment may take the claim to the disk along.
        await world.conn.execute("update page set due_at = due_at + interval '1 h' where channel <> 'webhook'")
        async with world.dispatching():
            await seen(lambda: bool(provider.heard) and not lazy.alive())
            lazy.start()  # in this thread: the server dies with the one that started it
            async with again(world):
                await world.until(DELIVERED, incident)
                (page,) = await world.pages(incident, channel="webhook")
    assert len(provider.heard) == 2
    assert provider.keys == {f"{incident}.0.0.{world.names['daughter']}.webhook.alarm"}
    assert page["owner"] is None


async def test_receipt_brings_its_claim_to_the_disk(lazy: EmbeddedPostgres, world: World) -> None:
    with open_provider() as provider:
        await reach_daughter_at(world, provider.url)
        incident = await world.press()
        async with world.dispatching():
            await world.until(DELIVERED, incident)
            stop_hard(lazy)
        lazy.start()
        async with again(world), world.dispatching() as dispatcher:
            await seen(lambda: dispatcher.passed_at > 0)  # it has looked at what is to be sent
            assert await world.value(DELIVERED, incident)
    assert len(provider.heard) == 1
