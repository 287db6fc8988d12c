"""Settings are chosen without the wearer they are judged on, pieces find what the whole record finds, nothing stays."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from alerts.detectors import baseline, minutes, vitals
from hub.commands import evaluate
from hub.errors import HubError
from hub.evaluate import vitals as protocol
from hub.evaluate import vitals_settings as chosen
from hub.evaluate.streams import watch
from hub.evaluate.vitals import DAY, Wearer

BEFORE_DAYS, DAYS = 3, 6  # a fortnight of minutes takes long
FAST = ((2, 900), (3, 1260), (5, 240))  # day and minute, each in a part of the day that knows nothing of the others
FEW: Sequence[Mapping[str, float]] = ({}, {"rise_bpm": 60.0, "least_bpm": 140.0})  # the second hears nothing


def wearer(name: str, fast: Sequence[tuple[int, int]] = ()) -> Wearer:
    """Somebody who walks from eight to nine and sits for the rest of the day; now and then half an hour of 120."""
    rng = np.random.default_rng(len(fast))
    hr = rng.integers(62, 78, DAYS * DAY).astype(np.int16)
    steps = np.zeros(DAYS * DAY, np.int16)
    for day in range(DAYS):
        steps[day * DAY + 480 : day * DAY + 540] = 40
    for day, minute in fast:
        hr[day * DAY + minute : day * DAY + minute + 30] = 120
    return Wearer(name=name, hr=hr, steps=steps)


@pytest.fixture
def wearers(monkeypatch: pytest.MonkeyPatch) -> list[Wearer]:
    monkeypatch.setattr(chosen, "CHANGES", FEW)
    monkeypatch.setattr(protocol, "BEFORE_DAYS", BEFORE_DAYS)
    return [wearer("calm"), wearer("other"), wearer("fast", FAST)]


def quiet(line: str) -> None:
    pass


def test_pieces_find_what_the_whole_record_finds(wearers: list[Wearer]) -> None:
    made = protocol.trial(wearers[1:], windows=1)
    wanted = chosen.pieces(made)
    found = chosen.play(made.streams, wanted, chosen.learn(made.streams, wanted, quiet))
    whole = watch({name: stream for name, stream in made.streams.items() if "silence" not in name})
    asked = dict.fromkeys(whole, (0, DAYS * DAY))
    asked |= {name: (r.begin - 60, r.end) for r in made.rises for name in (r.plain, *r.risen.values())}
    heard = {name: [(at, f.identity, f.evidence) for at, f in protocol.loud(found, name)] for name in whole}
    assert heard == {
        name: [(at, f.identity, f.evidence) for at, f in protocol.loud(whole, name) if begin <= at < end]
        for name, (begin, end) in asked.items()
    }
    assert len(heard["fast"]) == 3


def test_setting_is_used_for_a_while_and_put_back_whatever_happens() -> None:
    before = chosen.shipped(), vitals.RULES
    other = replace(chosen.shipped(), rise_bpm=50.0, trust_min=10, v1_times=3, v1_window=5)
    with chosen.using(other):
        assert chosen.shipped() == other
        assert (baseline.RISE_BPM, minutes.TRUST_MIN, vitals.V1.times) == (50.0, 10, 3)
        assert vitals.V1 in vitals.RULES
    with pytest.raises(HubError), chosen.using(other):
        raise HubError("what happens")
    assert (chosen.shipped(), vitals.RULES) == before


def test_the_one_left_out_has_no_say_in_his_setting(wearers: list[Wearer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chosen, "MOST_ALERTS", 0.01)
    card = chosen.held_out(wearers, 2, 7, quiet)
    # Without the fast one the shipped setting is quiet and finds more; with him only the deaf one is quiet enough.
    calm, fast, other = card["by_wearer"]
    assert [one["chosen"] for one in (calm, fast, other)] == [FEW[1], FEW[0], FEW[1]]
    assert card["held_out"]["alerts"]["count"] == 3
    assert [row["alerts"] for row in card["settings"]] == [3, 0]
    assert card["held_out"]["rises"]["40"]["found"] == fast["held_out"]["rises"]["40"][0] > 0
    json.dumps(card, allow_nan=False)


def test_louder_than_allowed_is_never_preferred_and_ties_go_to_the_quicker() -> None:
    def told(rate: float, found: float, wait: float | None) -> dict[str, object]:
        return {"alerts": {"per_wearer_day": rate}, "rises": {"40": {"sensitivity": found, "delay_median_min": wait}}}

    better = [told(0.02, 0.9, 55), told(0.01, 0.9, 57), told(0.01, 0.8, 50), told(0.04, 0.0, None), told(0.06, 1.0, 40)]
    assert sorted(better, key=chosen.merit, reverse=True) == better


def test_card_is_about_the_setting_that_is_shipped() -> None:
    card = chosen.card()
    assert card["settings"][0]["change"] == {}
    assert card["held_out"]["wearers"] == len(card["by_wearer"])


def test_card_of_another_setting_is_not_shown() -> None:
    with chosen.using(replace(chosen.shipped(), trust_min=10)):
        assert chosen.card() == {}


def test_card_that_is_none_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chosen, "CARD", "fall_model_card.json")
    with pytest.raises(chosen.CardError, match="write it anew"):
        chosen.card()
    monkeypatch.setattr(chosen, "CARD", "no_such_card.json")
    assert chosen.card() == {}


def test_command_writes_the_card(wearers: list[Wearer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "vitals"
    folder.mkdir()
    np.savez(folder / "fitbit_minute_dev.npz", **{
        f"{w.name}_{what}": getattr(w, what) for w in wearers[1:] for what in ("hr", "steps")
    })  # fmt: skip
    rows = "".join(f"{w.name},{(w.hr > 0).sum()}\n" for w in wearers[1:])
    (folder / "fitbit_subjects_dev.csv").write_text("sid,hr_minutes\n" + rows, encoding="utf-8")
    out = tmp_path / "card.json"
    asked = ["vitals-settings", "--data", str(tmp_path), "--out", str(out), "--windows", "1"]
    assert evaluate.main(asked) == 0
    assert len(json.loads(out.read_text(encoding="utf-8"))["by_wearer"]) == 2
