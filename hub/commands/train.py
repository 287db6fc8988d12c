"""`carehub train falls`: learn the fall model from recordings, judge it on unseen people, write the package data.

Needs scikit-learn (a development tool, not a dependency) and the recordings in $CAREHUB_DATA/falls.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.detectors import fall_model as package
from alerts.detectors.fall import ALONE_S, IMPACT_MG, FallDetector
from alerts.detectors.fall_features import BEFORE, RATE_HZ, impact_features
from alerts.detectors.fall_model import FallModel, Stage
from hub.errors import HubError

LOOKS = (40, 50, 72)  # samples after the impact: 1.6, 2.0 and 2.9 s
FOLDS = 5
SPECIFICITY = 0.965  # of recordings, on people not seen, all looks together
DISMISS = 0.01  # an impact less likely than this is not looked at again
BAG = 3
NEAR_S = 1.0  # an impact this close to the labelled one is the fall's
Floats = NDArray[np.float64]


class TrainError(HubError):
    """There is nothing to learn from."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    dataset: str
    subject: str
    fall: bool
    scorable: bool
    start_s: float
    impact_s: float
    accel: NDArray[np.int16]

    def caught(self, at_s: float) -> bool:
        """Would an alarm at this time count as this fall's?"""
        since = self.impact_s - 2 if np.isnan(self.start_s) else self.start_s - 0.5
        return self.fall and since <= at_s <= self.impact_s + 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """Impacts as the detector meets them: features (n, k), the rest (n,); label 1 fall, 0 not, -1 after a fall."""

    features: Floats
    recording: NDArray[np.int64]
    sample: NDArray[np.int64]
    label: NDArray[np.int64]


def main(argv: Sequence[str] | None = None) -> int:
    """Train, print what to expect of people never seen, write the model."""
    parser = argparse.ArgumentParser(prog="carehub train", description=__doc__)
    parser.add_argument("what", choices=["falls"])
    parser.add_argument("--out", default=str(Path(package.__file__).with_name("fall_model.npz")))
    asked = parser.parse_args(argv)
    folder = Path(os.environ.get("CAREHUB_DATA", "")) / "falls"
    recordings = load(folder)
    if not recordings:
        raise TrainError(f"no recordings in {folder}: set CAREHUB_DATA to the folder that holds falls/*_dev.npz")
    tables = [impacts(recordings, after) for after in LOOKS]
    subjects = np.array([r.subject for r in recordings])
    models, unseen = cross_validate(tables, subjects)
    thresholds = choose_thresholds(recordings, tables, unseen)
    print("looks at", LOOKS, "thresholds", np.round(thresholds, 3))
    alarms: dict[int, float] = {}
    for held_out, stages in models:
        alarms |= run(recordings, held_out, assemble(stages, thresholds))
    print("unseen people:", summary(recordings, alarms, range(len(recordings))))
    for name in sorted({r.dataset for r in recordings}):
        print(f"  {name}:", summary(recordings, alarms, [i for i, r in enumerate(recordings) if r.dataset == name]))
    across(recordings, tables, thresholds)
    everything = [fit(t, np.ones(len(t.label), np.bool_)) for t in tables]
    np.savez_compressed(asked.out, allow_pickle=False, **assemble(everything, thresholds).arrays())
    print("written", asked.out, Path(asked.out).stat().st_size, "bytes")
    return 0


def load(folder: Path) -> list[Recording]:
    """Read every *_dev.npz of the folder."""
    out: list[Recording] = []
    for path in sorted(folder.glob("*_dev.npz")):
        with np.load(path, allow_pickle=False) as file:
            z = {name: file[name] for name in file.files}
        for i, (a, b) in enumerate(zip(z["offset"][:-1], z["offset"][1:], strict=True)):
            out.append(
                Recording(
                    dataset=str(z["dataset"][i]),
                    subject=str(z["subject"][i]),
                    fall=bool(z["is_fall"][i]),
                    scorable=bool(z["scorable"][i]),
                    start_s=float(z["fall_start_s"][i]),
                    impact_s=float(z["impact_s"][i]),
                    accel=z["acc_mg"][a:b],
                )
            )
    return out


