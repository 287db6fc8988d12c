"""`carehub replay devices`: captured payloads sent to the ways in they came for."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from devices.adapters import watch_3g
from hub.errors import HubError
from hub.replay.line import Line
from hub.replay.target import Demo, Way, admitted
from hub.store.pool import Connection, connect, hub_now
from hub.store.sql import queries

Q = queries("demo")
TCP_TYPES = ("tcp.watch", "frame.watch")  # what the TCP gateway speaks
ANSWER_S = 15.0  # for the answer to a frame that has one, from a hub that is busy saving
OTHERWISE_S = 1.0  # for what the hub may say all the same
SETTLE_S = 2.0
LOOKS_S = 10.0


class CaptureError(HubError):
    """A line of the file is no payload."""


@dataclass(kw_only=True)
class Tally:
    """What was sent and what came of it."""

    sent: Counter[str] = field(default_factory=Counter)
    acknowledged: Counter[str] = field(default_factory=Counter)
    no_way_in: Counter[str] = field(default_factory=Counter)
    unreadable: int = 0
    opened: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Captures:
    """The payloads of some files, by the way they go in."""

    mqtt: tuple[dict[str, Any], ...]  # topic, payload, retain
    tcp: tuple[bytes, ...]
    others: Counter[str]


def read(paths: Sequence[Path]) -> Captures:
    """Sort the lines of the files.

    Raises:
        CaptureError: A line is no JSON object with `kind` and `input`.
    """
    mqtt: list[dict[str, Any]] = []
    tcp: list[bytes] = []
    others: Counter[str] = Counter()
    for path in paths:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if not line.strip():
                continue
            try:
                entry = json.loads(line)
                kind, kept = entry["kind"], entry["input"]
                messages = kept["messages"] if kind == "sequence" else [kept] if kind == "mqtt" else []
                mqtt += [_message(each) for each in messages]
                if kind in ("tcp", "frame") and entry["type"] in TCP_TYPES:
                    tcp.append(_bytes(kept))
                elif kind not in ("mqtt", "sequence"):
                    others[f"{kind} {entry['type']}"] += 1
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise CaptureError(f"{path}, line {number}: no captured payload: {error!r}") from None
    return Captures(mqtt=tuple(mqtt), tcp=tuple(tcp), others=others)


def _message(kept: dict[str, Any]) -> dict[str, Any]:
    return {"topic": str(kept["topic"]), "payload": str(kept["payload"]), "retain": bool(kept.get("retain"))}


def _bytes(kept: dict[str, Any]) -> bytes:
    words = kept.get("hex") or kept.get("stream_hex")
    return bytes.fromhex(words) if words else str(kept["text"]).encode()


def prefix_of(topic: str) -> str | None:
    """Return the prefix a gateway with this topic would be given: its first level; None for a topic of one level."""
    at = topic.find("/", 1)
    return topic[: at + 1] if at > 0 else None


async def to_demo(demo: Demo, captures: Captures) -> Tally:
    """Send everything that has a way in, in order, and count what the hub made of it."""
    tally = Tally(no_way_in=Counter(captures.others))
    async with await connect(demo.dsn, name="carehub replay") as conn:
        since = await hub_now(conn)
    by_prefix: dict[str, list[dict[str, Any]]] = {}
    for message in captures.mqtt:
        prefix = prefix_of(message["topic"])
        if prefix is None:
            tally.no_way_in[f"mqtt topic {message['topic']}"] += 1
        else:
            by_prefix.setdefault(prefix, []).append(message)
    async with admitted(demo, list(by_prefix)) as ways:
        for prefix, messages in by_prefix.items():
            await _publish(ways[prefix], messages, tally)
    for frame in captures.tcp:
        await _say(demo.watch3g, frame, tally)
    async with await connect(demo.dsn, name="carehub replay") as conn:
        await _ask(conn, since, tally)
    return tally


async def _publish(way: Way, messages: Sequence[dict[str, Any]], tally: Tally) -> None:
    """One gateway's messages, in the order they were captured."""
    async with Line(way) as line:
        for message in messages:
            tally.sent["mqtt"] += 1
            await line.publish(message["topic"], message["payload"].encode(), retain=message["retain"])
            tally.acknowledged["mqtt"] += 1


async def _say(way: Way, frame: bytes, tally: Tally) -> None:
    """One watch's connection: say the frame, listen for the answer."""
    answered = watch_3g.reply(frame) is not None
    tally.sent["tcp"] += 1
    with contextlib.suppress(OSError):
        reader, writer = await asyncio.open_connection(way.host, way.port)
        try:
            writer.write(frame)
            await writer.drain()
            with contextlib.suppress(TimeoutError):
                if await asyncio.wait_for(reader.read(4096), ANSWER_S if answered else OTHERWISE_S):
                    tally.acknowledged["tcp"] += 1
        finally:
            writer.close()
            await writer.wait_closed()


async def _ask(conn: Connection, since: datetime, tally: Tally) -> None:
    """Wait until the counts stand still, then keep them."""
    before: tuple[int, dict[str, int]] | None = None
    for _ in range(round(LOOKS_S / SETTLE_S)):
        row = await (await conn.execute(Q.unreadable_since, {"since": since})).fetchone()
        kinds = await (await conn.execute(Q.opened_since, {"since": since})).fetchall()
        found = (int(row[0]) if row else 0, {str(kind): int(count) for kind, count in kinds})
        tally.unreadable, tally.opened = found
        if found == before:
            return
        before = found
        await asyncio.sleep(SETTLE_S)
