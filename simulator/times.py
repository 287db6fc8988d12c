"""How long things took: a few numbers of many."""

from collections.abc import Sequence

import msgspec


class Times(msgspec.Struct, kw_only=True, frozen=True):
    """Seconds. `all` is sorted, thinned to what a plot can show."""

    n: int
    p50: float
    p90: float
    p99: float
    worst: float
    all: tuple[float, ...] = ()


PLOTTED = 400


def spread(values: Sequence[float]) -> Times | None:
    """Return the quantiles, nearest rank; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)

    def rank(share: float) -> float:
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    thinned = (
        ordered
        if len(ordered) <= PLOTTED
        else [ordered[i * (len(ordered) - 1) // (PLOTTED - 1)] for i in range(PLOTTED)]
    )
    return Times(
        n=len(ordered), p50=rank(0.5), p90=rank(0.9), p99=rank(0.99), worst=ordered[-1],
        all=tuple(round(value, 1) for value in thinned),
    )  # fmt: skip
