"""Invented wrists: what sitting, walking, clapping and sitting down do to an accelerometer, written from physics."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
NOISE_G = 0.015
RANGE_G = 8.0


def wrist(kind: str, rate_hz: int, seconds: int, rng: np.random.Generator) -> NDArray[np.int16]:
    """Return (n, 3) in 1/1000 g of somebody who does one thing; every wrist is held otherwise."""
    t = np.arange(rate_hz * seconds) / rate_hz + rng.uniform(0, 60)
    still = MOTIONS[kind](t, rng) + rng.normal(0, NOISE_G, (len(t), 3))
    turned = still @ _turn(rng)
    return np.asarray(np.clip(turned, -RANGE_G, RANGE_G) * 1000, np.int16)


def _turn(rng: np.random.Generator) -> Floats:
    """A watch may sit on the arm in any way."""
    q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return np.asarray(q)


def _down(t: Floats) -> Floats:
    return np.stack([np.full_like(t, -1.0), np.zeros_like(t), np.zeros_like(t)], axis=1)


def _rest(t: Floats, _rng: np.random.Generator) -> Floats:
    """Breath and a reading hand."""
    out = _down(t)
    out[:, 1] += 0.02 * np.sin(2 * np.pi * 0.25 * t)
    return out


def _walk(t: Floats, rng: np.random.Generator) -> Floats:
    """Heel strikes of two a second reach the wrist, the arm swings at half of that; each step is a little different."""
    pace = rng.uniform(1.7, 2.1)
    number = np.floor(t * pace).astype(np.int64)
    force = rng.uniform(0.2, 0.5, int(number.max()) + 1)[number]
    strike = force * np.exp(-0.5 * (((t * pace) % 1 - 0.3) / 0.09) ** 2)
    swing = 0.3 * np.sin(np.pi * pace * t)
    out = _down(t)
    out[:, 0] -= strike
    out[:, 1] += swing
    out[:, 2] += 0.2 * swing
    return out


def _clap(t: Floats, rng: np.random.Generator) -> Floats:
    """Three claps a second of some 2.5 g on a level lower arm."""
    beat = np.maximum(0, np.cos(2 * np.pi * 3 * t + rng.uniform(0, 6))) ** 12
    out = _down(t)[:, [1, 0, 2]]
    out[:, 2] += 2.4 * beat - 0.8 * np.sin(2 * np.pi * 3 * t)
    return out


def _sit(t: Floats, rng: np.random.Generator) -> Floats:
    """Down and up again every twelve seconds, with a landing of about 0.6 g that the wrist feels."""
    phase = (t + rng.uniform(0, 12)) % 12
    landing = 0.6 * np.exp(-0.5 * ((phase - 3) / 0.09) ** 2)
    return np.asarray(_down(t) * (1 - 0.12 * np.exp(-0.5 * ((phase - 2.4) / 0.25) ** 2) + landing)[:, None])


MOTIONS: Mapping[str, Callable[[Floats, np.random.Generator], Floats]] = {
    "rest": _rest,
    "walk": _walk,
    "sit": _sit,
    "clap": _clap,
}
