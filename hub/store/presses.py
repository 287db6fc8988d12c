"""Remembers presses, so that the same one said again changes nothing."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from psycopg.types.numeric import Int8

from devices.adapter import Downlink
from hub.store import hot
from hub.store.hot import json
from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("presses")
NAMELESS_WINDOW_S = 10.0  # a press without an identity that comes closer than this to a counted one is that one
NAMELESS = "~"  # what the identities we make up begin with


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A press that was counted, as it is remembered."""

    device_id: int
    identity: str
    kind: str
    incident_id: int
    at: datetime


async def seen(conn: Connection, device_id: int, identity: str) -> int | None:
    """Return the incident that the press with this identity went to, or None for a new press."""
    return await _incident(await ask_seen(conn, device_id, identity))


async def just_counted(conn: Connection, device_id: int, kind: str, at: datetime) -> int | None:
    """Return the incident of a press of the same kind counted less than ten seconds before, or None.

    A press without an identity is then still that one. The window starts at the press that was counted, not at the last
    message: a button pressed every eight seconds rings again.
    """
    return await _incident(await ask_just_counted(conn, device_id, kind, at))


async def ask_seen(conn: Connection, device_id: int, identity: str) -> hot.Cursor:
    """Like `seen`, without waiting for the answer in pipeline mode."""
    return await hot.execute(conn, Q.seen, {"device_id": Int8(device_id), "identity": identity})


async def ask_just_counted(conn: Connection, device_id: int, kind: str, at: datetime) -> hot.Cursor:
    """Like `just_counted`, without waiting for the answer in pipeline mode."""
    values = {"device_id": Int8(device_id), "kind": kind, "at": at, "window_s": NAMELESS_WINDOW_S}
    return await hot.execute(conn, Q.just_counted, values)


async def _incident(asked: hot.Cursor) -> int | None:
    row = await asked.fetchone()
    return int(row[0]) if row else None


async def keep(conn: Connection, device_id: int, *, identity: str, kind: str, incident_id: int, at: datetime) -> None:
    """Remember a press. Call inside its transaction."""
    await keep_all(
        conn, [Kept(device_id=device_id, identity=identity, kind=kind, incident_id=incident_id, at=at)]
    )  # fmt: skip


async def keep_all(conn: Connection, kept: Sequence[Kept]) -> None:
    """Remember presses. Call inside their transaction."""
    if kept:
        await hot.execute(conn, Q.keep, {"presses": json(map(asdict, kept))})


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
