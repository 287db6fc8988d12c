"""Writes behind what supervision knows: bounded work a turn, however many devices there are; nothing waits for it."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import TypeVar

import numpy as np
import psycopg
import structlog
from numpy.typing import NDArray
from prometheus_client import Counter

from alerts.detectors.detector import Columnar
from alerts.supervision_battery import WITHIN
from alerts.supervision_days import DAY_MS, SLOTS
from hub import clock
from hub.steady import Backoff, Steady
from hub.store import supervision as store
from hub.store.pool import Connection
from hub.store.supervision import Q
from hub.store.telemetry import moment
from hub.supervision import Changes, Supervision

EVERY_S = 1.0
DAYS_EVERY = 10  # turns between two writings of days
DAYS_AT_ONCE = 5_000  # devices in one of them: a million are written in half an hour
ROWS_AT_ONCE = 2_000  # of each other kind in one turn
SWEEP_EVERY = 600  # turns

BOOKED = Counter("carehub_visits_booked", "Visits booked because of a low battery")
log = structlog.get_logger()
K = TypeVar("K")
V = TypeVar("V")


class SupervisionWriter:
    """Runs until cancelled. `once` is one turn."""

    def __init__(self, supervision: Supervision, dsn: str) -> None:
        self._supervision, self._dsn = supervision, dsn
        self._turn = 0
        self._after = 0  # the row up to which days were written

    async def load(self, conn: Connection) -> None:
        """Give supervision what the database remembers."""

        def ms(at: datetime) -> int:
            return int(at.timestamp() * 1000)

        vias = await store.rows(conn, Q.vias)
        words = await store.rows(conn, Q.words)
        losses = await store.rows(conn, Q.losses)
        silences = await store.rows(conn, Q.silences)
        self._supervision.restore(
            ((int(device), str(gateway)) for device, gateway in vias),
            ((str(gateway), ms(at)) for gateway, at in words),
            ((int(number), str(gateway), str(why), ms(began)) for number, gateway, why, began in losses),
            ((int(device), ms(found)) for device, found in silences),
            [int(row[0]) for row in await store.rows(conn, Q.low_now)],
        )

    async def run(self) -> None:
        """Write until cancelled."""
        backoff = Backoff()
        async with Steady(self._dsn, "carehub supervision") as steady:
            while True:
                await asyncio.sleep(EVERY_S)
                try:
                    await self.once(await steady.get())
                    backoff.reset()
                except (psycopg.Error, OSError) as err:
                    log.warning("supervision not written, trying again", error=str(err)[:200])
                    await asyncio.sleep(backoff.next_s())
                except Exception:  # a fault of ours must not end what the process does besides
                    log.exception("supervision not written")
                    await asyncio.sleep(backoff.next_s())

    async def once(self, conn: Connection, *, everything: bool = False) -> None:
        """Write one turn's share. What could not be written stays for the next turn."""
        self._turn += 1
        now = moment(clock.now_ms())
        await self._lines(conn, now)
        await self._silences(conn, now)
        await self._batteries(conn, now)
        if everything or self._turn % DAYS_EVERY == 0:
            await self._days(conn, now)
        if self._turn % SWEEP_EVERY == 0:
            await conn.execute(Q.sweep_signals, {"before": now - WITHIN})
        self._supervision.measure()

    @property
    def _changes(self) -> Changes:
        return self._supervision.changes

    async def _lines(self, conn: Connection, now: datetime) -> None:
        vias = dict(islice(self._changes.vias.items(), ROWS_AT_ONCE))
        words = dict(islice(self._changes.words.items(), ROWS_AT_ONCE))
        if vias:
            values = {"devices": self._numbers(vias), "gateways": list(vias.values()), "now": now}
            await conn.execute(Q.keep_vias, values)
            _done(self._changes.vias, vias)
        if words:
            at = [moment(at_ms) for _, at_ms in words.values()]
            online = [up for up, _ in words.values()]
            await conn.execute(Q.keep_words, {"gateways": list(words), "online": online, "at": at})
            _done(self._changes.words, words)

    async def _silences(self, conn: Connection, now: datetime) -> None:
        ended = list(islice(self._changes.ended, ROWS_AT_ONCE))
        if ended:
            await conn.execute(Q.silent_end, {"devices": self._numbers(ended), "now": now})
            self._changes.ended.difference_update(ended)
        # One that is silent because of a loss waits until that is saved: it names it.
        begun = {
            row: one for row, one in islice(self._changes.begun.items(), ROWS_AT_ONCE)
            if one[2] is None or one[2].why is None or one[2].loss_id is not None
        }  # fmt: skip
        if begun:
            values = {
                "devices": self._numbers(begun), "since": [moment(one[0]) for one in begun.values()],
                "found": [moment(one[1]) for one in begun.values()],
                "losses": [None if one[2] is None else one[2].loss_id for one in begun.values()],
            }  # fmt: skip
            await conn.execute(Q.silent_begin, values)
            _done(self._changes.begun, begun)

    async def _batteries(self, conn: Connection, now: datetime) -> None:
        charged = list(islice(self._changes.charged, ROWS_AT_ONCE))
        if charged:
            saved = await store.charged(conn, self._numbers(charged))
            self._changes.charged.difference_update(charged)
            if saved:
                log.info("visits not needed any more", devices=saved)
        signals = list(islice(self._changes.signals, ROWS_AT_ONCE))
        if signals:
            number = self._supervision.table.device_id
            told = [(int(number[row]), moment(at_ms)) for row, at_ms in signals]
            async with conn.transaction():
                booked = await store.keep_signals(conn, told, now, self._day_of(now))
            for key in signals:
                self._changes.signals.pop(key, None)
            BOOKED.inc(len(booked))

    async def _days(self, conn: Connection, now: datetime) -> None:
        days = self._supervision.days
        rows = days.fresh(DAYS_AT_ONCE, self._after)
        if len(rows) == 0:
            return
        self._after = int(rows[-1]) + 1
        taken = days.take(rows)
        try:
            async with conn.transaction():
                await self._write_days(conn, rows, taken, now)
        except BaseException:
            days.put_back(rows, taken)
            raise

    async def _write_days(self, conn: Connection, rows: NDArray[np.int64], taken: Columnar, now: datetime) -> None:
        numbers = self._supervision.table.device_id[rows]
        for slot in range(SLOTS):
            day, level, worn = taken["day"][:, slot], taken["battery"][:, slot], taken["worn_ms"][:, slot]
            some = np.flatnonzero((day >= 0) & (~np.isnan(level) | (worn >= 0)))
            await conn.execute(Q.keep_days, {
                "devices": numbers[some].tolist(), "days": [_date(one) for one in day[some].tolist()],
                "levels": [None if np.isnan(one) else float(one) for one in level[some].tolist()],
                "charged": (taken["charged"][some, slot] == 1).tolist(),
                "worn": [one / 60_000 if one >= 0 else None for one in worn[some].tolist()],
            })  # fmt: skip
        newest = np.where(taken["day"][:, 0] >= taken["day"][:, 1], 0, 1)
        level = taken["battery"][np.arange(len(rows)), newest]
        some = np.flatnonzero(~np.isnan(level))
        midnight = datetime.combine(self._day_of(now), datetime.min.time(), UTC) - self._offset
        values = {"devices": numbers[some].tolist(), "levels": level[some].tolist(), "now": now, "midnight": midnight}
        await conn.execute(Q.keep_levels, values)

    @property
    def _offset(self) -> timedelta:
        return timedelta(milliseconds=self._supervision.days.offset_ms)

    def _day_of(self, now: datetime) -> date:
        return (now + self._offset).date()

    def _numbers(self, rows: Iterable[int]) -> list[int]:
        number = self._supervision.table.device_id
        return [int(number[row]) for row in rows]


def _done(waiting: dict[K, V], written: Mapping[K, V]) -> None:
    """What was written waits no more, unless it has changed meanwhile."""
    for key, value in written.items():
        if waiting.get(key) == value:
            del waiting[key]


def _date(day: int) -> date:
    return datetime.fromtimestamp(day * DAY_MS / 1000, UTC).date()
