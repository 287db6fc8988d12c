"""Who calls again and again is never muted: she is flagged, and a visit with a look at her device is booked."""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from hub.store.console import Row, row, rows
from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("desk")
WITHIN = timedelta(days=7)
OFTEN = 3  # calls within that time
VISIT_WITHIN = timedelta(days=3)
REST = timedelta(days=14)  # after a visit, nobody is sent for the same again


async def lately(conn: Connection, residents: Iterable[int | None]) -> Mapping[int, int]:
    """Return who of these residents calls often, and how often."""
    wanted = sorted({each for each in residents if each is not None})
    if not wanted:
        return {}
    found = await rows(conn, Q.called_lately, residents=wanted, within=WITHIN, often=OFTEN)
    return {r["resident_id"]: r["count"] for r in found}


async def book(conn: Connection, incident_id: int, resident_id: int | None) -> int | None:
    """Book a visit for the resident of a case that ends, if she calls often; None when there is nothing to book."""
    calls = (await lately(conn, [] if resident_id is None else [resident_id])).get(resident_id or 0)
    if calls is None:
        return None
    made = await row(conn, Q.book_visit, incident=incident_id, within=VISIT_WITHIN, rest=REST, calls=calls)
    return None if made is None else int(made["id"])


async def visit_of(conn: Connection, resident_id: int) -> Row | None:
    return await row(conn, Q.visit_of, resident=resident_id)
