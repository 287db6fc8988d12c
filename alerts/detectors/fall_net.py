"""A small convolutional network over the seconds around an impact: it sees shapes that numbers of the window leave out.

It gets signals that do not depend on how the watch's axes lie. Learnt elsewhere; here is only its arithmetic. Some
networks also see the turn rate, others never: which are asked, the model decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from alerts.detectors.fall_features import G_MG

Floats = NDArray[np.float32]

BEFORE = 84  # samples before the impact: whoever claps, jogs or jumps has done so for seconds
CHANNELS = 6
TURN_CHANNELS = 2  # more, of the networks that see the turn rate
SMOOTH = 9  # samples whose mean is taken for gravity
REST = 20  # samples at the end of the window that say where gravity points then
STOOD = (50, 20)  # samples before the impact between which gravity's earlier direction is read
STRIDE = 2  # of the first layer
TAPS = (7, 5, 5)  # samples, or what is left of them, each layer sees
BINS = 8  # parts of the window that the last layer tells apart


def channels(accel_mg: NDArray[np.float64], turn_rad_s: NDArray[np.float64] | None = None) -> Floats:
    """Return the network's signals.

    Args:
        accel_mg: (n, BEFORE + 1 + after, 3) at 25 Hz, gravity included, the impact at row BEFORE.
        turn_rad_s: The turn rate of the same samples. Only how much it turns is used, never about what: on some watches
            the axes of the two sensors, or their clocks, do not agree.

    Returns:
        (n, BEFORE + 1 + after, CHANNELS): force, unrest, likeness of gravity's direction to that at the end and to
        that before, turn over 0.32 s, jerk; with the turn rate TURN_CHANNELS more, its size now and over 0.36 s.
    """
    a = np.asarray(accel_mg / G_MG, np.float32)
    force = _length(a) - 1
    level = _smooth(a)
    way = _way(level)
    turn = np.zeros_like(force)
    turn[:, SMOOTH - 1 :] = 1 - (way[:, SMOOTH - 1 :] * way[:, : 1 - SMOOTH]).sum(axis=2)
    jerk = np.zeros_like(force)
    jerk[:, 1:] = _length(a[:, 1:] - a[:, :-1])
    end, before = a[:, -REST:].mean(axis=1), a[:, BEFORE - STOOD[0] : BEFORE - STOOD[1]].mean(axis=1)
    signals = [
        np.sign(force) * np.log1p(np.abs(force) * 3),
        np.log(_length(a - level) + 0.03) * 0.5 + 1,
        (way @ _way(end)[:, :, None])[:, :, 0],
        (way @ _way(before)[:, :, None])[:, :, 0],
        turn,
        np.log(jerk + 0.03) * 0.5 + 1,
    ]
    if turn_rad_s is not None:
        w = np.asarray(turn_rad_s, np.float32)
        signals += [np.log(_length(v) + 0.1) * 0.5 + 0.5 for v in (w, _smooth(w))]
    return np.stack(signals, axis=2).astype(np.float32, copy=False)


def _smooth(a: Floats) -> Floats:
    half = SMOOTH // 2
    wide = np.concatenate([a[:, :1].repeat(half + 1, axis=1), a, a[:, -1:].repeat(half, axis=1)], axis=1)
    total = wide.cumsum(axis=1, dtype=np.float32)
    mean: Floats = ((total[:, SMOOTH:] - total[:, :-SMOOTH]) / SMOOTH).astype(np.float32, copy=False)
    return mean


def _length(v: Floats) -> Floats:
    length: Floats = np.sqrt((v * v).sum(axis=-1))
    return length


def _way(v: Floats) -> Floats:
    """Return the direction; next to nothing has none."""
    way: Floats = (v / np.maximum(_length(v), 0.05)[..., None]).astype(np.float32, copy=False)
    return way


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Net:
    """Three layers of convolutions, the mean of each part and the greatest of all, and a hidden layer.

    A layer's weights have the shape (taps x channels in, channels out), the taps in order of time.
    """

    first: Floats
    first_bias: Floats
    second: Floats
    second_bias: Floats
    third: Floats
    third_bias: Floats
    hidden: Floats  # (BINS + 1) x channels in, hidden ones out
    hidden_bias: Floats
    last: Floats
    last_bias: Floats

    def margin(self, signals: Floats) -> float:
        """Return how much a window, (rows, CHANNELS), looks like a fall: the logarithm of the odds."""
        x = _convolve(signals, self.first, self.first_bias, TAPS[0], STRIDE)
        x = _convolve(x, self.second, self.second_bias, TAPS[1], 1)
        even = len(x) // 2 * 2
        x = np.maximum(x[0:even:2], x[1:even:2])
        x = _convolve(x, self.third, self.third_bias, TAPS[2], 1)
        seen = np.concatenate([_parts(len(x)) @ x, x.max(axis=0)[None]])
        hidden = np.maximum(seen.ravel() @ self.hidden + self.hidden_bias, 0)
        return float(hidden @ self.last + self.last_bias)


def _convolve(x: Floats, weights: Floats, bias: Floats, taps: int, stride: int) -> Floats:
    rows, width = x.shape
    half = taps // 2
    wide = np.zeros((rows + 2 * half, width), np.float32)
    wide[half : half + rows] = x
    step = wide.strides
    # Each row of the view is the window one output sees.
    seen = np.lib.stride_tricks.as_strided(
        wide, ((rows - 1) // stride + 1, taps * width), (step[0] * stride, step[1]), writeable=False
    )
    out: Floats = np.maximum(seen @ weights + bias, 0)
    return out


@cache
def _parts(rows: int) -> Floats:
    """Return the matrix that takes the mean of each of BINS parts; parts of uneven length share a row."""
    parts = np.zeros((BINS, rows), np.float32)
    for k in range(BINS):
        since, until = k * rows // BINS, -(-(k + 1) * rows // BINS)
        parts[k, since:until] = 1 / (until - since)
    return parts


def mean_margin(
    nets: Sequence[Net], accel_mg: NDArray[np.float64], turn_rad_s: NDArray[np.float64] | None = None
) -> float:
    """Return the mean of the networks' margins on one window (rows, 3); the turn rate for those that learnt with it."""
    signals = channels(accel_mg[None], None if turn_rad_s is None else turn_rad_s[None])[0]
    return sum(net.margin(signals) for net in nets) / len(nets)
