"""carehub ingest: the ways in, the lanes and the detectors, as one process."""

import argparse
import asyncio
import contextlib
import gc
import resource
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import structlog
import uvloop
from prometheus_client import Histogram

from hub import logs, metrics
from hub.config import Settings, load, required_dsn
from hub.ingest import DRAIN_S, Ingest
from hub.ingress.arrival import Outlet
from hub.ingress.bridge import Bridge
from hub.ingress.credentials import Credentials
from hub.ingress.downlinks import Downlinks
from hub.ingress.gateway import Gateway
from hub.ingress.listener import Listener
from hub.pulse import beating

LAG_EVERY_S = 0.05
FILES_BESIDE = 200  # open files that are no devices: the database, metrics, logs
LAG = Histogram(
    "carehub_loop_lag_seconds",
    "How late the event loop woke up: its longest slice",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1),
)
log = structlog.get_logger()


def main(argv: list[str]) -> int:
    """Run until SIGTERM or SIGINT; what was received by then is committed and acknowledged first."""
    parser = argparse.ArgumentParser(prog="carehub ingest", description=__doc__)
    parser.add_argument("--config", type=Path, help="settings file (TOML)")
    settings = load(parser.parse_args(argv).config)
    logs.configure("ingest", settings.log_level, sys.stderr)
    required_dsn(settings)
    allow_connections(settings)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(settings))
    return 0


def allow_connections(settings: Settings) -> None:
    """A process has 1,024 open files unless it asks for more: a thousand idle watches would shut all others out."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_BESIDE + settings.listener.max_connections + settings.gateway.max_connections
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    if most < wanted:
        log.warning("fewer connections than configured", open_files=most, wanted=wanted)


async def run(settings: Settings) -> None:
    """Work until the signal, with pages that say how it goes."""
    stopping = asyncio.Event()
    async with beating() as pulse:
        with on_signal(stopping), contextlib.ExitStack() as pages:
            state = State()
            where = settings.metrics.host, settings.metrics.ingest_port
            pages.enter_context(metrics.serve(*where, state.waiting_for, pulse.standing))
            await work(settings, stopping, state)


async def work(settings: Settings, stopping: asyncio.Event, state: "State") -> None:
    """Open everything in order, wait for the signal, close everything in reverse order."""
    async with contextlib.AsyncExitStack() as stack:
        # A second process waits here until the first one is gone; a signal ends the waiting.
        ingest = Ingest(settings, settings.database.dsn)
        if not await entered(stack, ingest, stopping):
            return
        state.ingest = ingest
        await open_ways_in(stack, settings, ingest)
        gc.collect()
        gc.freeze()  # what is here now stays: the collector need not look at it again
        state.listening = True
        log.info("ready", devices=len(ingest.table))
        await until_stopped(stopping, ingest)
        state.listening = False
        ingest.stop_reading()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                await ingest.drained()


class State:
    """What /readyz says."""

    ingest: Ingest | None = None
    listening = False

    def waiting_for(self) -> str | None:
        """Return None when messages are taken and stored."""
        if self.ingest is None:
            return "waiting to own the devices"
        if not self.listening or not self.ingest.ready:
            return "starting or stopping"
        return None


async def entered(stack: contextlib.AsyncExitStack, ingest: Ingest, stopping: asyncio.Event) -> bool:
    """Enter the ingest unless the signal comes first."""
    entering = asyncio.create_task(stack.enter_async_context(ingest), name="own devices")
    stop = asyncio.create_task(stopping.wait(), name="signal")
    await asyncio.wait((entering, stop), return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if entering.done():
        entering.result()
        return True
    entering.cancel()
    await asyncio.gather(entering, return_exceptions=True)
    return False


async def open_ways_in(stack: contextlib.AsyncExitStack, settings: Settings, ingest: Ingest) -> None:
    """Open listener, bridge and gateway, and the way back through them."""
    outlets: list[Outlet] = []
    credentials = await stack.enter_async_context(Credentials(settings.database.dsn))
    outlets.append(await stack.enter_async_context(Listener(settings.listener, ingest, credentials)))
    if settings.gateway.enabled:
        outlets.append(await stack.enter_async_context(Gateway(settings.gateway, ingest)))
    if settings.bridge.enabled:
        outlets.append(await stack.enter_async_context(Bridge(settings.bridge, ingest)))
    await stack.enter_async_context(Downlinks(settings.database.dsn, outlets))


async def until_stopped(stopping: asyncio.Event, ingest: Ingest) -> None:
    """Return at the signal; raise what makes this ingest useless."""
    assert ingest.lost is not None
    stop = asyncio.create_task(stopping.wait(), name="signal")
    lag = asyncio.create_task(measure_lag(), name="loop lag")
    try:
        done, _ = await asyncio.wait((stop, ingest.lost), return_when=asyncio.FIRST_COMPLETED)
        if ingest.lost in done:
            ingest.lost.result()
    finally:
        stop.cancel()
        lag.cancel()


async def measure_lag() -> None:
    """Observe how much later than asked the loop wakes us."""
    loop = asyncio.get_running_loop()
    while True:
        before = loop.time()
        await asyncio.sleep(LAG_EVERY_S)
        LAG.observe(max(0.0, loop.time() - before - LAG_EVERY_S))


@contextlib.contextmanager
def on_signal(stopping: asyncio.Event) -> Iterator[None]:
    """Set the event at SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
