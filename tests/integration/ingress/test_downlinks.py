"""Rows of table `downlink` on a real PostgreSQL: order, receipts, expiry, restarts."""

import asyncio
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from devices.adapter import Downlink
from hub.embedded import EmbeddedPostgres
from hub.ingress import mqtt311
from hub.ingress.downlinks import Downlinks
from tests.integration.ingress.parts import Raw, until
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.anyio

ROW = """
insert into downlink (topic, payload, retain, page_id, created_at, expires_at)
values (%(topic)s, %(payload)s, %(retain)s, %(page)s, hub_now(), hub_now() + make_interval(secs => %(for_s)s))
returning id, pg_notify('carehub_downlink', id::text)
"""


class Doorway:
    """An outlet whose door is opened and closed by the test."""

    name = "doorway"

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.hears = True
        self.sent: list[tuple[str, bytes, str]] = []
        self.remembered: list[Downlink] = []
        self.tell: Callable[[], None] = lambda: None

    def when_reachable(self, tell: Callable[[], None]) -> None:
        self.tell = tell

    def remember(self, downlink: Downlink) -> None:
        self.remembered.append(downlink)

    def reaches(self, topic: str) -> bool:
        return self.open.is_set()

    async def deliver(self, downlink: Downlink, key: str = "") -> bool:
        self.sent.append((downlink.topic, downlink.payload, key))
        await asyncio.sleep(0)
        return self.hears


def put(
    dsn: str, topic: str, payload: bytes, *, for_s: float = 60, page: int | None = None, retain: bool = False
) -> int:
    with psycopg.connect(dsn, autocommit=True) as conn:
        values = {"topic": topic, "payload": payload, "for_s": for_s, "page": page, "retain": retain}
        row = conn.execute(ROW, values).fetchone()
    assert row is not None
    return int(row[0])


def undelivered(dsn: str) -> int:
    with psycopg.connect(dsn) as conn:
        row = conn.execute("select count(*) from downlink where delivered_at is null").fetchone()
    assert row is not None
    return int(row[0])


async def settled(dsn: str) -> None:
    while await asyncio.to_thread(undelivered, dsn):  # noqa: ASYNC110 - another process sets it
        await asyncio.sleep(0.02)


async def test_rows_go_out_in_order_per_topic_once_somebody_listens(dsn: str) -> None:
    door = Doorway()
    for number in range(5):
        put(dsn, "carehub/w-1/command", b"%d" % number)
    async with Downlinks(dsn, [door]):
        put(dsn, "carehub/w-1/command", b"5")
        await asyncio.sleep(0.2)
        assert door.sent == []
        door.open.set()
        door.tell()
        await asyncio.wait_for(settled(dsn), PATIENCE_S)
        put(dsn, "carehub/w-1/command", b"6")
        await asyncio.wait_for(settled(dsn), PATIENCE_S)
    assert [payload for _, payload, _ in door.sent] == [b"%d" % number for number in range(7)]


async def test_a_topic_nobody_acknowledges_holds_up_no_other(dsn: str) -> None:
    deaf, good = Doorway(), Doorway()
    deaf.hears = False
    deaf.open.set()
    good.open.set()
    deaf.reaches = lambda topic: topic == "deaf"  # type: ignore[method-assign]
    async with Downlinks(dsn, [deaf, good]):
        put(dsn, "deaf", b"x")
        first = put(dsn, "good", b"1")
        await until(lambda: good.sent)
        assert good.sent == [("good", b"1", f"downlink-{first}")]
        await until(lambda: len(deaf.sent) >= 2)
        deaf.hears = True
        deaf.tell()
        await asyncio.wait_for(settled(dsn), PATIENCE_S)


