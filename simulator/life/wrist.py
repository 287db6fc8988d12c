"""A wrist in time: how the arm is held, what pushes it, what carries it; drawn fine, then sampled as a watch samples.

Acceleration is gravity along the arm's pose times what is left of the support, plus pushes. The turn rate follows from
the turning of the pose, so both sensors tell one story. 1 g = 9.80665 m/s².
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from simulator.life.model import Motion

Reals: TypeAlias = NDArray[np.float64]

FINE_HZ = 208.0
RATES_HZ = (20.0, 104.0)
RANGES_G = (2.0, 16.0)
TURN_RANGE_RAD_S = 34.9  # 2,000 degrees a second
# Gravity in the watch's frame: x along the forearm to the hand, y along the strap, z out of the glass.
HANGS = np.array([-0.95, 0.08, -0.25])
IN_LAP = np.array([-0.25, -0.2, 0.93])
ON_TABLE = np.array([-0.05, -0.1, 0.98])
AT_MOUTH = np.array([0.55, -0.45, 0.6])
BEFORE_HER = np.array([-0.2, -0.75, 0.55])
REACHES_DOWN = np.array([-0.75, -0.35, 0.5])
BESIDE_IN_BED = np.array([0.08, 0.25, 0.95])
UNDER_HER = np.array([0.1, 0.92, 0.35])
ALONG_ARM = np.array([0.8, 0.0, 0.0])
FLUNG_UP = np.array([0.6, 0.55, -0.5])


class Wrist:
    """One stretch of time at FINE_HZ that deeds and falls draw into."""

    def __init__(self, seconds: float, rng: np.random.Generator, *, tremor_g: float = 0.006) -> None:
        count = max(2, round(seconds * FINE_HZ))
        self.rng = rng
        self.t: Reals = np.arange(count) / FINE_HZ
        self.support = np.ones(count)
        self.push = np.zeros((count, 3))
        self.twist = np.zeros((count, 3))  # rad/s beyond what the pose's turning gives
        self._tremor_g = tremor_g
        self._poses: list[tuple[float, Reals]] = []
        self._sway = np.zeros((count, 3))  # small turning of the pose

    def pose(self, at_s: float, way: Reals, spread: float = 0.12) -> Reals:
        """Hold the arm so from `at_s` on; between two poses it turns. Nobody holds it the same twice."""
        held = _unit(way + self.rng.normal(0, spread, 3))
        self._poses.append((at_s, held))
        return held

    def sway(self, wave: Reals, axis: Reals) -> None:
        """Turn the pose back and forth by a wave, in radians."""
        self._sway += np.outer(wave, _unit(axis))

    def blow(self, at_s: float, size_g: float, width_s: float, way: Reals | None = None) -> None:
        """A push of a bell's shape, its area nothing in the end: what is pushed is stopped again."""
        along = _unit(self.rng.normal(0, 1, 3) if way is None else way + self.rng.normal(0, 0.3, 3))
        self.push += np.outer(size_g * self.bump(at_s, width_s), along)

    def ring(self, at_s: float, size_g: float, hz: float, fades_s: float) -> None:
        """Whatever was hit swings for a moment."""
        since = np.maximum(self.t - at_s, 0)
        wave = size_g * np.sin(2 * np.pi * hz * since) * np.exp(-since / fades_s) * (self.t >= at_s)
        self.push += np.outer(wave, _unit(self.rng.normal(0, 1, 3)))

    def lose(self, since_s: float, until_s: float, left: float) -> None:
        """Lose the support down to `left` of it between two times."""
        inside = np.clip((self.t - since_s) / 0.12, 0, 1) * np.clip((until_s - self.t) / 0.03, 0, 1)
        self.support = self.support * (1 - (1 - left) * inside)

    def bump(self, at_s: float, width_s: float) -> Reals:
        bell: Reals = np.exp(-0.5 * ((self.t - at_s) / width_s) ** 2)
        return bell

    def between(self, since_s: float, until_s: float, soft_s: float = 0.25) -> Reals:
        """Return 1 between two times, 0 outside, with soft edges."""
        edge: Reals = np.clip((self.t - since_s) / soft_s, 0, 1) * np.clip((until_s - self.t) / soft_s, 0, 1)
        return edge

    def noise(self, slowest_hz: float, fastest_hz: float) -> Reals:
        """Return (n, 3) noise of unit size within a band: what no two movements have in common."""
        count = len(self.t)
        hz = np.fft.rfftfreq(count, 1 / FINE_HZ)
        spectrum = np.fft.rfft(self.rng.normal(0, 1, (count, 3)), axis=0)
        spectrum[(hz < slowest_hz) | (hz > fastest_hz)] = 0
        wave: Reals = np.fft.irfft(spectrum, count, axis=0)
        return wave / max(float(wave.std()), 1e-9)

    def sampled(self, rate_hz: float, range_g: float, impact_s: float | None = None) -> Motion:
        """Return what a watch with this rate and range makes of it: averaged over a sample, cut off, in whole units."""
        direction = self._direction()
        turning = np.cross(np.gradient(direction, 1 / FINE_HZ, axis=0), direction) + self.twist
        felt = direction * self.support[:, None] + self.push
        felt = felt + self._tremor_g * self.noise(4, 9) + 0.008 * self.rng.normal(0, 1, felt.shape)
        turning = turning + self._tremor_g * 2.5 * self.noise(3, 9) + 0.012 * self.rng.normal(0, 1, felt.shape)
        accel = np.clip(_resampled(felt, rate_hz) * 1000, -1000 * range_g, 1000 * range_g)
        turn = np.clip(_resampled(turning, rate_hz), -TURN_RANGE_RAD_S, TURN_RANGE_RAD_S) / 0.002
        return Motion(
            accel_mg=np.clip(np.rint(accel), -32767, 32767).astype(np.int16), gyro_2mrad=np.rint(turn).astype(np.int16),
            rate_hz=rate_hz, range_g=range_g, impact_s=impact_s,
        )  # fmt: skip

    def _direction(self) -> Reals:
        """Return (n, 3) unit vectors: from pose to pose in soft curves, with the sway on top."""
        self._poses.sort(key=lambda each: each[0])
        times = np.array([at for at, _ in self._poses])
        ways = np.array([way for _, way in self._poses])
        after = np.clip(np.searchsorted(times, self.t, side="right"), 1, max(len(times) - 1, 1))
        before = np.minimum(after - 1, len(times) - 1)
        after = np.minimum(after, len(times) - 1)
        span = np.maximum(times[after] - times[before], 1e-6)
        share = np.clip((self.t - times[before]) / span, 0, 1)
        soft = (share * share * (3 - 2 * share))[:, None]
        held = ways[before] * (1 - soft) + ways[after] * soft
        turned = held + np.cross(self._sway, held)
        direction: Reals = turned / np.linalg.norm(turned, axis=1, keepdims=True)
        return direction


