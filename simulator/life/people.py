"""Invents residents: age and sex, the illnesses that come with age, and what body, days and home go with them.

Shares of illness are about those of people over 65 in China as surveys put them (hypertension a half, diabetes a fifth,
COPD an eighth, atrial fibrillation and heart failure some per cent, dementia 6 % and rising steeply); they need only be
believable. One resident's draws hang on the seed and her number alone.
"""

import math
import random
from collections.abc import Mapping

from simulator.life.model import (
    Constitution,
    Household,
    Illness,
    Medicine,
    Mix,
    Resident,
    Room,
    Routine,
    Sensor,
    Sex,
)

# Share at 70, and what it is multiplied by with every ten years more.
_USUAL: Mapping[Illness, tuple[float, float]] = {
    Illness.HYPERTENSION: (0.50, 1.2),
    Illness.DIABETES: (0.20, 1.0),
    Illness.COPD: (0.12, 1.2),
    Illness.HEART_FAILURE: (0.04, 2.0),
    Illness.ATRIAL_FIBRILLATION: (0.04, 2.0),
    Illness.SLEEP_APNOEA: (0.15, 1.0),
    Illness.DEMENTIA: (0.04, 2.3),
    Illness.FRAILTY: (0.08, 2.2),
    Illness.PARKINSON: (0.015, 1.5),
}
_OF_MEN = {Illness.COPD: 1.5, Illness.SLEEP_APNOEA: 1.4, Illness.DEMENTIA: 0.8}
ROOMS = (Room.BEDROOM, Room.LIVING, Room.KITCHEN, Room.BATHROOM, Room.HALL)


def invent(seed: int, count: int, mix: Mix | None = None) -> tuple[Resident, ...]:
    """Return residents 0 … count - 1. The same seed, number and mix give the same resident, however many there are."""
    mix = mix or Mix()
    return tuple(_resident(random.Random(f"{seed}:resident:{number}"), number, mix) for number in range(count))


def _resident(draw: random.Random, number: int, mix: Mix) -> Resident:
    age = min(mix.oldest, mix.youngest + int(draw.gammavariate(2.6, 4.6)))
    sex = Sex.FEMALE if draw.random() < 0.52 + 0.006 * (age - 65) else Sex.MALE
    ill = frozenset(each for each in Illness if draw.random() < _share(each, age, sex, mix))
    frailty = _frailty(draw, age, ill)
    medicines = _medicines(draw, ill)
    return Resident(
        number=number, age=age, sex=sex, illnesses=ill, medicines=medicines,
        constitution=_constitution(draw, age, sex, ill, frailty),
        routine=_routine(draw, ill, medicines, frailty),
        household=_household(draw, mix),
    )  # fmt: skip


def _share(illness: Illness, age: int, sex: Sex, mix: Mix) -> float:
    if illness in mix.illnesses:
        return mix.illnesses[illness]
    at_70, rises = _USUAL[illness]
    of_sex = _OF_MEN.get(illness, 1.0)
    share = at_70 * math.pow(rises, (age - 70) / 10)
    return min(0.85, share * (of_sex if sex is Sex.MALE else 1 / of_sex))


def _frailty(draw: random.Random, age: int, ill: frozenset[Illness]) -> float:
    burdens = len(ill & {Illness.HEART_FAILURE, Illness.COPD, Illness.PARKINSON, Illness.DEMENTIA})
    frailty = draw.betavariate(2, 8) + 0.010 * (age - 70) + 0.1 * burdens
    if Illness.FRAILTY in ill:
        frailty = max(frailty, 0.55) + 0.15
    return round(min(max(frailty, 0.02), 0.97), 3)


def _medicines(draw: random.Random, ill: frozenset[Illness]) -> frozenset[Medicine]:
    """What is prescribed for what, in about so many of a hundred."""
    chances = [
        (Medicine.BETA_BLOCKER, 0.75, Illness.HEART_FAILURE), (Medicine.BETA_BLOCKER, 0.6, Illness.ATRIAL_FIBRILLATION),
        (Medicine.BETA_BLOCKER, 0.15, Illness.HYPERTENSION), (Medicine.BLOOD_PRESSURE, 0.75, Illness.HYPERTENSION),
        (Medicine.DIURETIC, 0.8, Illness.HEART_FAILURE), (Medicine.DIURETIC, 0.15, Illness.HYPERTENSION),
    ]  # fmt: skip
    taken = {medicine for medicine, share, illness in chances if draw.random() < share and illness in ill}
    if draw.random() < 0.1:
        taken.add(Medicine.SLEEPING_PILL)
    return frozenset(taken)


