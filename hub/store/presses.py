"""Remembers presses, so that the same one said again changes nothing."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from psycopg.types.numeric import Int8

from alerts.triage import SAME_PRESS
from alerts.witnesses import Said
from devices.adapter import Downlink
from hub.store import hot
from hub.store.hot import json
from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("presses")
NAMELESS = "~"  # what the identities we make up begin with


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A press that was counted, as it is remembered."""

    device_id: int
    identity: str
    kind: str
    incident_id: int
    at: datetime


async def ask_seen(conn: Connection, device_id: int, identity: str) -> hot.Cursor:
    """Ask for the incident that the press with this identity went to. In pipeline mode nothing waits for the answer."""
    return await hot.execute(conn, Q.seen, {"device_id": Int8(device_id), "identity": identity})


async def ask_just_counted(
    conn: Connection, device_id: int, kind: str, severity: int, at: datetime, *, test: bool
) -> hot.Cursor:
    """Ask for the incident of a press of the same kind counted moments before: one without an identity is still that
    one. In pipeline mode nothing waits for the answer.

    The time runs from the press that was counted, not from the last message: a button pressed every eight seconds rings
    again. What was counted as an installer's test is no press that a real one could be, and what is worse than its case
    is news: a fall that was suspected is now confirmed.
    """
    window_s = SAME_PRESS.total_seconds()
    who = {"device_id": Int8(device_id), "kind": kind, "severity": severity}
    return await hot.execute(conn, Q.just_counted, {**who, "at": at, "window_s": window_s, "test": test})


async def counters(conn: Connection) -> list[tuple[str, str]]:
    """Return (device address, name) of the last press of each Shelly's counter, in no order."""
    return [(str(row[0]), str(row[1])) for row in await (await conn.execute(Q.counters)).fetchall()]


async def ask_going_on(conn: Connection, device_id: int, kind: str, since: datetime, *, test: bool) -> hot.Cursor:
    """Ask for the open incident of an alarm that has been going on since then. Once its case has ended, what still goes
    on is a new one. In pipeline mode nothing waits for the answer.
    """
    values = {"device_id": Int8(device_id), "kind": kind, "since": since - SAME_PRESS, "test": test}
    return await hot.execute(conn, Q.going_on, values)


async def keep_all(conn: Connection, kept: Sequence[Kept]) -> None:
    """Remember presses. Call inside their transaction."""
    if kept:
        await hot.execute(conn, Q.keep, {"presses": json(map(asdict, kept))})


async def taken_back(conn: Connection, kind: str, device_id: int, resident_id: int | None) -> int | None:
    """Return the open case, of this device or its resident, in which something of this kind can be taken back."""
    keys = [f"device:{device_id}"] if resident_id is None else [f"resident:{resident_id}", f"device:{device_id}"]
    row = await (await conn.execute(Q.taken_back, {"keys": keys, "kind": kind})).fetchone()
    return int(row[0]) if row else None


async def said(conn: Connection, incident_id: int, kind: str) -> list[Said]:
    """Return who told of something of this kind in a case and who took back, as its chain has it, oldest first."""
    rows = await (await conn.execute(Q.said, {"incident": incident_id, "kind": kind})).fetchall()
    return [Said(by=by, at=at, taken_back=back) for by, at, back in rows]


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
