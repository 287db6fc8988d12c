"""How often a fall that was told of was none, in real life: counted by model or wearer, with its uncertainty. Pure.

Acted falls say nothing about false alarms a day. What is cancelled in time is a question too many; what is closed as no
fall, after people were called, is an alarm too many. They are counted apart and divided by the weeks a device was worn.
"""

from dataclasses import dataclass
from math import sqrt

WEEK_DAYS = 7
FEW_DAYS = 70  # ten wearer-weeks: below that a rate says little
Z95 = 1.96


@dataclass(frozen=True, kw_only=True)
class Falls:
    """Falls told of in a period, by what became of them, and how long the devices were worn in it."""

    suspected: int = 0
    cancelled: int = 0  # by the wearer, in time
    at_desk: int = 0  # by an operator who spoke with her, in time
    real: int = 0
    false: int = 0  # people were called, and there was no fall
    unclear: int = 0
    under_way: int = 0  # people are on it
    late: int = 0  # of them, cancelled when people had been called
    worn_days: int = 0
    worn_hours: float = 0.0

    @property
    def proceeded(self) -> int:
        """Falls whose countdown ran out, or that needed none: people were called."""
        return self.real + self.false + self.unclear + self.under_way

    @property
    def false_alarms(self) -> int:
        """Cancelled in time, or closed as no fall."""
        return self.cancelled + self.at_desk + self.false

    @property
    def weeks(self) -> float:
        return self.worn_days / WEEK_DAYS

    @property
    def few(self) -> bool:
        return self.worn_days < FEW_DAYS

    def per_week(self, count: int) -> float | None:
        """Return so many in a week of wearing; None where nobody says that the device was worn."""
        return count / self.weeks if self.worn_days else None

    def interval(self, count: int) -> tuple[float, float] | None:
        """Return the 95 % interval of a weekly rate, counts being Poisson's.

        Source: Byar's approximation, in Breslow and Day, Statistical Methods in Cancer Research II, 1987, p. 69.
        """
        if not self.worn_days:
            return None
        more = count + 1
        low = count * (1 - 1 / (9 * count) - Z95 / (3 * sqrt(count))) ** 3 if count else 0.0
        high = more * (1 - 1 / (9 * more) + Z95 / (3 * sqrt(more))) ** 3
        return max(0.0, low) / self.weeks, high / self.weeks
