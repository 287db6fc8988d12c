"""A whole hub of its own, as `carehub up` starts it, to be measured, beaten and thrown away."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from hub.errors import HubError
from hub.ports import free_port

START_LIMIT_S = 90.0
STOP_LIMIT_S = 60.0


class StackError(HubError):
    """The hub did not come up; the message ends with what it printed."""


class Stack:
    """`carehub up` in a folder of its own, on free ports of 127.0.0.1.

    Args:
        folder: run folder; root must be able to let `nobody` enter it (below /tmp is fine).
        environ: settings, as CAREHUB_… names.
    """

    def __init__(
        self, folder: Path, environ: Mapping[str, str] | None = None, start_limit_s: float = START_LIMIT_S
    ) -> None:
        self.folder, self._start_limit_s = folder, start_limit_s
        ports = ("LISTENER", "CONSOLE", "GATEWAY", "METRICS_INGEST", "METRICS_DISPATCH", "METRICS_AUDIT")
        free = {f"CAREHUB_{name}_PORT": str(free_port()) for name in ports}
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("CAREHUB_")}
        self.environ = {**inherited, **free, "CAREHUB_RUN_DIR": str(folder), **(environ or {})}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *arguments: str) -> None:
        """Start everything and wait until it is ready."""
        self.launch(*arguments)
        self.wait()

    def launch(self, *arguments: str) -> None:
        """Start everything."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "up.log").open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "hub", "up", *arguments], env=self.environ, stdout=out, stderr=out
            )

    def wait(self) -> None:
        """Return when all of it is ready."""
        deadline = time.monotonic() + self._start_limit_s
        while not (self.folder / "running.json").exists():
            if time.monotonic() > deadline:
                raise self._failed()
            self.check()
            time.sleep(0.05)
        self.word = json.loads((self.folder / "running.json").read_text())

    def check(self) -> None:
        """Raise if it has ended."""
        if self.process is None or self.process.poll() is not None:
            raise self._failed()

    def _failed(self) -> StackError:
        return StackError(f"carehub up did not start:\n{(self.folder / 'up.log').read_text()[-3000:]}")

    def stop(self) -> None:
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(STOP_LIMIT_S)
        self.process = None

    def __enter__(self) -> "Stack":
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    @property
    def dsn(self) -> str:
        return str(self.word["dsn"])

    @property
    def console_url(self) -> str:
        return str(self.word["console_url"])

    @property
    def listener_port(self) -> int:
        return int(self.word["listener"][1])

    def pids(self) -> dict[str, int]:
        """Return role -> pid, as the supervisor last wrote it."""
        found: dict[str, int] = json.loads((self.folder / "pids.json").read_text())
        return found

    def kill(self, role: str) -> bool:
        """End one role without warning. False if it was not running just then."""
        try:
            os.kill(self.pids()[role], signal.SIGKILL)
        except (KeyError, ProcessLookupError):
            return False
        return True
