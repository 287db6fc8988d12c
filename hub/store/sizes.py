"""What the measurements take on the disk: by table, by message, by wearer and day."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from hub.store import hypertables, partitions
from hub.store.pool import Connection
from hub.store.sql import queries

Q: Final = queries("sizes")
A_DAY: Final = {partitions.PACKED.name: 1, partitions.HOURS.name: 24, partitions.DAYS.name: 1}


@dataclass(frozen=True, kw_only=True)
class Size:
    """One table cut by time. `rows` is an estimate; `pieces`: partitions or chunks that hold something.

    A row of what is packed is a device's day; of what is rolled up, a device's hour or day.
    """

    table: str
    hypertable: bool
    bytes: int
    rows: int
    pieces: int
    slice: timedelta
    a_day: int = 0  # rows of a device and day, where that is known

    @property
    def per_row(self) -> float:
        return self.bytes / self.rows if self.rows else 0.0

    def per_wearer_day(self, wearers: int) -> float:
        """Return bytes for one device that is worn, and one day."""
        if self.a_day:
            return self.per_row * self.a_day if wearers else 0.0
        days = self.pieces * (self.slice / timedelta(days=1))
        return self.bytes / days / wearers if wearers and days else 0.0


async def measure(conn: Connection) -> list[Size]:
    """Return the sizes of all tables cut by time."""
    hyper = await hypertables.are(conn)
    found = []
    for table in (*partitions.TABLES, *partitions.MADE):
        of_chunks = table.name in hyper
        query = Q.of_hypertable if of_chunks else Q.of_partitions
        row = await (await conn.execute(query, {"table": table.name})).fetchone()
        size, rows, pieces = (int(value or 0) for value in row or (0, 0, 0))
        found.append(
            Size(
                table=table.name,
                hypertable=of_chunks,
                bytes=size,
                rows=rows,
                pieces=pieces,
                slice=table.slice,
                a_day=A_DAY.get(table.name, 0),
            )
        )
    return found + await _rolled_by_extension(conn)


async def _rolled_by_extension(conn: Connection) -> list[Size]:
    """Return what the continuous aggregates take; how many rows they hold the extension does not count."""
    row = await (await conn.execute(Q.rolled)).fetchone()
    names = ("measured_hour_kept", "measured_day_kept") if row is not None and row[0] else ()
    found = []
    for name in names:
        taken = await (await conn.execute(Q.of_aggregate, {"table": name})).fetchone()
        size = int(taken[0] or 0) if taken else 0
        found.append(Size(table=name, hypertable=True, bytes=size, rows=0, pieces=0, slice=partitions.DAY))
    return found


async def wearers(conn: Connection) -> int:
    """Return how many devices are live and somebody's."""
    row = await (await conn.execute(Q.wearers)).fetchone()
    return int(row[0]) if row else 0
