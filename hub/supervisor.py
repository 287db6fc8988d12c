"""Runs the roles as child processes, starts again what ends, and stops everything when it is told to."""

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from hub.embedded import PR_SET_PDEATHSIG, EmbeddedPostgres, EmbeddedPostgresError
from hub.errors import HubError

READY_LIMIT_S = 60.0
STOP_LIMIT_S = 15.0
BACKOFF_S = (0.1, 2.0)  # first and longest wait before a child that ended is started again: somebody may be pressing
STEADY_S = 5.0  # after this long alive a child's back-off starts afresh
TICK_S = 0.1
ANSWER_LIMIT_S = 2.0
LISTEN_EVERY_S = 2.0  # each role is asked whether it still answers
SILENCES = 5  # … and is killed, to be started again, when it has not so often in a row
SILENT_STARTS = 30  # … or has not once since it was started: a minute at least, in which a slow machine has started it
LOG_LIMIT_BYTES = 50_000_000  # a role's log is moved aside (one generation) beyond this

log = structlog.get_logger()
_LIBC = ctypes.CDLL(None)


class NotReadyError(HubError):
    """A role did not become ready; its log ends with the reason."""


@dataclass
class Child:
    """One role: how to start it, and how to see that it can do its work."""

    name: str
    command: list[str]
    environ: Mapping[str, str]
    log_path: Path
    ready_url: str | None = None
    alive_url: str | None = None  # answers as long as its event loop turns, whatever the database does
    restart: bool = True
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    not_before: float = 0.0
    backoff_s: float = BACKOFF_S[0]
    starts: int = 0
    answered: bool = False  # since it was started: until then it may be starting, and has longer
    silences: int = 0  # times in a row it did not answer

    def start(self) -> None:
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        if self.log_path.exists() and self.log_path.stat().st_size > LOG_LIMIT_BYTES:
            self.log_path.replace(self.log_path.with_suffix(".old.log"))
        with self.log_path.open("ab") as out:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=dict(self.environ),
                start_new_session=True,  # Ctrl-C reaches the supervisor alone; it stops its children in order
                preexec_fn=_die_with_parent,
            )
        self.started = time.monotonic()
        self.starts += 1
        self.answered, self.silences = False, 0

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def ready(self) -> bool:
        if self.ready_url is None:
            return self.alive()
        try:
            with urllib.request.urlopen(self.ready_url, timeout=ANSWER_LIMIT_S) as answer:  # noqa: S310 - our own address
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def listen(self) -> None:
        """Ask whether it answers at all. Counted, not timed: a machine that slept has not made its roles silent."""
        asked = self.process
        if self.alive_url is None or not self.alive():
            return
        try:
            with urllib.request.urlopen(self.alive_url, timeout=ANSWER_LIMIT_S):  # noqa: S310 - our own address
                answers = True
        except OSError:  # a refusal too: a role whose event loop stands says so with 503 (hub.pulse)
            answers = False
        if self.process is asked:
            self.answered |= answers
            self.silences = 0 if answers else self.silences + 1

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                log.warning("role did not stop, killing it", child=self.name)
                self.process.kill()
                self.process.wait()
        self.process = None

    def tail(self) -> str:
        lines = self.log_path.read_text(errors="replace").splitlines() if self.log_path.exists() else []
        return "\n".join(lines[-12:])


