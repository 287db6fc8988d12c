"""A fall is a stagger, a blow, a turned wrist and stillness; what looks like one is not as much of it."""

from datetime import timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from simulator.life import Life, invent
from simulator.life.model import Deed, FallKind, Motion
from simulator.life.wrist import bursts
from tests.unit.simulator.life.days import MIDNIGHT

LIFE = Life(invent(1, 12), seed=3, start=MIDNIGHT)


def size_g(motion: Motion) -> NDArray[np.float64]:
    return np.asarray(np.linalg.norm(motion.accel_mg / 1000, axis=1), np.float64)


def some(what: FallKind | Deed) -> list[Motion]:
    return [LIFE.motion(who, what, before_s=6, after_s=9) for who in range(12)]


@pytest.mark.parametrize("kind", list(FallKind))
def test_fall_has_its_blow_its_turn_and_its_stillness(kind: FallKind) -> None:
    peaks, drops, rests, turns = [], [], [], []
    for motion in some(kind):
        size = size_g(motion)
        assert motion.impact_s is not None
        hit = round(motion.impact_s * motion.rate_hz)
        assert 6.0 < motion.impact_s < 7.5
        peaks.append(size[hit - 20 : hit + 50].max())
        drops.append(size[hit - 40 : hit].min())
        rests.append(size[hit + 220 :].std())
        ways = [part.mean(axis=0) / np.linalg.norm(part.mean(axis=0)) for part in
                (motion.accel_mg[:150].astype(float), motion.accel_mg[-100:].astype(float))]  # fmt: skip
        turns.append(np.degrees(np.arccos(np.clip(ways[0] @ ways[1], -1, 1))))
    assert 2.0 < np.median(peaks) < 7.5
    assert np.median(drops) < 0.85  # something of the support is lost before
    assert np.median(rests) < 0.08
    assert np.median(turns) > 35


def test_slip_hits_harder_than_a_faint() -> None:
    slip, faint = (
        np.mean(
            [
                size_g(LIFE.motion(who, kind, before_s=3, after_s=3, salt=salt)).max()
                for who in range(12)
                for salt in (1, 2, 3)
            ]
        )
        for kind in (FallKind.SLIP, FallKind.FAINT)
    )
    assert slip > faint + 0.3


def test_long_lie_stays_and_recovery_moves_again() -> None:
    late = []
    for lies in (None, timedelta(seconds=6)):
        motions = [LIFE.motion(who, FallKind.SIDE, before_s=4, after_s=24, lies=lies) for who in range(12)]
        late.append(np.mean([np.abs(np.diff(size_g(each)[-12 * 50 :])).mean() for each in motions]))
    assert late[1] > 2 * late[0]


@pytest.mark.parametrize("deed", [Deed.WALKING, Deed.SITTING, Deed.LYING, Deed.SITS_DOWN, Deed.DRINKING, Deed.BENDS])
def test_quiet_deed_hits_nothing(deed: Deed) -> None:
    assert max(size_g(each).max() for each in some(deed)) < 2.5


def test_clapping_and_the_table_hit_as_hard_as_some_falls() -> None:
    for deed in (Deed.CLAPPING, Deed.HITS_TABLE):
        assert np.median([size_g(each).max() for each in some(deed)]) > 1.8


@pytest.mark.parametrize(("rate_hz", "range_g"), [(20.0, 2.0), (25.0, 4.0), (50.0, 8.0), (104.0, 16.0)])
def test_watch_samples_at_its_rate_within_its_range(rate_hz: float, range_g: float) -> None:
    motion = LIFE.motion(2, FallKind.SLIP, rate_hz=rate_hz, range_g=range_g, before_s=5, after_s=5)
    assert len(motion.accel_mg) == len(motion.gyro_2mrad) == round(11 * rate_hz)
    assert np.abs(motion.accel_mg).max() <= 1000 * range_g
    assert motion.rate_hz == rate_hz


def test_finer_watch_feels_the_harder_blow() -> None:
    peaks = [
        np.mean([size_g(LIFE.motion(who, FallKind.FORWARD, rate_hz=rate, range_g=16)).max() for who in range(12)])
        for rate in (20.0, 104.0)
    ]
    assert peaks[1] > 1.15 * peaks[0]


def test_same_salt_is_the_same_motion_and_another_another() -> None:
    one, two, other = (LIFE.motion(1, FallKind.SIDE, salt=salt) for salt in (1, 1, 2))
    assert np.array_equal(one.accel_mg, two.accel_mg)
    assert not np.array_equal(one.accel_mg, other.accel_mg)


def test_bursts_lose_no_sample() -> None:
    motion = LIFE.motion(1, Deed.WALKING, before_s=1, after_s=1.05)
    parts = bursts(motion)
    assert [part.stop - part.start for part in parts[:-1]] == [5] * (len(parts) - 1)
    assert parts[-1].stop == len(motion.accel_mg)
