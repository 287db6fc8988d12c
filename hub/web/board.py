"""The queue as everybody sees it: read once for each change, and of a change its own rows; each row rendered once.

Of every open case its place in the order is kept, of those on the screen the whole row: two thousand open cases make a
change no dearer than two. What differs from person to person – "you", who else looks, which pages she has not been
shown – is put in when it is asked for. Fifty consoles that hear of one change cause one reading of one row and, mostly,
one rendering.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Any, Final, NamedTuple, TypeAlias

from markupsafe import Markup

from alerts.model import Severity
from hub import callers
from hub.store import console as store
from hub.store.console import Row
from hub.store.pool import Connection
from hub.store.sql import queries

CASES = queries("cases")
STALE_S = 2.0  # what nobody announces (a console that was closed hard, a roll of the clock) is at most this old
FEW = 50  # changed cases that are read by themselves; beyond it, the whole queue is
NONCE = "\x02"  # stands where the answer's own nonce belongs
PAGES = "\x03"  # stands where the numbers of one person's pages belong
KEPT = 12  # renderings kept of one row: languages, whose it is, who looks
View: TypeAlias = tuple[bool, int | None]  # the canary's own cases; a dispatcher's, by his number; or all
CENTRE: Final[View] = (False, None)
Draw: TypeAlias = Callable[[Row], str]


class Open(NamedTuple):
    """As much of an open case as says whether a full screen shows it; sorted, who has nobody comes first."""

    test: bool
    severity: int
    handled: bool  # an operator has it
    goes: bool  # somebody has said that he goes
    opened_at: datetime
    id: int


@dataclass(kw_only=True)
class _Drawn:
    """A row and its renderings, which hold for as long as the row stays as it is."""

    row: Row
    by_variant: dict[tuple[Any, ...], str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What was read at one moment."""

    serial: int  # rises with every reading of this process: what a console has may be older than what it was pushed
    generation: int
    at: float  # when all of it was read
    cases: Sequence[Open]  # all of them, also those that no screen holds
    rows: Sequence[Row]
    count: Row
    waves: Sequence[Row]
    drawn: Mapping[int, _Drawn]
    calls: str  # numbers of the calls, and of the technical alerts, as they stand one below the other
    technical: str


class Board:
    """One process's queue. `generation` says how often anything was announced."""

    def __init__(self, generation: Callable[[], int] = lambda: 0) -> None:
        self._generation = generation
        self._readings: dict[View, Reading] = {}
        self._turns: dict[View, asyncio.Lock] = {}
        self._changed: set[int] = set()  # of the centre's queue: what was announced and not read yet
        self._whole = True
        self._serial = 0

    def changed(self, incident_id: int) -> None:
        """Note that a case changed; 0: something that belongs to no single case."""
        self._changed.add(incident_id)
        if incident_id == 0 or len(self._changed) > FEW:
            self._whole = True

    @property
    def latest(self) -> Reading | None:
        """What was read last of the queue that all at the centre share."""
        return self._readings.get(CENTRE)

    async def read(self, conn: Connection, view: View, *, stale_s: float = STALE_S) -> Reading:
        """Return the queue, no older than the last announcement; who comes while it is read waits for that reading."""
        async with self._turns.setdefault(view, asyncio.Lock()):
            known = self._readings.get(view)
            generation = self._generation()
            old = known is None or time.monotonic() - known.at > stale_s
            if view == CENTRE:
                fresh = await self._centre(conn, generation, known, old=old)
            elif known is None or old or known.generation != generation:
                fresh = await self._all(conn, view, generation, known)
            else:
                fresh = known
            self._readings[view] = fresh
        return fresh

    async def _centre(self, conn: Connection, generation: int, known: Reading | None, *, old: bool) -> Reading:
        changed, self._changed = self._changed, set()
        whole, self._whole = self._whole, False
        try:
            if known is None or old or whole:
                return await self._all(conn, CENTRE, generation, known)
            if not changed:
                return known
            return await self._some(conn, changed, generation, known)
        except BaseException:  # also when whoever asked went away meanwhile: the next reads it
            self._changed |= changed
            self._whole |= whole
            raise

    async def _all(self, conn: Connection, view: View, generation: int, before: Reading | None) -> Reading:
        at = time.monotonic()
        waves = await store.rows(conn, CASES.surges)
        cases = await _cases(conn, view)
        rows = await _rows(conn, view, shown(cases, _limit(waves)))
        return self._next(before, cases=cases, rows=rows, waves=waves, generation=generation, at=at)

    async def _some(self, conn: Connection, changed: set[int], generation: int, before: Reading) -> Reading:
        """Read what changed, and who comes onto the screen in the place of others."""
        fresh = await _cases(conn, CENTRE, sorted(changed))
        cases = [case for case in before.cases if case.id not in changed] + fresh
        on_screen = shown(cases, _limit(before.waves))
        kept = [r for r in before.rows if r["id"] in on_screen and r["id"] not in changed]
        rows = kept + await _rows(conn, CENTRE, on_screen - {r["id"] for r in kept})
        return self._next(
            before, cases=cases, rows=sorted(rows, key=_order), waves=before.waves, generation=generation, at=before.at
        )  # fmt: skip

    def _next(self, before: Reading | None, *, cases: Sequence[Open], rows: Sequence[Row], **read: Any) -> Reading:
        """A row that is as it was keeps its renderings."""
        old = before.drawn if before else {}
        drawn = {
            r["id"]: kept if (kept := old.get(r["id"])) is not None and (kept.row is r or kept.row == r)
            else _Drawn(row=r) for r in rows
        }  # fmt: skip
        self._serial += 1
        return Reading(
            serial=self._serial, cases=cases, rows=rows, count=counted(cases), drawn=drawn,
            calls=_order_of(rows, technical=False), technical=_order_of(rows, technical=True), **read,
        )  # fmt: skip