def _constitution(draw: random.Random, age: int, sex: Sex, ill: frozenset[Illness], frailty: float) -> Constitution:
    """A body before medicines: those work minute by minute."""
    resting = draw.gauss(73.0, 6.5) + (2.5 if sex is Sex.FEMALE else 0.0) + 4.0 * frailty
    resting += 5.0 * (Illness.HEART_FAILURE in ill) + 4.0 * (Illness.COPD in ill) + 2.0 * (Illness.DIABETES in ill)
    oxygen = draw.gauss(96.6, 0.7) - 0.02 * (age - 70)
    severe = draw.uniform(0.0, 1.0) ** 2  # most who live at home with COPD are not far gone
    oxygen -= (0.6 + 3.6 * severe) * (Illness.COPD in ill) + 0.8 * (Illness.HEART_FAILURE in ill)
    breaths = draw.gauss(15.3, 1.3) + 2.0 * (Illness.COPD in ill) + 1.5 * (Illness.HEART_FAILURE in ill)
    systolic = draw.gauss(126.0, 9.0) + 0.3 * (age - 70) + 18.0 * (Illness.HYPERTENSION in ill)
    dip = draw.gauss(0.08, 0.035) - 0.04 * (Illness.DIABETES in ill) - 0.03 * frailty
    return Constitution(
        resting_bpm=round(min(max(resting, 54.0), 95.0), 1),
        spo2_pct=round(min(max(oxygen, 89.5), 98.5), 1),
        breaths_rpm=round(min(max(breaths, 12.5), 20.5), 1),
        systolic_mmhg=round(min(max(systolic, 104.0), 178.0)),
        diastolic_mmhg=round(min(max(0.42 * systolic + draw.gauss(22.0, 5.0), 55.0), 102.0)),
        temperature_c=round(draw.gauss(36.45, 0.15), 2),
        frailty=frailty,
        height_cm=round(draw.gauss(155.5 if sex is Sex.FEMALE else 166.5, 6.0)),
        sleep_dip=round(min(max(dip, 0.01), 0.22), 3),
        restless=round(math.exp(draw.gauss(0.0, 0.28)), 3),
    )


def _routine(draw: random.Random, ill: frozenset[Illness], medicines: frozenset[Medicine], frailty: float) -> Routine:
    """Northern hours: up about six, to bed about ten; lunch at noon with a nap after it."""
    spry = 1.0 - frailty
    wakes = round(draw.gauss(6 * 60, 42))
    breakfast = wakes + round(draw.uniform(40, 95))
    toilets = draw.gammavariate(2.2, 0.65) + 0.9 * (Medicine.DIURETIC in medicines)
    return Routine(
        wakes=wakes, breakfast=breakfast,
        lunch=round(draw.gauss(11 * 60 + 35, 20)), supper=round(draw.gauss(17 * 60 + 40, 28)),
        to_bed=round(min(max(draw.gauss(21 * 60 + 45, 45), 19 * 60 + 45), 23 * 60 + 30)),
        nap=round(draw.uniform(25, 100)) if draw.random() < 0.65 else 0,
        strict=round(draw.uniform(9, 32) + 25 * (Illness.DEMENTIA in ill), 1),
        outings=round(max(0.05, 2.3 * spry**1.6 + draw.gauss(0.0, 0.25)), 2),
        outing_min=round(25 + 80 * spry * draw.uniform(0.5, 1.4)),
        exercise=round(max(0.0, 0.5 * spry - 0.12), 2),
        visits=round(draw.gammavariate(1.5, 1.0), 2),
        night_toilets=round(min(toilets, 4.5), 2),
        showers=round(draw.uniform(1.5, 6.0), 1),
        takes_watch_off_to_sleep=draw.random() < 0.22,
        takes_watch_off_to_wash=draw.random() < 0.5,
        charges=round(draw.choice([draw.gauss(8 * 60, 40), draw.gauss(20 * 60, 50), draw.gauss(13 * 60, 60)])),
    )  # fmt: skip


def _household(draw: random.Random, mix: Mix) -> Household:
    has = {
        name: draw.random() < share for name, share in (
            ("door", mix.door), ("motion", mix.motion), ("water", mix.water), ("bed", mix.bed), ("gas", mix.gas),
            ("smoke", mix.smoke), ("wears", mix.wears), ("presses", mix.presses),
        )
    }  # fmt: skip
    sensors: list[tuple[Sensor, Room]] = [(Sensor.DOOR, Room.HALL)] if has["door"] else []
    if has["motion"]:
        fewest = draw.choice([2, 3, 5])
        sensors += [(Sensor.MOTION, room) for room in draw.sample(ROOMS, fewest)]
    for name, sensor, room in (
        ("water", Sensor.WATER, Room.BATHROOM), ("bed", Sensor.BED, Room.BEDROOM),
        ("gas", Sensor.GAS, Room.KITCHEN), ("smoke", Sensor.SMOKE, Room.KITCHEN),
    ):  # fmt: skip
        if has[name]:
            sensors.append((sensor, room))
    speaks = any(sensor is not Sensor.BED for sensor, _ in sensors)
    return Household(
        lives_alone=draw.random() < mix.alone,
        sensors=tuple(sensors),
        wrist=_one_of(draw, mix.wrist) if has["wears"] else None,
        button=_one_of(draw, mix.button) if has["presses"] else None,
        home=_one_of(draw, mix.home) if speaks else None,
        bed=_one_of(draw, mix.beds) if has["bed"] else None,
    )


def _one_of(draw: random.Random, weights: Mapping[str, float]) -> str:
    return draw.choices(list(weights), list(weights.values()))[0]
