"""What a watch has counted and measured since it spoke last: one that reports seldom does so in other minutes too."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from simulator.life.model import Floats, Minutes

NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Since:
    """`sum`: all steps since the last report. `at`: end of the newest minute walked, NEVER if none was; its `steps`."""

    sum: int
    at: datetime
    steps: int


class Walked:
    """The counters of n watches."""

    def __init__(self, count: int) -> None:
        self._sum, self._steps = np.zeros(count, np.int64), np.zeros(count, np.int64)
        self._at = [NEVER] * count

    def note(self, minute: Minutes) -> None:
        """Count a minute."""
        steps = np.where(minute.readings.worn, minute.readings.steps, 0)
        self._sum += steps
        for index in np.flatnonzero(steps > 0).tolist():
            self._at[index], self._steps[index] = minute.at, steps[index]

    def told(self, index: int) -> Since:
        """Return what one watch has counted, and begin anew."""
        since = Since(int(self._sum[index]), self._at[index], int(self._steps[index]))
        self._sum[index], self._at[index] = 0, NEVER
        return since


class Newest:
    """What n watches measured last of what they do not find in every minute, and have not told yet.

    A report holds the newest of it, as a watch's screen does; taken off, the watch forgets.
    """

    NAMES = ("spo2_pct", "respiration_rpm", "systolic_mmhg", "diastolic_mmhg")

    def __init__(self, count: int) -> None:
        self._values = {name: np.full(count, np.nan, np.float32) for name in self.NAMES}

    def note(self, minute: Minutes) -> None:
        """Keep what was measured in a minute."""
        for name, kept in self._values.items():
            now: Floats = getattr(minute.readings, name)
            kept[:] = np.where(minute.readings.worn, np.where(np.isnan(now), kept, now), np.nan)

    def told(self, rows: NDArray[np.int64]) -> dict[str, Floats]:
        """Return what some watches have to tell, NaN where there is nothing, by name; and begin anew."""
        found = {name: kept[rows].copy() for name, kept in self._values.items()}
        for kept in self._values.values():
            kept[rows] = np.nan
        return found
