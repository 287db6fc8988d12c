"""Makes the next partitions, drops those that are older, or larger, than is kept, rolls up the hours that are over."""

import asyncio
from datetime import datetime, timedelta

import psycopg
import structlog

from hub import clock, retention
from hub.config import IngestSettings
from hub.steady import Steady
from hub.store import partitions, vital_hours
from hub.store.pool import Connection
from hub.store.telemetry import moment

EVERY_S = 600.0

log = structlog.get_logger()


async def run(dsn: str, limits: IngestSettings) -> None:
    """Work until cancelled."""
    kept = kept_for(limits)
    async with Steady(dsn, "carehub ingest upkeep") as steady:
        while True:
            await asyncio.sleep(EVERY_S)
            now = moment(clock.now_ms())
            try:
                dropped = await once(await steady.get(), now, kept)
            except psycopg.Error as err:
                log.warning("partitions not kept", error=str(err)[:200])
            else:
                if dropped:
                    log.info("dropped old partitions", partitions=dropped)


async def once(conn: Connection, now: datetime, kept: partitions.Retention) -> list[str]:
    """Keep everything up once; returns the partitions that were dropped."""
    await partitions.ensure(conn, now)
    dropped = await partitions.sweep(conn, now, kept)
    await vital_hours.refresh(conn, now)
    await retention.apply(conn)
    return dropped


def kept_for(limits: IngestSettings) -> partitions.Retention:
    """Return how long each table is kept, as the settings say."""
    return partitions.Retention(
        telemetry=timedelta(days=limits.telemetry_keep_days), observation=timedelta(days=limits.telemetry_keep_days),
        raw_batch=timedelta(days=limits.raw_keep_days), raw_bytes=limits.raw_keep_mb << 20,
    )  # fmt: skip
