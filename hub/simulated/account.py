"""Writes account.json: what the hub recorded of a town's life, row by row, however long it was."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import msgspec

from hub.simulated.counting import Counting
from hub.simulated.formats import (
    FORMAT,
    AlertKept,
    Counts,
    DeviceKept,
    EventKept,
    IncidentKept,
    PageKept,
    PressKept,
    Totals,
    Town,
    UnreadKept,
    WordsKept,
)
from hub.store import raw
from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("simulated")
ROWS_AT_ONCE = 500
BODIES_AT_ONCE = 8  # a batch is up to some megabytes


async def write(
    conn: Connection, path: Path, town: Town, *, end: datetime, faults: Sequence[str], steps: Counts, repeated: int,
    real_s: float,
) -> None:  # fmt: skip
    """Write the account. Memory does not grow with the town's days.

    Args:
        conn: nobody else's.
        path: where it goes, when it is whole.
        end: where the clock stands now.
        faults: the hub's own, beside those that its auditor found.
        repeated: telemetry recognised as sent before.
    """
    counted = await _counted(conn)
    unread = [_positional(UnreadKept, row) async for row in _rows(conn, Q.unread)]
    found = [f"{at.isoformat()} {rule} {subject} {detail}" async for rule, subject, detail, at in _rows(conn, Q.found)]
    totals = Totals(
        stored=counted.total, repeated=repeated, unreadable=sum(one.messages for one in unread), steps=steps,
        real_s=round(real_s, 1),
    )  # fmt: skip
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as out:
        head = {
            "v": FORMAT, "start": town.begins, "end": end, "zone": town.zone, "totals": totals,
            "faults": [*faults, *found], "topics": counted.topics,
        }  # fmt: skip
        out.write(msgspec.json.encode(head)[:-1])
        await _list(out, "presses", conn, Q.presses, _press)
        await _list(out, "alerts", conn, Q.alerts, _alert)
        await _incidents(out, conn)
        await _list(out, "pages", conn, Q.pages, _page)
        await _list(out, "devices", conn, Q.devices_kept, lambda row: _device(row, counted))
        await _list(out, "words", conn, Q.words, lambda row: _positional(WordsKept, row))
        out.write(b',"unread":' + msgspec.json.encode(unread) + b"}")
    part.replace(path)


def _positional(kind: type[Any], row: Sequence[Any]) -> Any:
    return kind(**dict(zip(kind.__struct_fields__, row, strict=True)))


def _press(row: Sequence[Any]) -> PressKept:
    return PressKept(device=row[0], identity=row[1], kind=row[2], incident=row[3], at=row[4])


def _alert(row: Sequence[Any]) -> AlertKept:
    alert, incident, *rest = row
    names = ("device", "resident", "kind", "severity", "rule", "identity", "raised_at", "measured_at", "evidence")
    return AlertKept(alert=alert, incident=incident, **dict(zip(names, rest, strict=True)))


def _page(row: Sequence[Any]) -> PageKept:
    page: PageKept = _positional(PageKept, row)
    return page


def _device(row: Sequence[Any], counted: Counting) -> DeviceKept:
    address, number, resident, wide, observations, windows, presses, last = row
    return DeviceKept(
        device=address, number=number, resident=resident, messages=counted.messages[address],
        readable=counted.readable(address), wide=wide, observations=observations, windows=windows, presses=presses,
        unreadable=counted.unreadable[address], last_at=last,
    )  # fmt: skip


async def _incidents(out: IO[bytes], conn: Connection) -> None:
    out.write(b',"incidents":[')
    first = True
    names = [name for name in IncidentKept.__struct_fields__ if name != "events"]
    async for row in _rows(conn, Q.incidents):
        links = await (await conn.execute(Q.events, {"incident": row[0]})).fetchall()
        events = [EventKept(seq=s, at=at, actor=actor, what=what, body=body) for s, at, actor, what, body in links]
        one = IncidentKept(**dict(zip(names, row, strict=True)), events=events)
        out.write((b"" if first else b",\n") + msgspec.json.encode(one))
        first = False
    out.write(b"]")


async def _list(
    out: IO[bytes], name: str, conn: Connection, query: bytes, made: Callable[[Sequence[Any]], Any]
) -> None:  # fmt: skip
    out.write(f',"{name}":['.encode())
    first = True
    async for row in _rows(conn, query):
        out.write((b"" if first else b",\n") + msgspec.json.encode(made(row)))
        first = False
    out.write(b"]")


async def _rows(conn: Connection, query: bytes, at_once: int = ROWS_AT_ONCE) -> AsyncIterator[tuple[Any, ...]]:
    """Yield a query's rows through a cursor of the server's."""
    async with conn.transaction(), conn.cursor(name=f"account_{id(query)}") as cursor:
        cursor.itersize = at_once
        await cursor.execute(query)
        async for row in cursor:
            yield row


async def _counted(conn: Connection) -> Counting:
    """Count messages as they came, by device."""
    counted = Counting()
    async for (body,) in _rows(conn, Q.raw_bodies, BODIES_AT_ONCE):
        counted.take(raw.unpack(bytes(body)))
    return counted
