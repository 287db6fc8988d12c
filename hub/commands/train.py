"""`carehub train falls`: learn the fall model from recordings, judge it on unseen people and watches, write it.

Needs scikit-learn and PyTorch (the extra `train`, not dependencies) and the recordings in $CAREHUB_DATA/falls.

`--heldout FILE` writes the alarms of models that had not met the person: JSON, recording -> [alarm time in s from its
start], of recordings with an alarm only; the form in which `carehub evaluate falls` writes its own. Beside the model
goes fall_model_card.json with the held-out counts by data set and activity, for reports where no recordings are.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.detectors import fall_model as package
from alerts.detectors.fall import FallDetector
from alerts.detectors.fall_features import RATE_HZ
from alerts.detectors.fall_model import FallModel, Forest, Stage
from alerts.detectors.fall_net import BEFORE
from hub.commands.train_answers import Answers, counts, table
from hub.commands.train_nets import fit_nets
from hub.commands.train_recordings import Table, around, impacts
from hub.errors import HubError
from hub.evaluate.falls import Recording, load

LOOKS = (48, 72)  # samples after the impact: 1.92 and 2.88 s; every judged fall was recorded 3 s on
FOLDS = 5
SPECIFICITY = 0.982  # of recordings, on people not seen, both looks together
EARLY = 1 / 3  # of the false alarms that the last look is allowed, what an earlier look may have
DISMISS = 0.02  # an impact less likely than this is not looked at again
NETS = 3
STEPS = 1200
TREES = 150
SHOWN = (0.965, 0.98, 0.985, 0.99)  # specificities at which the found falls are told
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


class TrainError(HubError):
    """There is nothing to learn from."""


def main(argv: Sequence[str] | None = None) -> int:
    """Train, print what to expect of people and watches never seen, write the model and its card."""
    asked = _parser().parse_args(argv)
    folder = Path(os.environ.get("CAREHUB_DATA", "")) / "falls"
    recordings = load(folder)
    if not recordings:
        raise TrainError(f"no recordings in {folder}: set CAREHUB_DATA to the folder that holds falls/*_dev.npz")
    tables = [impacts(recordings, after) for after in LOOKS]
    people, limits = judge_on_people(recordings, tables, asked.steps)
    datasets = judge_on_datasets(recordings, tables, limits, asked.steps)
    model = assemble(fit(tables, np.ones(len(recordings), np.bool_), asked.steps), limits)
    np.savez_compressed(asked.out, allow_pickle=False, **model.arrays())
    print("written", asked.out, Path(asked.out).stat().st_size, "bytes; limits", np.round(limits, 3).tolist())
    card = {
        "looks_s": [after / RATE_HZ for after in LOOKS],
        "limits": limits,
        "specificity_aimed_at": SPECIFICITY,
        "found_at_specificity": {"people": people.found, "datasets": datasets.found},
        "held_out": {
            "people": counts(recordings, people.alarms),
            "datasets": counts(recordings, datasets.alarms),
        },
    }
    Path(asked.out).with_name("fall_model_card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    if asked.heldout:
        found = {recordings[i].name: times for i, times in people.alarms.items()}
        Path(asked.heldout).write_text(json.dumps(found), encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="carehub train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["falls"])
    parser.add_argument("--out", default=str(Path(package.__file__).with_name("fall_model.npz")))
    parser.add_argument("--heldout", help="write the alarms of models that had not met the person here")
    parser.add_argument(
        "--steps", type=int, default=STEPS, help=f"of each network's learning, {STEPS} for the real one"
    )
    return parser


def judge_on_people(
    recordings: Sequence[Recording], tables: Sequence[Table], steps: int
) -> tuple[Answers, list[float]]:
    """Leave people out in turn; the limits a fold is judged by come from the other folds' held-out answers.

    Returns:
        What the models said of people they had not met, and the limits chosen on all of it.
    """
    fold = folds([r.subject for r in recordings])
    models = [fit(tables, fold != k, steps) for k in range(FOLDS)]
    said = [np.zeros(len(t.label)) for t in tables]
    for k, stages in enumerate(models):
        for t, whole, part in zip(tables, said, likelihoods(recordings, tables, stages, fold == k), strict=True):
            mine = fold[t.recording] == k
            whole[mine] = part[mine]
    alarms: dict[int, list[float]] = {}
    for k, stages in enumerate(models):
        limits = choose_limits(recordings, tables, said, fold != k)
        alarms |= run(recordings, np.flatnonzero(fold == k).tolist(), assemble(stages, limits))
    everyone = np.ones(len(recordings), np.bool_)
    found = {"all": _curve(recordings, tables, said, everyone)}
    print(table("people left out", recordings, alarms, everyone.nonzero()[0].tolist()), found["all"], sep="\n  ")
    return Answers(alarms=alarms, found=found), choose_limits(recordings, tables, said, everyone)


def judge_on_datasets(
    recordings: Sequence[Recording], tables: Sequence[Table], limits: Sequence[float], steps: int
) -> Answers:
    """Learn without one data set, judge on it: another watch worn by other people. The limits are the shipped ones."""
    dataset = np.array([r.dataset for r in recordings])
    alarms: dict[int, list[float]] = {}
    found: dict[str, Any] = {}
    for name in np.unique(dataset).tolist():
        stages = fit(tables, dataset != name, steps)
        held_out = np.flatnonzero(dataset == name).tolist()
        alarms |= run(recordings, held_out, assemble(stages, limits))
        said = likelihoods(recordings, tables, stages, dataset == name)
        found[name] = _curve(recordings, tables, said, dataset == name)
        print(table(f"learnt without {name}", recordings, alarms, held_out), found[name], sep="\n  ")
    return Answers(alarms=alarms, found=found)


def _curve(
    recordings: Sequence[Recording], tables: Sequence[Table], said: Sequence[Floats], use: Mask
) -> dict[str, int]:
    """Return how many judged falls are found where limits leave this share of these very recordings quiet."""
    falls = use & np.array([r.fall and r.scorable for r in recordings])
    out = {}
    for share in SHOWN if falls.any() else ():
        limits = choose_limits(recordings, tables, said, use, share)
        loud: Mask = np.asarray(loudest(recordings, tables, said)[falls] > limits)
        out[f"{share}"] = int(loud.any(axis=1).sum())
    return out


def folds(subjects: Sequence[str]) -> NDArray[np.int64]:
    """Return the fold of each recording; nobody is in two."""
    names = np.unique(subjects)
    shuffled = np.random.default_rng(0).permutation(names).tolist()
    of = dict(zip(shuffled, (np.arange(len(names)) % FOLDS).tolist(), strict=True))
    return np.array([of[s] for s in subjects])


def fit(tables: Sequence[Table], use: Mask, steps: int) -> list[Stage]:
    """Fit each look's forest and networks on the impacts of the recordings in `use`; `assemble` sets the limits."""
    lessons, forests = [], []
    for t in tables:
        rows = np.flatnonzero(use[t.recording] & (t.label >= 0))
        lessons.append(t.lesson(rows))
        forests.append(fit_forest(t.features[rows], t.label[rows], lessons[-1].chances() * len(rows)))
    nets = [fit_nets(lessons, seed, steps) for seed in range(NETS)]
    return [
        Stage(after=t.after, threshold=1.0, dismiss=0.0, forest=forest, nets=tuple(net[k] for net in nets))
        for k, (t, forest) in enumerate(zip(tables, forests, strict=True))
    ]


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


