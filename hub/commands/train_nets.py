"""Fit the fall model's networks: every window is turned, bent, clipped and dulled anew each time it is shown.

Another watch lies otherwise on the wrist, clips earlier, and its makers smooth: the networks shall not care.
Needs PyTorch (the extra `train`); the detector needs none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.detectors.fall_features import G_MG
from alerts.detectors.fall_net import BEFORE, BINS, CHANNELS, STRIDE, TAPS, TURN_CHANNELS, Net, channels

Floats = NDArray[np.float64]
Rng = np.random.Generator

WIDTHS = (20, 24, 24)  # channels out of each layer
HIDDEN = 24
BATCH = 96
RATE = 4e-3
DECAY = 0.02
DROP = 0.3
DOUBT = 0.02  # no window is quite certainly a fall or none
MARGIN = 16  # samples a window is wider, at either side, than what a bent one shows


def vary(windows: NDArray[np.float32], after: int, rng: Rng) -> Floats:
    """Return the windows as another wrist and another watch might have given them.

    Args:
        windows: (n, MARGIN + BEFORE + 1 + after + MARGIN, 3) in g; or (…, 6) with the turn rate in rad/s behind it.
        after: Samples after the impact to keep.
        rng: Decides how each is changed.

    Returns:
        (n, BEFORE + 1 + after, 3 or 6) in g and rad/s.
    """
    n = len(windows)

    def each(values: NDArray[Any]) -> Floats:
        return values.astype(np.float64)[:, None, None]

    bent, pace = _bend(windows, after, rng)
    moved = bent[:, :, :3]
    slow = _mean_of(moved, 9)
    moved = slow + (moved - slow) * each(np.exp(rng.uniform(-0.35, 0.35, n)))
    turn, corner = np.linalg.qr(rng.normal(size=(n, 3, 3)))
    # With these signs no direction is likelier; half of the turns mirror, as left is to right.
    moved = moved @ (turn * np.sign(np.diagonal(corner, axis1=1, axis2=2))[:, None, :])
    limit = each(_ranges(n, rng))
    moved = np.clip(moved, -limit, limit)
    dull = each(np.where(rng.random(n) < 0.3, rng.uniform(0.0, 0.75, n), 0.0))
    moved = (1 - dull) * moved + dull * _mean_of(moved, 3)
    changed: Floats = moved + rng.normal(0, 0.012, moved.shape)
    if windows.shape[2] == 3:
        return changed
    speed = bent[:, :, 3:] * each(pace * np.exp(rng.uniform(-0.25, 0.25, n)))
    return np.concatenate([changed, speed + rng.normal(0, 0.02, speed.shape)], axis=2)


def _ranges(n: int, rng: Rng) -> Floats:
    """Return in g where each sensor cuts off: one in five at 2 g, one in four between 2.5 and 4 g, the others never."""
    kind = rng.random(n)
    some, wide = rng.uniform(1.95, 2.05, n), rng.uniform(2.5, 4.0, n)
    return np.select([kind < 0.2, kind < 0.45], [some, wide], 50.0)


def _bend(windows: NDArray[np.float32], after: int, rng: Rng) -> tuple[Floats, Floats]:
    """Slower or quicker by a seventh, the impact up to two samples off, and now and then a history that begins late.

    Returns:
        The windows, and how much quicker each is.
    """
    n = len(windows)
    pace, off = np.exp(rng.uniform(-0.14, 0.14, n)), rng.integers(-2, 3, n)
    begins = np.where(rng.random(n) < 0.35, rng.integers(20, BEFORE + 1, n), 2 * BEFORE)
    at = np.arange(-BEFORE, after + 1) * pace[:, None] + off[:, None]
    at = np.maximum(at, -begins[:, None]) + BEFORE + MARGIN
    at = np.clip(at, 0, windows.shape[1] - 1.001)
    low = at.astype(np.int64)
    part = (at - low)[:, :, None]
    row = np.arange(n)[:, None]
    bent: Floats = windows[row, low] * (1 - part) + windows[row, low + 1] * part
    return bent, pace


def _mean_of(moved: Floats, length: int) -> Floats:
    half = length // 2
    wide = np.pad(moved, ((0, 0), (half + 1, half), (0, 0)), mode="edge").cumsum(axis=1)
    mean: Floats = (wide[:, length:] - wide[:, :-length]) / length
    return mean


@dataclass(frozen=True, kw_only=True, slots=True)
class Lesson:
    """One look's impacts to learn from: windows as `vary` wants them, 1 for a fall, and the data set of each."""

    after: int
    windows: NDArray[np.float32]
    label: NDArray[np.int64]
    dataset: NDArray[np.str_]