def joined(parts: list[Motion]) -> Motion:
    """Return several motions as one; an impact in one of them keeps its time."""
    before, impact = 0.0, None
    for part in parts:
        if part.impact_s is not None and impact is None:
            impact = before + part.impact_s
        before += part.seconds
    return Motion(
        accel_mg=np.concatenate([part.accel_mg for part in parts]),
        gyro_2mrad=np.concatenate([part.gyro_2mrad for part in parts]),
        rate_hz=parts[0].rate_hz, range_g=parts[0].range_g, impact_s=impact,
    )  # fmt: skip


def bursts(motion: Motion, every_s: float = 0.1) -> list[slice]:
    """Cut into what a watch sends at a time, every 100 ms say: five samples at 50 Hz."""
    size = max(1, round(motion.rate_hz * every_s))
    return [slice(start, min(start + size, len(motion.accel_mg))) for start in range(0, len(motion.accel_mg), size)]


def _resampled(values: Reals, rate_hz: float) -> Reals:
    """Average over one period of the watch's rate: that keeps out what the rate cannot show."""
    count = max(1, int(len(values) / FINE_HZ * rate_hz))
    edges = np.arange(count + 1) * FINE_HZ / rate_hz
    total = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    whole = np.minimum(edges.astype(np.int64), len(values) - 1)
    upto = total[whole] + (edges - whole)[:, None] * values[whole]
    averaged: Reals = np.diff(upto, axis=0) / (FINE_HZ / rate_hz)
    return averaged


def _unit(vector: Reals) -> Reals:
    unit: Reals = vector / max(float(np.linalg.norm(vector)), 1e-9)
    return unit