def shown(cases: Iterable[Open], limit: int) -> set[int]:
    """Return whom a screen shows. Those that nobody has are on it before those that somebody has, tests are left out
    first; what an operator has stays beside them, so many again at most: she must find it where she left it."""
    ordered = sorted(cases)
    handled = sorted((case for case in ordered if case.handled), key=itemgetter(0, 1, 4, 5))
    return {case.id for case in ordered[:limit]} | {case.id for case in handled[:limit]}


def counted(cases: Sequence[Open]) -> Row:
    """Return how many are open, whether or not a screen holds them: the calls among them, those that no operator has,
    and since when."""
    calls = [case for case in cases if case.severity != Severity.TECHNICAL]
    alone = [case.opened_at for case in calls if not case.handled and not case.test]
    return {"count": len(cases), "calls": len(calls), "alone": len(alone), "alone_since": min(alone, default=None)}


def _limit(waves: Sequence[Row]) -> int:
    return store.SURGE_LIMIT if waves else store.QUEUE_LIMIT


async def _cases(conn: Connection, view: View, ids: Sequence[int] | None = None) -> list[Open]:
    found = await conn.execute(store.Q.open_cases, {"canary": view[0], "ids": ids})
    return [Open(*row) for row in await found.fetchall()]


async def _rows(conn: Connection, view: View, ids: Iterable[int]) -> list[Row]:
    if not (wanted := sorted(ids)):
        return []
    rows = await store.rows(conn, store.Q.queue, canary=view[0], ids=wanted)
    often = await callers.lately(conn, (r["resident_id"] for r in rows))
    return [r | {"often": often.get(r["resident_id"])} for r in rows]


def _order(row: Row) -> tuple[Any, ...]:
    """As the query `queue` sorts."""
    return row["severity"], row["test"], row["opened_at"], row["id"]


def of_person(row: Row, person_id: int) -> Row:
    """Return a row as this person sees it: who else looks, and which pages are hers and not shown yet."""
    looking = sorted(name for number, name in row["lookers"] or () if int(number) != person_id)
    mine = [page for person, page in row["unshown"] or () if person == person_id]
    return row | {"looking": looking, "undelivered": mine, "is_mine": row["handler_id"] == person_id}


def drawn(reading: Reading, row: Row, language: str, nonce: str, draw: Draw) -> Markup:
    """Return a row's markup for one answer, rendered only if it was not rendered like this before."""
    kept = reading.drawn[row["id"]].by_variant
    variant = (language, row["is_mine"], tuple(row["looking"]), row["door"])
    if variant not in kept:
        if len(kept) >= KEPT:
            kept.clear()
        kept[variant] = draw(row | {"undelivered": [PAGES]})
    pages = " ".join(map(str, row["undelivered"]))
    return Markup(kept[variant].replace(NONCE, nonce).replace(PAGES, pages))  # noqa: S704 - our own template made it


def _order_of(rows: Iterable[Row], *, technical: bool) -> str:
    return " ".join(str(r["id"]) for r in rows if (r["severity"] == Severity.TECHNICAL) is technical)
