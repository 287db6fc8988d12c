"""What people tell devices to do: asked in one transaction with the bytes that carry it, and what became of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from devices import registry
from devices.adapter import Command, Say
from devices.orders import Locate, Measure, Order, Report, repeatable
from devices.protocols import BY_NAME
from hub import adapters
from hub.refusals import Refused
from hub.store import devices, raw
from hub.store.pool import Connection
from hub.store.sql import as_number, queries

Q = queries("device_commands")
KEEP_S = 24 * 3600  # a device that sleeps is told when it wakes, if it wakes within this
LONGEST_KEEP_S = 7 * 24 * 3600
SOON_S = 15 * 60  # where it is, and how her heart beats, is asked for now
MOST_WAITING = 8  # of one device, not sent yet
MOST_AN_HOUR = 60  # to one device
SAME_WITHIN_S = 10  # two presses of one button are one
LONGEST_WORDS = 60  # characters; a watch shows no more
LISTED = 50
MOST_ON_THE_WIRE = 0xFFFF
PERHAPS = "perhaps sent, not confirmed"  # how a command failed that was interrupted while it was being sent
BATCHES_LOOKED_AT = 4  # for the topic a device was last heard on


@dataclass(frozen=True, kw_only=True)
class Told:
    """One command, as it stands."""

    id: int
    asked_at: datetime
    asked_by: str
    what: str
    detail: Mapping[str, Any]
    expires_at: datetime
    sent_at: datetime | None
    tries: int
    answered_at: datetime | None
    answer: str
    refused: bool
    result_at: datetime | None
    result: Mapping[str, Any] | None
    failed: str | None
    answers: bool

    @property
    def state(self) -> str:
        return state_of(self.failed, self.refused, self.answered_at, self.sent_at)


def state_of(failed: str | None, refused: bool, answered_at: datetime | None, sent_at: datetime | None) -> str:
    """Return one word for how a command stands: failed, refused, answered, sent or waiting."""
    if failed:
        return "failed"
    if refused:
        return "refused"
    return "answered" if answered_at else "sent" if sent_at else "waiting"


def can(address: str, model: str, order: Order | None) -> bool:
    """Whether a device can be told this at all, as far as its address and its model say."""
    adapter = adapters.of(address)
    if adapter is None:
        return False
    say = Say.MESSAGE if order is None else None
    return adapter.encode(Command(device=address, say=say, text="?", order=order, model=model or None)) is not None


async def ask(
    conn: Connection, device: str, by: str, order: Order | None, *, words: str = "", incident_id: int | None = None,
    keep_s: int | None = None,
) -> int:  # fmt: skip
    """Have a device told something once this transaction commits; returns the command's number.

    Args:
        conn: in a transaction, which holds the device until it ends.
        device: its number or its address.
        by: person:3, or command:<account>.
        order: what it is to do; None: it shows or speaks `words`.
        words: up to LONGEST_WORDS characters.
        incident_id: the case it is for.
        keep_s: how long it may wait for a device that sleeps.

    Raises:
        Refused: There is no such device, it has no words for this, or it is told too much.
    """
    text = " ".join(words.split())
    if order is None and not 0 < len(text) <= LONGEST_WORDS:
        raise Refused("words_too_long", f"{len(text)} characters; write 1 to {LONGEST_WORDS}")
    row = await (await conn.execute(Q.device, {"id": as_number(device), "address": device})).fetchone()
    if row is None or row[3] == "retired":
        raise Refused("no_such_device", f"there is no device {device!r} in use: see `carehub devices list`")
    device_id, address, model, _, waiting, lately, now = row
    what, detail = _told(order, text)
    same = {"device": device_id, "what": what, "detail": json.dumps(detail), "within_s": SAME_WITHIN_S}
    if await (await conn.execute(Q.recently, same)).fetchone():
        raise Refused("told_already")
    if waiting >= MOST_WAITING or lately >= MOST_AN_HOUR:
        raise Refused("told_too_often", f"{waiting} commands wait for it, {lately} were given within the hour")
    heard_on = None if address.partition(":")[0] in BY_NAME else await _heard_on(conn, device_id, address)
    usual = SOON_S if isinstance(order, Locate | Measure) else KEEP_S
    values = {
        "device": device_id, "incident": incident_id, "by": by, "what": what, "detail": json.dumps(detail),
        "keep_s": min(keep_s or usual, LONGEST_KEEP_S), "answers": _answers(address), "again": repeatable(order),
    }  # fmt: skip
    made = await (await conn.execute(Q.ask, values)).fetchone()
    assert made is not None
    adapter = adapters.of(address)
    command = Command(
        device=address, say=Say.MESSAGE if order is None else None, text=text, order=order, incident=incident_id,
        number=on_the_wire(made[0]), at=now, model=model or None, heard_on=heard_on,
    )  # fmt: skip
    downlink = None if adapter is None else adapter.encode(command)
    if downlink is None:
        raise Refused("cannot_be_told", f"{address} has no words for {what}")
    await conn.execute(Q.tell, {"id": made[0], "topic": downlink.topic, "payload": downlink.payload})
    return int(made[0])


def on_the_wire(number: int) -> int:
    """Return the number a device is given for a command: its own, in the two bytes that vendors have for it."""
    return (number - 1) % MOST_ON_THE_WIRE + 1


async def settle(conn: Connection) -> None:
    """Write down what commands came to: what they asked for was measured, or their time is up."""
    await conn.execute(Q.measured)
    await conn.execute(Q.over)


async def of_device(conn: Connection, device_id: int) -> list[Told]:
    """Return what a device was told, the last first, as it stands now."""
    await settle(conn)
    rows = await (await conn.execute(Q.of_device, {"device": device_id, "limit": LISTED})).fetchall()
    return [Told(**dict(zip(Told.__dataclass_fields__, row, strict=True))) for row in rows]


def _told(order: Order | None, text: str) -> tuple[str, dict[str, Any]]:
    if order is None:
        return "say", {"text": text}
    detail = msgspec.to_builtins(order)
    return str(detail.pop("type")), detail


def _answers(address: str) -> bool:
    protocol = BY_NAME.get(address.partition(":")[0])
    return protocol is not None and protocol.answer is not None


async def _heard_on(conn: Connection, device_id: int, address: str) -> str | None:
    """Return the topic a device was last heard on, where its last messages are still kept."""
    native = address.partition(":")[2].lower()
    for _, body in await devices.said(conn, device_id, BATCHES_LOOKED_AT):
        for _, topic, payload in reversed(raw.unpack(body)):
            speaks = registry.adapter_for(topic)
            if speaks is None or speaks is not adapters.of(address):
                continue
            if native in topic.lower() or native.encode() in payload.lower():
                return topic
    return None


def describe(what: str, detail: Mapping[str, Any]) -> str:
    """Return a command in the words it is given with: `interval 300 heart-rate`."""
    fields = dict(detail)
    kind = fields.pop("what", "")
    if what == "interval" and kind == Report.POSITION:
        kind = ""
    parts = [" ".join(value) if isinstance(value, list) else str(value) for value in fields.values()]
    return " ".join(part for part in (what, *parts, kind) if part)
