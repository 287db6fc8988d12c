"""Wrists that stream side by side: each has its own past, one that sends nonsense disturbs nobody."""

import numpy as np
import pytest

from alerts.detectors.detector import Finding
from alerts.detectors.fall_model import FallModel
from devices.telemetry import AccelWindow
from hub.fall_streams import STREAMS, UNJUDGED, FallStreams
from hub.models import fall_model
from simulator.motion import Motion, bursts, fall_of_a_walker, walking

Burst = tuple[int, int, AccelWindow]
START_MS = 1_790_000_000_000


@pytest.fixture(scope="module")
def model() -> FallModel:
    """The model that is shipped."""
    return fall_model()


def stream(row: int, motion: Motion, *, rate_hz: float | None = None) -> list[Burst]:
    """Return a recording as one wrist sends it, half a second a burst."""
    rate = motion.rate_hz if rate_hz is None else rate_hz
    return [
        (row, START_MS + part.start * 20, AccelWindow(rate_hz=rate, first=part.start, accel_mg=motion.accel_mg[part]))
        for part in bursts(motion, 0.5)
    ]


def fall(seed: int = 7) -> Motion:
    return fall_of_a_walker(np.random.default_rng(seed))


def walk(seconds: float = 20) -> Motion:
    return walking(seconds, np.random.default_rng(7))


def turn_about(*streams: list[Burst]) -> list[Burst]:
    """Return the bursts of several wrists as they arrive: one of each in turn."""
    return [burst for together in zip(*streams, strict=False) for burst in together]


def rows(found: list[Finding]) -> list[int]:
    return [finding.row for finding in found]


async def test_fall_among_walkers_is_told_of_the_one_who_fell(model: FallModel) -> None:
    streams = FallStreams(model, 10)
    falling = stream(4, fall())
    found = await streams.feed(turn_about(stream(3, walk(60)), falling, stream(5, walk(60))))
    assert rows(found) == [4]
    assert found[0].countdown_s > 0
    assert found[0].at_ms in {at for _, at, _ in falling}
    assert STREAMS._value.get() == 3


async def test_burst_sent_again_tells_of_no_second_fall(model: FallModel) -> None:
    streams = FallStreams(model, 10)
    assert rows(await streams.feed([burst for burst in stream(0, fall()) for _ in range(2)])) == [0]


async def test_burst_that_cannot_be_judged_is_counted_and_the_next_wrist_is_heard(model: FallModel) -> None:
    streams = FallStreams(model, 10)
    before = UNJUDGED._value.get()
    nonsense = stream(1, walk(10), rate_hz=1.0)
    found = await streams.feed(turn_about(nonsense * 9, stream(2, fall())))
    assert rows(found) == [2]
    assert UNJUDGED._value.get() - before > 10


async def test_longest_silent_wrist_is_let_go_not_the_one_that_came_first(model: FallModel) -> None:
    falling = stream(0, fall())
    (finding,) = await FallStreams(model, 1).feed(falling)
    cut = [at for _, at, _ in falling].index(finding.at_ms)  # the burst that decides
    streams = FallStreams(model, 2)
    await streams.feed([*falling[:2], *stream(1, walk(2)), *falling[2:cut], *stream(2, walk(2))])
    assert rows(await streams.feed(falling[cut:])) == [0]
    assert STREAMS._value.get() == 2


async def test_wrist_that_was_let_go_has_forgotten_its_past(model: FallModel) -> None:
    falling = stream(0, fall())
    (finding,) = await FallStreams(model, 1).feed(falling)
    cut = [at for _, at, _ in falling].index(finding.at_ms)
    streams = FallStreams(model, 1)
    assert await streams.feed([*falling[:cut], *stream(1, walk(2)), *falling[cut:]]) == []


async def test_watch_that_changes_its_rate_starts_anew(model: FallModel) -> None:
    streams = FallStreams(model, 2)
    await streams.feed(stream(0, walk(5), rate_hz=25.0))
    assert rows(await streams.feed(stream(0, fall()))) == [0]
    assert STREAMS._value.get() == 1


async def test_without_a_model_bursts_are_counted_and_nothing_else_happens() -> None:
    streams = FallStreams(None, 10)
    before, sent = UNJUDGED._value.get(), stream(0, fall())
    assert await streams.feed(sent) == []
    assert not streams.judging
    assert UNJUDGED._value.get() - before == len(sent)


async def test_watch_that_restarts_is_told_of_once_however_the_replay_cuts_in(model: FallModel) -> None:
    """After a restart of the hub the last seconds are shown again: the same falls under the same names."""
    sent = stream(0, walk(8))
    later = sent[-1][1] + 1000 - START_MS
    sent += [(row, at + later, burst) for row, at, burst in stream(0, fall())]
    live = await FallStreams(model, 1).feed(sent)
    assert rows(live) == [0]
    restarted = FallStreams(model, 1)
    found = await restarted.feed(sent)
    assert [one.identity for one in found] == [one.identity for one in live]
    assert await restarted.feed(sent[-3:]) == []  # what the broker delivers again
