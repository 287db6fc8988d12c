"""A whole hub as processes, a siren that writes down what it sounds for, and a watcher elsewhere that counts beats."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import psycopg

from hub.ports import free_port
from tests.pages import page

ROLES = ("ingest", "dispatch", "console", "audit")
EVERY_S, LIMIT_S = 1.0, 3.0  # of the canary, for tests
PATIENCE_S = 90.0
T = TypeVar("T")


class Elsewhere:
    """The outside heartbeat's other end."""

    def __init__(self) -> None:
        self.asked: list[tuple[float, str]] = []
        asked = self.asked

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append((time.monotonic(), self.path))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/ping/a-secret"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def beats(self) -> int:
        return sum(1 for _, path in self.asked if path == "/ping/a-secret")

    def failed(self) -> int:
        return sum(1 for _, path in self.asked if path == "/ping/a-secret/fail")

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@dataclass
class Hub:
    """The four roles on ports of their own, beside a database that is somebody else's."""

    dsn: str
    folder: Path
    elsewhere: Elsewhere
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in (*ROLES, "listener")})

    def start(self) -> None:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("CAREHUB_")}
        environ = inherited | {
            "CAREHUB_DATABASE_DSN": self.dsn, "CAREHUB_RUN_DIR": str(self.folder),
            "CAREHUB_LISTENER_PORT": str(self.ports["listener"]), "CAREHUB_CONSOLE_PORT": str(self.ports["console"]),
            "CAREHUB_METRICS_INGEST_PORT": str(self.ports["ingest"]),
            "CAREHUB_METRICS_DISPATCH_PORT": str(self.ports["dispatch"]),
            "CAREHUB_METRICS_AUDIT_PORT": str(self.ports["audit"]),
            "CAREHUB_CONSOLE_SECURE_COOKIES": "true",  # as behind TLS, where the canary stands on the inner side
            "CAREHUB_SECRETS_LINK_KEY": "a key for tests that is long enough",
            "CAREHUB_AUDIT_CANARY_EVERY_S": str(EVERY_S), "CAREHUB_AUDIT_CANARY_LIMIT_S": str(LIMIT_S),
            "CAREHUB_AUDIT_SIREN_COMMAND": f"sh,-c,echo $CAREHUB_SIREN_RULES >> {self.siren}",
            "CAREHUB_AUDIT_SIREN_PAUSE_S": "0.2", "CAREHUB_AUDIT_SIREN_AFTER_S": "0.5",
            "CAREHUB_AUDIT_HEARTBEAT_URL": self.elsewhere.url, "CAREHUB_AUDIT_HEARTBEAT_EVERY_S": "0.3",
            "CAREHUB_AUDIT_HEARTBEAT_FAIL": "/fail",
        }  # fmt: skip
        for role in ROLES:
            with (self.folder / f"{role}.log").open("ab") as log:
                command = [sys.executable, "-m", "hub", role]
                self.processes[role] = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
        for role in ROLES:
            self.until(lambda role=role: self.page(role, "readyz")[0] == 200)  # type: ignore[misc]

    @property
    def siren(self) -> Path:
        return self.folder / "siren.txt"

    def sounded(self) -> list[str]:
        """Return what each run of the siren was for."""
        return self.siren.read_text().splitlines() if self.siren.exists() else []

    def send(self, role: str, number: signal.Signals) -> None:
        self.processes[role].send_signal(number)

    def page(self, role: str, name: str) -> tuple[int, str]:
        return page(self.ports[role], name)

    def sql(self, text: str, **values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.dsn, autocommit=True) as conn:
            cursor = conn.execute(text.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def wrong(self) -> set[tuple[str, str]]:
        return set(self.sql("select rule, subject from audit_finding where cleared_at is null"))

    def rounds(self) -> int:
        """Return how many canaries came through."""
        return int(self.sql("select count(*) from canary_round where lost is null")[0][0])

    def until(self, happened: Callable[[], T], limit_s: float = PATIENCE_S) -> T:
        deadline = time.monotonic() + limit_s
        while not (found := happened()):
            assert time.monotonic() < deadline, self.told()
            time.sleep(0.1)
        return found

    def told(self) -> str:
        return "\n".join((self.folder / f"{role}.log").read_text()[-1500:] for role in ROLES)

    def stop(self) -> dict[str, int]:
        """End everything; return how each role ended."""
        for process in self.processes.values():
            process.send_signal(signal.SIGCONT)
            process.terminate()
        ended = {}
        for role, process in self.processes.items():
            try:
                ended[role] = process.wait(40)
            except subprocess.TimeoutExpired:
                process.kill()
                ended[role] = process.wait()
        return ended
