"""The report of a tiny invented data set: every section, its figures, a page that loads nothing, and clear refusals."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hub.commands import evaluate
from hub.errors import HubError
from hub.evaluate import held_out, report
from tests.unit.alerts.detectors import motions

SECTIONS = {"settings", "falls", "vitals", "news2", "limits", "summary"}
CASES = (
    "case_id,rr,spo2,scale,on_o2,sbp,hr,acvpu,temp,component,exp_component,rcp_total,rcp_risk\n"
    "well,16,97,1,0,120,70,A,37.0,,,0,low\n"
)


def write_falls(folder: Path) -> None:
    """Five recordings: three falls, one of them only in name, a walk, and an elder at rest."""
    paths = [motions.fall, motions.fall, motions.rest, motions.walk, motions.rest]
    accel = [motions.samples(25, 15, path, seed) for seed, path in enumerate(paths)]
    falls = np.array([True, True, True, False, False])
    np.savez(
        folder / "tiny_dev.npz",
        fs=np.float64(25),
        rec_id=np.array([f"r{k}" for k in range(5)]),
        offset=np.arange(6) * len(accel[0]),
        dataset=np.array(["tiny"] * 5),
        subject=np.array(["a", "b", "a", "a", "c"]),
        group=np.array(["young"] * 4 + ["elder"]),
        activity=np.array(["F1", "F1", "F2", "D1", "D2"]),
        is_fall=falls,
        scorable=np.ones(5, bool),
        fall_start_s=np.full(5, np.nan),
        impact_s=np.where(falls, 5.0, np.nan),
        acc_mg=np.concatenate(accel),
        gyro_2mrad=np.full((5 * len(accel[0]), 3), -32768, np.int16),
    )


def write_vitals(folder: Path) -> None:
    """Two wearers for a day, one of them with a racing heart at rest for an hour."""
    calm = np.full(1440, 70, np.uint8)
    fast = calm.copy()
    fast[1000:1060] = 150
    steps = np.zeros(1440, np.int16)
    steps[480:500] = 30
    np.savez(folder / "fitbit_minute_dev.npz", A_hr=calm, A_steps=steps, B_hr=fast, B_steps=steps, C_steps=steps)
    (folder / "fitbit_subjects_dev.csv").write_text("sid,hr_minutes\nA,1440\nB,1440\nC,0\n", encoding="utf-8")
    (folder / "news2_cases.csv").write_text(CASES, encoding="utf-8")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for name, write in (("falls", write_falls), ("vitals", write_vitals)):
        (folder / name).mkdir()
        write(folder / name)
    return folder


@pytest.fixture(scope="module")
def made(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    out = tmp_path_factory.mktemp("out")
    given = ["all", "--quick", "--data", str(data), "--out", str(out), "--date", "2026-11-22"]
    assert evaluate.main(given) == 0
    return json.loads((out / "report.json").read_text("utf-8")), (out / "report.html").read_text("utf-8")


def test_report_has_every_section_and_says_how_it_was_made(made: tuple[dict[str, Any], str]) -> None:
    figures, _ = made
    assert set(figures) == SECTIONS
    assert (figures["settings"]["date"], figures["settings"]["quick"]) == ("2026-11-22", True)
    assert len(figures["settings"]["fall_model"]["sha256"]) == 64
    assert figures["settings"]["constants"]["minutes"]["REST_MIN"] == 12
    assert set(figures["settings"]["data_sha256"]) == {
        "falls/tiny_dev.npz", "vitals/fitbit_minute_dev.npz", "vitals/fitbit_subjects_dev.csv"
    }  # fmt: skip


def test_falls_of_the_tiny_data_set_are_as_they_were_invented(made: tuple[dict[str, Any], str]) -> None:
    told = made[0]["falls"]["in_sample"]
    assert (told["all"]["sensitivity"]["hits"], told["all"]["sensitivity"]["of"]) == (2, 3)
    assert (told["all"]["specificity"]["hits"], told["all"]["specificity"]["of"]) == (2, 2)
    assert told["by_group"]["tiny elder"]["specificity"]["of"] == 1
    assert made[0]["falls"]["causal"] == {"cut": 2, "lost_or_moved": 0}
    assert [(a["activity"], a["wrong"]) for a in told["activities"]] == [("D1", 0), ("D2", 0), ("F1", 0), ("F2", 1)]


def test_pulse_of_the_tiny_data_set_is_as_it_was_invented(made: tuple[dict[str, Any], str]) -> None:
    told = made[0]["vitals"]
    assert (told["wearers"], told["wearer_days"]) == (2, 2)
    assert told["alerts"]["by_wearer"]["A"]["count"] == 0
    assert told["alerts"]["by_wearer"]["B"]["count"] >= 1
    assert made[0]["news2"]["cases"] == {"cases": 1, "mismatches": 0, "wrong": []}
    assert made[0]["news2"]["grid"]["mismatches"] == 0


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.ids.add(told.get("id") or "")
        if tag == "a":
            self.links.append(told.get("href") or "")
        elif tag in {"script", "link", "img", "iframe"}:
            self.loads.append(tag)


def test_page_loads_nothing_and_its_contents_lead_somewhere(made: tuple[dict[str, Any], str]) -> None:
    page = _Page()
    page.feed(made[1])
    assert page.loads == []
    assert not re.search(r"url\(|@import|https?://", made[1])
    assert page.links == [f"#{name}" for name in ("summary", "falls", "vitals", "news2", "limits", "settings")]
    assert {link[1:] for link in page.links} <= page.ids


def test_page_draws_the_miss_and_the_alert_with_the_limit_beside_them(made: tuple[dict[str, Any], str]) -> None:
    page = made[1]
    assert "missed fall: tiny F2 (young)" in page
    assert "漏报的跌倒" in page
    assert "false alert: V2, wearer B" in page
    assert page.count("<svg") >= 7


def test_without_a_card_the_report_says_that_it_knows_nothing_of_new_people(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_out, "CARD", "no_such_card.json")
    assert held_out.told() == {}
    assert held_out.found_at_specificity() == []


ROW = {"dataset": "a", "activity": "F", "group": "young", "fall": True, "recordings": 4, "alarmed": 3,
       "delays_s": [1.0, 2.0, 3.0]}  # fmt: skip
DAILY = {
    "dataset": "a",
    "activity": "D",
    "group": "elder",
    "fall": False,
    "recordings": 10,
    "alarmed": 1,
    "delays_s": [],
}


def test_card_of_the_model_tells_what_it_finds_of_new_people() -> None:
    told = held_out.tables([ROW, DAILY, {**DAILY, "dataset": "b", "alarmed": 0}])
    assert (told["all"]["sensitivity"]["share"], told["all"]["specificity"]["share"]) == (0.75, 0.95)
    assert told["by_dataset"]["b"]["sensitivity"]["of"] == 0
    assert told["by_group"]["a elder"]["specificity"]["hits"] == 9
    assert (told["all"]["delay_median_s"], told["delays_s"]) == (2.0, [1.0, 2.0, 3.0])
    wrong = {(a["dataset"], a["activity"]): (a["wrong"], a["elders_wrong"]) for a in told["activities"]}
    assert wrong == {("a", "F"): (1, 0), ("a", "D"): (1, 1), ("b", "D"): (0, 0)}


def test_card_is_shown_apart_from_what_the_model_has_learnt(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = {"held_out": {"people": [ROW, DAILY], "datasets": [ROW, DAILY]},
            "found_at_specificity": {"people": {"all": {"0.98": 2}}},
            "people_otherwise": {"at 2 g": [{**ROW, "alarmed": 2}, DAILY], "on a foot": [ROW]}}  # fmt: skip
    monkeypatch.setattr(held_out, "_card", lambda: card)
    assert evaluate.main(["all", "--quick", "--data", str(data), "--out", str(tmp_path)]) == 0
    page, figures = (tmp_path / "report.html").read_text("utf-8"), json.loads((tmp_path / "report.json").read_text())
    assert page.count('<section class="heldout">') == 3  # people, data sets, wearers
    assert page.count('<section class="insample">') == 1
    assert "no held-out card" not in page
    assert figures["falls"]["found_at_specificity"] == [
        {"way": "people", "dataset": "all", "specificity": 0.98, "found": 2, "of": 4}
    ]
    told = {row["en"]: (row["measured"], row["reached"]) for row in figures["summary"]}
    assert told["falls, a known watch, people left out"] == ("0.750 at 0.900", False)
    assert told["… cut off at ±2 g"] == ("0.500 at 0.900", False)
    assert told["… on a foot"] == ("0.750", False)
    assert told["falls, another watch (a, learnt without it)"] == ("0.750 at 0.900", False)
    assert told["elders' daily recordings that alarmed"] == ("1 of 10", False)


def test_card_that_is_damaged_says_how_to_write_it_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_out, "_card", lambda: {"held_out": {"people": [{"dataset": "a"}]}})
    with pytest.raises(HubError, match="carehub train falls"):
        held_out.told()


def test_alarms_of_models_that_had_not_met_the_person_are_what_is_drawn(data: Path, tmp_path: Path) -> None:
    alarms = tmp_path / "alarms.json"
    alarms.write_text(json.dumps({"r0": [6.6], "r1": [6.6], "r2": [6.6], "r3": [9.0]}), encoding="utf-8")
    given = ["all", "--quick", "--data", str(data), "--out", str(tmp_path), "--held-out", str(alarms)]
    assert evaluate.main(given) == 0
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "false alarm: tiny D1 (young)" in page
    assert "missed fall" not in page
    assert "had not met the person" in page


@pytest.mark.parametrize(
    ("lost", "told"), [("vitals/news2_cases.csv", r"lacks vitals/news2_cases\.csv"), ("falls", "lacks falls")]
)
def test_folder_without_the_recordings_is_refused_with_what_it_lacks(tmp_path: Path, lost: str, told: str) -> None:
    (tmp_path / "falls").mkdir()
    (tmp_path / "vitals").mkdir()
    write_vitals(tmp_path / "vitals")
    (tmp_path / lost).rmdir() if (tmp_path / lost).is_dir() else (tmp_path / lost).unlink()
    with pytest.raises(HubError, match=told):
        evaluate.main(["all", "--data", str(tmp_path)])


def test_nobody_saying_where_the_recordings_are_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CAREHUB_DATA", raising=False)
    with pytest.raises(HubError, match="set CAREHUB_DATA or --data"):
        evaluate.main(["all"])


def test_place_that_cannot_be_written_is_named(data: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HubError, match="give --out another folder"):
        evaluate.main(["all", "--quick", "--data", str(data), "--out", str(tmp_path / "file")])


def test_figures_are_told_as_people_read_them() -> None:
    assert (report.number(None), report.number(0.12345)) == ("–", "0.123")
    assert (report.interval(None), report.interval((0.1, 0.2))) == ("", "0.100–0.200")
