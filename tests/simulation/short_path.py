"""From invented lives through the hub's own detectors, without wire and database: weeks of some hundred in a minute.

What watches say is made as `simulator.live` does it: one report every so many minutes, and the newest minute walked
since the last; positions of those who are tracked. Detectors start knowing nobody, as in a fresh hub.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from alerts.detectors import vitals
from alerts.detectors.detector import Detector, new_state
from alerts.detectors.early_warning import EarlyWarning
from alerts.detectors.home import HomeDetector
from alerts.detectors.home_signs import Ints, Sign, Signs
from alerts.detectors.stillness import StillnessDetector
from devices.columns import Columns, joined
from simulator.life import Life
from simulator.life.model import Floats, Minutes, Resident
from simulator.life.walked import Newest, Walked

OFFSET_MIN, MINUTE_MS = 480, 60_000
FENCE_M, TRACKED_EVERY_MIN = 500, 5


@dataclass(frozen=True, slots=True)
class Told:
    """One finding: about whom, when (minute since 1970), which rule and kind."""

    who: int
    minute: int
    rule: str
    kind: str


@dataclass
class ShortPath:
    """n residents whose watches count steps and report every `every` minutes. `live` returns what is found."""

    people: Sequence[Resident]
    seed: int
    start: datetime
    every: int
    by_itself: float = 0.0
    life: Life = field(init=False)

    def __post_init__(self) -> None:
        self.life = Life(self.people, seed=self.seed, start=self.start, by_itself=self.by_itself)
        count = len(self.people)
        self._walked, self._newest, self._who = Walked(count), Newest(count), np.arange(count)
        self._vitals = vitals.VitalsDetector(OFFSET_MIN)
        self._detectors: tuple[Detector, ...] = (self._vitals, EarlyWarning(), StillnessDetector(OFFSET_MIN))
        self._states = [new_state(detector.fields, count) for detector in self._detectors]
        self._home = HomeDetector(OFFSET_MIN)
        self._homes = new_state(self._home.fields, count)
        self._homes["fence_m"][:] = FENCE_M

    def live(self, minutes: int) -> list[Told]:
        """Live so long; return what is found meanwhile."""
        found: list[Told] = []
        for _ in range(minutes):
            minute = self.life.minute()
            at = int(minute.at.timestamp()) // 60
            self._walked.note(minute)
            self._newest.note(minute)
            found += self._reports(minute, at)
            if at % TRACKED_EVERY_MIN == 0:
                found += self._positions(minute, at)
        return found

    def _reports(self, minute: Minutes, at: int) -> list[Told]:
        read = minute.readings
        rows = np.flatnonzero(read.told & (self._who % self.every == at % self.every))
        if len(rows) == 0:
            return []
        worn = read.worn[rows]
        batch = _absent(rows, at * MINUTE_MS + 1000 * read.second[rows].astype(np.int64), at)
        told: dict[str, Floats] = {"heart_rate_bpm": read.heart_rate_bpm[rows], **self._newest.told(rows)}
        for name, said in told.items():
            getattr(batch, name)[:] = np.where(worn, said, np.nan)
        batch.steps[:] = np.where(worn, read.steps[rows], -1)
        batch.worn[:] = worn.astype(np.int8)
        since = [(row, self._walked.told(row)) for row in rows.tolist()]
        late = [(row, each) for row, each in since if each.steps and each.at < minute.at]
        if late:
            times = np.array([int(each.at.timestamp()) * 1000 for _, each in late])
            more = _absent(np.array([row for row, _ in late]), times, at)
            more.steps[:] = np.array([each.steps for _, each in late])
            batch, rows = joined(batch, more), np.append(rows, more.device - 1)
        found = []
        for detector, state in zip(self._detectors, self._states, strict=True):
            seen = batch
            if isinstance(detector, EarlyWarning):
                seen = vitals.only_believed(self._states[0], rows, batch)
            found += [Told(f.row, at, f.rule, str(f.kind)) for f in detector.observe(state, rows, seen)]
        return found

    def _positions(self, minute: Minutes, at: int) -> list[Told]:
        rows = np.flatnonzero(minute.readings.worn)
        now_ms = at * MINUTE_MS
        signs = Signs(
            row=rows, at_ms=np.full(len(rows), now_ms), sign=np.full(len(rows), Sign.PLACE, np.uint8),
            value=minute.away_m[rows].astype(np.float64),
        )  # fmt: skip
        self._home.observe(self._homes, signs, now_ms)
        return [Told(f.row, at, f.rule, str(f.kind)) for f in self._home.tick(self._homes, now_ms + MINUTE_MS)]


def _absent(rows: Ints, measured_ms: Ints, at: int) -> Columns:
    batch = Columns.absent(len(rows))
    batch.device[:] = rows + 1
    batch.measured_ms[:] = measured_ms
    batch.received_ms[:] = (at + 1) * MINUTE_MS - 1
    return batch


def by_kind(found: Sequence[Told]) -> Counter[str]:
    """Return how many there are of each kind of alert."""
    return Counter(each.kind for each in found)
