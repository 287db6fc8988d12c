"""What is kept how long: one table, applied by the upkeep, shown on a page, printed by `carehub retention`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from hub.config import IngestSettings
from hub.store import registry, registry_erase
from hub.store.console import Row, row, rows
from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("retention")
EVERY = timedelta(hours=6)  # a kind is gone through so often at most
AT_ONCE = 5_000  # rows of one kind in one go
LOCK = 0x0CA60  # one process goes through them


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of data. `days` None: for good. `query`: what clears it; empty: partitions that hub.upkeep drops."""

    name: str
    days: int | None
    since: str  # the moment its time runs from
    why: str
    query: str = ""
    setting: str = ""  # of `ingest`, where that says how long


KINDS: Final[tuple[Kind, ...]] = (
    Kind(name="telemetry", days=None, since="received", why="个保法 19", setting="telemetry_keep_days"),
    Kind(name="measured_hour", days=None, since="received", why="个保法 19", setting="hours_keep_days"),
    Kind(name="measured_day", days=None, since="received", why="个保法 19", setting="days_keep_days"),
    Kind(name="observation", days=None, since="received", why="个保法 19", setting="telemetry_keep_days"),
    Kind(name="raw", days=None, since="received", why="个保法 19", setting="raw_keep_days"),
    Kind(name="previews", days=1, since="read", why="个保法 6", query="previews"),
    Kind(name="absences", days=730, since="over", why="个保法 19", query="absences"),
    Kind(name="left_notes", days=90, since="ended", why="个保法 28、47", query="left_notes"),
    Kind(name="left_data", days=1095, since="ended", why="个保法 47", query="left_data"),
    Kind(name="changes", days=1095, since="changed", why="个保法 56", query="changes"),
    Kind(name="access", days=1095, since="looked", why="个保法 56", query="access"),
    Kind(name="consents", days=None, since="said", why="个保法 69"),
    Kind(name="incidents", days=None, since="closed", why="民法典 188、1165"),
)


def days(kind: Kind, limits: IngestSettings) -> int | None:
    """Return how long a kind is kept under these settings; None: for good."""
    return int(getattr(limits, kind.setting)) if kind.setting else kind.days


async def apply(conn: Connection, kinds: Sequence[Kind] = KINDS) -> dict[str, int]:
    """Clear what is over, of every kind whose turn it is, and return how many rows of each."""
    done: dict[str, int] = {}
    for kind in kinds:
        if not kind.query or kind.days is None:
            continue
        async with conn.transaction():
            turn = await row(conn, Q.turn, lock=LOCK, kind=kind.name, every=EVERY)
            if not turn or not turn["due"]:
                continue
            await registry.acting(conn, "hub", "retention")
            removed = await _clear(conn, kind)
            await conn.execute(Q.gone_through, {"kind": kind.name, "removed": removed})
            done |= {kind.name: removed} if removed else {}
    return done


async def _clear(conn: Connection, kind: Kind) -> int:
    values = {"keep": timedelta(days=kind.days or 0), "limit": AT_ONCE}
    if kind.name != "left_data":
        return (await conn.execute(getattr(Q, kind.query), values)).rowcount
    doomed = await rows(conn, Q.left_data, **values)
    for one in doomed:
        await registry_erase.erase(conn, one["id"], {"retention": kind.days})
    return len(doomed)


async def runs(conn: Connection) -> dict[str, Row]:
    """Return when each kind was gone through, and how much went."""
    return {one["kind"]: one for one in await rows(conn, Q.runs)}
