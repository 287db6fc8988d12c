"""What platforms are owed: numbered, sent in order, acknowledged, compared."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from hub.store.console import Row, row, rows
from hub.store.pool import Connection
from hub.store.sql import queries

__all__ = ["Q", "Reconciled", "rows"]
Q = queries("exchange")
LOCK = 0x0CA32
READ = ("resident", "device", "incident", "visit", "work_order")  # kinds with a query of their own in exchange.sql
SHOWN = 200
SWEPT_AT_ONCE = 5_000
DIFFERENCES_KEPT = 200


@dataclass(frozen=True, kw_only=True)
class Reconciled:
    """One kind compared: how much we count, how much they do, and where they differ."""

    kind: str
    ours: int
    ours_sha256: str
    theirs: int | None
    theirs_sha256: str | None
    differences: Sequence[tuple[int, str]]  # subject; missing, other or extra over there


async def platforms(conn: Connection, *, name: str | None = None, active: bool = False) -> list[Row]:
    return await rows(conn, Q.platforms, name=name, active=active)


async def alone(conn: Connection) -> bool:
    found = await row(conn, Q.alone, lock=LOCK)
    return found is not None and bool(found["mine"])


async def neutral(
    conn: Connection, kind: str, areas: Sequence[str], *, after: int = 0, ids: Sequence[int] | None = None, limit: int
) -> list[tuple[int, dict[str, Any]]]:
    """Return neutral records of a kind by number: those named, or the next so many after one."""
    query: bytes = getattr(Q, kind)
    found = await rows(conn, query, areas=list(areas), after=after, ids=None if ids is None else list(ids), limit=limit)
    return [(one["id"], one["body"]) for one in found]


async def known(conn: Connection, platform: int, kind: str, ids: Sequence[int]) -> dict[int, str]:
    found = await rows(conn, Q.known, platform=platform, kind=kind, ids=list(ids))
    return {one["subject"]: one["sha256"] for one in found}


async def gone(
    conn: Connection, platform: int, kind: str, *, after: int, through: int, ids: Sequence[int]
) -> list[int]:
    found = await rows(conn, Q.gone, platform=platform, kind=kind, after=after, through=through, ids=list(ids))
    return [one["subject"] for one in found]


async def owe(conn: Connection, platform: int, kind: str, changed: Mapping[int, str], why: str = "changed") -> None:
    """Give new numbers; a digest of '' withdraws."""
    if changed:
        values = {
            "platform": platform,
            "kind": kind,
            "why": why,
            "subjects": list(changed),
            "digests": [*changed.values()],
        }
        await conn.execute(Q.owe, values)


async def ended_since(conn: Connection, event: int, limit: int) -> tuple[int, list[int]]:
    """Return up to which event was looked, and the cases that ended on the way."""
    found = await row(conn, Q.ended_since, after=event, limit=limit)
    return (event, []) if found is None or found["through"] is None else (found["through"], found["ids"] or [])


async def due(conn: Connection, platform: int, limit: int) -> list[Row]:
    return await rows(conn, Q.due, platform=platform, limit=limit)


async def answered(conn: Connection, platform: int, taken: Sequence[int], refused: Mapping[int, str]) -> None:
    async with conn.transaction():
        if refused:
            values = {"platform": platform, "numbers": list(refused), "whys": [why[:200] for why in refused.values()]}
            await conn.execute(Q.refused, values)
        await conn.execute(Q.acknowledged, {"platform": platform, "numbers": list(taken)})


async def missed(conn: Connection, platform: int, numbers: Sequence[int], why: str, again: timedelta) -> None:
    values = {"platform": platform, "numbers": list(numbers), "why": why[:200], "again": again}
    await conn.execute(Q.missed, values)


async def counted(conn: Connection, platform: int, kind: str) -> tuple[int, str]:
    found = await row(conn, Q.counted, platform=platform, kind=kind)
    assert found is not None
    return found["count"], found["sha256"]


async def held(conn: Connection, platform: int, kind: str) -> dict[int, str]:
    found = await rows(conn, Q.held, platform=platform, kind=kind)
    return {one["subject"]: one["acknowledged"] for one in found}


async def reconciled(conn: Connection, platform: int, day: date, one: Reconciled, resent: int) -> None:
    differences = [{"id": subject, "what": what} for subject, what in one.differences[:DIFFERENCES_KEPT]]
    values = {
        "platform": platform, "day": day, "kind": one.kind, "ours": one.ours, "ours_sha256": one.ours_sha256,
        "theirs": one.theirs, "theirs_sha256": one.theirs_sha256, "differences": json.dumps(differences),
        "resent": resent,
    }  # fmt: skip
    await conn.execute(Q.reconciled, values)


async def replay(conn: Connection, platform: int, number: int) -> int:
    """Owe everything again that was last told under this number or a later one; returns how much."""
    async with conn.transaction():
        found = await rows(conn, Q.replay, platform=platform, number=number)
        for one in found:
            again = dict(zip(one["subjects"], one["digests"], strict=True))
            await owe(conn, platform, one["kind"], again, "replayed")
    return sum(len(one["subjects"]) for one in found)
