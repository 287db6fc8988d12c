"""The network's arithmetic: checked against loops that anybody can read, and blind to how the watch lies."""

import numpy as np
import pytest
from numpy.typing import NDArray

from alerts.detectors.fall_net import BEFORE, BINS, CHANNELS, STRIDE, TAPS, Net, channels, mean_margin

from . import motions

WIDTHS = (4, 5, 3)
HIDDEN = 6
Floats = NDArray[np.float32]


def some_net(seed: int = 1) -> Net:
    rng = np.random.default_rng(seed)

    def weights(*shape: int) -> Floats:
        return rng.normal(0, 0.4, shape).astype(np.float32)

    into = (CHANNELS, *WIDTHS)
    first, second, third = (weights(taps * into[k], WIDTHS[k]) for k, taps in enumerate(TAPS))
    return Net(
        first=first, first_bias=weights(WIDTHS[0]), second=second, second_bias=weights(WIDTHS[1]),
        third=third, third_bias=weights(WIDTHS[2]), hidden=weights((BINS + 1) * WIDTHS[2], HIDDEN),
        hidden_bias=weights(HIDDEN), last=weights(HIDDEN), last_bias=weights(1)[0],
    )  # fmt: skip


def layer(x: Floats, weights: Floats, bias: Floats, taps: int, stride: int) -> Floats:
    out = []
    for centre in range(0, len(x), stride):
        total = bias.astype(np.float64)
        for tap in range(taps):
            at = centre + tap - taps // 2
            if 0 <= at < len(x):
                total = total + x[at] @ weights.reshape(taps, x.shape[1], -1)[tap]
        out.append(np.maximum(total, 0))
    return np.array(out, np.float32)


def plainly(net: Net, signals: Floats) -> float:
    x = layer(signals, net.first, net.first_bias, TAPS[0], STRIDE)
    x = layer(x, net.second, net.second_bias, TAPS[1], 1)
    x = np.array([np.maximum(x[k], x[k + 1]) for k in range(0, len(x) - 1, 2)])
    x = layer(x, net.third, net.third_bias, TAPS[2], 1)
    edges = [(k * len(x) // BINS, -(-(k + 1) * len(x) // BINS)) for k in range(BINS)]
    seen = [x[since:until].mean(axis=0) for since, until in edges] + [x.max(axis=0)]
    return float(np.maximum(np.concatenate(seen) @ net.hidden + net.hidden_bias, 0) @ net.last + net.last_bias)


def window(after: int, motion: motions.Path = motions.fall) -> NDArray[np.float64]:
    stream = motions.samples(25, 12, motion).astype(np.float64)
    return stream[125 - BEFORE : 125 + after + 1]


@pytest.mark.parametrize("after", [40, 48, 50, 72, 75])
def test_network_adds_up_as_loops_do(after: int) -> None:
    (signals,) = channels(window(after)[None])
    assert signals.shape == (BEFORE + 1 + after, CHANNELS)
    assert some_net().margin(signals) == pytest.approx(plainly(some_net(), signals), abs=1e-4)


def test_networks_are_heard_alike() -> None:
    nets = [some_net(1), some_net(2)]
    alone = [mean_margin([net], window(48)) for net in nets]
    assert mean_margin(nets, window(48)) == pytest.approx(sum(alone) / 2)


def test_signals_do_not_depend_on_how_the_watch_lies() -> None:
    seen = channels(window(72)[None])
    rng = np.random.default_rng(7)
    for _ in range(5):
        turned, _ = np.linalg.qr(rng.normal(size=(3, 3)))
        assert channels((window(72) @ turned)[None]) == pytest.approx(seen, abs=1e-4)


def test_windows_side_by_side_are_seen_as_each_alone() -> None:
    both = np.stack([window(48), window(48, motions.clap)])
    assert channels(both)[1] == pytest.approx(channels(both[1:])[0], abs=1e-5)


def test_stuck_sensor_has_signals_without_meaning_but_finite() -> None:
    for value in (0.0, 32767.0):
        assert np.isfinite(channels(np.full((1, BEFORE + 49, 3), value))).all()
