"""A connection and a morning; a PostgreSQL on a disk of its own that can really be filled, and an ingest on it."""

import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path
from typing import LiteralString

import pytest

from hub.embedded import EmbeddedPostgres
from hub.store import partitions
from hub.store.pool import Connection, connect, migrate
from tests.integration.ingest.conftest import hub

__all__ = ["hub"]

DISK_MB = 320
SMALL = {"max_wal_size": "64MB", "min_wal_size": "32MB", "shared_buffers": "16MB", "wal_buffers": "1MB"}


@pytest.fixture
async def conn(dsn: str) -> AsyncIterator[Connection]:
    async with await connect(dsn) as conn:
        yield conn


@pytest.fixture
async def now(conn: Connection) -> datetime:
    return await clock_says(conn, "date_trunc('day', now(), 'UTC') + interval '9:30'")


async def clock_says(conn: Connection, moment: LiteralString) -> datetime:
    """Ask the server for a moment, and have there be tables for it."""
    row = await (await conn.execute(f"select {moment}")).fetchone()
    assert row is not None
    at: datetime = row[0]
    await partitions.ensure(conn, at)
    return at


class Disk:
    """A small file system in memory, and what fills it."""

    def __init__(self, place: Path) -> None:
        self.place = place

    @property
    def free(self) -> int:
        told = os.statvfs(self.place)
        return told.f_bavail * told.f_frsize

    def leave(self, megabytes: float) -> None:
        """Fill it, or make room, until so much is free."""
        file = self.place / "somebody-elses"
        has = file.stat().st_size if file.exists() else 0
        size = has + self.free - int(megabytes * (1 << 20))
        with file.open("ab") as out:
            if size < has:
                out.truncate(max(0, size))
            else:
                os.posix_fallocate(out.fileno(), 0, size)


@pytest.fixture(scope="module")
def disk() -> Iterator[Disk]:
    place = Path(f"/tmp/carehub-full-{os.getpid()}")
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=0755", "carehub-test", str(place)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"a disk to fill cannot be mounted here: {done.stderr.strip()}")
        yield Disk(place)
        subprocess.run(["umount", "-l", str(place)], check=True)
    finally:
        shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="module")
def small(disk: Disk) -> Iterator[EmbeddedPostgres]:
    """A migrated server on that disk."""
    server = EmbeddedPostgres(disk.place / "hub")
    server.start(SMALL)
    try:
        migrate(server.dsn())
        yield server
    finally:
        server.stop()
