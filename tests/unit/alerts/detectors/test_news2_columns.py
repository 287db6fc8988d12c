"""The score of columns is the score of the one case: over every boundary, both scales, anything missing."""

import itertools

import numpy as np
import pytest

from alerts.detectors import news2
from alerts.detectors.news2 import PARTS, Vitals, code, points, score, value

GRID: dict[str, tuple[float | None, ...]] = {  # both sides of every boundary, and nothing
    "rr": (None, 8, 9, 11, 12, 20, 21, 24, 25),
    "spo2": (None, 83, 84, 85, 86, 87, 88, 91, 92, 93, 94, 95, 96, 97),
    "sbp": (None, 90, 91, 100, 101, 110, 111, 219, 220),
    "hr": (None, 40, 41, 50, 51, 90, 91, 110, 111, 130, 131),
    "temp": (None, 35.0, 35.1, 36.0, 36.1, 38.0, 38.1, 39.0, 39.1),
}
SHOWN = {"rr": (3, 70), "spo2": (70, 100), "sbp": (50, 280), "hr": (25, 220), "temp": (25.0, 45.0)}


@pytest.mark.parametrize("scale", [1, 2])
def test_columns_score_as_the_single_case_on_the_whole_grid(scale: int) -> None:
    every = list(itertools.product(*(GRID[part] for part in PARTS)))
    assert len(every) == 112_266
    sets = np.array(every, np.float32)  # None becomes NaN
    coded = np.stack([code(part, sets[:, at]) for at, part in enumerate(PARTS)], axis=1)
    found = points(coded, np.full(len(sets), scale - 1, np.uint8)).sum(axis=1).tolist()
    for one, total in zip(every, found, strict=True):
        rr, spo2, sbp, hr, temp = one
        case = Vitals(
            respiration_rpm=rr, spo2_pct=spo2, systolic_mmhg=sbp, pulse_bpm=hr, temperature_c=temp, scale=scale
        )
        assert score(case).total == total, case


def test_every_value_between_the_boundaries_comes_back_as_it_was() -> None:
    for part in PARTS:
        low, high = SHOWN[part]
        step = news2.STEPS[part][1]
        every = np.round(np.arange(low, high + step / 2, step), 1)
        coded = code(part, every.astype(np.float32))
        assert [value(part, int(one)) for one in coded] == every.tolist()


def test_calmer_of_two_values_is_the_nearer_to_health_and_a_known_one() -> None:
    pairs = {"rr": (16, 28), "spo2": (97, 90), "sbp": (130, 95), "hr": (80, 150), "temp": (37.2, 39.5)}
    calm = np.stack([code(part, np.array([one[0]], np.float32)) for part, one in pairs.items()], axis=1)
    odd = np.stack([code(part, np.array([one[1]], np.float32)) for part, one in pairs.items()], axis=1)
    nothing = np.zeros_like(odd)
    assert (news2.calmness(calm) < news2.calmness(odd)).all()
    assert (news2.calmness(odd) < news2.calmness(nothing)).all()
    assert (news2.calmness(odd) & 255 == odd).all()
