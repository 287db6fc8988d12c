"""Erasure of a resident: what is personal goes; chains of cases stay verifiable, they hold numbers and no names."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from hub import sealed
from hub.registry_ids import digits
from hub.store import packing, partitions, registry
from hub.store.console import Row, row, rows
from hub.store.pool import Connection
from hub.store.registry import TiedUpError
from hub.store.sql import queries

Q = queries("registry_erase")
MEASURED: Final = (("telemetry", "telemetry"), ("observation", "observation"), ("accel_window", "telemetry"))
# What is told of each statement: those without a word belong to one that has.
STEPS: Final = (
    ("hours", ""), ("measured_hours", ""), ("measured_days", ""),
    ("unreadable", "observation"), ("told_devices", ""), ("told_bytes", ""), ("device_notes", "notes"),
    ("notes", "notes"), ("handed_over", "notes"), ("shift_words", "notes"), ("reviewed", ""),
    ("alert_evidence", "alert_evidence"),
    ("order_words", "orders"), ("order_files", "files"), ("orders", ""), ("contacts_made", ""), ("welfare", "welfare"),
    ("visiting", ""), ("platforms", ""), ("subscribers", ""), ("nights", ""), ("terminals", ""),
    ("absence", "absence"), ("home_day", "home_day"), ("asked", "circle"),
    ("circle", "circle"), ("visits", "notes"), ("calls", "people"), ("links", ""), ("push", ""), ("ways", ""),
    ("pages", ""), ("people", "people"), ("resident", ""),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Erased:
    """What is gone and what stayed: how many of each."""

    gone: dict[str, int] = field(default_factory=dict)
    stayed: dict[str, int] = field(default_factory=dict)


async def erase(conn: Connection, number: int, facts: dict[str, Any]) -> Erased:
    """Erase a resident, inside the caller's transaction.

    Args:
        facts: what the history keeps beside the counts: who agreed, by number; never a name.

    Raises:
        TiedUpError: A device of hers is in use, or a case is open.
    """
    tied = await row(conn, registry.Q.tied_up, id=number)
    for what in ("devices", "cases"):
        if tied and tied[what]:
            raise TiedUpError(what, tied[what])
    numbers = [one["id"] for one in await rows(conn, Q.numbers, id=number)]
    people = await rows(conn, Q.belongings, r=numbers)
    hers = [one["id"] for one in people if one["hers_alone"]]
    spans = await rows(conn, Q.spans, r=numbers)
    values: dict[str, Any] = {
        "r": numbers, "p": hers, "devices": [s["device_id"] for s in spans], "begins": [s["begins"] for s in spans],
        "ends": [s["ends"] for s in spans], "subjects": list(map(str, numbers)), "people": list(map(str, hers)),
    }  # fmt: skip
    called = await rows(conn, Q.called, **values)
    values["names"] = [name for one in called if (name := one["name"])]
    stays = await row(conn, Q.stays, **values) or {}
    gone: dict[str, int] = {"previews": await _sealed_texts(conn, called)}
    said = [(each["device_id"], each["begins"], each["ends"]) for each in spans]
    for table, told in MEASURED:
        gone[told] = gone.get(told, 0) + await partitions.erase(conn, table, said)
    gone["telemetry"] += await packing.erase(conn, said)
    for name, told in STEPS:
        done = await conn.execute(getattr(Q, name), values)
        if told:
            gone[told] = gone.get(told, 0) + (
                len(hers) if name == "people" else 0 if name == "calls" else done.rowcount
            )
    await registry.settle_homes(conn)
    # Last: what was changed just now stands in the history, with the old words.
    gone["history"] = (await conn.execute(Q.history, values)).rowcount
    erased = Erased(gone=_some(gone.items()), stayed=_some(stays.items()))
    await registry.write_change(
        conn, "resident", number, "erased", {**facts, "gone": erased.gone, "stayed": erased.stayed}
    )
    return erased


async def _sealed_texts(conn: Connection, called: Sequence[Row]) -> int:
    """Empty previews of files and kept answers that speak of her or of her people; those of others stay."""
    names = {one["name"] for one in called}
    phones = {digits(one["phone"]) for one in called} - {""}
    done = 0
    for place, find, empty in (
        ("registry_import.body", Q.previews, Q.drop_preview), ("api_answer.body", Q.answers, Q.empty_answer),
    ):  # fmt: skip
        for one in await rows(conn, find):
            if _speaks_of(place, one, names, phones):
                await conn.execute(empty, {"id": one["id"]})
                done += 1
    return done


def _speaks_of(place: str, one: Row, names: set[str], phones: set[str]) -> bool:
    """Whether a sealed text names one of these; what does not open is of no use to anybody."""
    try:
        said = list(_texts(json.loads(sealed.opened(place, one["id"], one["body"]))))
    except (sealed.SealError, ValueError):
        return True
    return any(text in names or digits(text) in phones for text in said)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


async def last(conn: Connection, number: int) -> Row | None:
    """Return how this resident was erased: when, who, the second person, what is gone and what stayed."""
    return await row(conn, Q.last, id=number)


def _some(counts: Iterable[tuple[str, int]]) -> dict[str, int]:
    return {name: count for name, count in counts if count}
