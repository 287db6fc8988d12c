"""`carehub train falls`: nobody is judged by a model that met him, limits keep their word, exports say the same."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from alerts.detectors.fall import NO_TURN, FallDetector
from alerts.detectors.fall_model import FallModel
from alerts.detectors.fall_net import BEFORE, CHANNELS
from hub.commands import train, train_fit, train_limits, train_nets
from hub.commands.train_answers import counts, table
from hub.commands.train_nets import chances, vary
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
    gyro = motions.turning(25, 11, getattr(motions, motion), seed=k)  # in the north watches tell it
    return Recording(
        name=f"{motion}-{k}", dataset=DATASETS[k % 2], subject=f"P{k % PEOPLE}", group="young" if k % 3 else "elder",
        activity=motion, fall=falls, scorable=True, start_s=4.0 if falls else np.nan, impact_s=5.0,
        rate_hz=25.0, accel=accel, gyro=np.full_like(gyro, NO_TURN) if k % 2 else gyro,
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


def test_recordings_as_a_narrow_sensor_shows_them_keep_their_labels(looks: list[Table]) -> None:
    narrow = looks[0].narrow
    assert narrow is not None
    assert narrow.narrow is None
    assert np.abs(narrow.windows[:, :, :3]).max() <= 2.0
    assert set(narrow.recording[narrow.label == 1].tolist()) == set(looks[0].recording[looks[0].label == 1].tolist())


def test_nobody_is_in_two_folds() -> None:
    subjects = [f"P{k % 13}" for k in range(100)]
    fold = train.folds(subjects)
    assert len(set(zip(subjects, fold.tolist(), strict=True))) == 13
    assert set(fold.tolist()) == set(range(train.FOLDS))


def impacts_of(count: int, after: int, falls: int = 0) -> Table:
    """Return one impact a recording, the last of them falls; nothing is told of any."""
    return Table(
        after=after, features=np.zeros((count, 1)), turning=np.zeros((count, 1)),
        windows=np.zeros((count, 1, 6), np.float32), turned=np.zeros(count, np.bool_), recording=np.arange(count),
        sample=np.zeros(count, np.int64), label=np.repeat([0, 1], [count - falls, falls]),
        dataset=np.full(count, "north"),
    )  # fmt: skip


def test_limits_leave_the_promised_share_of_harmless_recordings_quiet() -> None:
    people = [recording(k, "walk") for k in range(400)] + [recording(k, "fall") for k in range(10)]
    rng = np.random.default_rng(1)
    held = [impacts_of(410, after, falls=10) for after in train.LOOKS]
    said = [rng.random(410) for _ in held]
    everyone = np.ones(410, np.bool_)
    limits = train_limits.choose_limits(people, held, said, everyone, 0.95)
    loud = [s[:400] > limit for s, limit in zip(said, limits, strict=True)]
    assert 0.95 <= 1 - np.any(loud, axis=0).mean() < 0.96
    assert loud[0].sum() < loud[1].sum() / 2  # the early look has to be surer


def test_steady_limits_know_who_is_loud_but_hang_less_on_him(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_limits, "DRAWS", 30)
    people = [replace(recording(0, "walk"), name=f"{k}", subject=f"P{k % 40}") for k in range(400)]
    held = [impacts_of(400, after) for after in train.LOOKS]
    said = [np.random.default_rng(2).random(400) / 2 for _ in held]
    loud = np.array([r.subject == "P7" for r in people])
    for s in said:
        s[loud] = 0.9  # more recordings than may alarm: with him there, this is the limit
    everyone = np.ones(400, np.bool_)
    steady = train_limits.steady_limits(people, held, said, everyone)
    whole, without = (train_limits.choose_limits(people, held, said, among) for among in (everyone, ~loud))
    assert whole == [0.9, 0.9]
    assert all(low < between < 0.85 for low, between in zip(without, steady, strict=True))
    assert steady == train_limits.steady_limits(people, held, said, everyone)
    assert train_limits.steady_limits(people, held, said, ~everyone) == [1.0, 1.0]


def test_what_is_shown_is_turned_bent_and_dulled_but_stays_a_fall(looks: list[Table]) -> None:
    windows = np.repeat(looks[0].windows[looks[0].label == 1][:1, :, :3], 200, axis=0)
    seen = vary(windows, AFTER, np.random.default_rng(3))
    assert seen.shape == (200, BEFORE + 1 + AFTER, 3)
    size = np.linalg.norm(seen, axis=2)
    rest = size[:, -10:].mean(axis=1)
    assert np.all(np.abs(rest - 1) < 0.15)  # gravity is left alone
    assert np.all(np.abs(size.argmax(axis=1) - BEFORE) <= 20)
    assert seen[:, -1].std(axis=0).min() > 0.4  # it lies every way
    assert np.array_equal(seen, vary(windows, AFTER, np.random.default_rng(3)))
    assert not np.array_equal(seen, vary(windows, AFTER, np.random.default_rng(4)))


def test_one_window_in_five_is_shown_as_a_sensor_of_2_g_cuts_it(looks: list[Table]) -> None:
    windows = np.repeat(looks[0].windows[looks[0].label == 1][:1, :, :3], 400, axis=0)
    top = np.abs(vary(windows, AFTER, np.random.default_rng(3))).max(axis=(1, 2))
    assert 0.1 < (top < 2.15).mean() < 0.35
    assert (top > 3).mean() > 0.4


def test_turn_rate_is_shown_with_its_window_quicker_where_it_is_quicker(looks: list[Table]) -> None:
    (fall,) = np.flatnonzero((looks[0].label == 1) & looks[0].turned)[:1]
    windows = np.repeat(looks[0].windows[[fall]], 200, axis=0)
    seen = vary(windows, AFTER, np.random.default_rng(3))
    assert seen.shape == (200, BEFORE + 1 + AFTER, 6)
    fastest = np.linalg.norm(windows[0, :, 3:], axis=1).max()
    share = np.linalg.norm(seen[:, :, 3:], axis=2).max(axis=1) / fastest
    assert 0.6 < share.min() < 0.85
    assert 1.15 < share.max() < 1.6


def test_second_opinion_is_learnt_from_those_who_tell_their_turn_rate_alone(
    recordings: list[Recording], looks: list[Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sklearn")
    pytest.importorskip("torch")
    for name, few in (("TREES", 5), ("NETS", 1), ("TURN_NETS", 1)):
        monkeypatch.setattr(train_fit, name, few)
    north = np.array([r.dataset == "north" for r in recordings])
    everybody, some = (train_fit.fit(looks, use, 4) for use in (np.ones_like(north), north))
    for whole, part in zip(everybody, some, strict=True):
        assert whole.turned is not None
        assert part.turned is not None
        for name in ("feature", "limit", "share"):
            assert np.array_equal(getattr(whole.turned.forest, name), getattr(part.turned.forest, name))
        assert np.array_equal(whole.turned.nets[0].first, part.turned.nets[0].first)
        assert not np.array_equal(whole.forest.share, part.forest.share)
    assert all(stage.turned is None for stage in train_fit.fit(looks, ~north, 4))


def test_hidden_turn_rate_changes_what_is_said_of_those_who_tell_it(looks: list[Table]) -> None:
    stages, everyone = fall_model().stages, np.ones(8 * PEOPLE, np.bool_)
    hidden, shown = (train_limits.likelihoods(looks, stages, everyone, turning=turning) for turning in (False, True))
    for t, without, along in zip(looks, hidden, shown, strict=True):
        assert np.array_equal(without[~t.turned], along[~t.turned])
        falls = t.turned & (t.label == 1)
        assert (without[falls] != along[falls]).all()


def test_small_data_set_is_shown_more_often_than_its_size() -> None:
    label = np.repeat([1, 1, 0, 0], [90, 10, 900, 100])
    dataset = np.repeat(["north", "south", "north", "south"], [90, 10, 900, 100])
    chance = chances(label, dataset)
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
    weight = chances(t.label[rows], t.dataset[rows]) * len(rows)
    forest = train_fit.fit_forest(t.features[rows], t.label[rows], weight)
    learner = ensemble.ExtraTreesClassifier(
        train_fit.TREES, min_samples_leaf=2, max_features=0.2, max_leaf_nodes=100, random_state=0
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
    for name, few in (("TREES", 10), ("NETS", 1), ("TURN_NETS", 1)):
        monkeypatch.setattr(train_fit, name, few)
    monkeypatch.setattr(train_limits, "DRAWS", 2)
    ask = ["falls", "--out", str(tmp_path / "m.npz"), "--heldout", str(tmp_path / "h.json"), "--steps", "20"]
    assert train.main(ask) == 0
    text = capsys.readouterr().out
    assert "people left out" in text
    assert "learnt without north" in text
    with np.load(tmp_path / "m.npz", allow_pickle=False) as file:
        once = {name: file[name] for name in file.files}
    assert [stage.after for stage in FallModel.from_arrays(once).stages] == list(train.LOOKS)
    stages = FallModel.from_arrays(once).stages
    assert all(stage.turned for stage in stages)
    card = json.loads((tmp_path / "fall_model_card.json").read_text())
    assert card["limits_with_turn_rate"] == [stage.limit(turning=True) for stage in stages]
    assert set(card["people_otherwise"]) == {"turn rate hidden", "at 2 g", "at 2 g, turn rate hidden"}
    assert card["turn_rate"]["falls"] == sum(r.fall and r.dataset == "north" for r in recordings)
    assert len(card["made_by"]["sources_sha256"]) == 64
    assert set(card["held_out"]) == {"people", "datasets"}
    held = json.loads((tmp_path / "h.json").read_text())
    assert set(held) <= {r.name for r in recordings}
    assert train.main(ask) == 0  # fixed seeds: the same file again
    with np.load(tmp_path / "m.npz", allow_pickle=False) as file:
        assert all(np.array_equal(once[name], file[name]) for name in once)


def test_network_is_exported_as_it_was_learnt(looks: list[Table]) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(1)
    net = train_nets._layers(torch.nn, 2, CHANNELS)
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
