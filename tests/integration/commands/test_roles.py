"""Every role as a process: refuses to start without a database, gets ready, ends well at SIGTERM."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hub.ports import free_port
from tests.pages import page
from tests.patience import PATIENCE_S

PORTS = {
    "dispatch": "CAREHUB_METRICS_DISPATCH_PORT", "console": "CAREHUB_CONSOLE_PORT",
    "audit": "CAREHUB_METRICS_AUDIT_PORT",
}  # fmt: skip


def started(role: str, **given: str) -> subprocess.Popen[bytes]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CAREHUB_")}
    return subprocess.Popen(
        [sys.executable, "-m", "hub", role], env=inherited | given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def ready(port: int) -> bool:
    return page(port, "readyz")[0] == 200


@pytest.mark.parametrize("role", ["ingest", *PORTS])
def test_role_without_a_database_says_what_to_set_and_does_not_run(role: str, tmp_path: Path) -> None:
    with started(role, CAREHUB_RUN_DIR=str(tmp_path)) as process:
        try:
            told = process.communicate(timeout=PATIENCE_S)[0].decode()
        finally:
            process.kill()
    assert process.returncode == 2
    assert "CAREHUB_DATABASE_DSN" in told
    assert "Traceback" not in told


@pytest.mark.parametrize("role", list(PORTS))
def test_role_gets_ready_and_ends_well_when_told_to(role: str, dsn: str) -> None:
    port = free_port()
    with started(role, CAREHUB_DATABASE_DSN=dsn, **{PORTS[role]: str(port)}) as process:
        try:
            deadline = time.monotonic() + PATIENCE_S
            while not ready(port):
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            process.send_signal(signal.SIGTERM)
            told = process.communicate(timeout=PATIENCE_S)[0].decode()
        finally:
            process.kill()
    assert process.returncode == 0, told
    assert "Traceback" not in told
