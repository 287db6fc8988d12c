"""Work orders: made by hand or from what needs a visit, moved through their states, each step in a hash chain."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hub import chain
from hub.chain import ChainError, Entry
from hub.errors import HubError
from hub.store import access, visiting
from hub.store.console import Row, row, rows
from hub.store.contacts import WRITES
from hub.store.pool import Connection, hub_now
from hub.store.service_levels import month_of
from hub.store.sql import as_number, queries
from hub.visiting import BOOKED_FROM_DAY, SILENT_DUE_DAYS, SILENT_HOURS
from hub.work_orders import ENDED, KINDS, OrderRefusedError, step

Q = queries("work_orders")
SHOWN = 300
ORDERS_MOST = 100_001  # of an export: one more than a file may have, so that it says so
BOOKED_AT_ONCE = 200
REPEATS = 3  # calls without need in 30 days: somebody goes and looks
FILES_MOST = 8  # of one order
FILE_BYTES = 2 << 20
LOCK = 0x776F726B
MINE, DONE_DAYS = 40, 7  # orders on the page of whoever does them; how long he sees what he has done
SIGNATURES = {  # what a file begins with, whatever it is called
    b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png", b"RIFF": "image/webp",
    b"%PDF-": "application/pdf",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Order:
    """A work order to be made."""

    kind: str
    scope: str
    due: date
    quality: str = ""
    area: str = ""
    place: str = ""
    resident: int | None = None
    device: int | None = None
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """Which orders: of an area, a state, a kind; made in a time, and with `open` all that are not ended."""

    since: datetime
    until: datetime
    area: str | None = None
    state: str | None = None
    kind: str | None = None
    open: bool = True


async def make(conn: Connection, order: Order, by: str) -> int | None:
    """Make an order; None when there is an open one of the same source."""
    if order.kind not in KINDS:
        raise OrderRefusedError("kind", f"no kind of work {order.kind!r}; there are {', '.join(KINDS)}")
    if not order.scope.strip():
        raise OrderRefusedError("words", "say what is to be done")
    async with conn.transaction():
        made = await row(conn, Q.keep, **vars(order), by=by)
        if made is None:
            return None
        body = {"kind": order.kind, "source": order.source, "due": order.due.isoformat(), "resident": order.resident,
                "device": order.device, "state": "planned"}  # fmt: skip
        await _append(conn, made["id"], chain.GENESIS, 1, made["created_at"], by, "made", body, order.scope)
    return int(made["id"])


async def move(
    conn: Connection,
    number: int,
    verb: str,
    by: str,
    *,
    words: str = "",
    assignee: int | None = None,
    tapped: Mapping[str, str] | None = None,
) -> str | None:
    """Take an order one step on and return its new state; None when there is none of this number.

    Args:
        conn: a connection; all of it is one transaction.
        number: the order.
        verb: one of hub.work_orders.VERBS.
        by: person:3, hub.
        words: what was written with it.
        assignee: whom it is given, for `assign`; he is told through his own channels.
        tapped: of a tap on a phone: its `nonce`, and `tapped_at` when it came late.

    Raises:
        OrderRefusedError: Its state does not allow it, words are missing, or the same hand did and checks it.
    """
    async with conn.transaction():
        there = await row(conn, Q.hold, order=number)
        if there is None:
            return None
        if verb == "assign" and assignee is None:
            raise OrderRefusedError("assignee", "say who is to do it")
        doers = frozenset({*there["finishers"], f"person:{there['done_by']}"})
        to = step(there["state"], verb, words=words, by=by, doers=doers).to
        ended = to in ENDED
        values = {"order": number, "state": to, "verb": verb, "assignee": assignee, "ended": ended}
        await conn.execute(Q.change, values)
        body = {"state": to, "assignee": assignee if verb == "assign" else there["assignee_id"],
                "files": [one["sha256"] for one in await files(conn, number)], **(tapped or {})}  # fmt: skip
        await _append(
            conn, number, bytes(there["head"]), there["seq"] + 1, await hub_now(conn), by, verb, body, words
        )  # fmt: skip
        if verb == "assign":
            await conn.execute(Q.tell, {"order": number, "person": assignee})
        kind, _, visit = there["source"].partition(":")
        if verb == "check" and kind == "visit" and (of := as_number(visit)) is not None:
            await conn.execute(Q.visit_done, {"visit": of, "by": f"person:{there['done_by']}", "note": words})
    return to


async def _append(  # noqa: PLR0917 - a chain's entry, in its order
    conn: Connection, number: int, prev: bytes, seq: int, at: datetime, by: str, what: str, body: Mapping[str, Any],
    words: str,
) -> None:  # fmt: skip
    """Write a link. The words stand beside it and may be erased; the chain keeps their digest."""
    digest = "sha256:" + hashlib.sha256(words.encode()).hexdigest() if words else None
    entry = chain.link(prev, seq=seq, at=at, actor=by, what=what, body={**body, "words": digest})
    await conn.execute(Q.append, {
        "order": number, "seq": seq, "at": entry.at, "actor": by, "what": what, "body": chain.written(entry.body),
        "prev_hash": entry.prev_hash, "hash": entry.hash,
    })  # fmt: skip
    if words:
        await conn.execute(Q.word, {"order": number, "seq": seq, "text": words})


async def events(conn: Connection, number: int) -> list[Row]:
    return await rows(conn, Q.events, order=number)


async def proof(conn: Connection, number: int) -> str | None:
    """Check an order's chain; returns what is wrong with it, or None.

    Words that were erased are not wrong; words that are there and others than were written are.
    """
    told = await events(conn, number)
    entries = [
        Entry(
            seq=one["seq"], at=one["at"], actor=one["actor"], what=one["what"], body=one["body"],
            prev_hash=bytes(one["prev_hash"]), hash=bytes(one["hash"]),
        )
        for one in told
    ]  # fmt: skip
    try:
        chain.verify(number, entries)
    except ChainError as err:
        return f"event {err.seq}: {err.why}"
    for one in told:
        if one["text"] and one["body"]["words"] != "sha256:" + hashlib.sha256(one["text"].encode()).hexdigest():
            return f"event {one['seq']}: its words were changed after they were written"
    for one in await files(conn, number):
        content = await row(conn, Q.file, file=one["id"])
        if content is None or hashlib.sha256(bytes(content["content"])).hexdigest() != one["sha256"]:
            return f"file {one['id']} was changed after it was added"
    return None


async def orders(conn: Connection, wish: Wish, limit: int = SHOWN) -> list[Row]:
    return await rows(conn, Q.orders, **vars(wish), order=None, limit=limit)


async def order(conn: Connection, number: int) -> Row | None:
    ever = datetime(2000, 1, 1).astimezone()
    values = {"since": ever, "until": ever.replace(year=2200), "area": None, "state": None, "kind": None, "open": True}
    return await row(conn, Q.orders, **values, order=number, limit=1)


async def counts(conn: Connection, wish: Wish, today: date) -> dict[str, Row]:
    """Return how many orders are in each state, and how many of them are late."""
    values = {"since": wish.since, "until": wish.until, "area": wish.area, "today": today}
    return {one["state"]: one for one in await rows(conn, Q.counts, **values)}


async def people(conn: Connection, organisation: int | None = None) -> list[Row]:
    """Return who may be sent; with an organisation, its people alone."""
    return await rows(conn, Q.people, organisation=organisation)


async def mine(conn: Connection, person_id: int, order: int | None = None) -> list[Row]:
    """Return a person's orders that he has still to do, the next due first, and what he did lately."""
    return await rows(conn, Q.mine, person=person_id, order=order, days=DONE_DAYS, limit=MINE)


