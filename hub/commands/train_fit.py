"""Fit the fall model's looks: trees and networks on acceleration, and a second pair that also sees the turn rate.

The first pair never sees a turn rate: which data set has one is not to be learnt. The second learns only from
recordings that have it, so nothing can be told by its absence.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from alerts.detectors.fall_model import FallModel, Forest, Stage, Turned
from alerts.detectors.fall_net import Net
from hub.commands.train_nets import chances, fit_nets
from hub.commands.train_recordings import Table

DISMISS = 0.02  # an impact less likely than this is not looked at again
NETS = 5  # on a watch never met, the answers of one seed and another differ by 40 falls of 223
TURN_NETS = 3
TREES = 150
NARROW = 0.25  # the weight of the impacts as a sensor of ±2 g would have shown them
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Limits = tuple[Sequence[float], Sequence[float]]  # by look: without the turn rate, and with it


def fit(tables: Sequence[Table], use: Mask, steps: int, *, turning: bool = True) -> list[Stage]:
    """Fit each look on the impacts of the recordings in `use`; `assemble` sets the limits.

    Without `turning`, or where no fall among them has a turn rate, there is no second pair.
    """
    chosen = [np.flatnonzero(use[t.recording] & (t.label >= 0)) for t in tables]
    forests, nets = _pairs(tables, chosen, steps, NETS, turning=False)
    known = [rows[t.turned[rows]] for t, rows in zip(tables, chosen, strict=True)]
    seconds: list[Turned | None] = [None] * len(tables)
    if turning and all((t.label[rows] == 1).any() for t, rows in zip(tables, known, strict=True)):
        trees, seeing = _pairs(tables, known, steps, TURN_NETS, turning=True)
        seconds = [Turned(threshold=1.0, forest=f, nets=n) for f, n in zip(trees, seeing, strict=True)]
    return [
        Stage(after=t.after, threshold=1.0, dismiss=0.0, forest=forest, nets=some, turned=second)
        for t, forest, some, second in zip(tables, forests, nets, seconds, strict=True)
    ]


def _pairs(
    tables: Sequence[Table], chosen: Sequence[NDArray[np.int64]], steps: int, nets: int, *, turning: bool
) -> tuple[list[Forest], list[tuple[Net, ...]]]:
    lessons = [t.lesson(rows, turning=turning) for t, rows in zip(tables, chosen, strict=True)]
    forests = [_forest(t, rows, turning=turning) for t, rows in zip(tables, chosen, strict=True)]
    learnt = [fit_nets(lessons, seed, steps) for seed in range(nets)]
    return forests, [tuple(net[k] for net in learnt) for k in range(len(tables))]


def _forest(table: Table, rows: NDArray[np.int64], *, turning: bool) -> Forest:
    """Fit the trees of one look on these impacts and on those of the same recordings at ±2 g."""
    features, label, weight = [], [], []
    shown: list[tuple[Table, NDArray[np.int64], float]] = [(table, rows, 1.0)]
    if table.narrow:
        known = np.isin(table.narrow.recording, table.recording[rows])
        shown = [(table, rows, 1 - NARROW), (table.narrow, np.flatnonzero(known & (table.narrow.label >= 0)), NARROW)]
    for t, some, share in shown:
        features.append(np.hstack([t.features[some], t.turning[some]]) if turning else t.features[some])
        label.append(t.label[some])
        weight.append(chances(t.label[some], t.dataset[some]) * len(rows) * share)
    return fit_forest(np.concatenate(features), np.concatenate(label), np.concatenate(weight))


def fit_forest(features: Floats, label: NDArray[np.int64], weight: Floats) -> Forest:
    """Fit random trees; their mean carries over to another watch better than boosted ones."""
    # A development tool, without types.
    from sklearn.ensemble import ExtraTreesClassifier  # type: ignore[import-untyped, import-not-found, unused-ignore]  # noqa: PLC0415

    learner = ExtraTreesClassifier(TREES, min_samples_leaf=2, max_features=0.2, max_leaf_nodes=100, random_state=0)
    trees = [grown.tree_ for grown in learner.fit(features, label, weight).estimators_]
    shape = (len(trees), max(t.node_count for t in trees))
    feature, left, right = (np.zeros(shape, np.int16) for _ in range(3))
    limit, share = (np.zeros(shape, np.float32) for _ in range(2))
    for k, t in enumerate(trees):
        own, leaf = np.arange(t.node_count), t.children_left < 0
        at = (k, slice(t.node_count))
        feature[at], limit[at] = np.maximum(t.feature, 0), t.threshold
        left[at], right[at] = np.where(leaf, own, t.children_left), np.where(leaf, own, t.children_right)
        share[at] = np.where(leaf, t.value[:, 0, 1] / t.value[:, 0].sum(axis=1), 0)
    depth = max(t.max_depth for t in trees)
    return Forest(feature=feature, limit=limit, left=left, right=right, share=share, depth=int(depth))


def assemble(stages: Sequence[Stage], limits: Limits) -> FallModel:
    """Put the looks together."""
    looks = []
    for s, still, turning in zip(stages, *limits, strict=True):
        turned = s.turned and Turned(threshold=float(turning), forest=s.turned.forest, nets=s.turned.nets)
        looks.append(
            Stage(after=s.after, threshold=float(still), dismiss=DISMISS, forest=s.forest, nets=s.nets, turned=turned)
        )
    return FallModel(stages=tuple(looks))