def chances(labels: NDArray[np.int64], dataset: NDArray[np.str_]) -> Floats:
    """Return how often each impact is shown: falls three times in ten, a data set by the root of its size."""
    chance = np.zeros(len(labels))
    for label, share in ((1, 0.3), (0, 0.7)):
        groups = [(labels == label) & (dataset == name) for name in np.unique(dataset)]
        total = sum(np.sqrt(g.sum()) for g in groups)
        for g in groups:
            chance[g] = share / total / np.sqrt(max(1, g.sum()))
    even: Floats = chance / chance.sum()
    return even


def fit_nets(lessons: Sequence[Lesson], seed: int, steps: int) -> list[Net]:
    """Fit one network: its convolutions are shared by the looks, which take turns; return one Net a look."""
    import torch  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415
    from torch import nn  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415

    seeing = lessons[0].windows.shape[2] > 3  # the turn rate
    torch.set_num_threads(1)  # the same sums in the same order
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    net = _layers(nn, len(lessons), CHANNELS + TURN_CHANNELS * seeing)
    learner = torch.optim.AdamW(net.parameters(), RATE, weight_decay=DECAY)
    pace = torch.optim.lr_scheduler.OneCycleLR(learner, RATE, total_steps=steps, pct_start=0.15)
    shares = [chances(lesson.label, lesson.dataset) for lesson in lessons]
    net.train()
    for step in range(steps):
        k = step % len(lessons)
        lesson = lessons[k]
        shown = rng.choice(len(lesson.label), BATCH, p=shares[k])
        varied = vary(lesson.windows[shown], lesson.after, rng)
        signals = channels(varied[:, :, :3] * G_MG, varied[:, :, 3:] if seeing else None)
        wanted = torch.from_numpy(lesson.label[shown].astype(np.float32)) * (1 - 2 * DOUBT) + DOUBT
        said = _forward(torch, net, torch.from_numpy(np.ascontiguousarray(signals.transpose(0, 2, 1))), k)
        loss = nn.functional.binary_cross_entropy_with_logits(said, wanted)
        learner.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call, unused-ignore]
        learner.step()
        pace.step()
    return [_export(net, k) for k in range(len(lessons))]


def _layers(nn: Any, looks: int, inputs: int) -> Any:
    """Return the network's parts."""
    parts: dict[str, Any] = {}
    for k, (width, taps) in enumerate(zip(WIDTHS, TAPS, strict=True)):
        parts[f"seen{k}"] = nn.Conv1d(inputs, width, taps, padding=taps // 2, stride=STRIDE if k == 0 else 1)
        parts[f"even{k}"] = nn.BatchNorm1d(width)
        inputs = width
    parts["drop"] = nn.Dropout(DROP)
    for k in range(looks):
        parts[f"hidden{k}"] = nn.Linear(inputs * (BINS + 1), HIDDEN)
        parts[f"last{k}"] = nn.Linear(HIDDEN, 1)
    return nn.ModuleDict(parts)


def _forward(torch: Any, net: Any, x: Any, look: int) -> Any:
    pooled = torch.nn.functional
    for k in range(len(WIDTHS)):
        x = torch.relu(net[f"even{k}"](net[f"seen{k}"](x)))
        if k == 1:
            x = pooled.max_pool1d(x, 2)
    seen = torch.cat([pooled.adaptive_avg_pool1d(x, BINS), x.amax(2, keepdim=True)], 2).transpose(1, 2).flatten(1)
    return net[f"last{look}"](torch.relu(net[f"hidden{look}"](net["drop"](seen))))[:, 0]


def _export(net: Any, look: int) -> Net:
    """Return the weights as the detector wants them, what evens the channels out folded in."""
    folded: list[NDArray[np.float32]] = []
    for k in range(len(WIDTHS)):
        seen, even = net[f"seen{k}"], net[f"even{k}"]
        weight, bias = _numbers(seen.weight), _numbers(seen.bias)
        gain = _numbers(even.weight) / np.sqrt(_numbers(even.running_var) + even.eps)
        weight = weight * gain[:, None, None]
        folded += [weight.transpose(2, 1, 0).reshape(-1, len(gain)), (bias - _numbers(even.running_mean)) * gain]
        folded[-1] = folded[-1] + _numbers(even.bias)
    hidden, last = net[f"hidden{look}"], net[f"last{look}"]
    folded += [_numbers(hidden.weight).T, _numbers(hidden.bias), _numbers(last.weight)[0], _numbers(last.bias)[0]]
    names = list(Net.__dataclass_fields__)
    # Half precision is written: three digits are more than the recordings carry.
    return Net(**{n: np.asarray(v, np.float16).astype(np.float32) for n, v in zip(names, folded, strict=True)})


def _numbers(tensor: Any) -> Any:
    return tensor.detach().numpy().astype(np.float64)
