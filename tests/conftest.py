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

TEMPLATE = "carehub_template"
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
    """A running server with a migrated template database. Stop and start it as you like, but leave it running."""
    base = Path(f"/tmp/carehub-test-{os.getpid()}")
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


@pytest.fixture
def dsn(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A fresh database with the whole schema, dropped afterwards."""
    name = f"t{next(_numbers)}"
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as conn:
        conn.execute(f"create database {name} template {TEMPLATE}".encode())
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
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self.process.poll() is not None:
                break
        raise AssertionError(f"mosquitto did not start: {(self.folder / 'mosquitto.log').read_text()[-2000:]}")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(10)
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
