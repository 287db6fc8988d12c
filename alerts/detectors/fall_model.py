"""A boosted ensemble of small trees as plain arrays: how much does an impact look like a fall?"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.model import AlertError


class ModelError(AlertError):
    """A model file does not hold what this version of the detector needs."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Stage:
    """One look at an impact, `after` samples (at 25 Hz) later.

    The trees' arrays have shape (trees, nodes); a leaf is its own child.
    """

    after: int
    threshold: float  # probability from which it alarms
    dismiss: float  # probability below which later looks are spared
    baseline: float
    feature: NDArray[np.int16]
    limit: NDArray[np.float64]
    left: NDArray[np.int16]
    right: NDArray[np.int16]
    value: NDArray[np.float64]
    depth: int

    def probability(self, features: NDArray[np.float64]) -> float:
        """Return how likely these features are a fall, 0 to 1."""
        tree = np.arange(len(self.value))
        node = np.zeros(len(tree), np.int16)
        for _ in range(self.depth):
            x = features[self.feature[tree, node]]
            node = np.where(x <= self.limit[tree, node], self.left[tree, node], self.right[tree, node])
        margin = self.baseline + float(self.value[tree, node].sum())
        return 1.0 / (1.0 + exp(-min(max(margin, -40.0), 40.0)))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FallModel:
    """The looks in order of time; the first that is sure enough alarms."""

    stages: tuple[Stage, ...]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of a model file; `from_arrays` reads them back."""
        out: dict[str, NDArray[Any]] = {"stages": np.array(len(self.stages))}
        for k, stage in enumerate(self.stages):
            for name in Stage.__dataclass_fields__:
                out[f"{name}{k}"] = np.asarray(getattr(stage, name))
        return out

    @staticmethod
    def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> "FallModel":
        """Build the model from a file's arrays.

        Raises:
            ModelError: An array is missing: the file belongs to another version; train again.
        """
        scalars: dict[str, type] = {"after": int, "depth": int, "threshold": float, "dismiss": float, "baseline": float}

        def read(name: str, k: int) -> Any:
            return scalars.get(name, np.asarray)(arrays[f"{name}{k}"])

        try:
            stages = tuple(
                Stage(**{n: read(n, k) for n in Stage.__dataclass_fields__}) for k in range(int(arrays["stages"]))
            )
        except KeyError as missing:
            raise ModelError(f"the fall model lacks {missing}: write it anew with `carehub train falls`") from missing
        return FallModel(stages=stages)
