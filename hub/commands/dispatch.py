"""carehub dispatch: the process that fires escalation timers and sends pages. Run as many as you like."""

import argparse
import asyncio
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import httpx
import pywebpush  # type: ignore[import-untyped]  # noqa: F401 - here, that the first page does not wait for it
import uvloop

from hub import config, logs, metrics
from hub.channels import means_of, open_channels
from hub.channels.transport import AiohttpTransport
from hub.config import Settings, required_dsn
from hub.loops.asker import Asker
from hub.loops.bell import Bell
from hub.loops.dispatcher import PROVIDERS_AT_ONCE, Dispatcher
from hub.loops.ending import until_signal
from hub.loops.escalator import CONNECTIONS, Escalator
from hub.loops.events import EventsLoop
from hub.loops.exchange import ExchangeLoop
from hub.loops.linker import Linker
from hub.loops.teller import Teller
from hub.loops.timekeeper import Timekeeper
from hub.pulse import beating
from hub.store.pool import open_pool, tuned
from hub.telephony import line_of, open_telephone
from hub.telephony.reconcile import Reconciler

AT_ONCE = 16  # receipts written side by side: a sender needs a connection only then
SILENT_FOR_S = 5.0  # a loop that has not seen the database for longer is not ready
RUNG_BY = ("carehub_incident", "carehub_page")


def main(argv: list[str]) -> int:
    """Run until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="carehub dispatch", description=__doc__)
    parser.add_argument("--config", type=Path, help="settings in TOML; the environment comes after it")
    settings = config.load(parser.parse_args(argv).config)
    logs.configure("dispatch", settings.log_level)
    required_dsn(settings)
    with suppress(asyncio.CancelledError), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(settings))
    return 0


async def run(settings: Settings) -> None:
    """Open everything, work until a signal comes, close everything."""
    dsn, lines = settings.database.dsn, settings.dispatch.senders * PROVIDERS_AT_ONCE
    bell = Bell(dsn, RUNG_BY)
    async with (
        beating() as pulse,
        open_pool(dsn, name="carehub dispatch", smallest=2, largest=AT_ONCE + 8) as pool,
        open_pool(
            tuned(dsn), name="carehub escalator", smallest=CONNECTIONS, largest=CONNECTIONS, tried=False
        ) as timers,
        httpx.AsyncClient(trust_env=False, transport=AiohttpTransport(lines)) as http,
    ):
        channels = open_channels(means_of(settings, pool, http))
        escalator = Escalator(pool=timers, bell=bell.subscribe())
        dispatcher = Dispatcher(
            dsn=dsn, pool=pool, bell=bell.subscribe(), channels=channels, public_url=settings.public_url,
            link_key=settings.secrets.link_key, senders=settings.dispatch.senders, lease_s=settings.dispatch.lease_s,
        )  # fmt: skip
        asker = Asker(
            pool=pool, channels=channels, public_url=settings.public_url, link_key=settings.secrets.link_key
        )  # fmt: skip
        teller = Teller(pool=pool, channels=channels)
        calls = Reconciler(
            pool=pool, telephone=open_telephone(line_of(settings), http),
            longest=timedelta(minutes=settings.telephone.longest_min),
        )  # fmt: skip
        with metrics.serve(
            settings.metrics.host, settings.metrics.dispatch_port, lambda: waiting_for(escalator, dispatcher),
            pulse.standing,
        ):  # fmt: skip
            await until_signal(
                bell=bell.run(), escalator=escalator.run(), dispatcher=dispatcher.run(),
                timekeeper=Timekeeper(dsn=dsn).run(), linker=Linker(pool=pool).run(),
                calls=calls.run(), asker=asker.run(), teller=teller.run(),
                events=EventsLoop.of(settings, pool).run(), exchange=ExchangeLoop.of(settings).run(),
            )  # fmt: skip


def waiting_for(escalator: Escalator, dispatcher: Dispatcher) -> str | None:
    """Return which loop has not reached the database lately."""
    now = time.monotonic()
    silent = [
        name for name, passed_at in (("escalator", escalator.passed_at), ("dispatcher", dispatcher.passed_at))
        if now - passed_at > SILENT_FOR_S
    ]  # fmt: skip
    return f"{' and '.join(silent)}: no pass over the database in {SILENT_FOR_S:g} s" if silent else None
