"""One simulated run from the plan to the verdict: a database and a hub of its own, and the town as child processes."""

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import structlog
import uvloop
from prometheus_client import Counter

from hub.channels import vapid
from hub.commands.ingest import allow_connections
from hub.config import Settings, load
from hub.embedded import EmbeddedPostgres
from hub.errors import HubError
from hub.ingress.settings import WATCH
from hub.lockstep import LockStep
from hub.lockstep_http import serve
from hub.ports import free_port
from hub.simulated import account, provision
from hub.simulated.drills import MARKS_FILE, WORD_FILE
from hub.simulated.formats import AccountKey, App, Endpoint, Joined, Town, read_town
from hub.simulated.marks import of_folder
from hub.store import lockstep, sealing
from hub.store.pool import connect, upgrade
from hub.telemetry_lane import REPEATED

SESSION_HOURS = 24 * 400  # nobody in a town signs in again because a clock was moved
NO_DISK = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}  # it is thrown away afterwards
KEEP_DAYS = 400  # what is to be counted at the end is kept till then
KEEP_MB = 1_000_000_000  # more than any disk: nothing is sampled, everything is counted
LIVE_GRACE_S = 10.0
BEAT_S = 1.0
KEEP_UNREAD_MB = 100_000
HOST = "127.0.0.1"
CANNOT_BEGIN = 2
INTERRUPTED = 130
log = structlog.get_logger()


class NotBegunError(HubError):
    """It could not begin; the message says why."""


