"""Rates of false fall alarms: what is counted, and how sure it is."""

import pytest

from alerts.false_falls import FEW_DAYS, Falls

# Exact Poisson limits of a count (95 %), as tables print them.
EXACT = {0: (0.0, 3.69), 1: (0.03, 5.57), 2: (0.24, 7.22), 5: (1.62, 11.67), 10: (4.80, 18.39), 50: (37.11, 65.92)}


@pytest.mark.parametrize(("count", "limits"), EXACT.items())
def test_interval_is_close_to_the_exact_one(count: int, limits: tuple[float, float]) -> None:
    low, high = Falls(worn_days=7).interval(count) or (-1.0, -1.0)
    assert low == pytest.approx(limits[0], abs=0.05)
    assert high == pytest.approx(limits[1], abs=0.06)


def test_rate_is_of_weeks_worn() -> None:
    told = Falls(suspected=9, cancelled=3, at_desk=1, false=2, real=2, unclear=1, worn_days=70)
    assert (told.false_alarms, told.proceeded) == (6, 5)
    assert told.per_week(told.false_alarms) == pytest.approx(0.6)


def test_device_that_does_not_say_whether_it_is_worn_has_no_rate() -> None:
    assert Falls(suspected=3, cancelled=3).per_week(3) is None
    assert Falls(suspected=3, cancelled=3).interval(3) is None


def test_little_wearing_is_said_to_be_little() -> None:
    assert Falls(worn_days=FEW_DAYS - 1).few
    assert not Falls(worn_days=FEW_DAYS).few
