"""Writes account.json: what the hub recorded of a town's life, row by row, however long it was."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import msgspec

from devices import registry
from devices.adapter import DecodeError, Message
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
    messages, whose = await _messages(conn)
    unread = [_positional(UnreadKept, row) async for row in _rows(conn, Q.unread)]
    unreadable: Counter[str] = Counter()
    for one in unread:
        unreadable[whose.get(one.topic) or device_of(one.topic, b"")] += one.messages
    found = [f"{at.isoformat()} {rule} {subject} {detail}" async for rule, subject, detail, at in _rows(conn, Q.found)]
    totals = Totals(
        stored=sum(messages.values()), repeated=repeated, unreadable=sum(one.messages for one in unread), steps=steps,
        real_s=round(real_s, 1),
    )  # fmt: skip
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as out:
        head = {
            "v": FORMAT, "start": town.begins, "end": end, "zone": town.zone, "totals": totals,
            "faults": [*faults, *found],
        }  # fmt: skip
        out.write(msgspec.json.encode(head)[:-1])
        await _list(out, "presses", conn, Q.presses, _press)
        await _list(out, "alerts", conn, Q.alerts, _alert)
        await _incidents(out, conn)
        await _list(out, "pages", conn, Q.pages, _page)
        await _list(out, "devices", conn, Q.devices_kept, lambda row: _device(row, messages, unreadable))
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


def _device(row: Sequence[Any], messages: Counter[str], unreadable: Counter[str]) -> DeviceKept:
    address, number, resident, wide, observations, windows, presses, last = row
    return DeviceKept(
        device=address, number=number, resident=resident, messages=messages[address], wide=wide,
        observations=observations, windows=windows, presses=presses, unreadable=unreadable[address], last_at=last,
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


async def _messages(conn: Connection) -> tuple[Counter[str], dict[str, str]]:
    """Count messages as they came, by device; and whose each topic is, by its first message that says so."""
    counted: Counter[str] = Counter()
    whose: dict[str, str] = {}
    async for (body,) in _rows(conn, Q.raw_bodies, BODIES_AT_ONCE):
        for _, topic, payload in raw.unpack(bytes(body)):
            if not whose.get(topic):
                whose[topic] = device_of(topic, payload)
            counted[whose[topic]] += 1
    return counted, whose


def device_of(topic: str, payload: bytes) -> str:
    """Return the address of the device that speaks on a topic; "" where neither topic nor message says so."""
    levels = topic.split("/")
    if levels[0] == "carehub" and len(levels) == 3:
        return f"carehub:{levels[1]}"
    adapter = registry.adapter_for(topic)
    if adapter is None:
        return ""
    try:
        said = adapter.decode(Message(topic=topic, payload=payload, received_at=datetime(2000, 1, 1, tzinfo=UTC)))
    except (DecodeError, ValueError, KeyError, IndexError):
        return ""
    return said[0].device if said else ""
