"""Signs of life from a resident's home: what its sensors amount to, whatever make they are."""

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.detectors import detector

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

MINUTE_MS = detector.MINUTE_MS
LATE_MIN = 10  # a sign may be this late and change nothing: so long B1-B5 wait before they look at a minute
SOON_MIN = 2  # B6 and B7 cannot wait that long
AHEAD_MIN = 2  # a sign further in the future than this is none
DAY_BEGINS_MIN = 4 * 60  # local: who walks at three is up in the night, not up early


class Sign(IntEnum):
    """What was noticed; `1 << sign` is its bit in the column `has`."""

    MOTION = 1  # infrared, presence, a step of a watch
    DOOR = 2  # opened
    BED_IN = 3
    BED_OUT = 4
    WATER = 5  # value: what the meter has counted in all, m3
    PLACE = 6  # value: metres from home; of fixes only: not of what its device says is old or not exact


@dataclass(frozen=True, slots=True)
class Signs:
    """n signs in any order, repeats allowed."""

    row: Ints  # the resident's state row
    at_ms: Ints  # when, by the clock the hub trusts
    sign: NDArray[np.uint8]
    value: NDArray[np.float64]  # what Sign says, else 0

    def take(self, index: NDArray[Any]) -> "Signs":
        return Signs(*(getattr(self, f.name)[index] for f in fields(self)))

    def __len__(self) -> int:
        return len(self.row)


def has(column: NDArray[Any], *signs: Sign) -> Bools:
    """Return where a home can tell any of these."""
    found: Bools = (column & sum(1 << sign for sign in signs)) != 0
    return found


def clock(minute: int, offset_min: int) -> str:
    """Return a minute of UTC as people here write it."""
    hour, past = divmod((minute + offset_min) % 1440, 60)
    return f"{hour:02d}:{past:02d}"
