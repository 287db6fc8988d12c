"""The canary: once a minute a synthetic SOS goes the whole way from a device to the console, and back as a closed case.

It uses what people use: an MQTT device with a credential of its own, a responder's terminal, a browser's sign-in and
live stream. What does not come through is a finding that names the stage. Nobody is woken: see hub.store.canary.
"""

import asyncio
import json
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import aiomqtt
import httpx
import psycopg
import structlog
from prometheus_client import Counter, Gauge, Histogram

from hub.loops.canary_ways import ConsoleWay, DeviceWay, LostError
from hub.loops.findings import Finding
from hub.passwords import hash_password
from hub.store import canary as store
from hub.store.canary import STAGES, Round
from hub.store.canary import Canary as Who
from hub.store.pool import Connection, connect

SECRETS_FILE = "canary.json"
STARTING_S = 30.0  # a hub that starts may need so long; a canary lost before its first success is forgiven till then
LOST_EVERY_S = 10.0  # after a loss it is tried again sooner: it should be seen when it is over
AGAIN_S = 2.0
STANDBY_S = 10.0  # another auditor plays the canary; it is asked so often whether it still does

STAGE = Histogram(
    "carehub_canary_seconds", "How long each stage of the canary's way took", ["stage"],
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15),
)  # fmt: skip
ROUNDS = Counter("carehub_canary_rounds_total", "Canaries by what became of them", ["outcome"])
SUCCESS = Gauge("carehub_canary_last_success_timestamp_seconds", "When a canary last came through, by this machine")

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where devices and browsers find the hub."""

    host: str
    port: int
    console_url: str
    ca: str = ""  # the listener's certificate, when it speaks TLS


@dataclass(kw_only=True)
class CanaryLoop:
    """Plays one canary after the other until cancelled."""

    dsn: str
    run_dir: Path
    places: Places
    every_s: float = 60.0
    limit_s: float = 15.0  # for each stage
    name: str = "canary"
    _began_at: float = field(default_factory=time.monotonic)
    _came_at: float | None = None
    _ended_at: float | None = None  # the last round, however it ended
    _lost: Round | None = None
    _standby: bool = False

    async def run(self) -> None:
        """Play; while the database is away that is the lost stage."""
        self._began_at = time.monotonic()
        while True:
            try:
                async with await connect(self.dsn, name="carehub canary") as conn:
                    self._standby = not await store.alone(conn)
                    if self._standby:
                        await asyncio.sleep(STANDBY_S)
                        continue
                    await self._play(conn)
            except (psycopg.Error, OSError) as err:
                self._note(Round(seconds={}, lost="database", detail=_said(err)))
            except store.CanaryTakenError as err:
                self._note(Round(seconds={}, lost="register", detail=f"taken {err.what}"))
            await asyncio.sleep(AGAIN_S)

    async def _play(self, conn: Connection) -> None:
        words = _secrets(self.run_dir)
        hashed = await asyncio.to_thread(hash_password, words["console"])
        who = await store.register(
            conn, device_secret=words["device"], terminal_secret=words["terminal"], password_hash=hashed
        )
        async with ConsoleWay(self.places.console_url, store.LOGIN, words["console"]) as console:
            while True:
                began = time.monotonic()
                done = await self._round(console, who, words)
                self._note(done)
                await store.record(conn, done)
                pause_s = self.every_s if done.lost is None else min(self.every_s, LOST_EVERY_S)
                await asyncio.sleep(max(0.0, pause_s - (time.monotonic() - began)))

    async def _round(self, console: ConsoleWay, who: Who, words: dict[str, str]) -> Round:
        """Go the whole way once. Each stage has `limit_s`; the first that does not come through ends the round."""
        took: dict[str, float] = {}
        device = DeviceWay(self.places.host, self.places.port, self.places.ca, self.limit_s)
        async with AsyncExitStack() as stack:
            stages: dict[str, Callable[[], Awaitable[None]]] = {
                "console": console.ready,
                "connect": lambda: device.connect(stack, who, words),
                "puback": device.press,
                "received": device.received,
                "page": device.paged,
                "shown": lambda: console.shown(device.incident),
                "closed": lambda: console.close(device.incident),
            }
            for stage in STAGES:
                began = time.monotonic()
                try:
                    async with asyncio.timeout(self.limit_s):
                        await stages[stage]()
                except (TimeoutError, LostError, aiomqtt.MqttError, httpx.HTTPError, OSError, ValueError) as err:
                    why = f"silent {self.limit_s:g}" if isinstance(err, TimeoutError) else _said(err)
                    return Round(seconds=took, lost=stage, detail=why)
                took[stage] = round(time.monotonic() - began, 4)
        return Round(seconds=took)

    def _note(self, done: Round) -> None:
        for stage, seconds in done.seconds.items():
            STAGE.labels(stage).observe(seconds)
        ROUNDS.labels(done.lost or "through").inc()
        self._ended_at = time.monotonic()
        if done.lost is None:
            self._came_at = self._ended_at
            SUCCESS.set_to_current_time()
            if self._lost is not None:
                log.info("canary_comes_through_again", was_lost_at=self._lost.lost)
            self._lost = None
            return
        log.error("canary_lost", stage=done.lost, why=done.detail)
        self._lost = done

    def findings(self) -> Sequence[Finding]:
        if self._standby:
            return ()
        now = time.monotonic()
        if self._came_at is None and now - self._began_at < STARTING_S:
            return ()
        if self._lost is not None:
            return (Finding(rule="canary_lost", subject=self._lost.lost or "", detail=self._lost.detail),)
        longest_s = self.every_s + len(STAGES) * self.limit_s + STARTING_S
        if now - (self._ended_at or self._began_at) > longest_s:
            return (Finding(rule="canary_lost", subject="canary", detail=f"no_round {longest_s:g}"),)
        return ()

    def says(self) -> str:
        if self._standby:
            return "standby"
        if self._lost is not None:
            return f"lost {self._lost.lost}"
        return "through" if self._came_at is not None else "starts"


class NoCanary:
    """The canary is switched off. That is a setting, and a finding as long as it lasts."""

    name = "canary"

    async def run(self) -> None:
        """Nothing to play."""

    def findings(self) -> Sequence[Finding]:
        return (Finding(rule="canary_off", subject="canary", detail="off audit.canary"),)

    def says(self) -> str:
        return "off"


def _said(err: Exception) -> str:
    """Return a word that `canary.<word>` of the catalogues tells, and its fact: one line without addresses."""
    if isinstance(err, LostError):
        return str(err)
    return f"error {str(err)[:120] if isinstance(err, aiomqtt.MqttError) else type(err).__name__}"


def _secrets(run_dir: Path) -> dict[str, str]:
    """Return the canary's own secrets: made once, kept beside the hub for us alone, in the database only as hashes."""
    path = run_dir / SECRETS_FILE
    names = ("device", "terminal", "console")
    try:
        found: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        if all(isinstance(found.get(name), str) for name in names):
            return found
    except (OSError, ValueError):
        pass
    made = {name: secrets.token_urlsafe(24) for name in names}
    run_dir.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        json.dump(made, out)
    fresh.replace(path)
    return made