def impacts(recordings: Sequence[Recording], after: int) -> Table:
    """Return every impact of every recording that is followed by `after` samples."""
    rows: list[Floats] = []
    where: list[tuple[int, int, int]] = []
    for i, recording in enumerate(recordings):
        for sample in peaks(recording.accel):
            if sample + after >= len(recording.accel):
                continue
            index = np.clip(np.arange(sample - BEFORE, sample + after + 1), 0, None)
            rows.append(impact_features(recording.accel[index].astype(np.float64)))
            where.append((i, sample, _label(recording, sample / RATE_HZ)))
    at = np.array(where)
    return Table(features=np.array(rows), recording=at[:, 0], sample=at[:, 1], label=at[:, 2])


def _label(recording: Recording, at_s: float) -> int:
    if not recording.fall:
        return 0
    if abs(at_s - recording.impact_s) <= NEAR_S:
        return 1
    return -1 if recording.caught(at_s) else 0


def peaks(accel: NDArray[np.int16]) -> list[int]:
    """Return the impacts of a whole recording: the same that the detector finds in the stream."""
    power = (accel.astype(np.int64) ** 2).sum(axis=1)
    alone = round(ALONE_S * RATE_HZ)
    return [
        p
        for p in np.flatnonzero(power >= IMPACT_MG**2).tolist()
        if power[p] >= power[p + 1 : p + alone + 1].max(initial=0)
        and power[p] > power[max(0, p - alone) : p].max(initial=0)
    ]


def fit(table: Table, use: NDArray[np.bool_]) -> Stage:
    """Fit one look's ensemble on the impacts in `use`: a few of the same kind, their margins averaged."""
    # A development tool, without types.
    from sklearn.ensemble import HistGradientBoostingClassifier  # type: ignore[import-untyped, import-not-found, unused-ignore]  # noqa: PLC0415

    rows = np.flatnonzero(use & (table.label >= 0))
    learners = []
    for seed in range(BAG):
        learner = HistGradientBoostingClassifier(
            max_iter=150, learning_rate=0.06, max_leaf_nodes=10, l2_regularization=5, min_samples_leaf=15,
            max_features=0.3, random_state=seed,
        )  # fmt: skip
        learners.append(learner.fit(table.features[rows], table.label[rows]))
    return export(learners)


def export(learners: Sequence[Any]) -> Stage:
    """Turn fitted HistGradientBoostingClassifiers into plain arrays; `assemble` adds time and limits."""
    # scikit-learn has no public way to its trees.
    trees = [round_[0].nodes for learner in learners for round_ in learner._predictors]  # noqa: SLF001
    baselines = [float(np.ravel(learner._baseline_prediction)[0]) for learner in learners]  # noqa: SLF001
    width = max(len(t) for t in trees)

    def column(dtype: str, values: Callable[[NDArray[Any]], NDArray[Any]]) -> NDArray[Any]:
        out = np.zeros((len(trees), width), dtype)
        for k, t in enumerate(trees):
            out[k, : len(t)] = values(t)
        return out

    def child(side: str) -> NDArray[Any]:
        return column("int16", lambda t: np.where(t["is_leaf"] == 1, np.arange(len(t)), t[side]))

    return Stage(
        after=0,
        threshold=1.0,
        dismiss=0.0,
        baseline=float(np.mean(baselines)),
        feature=column("int16", lambda t: t["feature_idx"]),
        limit=column("float64", lambda t: t["num_threshold"]),
        left=child("left"),
        right=child("right"),
        value=column("float64", lambda t: t["value"] / len(learners)),
        depth=int(max(t["depth"].max() for t in trees)),
    )


