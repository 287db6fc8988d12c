"""`carehub train falls`: learn the fall model from recordings, judge it on unseen people and watches, write it.

Needs scikit-learn and PyTorch (the extra `train`, not dependencies) and the recordings in $CAREHUB_DATA/falls.

`--heldout FILE` writes the alarms of models that had not met the person: JSON, recording -> [alarm time in s from its
start], of recordings with an alarm only; the form in which `carehub evaluate falls` writes its own. Beside the model
goes fall_model_card.json with the held-out counts by data set and activity, for reports where no recordings are, and
with what made it: seeds, versions, and the digest of the sources.
"""

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.detectors import fall, fall_features, fall_net
from alerts.detectors import fall_model as package
from alerts.detectors.fall_features import RATE_HZ
from hub.commands import train_fit, train_limits, train_nets, train_recordings
from hub.commands.train_answers import Answers, counts, table
from hub.commands.train_fit import Limits, assemble, fit
from hub.commands.train_limits import curve, likelihoods, run, steady_limits
from hub.commands.train_recordings import NARROW_MG, Table, impacts, turns
from hub.errors import HubError
from hub.evaluate.falls import Recording, load

LOOKS = (48, 72)  # samples after the impact: 1.92 and 2.88 s; every judged fall was recorded 3 s on
FOLDS = 5
STEPS = 1200
WAYS: Mapping[str, Mapping[str, Any]] = {  # of showing the same recordings
    "as they are": {},
    "turn rate hidden": {"turning": False},
    "at 2 g": {"range_mg": NARROW_MG},
    "at 2 g, turn rate hidden": {"range_mg": NARROW_MG, "turning": False},
}
SOURCES = (fall, fall_features, fall_net, package, train_fit, train_limits, train_nets, train_recordings)


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
        "made_by": made_by(asked.steps),
        "looks_s": [after / RATE_HZ for after in LOOKS],
        "limits": list(limits[0]),
        "limits_with_turn_rate": list(limits[1]),
        "specificity_aimed_at": train_limits.SPECIFICITY,
        "found_at_specificity": {"people": people.found, "datasets": datasets.found},
        "held_out": {
            "people": counts(recordings, people.alarms),
            "datasets": counts(recordings, datasets.alarms),
        },
        "people_otherwise": {way: counts(recordings, alarms) for way, alarms in people.otherwise.items()},
        "turn_rate": people.turn_rate,
    }
    Path(asked.out).with_name("fall_model_card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    if asked.heldout:
        found = {recordings[i].name: times for i, times in people.alarms.items()}
        Path(asked.heldout).write_text(json.dumps(found), encoding="utf-8")
    return 0


def made_by(steps: int) -> dict[str, Any]:
    """Return what decides every bit of the model, beside the recordings."""
    digest = hashlib.sha256()
    for source in (sys.modules[__name__], *SOURCES):
        digest.update(Path(str(source.__file__)).read_bytes())
    return {
        "command": "carehub train falls",
        "sources_sha256": digest.hexdigest(),
        "seeds": {"folds": 0, "trees": 0, "networks": list(range(train_fit.NETS)),
                  "networks_with_turn_rate": list(range(train_fit.TURN_NETS))},
        "steps": steps,
        "versions": {name: version(name) for name in ("numpy", "scikit-learn", "torch")},
    }  # fmt: skip


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


def judge_on_people(recordings: Sequence[Recording], tables: Sequence[Table], steps: int) -> tuple[Answers, Limits]:
    """Leave people out in turn; the limits a fold is judged by come from the other folds' held-out answers.

    Returns:
        What the models said of people they had not met, and the limits chosen on all of it.
    """
    fold = folds([r.subject for r in recordings])
    knows = np.array([turns(r) for r in recordings])
    models = [fit(tables, fold != k, steps) for k in range(FOLDS)]
    still, turning = ([np.zeros(len(t.label)) for t in tables] for _ in range(2))
    for k, stages in enumerate(models):
        for said, shown in ((still, False), (turning, True)):
            parts = likelihoods(tables, stages, fold == k, turning=shown)
            said[:] = [whole + part for whole, part in zip(said, parts, strict=True)]

    def limits(among: NDArray[np.bool_]) -> Limits:
        return (
            steady_limits(recordings, tables, still, among),
            steady_limits(recordings, tables, turning, among & knows),
        )

    alarms: dict[str, dict[int, list[float]]] = {way: {} for way in WAYS}
    for k, stages in enumerate(models):
        model, mine = assemble(stages, limits(fold != k)), np.flatnonzero(fold == k).tolist()
        for way, how in WAYS.items():
            alarms[way] |= run(recordings, mine, model, **how)
    everyone = np.ones(len(recordings), np.bool_)
    found = {"all": curve(recordings, tables, still, everyone)}
    turn_rate = {
        "recordings": int(knows.sum()),
        "falls": sum(r.fall and r.scorable for r, known in zip(recordings, knows, strict=True) if known),
        "found_at_specificity": curve(recordings, tables, turning, knows),
        "hidden_found_at_specificity": curve(recordings, tables, still, knows),
    }
    for way, times in alarms.items():
        print(table(f"people left out, {way}", recordings, times, everyone.nonzero()[0].tolist()))
    print(" ", found["all"], turn_rate, sep="\n  ")
    answers = Answers(alarms=alarms.pop("as they are"), found=found, otherwise=alarms, turn_rate=turn_rate)
    return answers, limits(everyone)


def judge_on_datasets(recordings: Sequence[Recording], tables: Sequence[Table], limits: Limits, steps: int) -> Answers:
    """Learn without one data set, judge on it: another watch worn by other people. The limits are the shipped ones.

    The turn rate is hidden: no two data sets tell it of their falls, so nobody can say how it carries over.
    """
    dataset = np.array([r.dataset for r in recordings])
    alarms: dict[int, list[float]] = {}
    found: dict[str, Any] = {}
    for name in np.unique(dataset).tolist():
        stages = fit(tables, dataset != name, steps, turning=False)
        held_out = np.flatnonzero(dataset == name).tolist()
        alarms |= run(recordings, held_out, assemble(stages, limits), turning=False)
        said = likelihoods(tables, stages, dataset == name, turning=False)
        found[name] = curve(recordings, tables, said, dataset == name)
        print(table(f"learnt without {name}", recordings, alarms, held_out), found[name], sep="\n  ")
    return Answers(alarms=alarms, found=found)


def folds(subjects: Sequence[str]) -> NDArray[np.int64]:
    """Return the fold of each recording; nobody is in two."""
    names = np.unique(subjects)
    shuffled = np.random.default_rng(0).permutation(names).tolist()
    of = dict(zip(shuffled, (np.arange(len(names)) % FOLDS).tolist(), strict=True))
    return np.array([of[s] for s in subjects])


if __name__ == "__main__":
    sys.exit(main())
