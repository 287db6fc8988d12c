"""The primary is lost and its standby promoted: presses are acknowledged before and after, and none is lost between."""

import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest

from hub.embedded import EmbeddedPostgres
from hub.ingest import Ingest
from hub.store.pool import connect, migrate
from tests.conftest import place
from tests.integration.ingest.conftest import Hub, add_resident, eventually, settings
from tests.patience import PATIENCE_S


class Pair:
    """A primary and the standby that follows it."""

    def __init__(self, primary: EmbeddedPostgres, standby: EmbeddedPostgres) -> None:
        self.primary, self.standby = primary, standby

    @property
    def dsn(self) -> str:
        """The address a hub is given: both hosts, and whichever may be written to."""
        user, _, rest = self.primary.dsn().removeprefix("postgresql://").partition("@")
        name = rest.partition("/")[2]
        hosts = ",".join(f"127.0.0.1:{server.port}" for server in (self.primary, self.standby))
        return f"postgresql://{user}@{hosts}/{name}?target_session_attrs=read-write&connect_timeout=3"

    def promote(self) -> None:
        with psycopg.connect(self.standby.dsn(), autocommit=True) as conn:
            conn.execute("select pg_promote()")


def copied(primary: EmbeddedPostgres, home: Path) -> EmbeddedPostgres:
    """Make a standby as an administrator does: pg_basebackup -R."""
    standby = EmbeddedPostgres(home)
    home.mkdir(parents=True)
    shutil.copy(primary.home / "postgres.password", home / "postgres.password")
    address = primary.dsn("postgres").partition("?")[0]
    subprocess.run(
        [primary.tool("pg_basebackup"), "-d", address, "-D", str(standby.data), "-R", "-c", "fast", "-X", "stream"],
        check=True, capture_output=True,
    )  # fmt: skip
    if not standby.account.is_us:
        for file in (standby.data, *standby.data.rglob("*")):
            os.chown(file, standby.account.uid, standby.account.gid, follow_symlinks=False)
    return standby


@pytest.fixture
def pair() -> Iterator[Pair]:
    base = place() / f"carehub-test-{os.getpid()}"
    primary = EmbeddedPostgres(base / "primary")
    primary.start({"shared_buffers": "16MB"})
    migrate(primary.dsn())
    standby = copied(primary, base / "standby")
    standby.start({"shared_buffers": "16MB"})
    # Committed means: on the standby as well. Else the last presses before the loss would be the primary's alone.
    with psycopg.connect(primary.dsn(), autocommit=True) as conn:
        conn.execute("alter system set synchronous_standby_names = '*'")
        conn.execute("select pg_reload_conf()")
        deadline = time.monotonic() + PATIENCE_S
        while conn.execute("select count(*) from pg_stat_replication where sync_state = 'sync'").fetchone() != (1,):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    try:
        yield Pair(primary, standby)
    finally:
        primary.stop()
        standby.stop()
        shutil.rmtree(base / "primary", ignore_errors=True)
        shutil.rmtree(base / "standby", ignore_errors=True)


@pytest.fixture
async def hub(anyio_backend: str, pair: Pair) -> AsyncIterator[Hub]:
    async with await connect(pair.dsn) as conn, Ingest(settings(), pair.dsn) as ingest:
        yield Hub(ingest, conn)


async def test_presses_before_during_and_after_a_failover_are_all_there(hub: Hub, pair: Pair) -> None:
    add_resident(pair.primary.dsn())
    before = [hub.press(f"w{number}", id=str(number)) for number in range(10)]
    await hub.done()
    assert sorted(hub.line.acknowledged) == before

    pair.primary.kill()
    during = [hub.press(f"w{number}", id=str(number)) for number in range(10, 20)]
    assert sorted(hub.line.acknowledged) == before  # nobody is told what no database has
    pair.promote()
    async with await connect(pair.standby.dsn()) as conn:

        async def all_there() -> bool:
            return len(hub.line.acknowledged) == 20

        await eventually(all_there)
        after = hub.press("w20", id="20")
        await hub.done()
        assert sorted(hub.line.acknowledged) == sorted([*before, *during, after])
        row = await (await conn.execute("select count(*) from incident where kind = 'sos'")).fetchone()
        assert row == (21,)
        row = await (await conn.execute("select count(*) from raw_batch where messages = 1")).fetchone()
        assert row is not None
        assert row[0] >= 21
