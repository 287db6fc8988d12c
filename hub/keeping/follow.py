"""Follows the cluster's log into the backups' folder all the time, and makes a base backup when one is due.

pg_receivewal asks the server for its log over a replication slot: what is committed is here within a moment, no commit
waits for it, and what could not be fetched is kept by the server until it can, up to max_slot_wal_keep_size.
"""

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import structlog

from hub.config import Settings
from hub.keeping.base import Q, ask, make
from hub.keeping.shelf import PART, Backup, BackupError, backups, log_of, prune, reach, stamp
from hub.keeping.tools import Tools
from hub.supervisor import Child

SLOT = "carehub_backup"
LOOK_S = 1.0
AGAIN_S = 60.0  # after a base backup that failed
BACKOFF_S = 2.0
UNFINISHED_S = 86_400.0  # a backup that has not got its name by then was cut off
REMOVED = "has already been removed"  # what pg_receivewal says when the server has let go of what it needs
LOCK_FILE = ".followed"
STATUS_S = 1  # how often the server is told how far the log is safe

log = structlog.get_logger()


@dataclass(kw_only=True)
class Follower:
    """One cluster's log into one folder, until `stopped` says so."""

    settings: Settings
    tools: Tools
    shelf: Path
    every: timedelta
    keep: int
    stopped: Sequence[int]
    _child: Child | None = None
    _log: Path | None = None
    _next_base: float = 0.0
    _not_before: float = 0.0
    _gap: bool = False  # the log has one, and no base backup was made since
    _said: str = field(default="")

    def run(self) -> None:
        """Follow until stopped. What fails is said once and tried again."""
        self.shelf.mkdir(parents=True, exist_ok=True, mode=0o700)
        with alone(self.shelf):
            for left in self.shelf.glob(f"*{PART}"):
                if time.time() - left.stat().st_mtime > UNFINISHED_S:
                    shutil.rmtree(left)
            try:
                while not self.stopped:
                    self._turn()
                    time.sleep(LOOK_S)
            finally:
                if self._child is not None:
                    self._child.stop()

    def _turn(self) -> None:
        try:
            self._receive()
            if time.monotonic() >= self._next_base:
                self._base()
            said = ""
        except (BackupError, psycopg.Error, OSError) as err:
            said = str(err)
            self._not_before = time.monotonic() + BACKOFF_S
        if said != self._said:
            log.warning("backup_fails", why=said) if said else log.info("backup_goes_on")
        self._said = said

    def _receive(self) -> None:
        """Keep pg_receivewal running on the timeline there is."""
        if (self._child is not None and self._child.alive()) or time.monotonic() < self._not_before:
            return
        if self._child is not None:
            log.warning("log_not_followed", last_words=self._child.tail().splitlines()[-1:])
        cluster = ask(self.tools.dsn, Q.cluster)
        slot = ask(self.tools.dsn, Q.slot, slot=SLOT)
        self._log = log_of(self.shelf, cluster["system"], cluster["timeline"])
        self._log.mkdir(parents=True, exist_ok=True, mode=0o700)
        removed = self._child is not None and REMOVED in (self._child.tail().splitlines() or [""])[-1]
        if removed or (slot and slot["status"] == "lost"):
            log.error("log_has_a_gap", advice="a new base backup follows; until it is done only earlier times are safe")
            ask(self.tools.dsn, Q.drop_slot, slot=SLOT)
            self._next_base, self._gap = 0.0, True
            self._log.rename(self._log.with_name(f"{self._log.name}.{stamp(cluster['at'])}"))
            self._log.mkdir(mode=0o700)
        ask(self.tools.dsn, Q.make_slot, slot=SLOT)
        self._child = self._receiver(self._log)
        self._not_before = time.monotonic() + BACKOFF_S
        self._child.start()

    def _receiver(self, into: Path) -> Child:
        command = [
            self.tools.path("pg_receivewal"), "-d", self.tools.address, "-D", str(into), f"--slot={SLOT}", "--no-loop",
            "--no-password", f"--status-interval={STATUS_S}", *(["--synchronous"] if self._apart() else []),
        ]  # fmt: skip
        log_path = self.settings.run_dir.resolve() / "logs" / "pg_receivewal.log"
        return Child(name="pg_receivewal", command=command, environ=self.tools.environ, log_path=log_path)

    def _apart(self) -> bool:
        """Whether the folder is on another disk than the database: then each piece is forced to it at once.

        On the same disk that would protect from nothing, and the presses' own commits would wait behind it.
        """
        return self.shelf.stat().st_dev != self.settings.run_dir.resolve().stat().st_dev

    def _base(self) -> None:
        now: datetime = ask(self.tools.dsn, Q.cluster)["at"]
        last = self._last()
        self._next_base = time.monotonic() + AGAIN_S
        goes_on = last is not None and last.log == self._log and not self._gap and not reach(last)[1]
        if last is not None and goes_on and now - last.ended < self.every:
            return
        made = make(self.settings, self.tools, self.shelf, gently=goes_on)
        self._gap = False
        gone = prune(self.shelf, self.keep)
        log.info("backup_made", folder=made.backup.folder.name, mb=made.backup.bytes_on_disk >> 20, removed=gone)

    def _last(self) -> Backup | None:
        return next(iter(reversed(backups(self.shelf))), None)


@contextlib.contextmanager
def alone(shelf: Path) -> Iterator[None]:
    """Hold the folder: two who follow into one would spoil each other's log.

    Raises:
        BackupError: Somebody has it.
    """
    with (shelf / LOCK_FILE).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError(f"{shelf} is followed by another process already") from None
        file.write(str(os.getpid()))
        file.flush()
        yield


def followed(shelf: Path) -> bool:
    """Whether somebody follows the log into this folder now."""
    try:
        with (shelf / LOCK_FILE).open("r") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
