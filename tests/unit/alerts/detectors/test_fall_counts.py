"""What the numbers of samples say: repeats are left out, a device that counts anew is heard from its first one on."""

from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from alerts.detectors.fall import FallDetector, FallFinding
from hub.models import fall_model

from . import motions

RATE = 25
IMPACT = 5 * RATE  # where `motions.fall` has its blow
SEEDS = range(21)
Stream = NDArray[np.int16]
Parts = Iterable[tuple[int, Stream]]


def fall(seed: int = 1) -> Stream:
    """Return twelve seconds with a fall in them."""
    return motions.samples(RATE, 12, motions.fall, seed)


def walk(seconds: float = 8, seed: int = 1) -> Stream:
    return motions.samples(RATE, seconds, motions.walk, seed)


def cut(first: int, stream: Stream, sizes: Sequence[int]) -> list[tuple[int, Stream]]:
    """Return a stream in bursts of these sizes, over and over."""
    parts, at, turn = [], 0, 0
    while at < len(stream):
        parts.append((first + at, stream[at : at + sizes[turn % len(sizes)]]))
        at += len(parts[-1][1])
        turn += 1
    return parts


def told(parts: Parts) -> list[FallFinding]:
    detector = FallDetector(RATE, fall_model())
    return [found for first, acc in parts for found in detector.feed(acc, None, first)]


def window(seed: int, before_s: float, after_s: float) -> Stream:
    """Return what a watch sends around its trigger."""
    return fall(seed)[IMPACT - round(before_s * RATE) : IMPACT + round(after_s * RATE)]


sizes = st.lists(st.integers(1, 60), min_size=1, max_size=8)


@settings(max_examples=40, deadline=None)
@given(sizes, st.lists(st.tuples(st.integers(0, 200), st.integers(1, 90)), max_size=12))
def test_whatever_is_sent_again_exactly_changes_nothing(lengths: list[int], again: list[tuple[int, int]]) -> None:
    stream = fall()
    once = cut(0, stream, lengths)
    parts: list[tuple[int, Stream]] = []
    for number, (first, acc) in enumerate(once):
        parts.append((first, acc))
        sent = first + len(acc)
        for back, length in again[number % 3 :: 3]:  # any piece of what has been sent in the last eight seconds
            since = max(0, sent - back)
            parts.append((since, stream[since : min(sent, since + length)]))
    assert told(parts) == told(once)


def test_burst_partly_known_is_taken_from_where_it_is_new() -> None:
    stream = fall()
    parts = [(at, stream[at : at + 40]) for at in range(0, len(stream), 15)]
    assert told(parts) == told([(0, stream)])


@settings(max_examples=40, deadline=None)
@given(sizes, st.integers(20, 250), st.integers(0, 60))
def test_watch_that_restarts_is_heard_whenever_it_did(lengths: list[int], walked: int, lost: int) -> None:
    """It counts from 0 again long before its earlier numbers are forgotten; of its first bursts some may be lost."""
    lost = min(lost, walked - 1)
    before, after = cut(0, walk(10)[:walked], lengths), cut(lost, fall()[lost:], lengths)
    assert told(before + after) == told(after)


def test_watch_that_restarts_while_it_lies_still_is_heard_once_it_moves() -> None:
    """Where the sensor shows the same figure for seconds, nothing tells a restart from a repeat, nor is it missed."""
    still = np.tile(np.array([-1000, 0, 0], np.int16), (8 * RATE, 1))
    falling = np.concatenate([still[: 2 * RATE], fall()[2 * RATE :]])
    assert len(told(cut(0, still, [25]) + cut(0, falling, [25]))) == 1


@pytest.mark.parametrize("burst", [5, 25, 1000])
def test_windows_numbered_from_0_are_each_heard(burst: int) -> None:
    windows = [window(seed, 3, 4) for seed in SEEDS]
    one_by_one = [len(told([(0, sent)])) for sent in windows]
    parts = [part for sent in windows for part in cut(0, sent, [burst])]
    assert sum(one_by_one) >= 20
    assert len(told(parts)) == sum(one_by_one)


def test_window_from_0_sent_twice_tells_of_one_fall() -> None:
    sent = window(1, 3, 4)
    assert len(told([(0, sent), (0, sent), (0, window(2, 3, 4)[:60])])) == 1


def test_impact_that_waits_is_not_judged_by_another_count() -> None:
    """A blow at the end of one window and the lying still of the next are not one fall."""
    blow, lying = fall()[: IMPACT + 15], fall(2)[IMPACT + 15 :]
    assert told([(0, blow), (0, walk(4)), (100, lying)]) == []


@pytest.mark.parametrize("before_s", [1, 2, 3])
@pytest.mark.parametrize("after_s", [2, 3, 4])
def test_windows_around_an_impact_with_running_numbers_are_found(before_s: float, after_s: float) -> None:
    """The watch counts on while it sends nothing: an hour from one window to the next."""
    parts = [(seed * 90_000, window(seed, before_s, after_s)) for seed in SEEDS]
    assert len(told(parts)) == len(SEEDS)


@settings(max_examples=30, deadline=None)
@given(sizes)
def test_how_windows_are_cut_makes_no_difference(lengths: list[int]) -> None:
    windows = [window(seed, 2, 4) for seed in range(4)]
    whole = [(0, sent) for sent in windows]
    assert told([part for first, sent in whole for part in cut(first, sent, lengths)]) == told(whole)


def test_burst_that_was_overtaken_does_not_begin_a_new_count() -> None:
    """A gap was filled with what stood before it; the true samples come late and are left out."""
    stream = fall()
    parts = cut(0, stream, [5])
    at = IMPACT // 5 + 6
    parts[at], parts[at + 1] = parts[at + 1], parts[at]
    assert len(told(parts)) == 1


def test_second_overtaken_after_a_long_gap_leaves_the_next_fall_to_be_found() -> None:
    parts = cut(0, np.concatenate([walk(8), fall()]), [25])
    parts[3], parts[4] = parts[4], parts[3]
    assert len(told(parts)) == 1
