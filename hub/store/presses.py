"""Remembers presses, so that the same one said again changes nothing."""

from datetime import datetime

from devices.adapter import Downlink
from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("presses")
NAMELESS_WINDOW_S = 10.0  # a press without an identity that comes closer than this to a counted one is that one
NAMELESS = "~"  # what the identities we make up begin with


async def seen(conn: Connection, device_id: int, identity: str) -> int | None:
    """Return the incident that the press with this identity went to, or None for a new press."""
    row = await (await conn.execute(Q.seen, {"device_id": device_id, "identity": identity})).fetchone()
    return int(row[0]) if row else None


async def just_counted(conn: Connection, device_id: int, kind: str, at: datetime) -> int | None:
    """Return the incident of a press of the same kind counted less than ten seconds before, or None.

    A press without an identity is then still that one. The window starts at the press that was counted, not at the last
    message: a button pressed every eight seconds rings again.
    """
    found = await conn.execute(
        Q.just_counted, {"device_id": device_id, "kind": kind, "at": at, "window_s": NAMELESS_WINDOW_S}
    )
    row = await found.fetchone()
    return int(row[0]) if row else None


async def keep(conn: Connection, device_id: int, *, identity: str, kind: str, incident_id: int, at: datetime) -> None:
    """Remember a press. Call inside its transaction."""
    values = {"device_id": device_id, "identity": identity, "kind": kind, "incident_id": incident_id, "at": at}
    await conn.execute(Q.keep, values)


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
