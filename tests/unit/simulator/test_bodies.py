"""Simulated residents live within what living bodies show, and the same seed lives the same life."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from simulator import motion
from simulator.physiology import Body, Constitution, Doing

MIDNIGHT_IN_CHINA = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)
DAY = [MIDNIGHT_IN_CHINA + timedelta(minutes=minute) for minute in range(24 * 60)]


def test_body_of_one_seed_lives_the_same_day_twice() -> None:
    lives = [[Body("7", Constitution()).live(at) for at in DAY[:200]] for _ in range(2)]
    assert lives[0] == lives[1]
    assert lives[0] != [Body("8", Constitution()).live(at) for at in DAY[:200]]


@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_body_stays_within_what_calls_nobody(seed: str) -> None:
    body = Body(seed, Constitution(resting_bpm=76, spo2_pct=95.5, frailty=0.6))
    day = [body.live(at) for at in DAY]
    hearts = [minute.heart_rate_bpm for minute in day if minute.heart_rate_bpm is not None]
    oxygen = [minute.spo2_pct for minute in day if minute.spo2_pct is not None]
    assert 42 <= min(hearts) <= max(hearts) < 131
    assert 92 <= min(oxygen) <= max(oxygen) <= 100
    assert sum(minute.steps for minute in day) < 20_000


def test_body_sleeps_at_night_with_a_slower_heart() -> None:
    body = Body("5", Constitution())
    day = [body.live(at) for at in DAY]
    night = [m.heart_rate_bpm for m in day[60:300] if m.heart_rate_bpm and m.doing is Doing.ASLEEP]
    noon = [m.heart_rate_bpm for m in day[600:960] if m.heart_rate_bpm and m.doing is not Doing.ASLEEP]
    assert len(night) > 100
    assert np.mean(night) + 5 < np.mean(noon)


def test_watch_has_gaps_and_motion_blinds_its_oxygen() -> None:
    body = Body("5", Constitution(frailty=0.0))
    day = [body.live(at) for at in DAY]
    assert 0.01 < sum(m.heart_rate_bpm is None for m in day) / len(day) < 0.1
    walks = [m for m in day if m.doing is Doing.WALKING]
    assert walks
    assert sum(m.spo2_pct is None for m in walks) / len(walks) > 0.6


def test_breathless_resident_falls_below_91_within_minutes_and_sits_still() -> None:
    body = Body("5", Constitution(spo2_pct=94.8))
    body.breathless = True
    minutes = [body.live(at) for at in DAY[:20]]
    assert all(m.steps == 0 for m in minutes)
    low = [m.spo2_pct for m in minutes if m.spo2_pct is not None and m.spo2_pct <= 91]
    assert len(low) >= 3


def magnitude_g(samples: NDArray[np.int16]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.norm(samples.astype(float), axis=1) / 1000, dtype=np.float64)


def test_fall_is_a_walk_a_drop_a_blow_and_stillness() -> None:
    whole = motion.fall_of_a_walker(np.random.default_rng(4), before_s=6, after_s=10)
    size = magnitude_g(whole.accel_mg)
    impact = int(size.argmax())
    assert 6.9 * 50 < impact < 7.6 * 50
    assert 2.5 < size[impact] < 8.0
    assert size[impact - 25 : impact].min() < 0.7  # losing ground
    after = size[impact + 100 :]
    assert abs(after.mean() - 1) < 0.05
    assert after.std() < 0.03
    turned = whole.accel_mg[:100].mean(axis=0) @ whole.accel_mg[-100:].mean(axis=0) / 1e6
    assert turned < 0.5  # gravity lies along another axis


@pytest.mark.parametrize("make", [motion.walking, motion.sitting, motion.lying])
def test_everyday_motion_hits_nothing(make: Callable[[float, np.random.Generator], motion.Motion]) -> None:
    size = magnitude_g(make(60.0, np.random.default_rng(2)).accel_mg)
    assert 0.4 < size.min() < size.max() < 1.8


def test_bursts_hold_five_samples_and_lose_none() -> None:
    whole = motion.walking(2.04, np.random.default_rng(2))
    parts = motion.bursts(whole)
    assert [part.stop - part.start for part in parts] == [5] * 20 + [2]
    assert parts[-1].stop == len(whole.accel_mg)


def test_motion_of_one_seed_is_the_same_motion() -> None:
    one, two = (motion.fall_of_a_walker(np.random.default_rng(9)) for _ in range(2))
    assert np.array_equal(one.accel_mg, two.accel_mg)
    assert np.array_equal(one.gyro_2mrad, two.gyro_2mrad)
