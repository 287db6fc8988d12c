"""The turn rate beside the acceleration: used where a watch tells it, and where it does not nothing is missing."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from alerts.detectors.fall import NO_TURN, FallDetector, FallFinding
from alerts.detectors.fall_features import BEFORE, turn_features
from alerts.detectors.fall_net import BEFORE as NET_BEFORE
from alerts.detectors.fall_net import CHANNELS, TURN_CHANNELS, channels
from hub.models import fall_model
from simulator.motion import fall_of_a_walker, walking

from . import motions

Stream = NDArray[np.int16]
RATES = (20, 25, 50, 104)
SEEDS = range(21)


def fed(accel: Stream, gyro: Stream | None, rate_hz: float = 25, size: int = 5) -> list[FallFinding]:
    detector, found = FallDetector(rate_hz, fall_model()), []
    for at in range(0, len(accel), size):
        found += detector.feed(accel[at : at + size], None if gyro is None else gyro[at : at + size], at)
    return found


def fall(rate_hz: float = 25) -> tuple[Stream, Stream]:
    return motions.samples(rate_hz, 12, motions.fall), motions.turning(rate_hz, 12, motions.fall)


@pytest.mark.parametrize("rate_hz", RATES)
def test_fall_with_its_turn_rate_is_found_and_judged_by_it(rate_hz: float) -> None:
    accel, gyro = fall(rate_hz)
    (seen,), (blind,) = fed(accel, gyro, rate_hz), fed(accel, None, rate_hz)
    assert seen.impact_sample == blind.impact_sample
    assert seen.confidence != blind.confidence


@pytest.mark.parametrize(("range_g", "missed"), [(4, 1), (8, 0), (16, 0)])
def test_walkers_who_fall_are_found_with_the_turn_rate_as_well(range_g: int, missed: int) -> None:
    """One of 21 is missed at ±4 g: the card says that the second opinion trusts these invented turns less."""
    fell = [fall_of_a_walker(np.random.default_rng(seed)) for seed in SEEDS]
    limit = 1000 * range_g
    found = [fed(np.clip(m.accel_mg, -limit, limit), m.gyro_2mrad, m.rate_hz, 25) for m in fell]
    assert sum(len(once) == 1 for once in found) >= len(SEEDS) - missed


def test_at_2_g_the_turn_rate_of_an_invented_walker_promises_little() -> None:
    """Six of 21, 14 without: the card says so. Of real falls cut off at 2 g it costs no more than at any range."""
    fell = [fall_of_a_walker(np.random.default_rng(seed)) for seed in SEEDS]
    found = [fed(np.clip(m.accel_mg, -2000, 2000), m.gyro_2mrad, m.rate_hz, 25) for m in fell]
    assert sum(map(len, found)) >= len(SEEDS) / 4


@pytest.mark.parametrize("motion", [motions.walk, motions.clap, motions.sit_down, motions.rest])
def test_daily_motion_with_its_turn_rate_does_not_alarm(motion: motions.Path) -> None:
    for seed in range(3):
        accel, gyro = motions.samples(25, 20, motion, seed), motions.turning(25, 20, motion, seed)
        assert fed(accel, gyro) == []


def test_walker_with_the_turn_rate_does_not_alarm() -> None:
    motion = walking(60, np.random.default_rng(1))
    assert fed(motion.accel_mg, motion.gyro_2mrad, motion.rate_hz) == []


@pytest.mark.parametrize(
    ("since", "until"), [(0, None), (100, 110), (130, 131), (0, 60)], ids=["never", "before", "after", "from 2.4 s on"]
)
def test_turn_rate_that_is_not_known_throughout_is_not_used(since: int, until: int | None) -> None:
    accel, gyro = fall()
    gyro[since:until] = NO_TURN
    assert fed(accel, gyro) == fed(accel, None)


def test_turn_rate_of_long_ago_does_not_matter() -> None:
    accel, gyro = fall()
    gyro[: 125 - NET_BEFORE - 5] = NO_TURN
    assert fed(accel, gyro) != fed(accel, None)


def test_watch_that_sends_zeros_for_want_of_a_sensor_is_judged_as_one_without() -> None:
    accel, gyro = fall()
    assert fed(accel, np.zeros_like(gyro)) == fed(accel, None)


def test_bursts_without_the_turn_rate_among_others_make_it_unknown() -> None:
    accel, gyro = fall()
    detector, found = FallDetector(25, fall_model()), []
    for at in range(0, len(accel), 5):
        turn = None if at == 100 else gyro[at : at + 5]
        found += detector.feed(accel[at : at + 5], turn, at)
    assert found == fed(accel, None)


def test_size_of_the_bursts_makes_no_difference_with_the_turn_rate() -> None:
    for rate_hz in RATES:
        accel, gyro = fall(rate_hz)
        whole = fed(accel, gyro, rate_hz, len(accel))
        assert all(fed(accel, gyro, rate_hz, size) == whole for size in (1, 7, 24, 25, 90))


def test_alarm_by_the_turn_rate_does_not_look_ahead() -> None:
    for rate_hz in RATES:
        accel, gyro = fall(rate_hz)
        (whole,) = fed(accel, gyro, rate_hz)
        end = whole.at_sample + 1
        assert fed(accel[:end], gyro[:end], rate_hz) == [whole]


def test_burst_sent_twice_changes_nothing_of_the_turn_rate() -> None:
    accel, gyro = fall()
    detector, found = FallDetector(25, fall_model()), []
    for at in range(0, len(accel), 5):
        for since in (at, max(0, at - 7)):
            found += detector.feed(accel[since : at + 5], gyro[since : at + 5], since)
    assert found == fed(accel, gyro)


def lost(accel: Stream, gyro: Stream | None, gap: slice) -> list[FallFinding]:
    """Feed all but a gap."""
    detector = FallDetector(25, fall_model())
    found = detector.feed(accel[: gap.start], None if gyro is None else gyro[: gap.start], 0)
    return found + detector.feed(accel[gap.stop :], None if gyro is None else gyro[gap.stop :], gap.stop)


def test_short_gap_is_bridged_in_both() -> None:
    accel, gyro = fall()
    gap = slice(90, 95)
    assert len(lost(accel, gyro, gap)) == 1
    assert lost(accel, gyro, gap) != lost(accel, None, gap)


def turned(stream: Stream, seeds: Sequence[int]) -> list[NDArray[np.float64]]:
    """Return a stream as watches worn otherwise would have told it."""
    rngs = [np.random.default_rng(seed) for seed in seeds]
    return [stream @ np.linalg.qr(rng.normal(size=(3, 3)))[0] for rng in rngs]


@pytest.mark.parametrize("after", [48, 72])
def test_what_is_seen_of_the_turn_rate_does_not_depend_on_how_the_axes_lie(after: int) -> None:
    accel, gyro = fall()
    part = slice(125 - NET_BEFORE, 125 + after + 1)
    speed = gyro[part].astype(np.float64) * 0.002
    signals = channels(accel[None, part].astype(np.float64), speed[None])
    assert signals.shape[2] == CHANNELS + TURN_CHANNELS
    for other in turned(gyro, range(4)):
        seen = other[part] * 0.002
        assert channels(accel[None, part].astype(np.float64), seen[None]) == pytest.approx(signals, abs=1e-4)
        short = slice(NET_BEFORE - BEFORE, None)
        assert turn_features(seen[short]) == pytest.approx(turn_features(speed[short]), abs=1e-6)


def test_features_of_the_turn_rate_tell_a_fall_from_rest() -> None:
    _, gyro = fall()
    at = slice(125 - BEFORE, 125 + 49)
    fell, still = (
        turn_features(w[at].astype(np.float64) * 0.002) for w in (gyro, motions.turning(25, 12, motions.rest))
    )
    assert np.isfinite(fell).all()
    assert fell.max() > 4
    assert still[0] < 0.5
    assert np.isfinite(turn_features(np.zeros((BEFORE + 49, 3)))).all()
