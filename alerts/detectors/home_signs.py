"""Signs of life from a resident's home: what its sensors amount to, whatever make they are."""

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


class Sign(IntEnum):
    """What was noticed; `1 << sign` is its bit in the column `has`."""

    MOTION = 1  # infrared, presence, a step of a watch
    DOOR = 2  # opened
    BED_IN = 3
    BED_OUT = 4
    WATER = 5  # value: what the meter has counted in all, m3
    PLACE = 6  # value: metres from home; a position less exact than 50 m is no sign


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
