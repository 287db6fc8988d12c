"""The detection bench itself: small, and nothing in it is timed against a limit."""

import json

import numpy as np
import pytest

from alerts.detectors.fall import IMPACT_MG
from hub.bench import detect
from hub.bench.motions import MOTIONS, wrist
from hub.commands import bench, bench_detect

SMALL = ["--repeats", "2", "--streams", "20", "--seconds", "4", "--devices", "3000", "--minutes", "9", "--homes", "200",
         "--rounds", "3", "--residents", "1000"]  # fmt: skip


def test_wrists_are_one_g_at_rest_and_loud_where_people_are_loud() -> None:
    loud = {}
    for kind in MOTIONS:
        size = np.linalg.norm(wrist(kind, 50, 24, np.random.default_rng(4)).astype(float), axis=1)
        loud[kind] = float((size.reshape(-1, 50) >= IMPACT_MG).any(axis=1).mean())
        assert 900 < np.median(size) < 1300, kind
    assert loud["rest"] == 0
    assert loud["rest"] < loud["sit"] < loud["walk"] <= loud["clap"]


def test_mix_of_wrists_is_whole_and_streams_are_cut_into_bursts() -> None:
    assert sum(detect.MIX.values()) == pytest.approx(1)
    wrists = detect.Wrists(detect.MIX, 20, 2)
    assert (wrists.streams, len(wrists.bursts)) == (20, 2 * (detect.WARM_S + 2))
    for number, several in enumerate(wrists.bursts):
        assert [row for row, _, _ in several] == list(range(20))
        assert {(len(burst.accel_mg), burst.first) for _, _, burst in several} == {(25, 25 * number)}


def test_floor_of_the_wrists_sees_the_impacts_that_are_there() -> None:
    wrists = detect.Wrists({"clap": 0.5, "rest": 0.5}, 2, 2)
    wrists.floor()
    assert wrists.alarms == 4


def test_watches_meet_a_hub_that_knows_them_and_the_odd_ones_are_found() -> None:
    watches = detect.Watches(3000, 18)
    watches.observe()
    assert watches.found >= (watches.fast & ~watches.walks).sum() > 10
    alone = watches.found
    watches.through_hub()
    assert watches.found == alone
    watches.through_hub()
    assert watches.found == 0  # repeats
    watches.plain(18)
    assert watches.found > 0
    watches.floor()
    assert watches.found >= watches.fast.sum()


def test_state_is_counted_by_detector_device_and_home() -> None:
    state = detect.state_bytes()
    assert {"vitals", "stillness", "device_health", "repeats", "home"} <= set(state["by_detector"])
    assert state["per_device"] + state["per_home"] == sum(state["by_detector"].values())
    assert state["mb_watches"] == pytest.approx(state["per_device"] * 1.1)
    assert detect.stream_bytes() > 1000
    assert detect.whole(1000)["bytes_each"] == state["per_device"] + state["per_home"]


def test_bench_prints_every_part_and_ends_with_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["detect", *SMALL, "--json"]) == 0
    told = capsys.readouterr().out
    figures = json.loads(told.splitlines()[-1])
    assert set(figures) == {"falls", "vitals", "homes", "state", "whole"}
    assert set(figures["falls"]) == {"mix", *detect.MIX}
    for spread in (figures["falls"]["mix"]["streams_per_core"], figures["vitals"]["messages_per_s"],
                   figures["vitals"]["through_hub_messages_per_s"], figures["homes"]["signs_per_s"]):  # fmt: skip
        assert 0 < spread["min"] <= spread["median"] <= spread["max"]
    assert "streams one core sustains" in told
    assert "one rule in a Python loop" in told


def test_bench_measures_only_what_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench_detect.main(["--only", "homes", *SMALL]) == 0
    told = capsys.readouterr().out
    assert "signs a second" in told
    assert "streams one core" not in told
