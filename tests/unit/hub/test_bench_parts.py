"""What the benchmark measures with: packets, acknowledgements, CPU seconds. A wrong ruler measures nothing."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator

import pytest

from hub.bench import cost, load, wire
from hub.bench.cost import Snapshot
from hub.errors import HubError

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
def line() -> Iterator[tuple[load.Watch, socket.socket]]:
    """A watch and the hub's end of its line."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.settimeout(5)
    with ours, theirs:
        yield load.Watch(line=ours, head=load.head(7)), theirs


@pytest.mark.parametrize(
    ("size", "written"),
    [(0, b"\0"), (127, b"\x7f"), (128, b"\x80\x01"), (16_383, b"\xff\x7f"), (2_097_152, b"\x80\x80\x80\x01")],
)
def test_length_is_written_as_mqtt_writes_it(size: int, written: bytes) -> None:
    assert load.length(size) == written


def test_every_published_packet_is_whole_and_of_the_promised_size(line: tuple[load.Watch, socket.socket]) -> None:
    watch, hub = line
    assert watch.publish(1_790_000_000_000)
    assert watch.publish(1_790_000_000_005)
    size = 3 + 2 + len("carehub/bench00007/vitals") + 2 + load.PAYLOAD_BYTES
    got = hub.recv(10_000)
    assert len(got) == 2 * size
    for number, packet in enumerate((got[:size], got[size:]), start=1):
        assert packet[:3] == b"\x32" + load.length(size - 3)
        body = packet[-load.PAYLOAD_BYTES :]
        assert body.startswith(b'{"seq":%d,' % (load.FIRST_SEQUENCE + number))
        assert body.endswith(b'x"}')
        assert packet[-load.PAYLOAD_BYTES - 2 : -load.PAYLOAD_BYTES] == number.to_bytes(2, "big")


def test_packet_id_starts_anew_before_it_would_be_nought(line: tuple[load.Watch, socket.socket]) -> None:
    watch, hub = line
    watch.sent = 65_534
    watch.publish(0)
    watch.publish(0)
    got = hub.recv(10_000)
    ids = [half[-load.PAYLOAD_BYTES - 2 : -load.PAYLOAD_BYTES] for half in (got[: len(got) // 2], got)]
    assert ids == [b"\xff\xff", b"\x00\x01"]


def test_acknowledgement_that_comes_byte_by_byte_counts_once(line: tuple[load.Watch, socket.socket]) -> None:
    watch, hub = line
    counted = []
    for byte in b"\x40\x02\x00\x01\x40\x02\x00\x02":
        hub.sendall(bytes((byte,)))
        counted.append(watch.read())
    assert counted == [0, 0, 0, 1, 0, 0, 0, 1]
    assert watch.acknowledged == 2
    assert watch.read() == 0


def test_line_the_hub_closed_is_no_quiet_zero(line: tuple[load.Watch, socket.socket]) -> None:
    watch, hub = line
    hub.close()
    with pytest.raises(ConnectionError, match="closed under load"):
        watch.read()


def test_full_line_takes_no_message_and_cuts_none_in_two(line: tuple[load.Watch, socket.socket]) -> None:
    watch, hub = line
    while watch.publish(0):
        assert watch.sent < 100_000
    offered = watch.sent
    assert not watch.publish(0)
    assert watch.sent == offered
    size = len(load.head(7)) + 2 + load.PAYLOAD_BYTES
    missing, got = (offered + 1) * size, b""
    more = False
    while len(got) < missing:
        got += hub.recv(min(65_536, missing - len(got)))
        more = more or watch.publish(0)
    assert all(got[at : at + 3] == load.head(7)[:3] for at in range(0, missing, size))


def test_snapshot_says_cost_a_message_and_rates() -> None:
    before = Snapshot(at_s=10.0, sent=100, stored=50, cpu_s={"ingest": 1.0, "postgres": 2.0})
    after = Snapshot(at_s=12.0, sent=500, stored=250, cpu_s={"ingest": 1.01, "postgres": 2.0})
    told = after.since(before)
    assert told["ingest_us_per_msg"] == pytest.approx(50.0)
    assert told["postgres_us_per_msg"] == 0
    assert (told["offered_per_s"], told["stored_per_s"]) == (200.0, 100.0)


def test_nothing_stored_costs_much_and_divides_by_nothing() -> None:
    before = Snapshot(at_s=0.0, sent=0, stored=0, cpu_s={"ingest": 0.0})
    assert Snapshot(at_s=1.0, sent=9, stored=0, cpu_s={"ingest": 1.0}).since(before)["ingest_us_per_msg"] == 1e6


def test_family_pays_for_a_child_that_works_and_for_one_that_has_ended() -> None:
    burn = "import time\nwhile time.process_time() < 0.6: pass\nprint(flush=True)\ninput()"
    before = cost.family_cpu_s(os.getpid())
    own = cost.cpu_s(os.getpid())
    with subprocess.Popen([sys.executable, "-c", burn], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert child.pid in cost.children(os.getpid())
        living = cost.family_cpu_s(os.getpid())
        child.communicate(b"\n")
    assert living - before >= 0.55
    assert cost.family_cpu_s(os.getpid()) - before >= 0.55
    assert cost.cpu_s(os.getpid()) - own < 0.55


async def served(serve: Serve) -> tuple[asyncio.Server, int]:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await serve(reader, writer)

    server = await asyncio.start_server(once, "127.0.0.1", 0)
    return server, int(server.sockets[0].getsockname()[1])


async def test_bare_client_is_told_when_the_hub_refuses_it() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"\x20\x02\x00\x05")
        writer.close()

    server, port = await served(refuse)
    async with server:
        with pytest.raises(HubError, match=r"CONNACK .* for w-1"):
            await wire.BareMqtt(port, "w-1", "wrong").__aenter__()


async def test_bare_client_hears_and_acknowledges_a_page_while_it_waits_for_its_own() -> None:
    got: list[bytes] = []

    async def hub(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readexactly(2)
        connect = await reader.readexactly(head[1])
        got.append(connect[7:8])
        writer.write(b"\x20\x02\x00\x00")
        head = await reader.readexactly(2)
        publish = await reader.readexactly(head[1])
        got.append(publish)
        page = wire.text("t") + b"\x00\x09" + b"x" * 200
        writer.write(b"\x32" + load.length(len(page)) + page)
        got.append(await reader.readexactly(4))
        writer.write(b"\x40\x02" + publish[3:5])
        await reader.read()
        writer.close()
        await writer.wait_closed()
        hung_up.set()

    hung_up = asyncio.Event()
    heard: list[bytes] = []
    server, port = await served(hub)
    async with server, wire.BareMqtt(port, "w-1", "secret") as watch:
        watch.hear = lambda body, _at: heard.append(body)
        before = time.perf_counter()
        assert before < await watch.publish("t", b"{}") < time.perf_counter()
    await hung_up.wait()
    assert got == [b"\xc2", wire.text("t") + b"\x00\x01{}", b"\x40\x02\x00\x09"]
    assert heard == [b"x" * 200]


async def test_webhook_keeps_the_first_page_of_an_incident_and_answers_every_one() -> None:
    async with wire.Webhook() as phone:
        port = int(phone.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        firsts = []
        for body in (b'{"incident": 3}', b'{"incident": 3}', b'{"incident": 4}'):
            writer.write(b"POST / HTTP/1.1\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
            firsts.append(await phone.page_of(3))
        assert firsts[0] == firsts[1] == firsts[2] < await phone.page_of(4)
        writer.write_eof()
        assert await reader.read() == b""  # the phone hangs up as well
        writer.close()
        await writer.wait_closed()
