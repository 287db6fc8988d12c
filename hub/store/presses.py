"""Remembers presses, so that the same one said again changes nothing."""

from datetime import datetime

from devices.adapter import Downlink
from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("presses")
NAMELESS_WINDOW_S = 10.0  # presses without an identity that come closer than this to the first are one
NAMELESS = "~"  # what the identities we make up begin with


async def seen(conn: Connection, device_id: int, identity: str) -> int | None:
    """Return the incident that the press with this identity went to, or None for a new press."""
    row = await (await conn.execute(Q.seen, {"device_id": device_id, "identity": identity})).fetchone()
    return int(row[0]) if row else None


async def recent_nameless(conn: Connection, device_id: int, kind: str, at: datetime) -> int | None:
    """Return the incident of a press of the same kind without identity less than ten seconds before, or None.

    The window starts at the first press, not at the last: a button pressed every eight seconds rings again.
    """
    found = await conn.execute(
        Q.recent_nameless,
        {"device_id": device_id, "prefix": f"{NAMELESS}{kind}:", "at": at, "window_s": NAMELESS_WINDOW_S},
    )
    row = await found.fetchone()
    return int(row[0]) if row else None


async def keep(conn: Connection, device_id: int, identity: str, incident_id: int, at: datetime) -> None:
    """Remember a press. Call inside its transaction."""
    await conn.execute(Q.keep, {"device_id": device_id, "identity": identity, "incident_id": incident_id, "at": at})


async def confirming(conn: Connection, kind: str, device_id: int, resident_id: int | None) -> list[int]:
    """Return the incidents of one kind whose countdown this device's wearer may still stop."""
    who = {"kind": kind, "device_id": device_id, "resident_id": resident_id}
    return [int(row[0]) for row in await (await conn.execute(Q.confirming, who)).fetchall()]


async def language(conn: Connection, device_id: int) -> str:
    """Return what the wearer of a device speaks."""
    row = await (await conn.execute(Q.language, {"device_id": device_id})).fetchone()
    return str(row[0]) if row else "zh-CN"


async def tell(conn: Connection, device_id: int, downlink: Downlink) -> None:
    """Put words for a device on their way, once this transaction has committed."""
    await conn.execute(
        Q.tell,
        {"topic": downlink.topic, "payload": downlink.payload, "retain": downlink.retain, "device_id": device_id},
    )
