"""Falls in a stream: what alarms, what does not, and that cutting the stream differently changes nothing."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from alerts.detectors.fall import FallDetector, FallFinding, RateError
from alerts.detectors.fall_features import BEFORE, RATE_HZ, impact_features
from alerts.detectors.fall_model import FallModel, ModelError, Stage
from alerts.detectors.fall_net import BEFORE as NET_BEFORE
from hub.models import fall_model

from . import motions

RATES = (20, 25, 40, 50, 104)
Stream = NDArray[np.int16]


def fed(stream: Stream, sizes: Iterator[int], rate_hz: float = 25, gyro: Stream | None = None) -> list[FallFinding]:
    detector = FallDetector(rate_hz, fall_model())
    found: list[FallFinding] = []
    at = 0
    while at < len(stream):
        n = next(sizes)
        turn = None if gyro is None else gyro[at : at + n]
        found += detector.feed(stream[at : at + n], turn, at)
        at += n
    return found


def always(n: int) -> Iterator[int]:
    while True:
        yield n


def fall_stream(rate_hz: float = 25, seconds: float = 12) -> Stream:
    return motions.samples(rate_hz, seconds, motions.fall)


@pytest.mark.parametrize("rate_hz", RATES)
def test_fall_then_stillness_alarms_within_three_seconds(rate_hz: float) -> None:
    (found,) = fed(fall_stream(rate_hz), always(5), rate_hz)
    assert found.impact_sample / rate_hz == pytest.approx(5.0, abs=0.1)
    assert 1 < found.at_sample / rate_hz - 5.0 < 3
    assert 0.3 < found.confidence <= 1
    assert found.evidence["peak_g"] > 3


@pytest.mark.parametrize("rate_hz", RATES)
@pytest.mark.parametrize("motion", [motions.walk, motions.clap, motions.sit_down, motions.rest])
def test_daily_motion_does_not_alarm(rate_hz: float, motion: motions.Path) -> None:
    for seed in range(3):
        assert fed(motions.samples(rate_hz, 20, motion, seed), always(10), rate_hz) == []


def test_fall_is_found_wherever_the_watch_points() -> None:
    stream = fall_stream().astype(np.float64)
    rng = np.random.default_rng(5)
    for _ in range(10):
        turned, _ = np.linalg.qr(rng.normal(size=(3, 3)))
        assert len(fed(np.asarray(np.rint(stream @ turned), np.int16), always(25))) == 1


def test_alarm_does_not_change_when_the_stream_ends_right_after_it() -> None:
    stream = fall_stream()
    (whole,) = fed(stream, always(1))
    assert fed(stream[: whole.at_sample + 1], always(1)) == [whole]
    assert fed(stream[: whole.at_sample], always(1)) == []


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 90), min_size=1, max_size=20), st.sampled_from(RATES))
def test_size_of_the_bursts_makes_no_difference(sizes: list[int], rate_hz: float) -> None:
    stream = fall_stream(rate_hz, 8)

    def cycle() -> Iterator[int]:
        while True:
            yield from sizes

    assert fed(stream, cycle(), rate_hz) == fed(stream, always(len(stream)), rate_hz)


def test_many_impacts_give_the_same_findings_sample_by_sample() -> None:
    rng = np.random.default_rng(3)
    stream = motions.samples(25, 60, motions.rest, noise_g=0.5)
    stream[rng.integers(0, len(stream), 60)] *= 3
    stream[700:1000] = fall_stream()[:300]
    gyro = rng.integers(-2000, 2000, stream.shape).astype(np.int16)
    expected = fed(stream, always(1), gyro=gyro)
    for size in (2, 5, 23, 24, 25, 26, 100, 5000):
        assert fed(stream, always(size), gyro=gyro) == expected


def test_burst_sent_twice_changes_nothing() -> None:
    stream = fall_stream()
    detector, found = FallDetector(25, fall_model()), []
    for at in range(0, len(stream), 5):
        found += detector.feed(stream[at : at + 5], None, at)
        found += detector.feed(stream[max(0, at - 7) : at + 5], None, max(0, at - 7))
    assert found == fed(stream, always(5))


@pytest.mark.parametrize("lost_from_s", [3.5, 5.4])
def test_short_gap_is_bridged(lost_from_s: float) -> None:
    stream, lost = fall_stream(), round(lost_from_s * 25)
    detector = FallDetector(25, fall_model())
    found = detector.feed(stream[:lost], None, 0) + detector.feed(stream[lost + 5 :], None, lost + 5)
    assert len(found) == 1


def test_long_gap_after_an_impact_raises_nothing_and_the_next_fall_is_found() -> None:
    stream = fall_stream()
    detector = FallDetector(25, fall_model())
    assert detector.feed(stream[:140], None, 0) == []
    assert detector.feed(stream[200:], None, 200) == []
    later = 100_000
    assert len(detector.feed(stream, None, later)) == 1


def test_device_that_counts_anew_after_a_restart_is_heard() -> None:
    stream = fall_stream()
    detector = FallDetector(25, fall_model())
    assert len(detector.feed(stream, None, 1_000_000)) == 1
    assert len(detector.feed(stream, None, 0)) == 1


def test_one_fall_alarms_once() -> None:
    def twice(t: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(motions.fall(t) + motions.bump(t, 8.0, 0.05)[:, None] * np.array([2.0, 2.5, 1.0]))

    assert len(fed(motions.samples(25, 16, twice), always(5))) == 1


def test_empty_burst_is_nothing() -> None:
    assert FallDetector(25, fall_model()).feed(np.zeros((0, 3), np.int16), None, 0) == []


def test_impossible_rate_is_refused() -> None:
    with pytest.raises(RateError):
        FallDetector(0, fall_model())


@pytest.mark.parametrize("after", [stage.after for stage in fall_model().stages])
def test_features_are_finite_whatever_the_wrist_does(after: int) -> None:
    n = BEFORE + 1 + after
    flat = np.zeros((n, 3))
    wild = np.random.default_rng(1).integers(-32768, 32767, (n, 3)).astype(np.float64)
    for accel in (flat, wild):
        assert np.isfinite(impact_features(accel)).all()


def test_model_survives_its_file() -> None:
    model = fall_model()
    again = FallModel.from_arrays(model.arrays())
    window = np.random.default_rng(2).normal(0, 1000, (NET_BEFORE + 1 + model.stages[-1].after, 3))
    for old, new in zip(model.stages, again.stages, strict=True):
        seen = window[: NET_BEFORE + 1 + old.after]
        assert new.probability(seen) == old.probability(seen)
        assert (new.after, new.threshold, new.dismiss) == (old.after, old.threshold, old.dismiss)


@pytest.mark.parametrize("stage", fall_model().stages)
def test_nothing_a_wrist_can_send_leaves_the_odds(stage: Stage) -> None:
    rng = np.random.default_rng(4)
    shape = (NET_BEFORE + 1 + stage.after, 3)
    for accel in (np.zeros(shape), np.full(shape, -32768.0), rng.integers(-32768, 32767, shape).astype(np.float64)):
        assert 0 <= stage.probability(accel) <= 1


def test_looks_come_early_enough() -> None:
    """Half of the falls are to be told within 2 s of the impact, nearly all within 4."""
    first, *_, last = [stage.after / RATE_HZ for stage in fall_model().stages]
    assert first <= 2.0
    assert last <= 4.0


def test_model_of_another_version_says_what_to_do() -> None:
    arrays = fall_model().arrays()
    del arrays["limit0"]
    with pytest.raises(ModelError, match="train falls"):
        FallModel.from_arrays(arrays)


def test_quiet_wrist_leaves_nothing_to_look_at() -> None:
    detector = FallDetector(25, fall_model())
    detector.feed(motions.samples(25, 60, motions.rest), None, 0)
    assert not detector._pending
    detector.feed(fall_stream()[:130], None, 60 * 25)
    assert detector._pending  # the impact waits for its time
    detector.feed(fall_stream()[130:], None, 60 * 25 + 130)
    assert not detector._pending
