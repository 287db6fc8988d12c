"""Discovery messages of bridges, kept so that what they told of is known after a restart, and in every process."""

from collections.abc import Mapping
from datetime import datetime

from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("discovered")
MOST = 5_000  # messages of one place; a house has some hundred
MOST_BYTES = 8 << 20  # of one place
MOST_IN_ALL = 50_000  # messages of all places together
MOST_BYTES_IN_ALL = 256 << 20


async def mark(conn: Connection) -> str:
    """Return from where `changed` is to go on, for a load that begins after it."""
    row = await (await conn.execute(Q.mark)).fetchone()
    assert row is not None
    return str(row[0])


async def load(conn: Connection) -> list[tuple[str, bytes]]:
    """Return every message in use as (topic, payload), the oldest first."""
    return [(str(topic), bytes(payload)) for topic, payload in await (await conn.execute(Q.load)).fetchall()]


async def changed(conn: Connection, since: str) -> list[tuple[str, bytes]]:
    """Return what changed since a mark; what was taken out of use has an empty payload."""
    rows = await (await conn.execute(Q.changed, {"mark": since})).fetchall()
    return [(str(topic), bytes(payload or b"")) for topic, payload in rows]


async def keep(conn: Connection, told: Mapping[str, tuple[str, bytes]], now: datetime) -> None:
    """Keep messages, (place, payload) by topic; an empty payload takes one out of use. Call inside a transaction."""
    places = [place for place, _ in told.values()]
    payloads = [payload or None for _, payload in told.values()]
    await conn.execute(Q.keep, {"topics": list(told), "places": places, "payloads": payloads, "now": now})
    limits = {"places": sorted(set(places)), "now": now, "most": MOST, "most_bytes": MOST_BYTES}
    await conn.execute(Q.trim, limits)
    await conn.execute(Q.trim_all, {"most": MOST_IN_ALL, "most_bytes": MOST_BYTES_IN_ALL})
    await conn.execute(Q.tell)
