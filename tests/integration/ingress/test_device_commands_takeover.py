"""One ingest process is killed with an order under way; its successor hears the answer and sends what was left."""

import asyncio
import re
import signal
from dataclasses import asdict
from typing import Any

import psycopg
import pytest

from devices.orders import Find, Locate, Order, Reboot
from hub.store import device_commands
from hub.store.pool import connect
from hub.web.device_orders import _line
from tests.integration.ingest.conftest import add_resident
from tests.integration.ingress.parts import Raw, until
from tests.integration.ingress.test_device_commands import gt06_long, hear
from tests.integration.ingress.test_gateway_takeover import WithGateway, processes
from tests.integration.ingress.trackers import IMEI, gt06_login

__all__ = ["processes"]
pytestmark = pytest.mark.anyio

TRACKER = f"gt06:{IMEI}"


async def ask(dsn: str, order: Order) -> int:
    async with await connect(dsn) as conn, conn.transaction():
        return await device_commands.ask(conn, TRACKER, "command:test", order)


def one(dsn: str, column: str, number: int) -> Any:
    with psycopg.connect(dsn) as conn:
        row = conn.execute(f"select {column} from device_command where id = %s".encode(), (number,)).fetchone()
    assert row is not None
    return row[0]


async def test_reboot_whose_sender_died_before_it_could_note_the_confirmation_is_not_sent_again(
    processes: tuple[WithGateway, WithGateway],
    dsn: str,
) -> None:
    first, second = processes
    device_id = add_resident(dsn, TRACKER)
    restarted = await ask(dsn, Reboot())
    with psycopg.connect(dsn) as holding:
        holding.execute("select from downlink for update")  # what is confirmed cannot be noted
        async with await Raw.open(first.tcp_port) as tracker:
            tracker.say(gt06_login())
            await hear(tracker, rb"\x80\x0a....RESET#")
            await asyncio.to_thread(first.end, signal.SIGKILL)
    await asyncio.to_thread(second.wait_page, "readyz", "ok")
    located = await ask(dsn, Locate())
    async with await Raw.open(second.tcp_port) as tracker:
        tracker.say(gt06_login(serial=2))
        heard = await hear(tracker, rb"\x80\x0a....(WHERE#|RESET#)")
        assert heard[1] == b"WHERE#"
        await until(lambda: one(dsn, "sent_at", located) is not None, 30.0)
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("update device_command set sent_at = sent_at - interval '3 minutes' where id = %s", (restarted,))
    async with await connect(dsn) as conn:
        told = next(row for row in await device_commands.of_device(conn, device_id) if row.id == restarted)
        line = _line(asdict(told), "zh")
    assert (told.state, told.failed, told.tries) == ("failed", "perhaps sent, not confirmed", 0)
    assert line["text"] == "可能已送达，未确认"


async def test_successor_hears_the_answer_and_sends_what_was_never_sent(
    processes: tuple[WithGateway, WithGateway],
    dsn: str,
) -> None:
    first, second = processes
    add_resident(dsn, TRACKER)
    async with await Raw.open(first.tcp_port) as tracker:
        tracker.say(gt06_login())
        await hear(tracker, rb"xx\x05\x01")
        located = await ask(dsn, Locate())
        told = await hear(tracker, rb"xx\x10\x80\x0a(?P<flag>....)WHERE#")
        await until(lambda: one(dsn, "sent_at", located) is not None, 30.0)
        await asyncio.to_thread(first.end, signal.SIGKILL)
    restarted = await ask(dsn, Reboot())
    await asyncio.to_thread(second.wait_page, "readyz", "ok")
    async with await Raw.open(second.tcp_port) as tracker:
        tracker.say(gt06_login(serial=2))
        heard = await hear(tracker, rb"\x80\x0a....(WHERE#|RESET#)")
        assert heard[1] == b"RESET#"  # what was sent is not sent twice in a hurry
        tracker.say(gt06_long(0x21, told["flag"] + b"\1Lat:N0", 3))
        await until(lambda: one(dsn, "answered_at", located) is not None, 45.0)
        await until(lambda: one(dsn, "sent_at", restarted) is not None, 30.0)
    assert one(dsn, "tries", located) == 1
    assert re.match("Lat", one(dsn, "answer", located))
    with pytest.raises(Exception, match="no words"):
        await ask(dsn, Find())
