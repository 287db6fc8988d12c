"""The report of the benches: every figure beside its floor, plots that any reader can open, failures that are said."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from hub.bench import peers, report
from hub.bench.plots import bars, lines, number
from hub.bench.report import Row
from hub.commands import bench_report, bench_town
from hub.errors import HubError

TIMES = {f"{name}_{p}_ms": 12.5 for name in ("puback", "heard", "page", "screen", "console") for p in ("p50", "p99")}
SCENES = ("idle", "loaded")
MEMORY = {"ingest": 900.0, "dispatch": 60.0, "console": 160.0, "audit": 90.0, "hub_bytes_per_device": 990.0}


def one(residents: int, us: float) -> dict[str, Any]:
    """Return the figures of a town of a size."""
    return {
        "residents": residents, "rate": residents / 60, "offered_per_s": residents / 60, "stored_per_s": residents / 60,
        "hub_us_per_msg": us, "pg_us_per_msg": 8.0, "hub_and_pg_us_per_msg": us + 8, "memory": MEMORY,
        "first_start_s": {"ingest": 7.0, "everything": 9.0}, "takeover_s": 8.0, "wal_bytes_per_msg": 400.0,
        "loaded": TIMES | {"presses": 5, "missed": 0}, "idle": TIMES, "cores_at_rest": 0.1,
        "above_rest_us_per_msg": us, "backlog": [1, 2, 3], "backlog_first_half": 1.5, "backlog_second_half": 3.0,
        "disk_bytes_per_msg": 300.0, "disk_kb_per_wearer_day": 432.0, "deadlines_pass_ms": 20.0, "raised": {"sos": 5},
        "seconds": 600.0, "cpu_s_per_s": residents * us / 1e6, "memory_mb": 1210.0, "start_s": 7.0,
        "published": peers.PUBLISHED, "floor": {"mosquitto_sub_us_per_msg": 4.0, "copy_us_per_row": 2.0},
    }  # fmt: skip


def town(us: float = 14.0) -> dict[str, Any]:
    small, large = one(10_000, us), one(1_100_000, us)
    figures = large | {"growth": [small, large], "slopes": bench_town.slopes([small, large])}
    return figures | {"aims": bench_town.aims(figures)}


STEP = {"stored_per_s": 2_000.0, "system_us_per_msg": 10.0, "pg_us_per_msg": 5.0, "broker_us_per_msg": 9.0}
RESULTS: dict[str, Any] = {
    "town": town(),
    "hour": one(1_100_000, 30.0) | {"seconds": 3600.0, "offered_per_s": 2000.0, "aims": {}},
    "ingest": {"hub_us_per_msg": 10.0, "floor_us_per_msg": 4.0, "floor_broker_us_per_msg": 9.0,
               "broker_us_per_msg": 12.0,
               "pg_us_per_msg": 5.0, "stored_per_s": 17_990.0, "offered_per_s": 18_000.0,
               "listener": {"hub_us_per_msg": 12.0, "pg_us_per_msg": 4.0}},
    "latency": {"idle": TIMES, "loaded": TIMES,
                "mosquitto": {scene: {"round_trip_p50_ms": 0.5, "round_trip_p99_ms": 1.0} for scene in SCENES}},
    "peers": {"node_red": "4.1.15", "systems": {
        "carehub": {"most_per_s": 18_000.0, "steps": [STEP | {"rate": 2_000.0}]},
        "node-red": {"most_per_s": 8_000.0, "steps": [STEP | {"rate": 2_000.0, "system_us_per_msg": 40.0}]}}},
    "detect": {"whole": {"residents": 1_100_000, "bytes_each": 904.0},
               "vitals": {"us_per_message": {"median": 3.0}, "floor_us_per_message": {"median": 0.5}}},
    "console": {"consoles": 50, "incidents": 200, "missed": 0, "changes": 60, "told_ms_p50": 3.0, "told_ms_p99": 7.0,
                "visible_ms_p50": 5.0, "visible_ms_p99": 9.0, "notify_ms_p50": 1.0, "notify_ms_p99": 2.0},
    "connections": {"listener": {"kb_each": 5.1}, "cores": 2, "said": "words"},
    "escalation": {"first": {"carehub": {"ms_p50": 9.0, "ms_p99": 20.0},
                             "alertmanager": {"ms_p50": 18.0, "ms_p99": 40.0}}},
}  # fmt: skip


def test_every_bench_has_its_section() -> None:
    assert len(report.sections(RESULTS, {})) == len(RESULTS) == len(bench_report.FULL) == len(bench_report.QUICK)


def test_figure_stands_beside_its_peer_with_how_many_times_that_it_is() -> None:
    assert Row(what="a", ours=10.0, unit="µs", beside="floor", theirs=4.0).cells() == [
        "a",
        "10 µs",
        "floor",
        "4 µs",
        "2.50",
    ]
    assert Row(what="a", ours=10.0, unit="µs").cells() == ["a", "10 µs", "", "", ""]
    assert Row(what="a", ours=None, unit="µs", beside="floor", theirs=4.0).cells()[1] == "–"


def test_markdown_holds_the_peer_of_the_same_run() -> None:
    text = report.markdown("t", ["about"], report.sections(RESULTS, {}))
    assert "| process at 2,000/s | 10 µs | Node-RED 4.1.15 | 40 µs | 0.25 |" in text
    assert "Grows with residents to the power of:" in text


def test_smaller_town_stands_beside_the_large_one() -> None:
    text = report.markdown("t", ["about"], [report.town(town(us=14.0))])
    assert "| 10,000 residents: a message, above rest | 14 µs | 1,100,000 residents | 14 µs | 1.00 |" in text


def test_hour_is_the_town_for_an_hour() -> None:
    said = bench_town.arguments(list(bench_report.FULL["hour"]))
    assert (bench_report.BENCH["hour"], said.rate, said.seconds, said.growth) == ("town", 2_000.0, 3_600.0, [])
    assert "for 3,600 s" in report.markdown("t", [], report.sections(RESULTS, {}))


def test_page_stands_alone_and_its_plots_are_well_formed() -> None:
    page = report.webpage("<t>", ["a & b"], report.sections(RESULTS, {}))
    assert "&lt;t&gt;" in page
    assert "a &amp; b" in page
    assert "<script" not in page
    assert "http://" not in page
    plots = [piece.partition("</svg>")[0] + "</svg>" for piece in page.split("<svg")[1:]]
    assert len(plots) >= 6
    for plot in plots:
        ET.fromstring("<svg" + plot)


def test_bench_that_failed_says_so_in_both_forms_and_in_the_exit_status(tmp_path: Path) -> None:
    machine = {"cpu": "c", "cores": 2, "load": [0.1], "python": "3.11"}
    bench_report.keep(tmp_path, machine, {"town": town()}, {"latency": "ended with 1"}, quick=True)
    assert bench_report.write(tmp_path) == 1
    for form in ("report.md", "report.html"):
        assert "latency: failed" in (tmp_path / form).read_text(encoding="utf-8")
    assert "rough figures" in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_report_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HubError, match="no results"):
        bench_report.write(tmp_path)


def test_aim_that_is_missed_is_told() -> None:
    missed = bench_town.aims(one(1_000, 90.0))
    assert missed["hub_and_pg_us_per_msg"] == {"aim": 25.0, "measured": 98.0, "met": False}
    assert bench_town.aims(one(1_000, 9.0))["hub_and_pg_us_per_msg"]["met"]


def test_slope_is_one_where_cost_grows_with_the_town() -> None:
    told = bench_town.slopes([one(10_000, 10.0), one(1_000_000, 10.0)])
    assert told["cpu_s_per_s"] == pytest.approx(1.0)
    assert told["memory_mb"] == pytest.approx(0.0)
    assert bench_town.slopes([one(10_000, 10.0), one(100_000, 100.0)])["cpu_s_per_s"] == pytest.approx(2.0)


def test_further_device_is_told_without_what_every_process_takes() -> None:
    small, large = one(10_000, 10.0) | {"memory_mb": 400.0}, one(1_010_000, 10.0) | {"memory_mb": 400.0 + 1e9 / 2**20}
    assert bench_town.further([small, large]) == pytest.approx(1_000.0)
    assert bench_town.further([large]) is None
    figures = large | {"bytes_per_further_device": 1_000.0}
    assert bench_town.aims(figures)["hub_bytes_per_device"]["measured"] == 1_000.0


def test_plots_take_what_there_is() -> None:
    assert lines("nothing", {"a": []}, "s", "n") == ""
    assert ET.fromstring(bars("t", [("a", {"x": 1.0, "y": 2.0}), ("b", {"x": 0.0})], "µs")) is not None
    assert ET.fromstring(lines("t", {"a": [(0, 0), (1, 5)]}, "s", "n", logarithmic=True)) is not None
    assert [number(value) for value in (1234.5, 120.4, 12.34, 5.0, 0.1234)] == ["1,234", "120", "12.3", "5", "0.12"]


def test_results_are_kept_after_every_bench(tmp_path: Path) -> None:
    bench_report.keep(tmp_path, {}, {"ingest": {}}, {}, quick=False)
    assert json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["results"] == {"ingest": {}}