@dataclass(kw_only=True)
class Run:
    """One run.

    Args:
        story: a scenario's name or file, as the simulator takes it.
        folder: an own one, below which an account without rights can enter.
        say: told what goes on.
    """

    story: str
    seed: int
    folder: Path
    speed: float | None = None
    report: Path | None = None
    verdict: Path | None = None
    say: Callable[[str], None] = print
    drill: bool = False  # people work the desk, in real time; every page of the console says what it is
    environ: Mapping[str, str] = field(default_factory=dict)
    _accounts: list[AccountKey] = field(default_factory=list)

    def play(self) -> int:
        """Do everything, and return 0, 1 when something was lost, invented or not ended, 2 when it could not begin."""
        self.folder.mkdir(parents=True, exist_ok=True)
        town_file = self.folder / "town.json"
        if _child(["plan", self.story, "--seed", str(self.seed), "--out", str(town_file)]):
            return CANNOT_BEGIN
        town = read_town(town_file)
        postgres = EmbeddedPostgres(self.folder)
        postgres.start(NO_DISK)
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                lived = runner.run(self._lived(town, postgres.dsn()))
        finally:
            postgres.stop()
            if self.drill:  # what is talked about afterwards are marks and report
                shutil.rmtree(postgres.data, ignore_errors=True)
        truth, kept = self.folder / "truth.json", self.folder / "account.json"
        if self.drill:
            names = [(each.person, each.login) for each in self._accounts]
            (self.folder / MARKS_FILE).write_text(json.dumps(of_folder(self.folder, names)), encoding="utf-8")
            if not truth.exists():
                return 0  # stopped: nobody knows what would have been
        if lived in (INTERRUPTED, -signal.SIGINT):  # the whole group was told: the child may have heard it first
            raise KeyboardInterrupt
        if not truth.exists() or not kept.exists():
            raise NotBegunError(f"the town ended with {lived} and left no account of itself; see its words above")
        words = ["judge", "--truth", str(truth), "--account", str(kept)]
        words += ["--report", str(self.report)] if self.report else []
        words += ["--json", str(self.verdict)] if self.verdict else []
        words += ["--drill"] if self.drill else []
        judged = _child(words)
        return 1 if lived and not judged else judged

    async def _lived(self, town: Town, dsn: str) -> int:
        began = time.monotonic()
        await upgrade(dsn)
        settings = self._settings(town, dsn)
        allow_connections(settings)
        app = App(host=HOST, port=free_port(), key=settings.secrets.webhook_key)
        async with AsyncExitStack() as stack:
            conn = await stack.enter_async_context(await connect(dsn, name="carehub simulate"))
            await lockstep.begin(conn, town.begins)
            await sealing.begin(conn, self.folder)
            made = await provision.provision(conn, town, f"http://{app.host}:{app.port}")
            self.say(
                f"  registered  {len(made.residents)} residents, {len(made.devices)} devices, {len(made.people)} people"
                f" {time.monotonic() - began:.1f} s"
            )
            hub = await stack.enter_async_context(LockStep(settings, town.begins))
            key, self._accounts = secrets.token_urlsafe(24), made.accounts
            url = await stack.enter_async_context(serve(hub, key, beside=self.drill))
            joined = Joined(
                now=hub.now, zone=town.zone, session_hours=SESSION_HOURS, step_url=url, step_key=key,
                listener=Endpoint(host=HOST, port=hub.listener.port),
                trackers={name: Endpoint(host=HOST, port=port) for name, port in hub.trackers.items()},
                console_url=settings.public_url, app=app, callback_key=settings.secrets.callback_key,
                devices=made.devices, gateways=made.gateways, residents=made.residents, people=made.people,
                accounts=[] if self.drill else made.accounts,
            )  # fmt: skip
            _write_secret(self.folder / "joined.json", msgspec.json.encode(joined))
            if self.drill:
                word = {"console_url": settings.public_url, "accounts": made.accounts}
                _write_secret(self.folder / WORD_FILE, msgspec.json.encode(word))
                ticker = asyncio.create_task(_in_real_time(hub, self.speed or 1.0), name="real time")
                stack.callback(ticker.cancel)
            code = await self._live(hub)
            self.say(
                f"  lived       {hub.counts.moments} moments, {hub.counts.timers} timers, {hub.counts.pages} pages"
                f" {time.monotonic() - began:.1f} s"
            )
            await account.write(
                conn, self.folder / "account.json", town, end=hub.now, faults=hub.faults, steps=hub.counts,
                repeated=_count(REPEATED), real_s=time.monotonic() - began,
            )  # fmt: skip
        return code

    def _settings(self, town: Town, dsn: str) -> Settings:
        """Settings of our own: nothing of an installation's environment must reach a hub that plays."""
        trackers = [name for name in town.tcp if name != WATCH]
        protocols = ",".join([*([WATCH] if WATCH in town.tcp else []), *(f"{n}:{free_port()}" for n in trackers)])
        keys = ("LINK_KEY", "WEBHOOK_KEY", "CALLBACK_KEY")
        environ = {
            "CAREHUB_RUN_DIR": str(self.folder), "CAREHUB_DATABASE_DSN": dsn,
            "CAREHUB_CONSOLE_PORT": str(free_port()), "CAREHUB_CONSOLE_DRILL": town.title if self.drill else "",
            "CAREHUB_CONSOLE_ZONE": town.zone,
            "CAREHUB_CONSOLE_SESSION_HOURS": str(SESSION_HOURS), "CAREHUB_CONSOLE_SECOND_FACTOR": "off",
            "CAREHUB_LISTENER_PORT": "0", "CAREHUB_LISTENER_DELIVER_TIMEOUT_S": "3",
            "CAREHUB_LISTENER_IDLE_LIMIT_S": "864000", "CAREHUB_LISTENER_CONNECT_TIMEOUT_S": "120",
            "CAREHUB_LISTENER_MAX_KEEP_ALIVE_S": "64000",
            "CAREHUB_GATEWAY_ENABLED": str(bool(town.tcp)).lower(), "CAREHUB_GATEWAY_PORT": str(free_port()),
            "CAREHUB_GATEWAY_IDLE_S": "864000", "CAREHUB_GATEWAY_FIRST_FRAME_S": "600",
            "CAREHUB_GATEWAY_FRAMES_PER_S": "20000", "CAREHUB_GATEWAY_DELIVER_TIMEOUT_S": "3",
            "CAREHUB_INGEST_BATCH_WAIT_MS": "10", "CAREHUB_INGEST_RAW_KEEP_DAYS": str(KEEP_DAYS),
            "CAREHUB_INGEST_RAW_KEEP_MB": str(KEEP_MB), "CAREHUB_INGEST_TELEMETRY_KEEP_DAYS": str(KEEP_DAYS),
            "CAREHUB_INGEST_UNREADABLE_KEEP_MB": str(KEEP_UNREAD_MB), "CAREHUB_INGEST_NEW_DEVICES_PER_HOUR": "100000",
            "CAREHUB_TELEPHONE_PROVIDER": "simulated",
            "CAREHUB_SECRETS_VAPID_KEY": vapid.make_key(),
            **{f"CAREHUB_SECRETS_{name}": secrets.token_urlsafe(32) for name in keys},
            **self.environ,
        }  # fmt: skip
        if protocols:
            environ["CAREHUB_GATEWAY_PROTOCOLS"] = protocols
        settings = load(None, environ)
        return replace(settings, listener=replace(settings.listener, failures_per_source=1_000_000))

    async def _live(self, hub: LockStep) -> int:
        """Let the town live until it ends, or until the hub cannot go on."""
        assert hub.ingest.lost is not None
        words = ["live", self.story, "--seed", str(self.seed), *_files(self.folder)]
        words += ["--speed", str(self.speed)] if self.speed else []
        async with _town(words) as process:
            ended = asyncio.create_task(process.wait(), name="town")
            told = asyncio.Event()
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
            stopped = asyncio.create_task(told.wait(), name="stop")
            either: list[asyncio.Future[Any]] = [ended, hub.ingest.lost, stopped]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if hub.ingest.lost.done():
                hub.ingest.lost.result()
            stopped.cancel()
            return await ended if ended.done() else 0


async def _in_real_time(hub: LockStep, speed: float) -> None:
    """Whoever works the desk sees time pass between the town's own steps."""
    while True:
        await asyncio.sleep(BEAT_S)
        await hub.step(hub.now + timedelta(seconds=BEAT_S * speed))


@contextlib.asynccontextmanager
async def _town(words: Sequence[str]) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(*_command(words), env=plain_environment())
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LIVE_GRACE_S):
                    await process.wait()
        if process.returncode is None:
            process.kill()
            await process.wait()


def plain_environment() -> dict[str, str]:
    """The town sees only the wire: it gets no database and no secrets but those in joined.json."""
    return {name: value for name, value in os.environ.items() if not name.startswith("CAREHUB_")}


def _child(words: Sequence[str]) -> int:
    return subprocess.run(_command(words), env=plain_environment(), check=False).returncode


def _command(words: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "simulator", *words]


def _files(folder: Path) -> list[str]:
    return [word for name in ("town", "joined", "truth") for word in (f"--{name}", str(folder / f"{name}.json"))]


def _count(counter: Counter) -> int:
    return sum(int(sample.value) for metric in counter.collect() for sample in metric.samples[:1])


def _write_secret(path: Path, body: bytes) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(body)
