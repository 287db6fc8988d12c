"""Recordings and captures as a replay reads them, and where it refuses to send them."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from hub.replay import devices, falls
from hub.replay.target import NoTargetError, find, parse


def recording_file(folder: Path) -> Path:
    """Two recordings: three bursts of a watch that sends five samples each 100 ms, then one burst of two."""
    t_ms = np.array([0, 2, 4, 6, 9, 101, 103, 104, 106, 108, 205, 206, 208, 209, 211, 3, 5], dtype=np.int32)
    path = folder / "two.npz"
    np.savez(
        path, t_ms=t_ms, acc_mg=np.arange(51, dtype=np.int16).reshape(-1, 3), offset=np.array([0, 15, 17]),
        gyro_2mrad=np.full((17, 3), falls.NO_GYRO, dtype=np.int16), rec_id=np.array(["walk", "sit"]),
    )  # fmt: skip
    return path


def test_recording_is_cut_where_the_samples_arrived_apart(tmp_path: Path) -> None:
    walk, sit = falls.read(recording_file(tmp_path))
    assert [(part.start, part.stop) for part in walk.bursts()] == [(0, 5), (5, 10), (10, 15)]
    assert [(part.start, part.stop) for part in sit.bursts()] == [(0, 2)]
    assert walk.rate_hz == 66


def test_burst_goes_out_in_the_profile_s_words(tmp_path: Path) -> None:
    walk, _ = falls.read(recording_file(tmp_path))
    words = json.loads(falls.payload(walk, slice(5, 7), 1000, 50.0))
    assert words == {"first": 1005, "rate_hz": 50.0, "acc_b64": "DwAQABEAEgATABQA"}


def test_replay_sends_only_what_is_asked_for(tmp_path: Path) -> None:
    path = recording_file(tmp_path)
    assert [each.name for each in falls.read(path, ["sit"])] == ["sit"]
    assert [each.name for each in falls.read(path, limit=1)] == ["walk"]
    with pytest.raises(falls.RecordingError, match="no recording run"):
        falls.read(path, ["run"])


def test_file_that_holds_no_bursts_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "other.npz"
    np.savez(path, x=np.zeros(3))
    with pytest.raises(falls.RecordingError, match="is no file of bursts"):
        falls.read(path)


def captured(folder: Path, *lines: object) -> Path:
    path = folder / "captures.jsonl"
    path.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), encoding="utf-8")
    return path


def test_captures_are_sorted_by_the_way_they_go_in(tmp_path: Path) -> None:
    path = captured(
        tmp_path,
        {"kind": "mqtt", "type": "z2m", "input": {"topic": "z/a", "payload": "{}", "retain": True, "qos": 1}},
        {"kind": "sequence", "type": "z2m", "input": {"messages": [{"topic": "z/b", "payload": "1"}] * 2}},
        {"kind": "tcp", "type": "tcp.watch", "input": {"text": "[3G*88*0002*LK]"}},
        {"kind": "frame", "type": "frame.watch", "input": {"stream_hex": "5b5d"}},
        {"kind": "tcp", "type": "tcp.gt06", "input": {"hex": "7878"}},
        {"kind": "lorawan", "type": "moko", "input": {"hex": "00"}},
    )
    found = devices.read([path])
    assert [(each["topic"], each["retain"]) for each in found.mqtt] == [("z/a", True), ("z/b", False), ("z/b", False)]
    assert found.tcp == (b"[3G*88*0002*LK]", b"[]")
    assert found.others == {"tcp tcp.gt06": 1, "lorawan moko": 1}


def test_line_that_is_no_capture_is_named(tmp_path: Path) -> None:
    path = captured(
        tmp_path, {"kind": "mqtt", "type": "z2m", "input": {"topic": "z/a", "payload": "{}"}}, {"kind": "mqtt"}
    )
    with pytest.raises(devices.CaptureError, match="line 2"):
        devices.read([path])


@pytest.mark.parametrize(
    ("topic", "prefix"), [("z/a/b", "z/"), ("/devices/1/events", "/devices/"), ("flat", None), ("/x", None)]
)
def test_gateway_s_prefix_is_the_first_level_of_its_topics(topic: str, prefix: str | None) -> None:
    assert devices.prefix_of(topic) == prefix


def test_replay_finds_a_running_demo_and_nothing_else(tmp_path: Path) -> None:
    with pytest.raises(NoTargetError, match="carehub up --demo"):
        find(tmp_path)
    word = {"pid": os.getpid(), "dsn": "postgresql:///x", "listener": ["127.0.0.1", 1], "gateway": ["127.0.0.1", 2]}
    (tmp_path / "running.json").write_text(json.dumps(word))
    with pytest.raises(NoTargetError, match="is no demo"):
        find(tmp_path)
    (tmp_path / "neighbourhood.json").write_text("{}")
    demo = find(tmp_path)
    assert (demo.mqtt.port, demo.watch3g.port, demo.dsn) == (1, 2, "postgresql:///x")


def test_listener_named_by_url_is_one_device_s() -> None:
    way = parse("mqtt://w-0417:p%40ss@hub.example:1884")
    assert (way.host, way.port, way.username, way.secret, way.prefix) == (
        "hub.example", 1884, "w-0417", "p@ss", "carehub/w-0417/",
    )  # fmt: skip


@pytest.mark.parametrize("url", ["http://a:b@c", "mqtt://c:1883", "mqtt://a@c"])
def test_url_without_a_credential_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(NoTargetError, match="mqtt://user:password@host:1883"):
        parse(url)
