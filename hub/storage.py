"""Room for what is to be stored: when it runs short, the press is what goes on longest.

Three levels, by the free bytes of the disk PostgreSQL writes to, or by what it says itself where that disk is another
machine's. ROOMY: everything is kept. LOW: the bytes of telemetry as they came are not, and the oldest raw hours go.
SHORT: telemetry is not taken (not acknowledged: its sender still has it); presses, cases and pages go on. A disk so
slow that telemetry holds up what is read counts as short. A reserve file beside the data is given up last, so that
presses can be written even when somebody else filled the disk.
"""

import asyncio
import os
import time
from datetime import timedelta
from enum import IntEnum
from pathlib import Path
from typing import Protocol

import psycopg
import structlog
from prometheus_client import Counter, Gauge

from hub.config import IngestSettings
from hub.steady import Steady
from hub.store import partitions
from hub.store.pool import Connection
from hub.store.telemetry import moment

LOOK_S = 2.0
AGAIN_S = 15.0  # after the server had no room, or was too slow, telemetry is tried again so often
ROOM_AGAIN = 1.25  # of the limit: what must be free before a level is left
SLOW_S = 5.0  # a batch of telemetry that takes so long while sockets are not read keeps presses from being read
RESERVE = "carehub-reserve"
AWAY_S = 10.0  # the disk is looked at again though the database does not answer
NEVER = float("-inf")

LEVEL = Gauge("carehub_storage_level", "0: all is kept, 1: raw bytes of telemetry are not, 2: telemetry is not taken")
FREE = Gauge("carehub_storage_free_bytes", "Free on the disk of the database, where it is this machine's")
REFUSED = Counter("carehub_refused_messages", "Telemetry not taken because the database has no room")
log = structlog.get_logger()


class Level(IntEnum):
    """How much is still taken."""

    ROOMY = 0
    LOW = 1
    SHORT = 2


class Asked(Protocol):
    """What the watch asks of ingest."""

    @property
    def held_up_s(self) -> float:
        """How long one batch of telemetry has been under way while nothing more is read; 0 while all is well."""

    def technical(self, rule: str, text: str) -> None:
        """Call a technician."""

    def let_go(self) -> None:
        """Let go of the telemetry that waits: there is no room for it."""


