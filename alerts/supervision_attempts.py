"""First attempts that failed, per model, as a league table: which make of button has to be pressed twice. Pure.

An attempt is one of two things:

* a press in earnest or in test: an SOS of a device with none of the same device in the ten minutes before it. It failed
  when the device was pressed again within five minutes (`again`): whoever presses twice did not see that she was heard.
  Only counted presses count, so one press that arrives three times is one. A press that never arrived at all cannot be
  known by anybody.
* a trial at installation: the time from a device's being given to a resident until its first press was saved. It failed
  when the installer wrote that the SOS did not arrive before one did (`trials_failed`), or when no press had come a day
  after (`trials_silent`): a press that never arrived cannot be told from one never made, and no model shall look better
  for being silent. A trial younger than a day that is still open is no attempt yet.

A press that nobody took (`unanswered`) is an attempt like any other: it is counted, shown, and never left out of what
the rate is of. That people did not answer is not the button's failure, so by itself it is none.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

EPISODE = timedelta(minutes=10)
AGAIN_WITHIN = timedelta(minutes=5)
TRIAL_WITHIN = timedelta(days=1)
OVER = timedelta(days=90)  # what the table looks back on
Z = 1.96  # 95 %
FEW = 20  # attempts below which a rate says little


@dataclass(frozen=True, kw_only=True)
class Attempts:
    """One model's counts over the time of the table."""

    model: str
    presses: int = 0
    again: int = 0
    unanswered: int = 0
    trials: int = 0
    trials_failed: int = 0
    trials_silent: int = 0

    @property
    def all(self) -> int:
        """How many first attempts there were."""
        return self.presses + self.trials

    @property
    def failed(self) -> int:
        """How many of them failed."""
        return self.again + self.trials_failed + self.trials_silent

    @property
    def interval(self) -> tuple[float, float]:
        """Between what the rate of failure lies, with 95 % confidence."""
        return wilson(self.failed, self.all)


def league(counts: Iterable[Attempts]) -> list[Attempts]:
    """Return models, the surely bad first: by the lower end of the interval, so that 1 of 1 does not lead 40 of 100."""
    return sorted((one for one in counts if one.all), key=lambda one: (-one.interval[0], -one.all, one.model))


def wilson(failed: int, total: int) -> tuple[float, float]:
    """Return the 95 % score interval of a share, (0, 1) of nothing.

    Source: Wilson 1927, Probable inference, the law of succession, and statistical inference.
    """
    if total <= 0:
        return 0.0, 1.0
    share = failed / total
    middle = share + Z * Z / (2 * total)
    half = Z * math.sqrt(share * (1 - share) / total + Z * Z / (4 * total * total))
    below = 1 + Z * Z / total
    return max(0.0, (middle - half) / below), min(1.0, (middle + half) / below)
