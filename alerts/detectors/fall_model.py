"""The trained fall model: forests of trees and small networks as plain arrays, one pair a look at an impact.

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
class Stage:
    """One look at an impact, `after` samples (at 25 Hz) later."""

    after: int
    threshold: float  # probability from which it alarms
    dismiss: float  # probability below which later looks are spared
    forest: Forest
    nets: tuple[Net, ...]

    def probability(self, accel_mg: NDArray[np.float64]) -> float:
        """Return how likely an impact is a fall, 0 to 1.

        Args:
            accel_mg: (BEFORE + 1 + after, 3) at 25 Hz, the impact at row BEFORE.
        """
        share = self.forest.probability(fall_features.impact_features(accel_mg[EARLIER:]))
        if share < HARMLESS:
            return share / 2
        margin = mean_margin(self.nets, accel_mg)
        net = 1.0 / (1.0 + exp(-min(max(margin, -40.0), 40.0)))
        return (share + net) / 2


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
            for name in Forest.__dataclass_fields__:
                out[f"{name}{k}"] = np.asarray(getattr(stage.forest, name))
            for name in Net.__dataclass_fields__:
                out[f"{name}{k}"] = np.array([getattr(net, name) for net in stage.nets]).astype(np.float16)
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


def _stage(arrays: Mapping[str, NDArray[Any]], k: int) -> Stage:
    forest: dict[str, Any] = {name: arrays[f"{name}{k}"] for name in Forest.__dataclass_fields__}
    nets = {name: arrays[f"{name}{k}"].astype(np.float32) for name in Net.__dataclass_fields__}
    return Stage(
        after=int(arrays[f"after{k}"]),
        threshold=float(arrays[f"threshold{k}"]),
        dismiss=float(arrays[f"dismiss{k}"]),
        forest=Forest(**(forest | {"depth": int(forest["depth"])})),
        nets=tuple(Net(**{name: values[i] for name, values in nets.items()}) for i in range(len(nets["last_bias"]))),
    )
