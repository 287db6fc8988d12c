"""Chance that hangs on nothing but seed, resident, minute and purpose.

What a scenario does to one resident therefore leaves everybody else's days as they were, and twenty residents live the
same whether nineteen hundred others are there or not.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

MASK = (1 << 64) - 1
_GOLDEN, _FIRST, _SECOND = 0x9E3779B97F4A7C15, np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_WHO = np.uint64(0xD1342543DE82EF95)
_SCALE = 1.0 / (1 << 53)


class Dice:
    """Rolls for many residents at once. The same four numbers always give the same roll."""

    def __init__(self, seed: int) -> None:
        self._seed = seed & MASK

    def roll(self, who: NDArray[Any], minute: int, purpose: int) -> NDArray[np.float64]:
        """Return (m,) numbers in [0, 1): SplitMix64's finish over what they hang on."""
        salt = self._seed * 0xA24BAED4963EE407 + minute * _GOLDEN + purpose * 0x9FB21C651E98DF25
        x = (who.astype(np.uint64) + np.uint64(1)) * _WHO + np.uint64(salt & MASK)
        for factor in (_FIRST, _SECOND, _FIRST):
            x ^= x >> np.uint64(30)
            x *= factor
        x ^= x >> np.uint64(31)
        return (x >> np.uint64(11)).astype(np.float64) * _SCALE

    def normal(self, who: NDArray[Any], minute: int, purpose: int) -> NDArray[np.float64]:
        """Return (m,) normal numbers (Box and Muller)."""
        radius = np.sqrt(-2.0 * np.log1p(-self.roll(who, minute, purpose)))
        turn: NDArray[np.float64] = np.cos(2 * np.pi * self.roll(who, minute, ~purpose))
        return radius * turn

    def between(
        self, who: NDArray[Any], minute: int, purpose: int, low: NDArray[Any] | float, high: NDArray[Any] | float
    ) -> NDArray[np.float64]:
        """Return (m,) numbers spread evenly from low to high."""
        spread: NDArray[np.float64] = low + (high - low) * self.roll(who, minute, purpose)
        return spread
