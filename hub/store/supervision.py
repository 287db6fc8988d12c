"""What supervision writes behind: gateways, silences, days, low batteries and the visits they book."""

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from alerts.supervision_battery import SIGNALS, VISIT_WORKING_DAYS, WITHIN, due_by
from hub.store import device_log
from hub.store.devices import Q as DEVICES
from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("supervision")


async def lose(
    conn: Connection, gateway: str, *, device_id: int, why: str, began: datetime, members: int, silent: int
) -> int:
    """Write down that a gateway is lost; returns the number of the loss."""
    values = {"gateway": gateway, "device": device_id, "why": why, "began": began, "members": members, "silent": silent}
    row = await (await conn.execute(Q.lose, values)).fetchone()
    assert row is not None
    return int(row[0])


async def found_again(conn: Connection, gateway: str) -> None:
    """Write down that a gateway is back."""
    await conn.execute(Q.found_again, {"gateway": gateway})


async def technical_case(conn: Connection, device_id: int) -> int | None:
    """Return the open case of a device's technical findings."""
    row = await (await conn.execute(Q.case_of, {"key": f"device:{device_id}:technical"})).fetchone()
    return None if row is None else int(row[0])


async def keep_signals(
    conn: Connection, signals: Sequence[tuple[int, datetime]], now: datetime, today: date
) -> list[int]:
    """Write low-battery signals (device, when) and book the visits they make due; returns their numbers."""
    devices = [device for device, _ in signals]
    await conn.execute(Q.keep_signals, {"devices": devices, "at": [at for _, at in signals]})
    values = {"devices": devices, "since": now - WITHIN, "signals": SIGNALS}
    many = await (await conn.execute(Q.many_signals, values)).fetchall()
    booked = []
    for device_id, resident_id, count, last in many:
        facts = json.dumps({"signals": int(count), "last": last.isoformat()})
        row = await book(conn, device_id, resident_id, last=last, due=due_by(today, VISIT_WORKING_DAYS), facts=facts)
        booked += [row] if row is not None else []
    return booked


async def book(
    conn: Connection, device_id: int, resident_id: int | None, *, last: datetime, due: date, facts: str
) -> int | None:
    """Book a visit for a battery; None while there is one, or when one was made after the last signal."""
    values = {"device": device_id, "resident": resident_id, "last": last, "due": due, "facts": facts}
    row = await (await conn.execute(Q.book, values)).fetchone()
    return None if row is None else int(row[0])


async def charged(conn: Connection, devices: Sequence[int]) -> list[int]:
    """Their batteries are well again: signals before that are forgotten, visits nobody has made need not be made."""
    await conn.execute(Q.forget_signals, {"devices": list(devices)})
    return [int(row[0]) for row in await (await conn.execute(Q.charged, {"devices": list(devices)})).fetchall()]


async def set_deadline(conn: Connection, device_id: int, own: int | None, actor: str) -> None:
    """Say how long one device may be silent, 0: not supervised; None: as its class. Its history says who did."""
    await conn.execute(Q.set_deadline, {"id": device_id, "deadline": own})
    await device_log.note(conn, device_id, "deadline", actor, {"deadline_s": "class" if own is None else own})
    await conn.execute(DEVICES.changed)


async def rows(conn: Connection, query: bytes, **values: Any) -> list[tuple[Any, ...]]:
    """Return what one of the queries finds."""
    return await (await conn.execute(query, values)).fetchall()
