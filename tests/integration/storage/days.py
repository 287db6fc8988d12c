"""Days of telemetry as tests of the storage write and read them, on native partitions and on hypertables alike."""

from datetime import datetime, timedelta, timezone
from typing import Any

from hub.store import hypertables, measured, packing, partitions, vital_hours, vital_rollup
from hub.store.partitions import DAY, HOUR
from hub.store.pool import Connection

YINCHUAN = timezone(timedelta(hours=8))
COLUMNS = ", ".join(name for name in packing.COLUMNS if name != "batch") + ", batch"
ALL = (
    f"select {COLUMNS} from telemetry union all select {COLUMNS} from telemetry_unpacked"
    " order by device_id, received_at, batch, sequence"
)


async def say(conn: Connection, at: datetime, device: int = 1, **values: Any) -> None:
    """Store one message."""
    row = {"received_at": at, "device_id": device, "batch": 1, "measured_at": at, "heart_rate_bpm": 70, **values}
    names = ", ".join(row)
    await conn.execute(
        f"insert into telemetry ({names}) values ({', '.join(f'%({one})s' for one in row)})".encode(),
        row,
    )


async def all_said(conn: Connection) -> list[tuple[Any, ...]]:
    """Return every row there is, from wherever it lies; what is no number as a word, which is like itself."""
    rows = await (await conn.execute(ALL.encode())).fetchall()
    return [tuple("NaN" if value != value else value for value in row) for row in rows]  # noqa: PLR0124


async def rolled(conn: Connection, now: datetime) -> None:
    """Let everything of the last days be rolled up that is over, by the hub or by the extension as its jobs would."""
    if await (await conn.execute(vital_rollup.Q.mark)).fetchone() is None:
        await conn.execute(vital_rollup.Q.put_mark, {"hour": partitions.floor(now, HOUR) - 2 * HOUR, "batch": 0})
    while await vital_hours.refresh(conn, now):
        pass
    while await measured.refresh(conn, now, measured.midnight(YINCHUAN, now)):
        pass
    begins = measured.midnight(YINCHUAN, now)
    for view, size in (("vital_hour_kept", HOUR), ("measured_hour_kept", HOUR), ("measured_day_kept", DAY)):
        row = await (await conn.execute("select to_regclass(%s) is not null", (view,))).fetchone()
        if row == (True,):
            until = measured.floor(now, size, begins)
            assert await hypertables.refreshed(conn, view, until - 60 * DAY, until)


async def put_away(conn: Connection, now: datetime) -> int:
    """Let the days that are over be compressed: packed by the hub, or by the extension as its policy would."""
    await rolled(conn, now)
    if "telemetry" in await hypertables.are(conn):
        chunks = await conn.execute(
            "select compress_chunk(c, true) from show_chunks('telemetry', older_than => %s::timestamptz) c",
            (now - packing.AFTER,),
        )
        return len(await chunks.fetchall())
    return await packing.put_away(conn, now)
