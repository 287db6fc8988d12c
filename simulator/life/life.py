"""The life of n residents, a minute of everybody at a time. The same seed lives the same life."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.life import falls
from simulator.life.agenda import Habits
from simulator.life.bodies import Physiology
from simulator.life.chances import Chances, local_minute
from simulator.life.days import Days, chatty
from simulator.life.dice import Dice
from simulator.life.happenings import OFFSET_MIN, Happenings, time_of
from simulator.life.house import Houses
from simulator.life.model import Deed, Doing, FallKind, Illness, Minutes, Motion, Resident, What
from simulator.life.places import Places
from simulator.life.truth import Truth
from simulator.life.watches import Watches

TREMOR_G, TREMOR_ILL_G = 0.006, 0.06


class Life:
    """Everybody's life from `start` on.

    Args:
        residents: as `invent` made them, or some of them; line k of every array is residents[k].
        start: aware; its minute is the first that is lived.
        by_itself: how often falls, fevers and the like come unasked, 1 as in life, 0 never.
    """

    def __init__(self, residents: Sequence[Resident], *, seed: int, start: datetime, by_itself: float = 1.0) -> None:
        self.residents = tuple(residents)
        self._now, self._seed = local_minute(start), seed
        dice, self._rng = Dice(seed), np.random.Generator(np.random.SFC64([seed & 0xFFFFFFFF, 7]))
        habits = Habits(self.residents)
        self.days = Days(habits, dice, self._now)
        self.bodies = Physiology(self.residents, self._rng)
        self.watches = Watches(self.residents, dice, self._rng)
        self.houses = Houses(self.residents, self._rng)
        self._happenings = Happenings(
            self.residents, dice, Chances(self.residents, dice, by_itself),
            days=self.days, bodies=self.bodies, watches=self.watches, houses=self.houses,
        )  # fmt: skip
        self.places = Places(self.residents, dice)
        self._spry = 1.0 - habits.frailty

    @property
    def at(self) -> datetime:
        """The beginning of the minute that comes next."""
        return time_of(self._now)

    @property
    def truth(self) -> Truth:
        return self._happenings.truth

    def happen(self, resident: int, what: What, at: datetime | None = None, **how: Any) -> None:
        """Let something happen to a resident at a time, or in the coming minute; `how` in the words of `What`.

        It is in `began` of the minute in which it begins, and in `truth`.

        Raises:
            LifeError: There is no such resident, or the time is past.
        """
        self._happenings.ask(self._now, resident, what, at or self.at, how)

    def minute(self) -> Minutes:
        """Live the next minute of everybody."""
        now, days, at = self._now, self.days, self.at
        began = self._happenings.live(now)
        self._visits(now)
        moves = days.live(now)
        paces = self._paces(now)
        bodies, away_m = self.bodies.live(now, days.doing, paces), self.places.move(days)
        readings = self.watches.read(now, days.doing, paces, bodies, fibrillates=self.bodies.fibrillates)
        rings = np.array(self._happenings.rings, np.int64)
        events = self.houses.tell(now, moves, days, rings, self._happenings.alarms)
        self.truth.note(now - OFFSET_MIN, readings.worn)
        self._now += 1
        return Minutes(
            at=at, doing=days.doing.copy(), room=days.room.copy(), in_bed=days.in_bed.copy(),
            visited=days.visited_until > now, away_m=away_m, bodies=bodies, readings=readings, events=events,
            began=began,
        )  # fmt: skip

    def motion(
        self, resident: int, what: FallKind | Deed, *, rate_hz: float = 50.0, range_g: float = 8.0,
        before_s: float = 12.0, after_s: float = 25.0, lies: timedelta | None = None, salt: int = 0,
    ) -> Motion:  # fmt: skip
        """Return what a resident's wrist feels of a fall or a deed.

        Args:
            rate_hz: 20 to 104. range_g: 2 to 16.
            before_s, after_s: around losing balance; a deed lasts as long as both.
            lies: after so long she gets up, None: later than is told.
            salt: another one gives another motion; the same seed, resident, what and salt the same.
        """
        who = self.residents[resident]
        rng = np.random.default_rng([self._seed & 0xFFFFFFFF, who.number, salt, *what.encode()])
        spry = float(self._spry[resident])
        if isinstance(what, FallKind):
            gets_up_s = None if lies is None else lies.total_seconds()
            return falls.fall(
                what, rng, rate_hz=rate_hz, range_g=range_g, before_s=before_s, after_s=after_s, spry=spry,
                gets_up_s=gets_up_s,
            )  # fmt: skip
        tremor = TREMOR_ILL_G if Illness.PARKINSON in who.illnesses else TREMOR_G
        return falls.deed(
            what, rng, rate_hz=rate_hz, range_g=range_g, seconds=before_s + after_s, spry=spry, tremor_g=tremor
        )

    def _paces(self, now: int) -> NDArray[np.int16]:
        """Return (n,) steps of this minute: bouts on her feet, pottering, none in a chair."""
        roll = self._rng.random((2, len(self.residents)), np.float32)
        doing = self.days.doing
        slow = (0.55 + 0.45 * self._spry).astype(np.float32)
        walk = np.where(roll[0] < 0.08, 0, (62 + 42 * roll[1]) * slow)
        brisk = np.where(roll[0] < 0.04, 0, (88 + 34 * roll[1]) * slow)
        busy = (doing == Doing.POTTERING) | (doing == Doing.COOKING) | (doing == Doing.WASHING)
        potter = np.where(roll[0] < 0.42, 0, 2 + 46 * roll[1] ** 2) * slow
        seldom = np.where(roll[0] < 0.97, 0, 3 + 17 * roll[1])
        away = np.where((roll[0] < 0.8) | not_day(now), 0, 4 + 70 * roll[1] ** 2) * slow
        paces = np.where(doing == Doing.WALKING, walk, np.where(doing == Doing.EXERCISING, brisk, 0.0))
        paces = np.where(busy, potter, np.where(doing == Doing.AWAY, away, paces))
        sits = (doing == Doing.RESTING) | (doing == Doing.SITTING_OUT) | (doing == Doing.RECEIVING)
        rises = (doing == Doing.ON_TOILET) & (roll[0] > 0.6)
        paces = np.where(sits, seldom, np.where(rises, 4 + 8 * roll[1], paces))
        still: NDArray[np.int16] = np.where(self.bodies.dead, 0, np.rint(paces)).astype(np.int16)
        return still

    def _visits(self, now: int) -> None:
        """Whoever means to visit rings; nobody opens to him who sleeps or is out."""
        days = self.days
        self._happenings.rings += np.flatnonzero(days.visited_until == now).tolist()
        ringing = np.flatnonzero((days.agenda.visit_at == now) & chatty(days.step) & ~self.bodies.dead)
        for k in ringing.tolist():
            self._happenings.visited(k, now, now + int(days.agenda.visit_min[k]), {})


def not_day(now: int) -> bool:
    """Return whether people who are away sleep."""
    return not 7 * 60 <= now % 1440 < 21 * 60
