"""carehub audit: the process that watches the others: no silent incident, nothing late, no broken chain."""

import argparse
import asyncio
import time
from contextlib import suppress
from pathlib import Path

from hub import config, logs, metrics
from hub.config import Settings, required_dsn
from hub.loops.auditor import Auditor
from hub.loops.ending import until_signal

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
    auditor = Auditor(dsn=settings.database.dsn)

    def waiting_for() -> str | None:
        silent = time.monotonic() - auditor.passed_at > SILENT_FOR_S
        return f"no pass over the database in {SILENT_FOR_S:g} s" if silent else None

    with metrics.serve(settings.metrics.host, settings.metrics.audit_port, waiting_for):
        await until_signal(auditor=auditor.run())
