"""`carehub ingest` as a process: ready, heard by mosquitto_pub, ends in good order, killed without loss."""

import asyncio
import hashlib
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from hub.ports import free_port
from tests.conftest import need
from tests.integration.ingest.conftest import add_resident
from tests.pages import page
from tests.patience import PATIENCE_S


class Process:
    """One ingest process on its own ports."""

    def __init__(self, dsn: str, folder: Path) -> None:
        self.dsn, self.folder = dsn, folder
        self.port, self.metrics_port = free_port(), free_port()
        self.popen: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        given = {
            "CAREHUB_DATABASE_DSN": self.dsn, "CAREHUB_LISTENER_PORT": str(self.port),
            "CAREHUB_METRICS_INGEST_PORT": str(self.metrics_port), "CAREHUB_RUN_DIR": str(self.folder),
        }  # fmt: skip
        with (self.folder / "ingest.log").open("ab") as log:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "hub", "ingest"], env={**os.environ, **given}, stdout=log, stderr=log
            )

    def end(self, how: signal.Signals) -> int:
        assert self.popen is not None
        self.popen.send_signal(how)
        return self.popen.wait(PATIENCE_S)

    def page(self, name: str) -> tuple[int, str]:
        return page(self.metrics_port, name)

    def wait_page(self, name: str, text: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.page(name)[1]:
            assert time.monotonic() < deadline, (self.folder / "ingest.log").read_text()[-3000:]
            time.sleep(0.05)

    def publish(self, topic: str, body: str) -> None:
        """mosquitto_pub ends well only when the hub has acknowledged."""
        command = [
            need("mosquitto_pub", "mosquitto-clients"),
            "-p",
            str(self.port),
            "-u",
            "w1",
            "-P",
            "secret",
            "-q",
            "1",
        ]
        subprocess.run([*command, "-t", topic, "-m", body], check=True, timeout=PATIENCE_S)


@pytest.fixture
def process(dsn: str, tmp_path: Path) -> Iterator[Process]:
    device_id = add_resident(dsn)
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(
            "insert into credential (username, secret_sha256, kind, topic_prefix, device_id, created_at)"
            " values ('w1', %s, 'device', 'carehub/w1/', %s, now())",
            (hashlib.sha256(b"secret").digest(), device_id),
        )
    running = Process(dsn, tmp_path)
    running.start()
    try:
        running.wait_page("readyz", "ok")
        yield running
    finally:
        if running.popen is not None and running.popen.poll() is None:
            running.end(signal.SIGKILL)


def count(dsn: str, table: str) -> int:
    with psycopg.connect(dsn, autocommit=True) as conn:
        row = conn.execute(f"select count(*) from {table}".encode()).fetchone()
        assert row is not None
        return int(row[0])


def test_acknowledged_press_survives_a_killed_process(process: Process, dsn: str) -> None:
    process.publish("carehub/w1/event", '{"event": "sos", "id": 1}')
    process.publish("carehub/w1/vitals", '{"seq": 1, "hr": 70}')
    process.end(signal.SIGKILL)
    assert count(dsn, "incident") == 1
    assert count(dsn, "telemetry") == 2
    process.start()
    process.wait_page("readyz", "ok")
    process.publish("carehub/w1/event", '{"event": "sos", "id": 1}')
    assert count(dsn, "incident") == 1
    process.wait_page("metrics", 'carehub_presses_total{outcome="repeat"} 1.0')


def test_process_ends_in_good_order(process: Process, dsn: str) -> None:
    process.publish("carehub/w1/vitals", '{"seq": 1, "hr": 70}')
    assert process.page("healthz") == (200, "ok\n")
    assert process.end(signal.SIGTERM) == 0
    assert count(dsn, "checkpoint") == 2


def test_second_process_is_not_ready_until_the_first_is_gone(process: Process, dsn: str, tmp_path: Path) -> None:
    folder = tmp_path / "second"
    folder.mkdir()
    second = Process(dsn, folder)
    second.start()
    try:
        second.wait_page("readyz", "waiting to own the devices")
        process.end(signal.SIGKILL)
        second.wait_page("readyz", "ok")
        second.publish("carehub/w1/event", '{"event": "sos", "id": 2}')
        assert count(dsn, "incident") == 1
    finally:
        second.end(signal.SIGTERM)


async def test_waiting_process_obeys_the_signal(process: Process, dsn: str, tmp_path: Path) -> None:
    folder = tmp_path / "second"
    folder.mkdir()
    second = Process(dsn, folder)
    second.start()
    await asyncio.to_thread(second.wait_page, "readyz", "waiting")
    assert await asyncio.to_thread(second.end, signal.SIGTERM) == 0


def test_process_asks_for_as_many_open_files_as_it_may_have_connections(process: Process) -> None:
    process.end(signal.SIGTERM)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        process.start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    process.wait_page("readyz", "ok")
    assert process.popen is not None
    given = resource.prlimit(process.popen.pid, resource.RLIMIT_NOFILE)[0]
    assert given == min(30_200, hard)
