"""Batteries: what a low signal is, when five of them book a visit, on which day a battery will be flat. Pure.

Signals. A message in which the device itself says that its battery is low is one. A level of 20 % or less is one an
hour: a watch reports its level every minute, and is charged by its wearer at night.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

import numpy as np

SIGNALS, WITHIN = 5, timedelta(hours=72)  # Texas: a visit within five working days after five signals in 72 hours
VISIT_WORKING_DAYS = 5
LOW_PCT, CHARGED_PCT = 20.0, 30.0  # T2 as well; beyond the second a low signal is over
LEVEL_SIGNAL_EVERY_MS = 3_600_000
FLAT_PCT = 5.0  # most cells give up before they are at zero
RISE_PCT = 5.0  # a level that rises by so much was charged, or is another battery; less is the weather
LEAST_DAYS, LEAST_SPAN = 5, 7  # daily values since it was charged, and the days they must span
SLOWEST_PCT_A_DAY = 0.02  # fifteen years from full: that is noise
FARTHEST = timedelta(days=730)  # nobody plans a visit beyond
MOST_DAYS = 120  # of history that are looked at


class Verdict(StrEnum):
    """What can be said of a battery."""

    FALLING = "falling"  # flat on a day that can be told
    TOO_LITTLE = "too_little"  # history: unknown
    CHARGED = "charged"  # lately, or it is charged all the time: unknown
    STEADY = "steady"  # it does not fall
    FAR = "far"  # beyond two years
    FLAT = "flat"


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """`flat_on` only where the verdict is `falling` or `flat`; the slope in percent a day, where there is one."""

    verdict: Verdict
    flat_on: date | None = None
    slope_pct_day: float | None = None
    days: int = 0


@dataclass(frozen=True, kw_only=True)
class Day:
    """The last level of one day; `charged`: it rose during the day."""

    day: date
    level_pct: float
    charged: bool = False


def forecast(history: Sequence[Day]) -> Forecast:
    """Return on which day a battery will be flat, by the median of all slopes between two days (Theil and Sen).

    One cold night or one false reading moves a least-squares line by months and this one hardly: up to 29 % of the days
    may be wrong. Only the days since the battery was last charged count.
    """
    days = sorted(history, key=lambda one: one.day)[-MOST_DAYS:]
    run = _since_charged(days)
    if run and run[-1].level_pct <= FLAT_PCT:
        return Forecast(verdict=Verdict.FLAT, flat_on=run[-1].day, days=len(run))
    if len(run) < LEAST_DAYS or (run[-1].day - run[0].day).days < LEAST_SPAN:
        return Forecast(verdict=Verdict.CHARGED if len(run) < len(days) else Verdict.TOO_LITTLE, days=len(run))
    at = np.array([(one.day - run[0].day).days for one in run], float)
    level = np.array([one.level_pct for one in run])
    slope = theil_sen(at, level)
    if slope > -SLOWEST_PCT_A_DAY:
        return Forecast(verdict=Verdict.STEADY, slope_pct_day=slope, days=len(run))
    left = (float(np.median(level - slope * at)) + slope * at[-1] - FLAT_PCT) / -slope
    if left > FARTHEST.days:
        return Forecast(verdict=Verdict.FAR, slope_pct_day=slope, days=len(run))
    flat_on = run[-1].day + timedelta(days=max(0, round(left)))
    return Forecast(verdict=Verdict.FALLING, flat_on=flat_on, slope_pct_day=slope, days=len(run))


def theil_sen(at: np.ndarray, level: np.ndarray) -> float:
    """Return the median slope over all pairs of n ≥ 2 points at different moments.

    Source: Sen 1968, Estimates of the regression coefficient based on Kendall's tau.
    """
    i, j = np.triu_indices(len(at), 1)
    return float(np.median((level[j] - level[i]) / (at[j] - at[i])))


def due_by(booked: date, working_days: int = VISIT_WORKING_DAYS) -> date:
    """Return the day by which a visit must have been made. Saturdays and Sundays do not count, holidays do."""
    day = booked
    while working_days:
        day += timedelta(days=1)
        working_days -= day.weekday() < 5
    return day


def _since_charged(days: Sequence[Day]) -> Sequence[Day]:
    for at in range(len(days) - 1, -1, -1):
        if days[at].charged or (at and days[at].level_pct - days[at - 1].level_pct >= RISE_PCT):
            return days[at:]  # its last level of that day is one after the charging, or nearly
    return days
