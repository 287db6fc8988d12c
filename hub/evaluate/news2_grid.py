"""NEWS2 at every printed edge of every part, in all combinations, against a table written another way.

The detector walks bands by their upper limits; here every whole number (or tenth of a degree) has its points written
out beside it, and the sums are made by numpy over the whole grid.
"""

from collections.abc import Callable, Iterator
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from alerts.detectors import news2
from alerts.detectors.news2 import Vitals

Ints = NDArray[np.int64]


def _written(*runs: tuple[int, int]) -> Ints:
    """Return points by value from (points, how many values in a row have them)."""
    return np.repeat([points for points, _ in runs], [values for _, values in runs])


# From 0 up, one entry a value. Temperature in tenths of a degree.
RESPIRATION = _written((3, 9), (1, 3), (0, 9), (2, 4), (3, 36))
SPO2_1 = _written((3, 92), (2, 2), (1, 2), (0, 5))
SPO2_2_AIR = _written((3, 84), (2, 2), (1, 2), (0, 13))
SPO2_2_OXYGEN = _written((3, 84), (2, 2), (1, 2), (0, 5), (1, 2), (2, 2), (3, 4))
SYSTOLIC = _written((3, 91), (2, 10), (1, 10), (0, 109), (3, 81))
PULSE = _written((3, 41), (1, 10), (0, 40), (1, 20), (2, 20), (3, 120))
TENTHS = _written((3, 351), (1, 10), (0, 20), (1, 10), (2, 60))
CONSCIOUSNESS = {"A": 0, "C": 3, "V": 3, "P": 3, "U": 3}
PARTS = ("rr", "spo2", "o2", "sbp", "hr", "acvpu", "temp")
WORST = {"rr": 3, "spo2": 3, "o2": 2, "sbp": 3, "hr": 3, "acvpu": 3, "temp": 3}
NORMAL = Vitals(
    respiration_rpm=16,
    spo2_pct=97,
    oxygen=False,
    systolic_mmhg=120,
    pulse_bpm=70,
    consciousness="A",
    temperature_c=37.0,
)
FIELDS = dict(
    zip(
        PARTS,
        ("respiration_rpm", "spo2_pct", "oxygen", "systolic_mmhg", "pulse_bpm", "consciousness", "temperature_c"),
        strict=True,
    )
)


def edges(points: Ints) -> list[int]:
    """Return both sides of every change of a written row."""
    steps = np.flatnonzero(np.diff(points))
    return sorted({*steps.tolist(), *(steps + 1).tolist()})


def grid(told: Callable[[int, int], None] = lambda done, of: None, step: int = 1) -> dict[str, int]:
    """Score every combination of edge values; return how many and how many the table contradicts.

    With `step` only every so many-th row of respiration, saturation, scale and oxygen is tried, with all of the rest.
    """
    saturations = sorted({*edges(SPO2_1), *edges(SPO2_2_AIR), *edges(SPO2_2_OXYGEN)})
    outer = list(product((1, 2), (False, True), saturations, edges(RESPIRATION)))[::step]
    inner = list(product(edges(SYSTOLIC), edges(PULSE), CONSCIOUSNESS, edges(TENTHS)))
    pressure, pulse, level, tenths = (list(column) for column in zip(*inner, strict=True))
    parts = np.stack([SYSTOLIC[pressure], PULSE[pulse], [CONSCIOUSNESS[a] for a in level], TENTHS[tenths]])
    rest, worst = parts.sum(axis=0), parts.max(axis=0)
    wrong = 0
    for number, (scale, oxygen, spo2, rr) in enumerate(outer):
        if number % 40 == 0:
            told(number, len(outer))
        own = (int(RESPIRATION[rr]), int(_saturation(scale, oxygen)[spo2]), 2 * oxygen)
        totals, worsts = rest + sum(own), np.maximum(worst, max(own))
        for (systolic, bpm, acvpu, tenth), total, most in zip(inner, totals.tolist(), worsts.tolist(), strict=True):
            result = news2.score(
                Vitals(
                    respiration_rpm=rr, spo2_pct=spo2, oxygen=oxygen, systolic_mmhg=systolic, pulse_bpm=bpm,
                    consciousness=acvpu, temperature_c=tenth / 10, scale=scale,
                )
            )  # fmt: skip
            agrees = result.total == result.total_upper == total and result.risk == _band(total, most)
            wrong += not agrees
    return {"combinations": len(outer) * len(inner), "mismatches": wrong}


def _saturation(scale: int, oxygen: bool) -> Ints:
    if scale == 1:
        return SPO2_1
    return SPO2_2_OXYGEN if oxygen else SPO2_2_AIR


def _band(total: int, worst: int) -> str:
    if total >= 7:
        return "high"
    if total >= 5:
        return "medium"
    return "low-medium" if worst == 3 else "low"


def missing() -> dict[str, int]:
    """Leave out every set of parts of a well person: none is read as normal, and the bound is what they could add."""
    tried = wrong = 0
    for absent in _subsets():
        values = {name: getattr(NORMAL, name) for name in FIELDS.values()} | {FIELDS[part]: None for part in absent}
        result = news2.score(Vitals(**values))
        upper = sum(WORST[part] for part in absent)
        tried += 1
        wrong += (result.missing, result.total, result.total_upper) != (absent, 0, upper)
    return {"sets": tried, "mismatches": wrong}


def _subsets() -> Iterator[tuple[str, ...]]:
    for size in range(len(PARTS) + 1):
        yield from combinations(PARTS, size)
