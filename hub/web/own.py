"""Whom a dispatcher may send: the people of his own organisation."""

from collections.abc import Sequence

from hub.store.pool import Connection
from hub.store.sql import queries
from hub.web.auth import Seat

Q = queries("access")


async def people(conn: Connection, numbers: Sequence[int], who: Seat) -> set[int]:
    """Return which of these people are of his organisation, and still work there."""
    about = {"people": list(numbers), "organisation": who.organisation_id}
    rows = await (await conn.execute(Q.own_people, about)).fetchall()
    return {int(row[0]) for row in rows}
