"""The bench of peers: a few messages through the hub, and through Node-RED where it is installed."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hub.bench import node_red
from hub.commands import bench_peers
from tests.conftest import need

STEP = {"rate": 100.0, "stored_per_s": 99.0, "behind": 1, "sent": 400, "rows": 400, "keeps_up": True,
        "system_us_per_msg": 40.0, "pg_us_per_msg": 9.0, "broker_us_per_msg": 9.0}  # fmt: skip


def play(where: Path, *rates: str) -> dict[str, Any]:
    """Play small steps; returns what each system did."""
    need("mosquitto", "mosquitto")
    words = ["--rates", *rates, "--seconds", "2", "--devices", "50", "--connections", "4", "--node-red", str(where)]
    command = [sys.executable, "-m", "hub", "bench", "peers", *words, "--json"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def test_hub_is_measured_where_there_is_no_node_red(tmp_path: Path) -> None:
    figures = play(tmp_path, "50")
    assert figures["node_red"] is None
    (step,) = figures["systems"]["carehub"]["steps"]
    assert step["rows"] == step["sent"] > 0
    assert set(figures["systems"]) == {"carehub"}


def test_node_red_stores_what_it_is_sent() -> None:
    where = node_red.home(None)
    if not node_red.installed(where):
        pytest.skip(f"Node-RED is not in {where}: carehub bench peers --install")
    steps = play(where, "50")["systems"]["node-red"]["steps"]
    assert steps[0]["rows"] == steps[0]["sent"] > 0


def test_home_of_node_red_is_outside_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(node_red.FOLDER, raising=False)
    project = Path(__file__).parents[2]
    assert project not in node_red.home(None).parents
    monkeypatch.setenv(node_red.FOLDER, "/srv/red")
    assert node_red.home(None) == Path("/srv/red")
    assert node_red.home(Path("/a")) == Path("/a")


def test_flow_leads_from_the_broker_to_the_insert() -> None:
    nodes = {one["id"]: one for one in node_red.flow(1884)}
    assert nodes["broker"]["port"] == "1884"
    way = ["in"]
    while nodes[way[-1]]["wires"]:
        way.append(nodes[way[-1]]["wires"][0][0])
    assert way == ["in", "device", "join", "store"]
    assert nodes["join"]["count"] == str(node_red.JOINED)
    assert node_red.INSERT in json.loads(
        f'"{nodes["store"]["func"].partition("text: ")[2].partition(", values")[0][1:-1]}"'
    )


def test_step_that_falls_behind_is_marked() -> None:
    behind = STEP | {"rate": 200.0, "keeps_up": False}
    figures = {"node_red": "4.1.15", "systems": {"node-red": {"steps": [STEP, behind]}}}
    lines = bench_peers.table(figures).splitlines()
    assert not lines[1].startswith("node-red at 100/s *")
    assert lines[2].startswith("node-red at 200/s *")
    assert bench_peers.most([STEP, behind]) == 99.0


def test_node_red_that_is_missing_is_told_how_to_get(tmp_path: Path) -> None:
    with (
        pytest.raises(node_red.NodeRedError, match="--install"),
        node_red.running(tmp_path, tmp_path / "flow", 1, f"postgresql://nobody@127.0.0.1:{os.getpid() % 1000 + 1}/x"),
    ):
        pass
