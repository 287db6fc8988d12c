"""`carehub train falls`: nobody is judged by a model that met him, limits keep their word, exports say the same."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from alerts.detectors.fall import FallDetector
from alerts.detectors.fall_model import FallModel
from alerts.detectors.fall_net import BEFORE
from hub.commands import train, train_nets
from hub.commands.train_answers import counts, table
from hub.commands.train_nets import MARGIN, Lesson, vary
from hub.commands.train_recordings import Table, impacts, peaks
from hub.evaluate.falls import Recording, load
from hub.evaluate.held_out import tables
from hub.models import fall_model
from tests.unit.alerts.detectors import motions

AFTER = 48
PEOPLE = 6
DATASETS = ("north", "south")


def recording(k: int, motion: str) -> Recording:
    falls = motion == "fall"
    accel = motions.samples(25, 11, getattr(motions, motion), seed=k, noise_g=0.05)
    return Recording(
        name=f"{motion}-{k}", dataset=DATASETS[k % 2], subject=f"P{k % PEOPLE}", group="young" if k % 3 else "elder",
        activity=motion, fall=falls, scorable=True, start_s=4.0 if falls else np.nan, impact_s=5.0,
        rate_hz=25.0, accel=accel, gyro=np.zeros_like(accel),
    )  # fmt: skip


@pytest.fixture(scope="module")
def recordings() -> list[Recording]:
    return [recording(k, motion) for k in range(2 * PEOPLE) for motion in ("fall", "clap", "walk", "sit_down")]


@pytest.fixture(scope="module")
def looks(recordings: list[Recording]) -> list[Table]:
    return [impacts(recordings, after) for after in (AFTER, 72)]


def written(folder: Path, recordings: Sequence[Recording]) -> None:
    def column(name: str) -> NDArray[np.generic]:
        return np.array([getattr(r, name) for r in recordings])

    (folder / "falls").mkdir()
    np.savez(
        folder / "falls" / "some_dev.npz",
        rec_id=column("name"), dataset=column("dataset"), subject=column("subject"), group=column("group"),
        activity=column("activity"), is_fall=column("fall"), scorable=column("scorable"),
        fall_start_s=column("start_s"), impact_s=column("impact_s"),
        offset=np.cumsum([0] + [len(r.accel) for r in recordings]),
        acc_mg=np.concatenate([r.accel for r in recordings]),
        gyro_2mrad=np.concatenate([r.gyro for r in recordings]), fs=25.0,
    )  # fmt: skip


def test_recordings_are_read_as_they_were_written(recordings: list[Recording], tmp_path: Path) -> None:
    written(tmp_path, recordings)
    for was, now in zip(recordings, load(tmp_path / "falls"), strict=True):
        assert (now.name, now.subject, now.group, now.activity) == (was.name, was.subject, was.group, was.activity)
        assert np.array_equal(now.accel, was.accel)


def test_without_recordings_it_says_what_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAREHUB_DATA", str(tmp_path))
    with pytest.raises(train.TrainError, match="CAREHUB_DATA"):
        train.main(["falls"])


def test_impacts_are_those_the_detector_looks_at(recordings: list[Recording]) -> None:
    for r in recordings[:4]:
        detector, waiting = FallDetector(25, fall_model()), set()
        for at in range(len(r.accel)):
            detector.feed(r.accel[at : at + 1], None, at)
            waiting |= {sample for sample, _, stage in detector._pending if at - sample > 20 and stage == 0}
        assert waiting >= {p for p in peaks(r.accel) if p + 21 < len(r.accel)}


def test_fall_is_labelled_by_its_impact_and_what_follows_is_not_learnt(looks: list[Table]) -> None:
    labels = looks[0].label
    near = np.abs(looks[0].sample / 25 - 5.0) <= 1.0
    assert set(labels[near & (looks[0].recording % 4 == 0)].tolist()) == {1}
    assert set(labels[looks[0].recording % 4 != 0].tolist()) <= {0}


def test_nobody_is_in_two_folds() -> None:
    subjects = [f"P{k % 13}" for k in range(100)]
    fold = train.folds(subjects)
    assert len(set(zip(subjects, fold.tolist(), strict=True))) == 13
    assert set(fold.tolist()) == set(range(train.FOLDS))


def test_limits_leave_the_promised_share_of_harmless_recordings_quiet() -> None:
    people = [recording(k, "walk") for k in range(400)] + [recording(k, "fall") for k in range(10)]
    rng = np.random.default_rng(1)
    held = [
        Table(
            after=after, features=np.zeros((410, 1)), windows=np.zeros((410, 1, 3), np.float32),
            recording=np.arange(410), sample=np.zeros(410, np.int64), label=np.repeat([0, 1], [400, 10]),
            dataset=np.full(410, "north"),
        )
        for after in train.LOOKS
    ]  # fmt: skip
    said = [rng.random(410) for _ in held]
    everyone = np.ones(410, np.bool_)
    limits = train.choose_limits(people, held, said, everyone, 0.95)
    loud = [s[:400] > limit for s, limit in zip(said, limits, strict=True)]
    assert 0.95 <= 1 - np.any(loud, axis=0).mean() < 0.96
    assert loud[0].sum() < loud[1].sum() / 2  # the early look has to be surer


def test_what_is_shown_is_turned_bent_and_dulled_but_stays_a_fall(looks: list[Table]) -> None:
    windows = np.repeat(looks[0].windows[looks[0].label == 1][:1], 200, axis=0)
    seen = vary(windows, AFTER, np.random.default_rng(3))
    assert seen.shape == (200, BEFORE + 1 + AFTER, 3)
    size = np.linalg.norm(seen, axis=2)
    rest = size[:, -10:].mean(axis=1)
    assert np.all(np.abs(rest - 1) < 0.15)  # gravity is left alone
    assert np.all(np.abs(size.argmax(axis=1) - BEFORE) <= 20)
    assert seen[:, -1].std(axis=0).min() > 0.4  # it lies every way
    assert np.array_equal(seen, vary(windows, AFTER, np.random.default_rng(3)))
    assert not np.array_equal(seen, vary(windows, AFTER, np.random.default_rng(4)))


def test_small_data_set_is_shown_more_often_than_its_size() -> None:
    label = np.repeat([1, 1, 0, 0], [90, 10, 900, 100])
    dataset = np.repeat(["north", "south", "north", "south"], [90, 10, 900, 100])
    windows = np.zeros((len(label), BEFORE + 1 + AFTER + 2 * MARGIN, 3), np.float32)
    chance = Lesson(after=AFTER, windows=windows, label=label, dataset=dataset).chances()
    assert chance.sum() == pytest.approx(1)
    assert chance[label == 1].sum() == pytest.approx(0.3)
    assert chance[(label == 1) & (dataset == "south")].sum() == pytest.approx(0.3 / 4)


def test_counts_leave_out_what_cannot_be_judged_and_name_what_erred(recordings: list[Recording]) -> None:
    falls = [i for i, r in enumerate(recordings) if r.fall]
    claps = [i for i, r in enumerate(recordings) if r.activity == "clap"]
    alarms = {i: [6.92] for i in falls[1:]} | {claps[0]: [3.0]}
    rows = counts(recordings, alarms)
    assert sum(r["recordings"] for r in rows) == len(recordings)
    assert sum(r["alarmed"] for r in rows if r["fall"]) == len(falls) - 1
    assert {delay for r in rows for delay in r["delays_s"]} == {1.92}
    told = tables(rows)  # as the report reads the card
    assert told["all"]["delay_median_s"] == 1.92
    text = table("people left out", recordings, alarms, range(len(recordings)))
    assert "sensitivity 11/12 = 0.917 [0.646, 0.985]" in text
    assert "alarm: north clap, elder: 1 of 2" in text
    assert "missed: north fall, elder: 1 of 2" in text


def test_alarm_before_a_fall_does_not_find_it(recordings: list[Recording]) -> None:
    fall = next(i for i, r in enumerate(recordings) if r.fall)
    assert not any(r["alarmed"] for r in counts(recordings, {fall: [1.0]}))
    assert "does not explain: 1" in table("", recordings, {fall: [1.0]}, [fall])


def test_forest_says_what_it_was_learnt_as(looks: list[Table]) -> None:
    ensemble = pytest.importorskip("sklearn.ensemble")
    t = looks[0]
    rows = np.flatnonzero(t.label >= 0)
    weight = t.lesson(rows).chances() * len(rows)
    forest = train.fit_forest(t.features[rows], t.label[rows], weight)
    learner = ensemble.ExtraTreesClassifier(
        train.TREES, min_samples_leaf=2, max_features=0.2, max_leaf_nodes=100, random_state=0
    ).fit(t.features[rows], t.label[rows], weight)
    said = [forest.probability(x) for x in t.features[rows]]
    assert said == pytest.approx(learner.predict_proba(t.features[rows])[:, 1], abs=1e-5)


def test_whole_training_writes_a_model_its_card_and_the_held_out_alarms(
    recordings: list[Recording], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sklearn")
    pytest.importorskip("torch")
    written(tmp_path, recordings)
    monkeypatch.setenv("CAREHUB_DATA", str(tmp_path))
    for name, few in (("TREES", 10), ("NETS", 1)):
        monkeypatch.setattr(train, name, few)
    ask = ["falls", "--out", str(tmp_path / "m.npz"), "--heldout", str(tmp_path / "h.json"), "--steps", "20"]
    assert train.main(ask) == 0
    text = capsys.readouterr().out
    assert "people left out" in text
    assert "learnt without north" in text
    with np.load(tmp_path / "m.npz", allow_pickle=False) as file:
        once = {name: file[name] for name in file.files}
    assert [stage.after for stage in FallModel.from_arrays(once).stages] == list(train.LOOKS)
    card = json.loads((tmp_path / "fall_model_card.json").read_text())
    assert set(card["held_out"]) == {"people", "datasets"}
    held = json.loads((tmp_path / "h.json").read_text())
    assert set(held) <= {r.name for r in recordings}
    assert train.main(ask) == 0  # fixed seeds: the same file again
    with np.load(tmp_path / "m.npz", allow_pickle=False) as file:
        assert all(np.array_equal(once[name], file[name]) for name in once)


def test_network_is_exported_as_it_was_learnt(looks: list[Table]) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(1)
    net = train_nets._layers(torch.nn, 2)
    for k in range(len(train_nets.WIDTHS)):  # as if it had learnt: nothing at its beginning
        for numbers in (net[f"even{k}"].running_mean, net[f"even{k}"].bias.data):
            numbers.uniform_(-0.3, 0.3)
        for numbers in (net[f"even{k}"].running_var, net[f"even{k}"].weight.data):
            numbers.uniform_(0.5, 1.5)
    net.eval()
    signals = np.random.default_rng(1).normal(size=(BEFORE + 73, 6)).astype(np.float32)
    with torch.no_grad():
        said = train_nets._forward(torch, net, torch.from_numpy(signals.T[None].copy()), 1)
    assert train_nets._export(net, 1).margin(signals) == pytest.approx(float(said[0]), abs=2e-3)