def likelihoods(
    recordings: Sequence[Recording], tables: Sequence[Table], stages: Sequence[Stage], of: Mask
) -> list[Floats]:
    """Return what each look says of the impacts of some recordings, 0 of the others."""
    out = [np.zeros(len(t.label)) for t in tables]
    for t, stage, said in zip(tables, stages, out, strict=True):
        for i in np.flatnonzero(of[t.recording]).tolist():
            window = around(recordings[t.recording[i]], int(t.sample[i]), BEFORE, t.after)
            said[i] = stage.probability(window.astype(np.float64))
    return out


def loudest(recordings: Sequence[Recording], tables: Sequence[Table], said: Sequence[Floats]) -> Floats:
    """Return (recordings, looks): the greatest likelihood, of a fall only among the impacts whose alarm would count."""
    falls = np.array([r.fall for r in recordings])
    most = np.zeros((len(recordings), len(tables)))
    for k, (t, held) in enumerate(zip(tables, said, strict=True)):
        counted = ~falls[t.recording] | (t.label != 0)
        np.maximum.at(most[:, k], t.recording[counted], held[counted])
    return most


def choose_limits(
    recordings: Sequence[Recording],
    tables: Sequence[Table],
    said: Sequence[Floats],
    among: Mask,
    specificity: float = SPECIFICITY,
) -> list[float]:
    """Return one limit a look: earlier looks may have EARLY of the last one's false alarms, `specificity` in all."""
    harmless = among & np.array([not r.fall for r in recordings])
    most = loudest(recordings, tables, said)[harmless]
    for share in np.linspace(specificity, 1.0, 400):
        shares = [1 - (1 - share) * EARLY] * (len(tables) - 1) + [share]
        limits = [float(np.quantile(column, s)) for column, s in zip(most.T, shares, strict=True)]
        if np.all(most <= limits, axis=1).mean() >= specificity:
            return limits
    return [1.0] * len(tables)


def assemble(stages: Sequence[Stage], limits: Sequence[float]) -> FallModel:
    """Put the looks together."""
    return FallModel(
        stages=tuple(
            Stage(after=s.after, threshold=float(limit), dismiss=DISMISS, forest=s.forest, nets=s.nets)
            for s, limit in zip(stages, limits, strict=True)
        )
    )


def run(recordings: Sequence[Recording], which: Sequence[int], model: FallModel) -> dict[int, list[float]]:
    """Feed recordings through the detector; return by recording the times of its alarms, if any."""
    out = {}
    for i in which:
        alarms = FallDetector(RATE_HZ, model).feed(recordings[i].accel, None, 0)
        if alarms:
            out[i] = [alarm.at_sample / RATE_HZ for alarm in alarms]
    return out


if __name__ == "__main__":
    sys.exit(main())
