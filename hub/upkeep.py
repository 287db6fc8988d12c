"""Makes the next partitions, drops those that are older, or larger, than is kept, rolls up and puts away days."""

import asyncio
from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import psycopg
import structlog

from hub import clock, retention
from hub.config import IngestSettings, Settings
from hub.steady import Steady
from hub.store import measured, packing, partitions, vital_hours
from hub.store.pool import Connection
from hub.store.telemetry import moment

EVERY_S = 600.0

log = structlog.get_logger()


async def run(settings: Settings, dsn: str) -> None:
    """Work until cancelled."""
    kept, zone = kept_for(settings.ingest), ZoneInfo(settings.console.zone)
    async with Steady(dsn, "carehub ingest upkeep") as steady:
        while True:
            await asyncio.sleep(EVERY_S)
            now = moment(clock.now_ms())
            try:
                dropped = await once(await steady.get(), now, kept, zone)
            except psycopg.Error as err:
                log.warning("partitions not kept", error=str(err)[:200])
            else:
                if dropped:
                    log.info("dropped old partitions", partitions=dropped)


async def once(conn: Connection, now: datetime, kept: partitions.Retention, zone: tzinfo) -> list[str]:
    """Keep everything up once; returns the partitions that were dropped.

    Args:
        zone: the district's: at its midnight days begin.
    """
    await partitions.ensure(conn, now)
    dropped = await partitions.sweep(conn, now, kept)
    await vital_hours.refresh(conn, now)
    await measured.refresh(conn, now, measured.midnight(zone, now))
    await packing.put_away(conn, now)
    await retention.apply(conn)
    return dropped


def kept_for(limits: IngestSettings) -> partitions.Retention:
    """Return how long each table is kept, as the settings say."""
    return partitions.Retention(
        telemetry=timedelta(days=limits.telemetry_keep_days), observation=timedelta(days=limits.telemetry_keep_days),
        raw_batch=timedelta(days=limits.raw_keep_days), raw_bytes=limits.raw_keep_mb << 20,
        measured_hour=timedelta(days=limits.hours_keep_days), measured_day=timedelta(days=limits.days_keep_days),
    )  # fmt: skip
