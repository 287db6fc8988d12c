"""A server of another release of PostgreSQL than ours is backed up, and comes back as the refusal to restore says."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hub.config import Settings
from hub.embedded import EmbeddedPostgres
from hub.keeping.base import make, verify
from hub.keeping.restoring import restore
from hub.keeping.shelf import BackupError, backups
from hub.keeping.tools import Tools
from hub.store.pool import migrate
from tests.conftest import place
from tests.integration.keeping.conftest import Site
from tests.integration.keeping.test_restore import pressed

DEBIANS = Path("/usr/lib/postgresql")


class Debians(EmbeddedPostgres):
    """Debian's server, started as ours is."""

    def _binaries(self) -> Path:
        ours = EmbeddedPostgres._binaries(self)
        for programs in sorted(DEBIANS.glob("*/bin/initdb")):
            if programs.resolve().parent != ours:
                return programs.parent
        pytest.skip("PostgreSQL is missing: apt-get install postgresql")


class Elsewhere(Site):
    """A hub whose database is not the one it brings."""

    def found(self, run_dir: Path) -> None:
        self.run_dir = run_dir
        self.run_dir.mkdir(parents=True)
        self.server = Debians(self.folder / "server")


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    folder = place() / f"carehub-test-elsewhere-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    one = Elsewhere(folder)
    one.server.start()
    try:
        migrate(one.dsn)
        yield one
    finally:
        for each in one.followers:
            each.terminate()
            each.wait()
        one.server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def other(tools: Tools, site: Site) -> None:
    if site.value("select current_setting('server_version_num')::int / 10000") == tools.release:
        pytest.skip("Debian's PostgreSQL is of our release")


def test_copy_of_a_server_of_another_release_is_held_against_its_manifest(elsewhere: Elsewhere) -> None:
    other(elsewhere.tools, elsewhere)
    made = make(replace(Settings(), run_dir=elsewhere.run_dir), elsewhere.tools, elsewhere.shelf)
    assert not made.backup.embedded
    verify(elsewhere.tools, made.backup.cluster)
    file = max((made.backup.cluster / "base").rglob("*"), key=lambda one: one.stat().st_size)
    with file.open("r+b") as out:
        out.seek(file.stat().st_size // 2)
        out.write(b"\0carehub\0")
    with pytest.raises(BackupError, match="checksum mismatch"):
        verify(elsewhere.tools, made.backup.cluster)


async def test_press_comes_back_on_a_server_of_that_release(elsewhere: Elsewhere) -> None:
    site = elsewhere
    other(site.tools, site)
    site.residents(2)
    async with site.hub() as hub:
        await pressed(hub, "w1")
        await asyncio.to_thread(site.follow)
        await pressed(hub, "w2")
        await asyncio.to_thread(site.fetched)
    site.server.kill()
    for each in site.followers:
        each.terminate()
        each.wait()
    site.followers.clear()

    (backup,) = backups(site.shelf)
    with pytest.raises(BackupError, match=r"of a server of its own \(PostgreSQL \d+\)\. On that server, stopped:"):
        restore(backup, site.folder / "run2", None)
    shutil.rmtree(site.server.data)
    shutil.copytree(backup.cluster, site.server.data)
    (site.server.data / "recovery.signal").touch()
    log = site.folder / "log"
    shutil.copytree(backup.log, log)
    for partial in log.glob("*.partial"):
        partial.rename(partial.with_suffix(""))
    site.server.data.chmod(0o700)
    if not site.server.account.is_us:
        for file in (site.server.data, *site.server.data.rglob("*"), log, *log.iterdir()):
            os.chown(file, site.server.account.uid, site.server.account.gid)
    site.server.start({"restore_command": f'cp "{log}/%f" "%p"', "recovery_target_action": "promote"})
    site.until(lambda: not site.value("select pg_is_in_recovery()"), "it reads its log for ever")
    assert site.value("select count(*) from incident where kind = 'sos'") == 2
