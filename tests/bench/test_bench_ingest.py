"""The ingest bench itself: small, on real processes, so that its numbers can be trusted when it is large."""

import json
import os
import subprocess
import sys

import pytest

from hub.bench import load
from hub.bench.cost import Snapshot, cpu_s, family_cpu_s
from hub.bench.metrics_page import metric
from hub.ingress.mqtt311 import frame
from tests.conftest import need

CONTRACT = {
    "hub_us_per_msg", "pg_us_per_msg", "broker_us_per_msg", "floor_us_per_msg", "ratio_to_floor", "offered_per_s",
    "stored_per_s", "backlog_max",
}  # fmt: skip


def test_payload_is_two_hundred_bytes_of_json() -> None:
    body = load.PAYLOAD % (load.FIRST_SEQUENCE + 7, 1_790_000_000_000)
    payload = body + load.TAIL[len(body)]
    assert len(payload) == load.PAYLOAD_BYTES
    assert json.loads(payload)["seq"] == load.FIRST_SEQUENCE + 7


def test_head_and_payload_are_one_packet() -> None:
    packet = load.head(3) + b"\x00\x01" + bytes(load.PAYLOAD_BYTES)
    assert frame(packet, 0) == (3, len(packet))
    assert b"carehub/bench00003/vitals" in packet


def test_cost_is_divided_by_what_was_stored() -> None:
    before = Snapshot(at_s=10.0, sent=1_000, stored=900, cpu_s={"hub": 1.0})
    after = Snapshot(at_s=12.0, sent=21_000, stored=20_900, cpu_s={"hub": 1.2})
    assert after.since(before) == pytest.approx(
        {"hub_us_per_msg": 10.0, "offered_per_s": 10_000.0, "stored_per_s": 10_000.0}
    )


def test_cpu_of_a_family_counts_children_that_ended() -> None:
    before = family_cpu_s(os.getpid())
    subprocess.run([sys.executable, "-c", "sum(range(10_000_000))"], check=True)
    assert family_cpu_s(os.getpid()) - before >= 0.05
    assert cpu_s(os.getpid()) > 0


def test_metric_is_read_by_its_whole_name() -> None:
    page = '# HELP x\nx_total{lane="telemetry"} 12.0\nx_total{lane="urgent"} 3.0\n'
    assert metric(page, 'x_total{lane="urgent"}') == "3.0"
    assert metric(page, "x_total") is None


def test_bench_prints_its_contract_and_loses_nothing() -> None:
    need("mosquitto", "mosquitto")
    need("mosquitto_sub", "mosquitto-clients")
    command = [sys.executable, "-m", "hub", "bench", "ingest", "--seconds", "2", "--rate", "400", "--connections", "20"]
    done = subprocess.run([*command, "--json"], check=True, capture_output=True, text=True, timeout=120)
    figures = json.loads(done.stdout.splitlines()[-1])
    assert set(figures) >= CONTRACT
    assert set(figures["listener"]) >= CONTRACT - {"broker_us_per_msg", "floor_us_per_msg"}
    for scene in (figures, figures["listener"]):
        assert scene["rows"] == scene["sent"] == scene["acknowledged"]
        assert scene["stored_per_s"] == pytest.approx(400, rel=0.25)
