"""What was so of residents for a while, without having happened: what an alert was right about, though nobody fell ill.

An oracle that knows events only would call it false that a watch on its charger is not worn.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from simulator.life.model import Doing, Floats, Minutes
from simulator.town_file import Lasting, Truth

MINUTE = timedelta(minutes=1)
LOW, LAY, GONE = "low saturation", "watch off", "away"
LOW_PCT = 93.5  # what a watch shows as 93: V5's limit for who is not known
FOR_MIN = 30  # of so many minutes it is the mean: the half-hour for which V5 looks
SHORTEST_MIN = 15  # a sleeve over the watch is not worth a line


class Lived:
    """Follows n residents minute by minute; `write` puts what lasted into the truth."""

    def __init__(self, count: int) -> None:
        self._mean = np.full(count, np.nan, np.float32)
        self._since = {what: np.full(count, -1, np.int64) for what in (LOW, LAY, GONE)}
        self._spans: list[tuple[int, str, int, int]] = []
        self._minute = 0
        self._begins: datetime | None = None

    def note(self, minute: Minutes) -> None:
        """Take a minute in."""
        self._begins = self._begins or minute.at
        body: Floats = minute.bodies.spo2_pct
        self._mean = np.where(np.isnan(self._mean), body, self._mean)
        self._mean += np.where(body > 0, body - self._mean, np.float32(0)) / FOR_MIN
        away = (minute.doing == Doing.AWAY) | (minute.doing == Doing.IN_HOSPITAL)
        for what, now in ((LOW, self._mean < LOW_PCT), (LAY, ~minute.readings.worn), (GONE, away)):
            self._follow(what, now)
        self._minute += 1

    def write(self, truth: Truth, key: Callable[[int], str]) -> None:
        """Write down what lasted, and what lasts still. `key` names a resident by number."""
        for what in self._since:
            self._follow(what, np.zeros(len(self._mean), np.bool_))
        begins = self._begins or truth.begins
        truth.lasting = [
            Lasting(resident=key(who), what=what, since=begins + since * MINUTE, until=begins + until * MINUTE)
            for who, what, since, until in self._spans
        ]

    def _follow(self, what: str, now: NDArray[np.bool_]) -> None:
        since = self._since[what]
        since[now & (since < 0)] = self._minute
        for who in np.flatnonzero(~now & (since >= 0)).tolist():
            if self._minute - since[who] >= SHORTEST_MIN:
                self._spans.append((who, what, int(since[who]), self._minute))
            since[who] = -1
