"""`carehub evaluate`: the contracts that others judge by."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.unit.alerts.detectors import motions

RECORDINGS = ("weda_dev.npz", "smm_dev.npz", "geo_dev.npz")
PIECE_MIN = 28 * 1440  # twice what a wearer's usual days are learned from


def evaluate(*arguments: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "hub.commands.evaluate", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def write_falls(path: Path, recordings: dict[str, np.ndarray]) -> Path:
    accel = np.concatenate(list(recordings.values()))
    np.savez(
        path,
        fs=np.float64(25),
        rec_id=np.array(list(recordings)),
        offset=np.cumsum([0] + [len(r) for r in recordings.values()]),
        acc_mg=accel,
        gyro_2mrad=np.full(accel.shape, -32768, np.int16),
    )
    return path


def test_evaluate_falls_gives_alarm_times_of_the_recordings_that_alarm(tmp_path: Path) -> None:
    recordings = {
        "walk": motions.samples(25, 15, motions.walk),
        "fall": motions.samples(25, 15, motions.fall),
        "clap": motions.samples(25, 15, motions.clap),
    }
    one = write_falls(tmp_path / "one.npz", recordings)
    two = write_falls(tmp_path / "two.npz", {"other": motions.samples(25, 15, motions.fall, seed=9)})
    evaluate("falls", one, two, "--out", tmp_path / "out.json")
    found = json.loads((tmp_path / "out.json").read_text())
    assert set(found) == {"fall", "other"}
    assert 6 < found["fall"][0] < 8


def test_evaluate_vitals_names_minute_rule_and_severity(tmp_path: Path) -> None:
    fast = np.array([70] * 15 + [140] * 10, np.uint8)
    calm = np.full(30, 70, np.uint8)
    np.savez(
        tmp_path / "streams.npz",
        id=np.array(["fast", "calm", "cut"]),
        offset=np.array([0, 25, 55, 75]),
        hr=np.concatenate([fast, calm, fast[:20]]),
        steps=np.zeros(75, np.int16),
    )
    evaluate("vitals", tmp_path / "streams.npz", "--out", tmp_path / "out.json")
    found = json.loads((tmp_path / "out.json").read_text())
    assert found == {"fast": [[19, "V2", "high"]], "cut": [[19, "V2", "high"]]}


def test_evaluate_news2_prints_a_line_a_case(tmp_path: Path) -> None:
    cases = tmp_path / "cases.csv"
    cases.write_text(
        "case_id,rr,spo2,scale,on_o2,sbp,hr,acvpu,temp\n"
        "well,16,97,1,0,120,70,A,37.0\n"
        "ill,25,91,1,1,90,131,CVPU,39.1\n"
        "half,,95,2,1,120,,A,\n",
        encoding="utf-8",
    )
    well, ill, half = map(json.loads, evaluate("news2", cases).splitlines())
    assert (well["total"], well["total_upper"], well["risk"], well["missing"]) == (0, 0, "low", [])
    assert (ill["total"], ill["risk"]) == (3 + 3 + 2 + 3 + 3 + 3 + 2, "high")
    assert set(ill["components"]) == {"rr", "spo2", "o2", "sbp", "hr", "acvpu", "temp"}
    assert half["case_id"] == "half"
    assert (half["total"], half["total_upper"], half["missing"]) == (4, 13, ["rr", "hr", "temp"])


def test_evaluate_without_a_subject_says_how_it_is_used() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hub.commands.evaluate"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "falls" in done.stderr


def test_recorded_falls_are_found_and_daily_life_is_left_alone(carehub_data: Path, tmp_path: Path) -> None:
    """On the people the model was trained on: proves the file, the loader and the stream, not the quality."""
    files = [carehub_data / "falls" / name for name in RECORDINGS]
    evaluate("falls", *files, "--out", tmp_path / "out.json")
    found = json.loads((tmp_path / "out.json").read_text())
    falls = caught = plain = loud = 0
    for path in files:
        with np.load(path, allow_pickle=False) as z:
            for name, fall, scored, impact in zip(z["rec_id"], z["is_fall"], z["scorable"], z["impact_s"], strict=True):
                alarms = found.get(str(name), [])
                if not fall:
                    plain, loud = plain + 1, loud + bool(alarms)
                elif scored:
                    falls += 1
                    caught += any(impact - 2 <= a <= impact + 20 for a in alarms)
    assert caught / falls > 0.95
    assert loud / plain < 0.03


def test_real_wearers_raise_few_alerts(carehub_data: Path, tmp_path: Path) -> None:
    """Each record in pieces of four weeks, side by side: a minute of thirty wearers costs little more than of eight."""
    table = carehub_data / "vitals" / "fitbit_subjects_dev.csv"
    with table.open(encoding="utf-8", newline="") as file:
        wearers = [row["sid"] for row in csv.DictReader(file) if int(row["hr_minutes"]) > 0]
    with np.load(carehub_data / "vitals" / "fitbit_minute_dev.npz", allow_pickle=False) as z:
        whole = {sid: (z[f"{sid}_hr"], z[f"{sid}_steps"]) for sid in wearers}
    pieces = [(sid, at) for sid in wearers for at in range(0, len(whole[sid][0]), PIECE_MIN)]
    hr, steps = ([whole[sid][which][at : at + PIECE_MIN] for sid, at in pieces] for which in (0, 1))
    np.savez(
        tmp_path / "streams.npz",
        id=np.array([f"{sid}+{at}" for sid, at in pieces]),
        offset=np.cumsum([0] + [len(h) for h in hr]),
        hr=np.concatenate(hr),
        steps=np.concatenate(steps),
    )
    evaluate("vitals", tmp_path / "streams.npz", "--out", tmp_path / "out.json")
    found = json.loads((tmp_path / "out.json").read_text())
    days = sum(int((h > 0).sum()) for h in hr) / 1440
    loud = [alert for alerts in found.values() for alert in alerts if alert[2] in ("medium", "high")]
    assert len(loud) / days < 0.05


def test_quick_report_of_the_recordings_is_whole(carehub_data: Path, tmp_path: Path) -> None:
    evaluate("all", "--quick", "--data", carehub_data, "--out", tmp_path, "--date", "2026-11-22")
    told = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert told["falls"]["in_sample"]["all"]["sensitivity"]["share"] > 0.9
    assert told["vitals"]["wearers"] == 8
    assert told["vitals"]["rises"]["60"]["windows"] > 0
    assert told["vitals"]["silence"]["of"] > 0
    assert told["news2"]["cases"]["mismatches"] == told["news2"]["grid"]["mismatches"] == 0
    assert "--quick" in page
    assert "<svg" in page


@pytest.mark.parametrize("what", ["falls", "vitals"])
def test_evaluate_needs_a_place_for_its_answer(what: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hub.commands.evaluate", what, str(tmp_path / "x.npz")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "--out" in done.stderr
