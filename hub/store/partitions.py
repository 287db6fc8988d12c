"""Makes the telemetry tables and keeps their partitions ahead of time."""

from datetime import datetime
from typing import Any

import psycopg


async def ensure(conn: psycopg.AsyncConnection[tuple[Any, ...]], now: datetime) -> None:
    """Make what is missing for the coming days."""
