"""A hub's own PostgreSQL with presses coming in, a folder of backups, and the disaster that takes the first away."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hub.config import Settings
from hub.embedded import EmbeddedPostgres
from hub.ingest import Ingest
from hub.keeping.follow import SLOT
from hub.keeping.shelf import backups
from hub.keeping.tools import Tools
from hub.store.pool import connect, migrate
from tests.conftest import place
from tests.integration.ingest.conftest import Hub, add_resident, settings
from tests.patience import PATIENCE_S

CAUGHT_UP = (
    "select r.write_lsn >= %s::text::pg_lsn from pg_stat_replication r"
    f" join pg_replication_slots s on s.active_pid = r.pid where s.slot_name = '{SLOT}'"
)


@dataclass
class Site:
    """One machine's run folder and the folder of its backups."""

    folder: Path
    run_dir: Path = field(init=False)
    server: EmbeddedPostgres = field(init=False)
    followers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.shelf = self.folder / "shelf"
        self.found(self.folder / "run")

    def found(self, run_dir: Path) -> None:
        """From here on the hub lives in this folder."""
        self.run_dir = run_dir
        self.server = EmbeddedPostgres(run_dir)

    def start(self) -> list[str]:
        """Start the database as `carehub up` does; returns the migrations that ran."""
        self.server.start()
        return migrate(self.dsn)

    @property
    def dsn(self) -> str:
        return self.server.dsn()

    @property
    def settings(self) -> Settings:
        return replace(Settings(), run_dir=self.run_dir)

    @property
    def tools(self) -> Tools:
        return Tools(self.dsn, self.run_dir)

    def carehub(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the command line on this machine."""
        return subprocess.run(
            [sys.executable, "-m", "hub", *words], env=self.environ, capture_output=True, text=True, check=False,
            timeout=PATIENCE_S,
        )  # fmt: skip

    @property
    def environ(self) -> dict[str, str]:
        plain = {name: value for name, value in os.environ.items() if not name.startswith("CAREHUB_")}
        return plain | {"CAREHUB_RUN_DIR": str(self.run_dir), "CAREHUB_DATABASE_DSN": self.dsn}

    def follow(self) -> None:
        """Start to follow the log, and wait for the base backup that comes with it."""
        before = len(backups(self.shelf))
        self.follow_again()
        self.until(lambda: len(backups(self.shelf)) > before, "no base backup")

    def follow_again(self) -> None:
        """Start to follow the log where a base backup is there already."""
        with (self.folder / "follow.log").open("ab") as out:
            command = [sys.executable, "-m", "hub", "backup", "--to", str(self.shelf), "--follow"]
            self.followers.append(subprocess.Popen(command, env=self.environ, stdout=out, stderr=out))

    def fetched(self) -> None:
        """Wait until all that is committed lies in the folder of backups."""
        now = self.value("select pg_current_wal_lsn()::text")
        self.until(lambda: self.value(CAUGHT_UP, now), "the log is not fetched")

    def until(self, condition: Callable[[], Any], otherwise: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, f"{otherwise}: {(self.folder / 'follow.log').read_text()[-2000:]}"
            time.sleep(0.05)

    def value(self, query: str, *values: Any) -> Any:
        with psycopg.connect(self.dsn, autocommit=True) as conn:
            row = conn.execute(query.encode(), values).fetchone()
            return None if row is None else row[0]

    def moment(self) -> datetime:
        """Return the database's time now."""
        at: datetime = self.value("select clock_timestamp()")
        return at

    def disaster(self) -> None:
        """The server is killed, and its run folder is gone."""
        self.server.kill()
        for each in self.followers:
            each.terminate()
            each.wait(PATIENCE_S)
        self.followers.clear()
        shutil.rmtree(self.run_dir)

    @asynccontextmanager
    async def hub(self) -> AsyncIterator[Hub]:
        """A running ingest on the database."""
        async with await connect(self.dsn) as conn, Ingest(settings(), self.dsn) as ingest:
            yield Hub(ingest, conn)

    def residents(self, many: int) -> None:
        """Register so many, with buttons w1, w2 …"""
        for number in range(1, many + 1):
            add_resident(self.dsn, f"carehub:w{number}")


@pytest.fixture(scope="session")
def new_cluster() -> Iterator[Path]:
    """A run folder with an empty database of this release, stopped: to be copied."""
    folder = place() / f"carehub-test-empty-{os.getpid()}"
    server = EmbeddedPostgres(folder)
    server.start()
    migrate(server.dsn())
    server.stop()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def site(new_cluster: Path) -> Iterator[Site]:
    """A machine with a running database, away from the one other tests use."""
    folder = place() / f"carehub-test-keeping-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    subprocess.run(["cp", "-a", str(new_cluster), str(folder / "run")], check=True)
    one = Site(folder)
    one.server.start()
    try:
        yield one
    finally:
        for each in one.followers:
            each.terminate()
            each.wait(PATIENCE_S)
        one.server.stop()
        shutil.rmtree(folder, ignore_errors=True)