async def test_what_is_new_waits_for_no_pause_of_what_was_not_heard(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker says that nobody is subscribed, and not when somebody is. A press says so, and its answer is new."""
    monkeypatch.setattr("hub.ingress.downlinks.RETRY_S", (3600.0, 3600.0))
    door = Doorway()
    door.open.set()
    door.hears = False
    async with Downlinks(dsn, [door]) as downlinks:
        put(dsn, "a", b"1")
        await until(lambda: door.sent and not downlinks._busy)
        door.hears = True
        put(dsn, "a", b"2")
        await until(lambda: [payload for _, payload, _ in door.sent] == [b"1", b"1", b"2"])


async def test_expired_rows_are_left(dsn: str) -> None:
    door = Doorway()
    put(dsn, "t", b"too old", for_s=-1)
    put(dsn, "t", b"in time")
    door.open.set()
    async with Downlinks(dsn, [door]):
        await until(lambda: door.sent)
        await asyncio.sleep(0.1)
    assert [payload for _, payload, _ in door.sent] == [b"in time"]
    assert undelivered(dsn) == 1


async def test_retained_rows_are_remembered_at_start(dsn: str) -> None:
    door = Doorway()
    for payload in (b"old", b"new"):
        put(dsn, "t", payload, retain=True)
    async with Downlinks(dsn, [door]):
        await until(lambda: door.remembered)
    assert [downlink.payload for downlink in door.remembered] == [b"new"]


async def test_page_is_delivered_in_the_same_transaction(dsn: str) -> None:
    door = Doorway()
    door.open.set()
    page = sent_page(dsn)
    with psycopg.connect(dsn, autocommit=True) as ear:
        ear.execute("listen carehub_page")
        async with Downlinks(dsn, [door]):
            put(dsn, "carehub/responder/12/page", b"come", page=page)
            await asyncio.wait_for(settled(dsn), PATIENCE_S)
        assert [notice.payload for notice in ear.notifies(timeout=PATIENCE_S, stop_after=1)] == [str(page)]
        row = ear.execute("select state, delivered_at is not null, receipt from page where id = %s", (page,)).fetchone()
    assert row == ("delivered", True, "acknowledged")
    assert door.sent[0][2] == f"page-{page}"


async def test_a_page_already_read_stays_read(dsn: str) -> None:
    door = Doorway()
    door.open.set()
    page = sent_page(dsn, state="read")
    async with Downlinks(dsn, [door]):
        put(dsn, "carehub/responder/12/page", b"come", page=page)
        await asyncio.wait_for(settled(dsn), PATIENCE_S)
    with psycopg.connect(dsn) as conn:
        assert conn.execute("select state from page").fetchone() == ("read",)


def sent_page(dsn: str, state: str = "sent") -> int:
    """Write the least that a page needs around it."""
    with psycopg.connect(dsn) as conn, conn.transaction():
        who = conn.execute(
            "insert into person (name, role, created_at) values ('x', 'community', hub_now()) returning id"
        ).fetchone()
        policy = conn.execute(
            "insert into policy_version (sha256, body, active_from) values ('x', '', hub_now()) returning id"
        ).fetchone()
        assert who is not None
        assert policy is not None
        incident = conn.execute(
            "insert into incident (dedup_key, kind, severity, state, policy_version, policy_name, opened_at)"
            " values ('k', 'sos', 1, 'open', %s, 'p', hub_now()) returning id",
            (policy[0],),
        ).fetchone()
        assert incident is not None
        conn.execute("insert into timer values (%s, 'step', hub_now(), 0, 0)", (incident[0],))
        page = conn.execute(
            "insert into page (incident_id, round, step, person_id, role, channel, address, state, due_at, created_at)"
            " values (%s, 0, 0, %s, 'community', 'mqtt', 't', %s, hub_now(), hub_now()) returning id",
            (incident[0], who[0], state),
        ).fetchone()
    assert page is not None
    return int(page[0])


async def test_deliveries_go_on_after_a_restart_of_the_database(dsn: str, postgres: EmbeddedPostgres) -> None:
    door = Doorway()
    async with Downlinks(dsn, [door]):
        put(dsn, "t", b"before")
        postgres.stop()
        door.open.set()
        await asyncio.sleep(0.3)
        postgres.start()  # in this thread: the server dies with the one that started it
        put(dsn, "t", b"after")
        await asyncio.wait_for(settled(dsn), PATIENCE_S)
    assert [payload for _, payload, _ in door.sent] == [b"before", b"after"]


async def test_a_device_that_comes_back_is_sent_what_waits_for_it(dsn: str, listening: Callable[..., Any]) -> None:
    """The whole way: row, listener, device's PUBACK, row marked."""
    listener = await listening()
    async with Downlinks(dsn, [listener]):
        put(dsn, "carehub/w-1/command", b"first")
        put(dsn, "carehub/w-1/command", b"second")
        async with await Raw.open(listener.port) as device:
            await device.connect(clean=False)
            device.say(mqtt311.write_subscribe(1, [("carehub/w-1/command", 1)]))
            assert (await device.packet())[0] == 0x90
            first, body = await device.packet()
            assert (first, body[-5:]) == (0x32, b"first")
        assert undelivered(dsn) == 2  # heard, perhaps, but not acknowledged
        async with await Raw.open(listener.port) as device:
            assert await device.connect(clean=False) == b"\x20\2\1\0"
            first, body = await device.packet()
            assert (first, body[-5:]) == (0x3A, b"first")
            device.say(b"\x40\2" + body[-7:-5])
            first, body = await device.packet()
            assert (first, body[-6:]) == (0x32, b"second")
            device.say(b"\x40\2" + body[-8:-6])
            await asyncio.wait_for(settled(dsn), PATIENCE_S)
