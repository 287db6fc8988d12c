"""The embedded server: keeps its promises, survives a crash, never outlives its parent."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from hub.embedded import EmbeddedPostgres
from hub.store.pool import MigrationError, migrate, upgrade
from tests import given
from tests.patience import PATIENCE_S


def test_committed_rows_survive_a_killed_server(tmp_path: Path) -> None:
    server = EmbeddedPostgres(Path(f"/tmp/carehub-crash-{os.getpid()}"))
    server.start()
    try:
        with psycopg.connect(server.dsn(), autocommit=True) as conn:
            conn.execute("create table heard (id int)")
            conn.execute("insert into heard values (1)")
            for setting in ("fsync", "full_page_writes", "synchronous_commit"):
                assert conn.execute(f"show {setting}".encode()).fetchone() == ("on",)
        server.kill()
        server.start()
        with psycopg.connect(server.dsn()) as conn:
            assert conn.execute("select id from heard").fetchall() == [(1,)]
    finally:
        server.stop()
        subprocess.run(["rm", "-rf", str(server.home)], check=True)


@pytest.mark.skipif(bool(given.named()), reason="it is the embedded server's promise")
def test_server_needs_its_password(postgres: EmbeddedPostgres) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"postgresql://carehub:wrong@127.0.0.1:{postgres.port}/postgres")


def test_server_dies_with_a_killed_parent() -> None:
    home = Path(f"/tmp/carehub-orphan-{os.getpid()}")
    code = (
        "import sys, time; from pathlib import Path; from hub.embedded import EmbeddedPostgres;"
        f"s = EmbeddedPostgres(Path({str(home)!r})); s.start(); print(s.process.pid, flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    try:
        pid = int(parent.stdout.readline())
        parent.kill()
        parent.wait()
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and _running(pid):
            time.sleep(0.05)
        assert not _running(pid)
    finally:
        parent.kill()
        parent.wait()
        parent.stdout.close()
        subprocess.run(["rm", "-rf", str(home)], check=True)


def _running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_migration_runs_once(dsn: str) -> None:
    assert migrate(dsn) == []


async def test_edited_migration_is_refused(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("update schema_migration set sha256 = 'other'")
    with pytest.raises(MigrationError, match="another text"):
        await upgrade(dsn)


def test_database_refuses_a_silent_incident(dsn: str) -> None:
    with psycopg.connect(dsn) as conn:
        conn.execute("insert into policy_version (sha256, body, active_from) values ('x', '', hub_now())")
        conn.execute(
            "insert into incident (dedup_key, kind, severity, state, policy_version, policy_name, opened_at)"
            " select 'resident:1', 'sos', 1, 'open', id, 'x', hub_now() from policy_version"
        )
        with pytest.raises(psycopg.errors.RaiseException, match="without a timer"):
            conn.commit()