class Storage:
    """Watches the room and tells the lanes. One an ingest.

    Args:
        ask: what it asks of ingest.
        look_s: between two looks.
    """

    def __init__(self, dsn: str, limits: IngestSettings, ask: "Asked", look_s: float = LOOK_S) -> None:
        self._dsn, self._ask, self._look_s = dsn, ask, look_s
        self._low, self._short = limits.storage_low_mb << 20, limits.storage_short_mb << 20
        self._reserve_bytes = limits.storage_reserve_mb << 20
        self._folder: Path | None = None
        self._refused_at = NEVER
        self.level = Level.ROOMY

    @property
    def short(self) -> bool:
        return self.level is Level.SHORT

    @property
    def keeps_raw(self) -> bool:
        """Whether the bytes of telemetry are kept as they came."""
        return self.level is Level.ROOMY

    def said_full(self, error: BaseException) -> bool:
        """Whether a lane was told that the disk is full. From now on telemetry is not taken; give up the reserve."""
        if not isinstance(error, psycopg.errors.DiskFull):
            return False
        self._refused_at = time.monotonic()
        self._give_up_reserve()
        self._set(Level.SHORT, None)
        return True

    async def run(self) -> None:
        """Look until cancelled."""
        async with Steady(self._dsn, "carehub ingest storage") as steady:
            while True:
                free = self._free()  # first without the database: it may be down because its disk is full
                if free is not None and free < self._short:
                    self._set(Level.SHORT, free)
                try:
                    async with asyncio.timeout(AWAY_S):
                        await self._look(await steady.get())
                except (psycopg.Error, OSError, TimeoutError) as err:
                    log.info("storage not looked at", error=type(err).__name__)
                await asyncio.sleep(self._look_s)

    async def _look(self, conn: Connection) -> None:
        if self._folder is None:
            self._folder = await folder(conn)
        free = self._free()
        before = self.level
        self._set(self._judged(free), free)
        if free is not None and free > ROOM_AGAIN * self._low + self._reserve_bytes:
            self._lay_by_reserve()
        if self.level > before or (self.level is not Level.ROOMY and free is not None):
            await make_room(conn)

    def _judged(self, free: int | None) -> Level:
        """Return the level for so much room; one is left only when there is clearly more."""
        if self._ask.held_up_s > SLOW_S:
            self._refused_at = time.monotonic()
        if time.monotonic() - self._refused_at < AGAIN_S:
            return Level.SHORT
        if free is None:
            return Level.ROOMY
        if free < self._short * (ROOM_AGAIN if self.short else 1):
            if free < self._short / 2:
                self._give_up_reserve()
            return Level.SHORT
        return Level.LOW if free < self._low * (1 if self.level is Level.ROOMY else ROOM_AGAIN) else Level.ROOMY

    def _set(self, level: Level, free: int | None) -> None:
        LEVEL.set(level)
        if free is not None:
            FREE.set(free)
        if level is self.level:
            return
        worse, self.level = level > self.level, level
        log.warning("room of the database", room=level.name, free_bytes=free)
        if worse and level is Level.SHORT:
            left = "it is full or too slow" if free is None else f"{free >> 20} MB left"
            self._ask.technical("storage_short", f"the database's disk: {left}; telemetry is not taken, presses are")
            self._ask.let_go()

    def _free(self) -> int | None:
        if self._folder is None:
            return None
        try:
            told = os.statvfs(self._folder)
        except OSError:
            return None
        return told.f_bavail * told.f_frsize

    def _lay_by_reserve(self) -> None:
        """Write the file once; real bytes, because a hole keeps no room."""
        file = self._reserve()
        if file is None or not self._reserve_bytes or file.exists():
            return
        try:
            with file.open("wb") as out:
                os.posix_fallocate(out.fileno(), 0, self._reserve_bytes)
        except OSError as err:
            log.info("no reserve laid by", error=err.strerror)
            file.unlink(missing_ok=True)

    def _give_up_reserve(self) -> None:
        file = self._reserve()
        try:
            if file is not None and file.exists():
                file.unlink()
                log.warning("reserve given up", bytes=self._reserve_bytes)
        except OSError as err:
            log.warning("reserve cannot be given up", error=err.strerror)

    def _reserve(self) -> Path | None:
        """Return its place: beside the data and on the same disk, so that no backup copies it."""
        folder = self._folder
        if folder is None or not os.access(folder.parent, os.W_OK):
            return None
        return folder.parent / RESERVE if folder.parent.stat().st_dev == folder.stat().st_dev else None


async def folder(conn: Connection) -> Path | None:
    """Return the folder of the server's data, if it is on this machine and may be known."""
    host = conn.info.host
    if not (host.startswith(("/", "127.")) or host in ("", "localhost", "::1")):
        return None
    try:
        row = await (await conn.execute("select current_setting('data_directory')")).fetchone()
    except psycopg.errors.InsufficientPrivilege:
        return None
    found = Path(str(row[0])) if row else None
    try:
        return found if found is not None and os.statvfs(found) else None
    except OSError:
        return None  # in a container of its own, or on another machine behind a tunnel


async def make_room(conn: Connection) -> list[str]:
    """Let the raw hours go that are over: what was decoded of them stays."""
    now = moment(int(time.time() * 1000))
    forever = timedelta(days=36_500)
    kept = partitions.Retention(
        telemetry=forever, observation=forever, accel_window=forever, raw_batch=forever, raw_bytes=0,
        measured_hour=forever, measured_day=forever,
    )  # fmt: skip
    dropped = await partitions.sweep(conn, now, kept)
    if dropped:
        log.warning("raw messages dropped for want of room", partitions=dropped)
    return dropped
