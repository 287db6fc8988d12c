"""The trained fall model: forests of trees and small networks as plain arrays, one pair a look at an impact.

Where a watch tells its turn rate, a second pair is asked that was learnt with it. The first pair never saw one, so that
its absence says nothing.
Trained by `carehub train falls`; needs numpy alone. What it was learnt from and how well it does: fall_model.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.detectors import fall_features
from alerts.detectors.fall_net import BEFORE, Net, mean_margin
from alerts.model import AlertError

EARLIER = BEFORE - fall_features.BEFORE  # samples that only the networks look at
TURNED = "_turned"  # ends the names of arrays of those who learnt with the turn rate
Floats = NDArray[np.float64]
TREES_SAY = 0.25  # of an opinion, the networks the rest: they carry over to watches that smooth or read otherwise
HARMLESS = 0.03  # a share of falls among the like below which the networks are not asked: most of what walking does


class ModelError(AlertError):
    """A model file does not hold what this version of the detector needs."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Forest:
    """Random trees; the arrays have shape (trees, nodes); a leaf is its own child."""

    feature: NDArray[np.int16]
    limit: NDArray[np.float32]
    left: NDArray[np.int16]
    right: NDArray[np.int16]
    share: NDArray[np.float32]  # of the impacts learnt from in a leaf, how many were falls
    depth: int

    def probability(self, features: NDArray[np.float64]) -> float:
        """Return the trees' mean."""
        features = features.astype(np.float32)
        trees, nodes = self.share.shape
        root = np.arange(0, trees * nodes, nodes)
        at = root
        # One flat index is half the time of two.
        feature, limit = self.feature.ravel(), self.limit.ravel()
        left, right = self.left.ravel(), self.right.ravel()
        for _ in range(self.depth):
            lower = features.take(feature.take(at)) <= limit.take(at)
            at = root + np.where(lower, left.take(at), right.take(at))
        return float(self.share.ravel().take(at).mean())


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Turned:
    """The second opinion, of those who learnt with the turn rate, and the limit of both opinions together."""

    threshold: float
    forest: Forest
    nets: tuple[Net, ...]

    def opinion(self, features: Floats, accel_mg: Floats, turn_rad_s: Floats) -> float:
        """Return how likely an impact is a fall; the features are those of its acceleration."""
        turning = fall_features.turn_features(turn_rad_s[EARLIER:])
        share = self.forest.probability(np.concatenate([features, turning]))
        return _together(share, mean_margin(self.nets, accel_mg, turn_rad_s))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Stage:
    """One look at an impact, `after` samples (at 25 Hz) later."""

    after: int
    threshold: float  # probability from which it alarms where the turn rate is not known
    dismiss: float  # probability below which later looks are spared
    forest: Forest
    nets: tuple[Net, ...]
    turned: Turned | None = None

    def limit(self, *, turning: bool) -> float:
        """Return the probability from which it alarms, with and without the turn rate."""
        return self.turned.threshold if turning and self.turned else self.threshold

    def probability(self, accel_mg: Floats, turn_rad_s: Floats | None = None) -> float:
        """Return how likely an impact is a fall, 0 to 1.

        Args:
            accel_mg: (BEFORE + 1 + after, 3) at 25 Hz, the impact at row BEFORE.
            turn_rad_s: The turn rate of the same samples where it is known.
        """
        features = fall_features.impact_features(accel_mg[EARLIER:])
        share = self.forest.probability(features)
        if share < HARMLESS:
            return TREES_SAY * share
        first = _together(share, mean_margin(self.nets, accel_mg))
        if self.turned is None or turn_rad_s is None:
            return first
        return (first + self.turned.opinion(features, accel_mg, turn_rad_s)) / 2


def _together(share: float, margin: float) -> float:
    """Return how likely a fall is by the trees' share and the networks' margin."""
    return TREES_SAY * share + (1 - TREES_SAY) / (1.0 + exp(-min(max(margin, -40.0), 40.0)))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FallModel:
    """The looks in order of time; the first that is sure enough alarms."""

    stages: tuple[Stage, ...]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of a model file; `from_arrays` reads them back."""
        out: dict[str, NDArray[Any]] = {"stages": np.array(len(self.stages))}
        for k, stage in enumerate(self.stages):
            for name in ("after", "threshold", "dismiss"):
                out[f"{name}{k}"] = np.asarray(getattr(stage, name))
            out |= _pair_arrays(stage.forest, stage.nets, f"{k}")
            if stage.turned:
                out[f"threshold{k}{TURNED}"] = np.asarray(stage.turned.threshold)
                out |= _pair_arrays(stage.turned.forest, stage.turned.nets, f"{k}{TURNED}")
        return out

    @staticmethod
    def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> "FallModel":
        """Build the model from a file's arrays.

        Raises:
            ModelError: An array is missing: the file belongs to another version; train again.
        """
        try:
            return FallModel(stages=tuple(_stage(arrays, k) for k in range(int(arrays["stages"]))))
        except KeyError as missing:
            raise ModelError(f"the fall model lacks {missing}: write it anew with `carehub train falls`") from missing


def _pair_arrays(forest: Forest, nets: tuple[Net, ...], end: str) -> dict[str, NDArray[Any]]:
    trees = {f"{name}{end}": np.asarray(getattr(forest, name)) for name in Forest.__dataclass_fields__}
    return trees | {
        f"{name}{end}": np.array([getattr(net, name) for net in nets]).astype(np.float16)
        for name in Net.__dataclass_fields__
    }


def _pair(arrays: Mapping[str, NDArray[Any]], end: str) -> tuple[Forest, tuple[Net, ...]]:
    forest: dict[str, Any] = {name: arrays[f"{name}{end}"] for name in Forest.__dataclass_fields__}
    nets = {name: arrays[f"{name}{end}"].astype(np.float32) for name in Net.__dataclass_fields__}
    return (
        Forest(**(forest | {"depth": int(forest["depth"])})),
        tuple(Net(**{name: values[i] for name, values in nets.items()}) for i in range(len(nets["last_bias"]))),
    )


def _stage(arrays: Mapping[str, NDArray[Any]], k: int) -> Stage:
    forest, nets = _pair(arrays, f"{k}")
    turned = None
    if f"threshold{k}{TURNED}" in arrays:
        second, seeing = _pair(arrays, f"{k}{TURNED}")
        turned = Turned(threshold=float(arrays[f"threshold{k}{TURNED}"]), forest=second, nets=seeing)
    return Stage(
        after=int(arrays[f"after{k}"]),
        threshold=float(arrays[f"threshold{k}"]),
        dismiss=float(arrays[f"dismiss{k}"]),
        forest=forest,
        nets=nets,
        turned=turned,
    )
