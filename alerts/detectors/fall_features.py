"""What a wrist does around an impact, in numbers that do not depend on how the watch's axes lie."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RATE_HZ = 25  # every recording and every stream is brought to this rate
BEFORE = 50  # samples before the impact
G_MG = 1000.0

# Pieces of the window, in samples from the impact.
PRE = ((-50, -25), (-25, -12), (-12, 0))
POST = ((1, 7), (7, 15), (15, 25), (25, 40), (40, 62), (62, 75))


def impact_features(accel_mg: Floats) -> Floats:
    """Return the features of one impact.

    Args:
        accel_mg: (BEFORE + 1 + after, 3) at 25 Hz, gravity included, the impact at row BEFORE.

    Returns:
        A vector whose length depends on `after` only.
    """
    a = accel_mg / G_MG
    size = np.sqrt((a * a).sum(axis=1))
    step = np.diff(a, axis=0)
    jerk = np.sqrt((step * step).sum(axis=1))
    pieces = [p for p in (*PRE, *POST) if BEFORE + p[1] < len(a)]
    out = _peak(size, jerk) + _dip(size) + _posture(a, pieces) + _rhythm(size)
    for lo, hi in pieces:
        m, j, v = size[BEFORE + lo : BEFORE + hi], jerk[BEFORE + lo : BEFORE + hi], a[BEFORE + lo : BEFORE + hi]
        out += [float(m.std()), float(j.mean()), float(j.max()), float(m.max()), float(m.min()), float(m.mean())]
        out.append(float(np.sqrt(v.var(axis=0).sum())))
    return np.array(out)


def turn_features(turn_rad_s: Floats) -> Floats:
    """Return the features of the turn rate around one impact: how fast and how far the wrist turned, and when.

    Args:
        turn_rad_s: (BEFORE + 1 + after, 3) at 25 Hz, the impact at row BEFORE.

    Returns:
        A vector whose length depends on `after` only, the same however the axes lie.
    """
    size = np.sqrt((turn_rad_s * turn_rad_s).sum(axis=1))
    out: list[float] = []
    for lo, hi in [p for p in (*PRE, *POST) if BEFORE + p[1] < len(size)]:
        m, v = size[BEFORE + lo : BEFORE + hi], turn_rad_s[BEFORE + lo : BEFORE + hi]
        turned = v.sum(axis=0) / RATE_HZ
        out += [float(m.mean()), float(m.max()), float(np.sqrt(turned @ turned))]
    near = size[BEFORE - 12 : BEFORE + 13]
    out += [float(near.max()), float(near.argmax()), float(size[BEFORE]), float(size[BEFORE - 6 : BEFORE + 1].mean())]
    return np.array([*out, float((size[BEFORE + 8 :] > 1).mean()), float((size[:BEFORE] > 2).mean())])


def _peak(size: Floats, jerk: Floats) -> list[float]:
    top = np.sort(size)[::-1]
    near = size[BEFORE - 12 : BEFORE + 13]
    loudest = max(float(size[BEFORE]), 0.1)  # a stuck sensor reads 0
    return [
        float(size[BEFORE]),
        float(jerk[BEFORE - 13 : BEFORE + 12].max()),
        float(top[2]),
        float(top[5]),
        float((near > 1.4).sum()),
        float((near > 2.0).sum()),
        float((size[BEFORE + 1 :] > 1.3).sum()),
        float((size[:BEFORE] > 1.3).sum()),
        float(size[:BEFORE].max() / loudest),
        float(size[BEFORE + 8 :].max() / loudest),
        float(np.abs(size[BEFORE - 6 : BEFORE + 7] - 1).sum()),
    ]


def _dip(size: Floats) -> list[float]:
    """Weightlessness before the impact: how deep, how long, and the speed it would give."""
    fall = size[BEFORE - 25 : BEFORE + 1]
    lack = np.clip(1.0 - fall, 0.0, None)
    lowest = int(fall.argmin())
    speed = np.cumsum(fall[::-1] - 1.0)
    return [
        float(fall.min()),
        float((fall < 0.8).sum()),
        float((fall < 0.6).sum()),
        float(lack.sum()),
        float(lack[-13:].sum()),
        float(len(fall) - 1 - lowest),
        float(speed.min()),
        float(size[BEFORE - 3 : BEFORE + 10].sum() - 13.0),
        float(size[BEFORE + 1 :].min()),
    ]


def _posture(a: Floats, pieces: list[tuple[int, int]]) -> list[float]:
    """How far gravity's direction turned, and whether it turns still."""
    means = [a[BEFORE + lo : BEFORE + hi].mean(axis=0) for lo, hi in pieces]
    first, last = means[0], means[-1]
    out = [_angle(first, last), _angle(means[1], last), _angle(means[2], last)]
    out += [_angle(x, y) for x, y in pairwise(means[2:])]
    return [*out, float(np.linalg.norm(last)), float(np.linalg.norm(first)), float(np.linalg.norm(last - first))]


def _angle(x: Floats, y: Floats) -> float:
    scale = float(np.linalg.norm(x) * np.linalg.norm(y))
    return float(np.arccos(np.clip(float(x @ y) / scale, -1.0, 1.0))) if scale > 1e-9 else 0.0


def _rhythm(size: Floats) -> list[float]:
    """Walking, clapping and jumping repeat themselves; a fall does not."""
    x = size - size.mean()
    power = float(x @ x) + 1e-9
    echo = [float(x[:-lag] @ x[lag:]) / power for lag in range(5, 32)]
    spectrum = np.abs(np.fft.rfft(x)) ** 2
    hz = np.fft.rfftfreq(len(x), 1 / RATE_HZ)
    total = float(spectrum.sum()) + 1e-9
    bands = [
        float(spectrum[(hz >= lo) & (hz < hi)].sum()) / total for lo, hi in ((0, 1), (1, 2), (2, 4), (4, 7), (7, 13))
    ]
    inner = size[1:-1]
    tops = (inner > size[:-2]) & (inner >= size[2:])
    return [max(echo), *bands, float((tops & (inner > 1.2)).sum()), float((tops & (inner > 1.6)).sum()), power]
