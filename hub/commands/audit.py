"""carehub audit: the process that watches the others: nothing silent, late or broken; siren, heartbeat, canary."""

import argparse
import asyncio
import time
from contextlib import suppress
from pathlib import Path

from hub import config, logs, metrics
from hub.config import Settings, reachable, required_dsn
from hub.loops.auditor import Auditor
from hub.loops.canary import CanaryLoop, NoCanary, Places
from hub.loops.coverage import CoverageLoop
from hub.loops.echo import Echo
from hub.loops.ending import until_signal
from hub.loops.findings import Loud
from hub.loops.fleet import FleetLoop
from hub.loops.outside import Outside
from hub.loops.oversight import OversightLoop
from hub.loops.routine import RoutineLoop
from hub.loops.siren import Siren
from hub.pulse import beating

SILENT_FOR_S = 5.0


def main(argv: list[str]) -> int:
    """Run until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="carehub audit", description=__doc__)
    parser.add_argument("--config", type=Path, help="settings in TOML; the environment comes after it")
    settings = config.load(parser.parse_args(argv).config)
    logs.configure("audit", settings.log_level)
    required_dsn(settings)
    with suppress(asyncio.CancelledError):
        asyncio.run(run(settings))
    return 0


async def run(settings: Settings) -> None:
    """Watch until a signal comes."""
    dsn, how, run_dir = settings.database.dsn, settings.audit, settings.run_dir.resolve()
    auditor = Auditor(dsn=dsn)
    again_s = 60 * how.siren_again_min
    siren = Siren(settings=how, alarms=lambda: auditor.loud(Loud.SIREN, again_s=again_s), run_dir=run_dir)
    # An acknowledged fault is still one: only the siren may be told to be silent. Sirens are for who is here.
    outside = Outside(
        settings=how, wrong=lambda: auditor.loud(Loud.HEARTBEAT, again_s=0.0), passed=lambda: auditor.passed_at > 0
    )
    echo = Echo(dsn=dsn)
    canary = _canary(settings)
    auditor.parts = (siren, outside, echo, canary)

    def waiting_for() -> str | None:
        silent = time.monotonic() - auditor.passed_at > SILENT_FOR_S
        return f"no pass over the database in {SILENT_FOR_S:g} s" if silent else None

    async with beating() as pulse:
        with metrics.serve(settings.metrics.host, settings.metrics.audit_port, waiting_for, pulse.standing):
            await until_signal(
                auditor=auditor.run(),
                siren=siren.run(),
                outside=outside.run(),
                echo=echo.run(),
                canary=canary.run(),
                coverage=CoverageLoop.of(settings).run(),
                fleet=FleetLoop.of(settings).run(),
                homes=RoutineLoop.of(settings).run(),
                oversight=OversightLoop.of(settings).run(),
            )


def _canary(settings: Settings) -> CanaryLoop | NoCanary:
    how = settings.audit
    if not how.canary:
        return NoCanary()
    host, _, port = how.canary_listener.rpartition(":")
    places = Places(
        host=host or reachable(settings.listener.host), port=int(port) if host else settings.listener.port,
        console_url=how.canary_console or f"http://{reachable(settings.console.host)}:{settings.console.port}",
        ca=settings.listener.tls_cert,
    )  # fmt: skip
    return CanaryLoop(
        dsn=settings.database.dsn, run_dir=settings.run_dir.resolve(), places=places, every_s=how.canary_every_s,
        limit_s=how.canary_limit_s,
    )  # fmt: skip
