"""Real parts for tests: a PostgreSQL, a database per test, a Mosquitto. Nothing here imitates anything.

The PostgreSQL is the embedded one, or the server that CAREHUB_TEST_DSN names (tests.given).
"""

import base64
import itertools
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import structlog

from hub.embedded import EmbeddedPostgres
from hub.ports import free_port
from hub.store.pool import migrate
from tests import given, order
from tests.given import GivenPostgres
from tests.patience import PATIENCE_S

# A fault's traceback as it is: drawn with every variable in a frame it takes a second each, and thousands of lines.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)
TEMPLATE, MADE = "carehub_template", "carehub_made"
os.environ.setdefault("CAREHUB_SEAL_KEY", base64.urlsafe_b64encode(bytes(range(32))).decode())  # of no installation
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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):  # alone nobody waits for anybody
        items.sort(key=lambda item: order.place_of(item.nodeid))


def pytest_report_header() -> str:
    return given.header()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Which server it was is said of a quiet run as well, when it is not the usual one."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and not reporter.showheader and given.named():
        reporter.write_line(given.header())


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

    It lies in memory where it can: what a test kills is a process, never the machine. One that CAREHUB_TEST_DSN names
    cannot be stopped: the tests that want to are skipped there.
    """
    if given.named():
        yield from _given(GivenPostgres(given.named()))
        return
    base = place() / f"carehub-test-{os.getpid()}"
    server = EmbeddedPostgres(base)
    # Who was stopped while it dialled leaves half a connection behind, and a database is not dropped before it is gone.
    server.start({"authentication_timeout": "10s"})
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as conn:
        conn.execute(f"create database {TEMPLATE}".encode())
    migrate(server.dsn(TEMPLATE))
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(base, ignore_errors=True)


def _given(server: GivenPostgres) -> Iterator[EmbeddedPostgres]:
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as conn:
        conn.execute(f"create database {server.name(MADE)}".encode())
    try:
        migrate(server.dsn(MADE))
        server.seal(MADE, TEMPLATE)
        yield server
    finally:
        server.drop(MADE)
        server.drop(TEMPLATE)


def place() -> Path:
    """Return where the server's files go; what a test run left there that was killed is swept away."""
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < ROOM_BYTES:
        return Path("/tmp")
    for left in MEMORY.glob("carehub-test-*"):
        if not Path("/proc", left.name.rpartition("-")[2]).exists():
            shutil.rmtree(left, ignore_errors=True)
    return MEMORY


def create(postgres: EmbeddedPostgres, name: str) -> str:
    """Make a database with the whole schema and return its address.

    Its files are copied in memory, and go through the log on a disk.
    """
    if isinstance(postgres, GivenPostgres):
        postgres.create(name, TEMPLATE)
        return postgres.dsn(name)
    how = "file_copy" if postgres.home.is_relative_to(MEMORY) else "wal_log"
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as conn:
        conn.execute(f"create database {name} template {TEMPLATE} strategy {how}".encode())
    return postgres.dsn(name)


def drop(postgres: EmbeddedPostgres, name: str) -> None:
    if isinstance(postgres, GivenPostgres):
        postgres.drop(name)
        return
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as conn:
        conn.execute(f"drop database if exists {name} with (force)".encode())


@pytest.fixture
def dsn(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A fresh database with the whole schema, dropped afterwards."""
    name = f"t{next(_numbers)}"
    try:
        yield create(postgres, name)
    finally:
        drop(postgres, name)


@pytest.fixture
def hub_environ(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """What a whole hub (`carehub up`) is told about its database: nothing, or one on the given server."""
    with hub_database(request) as environ:
        yield environ


@contextmanager
def hub_database(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """The same for as long as a block lasts: an embedded server is started only by the hub itself."""
    if not given.named():
        yield {}
        return
    server, name = request.getfixturevalue("postgres"), f"hub{next(_numbers)}"
    try:
        yield {"CAREHUB_DATABASE_DSN": create(server, name)}
    finally:
        drop(server, name)


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
