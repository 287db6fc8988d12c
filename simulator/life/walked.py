"""What a watch has counted since it spoke last: one that reports each quarter of an hour counts other minutes too."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from simulator.life.model import Minutes

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
