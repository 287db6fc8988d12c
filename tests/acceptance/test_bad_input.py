"""Bad input at the whole hub: ten people press among ten thousand broken messages, and every one of them is heard.

Every bad message is counted once and kept, the newest within `ingest.unreadable_keep_mb`; no process is replaced.
"""

import asyncio
import os
import random
import shutil
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import aiomqtt
import psycopg
import pytest

from hub.bench import town
from hub.bench.stack import Stack
from hub.store import devices, policies
from hub.store.devices import Credential
from hub.store.pool import connect
from simulator.encoders import carehub as words
from simulator.line import Line
from simulator.neighbourhood import Endpoint
from tests.patience import PATIENCE_S

SEED = 20261121
PRESSES = 10
BAD = 10_000  # of these, so many come as bytes that are no packet or frame, one connection each:
NOISE = {"listener": 240, "gateway": 240, "megabyte": 20}
LARGE = 60  # … and so many as payloads of 200,000 bytes, three times what may be kept
KEEP_MB = 4
TOGETHER = 40  # messages one sender has on the way
LIMIT_S = 120.0
ROLES = ("ingest", "dispatch", "console", "audit")

KINDS: tuple[tuple[str, Callable[[random.Random], bytes]], ...] = (
    ("event", lambda rng: rng.randbytes(rng.randrange(1, 300))),
    ("vitals", lambda rng: b"\xff" + rng.randbytes(40)),
    ("event", lambda _: b'{"event":"sos","id":"1'),
    ("event", lambda _: b'{"event":7,"at":"1970-01-01T00:00:00Z","hr":{}}'),
    ("event", lambda _: b'{"event":NaN,"hr":Infinity,"at":4102444800}'),
    ("event", lambda _: b'{"event":"\\u0000\\ud800"}'),
    ("event", lambda _: b'{"event":["sos"],"seq":-1e999}'),
    ("vitals", lambda _: b"[" * 5_000),
    ("vitals", lambda _: b'{"hr":' * 5_000),
    ("vitals", lambda _: b'{"hr":70,"seq":'),
    ("accel", lambda _: b'{"rate_hz":1e308,"first":0,"acc":[[1,2],"x"]}'),
    ("accel", lambda _: b'{"rate_hz":50,"first":0,"acc_b64":"AAA"}'),
    ("status", lambda _: b'"\\u0000"'),
    ("status", lambda _: b"9" * 6_000),
)  # fmt: skip


@pytest.fixture
def run_dir() -> Iterator[Path]:
    folder = Path(f"/tmp/carehub-bad-{os.getpid()}")  # the embedded server's account must be able to enter it
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


async def test_ten_presses_among_ten_thousand_bad_messages_open_ten_incidents(
    run_dir: Path, hub_environ: dict[str, str]
) -> None:
    rng = random.Random(SEED)
    told = {"CAREHUB_GATEWAY_ENABLED": "true", "CAREHUB_INGEST_UNREADABLE_KEEP_MB": str(KEEP_MB)}
    with Stack(run_dir, told | hub_environ) as hub:
        homes, broken = await settle(hub)
        before = {role: hub.pids()[role] for role in ROLES}
        async with asyncio.timeout(LIMIT_S):
            await asyncio.gather(
                *(press(hub, home, rng.uniform(0.2, 6.0)) for home in homes),
                *(send(hub, one, rubbish(rng, BAD - sum(NOISE.values()), at, len(broken))) for at, one in broken),
                noise(hub, broken[0][1], rng),
            )
        await eventually(lambda: counted(hub) >= BAD)
        assert counted(hub) == BAD
        with psycopg.connect(hub.dsn) as conn:
            opened = conn.execute(
                "select count(*), count(distinct resident_id) from incident i join resident r on r.id = i.resident_id"
                " where kind = 'sos' and not r.canary"
            )
            assert opened.fetchone() == (PRESSES, PRESSES)
            kept = conn.execute("select sum(octet_length(payload) + octet_length(topic)) from unreadable").fetchone()
            assert kept is not None
            assert KEEP_MB << 19 < kept[0] <= KEEP_MB << 20
            assert conn.execute("select count(*) from unreadable where error = ''").fetchone() == (0,)
        assert {role: hub.pids()[role] for role in ROLES} == before


