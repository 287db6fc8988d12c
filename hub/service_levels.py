"""Service levels as figures: shares with their targets, and which line is worst. No clock and no database here.

The targets are borrowed (a telecare code and published contracts): the founding papers of the service give none.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

ANSWER_CRITICAL_S: Final = 60
ANSWER_OTHERS_S: Final = 180
DOOR_MIN: Final = (45, 60)
TARGETS: Final = {"in_60": 0.975, "in_180": 0.99, "in_45": 0.90, "in_60m": 1.0}  # least share in time
DUE: Final = {"in_60": "due_60", "in_180": "due_180", "in_45": "due_45", "in_60m": "due_60m"}
FEW: Final = 20  # fewer calls than this: a share says little


@dataclass(frozen=True, kw_only=True)
class Level:
    """Calls of one line of a table. `due_…` are those that were in time or no longer can be."""

    key: str
    calls: int = 0
    due_60: int = 0
    in_60: int = 0
    due_180: int = 0
    in_180: int = 0
    unanswered: int = 0
    answer_p50: float | None = None
    answer_p90: float | None = None
    due_45: int = 0
    in_45: int = 0
    due_60m: int = 0
    in_60m: int = 0
    unreached: int = 0
    called_off: int = 0
    proved: int = 0
    door_p50: float | None = None
    door_p90: float | None = None

    def share(self, what: str) -> float | None:
        """Return which share was in time; None where there was nothing to be in time for."""
        due = int(getattr(self, DUE[what]))
        return int(getattr(self, what)) / due if due else None

    def kept(self, what: str) -> bool | None:
        """Return whether a target was kept; None: nothing to keep it with."""
        share = self.share(what)
        return None if share is None else share >= TARGETS[what]

    @property
    def few(self) -> bool:
        return self.calls < FEW


def seconds(value: float | None) -> float | None:
    """Return a percentile that is a number; infinite means that so many were never answered."""
    return None if value is None or math.isinf(value) else value


def never(value: float | None) -> bool:
    """Return whether a percentile falls among those who were never answered."""
    return value is not None and math.isinf(value)


def worst_first(found: Iterable[Level]) -> list[Level]:
    """Order lines by how far they stay below the answering target, then by how many calls they have."""
    return sorted(found, key=lambda one: (one.share("in_60") if one.due_60 else 2.0, -one.calls, one.key))
