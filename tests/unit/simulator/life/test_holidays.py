"""The table of holidays, held against the days off that the State Council announced."""

from datetime import date, timedelta

import chinese_calendar  # type: ignore[import-untyped]
import pytest

from simulator.life import holidays
from simulator.life.holidays import Holiday

NAMES = {
    "Spring Festival": Holiday.SPRING_FESTIVAL, "Dragon Boat Festival": Holiday.DRAGON_BOAT,
    "Labour Day": Holiday.LABOUR_DAY, "New Year's Day": Holiday.NEW_YEAR,
    "Tomb-sweeping Day": Holiday.QINGMING,
}  # fmt: skip


@pytest.mark.parametrize("year", [2024, 2025, 2026])
def test_every_announced_holiday_is_in_the_table(year: int) -> None:
    days = [date(year, 1, 1) + timedelta(days=k) for k in range(365)]
    off = [(day, chinese_calendar.get_holiday_detail(day)) for day in days]
    for name, expected in NAMES.items():
        assert any(holidays.holiday(day) is expected for day, (free, word) in off if free and word == name), name


def test_spring_festival_moves_with_the_moon_and_its_eve_is_long() -> None:
    assert holidays.eve(date(2026, 2, 16))
    assert holidays.begins(date(2026, 2, 16))
    assert holidays.holiday(date(2026, 2, 23)) is Holiday.SPRING_FESTIVAL
    assert holidays.holiday(date(2026, 3, 3)) is Holiday.NONE
    assert holidays.mood(date(2026, 2, 16)).later_min > 60
    assert holidays.mood(date(2026, 2, 16)).visits > holidays.mood(date(2026, 3, 4)).visits


def test_year_outside_of_the_table_keeps_the_holidays_of_the_sun() -> None:
    assert holidays.holiday(date(2050, 10, 3)) is Holiday.NATIONAL_DAY
    assert holidays.holiday(date(2050, 2, 1)) is Holiday.NONE