async def settle(hub: Stack) -> tuple[list[town.Home], list[tuple[int, Credential]]]:
    """Ten residents with watches, and eight devices that send nothing but rubbish."""
    async with await connect(hub.dsn) as conn:
        await policies.publish(conn, town.POLICY)
        await town.add_person(conn, "坐席", "operator")
        homes = await town.provision(conn, PRESSES, "http://127.0.0.1:9/nobody")
        names = [f"broken-{number}" for number in range(8)]
        broken = [await devices.issue_credential(conn, name, "device", f"carehub/{name}/") for name in names]
    return homes, list(enumerate(broken))


async def press(hub: Stack, home: town.Home, after_s: float) -> None:
    """Press once, as a watch does, and return when the hub has it."""
    line = Line(Endpoint(host="127.0.0.1", port=hub.listener_port), home.credential.username, home.credential.secret)
    running = asyncio.create_task(line.run())
    await asyncio.sleep(after_s)  # at a moment of her own, not to wait for something
    await line.publish(words.topic(home.watch, "event"), words.event(1, datetime.now(UTC), "sos", "1"))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def rubbish(rng: random.Random, total: int, at: int, senders: int) -> list[tuple[str, bytes]]:
    """Return one sender's share of (kind of topic, payload)."""
    mine = range(at, total, senders)
    made = []
    for number in mine:
        kind, make = KINDS[number % len(KINDS)]
        large = number < LARGE * (total // LARGE) and number % (total // LARGE) == 0
        made.append(("event", b"x" * 200_000) if large else (kind, make(rng)))
    return made


async def send(hub: Stack, who: Credential, messages: Sequence[tuple[str, bytes]]) -> None:
    """Publish through MQTT 3.1.1 or 5; returns when every message was acknowledged."""
    version = aiomqtt.ProtocolVersion.V5 if int(who.username[-1]) % 2 else aiomqtt.ProtocolVersion.V311
    client = aiomqtt.Client(
        "127.0.0.1", hub.listener_port, username=who.username, password=who.secret, protocol=version,
        max_concurrent_outgoing_calls=TOGETHER * 2,
    )  # fmt: skip
    async with client:
        for start in range(0, len(messages), TOGETHER):
            await asyncio.gather(*(
                client.publish(words.topic(who.username, kind), payload, qos=1, timeout=60)
                for kind, payload in messages[start : start + TOGETHER]
            ))  # fmt: skip


async def noise(hub: Stack, who: Credential, rng: random.Random) -> None:
    """Bytes that are no packet and no frame, and packets too large to be taken; one connection each."""
    name, secret = who.username.encode(), who.secret.encode()
    body = b"\0\4MQTT\4\xc2\0\x3c\0\1n" + b"".join(len(part).to_bytes(2) + part for part in (name, secret))
    hello = b"\x10" + bytes((len(body),)) + body
    topic = words.topic(who.username, "event").encode()
    huge = b"\x30\x80\x80\x40" + len(topic).to_bytes(2) + topic + b"x" * (1 << 20)
    mqtt, tcp = hub.listener_port, int(hub.word["gateway"][1])
    for _ in range(NOISE["listener"]):
        await throw(mqtt, rng.choice([b"\x20", b"\xf0", b"\0", b"[3G*"]) + rng.randbytes(200))
    for _ in range(NOISE["gateway"]):
        await throw(tcp, bytes(set(rng.randbytes(200)) - set(b"[]")) + b"]")
    for _ in range(NOISE["megabyte"]):
        await throw(mqtt, hello + huge)


async def throw(port: int, data: bytes) -> None:
    """Send bytes and wait until they are taken or the hub has had enough."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with suppress(OSError):
        writer.write(data)
        await writer.drain()
        writer.write_eof()
        await reader.read()
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


def counted(hub: Stack) -> int:
    """Return how many unreadable messages ingest says it has kept."""
    url = f"http://127.0.0.1:{hub.environ['CAREHUB_METRICS_INGEST_PORT']}/metrics"
    with urllib.request.urlopen(url, timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    return int(sum(float(line.split()[1]) for line in lines if line.startswith("carehub_unreadable_messages_total ")))


async def eventually(condition: Callable[[], bool], limit_s: float = PATIENCE_S) -> None:
    """Wait until something is true, at most so long; the assertion behind it says what was not."""
    deadline = time.monotonic() + limit_s
    while not await asyncio.to_thread(condition) and time.monotonic() < deadline:  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.1)
