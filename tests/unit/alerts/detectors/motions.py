"""Wrist motions written from physics, at any rate: gravity, a swing, a drop, a blow. No recording behind them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Path = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def samples(rate_hz: float, seconds: float, path: Path, seed: int = 1, noise_g: float = 0.015) -> NDArray[np.int16]:
    """Return (n, 3) int16 in 1/1000 g of a motion given as acceleration in g over time in s."""
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    a = path(t) + np.random.default_rng(seed).normal(0, noise_g, (len(t), 3))
    return np.asarray(np.clip(a * 1000, -8000, 8000), np.int16)


def pose(t: NDArray[np.float64], turn_at: float, over_s: float, degrees: float) -> NDArray[np.float64]:
    """Gravity along -x (arm hanging), then turned into y around `turn_at`."""
    part = np.clip((t - turn_at) / over_s + 0.5, 0, 1)
    angle = np.deg2rad(degrees) * part
    return np.stack([-np.cos(angle), np.sin(angle), np.zeros_like(t)], axis=1)


def bump(t: NDArray[np.float64], at: float, width_s: float) -> NDArray[np.float64]:
    return np.asarray(np.exp(-0.5 * ((t - at) / width_s) ** 2))


def fall(t: NDArray[np.float64], at: float = 5.0) -> NDArray[np.float64]:
    """Standing; 0.6 s of losing ground and arms thrown; a blow of about 4 g with two echoes; then lying still."""
    g = pose(t, at - 0.15, 0.7, 85)
    weight = 1 - 0.75 * np.clip((t - (at - 0.6)) / 0.35, 0, 1) * (t < at - 0.04)
    flail = bump(t, at - 0.45, 0.12)[:, None] * np.array([0.5, -0.8, 0.6])
    blow = bump(t, at, 0.04)[:, None] * np.array([-2.0, 3.4, 1.8])
    echo = bump(t, at + 0.22, 0.05)[:, None] * np.array([0.7, -1.1, 0.9]) + bump(t, at + 0.5, 0.08)[:, None] * 0.35
    return np.asarray(g * weight[:, None] + flail + blow + echo)


def walk(t: NDArray[np.float64]) -> NDArray[np.float64]:
    """1.9 steps a second; heel strikes reach the wrist as 0.35 g, the arm swings at half that pace."""
    g = pose(t, 1e9, 1, 0)
    steps = 0.35 * np.sin(2 * np.pi * 1.9 * t) + 0.15 * np.sin(2 * np.pi * 3.8 * t + 1)
    swing = 0.35 * np.sin(2 * np.pi * 0.95 * t)
    return np.asarray(g + np.stack([steps, swing, 0.2 * swing], axis=1))


def clap(t: NDArray[np.float64]) -> NDArray[np.float64]:
    """Three claps a second, 2.5 g each, the lower arm held level."""
    g = pose(t, -10, 1, 80)
    beat = np.maximum(0, np.cos(2 * np.pi * 3 * t)) ** 12
    back = 0.8 * np.sin(2 * np.pi * 3 * t)
    return np.asarray(g + np.stack([0.2 * back, 0.3 * beat, 2.4 * beat - back], axis=1))


def sit_down(t: NDArray[np.float64], at: float = 5.0) -> NDArray[np.float64]:
    """A slow lowering, a soft landing of 0.6 g, hands put into the lap."""
    g = pose(t, at, 1.4, 60)
    weight = 1 - 0.12 * bump(t, at - 0.6, 0.25) + 0.6 * bump(t, at, 0.09)
    return np.asarray(g * weight[:, None])


def turning(rate_hz: float, seconds: float, path: Path, seed: int = 1) -> NDArray[np.int16]:
    """Return (n, 3) int16 in 0.002 rad/s: a fall turns the wrist by some 5 rad/s, a clap to and fro, rest hardly."""
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    rng = np.random.default_rng(seed)
    speeds: dict[Path, NDArray[np.float64]] = {
        fall: 5.0 * bump(t, 4.75, 0.18) - 3.0 * bump(t, 5.05, 0.08),
        walk: 1.3 * np.cos(2 * np.pi * 0.95 * t),
        clap: 1.6 * np.sin(2 * np.pi * 3 * t),
        sit_down: 0.9 * bump(t, 5.0, 0.6),
    }
    felt = np.outer(speeds.get(path, np.zeros_like(t)), [0.3, 0.9, 0.3]) + rng.normal(0, 0.02, (len(t), 3))
    return np.asarray(np.rint(felt / 0.002), np.int16)


def rest(t: NDArray[np.float64]) -> NDArray[np.float64]:
    return pose(t, 1e9, 1, 0)