@dataclass
class Supervisor:
    """The parent of everything: an embedded database if there is one, and the roles."""

    run_dir: Path
    postgres: EmbeddedPostgres | None = None
    children: list[Child] = field(default_factory=list)
    listen_every_s: float = LISTEN_EVERY_S
    silences: int = SILENCES
    silent_starts: int = SILENT_STARTS
    _database_not_before: float = 0.0
    _listener: threading.Thread | None = None
    _stopped: threading.Event = field(default_factory=threading.Event)

    def add(self, child: Child) -> None:
        self.children.append(child)
        child.start()
        self._write_pids()
        if self._listener is None:
            self._listener = threading.Thread(target=self._listen, name="listen", daemon=True)
            self._listener.start()

    def _listen(self) -> None:
        """Beside `watch`: a role that hangs keeps us for two seconds, and another may have to be started meanwhile."""
        while not self._stopped.wait(self.listen_every_s):
            for child in tuple(self.children):
                child.listen()

    def wait_ready(self, child: Child) -> None:
        """Return when the child can do its work.

        Raises:
            NotReadyError: It ended, or it took longer than the limit.
        """
        deadline = time.monotonic() + READY_LIMIT_S
        while time.monotonic() < deadline:
            if not child.alive():
                break
            if child.ready():
                return
            time.sleep(TICK_S / 2)
        raise NotReadyError(f"{child.name} is not ready; {child.log_path} ends with:\n{child.tail()}")

    def watch(self) -> None:
        """One round: start again what has ended and is meant to run. Called every TICK_S."""
        now = time.monotonic()
        if self.postgres is not None and not self.postgres.alive() and now >= self._database_not_before:
            self._restart_database(now)
        for child in self.children:
            patience = self.silences if child.answered else self.silent_starts
            if child.restart and child.silences >= patience and child.alive():
                log.error("role hangs, killing it", child=child.name)
                child.kill()
            if not child.restart or child.alive():
                continue
            if child.not_before <= child.started:  # seen ended for the first time
                if now - child.started > STEADY_S:
                    child.backoff_s = BACKOFF_S[0]
                child.not_before = now + child.backoff_s
                child.backoff_s = min(child.backoff_s * 2, BACKOFF_S[1])
                code = child.process.returncode if child.process else None
                log.warning("role ended", child=child.name, code=code, again_in_s=round(child.not_before - now, 1))
            elif now >= child.not_before:
                child.start()
                self._write_pids()

    def _restart_database(self, now: float) -> None:
        assert self.postgres is not None
        log.warning("database ended, starting it again")
        try:
            self.postgres.start()
        except EmbeddedPostgresError as err:
            # The children of a killed server hold its memory for a moment; the next round tries again.
            log.warning("database did not start", error=str(err).splitlines()[0])
            self._database_not_before = now + 0.5
        self._write_pids()

    def stop(self) -> None:
        """Stop everything, devices' side first, the database last."""
        self._stopped.set()
        for child in reversed(self.children):
            child.stop()
        if self.postgres is not None:
            self.postgres.stop()
        with contextlib.suppress(FileNotFoundError):
            (self.run_dir / "pids.json").unlink()

    def _write_pids(self) -> None:
        """For `carehub` commands and tests that look for a running hub: role -> pid."""
        pids = {c.name: c.process.pid for c in self.children if c.process is not None}
        if self.postgres is not None and self.postgres.process is not None:
            pids["postgres"] = self.postgres.process.pid
        part = self.run_dir / "pids.json.part"
        part.write_text(json.dumps({"up": os.getpid(), **pids}))
        part.replace(self.run_dir / "pids.json")


@contextlib.contextmanager
def stop_signals() -> Iterator[list[int]]:
    """Collect SIGINT and SIGTERM instead of dying of them; a second Ctrl-C does no harm."""
    got: list[int] = []
    old = {s: signal.signal(s, lambda number, _: got.append(number)) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield got
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def role(name: str, run_dir: Path, environ: Mapping[str, str], ready_url: str | None, *arguments: str) -> Child:
    """Return the child that runs `carehub NAME …`."""
    command = [sys.executable, "-m", "hub", name, *arguments]
    log_path = run_dir / "logs" / f"{name}.log"
    alive_url = ready_url.replace("/readyz", "/healthz") if ready_url else None
    return Child(
        name=name, command=command, environ=environ, log_path=log_path, ready_url=ready_url, alive_url=alive_url
    )  # fmt: skip


def _die_with_parent() -> None:
    # A supervisor that is killed must not leave roles behind that nobody restarts.
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
