"""Real parts for tests: an embedded PostgreSQL, a database per test, a Mosquitto. Nothing here imitates anything."""

import itertools
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from hub.embedded import EmbeddedPostgres, free_port
from hub.store.pool import migrate
from tests.patience import PATIENCE_S

TEMPLATE = "carehub_template"
MEMORY = Path("/dev/shm")  # a database is made and dropped there in a tenth of the time
ROOM_BYTES = 8 << 30  # a server keeps up to four of log
_numbers = itertools.count(1)


def need(tool: str, package: str) -> str:
    """Return the path of a Debian tool, or skip with what to install; in CI a missing tool is a failure."""
    path = shutil.which(tool) or shutil.which(tool, path="/usr/sbin:/usr/local/sbin")
    if path:
        return path
    message = f"{tool} is missing: apt-get install {package}"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def carehub_data() -> Path:
    """Folder of recordings and payloads written by others; not part of the project."""
    folder = os.environ.get("CAREHUB_DATA")
    if not folder:
        pytest.skip("CAREHUB_DATA names no folder of recordings")
    return Path(folder)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A running server with a migrated template database. Stop and start it as you like, but leave it running.

    It lies in memory where it can: what a test kills is a process, never the machine.
    """
    base = place() / f"carehub-test-{os.getpid()}"
    server = EmbeddedPostgres(base)
    server.start()
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as conn:
        conn.execute(f"create database {TEMPLATE}".encode())
    migrate(server.dsn(TEMPLATE))
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(base, ignore_errors=True)


def place() -> Path:
    """Return where the server's files go; what a test run left there that was killed is swept away."""
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < ROOM_BYTES:
        return Path("/tmp")
    for left in MEMORY.glob("carehub-test-*"):
        if not Path("/proc", left.name.rpartition("-")[2]).exists():
            shutil.rmtree(left, ignore_errors=True)
    return MEMORY


def create(postgres: EmbeddedPostgres, name: str) -> None:
    """Make a database with the whole schema: its files are copied in memory, and go through the log on a disk."""
    how = "file_copy" if postgres.home.is_relative_to(MEMORY) else "wal_log"
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as conn:
        conn.execute(f"create database {name} template {TEMPLATE} strategy {how}".encode())


@pytest.fixture
def dsn(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A fresh database with the whole schema, dropped afterwards."""
    name = f"t{next(_numbers)}"
    create(postgres, name)
    yield postgres.dsn(name)
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as conn:
        conn.execute(f"drop database if exists {name} with (force)".encode())


class Mosquitto:
    """A real broker on a free port of 127.0.0.1 that can be stopped, killed and started again with its persistence."""

    def __init__(self, folder: Path, *lines: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._program = need("mosquitto", "mosquitto mosquitto-clients")
        config = [
            f"listener {self.port} 127.0.0.1", "allow_anonymous true",
            "persistence true", f"persistence_location {folder}/",
            "autosave_interval 1", "set_tcp_nodelay true", "max_queued_messages 100000", "max_inflight_messages 1000",
            *(["user root"] if os.getuid() == 0 else []), *lines,
        ]  # fmt: skip
        (folder / "mosquitto.conf").write_text("\n".join(config) + "\n")

    def start(self) -> None:
        with (self.folder / "mosquitto.log").open("ab") as log:
            self.process = subprocess.Popen(
                [self._program, "-c", str(self.folder / "mosquitto.conf")], stdout=log, stderr=log
            )
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.005)
        raise AssertionError(f"mosquitto did not start: {(self.folder / 'mosquitto.log').read_text()[-2000:]}")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(PATIENCE_S)
            self.process = None

    def kill(self) -> None:
        self.stop(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Callable[..., Mosquitto]]:
    """A factory: `broker = mosquitto("max_inflight_messages 20")` starts one; all are stopped at the end."""
    brokers: list[Mosquitto] = []

    def make(*lines: str) -> Mosquitto:
        folder = tmp_path / f"mosquitto{len(brokers)}"
        folder.mkdir()
        broker = Mosquitto(folder, *lines)
        broker.start()
        brokers.append(broker)
        return broker

    yield make
    for broker in brokers:
        broker.stop()
