"""Rules by which entries of a calendar repeat: refused when following them would keep us busy for minutes, or for ever.

A rule that never comes true (30 February, each seventh day and a Monday, begun on a Tuesday) is followed by the library
to the last year there is: seconds for each. So it is tried before. Dates and weekdays repeat every 28 years from 1901
to 2099, and every 400 years: a rule is tried in the last years there are, which is soon over.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from dateutil.rrule import rrulestr  # type: ignore[import-untyped]

REPEATED_FOR = timedelta(days=366)  # a repeating entry without an end is followed so far
BEGAN_WITHIN = timedelta(days=20 * 366)  # … from its beginning: from the year 1 it takes hours
BEGINS_BY = 2090  # the year; rules are tried in the years of this century that they would be followed in
TIMES_A_DAY = 24  # one rule may put somebody on duty
REPEATING_LIMIT = 200  # entries that repeat, in one file
OFTEN_ENOUGH = {"DAILY": 1, "WEEKLY": 7, "MONTHLY": 30, "YEARLY": 365}  # days of one period
TRIED_LIMIT = 250_000  # periods in which the rules of one file are tried, about a second in all
AHEAD_YEARS = 9  # a rule must come true again in so many years: 29 February does, over 2100 too
DATES = ("BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS", "BYEASTER")
LAST = datetime.max  # noqa: DTZ901 - walls have no zone
YEARS_28, YEARS_8000 = timedelta(days=10_227), timedelta(days=20 * 146_097)


@dataclass(kw_only=True)
class Rules:
    """The rules of one file; `tried` counts the periods in which they were tried."""

    now: datetime
    tried: int = 0

    def faults(self, event: Any) -> Iterator[tuple[str, str]]:
        """Yield code and words of every rule of an entry that is not followed."""
        began = _wall(event["DTSTART"].dt)
        for name in ("RRULE", "EXRULE"):
            rules = event.get(name) or []
            for rule in rules if isinstance(rules, list) else [rules]:
                code = self._wrong(rule, began)
                if code:
                    yield code, "DTSTART" if code == "bad_time" else rule.to_ical().decode()

    def _wrong(self, rule: Any, began: datetime) -> str:
        frequencies = [str(word).upper() for word in rule.get("FREQ", [])]
        times = math.prod(len(rule.get(part, ())) or 1 for part in ("BYHOUR", "BYMINUTE", "BYSECOND"))
        if set(frequencies) - set(OFTEN_ENOUGH) or times > TIMES_A_DAY:
            return "too_often"
        if any(every < 1 for every in rule.get("INTERVAL", [])):
            return "too_often"  # every nought days: for ever the same one
        if began < self.now.replace(tzinfo=None) - BEGAN_WITHIN or began.year > BEGINS_BY:
            return "bad_time"
        if not frequencies or not _may_fail(rule, frequencies[0]):
            return ""
        return self._tried(rule, began, OFTEN_ENOUGH[frequencies[0]])

    def _tried(self, rule: Any, began: datetime, period_days: int) -> str:
        """Return what speaks against a rule that may never come true after the time we look at."""
        after = max(self.now.replace(tzinfo=None) + REPEATED_FOR, began)
        shift = _shift(after.year + AHEAD_YEARS)
        self.tried += (LAST - (began + shift)).days // period_days // min(rule.get("INTERVAL", [1]))
        if self.tried > TRIED_LIMIT:
            return "too_many_rules"
        endless = {part: rule[part] for part in rule if part.upper() not in ("UNTIL", "COUNT")}
        words = type(rule)(endless).to_ical().decode()
        return "" if rrulestr(words, dtstart=began + shift).after(after + shift) else "never"


def _may_fail(rule: Any, frequency: str) -> bool:
    """Whether it takes a look to know that a rule comes true again and again."""
    if any(part in rule for part in DATES):
        return True
    every = max(rule.get("INTERVAL", [1]))
    return "BYDAY" in rule and (frequency in ("MONTHLY", "YEARLY") or (frequency == "DAILY" and every > 1))


def _shift(year: int) -> timedelta:
    """Return how far to move so that the years up to this one, at least, end with the last year there is."""
    return YEARS_8000 - math.ceil(max(0, year - 1999) / 28) * YEARS_28


def _wall(value: date | datetime) -> datetime:
    return value.replace(tzinfo=None) if isinstance(value, datetime) else datetime.combine(value, datetime.min.time())
