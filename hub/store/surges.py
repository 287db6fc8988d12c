"""Disaster mode as rows: where it is on, who declared it, when it ended."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from alerts.model import Severity
from alerts.surge import WITHIN, Proposal, Surge, propose
from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("cases")


async def active(conn: Connection) -> list[Surge]:
    """Return where disaster mode is on now, the widest first."""
    return [_surge(row) for row in await (await conn.execute(Q.surges)).fetchall()]


async def covering(conn: Connection, area: str, now: datetime) -> Surge | None:
    """Return the disaster mode an area is in, if any."""
    return next((surge for surge in await active(conn) if surge.covers(area, now)), None)


async def lock(conn: Connection) -> None:
    """Let nobody else declare or end one until commit."""
    await conn.execute(Q.surge_lock)


async def insert(conn: Connection, surge: Surge, person_id: int) -> int:
    """Write one that was just declared, and tell the consoles."""
    values = {
        "area": surge.area, "reason": surge.reason, "person": person_id, "began_at": surge.began_at,
        "ends_at": surge.ends_at,
    }  # fmt: skip
    row = await (await conn.execute(Q.declare_surge, values)).fetchone()
    assert row is not None
    return int(row[0])


async def end(conn: Connection, surge_id: int, person_id: int) -> bool:
    """End one before its time; False when it was over."""
    return await (await conn.execute(Q.end_surge, {"id": surge_id, "person": person_id})).fetchone() is not None


async def proposed(conn: Connection, within: timedelta = WITHIN) -> Proposal | None:
    """Say whether what opened lately looks like a disaster that nobody has declared.

    "Now" is the clock the cases were opened by: a console's own may be some milliseconds behind it, and the last
    case of a wave would be one of the future, not counted.
    """
    rows = await (await conn.execute(Q.recent_wave, {"within": within})).fetchall()
    if not rows:
        return None
    now = rows[0][3]
    found = propose([(at, Severity(severity), area) for at, severity, area, _ in rows], now)
    return None if found is None or await covering(conn, found.area, now) else found


def _surge(row: Sequence[Any]) -> Surge:
    _, area, reason, _, _, began_at, ends_at, ended_at = row
    return Surge(area=area, reason=reason, began_at=began_at, ends_at=ends_at, ended_at=ended_at)
