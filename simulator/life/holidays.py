"""Which public holiday a day in China belongs to, and what it does to visits, journeys and bedtimes.

The moon's dates stand in a table; the solar ones are the same every year. The days off around them are those a family
has time in, not the exact days that the State Council shifts work to.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum
from functools import cache


class Holiday(IntEnum):
    NONE = 0
    NEW_YEAR = 1
    SPRING_FESTIVAL = 2
    QINGMING = 3
    LABOUR_DAY = 4
    DRAGON_BOAT = 5
    MID_AUTUMN = 6
    NATIONAL_DAY = 7


@dataclass(frozen=True, slots=True)
class Mood:
    """What a day is like beside an ordinary one."""

    visits: float  # times as many
    journeys: float  # times as many leave for their children's on its first day
    later_min: int  # to bed


# First day of the first month; fifth of the fifth; fifteenth of the eighth; and the day of Qingming.
MOON: dict[int, tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int]]] = {
    2024: ((2, 10), (6, 10), (9, 17), (4, 4)),
    2025: ((1, 29), (5, 31), (10, 6), (4, 4)),
    2026: ((2, 17), (6, 19), (9, 25), (4, 5)),
    2027: ((2, 6), (6, 9), (9, 15), (4, 5)),
    2028: ((1, 26), (5, 28), (10, 3), (4, 4)),
    2029: ((2, 13), (6, 16), (9, 22), (4, 4)),
    2030: ((2, 3), (6, 5), (9, 12), (4, 5)),
    2031: ((1, 23), (6, 24), (10, 1), (4, 5)),
    2032: ((2, 11), (6, 12), (9, 19), (4, 4)),
    2033: ((1, 31), (6, 1), (9, 8), (4, 4)),
    2034: ((2, 19), (6, 20), (9, 27), (4, 5)),
    2035: ((2, 8), (6, 10), (9, 16), (4, 5)),
}
MOODS: dict[Holiday, Mood] = {
    Holiday.NONE: Mood(1.0, 1.0, 0),
    Holiday.NEW_YEAR: Mood(2.0, 2.0, 10),
    Holiday.SPRING_FESTIVAL: Mood(4.5, 30.0, 35),
    Holiday.QINGMING: Mood(2.0, 3.0, 0),
    Holiday.LABOUR_DAY: Mood(2.5, 4.0, 10),
    Holiday.DRAGON_BOAT: Mood(2.5, 2.0, 5),
    Holiday.MID_AUTUMN: Mood(3.5, 2.0, 25),
    Holiday.NATIONAL_DAY: Mood(2.5, 8.0, 10),
}
EVE_LATER_MIN = 130  # the evening before the new year nobody sleeps before midnight


@cache
def holiday(day: date) -> Holiday:
    """Return what a day is part of. Years outside of the table have the solar holidays only."""
    for found, first, days in _spans(day.year):
        if first <= day < first + timedelta(days=days):
            return found
    return Holiday.NONE


def begins(day: date) -> bool:
    """Return whether a holiday begins on this day: when people set out."""
    return holiday(day) is not Holiday.NONE and holiday(day - timedelta(days=1)) is not holiday(day)


def eve(day: date) -> bool:
    """Return whether this is the evening before the new year."""
    moon = MOON.get(day.year)
    return moon is not None and day == date(day.year, *moon[0]) - timedelta(days=1)


def mood(day: date) -> Mood:
    """Return what a day is like; on a Sunday families have time as well."""
    usual = MOODS[holiday(day)]
    visits = usual.visits * (1.6 if day.weekday() >= 5 else 1.0)
    journeys = usual.journeys if begins(day) else 1.0
    return Mood(visits, journeys, EVE_LATER_MIN if eve(day) else usual.later_min)


def _spans(year: int) -> tuple[tuple[Holiday, date, int], ...]:
    """Return (what, first day, days) of a year, the greater first where two overlap."""
    solar = (
        (Holiday.NATIONAL_DAY, date(year, 10, 1), 7),
        (Holiday.LABOUR_DAY, date(year, 5, 1), 5),
        (Holiday.NEW_YEAR, date(year, 1, 1), 1),
    )
    moon = MOON.get(year)
    if moon is None:
        return solar
    spring, boat, autumn, graves = (date(year, *each) for each in moon)
    return (
        (Holiday.SPRING_FESTIVAL, spring - timedelta(days=1), 8),
        *solar,
        (Holiday.QINGMING, graves, 1),
        (Holiday.DRAGON_BOAT, boat, 1),
        (Holiday.MID_AUTUMN, autumn, 1),
    )