@dataclass(frozen=True, kw_only=True)
class Notice:
    """Somebody who is to be told of an order he was given; `holds` while it is his and he has not begun."""

    id: int
    order_id: int
    person_id: int
    tries: int
    now: datetime
    role: str
    language: str
    kind: str
    due: date
    area: str
    holds: bool
    ways: tuple[tuple[str, str], ...]


async def next_notice(conn: Connection, again_s: float) -> Notice | None:
    """Return a notice that is due, and put it off: whoever dies with it leaves it to the next."""
    found = await row(conn, Q.next_notice, writes=list(WRITES), again_s=again_s)
    if found is None:
        return None
    ways: list[Any] = found.pop("ways") or []
    return Notice(**found, ways=tuple((str(channel), str(address)) for channel, address in ways))


async def told(conn: Connection, number: int, channel: str, why: str) -> None:
    """One of his ways took it; or, without a channel, none did."""
    await conn.execute(Q.told, {"id": number, "channel": channel, "why": why[:200]})


async def notice(conn: Connection, number: int) -> Row | None:
    """Return how whoever has it was told: sent_at, channel, failed, due_at (it is still being tried)."""
    return await row(conn, Q.notice, order=number)


async def tapped(conn: Connection, number: int, nonce: str) -> bool:
    """Whether this very tap was heard before."""
    return bool(nonce) and await row(conn, Q.tapped, order=number, nonce=nonce) is not None