def cross_validate(
    tables: Sequence[Table], subjects: NDArray[np.str_]
) -> tuple[list[tuple[list[int], list[Stage]]], list[Floats]]:
    """Leave people out in turn; return the folds' models with their held-out recordings, and what they say of them."""
    names = np.unique(subjects)
    fold_of = dict(
        zip(np.random.default_rng(0).permutation(names).tolist(), np.arange(len(names)) % FOLDS, strict=True)
    )
    fold = np.array([fold_of[s] for s in subjects])
    models: list[tuple[list[int], list[Stage]]] = []
    unseen = [np.zeros(len(t.label)) for t in tables]
    for k in range(FOLDS):
        stages = [fit(t, fold[t.recording] != k) for t in tables]
        for table, stage, said in zip(tables, stages, unseen, strict=True):
            for i in np.flatnonzero(fold[table.recording] == k).tolist():
                said[i] = stage.probability(table.features[i])
        models.append((np.flatnonzero(fold == k).tolist(), stages))
    return models, unseen


def choose_thresholds(
    recordings: Sequence[Recording], tables: Sequence[Table], unseen: Sequence[Floats]
) -> list[float]:
    """Return one threshold a look, each letting the same share of harmless recordings alarm, SPECIFICITY in all."""
    harmless = np.array([not r.fall for r in recordings])
    loudest = [np.zeros(len(recordings)) for _ in tables]
    for table, said, most in zip(tables, unseen, loudest, strict=True):
        np.maximum.at(most, table.recording, said)
    for share in np.linspace(SPECIFICITY, 1.0, 200):
        limits = [float(np.quantile(most[harmless], share)) for most in loudest]
        quiet = np.all([most <= limit for most, limit in zip(loudest, limits, strict=True)], axis=0)
        if quiet[harmless].mean() >= SPECIFICITY:
            return limits
    return [1.0] * len(tables)


def assemble(stages: Sequence[Stage], thresholds: Sequence[float]) -> FallModel:
    """Put the looks together."""
    names = [n for n in Stage.__dataclass_fields__ if n not in ("after", "threshold", "dismiss")]
    return FallModel(
        stages=tuple(
            Stage(after=after, threshold=float(limit), dismiss=DISMISS, **{n: getattr(stage, n) for n in names})
            for stage, after, limit in zip(stages, LOOKS, thresholds, strict=True)
        )
    )


def run(recordings: Sequence[Recording], which: Sequence[int], model: FallModel) -> dict[int, float]:
    """Feed recordings through the detector; return by recording the first alarm (of a fall the first that counts)."""
    out: dict[int, float] = {}
    for i in which:
        recording = recordings[i]
        for alarm in FallDetector(RATE_HZ, model).feed(recording.accel, None, 0):
            at_s = alarm.at_sample / RATE_HZ
            if i not in out or (recording.fall and not recording.caught(out[i]) and recording.caught(at_s)):
                out[i] = at_s
    return out


def summary(recordings: Sequence[Recording], alarms: dict[int, float], which: Sequence[int]) -> str:
    """Sensitivity, specificity and delay in one line."""
    falls = [i for i in which if recordings[i].fall and recordings[i].scorable]
    plain = [i for i in which if not recordings[i].fall]
    delays = [alarms[i] - recordings[i].impact_s for i in falls if i in alarms and recordings[i].caught(alarms[i])]
    loud = sum(i in alarms for i in plain)
    line = f"specificity {len(plain) - loud}/{len(plain)} = {1 - loud / max(1, len(plain)):.3f}"
    if not falls:
        return line
    middle, late = np.percentile(delays, [50, 95]) if delays else (np.nan, np.nan)
    caught = f"sensitivity {len(delays)}/{len(falls)} = {len(delays) / len(falls):.3f}"
    return f"{caught}, {line}, delay {middle:.2f} s, p95 {late:.2f} s"


def across(recordings: Sequence[Recording], tables: Sequence[Table], thresholds: Sequence[float]) -> None:
    """Learn without one data set, judge on it: another watch worn by other people."""
    datasets = np.array([r.dataset for r in recordings])
    for name in np.unique(datasets):
        stages = [fit(t, datasets[t.recording] != name) for t in tables]
        held_out = np.flatnonzero(datasets == name).tolist()
        alarms = run(recordings, held_out, assemble(stages, thresholds))
        print(f"learnt without {name}:", summary(recordings, alarms, held_out))


if __name__ == "__main__":
    sys.exit(main())
