"""What the watch on each wrist makes of it: noise, artefacts, gaps, hours on the charger, nights on the bedside table.

Wrist optics read well in rest, lose the pulse when the arm moves and sometimes count the arm's swing instead; oxygen
needs stillness, respiration sleep. A watch that has just been put on finds pulses that are none.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulator.life.dice import Dice
from simulator.life.model import Bodies, Bools, Bytes, Doing, Floats, Illness, Readings, Resident

F = np.float32
_PURPOSE = 3000
NAN = F(np.nan)

# How much the arm moves: the share of minutes whose pulse is lost, spread of an error in bpm, and how still it is.
ARM = np.full(len(Doing), 0.55, F)
for _doing, _moves in {
    Doing.ASLEEP: 0.02, Doing.AWAKE_IN_BED: 0.06, Doing.RESTING: 0.1, Doing.SITTING_OUT: 0.15, Doing.AWAY: 0.2,
    Doing.IN_HOSPITAL: 0.05, Doing.ON_THE_FLOOR: 0.08, Doing.ON_TOILET: 0.25, Doing.EATING: 0.35, Doing.RECEIVING: 0.2,
    Doing.WALKING: 0.8, Doing.EXERCISING: 1.0,
}.items():  # fmt: skip
    ARM[_doing] = _moves
LOST, LOST_MOVING = 0.004, 0.05  # share of minutes without a pulse, still and moving
SWING_SHARE = 0.035  # of walking minutes in which it counts the swing of the arm
OXYGEN_STILL, OXYGEN_LOW = (
    0.3,
    0.0015,
)  # share of still minutes it measures oxygen in; and of those that read far too low
BREATHS_ASLEEP = 0.85
FOUND_LATE_MIN = 6  # after it was put on, minutes in which a pulse may be a fancy
FANCY = 0.25
NOT_TOLD = 0.006
CHARGE_MIN = (45.0, 110.0)
FORGOTTEN, FORGOTTEN_MIN = 0.06, 540.0  # share of charges after which it stays where it lies, and for how long
LOOSE_A_DAY = 0.7  # strap opened, sleeve: off for a while
CHARGES_ON_DAYS = 2  # of three
PRESSURE_HOURS = (8, 20)  # whose watch can, measures at rest in these hours


class Watches:
    """The watches of n residents. Minutes are those of `agenda`."""

    def __init__(self, residents: Sequence[Resident], dice: Dice, rng: np.random.Generator) -> None:
        n = len(residents)
        routines = [each.routine for each in residents]
        self._dice, self._rng, self._n = dice, rng, n
        self._who = np.array([each.number for each in residents], np.int64)
        self._has = np.array([each.household.wrist is not None for each in residents])
        self._off_to_sleep = np.array([each.takes_watch_off_to_sleep for each in routines])
        self._off_to_wash = np.array([each.takes_watch_off_to_wash for each in routines])
        self._charges = np.array([each.charges for each in routines], np.int64) % 1440
        ill = {Illness.HYPERTENSION, Illness.HEART_FAILURE}
        self._measures_pressure = np.array([bool(ill & each.illnesses) for each in residents])
        self._measures_pressure &= dice.roll(self._who, 0, _PURPOSE) < 0.5
        self._poor = (0.6 + 1.2 * dice.roll(self._who, 0, _PURPOSE + 1)).astype(F)  # skin, hair, a strap too loose
        self._off_until = np.zeros(n, np.int64)
        self._since = np.full(n, -10_000, np.int64)  # worn since
        self._lost_until = np.zeros(n, np.int64)
        self._second = np.floor(60 * dice.roll(self._who, 0, _PURPOSE + 2))
        self.worn = np.zeros(n, np.bool_)
        self.elsewhere_bpm = np.zeros(n, F)  # resting pulse of somebody else who wears it, 0 = nobody

    def take_off(self, k: int, until: int) -> None:
        self._off_until[k] = max(int(self._off_until[k]), until)

    def put_on(self, k: int) -> None:
        self._off_until[k] = 0

    def read(
        self, now: int, doing: NDArray[np.uint8], paces: NDArray[np.int16], bodies: Bodies, *, fibrillates: Bools
    ) -> Readings:
        """Return what the watches tell of this minute."""
        worn = self._wear(now, doing)
        arm = ARM[doing]
        roll = self._rng.random((6, self._n), F)
        error = self._rng.standard_normal((3, self._n), F)
        heart, quality = self._pulse(now, worn, arm, paces, bodies, roll=roll, error=error[0])
        still = worn & (arm < 0.3) & (paces == 0)
        oxygen = bodies.spo2_pct + 0.7 * error[1] - np.where(roll[3] < OXYGEN_LOW, 4 + 8 * roll[1], F(0))
        sees = still & (roll[2] < OXYGEN_STILL * (1.3 - 0.4 * self._poor)) & (bodies.spo2_pct > 0)
        asleep = still & (doing == Doing.ASLEEP) & (roll[4] < BREATHS_ASLEEP) & (bodies.respiration_rpm > 0)
        skin = 32.6 + 0.7 * (bodies.temperature_c - 36.6) + np.where(arm < 0.1, F(1.3), F(0)) + 0.25 * error[2]
        pressed = self._press(now, still & (arm < 0.2)) & (bodies.systolic_mmhg > 0)
        return Readings(
            told=self._has & (roll[5] >= NOT_TOLD), second=self._tick(now), worn=worn,
            heart_rate_bpm=np.rint(heart), spo2_pct=np.where(sees, np.rint(np.clip(oxygen, 70, 100)), NAN),
            respiration_rpm=np.where(asleep, np.rint(bodies.respiration_rpm + 0.6 * error[2]), NAN),
            temperature_c=np.where(worn & self._has, np.round(skin, 1), NAN).astype(F),
            systolic_mmhg=np.where(pressed, np.rint(bodies.systolic_mmhg + 5 * error[1]), NAN),
            diastolic_mmhg=np.where(pressed, np.rint(bodies.diastolic_mmhg + 4 * error[2]), NAN),
            steps=np.where(worn, self._count(paces, arm, roll[4]), 0).astype(np.int16),
            quality=quality, irregular=still & fibrillates & ~np.isnan(heart) & (quality > 70),
        )  # fmt: skip

    def _wear(self, now: int, doing: NDArray[np.uint8]) -> Bools:
        """Return on whose wrist it is."""
        due = np.flatnonzero((self._charges == now % 1440) & (self._off_until <= now))
        if len(due):
            day = now // 1440
            due = due[(self._who[due] + day) % 3 < CHARGES_ON_DAYS]
            who = self._who[due]
            off = self._dice.between(who, day, _PURPOSE + 3, *CHARGE_MIN)
            left = self._dice.roll(who, day, _PURPOSE + 4) < FORGOTTEN
            off -= left * FORGOTTEN_MIN * np.log1p(-self._dice.roll(who, day, _PURPOSE + 5))
            self._off_until[due] = now + np.rint(off).astype(np.int64)
        loose = np.flatnonzero(self._dice.roll(self._who, now, _PURPOSE + 6) < LOOSE_A_DAY / 1440)
        for k in loose.tolist():
            self.take_off(k, now + 3 + int(45 * self._dice.roll(self._who[k : k + 1], now, _PURPOSE + 7)[0] ** 2))
        off = (self._off_until > now) | ~self._has
        bed = (doing == Doing.ASLEEP) | (doing == Doing.AWAKE_IN_BED)
        off |= self._off_to_sleep & bed & ((now % 1440 > 1140) | (now % 1440 < 600))
        off |= (self._off_to_wash & (doing == Doing.SHOWERING)) | (doing == Doing.IN_HOSPITAL)
        self._since = np.where(~off & ~self.worn, now, self._since)
        self.worn = ~off
        return self.worn

    def _pulse(
        self,
        now: int,
        worn: Bools,
        arm: Floats,
        paces: NDArray[np.int16],
        bodies: Bodies,
        *,
        roll: Floats,
        error: Floats,
    ) -> tuple[Floats, Bytes]:
        """Return what it takes for the pulse, NaN where it finds none, and how good the signal was."""
        true = bodies.heart_rate_bpm
        if self.elsewhere_bpm.any():
            other = self.elsewhere_bpm > 0
            true = np.where(other, self.elsewhere_bpm + 12 * arm + 0.3 * (true - self.elsewhere_bpm), true)
        heart = true + error * (0.5 + 1.8 * arm * self._poor)
        swings = (paces > 45) & (roll[1] < SWING_SHARE * self._poor)
        heart = np.where(swings, paces + 4 * error, heart)
        fresh = worn & (now - self._since < FOUND_LATE_MIN)
        heart = np.where(fresh & (roll[1] < FANCY), 75 + 80 * roll[0], heart)
        loses = roll[0] < (LOST + LOST_MOVING * arm**2) * self._poor
        self._lost_until = np.where(loses, now + np.rint(-np.log(roll[2] + 1e-6) * 1.8), self._lost_until)
        lost = (self._lost_until >= now) | (fresh & (now - self._since < 2)) | ~worn | (true <= 0)
        good = np.clip(97 - 55 * arm * self._poor - 18 * roll[3], 5, 100)
        quality = np.where(lost, 0, np.where(swings, 35, good)).astype(np.uint8)
        return np.where(lost, NAN, np.clip(heart, 30, 220)).astype(F), quality

    def _press(self, now: int, still: Bools) -> Bools:
        """Return who measures blood pressure: cuffs in a strap, some minutes past the hour, twice a day."""
        hour, minute = divmod(now % 1440, 60)
        if hour not in PRESSURE_HOURS:
            return np.zeros(self._n, np.bool_)
        turn: Bools = self._measures_pressure & self._has & still & (self._who % 50 == minute)
        return turn

    def _count(self, paces: NDArray[np.int16], arm: Floats, roll: Floats) -> NDArray[np.int16]:
        """A wrist counts what the hands do as well, and misses slow steps."""
        seen = np.where(paces < 12, np.rint(paces * (roll > 0.25)), np.rint(paces * (0.93 + 0.1 * roll)))
        return np.where((paces == 0) & (arm > 0.3) & (roll < 0.04), 3, seen).astype(np.int16)

    def _tick(self, now: int) -> Bytes:
        """Return the second at which each measures: its clock drifts by a second in some hours."""
        return ((self._second + now // 97 * (1 + self._who % 3)) % 60).astype(np.uint8)
