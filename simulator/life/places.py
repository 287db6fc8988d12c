"""How far from home everybody is, in metres: on the way out, there, on the way back; and who wanders, far."""

import numpy as np
from numpy.typing import NDArray

from simulator.life.days import Days
from simulator.life.dice import Dice
from simulator.life.model import Floats, Illness, Resident, Room
from simulator.life.steps import Step

F = np.float32
A_MINUTE_M = 52.0  # of somebody spry; the frail walk half as fast
REACH_M = (150.0, 900.0)  # of an ordinary outing
NEAR_M = (40.0, 260.0)  # … of whoever has dementia: the yard, the shop below, with somebody
WANDERS_M = 2500.0
AWAY_M, HOSPITAL_M = 30_000.0, 4_000.0
_PURPOSE = 6000


class Places:
    """The whereabouts of n residents."""

    def __init__(self, residents: tuple[Resident, ...], dice: Dice) -> None:
        who = np.array([each.number for each in residents], np.int64)
        forgets = np.array([Illness.DEMENTIA in each.illnesses for each in residents])
        roll = dice.roll(who, 0, _PURPOSE)
        reach = [low + (high - low) * roll for low, high in (NEAR_M, REACH_M)]
        self._reach: Floats = np.where(forgets, *reach).astype(F)
        self._pace = (A_MINUTE_M * (1 - 0.5 * np.array([each.constitution.frailty for each in residents]))).astype(F)
        self.bearing: NDArray[np.float64] = 360 * dice.roll(who, 0, _PURPOSE + 1)  # degrees, of all her ways
        self._away = np.zeros(len(residents), F)

    def move(self, days: Days) -> Floats:
        """Return (n,) metres from home at the end of this minute, 0 at home."""
        step, out = days.step, days.room == Room.OUT
        goal = np.where(step == Step.WALK_BACK, F(60), self._reach)
        for special, metres in ((Step.WANDER, WANDERS_M), (Step.AWAY, AWAY_M), (Step.HOSPITAL, HOSPITAL_M)):
            goal = np.where(step == special, F(metres), goal)
        drives = (step == Step.AWAY) | (step == Step.HOSPITAL)
        by = np.clip(goal - self._away, -self._pace, np.where(drives, F(AWAY_M), self._pace))
        self._away = np.where(out, self._away + by, F(0)).astype(F)
        return self._away.copy()
