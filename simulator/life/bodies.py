"""What is true of every body in a minute: heart, oxygen, breath, warmth and pressure, as arrays over residents.

The heart answers what she does (faster than it recovers), the hour, a meal, fever by 9 beats a degree (Karjalainen and
Viitasalo 1986: 8.5 a degree; Kirschen 2020: 7 to 10), want of oxygen and excitement; a beta blocker takes a third of
each answer and some beats at rest. Around that it wanders on three scales, as wrists show it: days, an hour, minutes.
Atrial fibrillation jumps; apnoea dips the oxygen of sleepers several points at a time.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulator.life.model import Bodies, Doing, Floats, Illness, Medicine, Resident

F = np.float32
BPM_PER_DEGREE = 9.0
BPM_PER_POINT = 1.3  # of oxygen that is short
BLOCKED = 0.62  # of the heart's answers is left under a beta blocker
BLOCKED_REST = 0.90
CIRCADIAN_BPM, CIRCADIAN_C = 2.0, 0.32
HIGHEST_SHARE = 0.92  # of 208 - 0.7 age (Tanaka 2001)

# Beats over rest, breaths over rest, and mmHg over rest by Doing.
EFFORT = np.zeros((3, len(Doing)), F)
for _doing, _answers in {
    Doing.ASLEEP: (0, -1.2, -9), Doing.AWAKE_IN_BED: (-2, -1, -4), Doing.POTTERING: (9, 2, 6), Doing.COOKING: (9, 2, 6),
    Doing.EATING: (5, 1, 5), Doing.ON_TOILET: (5, 0.5, 6), Doing.WASHING: (9, 1.5, 6), Doing.SHOWERING: (15, 3, -4),
    Doing.RECEIVING: (6, 2, 6), Doing.WALKING: (16, 5, 14), Doing.SITTING_OUT: (5, 1, 4), Doing.AWAY: (6, 1.5, 5),
    Doing.IN_HOSPITAL: (2, 0.5, 2), Doing.ON_THE_FLOOR: (13, 4, 12), Doing.EXERCISING: (27, 9, 24),
}.items():  # fmt: skip
    EFFORT[:, _doing] = _answers
STEPS_BPM = 0.16  # a step of this minute, beyond what she does
STIRS_A_DAY = 1.5  # the heart runs without a step: a quarrel, a dream, dumplings, a match on television, a heavy bag
MEAL_BPM = 6.0
# Share of a snorer's readings that fall into a dip: 25 of half a minute an hour of sleep, as in moderate apnoea.
IN_A_DIP = 0.45


class Physiology:
    """The bodies of n residents. What a scenario or a day brings is in the public columns."""

    def __init__(self, residents: Sequence[Resident], rng: np.random.Generator) -> None:
        n = len(residents)
        self._rng, self._n = rng, n
        lasting = [each.constitution for each in residents]
        self._rest = np.array([each.resting_bpm for each in lasting], F)
        self._oxygen = np.array([each.spo2_pct for each in lasting], F)
        self._breaths = np.array([each.breaths_rpm for each in lasting], F)
        self._systolic = np.array([each.systolic_mmhg for each in lasting], F)
        self._diastolic = np.array([each.diastolic_mmhg for each in lasting], F)
        self._warmth = np.array([each.temperature_c for each in lasting], F)
        self._dip = np.array([each.sleep_dip for each in lasting], F)
        self._restless = np.array([each.restless for each in lasting], F)
        self._unfit = 0.85 + 0.4 * np.array([each.frailty for each in lasting], F)
        self._highest = np.array([HIGHEST_SHARE * (208 - 0.7 * each.age) for each in residents], F)
        self._conditions(residents)
        self.fever_c = np.zeros(n, F)  # what it is heading for
        self.short_points = np.zeros(n, F)  # of oxygen, heading for
        self.fast_bpm = np.zeros(n, F)
        self.slow_bpm = np.zeros(n, F)  # the rate it falls to, 0 = does not
        self.dead = np.zeros(n, np.bool_)
        self.fibrillates = self.permanent.copy()
        self._hot, self._short, self._rhythm = np.zeros(n, F), np.zeros(n, F), np.zeros(n, F)
        self._day, self._hour, self._minutes = 3.0 * self._normal(), 2.2 * self._normal(), 1.4 * self._normal()
        self._oxygen_drift, self._breath_drift, self._pressure_drift = (
            0.5 * self._normal(),
            self._normal(),
            self._normal(),
        )
        self._effort, self._stir, self._meal = np.zeros(n, F), np.zeros(n, F), np.zeros(n, F)
        self._stirred_min = np.zeros(n, np.int64)
        self._snores = np.zeros(n, F)
        self._load = np.zeros(n, F)  # uphill, with bags, in a hurry; or not

    def _normal(self) -> Floats:
        return self._rng.standard_normal(self._n, F)

    def _conditions(self, residents: Sequence[Resident]) -> None:
        def ill(illness: Illness) -> NDArray[np.bool_]:
            return np.array([illness in each.illnesses for each in residents])

        def takes(medicine: Medicine) -> NDArray[np.bool_]:
            return np.array([medicine in each.medicines for each in residents])

        blocked = takes(Medicine.BETA_BLOCKER)
        self._answers = np.where(blocked, F(BLOCKED), F(1.0)) / self._unfit**0.3
        self._rest *= np.where(blocked, F(BLOCKED_REST), F(1.0))
        self._copd, self._apnoea = ill(Illness.COPD), ill(Illness.SLEEP_APNOEA)
        self._flutters = ill(Illness.ATRIAL_FIBRILLATION)
        self.permanent = self._flutters & (self._rng.random(self._n) < 0.5)
        treated = takes(Medicine.BLOOD_PRESSURE)
        self._systolic -= np.where(treated, F(13), F(0)) + np.where(blocked, F(5), F(0))
        self._diastolic -= np.where(treated, F(7), F(0)) + np.where(blocked, F(3), F(0))
        self._systolic -= np.where(takes(Medicine.DIURETIC), F(4), F(0))

    def live(self, now: int, doing: NDArray[np.uint8], paces: NDArray[np.int16]) -> Bodies:
        """Live one minute. `now` as in `agenda`; `paces`: steps of this minute."""
        hour = now % 1440 / 60
        away = (doing == Doing.AWAY) | (doing == Doing.IN_HOSPITAL)
        asleep = (doing == Doing.ASLEEP) | (away & (not 6.2 <= hour < 22))
        effort, breaths, pressure = EFFORT[:, np.where(asleep, np.uint8(Doing.ASLEEP), doing)]
        self._wander()
        self._suffer()
        warmth = self._warm(hour)
        oxygen, gasping = self._breathe(asleep, effort)
        self._strain(doing, effort, paces)
        heart = self._beat(now, hour, asleep, gasping)
        rate = self._breaths + breaths * self._unfit + 1.4 * self._hot + 0.75 * self._short + 0.8 * self._breath_drift
        swing = F(-4.0 * np.cos((hour - 4) / 24 * 2 * np.pi))
        wave = self._pressure_drift * 5.0 + swing + 0.25 * self._stir
        systolic = np.maximum(self._systolic + pressure + wave - 3.0 * self._hot, 62)
        diastolic = np.maximum(self._diastolic + 0.45 * (pressure + wave), 38)
        alive = ~self.dead
        return Bodies(
            heart_rate_bpm=np.where(alive, heart, F(0)), spo2_pct=np.where(alive, oxygen, F(0)),
            respiration_rpm=np.where(alive, np.clip(rate, 7, 42), F(0)).astype(F), temperature_c=warmth,
            systolic_mmhg=np.where(alive, systolic, F(0)).astype(F),
            diastolic_mmhg=np.where(alive, np.minimum(diastolic, systolic - 22), F(0)).astype(F),
        )  # fmt: skip

    def _wander(self) -> None:
        """Everything that drifts, each at its own pace."""
        drift = self._rng.standard_normal((7, self._n), F)
        self._day += F(-1 / 2400) * self._day + F(0.086) * drift[0]
        self._hour += F(-1 / 70) * self._hour + F(0.37) * drift[1]
        self._minutes += F(-1 / 9) * self._minutes + F(0.66) * drift[2]
        self._oxygen_drift += F(-1 / 25) * self._oxygen_drift + F(0.14) * drift[3]
        self._breath_drift += F(-1 / 15) * self._breath_drift + F(0.36) * drift[4]
        self._load += F(-1 / 20) * self._load + F(0.095) * drift[6]
        self._pressure_drift += F(-1 / 50) * self._pressure_drift + F(0.2) * drift[5]

    def _suffer(self) -> None:
        """Illness comes within the hour and goes more slowly."""
        self._hot += (self.fever_c - self._hot) * np.where(self.fever_c > self._hot, F(1 / 45), F(1 / 120))
        self._short += (self.short_points - self._short) * np.where(
            self.short_points > self._short, F(1 / 6), F(1 / 25)
        )
        self._rhythm += (self.fast_bpm - self._rhythm) * np.where(self.fast_bpm > self._rhythm, F(1 / 2), F(1 / 6))

    def _warm(self, hour: float) -> Floats:
        swing = -CIRCADIAN_C * np.cos((hour - 5) / 24 * 2 * np.pi)
        return (self._warmth + F(swing) + self._hot).astype(F)

    def _breathe(self, asleep: NDArray[np.bool_], effort: Floats) -> tuple[Floats, Floats]:
        """Return oxygen, and by how many points an apnoea has it dip in this minute."""
        roll = self._rng.random((2, self._n), F)
        turns = roll[0] < 1 / 35  # she turns over: on her back the throat closes
        self._snores = np.where(turns, (roll[1] < 0.45).astype(F), self._snores)
        dips = (self._apnoea & asleep & (self._snores > 0)) * (roll[1] < IN_A_DIP)
        gasping = dips * (2.5 + 9.0 * roll[0] ** 2)
        tired = np.where(self._copd, np.where(asleep, F(1.6), 0.09 * np.maximum(effort, 0)), F(0.4) * asleep)
        oxygen = self._oxygen + self._oxygen_drift - tired - self._short - 0.25 * self._hot - gasping
        return np.clip(oxygen, 60, 100).astype(F), gasping.astype(F)

    def _strain(self, doing: NDArray[np.uint8], effort: Floats, paces: NDArray[np.int16]) -> None:
        """What she does and eats asks for: it comes within a minute or two and goes within five."""
        wanted = (effort + STEPS_BPM * paces * self._unfit) * (1 + np.clip(self._load, -0.7, 0.7))
        self._effort += (wanted - self._effort) * np.where(wanted > self._effort, F(0.62), F(0.30))
        self._meal = np.where(doing == Doing.EATING, F(MEAL_BPM), self._meal * F(0.985))

    def _beat(self, now: int, hour: float, asleep: NDArray[np.bool_], gasping: Floats) -> Floats:
        """Return heart rates, each minute's median."""
        noise, roll = self._normal(), self._rng.random((2, self._n), F)
        self._excite(now, asleep, roll)
        arousal = np.where(asleep & (roll[0] < 0.03), 4 + 14 * roll[1], F(0))  # turns over, half wakes
        circadian = F(-CIRCADIAN_BPM * np.cos((hour - 4.5) / 24 * 2 * np.pi))
        answers = self._effort + circadian + self._meal + self._stir + BPM_PER_DEGREE * self._hot + arousal
        answers += BPM_PER_POINT * self._short + 0.5 * gasping
        jump = np.where(self.fibrillates, 5.0 + 0.04 * np.maximum(answers, 0), F(1.2))
        wander = self._day + (self._hour + self._minutes + jump * noise) * self._restless
        slower = np.where(asleep, self._dip, F(0)) * self._rest
        heart = self._rest - slower + self._answers * answers + wander + self._rhythm
        heart += np.where(self.fibrillates & ~asleep, F(6), F(0))
        heart -= 0.8 * np.maximum(heart - self._highest, 0)
        slow = np.minimum(heart, self.slow_bpm + self._minutes)
        beats: Floats = np.clip(np.where(self.slow_bpm > 0, slow, heart), 24, 215).astype(F)
        return beats

    def _excite(self, now: int, asleep: NDArray[np.bool_], roll: NDArray[np.float32]) -> None:
        """Now and then the heart runs for minutes to an hour without a step."""
        chance = STIRS_A_DAY / 1440 * np.where(asleep, F(0.35), F(1.3))
        begins = (roll[0] > 1 - chance) & (self._stirred_min <= now)
        if begins.any():
            k = np.flatnonzero(begins)
            past = np.clip((1 - roll[0, k]) / chance[k], 1e-4, 1)  # what is left of the roll is a roll again
            self._stirred_min[k] = now + np.rint(4 - 14 * np.log(past)).astype(np.int64)
            self._stir[k] = np.minimum(7 - 8 * np.log1p(-roll[1, k]), 42) * self._restless[k]
        self._stir[self._stirred_min <= now] *= F(0.8)
