"""Makes the next partitions and drops those that are older, or larger, than is kept."""

import asyncio
import time
from datetime import timedelta

import psycopg
import structlog

from hub.config import IngestSettings
from hub.steady import Steady
from hub.store import partitions
from hub.store.telemetry import moment

EVERY_S = 600.0

log = structlog.get_logger()


async def run(dsn: str, limits: IngestSettings) -> None:
    """Work until cancelled."""
    kept = partitions.Retention(
        telemetry=timedelta(days=limits.telemetry_keep_days), observation=timedelta(days=limits.telemetry_keep_days),
        raw_batch=timedelta(days=limits.raw_keep_days), raw_bytes=limits.raw_keep_mb << 20,
    )  # fmt: skip
    async with Steady(dsn, "carehub ingest upkeep") as steady:
        while True:
            await asyncio.sleep(EVERY_S)
            now = moment(int(time.time() * 1000))
            try:
                conn = await steady.get()
                await partitions.ensure(conn, now)
                dropped = await partitions.sweep(conn, now, kept)
            except psycopg.Error as err:
                log.warning("partitions not kept", error=str(err)[:200])
            else:
                if dropped:
                    log.info("dropped old partitions", partitions=dropped)
