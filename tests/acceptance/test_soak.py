"""Nothing accepted is lost and nothing falls silent, whatever is done to the hub while fifty people press.

Its processes are killed and frozen, its database is stopped hard, its lines are cut at COMMIT, its clock is set back
and forth. `CAREHUB_SOAK_KILLS=100` is the long form (`make soak`). Every run prints its seed; `CAREHUB_SOAK_SEED` plays
it again.
"""

import asyncio
import os
import random
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from hub.bench.stack import Stack
from hub.embedded import EmbeddedPostgres
from tests.acceptance.receiver import webhook
from tests.acceptance.soak import evidence, hands, verdict
from tests.acceptance.soak.cutter import Cut, Cutter
from tests.acceptance.soak.hands import Hands, Spare
from tests.acceptance.soak.street import Street, settle
from tests.conftest import Mosquitto

HURTS = int(os.environ.get("CAREHUB_SOAK_KILLS", "16"))
SEED = int(os.environ.get("CAREHUB_SOAK_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
DEVICES = 50
QUIET_LIMIT_S = 120.0  # afterwards: everything accepted is in its place within this
BACK_LIMIT_S = 300.0  # … and who was frozen before it had answered once is replaced, which takes the supervisor longest
CLOCK_MAY_BE_OFF_S = 2 * 3600.0


@pytest.fixture
def run_dir() -> Iterator[Path]:
    folder = Path(f"/tmp/carehub-soak-{os.getpid()}")  # the embedded server's account must be able to enter it
    yield folder
    if not os.environ.get("CAREHUB_SOAK_KEEP"):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def server(run_dir: Path) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL beside the hub, so that the line between them can be cut."""
    run_dir.mkdir(parents=True, exist_ok=True)
    server = EmbeddedPostgres(run_dir / "database")
    server.start()
    yield server
    server.stop()


async def test_nothing_accepted_is_lost_while_everything_is_hurt(
    run_dir: Path, server: EmbeddedPostgres, mosquitto: Callable[..., Mosquitto]
) -> None:
    print(f"CAREHUB_SOAK_SEED={SEED} CAREHUB_SOAK_KILLS={HURTS}", flush=True)
    key = secrets.token_hex(16)
    broker = mosquitto()
    async with Cutter(server.port) as cutter:
        line = cutter.through(server.dsn())
        stack = Stack(run_dir / "hub", {
            "CAREHUB_SECRETS_WEBHOOK_KEY": key,
            "CAREHUB_SECRETS_LINK_KEY": secrets.token_hex(16),
            "CAREHUB_BRIDGE_ENABLED": "true",
            "CAREHUB_BRIDGE_PORT": str(broker.port),
            "CAREHUB_DATABASE_DSN": line,
            "CAREHUB_DISPATCH_LEASE_S": str(hands.LEASE_S),
            "CAREHUB_DISPATCH_WEBHOOK_TIMEOUT_S": str(hands.WEBHOOK_TIMEOUT_S),
        })  # fmt: skip
        spare = Spare(run_dir, stack.environ, line)
        with webhook(key, skew_s=CLOCK_MAY_BE_OFF_S) as (receiver, url):
            await asyncio.to_thread(stack.start)
            try:
                spare.start()
                ports = (stack.listener_port, broker.port)
                street = await settle(
                    server.dsn(), line, receiver, (url, stack.console_url), devices=DEVICES, ports=ports, seed=SEED
                )
                rng = random.Random(SEED)
                hurting = Hands(stack=stack, spare=spare, server=server, broker=broker, cutter=cutter, rng=rng)
                started = time.monotonic()
                async with street.clerk.at_work():
                    await live_through(street, hurting, server.dsn())
                    await eventually(lambda: verdict.unfinished(server.dsn()), QUIET_LIMIT_S)
                    await eventually(lambda: verdict.not_back(server.dsn(), hurting, street.clerk), BACK_LIMIT_S)
                faults = verdict.account(server.dsn(), street)
                print(f"{dict(hurting.done)} in {time.monotonic() - started:.0f} s", flush=True)
                print(verdict.summary(server.dsn(), street), flush=True)
            except BaseException:
                print(evidence.sessions(server.dsn()), evidence.tails(run_dir, broker.folder), sep="\n", flush=True)
                raise
            finally:
                await asyncio.to_thread(spare.stop)
                await asyncio.to_thread(stack.stop)
        assert faults == [], f"seed {SEED}: " + "\n".join(faults[:20])


async def test_line_cut_at_commit_leaves_the_caller_in_doubt_and_the_truth_on_disk(dsn: str) -> None:
    """The cutter itself: what is cut before COMMIT is not there, what is cut after it is."""
    port = psycopg.conninfo.conninfo_to_dict(dsn)["port"]
    assert port is not None
    async with Cutter(int(port)) as cutter:
        for how, there in ((Cut.BEFORE, False), (Cut.AFTER, True)):
            conn = await psycopg.AsyncConnection.connect(cutter.through(dsn), autocommit=True)
            cutting = asyncio.create_task(cutter.cut(how))
            await asyncio.sleep(0)
            with pytest.raises(psycopg.OperationalError):
                async with conn.transaction():
                    await conn.execute("insert into heartbeat values (%s, hub_now())", (how,))
            assert await cutting
            with psycopg.connect(dsn) as direct:
                row = direct.execute("select count(*) from heartbeat where role = %s", (how,)).fetchone()
            assert row == (int(there),)


async def test_wearer_who_still_waits_is_named_with_what_the_tables_know(dsn: str) -> None:
    """The evidence itself: it is needed once in a hundred runs, and must not fail then."""
    with webhook("key") as (receiver, url):
        street = await settle(dsn, dsn, receiver, (url, url), devices=2, ports=(1, 1), seed=1)
    (first, second), identity = street.wearers, "b0c1d2e3f405"
    first.waits["vitals"] = "PUBACK of vitals 7", time.monotonic()
    second.waits["word"], second.pressing = (f"收到 to press {identity}", time.monotonic()), identity
    assert [re.sub(r"\d+ s", "… s", line) for line in evidence.unfinished(dsn, street.wearers)] == [
        "t00000 (listener, not connected for … s, 0 connects, 0 failures): waits … s for PUBACK of vitals 7",
        f"t00001 (broker, not connected for … s, 0 connects, 0 failures): waits … s for 收到 to press {identity}",
        f"    press {identity} of … s ago: is not stored",
        f"    press {identity} of … s ago: no downlink speaks of it",
    ]
    with psycopg.connect(dsn) as conn:
        conn.execute(
            "insert into downlink (topic, payload, device_id, created_at, expires_at) values"
            " (%s, %s, %s, '2026-11-22 04:00:00Z', '2026-11-22 04:00:01Z')",
            (f"carehub/{second.home.watch}/command", f'{{"say":"received","id":"{identity}"}}'.encode(),
             second.home.device_id),
        )  # fmt: skip
    assert evidence.unfinished(dsn, [second])[-1].endswith("of 04:00:00 has expired")
    assert " | active | " in evidence.sessions(dsn)


async def live_through(street: Street, hurting: Hands, direct: str) -> None:
    """Stream and press until the hands have done their worst and every press that was begun has been answered."""
    until = asyncio.Event()
    lines = [asyncio.create_task(w.line.run(), name=w.home.watch) for w in street.wearers]
    lives = [asyncio.create_task(w.live(until)) for w in street.wearers]
    closing = asyncio.create_task(street.close_incidents(until))
    try:
        await hurting.hurt(HURTS)
        until.set()
        done, pending = await asyncio.wait((*lives, closing), timeout=QUIET_LIMIT_S)
        if pending:
            who = "\n".join([*evidence.unfinished(direct, street.wearers), *(["the operators"] * (closing in pending))])
            raise AssertionError(f"seed {SEED}: not ended {QUIET_LIMIT_S:.0f} s after the last blow:\n{who}")
        for task in done:
            task.result()
    finally:
        for task in (*lines, *lives, closing):
            task.cancel()
        await asyncio.gather(*lines, *lives, closing, return_exceptions=True)


async def eventually(remaining: Callable[[], list[str]], limit_s: float) -> None:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        with suppress(psycopg.OperationalError):
            if not await asyncio.to_thread(remaining):
                return
        await asyncio.sleep(0.5)
    if left := remaining():
        raise AssertionError(f"seed {SEED}: after {limit_s:.0f} s there are still:\n" + "\n".join(left[:20]))
