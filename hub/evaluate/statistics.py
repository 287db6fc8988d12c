"""How far a figure may be off: intervals of shares, of rates over wearers, of delays."""

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Z_95 = 1.96
RESAMPLES = 2000
Interval = tuple[float, float]


def wilson(hits: int, of: int) -> Interval | None:
    """Return the 95 % interval of a share, None where nothing was tried.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, 1927.
    """
    if of == 0:
        return None
    share, spread = hits / of, Z_95 * Z_95 / of
    centre = share + spread / 2
    half = Z_95 * sqrt(share * (1 - share) / of + spread / (4 * of))
    return (max(0.0, (centre - half) / (1 + spread)), min(1.0, (centre + half) / (1 + spread)))


def over_wearers(counts: Sequence[float], of: Sequence[float], seed: int) -> Interval | None:
    """Return the 95 % interval of sum(counts) / sum(of) when wearers are drawn anew, with their whole record.

    Minutes and windows of one wearer are no independent evidence; wearers are. With few of them it is still too narrow.
    """
    had, tried = np.asarray(counts, np.float64), np.asarray(of, np.float64)
    if len(had) == 0 or tried.sum() == 0:
        return None
    drawn = np.random.default_rng(seed).integers(0, len(had), (RESAMPLES, len(had)))
    total = tried[drawn].sum(axis=1)
    rates = had[drawn].sum(axis=1)[total > 0] / total[total > 0]
    low, high = np.percentile(rates, [2.5, 97.5])
    return float(low), float(high)


def share(hits: int, of: int) -> dict[str, object]:
    """Return a share as the report tells it: hits, of how many, the share and its Wilson interval."""
    return {"hits": hits, "of": of, "share": hits / of if of else None, "ci95": wilson(hits, of)}


def median_p95(values: Sequence[float] | NDArray[np.float64]) -> tuple[float | None, float | None]:
    """Return the median and the 95th percentile, None where there is nothing."""
    if len(values) == 0:
        return None, None
    middle, late = np.percentile(np.asarray(values, np.float64), [50, 95])
    return float(middle), float(late)
