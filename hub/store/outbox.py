"""Pages under way: claimed by a living worker, settled by its receipt, taken back from the dead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.numeric import Int8

from hub.channels.channel import Outcome, Receipt
from hub.store import hot
from hub.store.hot import json
from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("outbox")
WORKERS = 0x0CA3E  # class of the advisory locks that prove a dispatcher's life
TAKEN_BACK_AT_ONCE = 200
SETTLE_TRIES = 2


@dataclass(frozen=True, kw_only=True)
class Lane:
    """Pages of one channel, urgent or not. `room` is how many more may be under way, none to a provider in `full`."""

    channel: str
    urgent: bool
    room: int
    lease_s: float
    full: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Reached:
    """A page that arrived, by the word of the worker that held it."""

    id: int
    worker: int
    receipt: str


async def enlist(conn: Connection) -> int:
    """Make this session's life the proof for a new worker, and return its number."""
    row = await (await conn.execute(Q.new_worker)).fetchone()
    assert row is not None
    worker = int(row[0])
    await conn.execute(Q.prove, {"class": WORKERS, "worker": worker})
    return worker


async def hurry(conn: Connection) -> None:
    """Let this session's commits not wait for the disk: what it claims is a lease, and promises nobody anything.

    Where the server itself dies at that moment, the page is ready again and goes out once more under its key. What is
    promised later, that it arrived or that somebody has the case, is written to the disk after the claim and with it.
    """
    await conn.execute("set synchronous_commit = off")


async def claim(conn: Connection, worker: int, lanes: Sequence[Lane]) -> list[Mapping[str, Any]]:
    """Take due pages for the lanes that have room, with all that their messages say."""
    roomy = [lane for lane in lanes if lane.room > 0]
    if not roomy:
        return []
    rows = json({
        "channel": lane.channel, "urgent": lane.urgent, "room": lane.room, "lease_s": lane.lease_s, "full": lane.full,
    } for lane in roomy)  # fmt: skip
    claimed = await hot.execute(conn, Q.claim, {"lanes": rows, "worker": Int8(worker)})
    names = [column.name for column in claimed.description or ()]
    return [dict(zip(names, row, strict=True)) for row in await claimed.fetchall()]


async def settle(
    conn: Connection, worker: int, page_id: int, receipt: Receipt, *, again_s: float | None, receipt_s: float
) -> datetime | None:
    """Write what came back; returns the hub's time, or None when the page was no longer this worker's."""
    values = {"id": page_id, "worker": worker, "receipt": receipt.detail[:200]}
    match receipt.outcome:
        case Outcome.DELIVERED:
            query = Q.settle_reached
        case Outcome.SENT:
            query, values = Q.settle_sent, values | {"receipt_s": receipt_s}
        case _:
            query, values = Q.settle_missed, values | {"again_s": again_s, "attempt": None}
    row = await _held(conn, query, values)
    return None if row is None else row[0]


async def not_received(conn: Connection, page_id: int, attempt: int, detail: str, *, again_s: float | None) -> bool:
    """Write that a provider's later report says an attempt never arrived; False: somebody has said otherwise."""
    values = {"id": page_id, "worker": None, "attempt": attempt, "again_s": again_s, "receipt": detail}
    return await _held(conn, Q.settle_missed, values) is not None


async def _held(conn: Connection, query: bytes, values: Mapping[str, Any]) -> Any:
    """Write about one page. Whoever changed it while we waited has left a row that only the next statement sees."""
    for _ in range(SETTLE_TRIES):
        if (row := await (await conn.execute(query, values)).fetchone()) is not None:
            return row
    return None


async def received(conn: Connection, page_id: int, person_id: int) -> bool:
    """Write that the person's phone or terminal has it; False: that was known."""
    return (await conn.execute(Q.received, {"id": page_id, "person": person_id})).rowcount > 0


async def settle_reached(conn: Connection, reached: Sequence[Reached]) -> dict[int, datetime]:
    """Write that pages arrived; returns the hub's time for each that was its worker's and that nobody else holds."""
    receipts = json({"id": one.id, "worker": one.worker, "receipt": one.receipt[:200]} for one in reached)
    rows = await (await hot.execute(conn, Q.settle_all_reached, {"receipts": receipts})).fetchall()
    return {int(page_id): now for page_id, now, _ in rows}


async def living(conn: Connection) -> set[int]:
    """Return the numbers of the workers that are alive."""
    return {int(row[0]) for row in await (await conn.execute(Q.living_workers, {"class": WORKERS})).fetchall()}


async def take_back(
    conn: Connection, *, alarm_tries: Sequence[int | None], word_tries: int
) -> list[tuple[int, int, str]]:
    """Take back pages of workers that are gone or hang, and pages without a receipt.

    Args:
        conn: a connection outside a transaction.
        alarm_tries: how often an alarm is sent without a receipt, by severity, 1 first; None: while it is wanted.
        word_tries: the same for pages that call nobody.

    Returns:
        (page, incident, new state) of each.
    """
    # In this order: who is busy had proved its life before, so whoever is not alive afterwards has died. The other way
    # round a worker that enlists in between would lose its first pages to us.
    busy = {int(row[0]) for row in await (await conn.execute(Q.busy_workers)).fetchall()}
    dead = busy - await living(conn) if busy else busy
    values = {
        "dead": sorted(dead), "limit": TAKEN_BACK_AT_ONCE, "alarm_tries": list(alarm_tries), "word_tries": word_tries,
    }  # fmt: skip
    rows = await (await conn.execute(Q.take_back, values)).fetchall()
    return [(int(page), int(incident), str(state)) for page, incident, state in rows]
