"""What illness, effort and medicine do to a body, and what a watch makes of it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np

from simulator.life import Life, invent
from simulator.life.model import Doing, Illness, Medicine, What
from tests.unit.simulator.life.days import MIDNIGHT, Lived, ill_of, lived, two_days

LATE = MIDNIGHT - timedelta(hours=1)
NIGHT = slice(240, 420)  # of a life begun LATE: from three to six


def night_of(illnesses: tuple[Illness, ...] = (), what: What | None = None, count: int = 40, **how: Any) -> Lived:
    """Return seven hours from eleven in the evening on."""
    life = Life(invent(2, count, ill_of(illnesses)), seed=6, start=LATE, by_itself=0.0)
    if what is not None:
        for who in range(count):
            life.happen(who, what, **how)
    return lived(life, 420)


def test_bodies_stay_within_what_living_bodies_show() -> None:
    seen = two_days()
    for name, low, high in (
        ("bodies.heart_rate_bpm", 38, 175), ("bodies.spo2_pct", 75, 100), ("bodies.respiration_rpm", 7, 36),
        ("bodies.temperature_c", 35.2, 37.9), ("bodies.systolic_mmhg", 75, 225), ("bodies.diastolic_mmhg", 38, 130),
    ):  # fmt: skip
        values = seen.column(name)
        assert low <= values.min(), name
        assert values.max() <= high, name
    assert (seen.column("bodies.systolic_mmhg") > seen.column("bodies.diastolic_mmhg") + 15).all()


def test_heart_is_slower_in_sleep_and_faster_on_foot() -> None:
    seen = two_days()
    heart, doing = seen.column("bodies.heart_rate_bpm"), seen.column("doing")
    rest = heart[doing == Doing.RESTING].mean()
    assert heart[doing == Doing.ASLEEP].mean() < rest - 5
    assert heart[doing == Doing.WALKING].mean() > rest + 12


def test_fever_takes_eight_to_ten_beats_a_degree() -> None:
    well = night_of()
    hot = night_of(what=What.FEVER, degrees=2.0, lasts=timedelta(days=1))
    risen = (hot.column("bodies.heart_rate_bpm") - well.column("bodies.heart_rate_bpm"))[NIGHT].mean()
    warmer = (hot.column("bodies.temperature_c") - well.column("bodies.temperature_c"))[NIGHT].mean()
    assert 1.8 < warmer <= 2.05
    assert 7.0 < risen / warmer < 10.5
    assert (hot.column("bodies.respiration_rpm") - well.column("bodies.respiration_rpm"))[NIGHT].mean() > 1.5


def test_apnoea_dips_the_oxygen_of_sleepers() -> None:
    well, gasping = night_of(), night_of((Illness.SLEEP_APNOEA,))
    deep = [np.diff(each.column("bodies.spo2_pct")[NIGHT], axis=0).std() for each in (well, gasping)]
    assert deep[1] > 4 * deep[0]
    low = (gasping.column("bodies.spo2_pct")[NIGHT] < 92).mean(axis=0)
    assert 0.03 < np.median(low) < 0.6
    assert (well.column("bodies.spo2_pct")[NIGHT] < 92).mean() < 0.02


def test_copd_lies_lower_and_a_bad_day_of_it_lower_still() -> None:
    well, ill = night_of(), night_of((Illness.COPD,))
    worse = night_of((Illness.COPD,), What.BREATHLESS, points=6.0, lasts=timedelta(days=1))
    oxygen = [each.column("bodies.spo2_pct")[NIGHT].mean() for each in (well, ill, worse)]
    assert oxygen[0] - oxygen[1] > 1.5
    assert oxygen[1] - oxygen[2] > 5.0
    fast = [each.column("bodies.heart_rate_bpm")[NIGHT].mean() for each in (ill, worse)]
    assert fast[1] > fast[0] + 4


def test_fibrillating_heart_jumps_and_the_watch_says_so() -> None:
    well, flutters = night_of(), night_of((Illness.ATRIAL_FIBRILLATION,))
    jumps = np.diff(flutters.column("bodies.heart_rate_bpm")[NIGHT], axis=0).std(axis=0)
    calm = np.diff(well.column("bodies.heart_rate_bpm")[NIGHT], axis=0).std(axis=0)
    permanent = flutters.life.bodies.permanent
    assert 5 < permanent.sum() < 35  # the others' comes and goes
    assert np.median(jumps[permanent]) > 1.7 * np.median(calm)
    irregular = flutters.column("readings.irregular")[NIGHT]
    assert irregular[:, permanent].mean() > 0.2
    assert not irregular[:, ~permanent].any()


def test_beta_blocker_slows_the_heart_and_flattens_its_answers() -> None:
    people = invent(2, 40, ill_of(()))
    blocked = [replace(each, medicines=each.medicines | {Medicine.BETA_BLOCKER}) for each in people]
    start = MIDNIGHT + timedelta(hours=7)
    free, held = (lived(Life(who, seed=6, start=start, by_itself=0.0), 300) for who in (people, blocked))
    rises = []
    for each in (free, held):
        heart, doing = each.column("bodies.heart_rate_bpm"), each.column("doing")
        out = (doing == Doing.WALKING) | (doing == Doing.EXERCISING)
        rises.append(heart[out].mean() - heart[doing == Doing.RESTING].mean())
    assert 0.45 < rises[1] / rises[0] < 0.8
    assert held.column("bodies.heart_rate_bpm").mean() < free.column("bodies.heart_rate_bpm").mean() - 5


def test_watch_has_gaps_and_motion_blinds_its_oxygen() -> None:
    seen = two_days()
    heart, worn = seen.column("readings.heart_rate_bpm"), seen.column("readings.worn") > 0
    assert np.isnan(heart[~worn]).all()
    assert 0.005 < np.isnan(heart[worn]).mean() < 0.08
    assert 0.5 < worn.mean() < 0.97
    oxygen, doing = seen.column("readings.spo2_pct"), seen.column("doing")
    assert np.isnan(oxygen[doing == Doing.WALKING]).all()
    assert 0.1 < (~np.isnan(oxygen[(doing == Doing.ASLEEP) & worn])).mean() < 0.6
    assert 0.001 < 1 - seen.column("readings.told").mean() < 0.02


def test_watch_that_somebody_else_wears_tells_of_somebody_else() -> None:
    mine, strange = night_of(count=12), night_of(what=What.SOMEBODY_ELSE, count=12, resting_bpm=48.0)
    apart = mine.column("readings.heart_rate_bpm")[NIGHT] - strange.column("readings.heart_rate_bpm")[NIGHT]
    assert np.nanmean(apart) > 6


def test_dead_have_no_pulse_and_take_no_step() -> None:
    seen = night_of(what=What.DIES, count=6)
    assert np.isnan(seen.column("readings.heart_rate_bpm")[5:]).all()
    assert not seen.column("readings.steps")[5:].any()
    assert len({*seen.column("room")[5:, 0]}) == 1
