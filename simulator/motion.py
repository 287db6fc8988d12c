"""What a wrist feels: walking, a fall (stagger, free fall, impact, stillness) and lying still, from physics.

1 g = 9.80665 m/s². Whoever tips over from standing loses most of the support for half a second and throws the arms; the
wrist hits the floor with 4 to 6 g within some 50 ms and bounces once or twice; then gravity lies along another axis of
the watch.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 50.0
RANGE_MG = 8000  # the sensor saturates here
_UP = np.array([-0.96, 0.05, -0.25])  # the arm hangs
_LYING = np.array([0.1, 0.92, 0.35])


@dataclass(frozen=True, kw_only=True)
class Motion:
    """Wrist samples at 50 Hz, gravity included."""

    accel_mg: NDArray[np.int16]  # (n, 3)
    gyro_2mrad: NDArray[np.int16]  # (n, 3), 0.002 rad/s
    rate_hz: float = RATE_HZ

    @property
    def seconds(self) -> float:
        return len(self.accel_mg) / self.rate_hz


def walking(seconds: float, rng: np.random.Generator) -> Motion:
    """An old person's walk: 1.7 steps a second, the arm swings with every second step."""
    t = _times(seconds)
    step_hz = rng.normal(1.7, 0.06)
    bounce = 0.16 * np.sin(2 * np.pi * step_hz * t)
    swing = 0.2 * np.sin(np.pi * step_hz * t + rng.uniform(0, 6.28))
    accel = _along(_UP, 1.0 + bounce) + np.outer(swing, [1.0, 0.2, 0.0])
    gyro = np.outer(1.3 * np.cos(np.pi * step_hz * t), [0.1, 1.0, 0.15])
    return _sampled(accel, gyro, rng, noise_g=0.03)


def sitting(seconds: float, rng: np.random.Generator) -> Motion:
    """A wrist on an armrest, moving a little now and then."""
    t = _times(seconds)
    fidget = 0.04 * np.sin(2 * np.pi * 0.3 * t) * (np.sin(2 * np.pi * 0.05 * t) > 0.4)
    held = _along(_UP, np.ones_like(t)) + np.outer(fidget, [1, 1, 0])
    return _sampled(held, np.zeros((len(t), 3)), rng, noise_g=0.008)


def lying(seconds: float, rng: np.random.Generator) -> Motion:
    """After the fall: nothing but breathing."""
    t = _times(seconds)
    breath = 0.006 * np.sin(2 * np.pi * 0.25 * t)
    return _sampled(_along(_LYING, 1.0 + breath), np.zeros((len(t), 3)), rng, noise_g=0.006)


def falling(rng: np.random.Generator) -> Motion:
    """From the loss of balance until the last bounce: 2.4 s or so."""
    impact_s = rng.uniform(1.1, 1.3)
    t = _times(impact_s + 1.2)
    turned = np.clip((t - impact_s + 0.5) / rng.uniform(0.6, 0.75), 0.0, 1.0)
    losing = (t >= impact_s - rng.uniform(0.5, 0.65)) & (t < impact_s - 0.04)
    support = np.where(losing, 1.0 - rng.uniform(0.65, 0.8) * np.clip((t - impact_s + 0.6) / 0.35, 0.0, 1.0), 1.0)
    direction = _unit(np.outer(np.cos(turned * np.pi / 2), _UP) + np.outer(np.sin(turned * np.pi / 2), _LYING))
    flail = np.outer(_bump(t, impact_s - 0.45, 0.12), _sideways(rng, 1.1))
    blow = np.outer(_bump(t, impact_s, 0.04), _sideways(rng, rng.uniform(4.2, 5.4), along=_LYING))
    echoes = np.outer(_bump(t, impact_s + 0.22, 0.05), _sideways(rng, 2.2))
    echoes += np.outer(_bump(t, impact_s + 0.5, 0.08), _sideways(rng, 0.6))
    speed = 4.5 * _bump(t, impact_s - 0.25, 0.18) + 3.0 * _bump(t, impact_s + 0.05, 0.08)
    gyro = np.outer(speed, _unit(rng.normal(0, 1, (1, 3)))[0])
    return _sampled(direction * support[:, None] + flail + blow + echoes, gyro, rng, noise_g=0.03)


def fall_of_a_walker(rng: np.random.Generator, *, before_s: float = 12.0, after_s: float = 25.0) -> Motion:
    """Walk, fall, lie still: the whole story as the watch would stream it."""
    parts = [walking(before_s, rng), falling(rng), lying(after_s, rng)]
    return Motion(
        accel_mg=np.concatenate([part.accel_mg for part in parts]),
        gyro_2mrad=np.concatenate([part.gyro_2mrad for part in parts]),
    )


def bursts(motion: Motion, every_s: float = 0.1) -> list[slice]:
    """Cut into what the watch sends each 100 ms: five samples at 50 Hz."""
    size = max(1, round(motion.rate_hz * every_s))
    return [slice(start, min(start + size, len(motion.accel_mg))) for start in range(0, len(motion.accel_mg), size)]


def _bump(t: NDArray[np.float64], at: float, width_s: float) -> NDArray[np.float64]:
    return np.asarray(np.exp(-0.5 * ((t - at) / width_s) ** 2))


def _sideways(rng: np.random.Generator, size: float, along: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """A push of this size in g: any way, or roughly along a direction."""
    way = rng.normal(0, 1.0, (1, 3)) if along is None else along[None, :] + rng.normal(0, 0.35, (1, 3))
    return np.asarray(size * _unit(way)[0])


def _times(seconds: float) -> NDArray[np.float64]:
    return np.asarray(np.arange(round(seconds * RATE_HZ)) / RATE_HZ, dtype=np.float64)


def _along(direction: NDArray[np.float64], magnitude: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.outer(magnitude, direction / np.linalg.norm(direction))


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float64)


def _sampled(
    accel_g: NDArray[np.float64], gyro_rad_s: NDArray[np.float64], rng: np.random.Generator, *, noise_g: float
) -> Motion:
    """Add the sensor's noise, cut at its range, round to its units."""
    felt = (accel_g + rng.normal(0, noise_g, accel_g.shape)) * 1000
    turned = (gyro_rad_s + rng.normal(0, 0.01, gyro_rad_s.shape)) / 0.002
    return Motion(
        accel_mg=np.clip(np.rint(felt), -RANGE_MG, RANGE_MG).astype(np.int16),
        gyro_2mrad=np.clip(np.rint(turned), -32000, 32000).astype(np.int16),
    )
