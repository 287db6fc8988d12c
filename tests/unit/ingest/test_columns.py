"""The bytes of a batch: COPY's format, the raw layout, repeats, detector state."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.detectors.detector import new_state
from alerts.detectors.device_health import DeviceHealth
from alerts.detectors.vitals import VitalsDetector
from devices.columns import Columns
from hub import detection
from hub.detection import Detection
from hub.device_table import ROOM, DeviceTable
from hub.repeats import WINDOW, Repeats
from hub.store import raw
from hub.store.telemetry import SIGNATURE, TRAILER, WIDE, clean, encode_wide

FLOATS = (
    "heart_rate_bpm", "spo2_pct", "respiration_rpm", "temperature_c", "systolic_mmhg", "diastolic_mmhg", "battery_pct",
)  # fmt: skip
START_MS = 1_790_000_000_000


def columns(sequence: Sequence[int], *, measured_ms: Sequence[int] | None = None, **given: Any) -> Columns:
    n = len(sequence)
    values: dict[str, Any] = {name: np.full(n, np.nan, np.float32) for name in FLOATS}
    values |= {"device": np.arange(1, n + 1), "steps": np.full(n, -1, np.int32), "worn": np.full(n, -1, np.int8)}
    values |= {"received_ms": np.full(n, START_MS), "sequence": np.array(sequence, np.int64)}
    values["measured_ms"] = values["received_ms"] if measured_ms is None else np.array(measured_ms, np.int64)
    return Columns(**(values | given))


def table_of(count: int, **fields: Any) -> DeviceTable:
    table = DeviceTable(**fields)
    table.put([(i + 1, f"carehub:w{i}", "", "", i + 1, "area", 600, None, "live") for i in range(count)])
    return table


def test_row_with_every_column_is_as_long_as_its_parts() -> None:
    here: dict[str, Any] = {name: np.ones(1, np.float32) for name in FLOATS}
    here |= {"steps": np.ones(1, np.int32), "worn": np.ones(1, np.int8)}
    here |= {"implausible": np.ones(1, np.bool_)}
    stream = encode_wide(columns([1], measured_ms=None, **here), 7)
    body = stream[len(SIGNATURE) : -len(TRAILER)]
    assert len(body) == 2 + sum(4 + np.dtype(kind).itemsize for _, kind in WIDE)
    assert body[:2] == len(WIDE).to_bytes(2, "big")


def test_absent_values_take_only_their_length_word() -> None:
    stream = encode_wide(columns([-1]), 7)
    body = stream[len(SIGNATURE) : -len(TRAILER)]
    assert len(body) == 2 + 4 * len(WIDE) + 4 * 8
    assert body.count(b"\xff\xff\xff\xff") == len(WIDE) - 4


def test_empty_batch_is_an_empty_stream() -> None:
    assert encode_wide(columns([]), 7) == SIGNATURE + TRAILER


@given(st.lists(st.tuples(st.text(max_size=20), st.binary(max_size=40), st.integers(0, 2**62)), max_size=20))
def test_raw_batch_comes_back_as_it_went_in(messages: list[tuple[str, bytes, int]]) -> None:
    body = raw.pack([m[0] for m in messages], [m[1] for m in messages], [m[2] for m in messages])
    assert raw.unpack(body) == [(ms, topic, payload) for topic, payload, ms in messages]


def test_text_loses_only_what_the_database_cannot_hold() -> None:
    assert clean("长者\x00\ud800a") == "长者\ufffd?a"


class World:
    """One `Repeats` with room for eight devices."""

    def __init__(self) -> None:
        self.repeats = Repeats()
        self.state = new_state(self.repeats.fields, 8)

    def hear(self, rows: list[int], batch: Columns) -> list[bool]:
        at = np.array(rows, np.int64)
        keys = self.repeats.keys(batch)
        fresh = self.repeats.fresh(self.state, at, keys)
        self.repeats.remember(self.state, at[fresh], keys[fresh])
        return [bool(one) for one in fresh]


def test_repeat_is_known_within_and_between_batches() -> None:
    world = World()
    assert world.hear([0, 0, 1], columns([5, 5, 5])) == [True, False, True]
    assert world.hear([0, 1, 0], columns([5, 6, 4])) == [False, True, True]


def test_message_without_a_sequence_is_never_a_repeat() -> None:
    world = World()
    assert world.hear([0, 0], columns([-1, -1])) == [True, True]


def test_same_sequence_at_another_device_time_is_new() -> None:
    world = World()
    assert world.hear([0, 0], columns([0, 0], measured_ms=[START_MS - 9_000, START_MS - 3_000])) == [True, True]


def test_window_forgets_the_oldest_first() -> None:
    world = World()
    assert all(world.hear([0] * (WINDOW + 1), columns(range(WINDOW + 1))))
    assert world.hear([0], columns([1])) == [False]
    assert world.hear([0], columns([0])) == [True]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12)), max_size=40), st.integers(1, 7))
def test_repeats_agree_with_a_plain_set(messages: list[tuple[int, int]], size: int) -> None:
    world, seen = World(), set[tuple[int, int]]()
    for start in range(0, len(messages), size):
        part = messages[start : start + size]
        expected = []
        for message in part:
            expected.append(message not in seen)
            seen.add(message)
        assert world.hear([row for row, _ in part], columns([number for _, number in part])) == expected


def test_table_grows_beyond_its_room_and_keeps_what_it_knew() -> None:
    table = table_of(ROOM * 2 + 5)
    assert len(table) == ROOM * 2 + 5
    assert table.row_of["carehub:w2000"] == 2000
    assert table.device_id[2000] == 2001
    assert table.resident(2000) == 2001
    assert table.rows_of_ids(np.array([1, 2001, 999_999])).tolist() == [0, 2000, -1]


def test_retired_device_is_not_supervised() -> None:
    table = table_of(1)
    table.put([(1, "carehub:w0", "", "", None, "", 600, None, "retired")])
    assert table.deadline_s[0] == 0
    assert table.resident(0) is None


def test_device_without_a_deadline_gets_the_default() -> None:
    table = DeviceTable(default_deadline_s=900)
    table.put([(1, "carehub:w0", "", "", None, "", None, None, "live")])
    assert table.deadline_s[0] == 900


def test_device_with_a_new_address_is_found_under_it_alone() -> None:
    table = table_of(1)
    table.put([(1, "carehub:renamed", "", "", 1, "", None, None, "live")])
    assert table.row_of == {"carehub:renamed": 0}


def test_state_grows_with_the_table_and_keeps_its_values() -> None:
    table = table_of(3)
    held = Detection(table, (VitalsDetector(), DeviceHealth()))
    held.observe(np.array([0, 1, 2]), columns([1, 2, 3], heart_rate_bpm=np.full(3, 70, np.float32)))
    before = held.states["device_health"]["heard_ms"].copy()
    table.put([(i + 1, f"carehub:w{i}", "", "", None, "", None, None, "live") for i in range(3, ROOM * 2)])
    held.fit()
    assert held.states["device_health"]["heard_ms"][:3].tolist() == before.tolist()
    assert held.states["repeats"]["keys"].shape == (ROOM * 2, WINDOW)


def test_saved_block_comes_back_under_other_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows follow the order of registration, which a restart may see otherwise: device numbers decide."""
    first = Detection(table_of(3), (VitalsDetector(), DeviceHealth()))
    first.observe(np.array([0, 1, 2]), columns([1, 2, 3], received_ms=np.array([START_MS, START_MS + 1, START_MS + 2])))
    saved = first.block_columns(0)
    table = DeviceTable()
    table.put([(i, f"carehub:w{i - 1}", "", "", None, "", None, None, "live") for i in (3, 9, 1)])
    second = Detection(table, (VitalsDetector(), DeviceHealth()))
    second.restore(*saved, 77)
    assert second.states["device_health"]["heard_ms"].tolist() == [START_MS + 2, 0, START_MS]
    assert second.saved_through.tolist() == [77]


def test_detector_that_fails_stops_nobody() -> None:
    class Broken(DeviceHealth):
        name = "broken"

        def observe(self, *_: Any) -> list[Any]:
            raise ZeroDivisionError

    held = Detection(table_of(1), (Broken(), DeviceHealth()))
    held.observe(np.array([0]), columns([1]))
    assert held.failed == {"broken"}
    assert held.states["device_health"]["heard_ms"].tolist() == [START_MS]


def test_ticks_look_at_one_block_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detection, "BLOCK", 4)
    held = Detection(table_of(10), (DeviceHealth(),))
    held.observe(np.arange(10), columns(range(10)))
    parts = list(held.tick(START_MS + 700_000))
    assert [len(found) for found in parts] == [4, 4, 2]
    assert [f.row for found in parts for f in found] == list(range(10))
