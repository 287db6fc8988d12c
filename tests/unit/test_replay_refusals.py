"""Files and addresses a replay is given by mistake: each is refused in one line, and no password is repeated."""

import json
from pathlib import Path

import numpy as np
import pytest

from hub.replay import devices, falls
from hub.replay.target import NoTargetError, find, parse


def half_copied(path: Path) -> None:
    np.savez(path, t_ms=np.zeros(400, np.int32))
    path.write_bytes(path.read_bytes()[:200])


def one_bare_array(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.zeros(4))


def offsets_of_another_file(path: Path) -> None:
    samples = np.zeros((4, 3), np.int16)
    np.savez(
        path, t_ms=np.arange(4), acc_mg=samples, gyro_2mrad=samples, offset=np.array([0, 2, 3, 4]),
        rec_id=np.array(["walk", "sit"]),
    )  # fmt: skip


@pytest.mark.parametrize("write", [Path.touch, half_copied, one_bare_array, offsets_of_another_file])
def test_recording_file_that_is_damaged_is_refused_by_name(tmp_path: Path, write: object) -> None:
    path = tmp_path / "falls.npz"
    assert callable(write)
    write(path)
    with pytest.raises(falls.RecordingError, match=r"falls\.npz is no file of bursts"):
        falls.read(path)


def test_recording_without_a_sample_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "two.npz"
    samples = np.zeros((2, 3), np.int16)
    np.savez(
        path, t_ms=np.array([0, 20]), acc_mg=samples, gyro_2mrad=samples, offset=np.array([0, 0, 2]),
        rec_id=np.array(["empty", "sit"]),
    )  # fmt: skip
    assert [each.name for each in falls.read(path)] == ["sit"]


@pytest.mark.parametrize(("step_ms", "rate_hz"), [(1, 104.0), (10, 100.0), (20, 50.0), (1000, 20.0)])
def test_rate_is_what_a_wrist_sensor_can_have(step_ms: int, rate_hz: float) -> None:
    samples = np.zeros((101, 3), np.int16)
    recording = falls.Recording(
        name="x", t_ms=np.arange(101, dtype=np.int64) * step_ms, accel_mg=samples, gyro_2mrad=samples
    )
    assert recording.rate_hz == rate_hz


@pytest.mark.parametrize(
    "entry",
    [
        {"kind": "tcp", "type": "tcp.watch", "input": "[3G*88*0002*LK]"},
        {"kind": "tcp", "type": "tcp.watch", "input": {"hex": "5b5"}},
        {"kind": "tcp", "type": "tcp.watch", "input": {}},
        {"kind": "sequence", "type": "z2m", "input": {"messages": 3}},
        {"kind": "mqtt", "type": "z2m", "input": ["z/a", "{}"]},
        ["mqtt", "z/a", "{}"],
        "z/a",
    ],
)
def test_capture_of_another_shape_is_named_by_its_line(tmp_path: Path, entry: object) -> None:
    path = tmp_path / "captures.jsonl"
    path.write_text("\n" + json.dumps(entry) + "\n", encoding="utf-8")
    with pytest.raises(devices.CaptureError, match=r"captures\.jsonl, line 2: no captured payload"):
        devices.read([path])


@pytest.mark.parametrize(
    "url",
    [
        "mqtt://w-0417:hunter2@hub.example:99999",
        "mqtt://w-0417:hunter2@hub.example:mqtt",
        "mqtt://w-0417:hunter2/x@hub.example",
        "mqtt://w-0417:x@hunter2@[hub.example",
        "http://w-0417:x@hunter2@hub.example",
    ],
)
def test_address_that_is_none_is_refused_and_its_password_is_not_said(url: str) -> None:
    with pytest.raises(NoTargetError, match="mqtt://user:password@host:1883") as told:
        parse(url)
    assert "hunter2" not in str(told.value)
    assert told.value.__context__ is None or told.value.__suppress_context__  # the traceback would quote it


@pytest.mark.parametrize("word", ["", "[]", "{}", '{"pid": "x"}', '{"pid": 1e999}', '{"pid": 1' + "0" * 40 + "}"])
def test_run_folder_with_a_damaged_file_has_no_demo(tmp_path: Path, word: str) -> None:
    (tmp_path / "running.json").write_text(word, encoding="utf-8")
    with pytest.raises(NoTargetError, match="no demo runs from"):
        find(tmp_path)
