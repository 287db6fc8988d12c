"""What a resident means to do on one day, and when: meals, outings, a nap, a shower, bed, a visit, a journey.

Minutes are counted from 1970 in China's time, so that `minute % 1440` is the time of day. Weekends and holidays bring
visits and journeys (`holidays`); the evening before the new year is long.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.life import holidays
from simulator.life.dice import Dice
from simulator.life.model import Resident
from simulator.life.steps import Step

Ints = NDArray[np.int64]
DAY = 1440
NEVER = np.int64(1 << 40)
EPOCH = date(1970, 1, 1)


class Item(IntEnum):
    BREAKFAST = 0
    MORNING_OUT = 1
    LUNCH = 2
    NAP = 3
    AFTERNOON_OUT = 4
    SUPPER = 5
    EVENING_OUT = 6
    SHOWER = 7
    BED = 8


OUTINGS = (Item.MORNING_OUT, Item.AFTERNOON_OUT, Item.EVENING_OUT)
STEP = np.array(
    [Step.COOK, Step.DRESS, Step.COOK, Step.NAP, Step.DRESS, Step.COOK, Step.DRESS, Step.SHOWER, Step.EVENING_TOILET]
)
# Later than this it is left out; meals and bed never are.
TOO_LATE_MIN = np.array([240, 75, 200, 75, 90, 240, 45, 60, 6000])
JOURNEY_A_DAY = 1 / 110  # who goes to the children's for some days, of those who can
JOURNEY_DAYS = (2.0, 6.5)
VISIT_MIN = (40.0, 190.0)
WINTER_STAYS = 0.2  # fewer outings in January, as many more in summer
_PURPOSE = 1000


class Habits:
    """The routines of n residents as columns."""

    def __init__(self, residents: Sequence[Resident]) -> None:
        routines = [each.routine for each in residents]
        self.who = np.array([each.number for each in residents], np.int64)
        self.wakes = np.array([each.wakes for each in routines])
        self.meals = np.array([(each.breakfast, each.lunch, each.supper) for each in routines]).reshape(-1, 3)
        self.to_bed = np.array([each.to_bed for each in routines])
        self.nap = np.array([each.nap for each in routines])
        self.strict = np.array([each.strict for each in routines])
        self.outings = np.array([each.outings for each in routines])
        self.outing_min = np.array([each.outing_min for each in routines])
        self.exercise = np.array([each.exercise for each in routines])
        self.visits = np.array([each.visits for each in routines])
        self.night_toilets = np.array([each.night_toilets for each in routines])
        self.showers = np.array([each.showers for each in routines])
        self.frailty = np.array([each.constitution.frailty for each in residents])


class Agenda:
    """One day of each of n residents; a column that is not to happen (any more) is NEVER."""

    def __init__(self, habits: Habits, dice: Dice) -> None:
        n = len(habits.who)
        self._habits, self._dice = habits, dice
        self.day = np.full(n, -1, np.int64)  # whose it is
        self.items = np.full((n, len(Item)), NEVER)
        self.wakes = np.full(n, NEVER)
        self.visit_at = np.full(n, NEVER)
        self.visit_min = np.zeros(n, np.int64)
        self.journey_at = np.full(n, NEVER)
        self.journey_min = np.zeros(n, np.int64)

    def draw(self, k: Ints, day: int) -> None:
        """Make up a day for residents k."""
        habits, midnight = self._habits, day * DAY
        mood = holidays.mood(EPOCH + timedelta(days=int(day)))
        strict = habits.strict[k]
        self.day[k] = day
        self.wakes[k] = midnight + habits.wakes[k] + self._about(k, day, 1, strict)
        items = np.full((len(k), len(Item)), NEVER)
        breakfast = midnight + habits.meals[k, 0] + self._about(k, day, 2, strict)
        items[:, Item.BREAKFAST] = np.maximum(breakfast, self.wakes[k] + 25)
        items[:, Item.LUNCH] = midnight + habits.meals[k, 1] + self._about(k, day, 3, strict)
        items[:, Item.SUPPER] = midnight + habits.meals[k, 2] + self._about(k, day, 4, strict)
        bed = midnight + habits.to_bed[k] + self._about(k, day, 5, strict) + mood.later_min
        items[:, Item.BED] = np.maximum(bed, items[:, Item.SUPPER] + 75)
        naps = (habits.nap[k] > 0) & self._comes(k, day, 6, 0.8)
        items[:, Item.NAP] = np.where(naps, items[:, Item.LUNCH] + 50 + self._about(k, day, 7, strict / 3), NEVER)
        showers = self._comes(k, day, 8, habits.showers[k] / 7)
        items[:, Item.SHOWER] = np.where(showers, items[:, Item.BED] - 50, NEVER)
        self._outings(k, day, items)
        self.items[k] = items
        self._visits(k, day, mood)

    def _outings(self, k: Ints, day: int, items: Ints) -> None:
        habits, midnight = self._habits, day * DAY
        season = 1.0 - WINTER_STAYS * np.cos(2 * np.pi * (EPOCH + timedelta(days=day)).timetuple().tm_yday / 365.25)
        wants = habits.outings[k] * season
        for item, share, hour, spread in (
            (Item.MORNING_OUT, 0.55 * wants, 8.9, 40), (Item.AFTERNOON_OUT, 0.4 * wants, 15.2, 45),
            (Item.EVENING_OUT, 0.35 * wants * habits.exercise[k], 18.9, 15),
        ):  # fmt: skip
            at = midnight + round(hour * 60) + self._about(k, day, 20 + item, spread)
            items[:, item] = np.where(self._comes(k, day, 30 + item, np.minimum(share, 0.93)), at, NEVER)
        late = items[:, Item.EVENING_OUT] > items[:, Item.BED] - 120
        items[late, Item.EVENING_OUT] = NEVER

    def _visits(self, k: Ints, day: int, mood: holidays.Mood) -> None:
        habits, midnight = self._habits, day * DAY
        morning = self._comes(k, day, 40, 0.45)
        at = midnight + np.where(morning, 10 * 60, 15 * 60 + 20) + self._about(k, day, 41, 40)
        comes = self._comes(k, day, 42, np.minimum(habits.visits[k] * mood.visits / 7, 0.85))
        self.visit_at[k] = np.where(comes, at, NEVER)
        low, high = VISIT_MIN
        self.visit_min[k] = self._dice.between(habits.who[k], day, _PURPOSE + 43, low, high)
        can = 1.0 - habits.frailty[k]
        leaves = self._comes(k, day, 44, np.minimum(JOURNEY_A_DAY * can * mood.journeys, 0.3))
        self.journey_at[k] = np.where(leaves, midnight + 9 * 60 + 30 + self._about(k, day, 45, 50), NEVER)
        days = self._dice.between(habits.who[k], day, _PURPOSE + 46, *JOURNEY_DAYS)
        self.journey_min[k] = np.rint(days) * DAY + self._about(k, day, 47, 120)

    def forget_until(self, k: Ints, now: int) -> None:
        """Leave out what lies in the past of residents k, bed excepted."""
        items = self.items[k]
        past = items <= now
        past[:, Item.BED] = False
        self.items[k] = np.where(past, NEVER, items)
        for column in (self.visit_at, self.journey_at):
            column[k] = np.where(column[k] <= now, NEVER, column[k])

    def next(self, k: Ints, now: int) -> tuple[Ints, Ints]:
        """Return (m,) which item comes next for residents k and when; what is too late is left out."""
        items = self.items[k]
        items[items + TOO_LATE_MIN < now] = NEVER
        self.items[k] = items
        which = items.argmin(axis=1)
        return which, items[np.arange(len(k)), which]

    def _about(self, k: Ints, day: int, what: int, spread: NDArray[Any] | float) -> Ints:
        """Return (m,) whole minutes around 0, seldom more than two and a half spreads away."""
        away = np.clip(self._dice.normal(self._habits.who[k], day, _PURPOSE + what), -2.6, 2.6) * spread
        return np.rint(away).astype(np.int64)

    def _comes(self, k: Ints, day: int, what: int, share: NDArray[Any] | float) -> NDArray[np.bool_]:
        comes: NDArray[np.bool_] = self._dice.roll(self._habits.who[k], day, _PURPOSE + 100 + what) < share
        return comes
