"""China's public holidays, as the State Council announces them each autumn for the coming year."""

import functools
from datetime import date

import chinese_calendar.constants as announced  # type: ignore[import-untyped]

from alerts.duty import Calendar


@functools.cache
def china() -> Calendar:
    """Return the calendar as far as the installed package knows it: whole years, up to the last one announced."""
    holidays, makeup = frozenset(announced.holidays), frozenset(announced.workdays)
    return Calendar(holidays=holidays, makeup=makeup, known_until=date(max(holidays).year, 12, 31))