class FileRefusedError(HubError):
    """A file that is no evidence; `code` is a word of the page."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


async def add_file(conn: Connection, number: int, person_id: int, content: bytes) -> int | None:
    """Keep a photo or a scan; None when it is there already, or the order has as many as it may.

    Raises:
        FileRefusedError: Too large, empty, or neither picture nor PDF by what stands in it.
    """
    if not 0 < len(content) <= FILE_BYTES:
        raise FileRefusedError("size", f"a file is at most {FILE_BYTES >> 20} MB")
    media = next((media for begin, media in SIGNATURES.items() if content.startswith(begin)), None)
    if media is None or (media == "image/webp" and content[8:12] != b"WEBP"):
        raise FileRefusedError("type", "only JPEG, PNG, WebP and PDF are kept")
    values = {"order": number, "person": person_id, "media_type": media, "bytes": len(content), "content": content,
              "sha256": hashlib.sha256(content).hexdigest(), "most": FILES_MOST}  # fmt: skip
    found = await row(conn, Q.add_file, **values)
    return None if found is None else int(found["id"])


async def files(conn: Connection, number: int) -> list[Row]:
    return await rows(conn, Q.files, order=number)


async def file(conn: Connection, number: int, person_id: int) -> Row | None:
    """Return a file, and write down who looked at it."""
    async with conn.transaction():
        found = await row(conn, Q.file, file=number)
        if found is not None:
            about = found["resident_id"] or f"work order {found['order_id']}"
            await access.looked_at(conn, person_id, f"work order file: {number}", about)
    return found


async def book(conn: Connection, now: datetime, zone: ZoneInfo) -> int:
    """Make the orders that are wanted and not there, some at a time; returns how many."""
    async with conn.transaction():
        if not (await (await conn.execute(b"select pg_try_advisory_xact_lock(%s)", (LOCK,))).fetchone() or (False,))[0]:
            return 0
        await visiting.tell_contacts(conn, now)
        wanted = await rows(conn, Q.wanted, **_today(now, zone), limit=BOOKED_AT_ONCE)
        for one in wanted:
            facts = json.dumps(one["facts"], ensure_ascii=False, default=str)
            await make(conn, Order(
                kind=one["kind"], scope=f"auto:{one['kind']}:{facts}", due=one["due"], area=one["area"],
                place=one["place"], resident=one["resident_id"], device=one["device_id"], source=one["source"],
            ), "hub")  # fmt: skip
    return len(wanted)


def _today(now: datetime, zone: ZoneInfo) -> dict[str, Any]:
    today = now.astimezone(zone).date()
    since, until = month_of(today.year, today.month, zone)
    return {
        "now": now, "today": today, "zone": zone.key, "since": since, "until": until, "month": f"{today:%Y-%m}",
        "month_ends": until.astimezone(zone).date() - timedelta(days=1), "book_month": today.day >= BOOKED_FROM_DAY,
        "silent_hours": SILENT_HOURS, "silent_due": SILENT_DUE_DAYS, "repeats": REPEATS,
    }  # fmt: skip
