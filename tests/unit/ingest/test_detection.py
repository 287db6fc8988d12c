"""Detector state over restarts: of another release, of a hub that was away, of a device that repeats itself."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from alerts.detectors import baseline, detectors, oxygen, spent
from alerts.detectors.detector import Field
from alerts.detectors.device_health import DeviceHealth
from alerts.detectors.vitals import VitalsDetector
from hub import detection
from hub.detection import SELDOM, Detection
from hub.device_table import DeviceTable
from tests.unit.ingest.test_columns import START_MS, columns, table_of


class OfNextRelease(DeviceHealth):
    """One column has another type, one is new."""

    fields: Mapping[str, Field] = {
        **DeviceHealth.fields, "heard_ms": Field(dtype="float32"), "mood": Field(dtype="int8", fill=5),
    }  # fmt: skip


def held(count: int, detector: DeviceHealth | None = None) -> Detection:
    return Detection(table_of(count), (detector or DeviceHealth(),))


def heard(count: int, **given: Any) -> Detection:
    """Return what is held after each of `count` devices spoke once."""
    one = held(count)
    one.observe(np.arange(count), columns([7] * count, **given))
    return one


def test_columns_of_another_release_start_anew_and_the_others_come_back() -> None:
    before = heard(2)
    after = held(2, OfNextRelease())
    after.restore(*before.block_columns(0), 9)
    state = after.states["device_health"]
    assert state["heard_ms"].tolist() == [0, 0]
    assert state["mood"].tolist() == [5, 5]
    assert state["ticked_ms"].tolist() == before.states["device_health"]["ticked_ms"].tolist()
    assert after.states["repeats"]["keys"].any()


def test_repeat_of_a_message_from_before_the_restart_is_recognised_and_of_its_own_device_only() -> None:
    before = held(2)
    before.observe(np.array([0]), columns([7]))
    after = held(2)
    after.restore(*before.block_columns(0), 9)
    assert after.fresh(np.array([0, 1]), columns([7, 7])).tolist() == [False, True]


def test_asking_what_is_fresh_changes_nothing() -> None:
    one = held(1)
    batch = columns([7])
    assert one.fresh(np.array([0]), batch).all()
    assert one.fresh(np.array([0]), batch).all()
    assert not one.dirty.any()


def test_hub_that_was_here_until_now_moves_only_clocks_that_run() -> None:
    one = held(3)
    ticked = one.states["device_health"]["ticked_ms"]
    ticked[:] = [0, START_MS, START_MS + 90_000]
    one.hub_was_here(START_MS + 60_000)
    assert ticked.tolist() == [0, START_MS + 60_000, START_MS + 90_000]


def test_copy_being_saved_is_not_changed_by_what_is_heard_meanwhile() -> None:
    one = heard(1)
    device, saved = one.block_columns(0)
    one.observe(np.array([0]), columns([8], received_ms=np.array([START_MS + 60_000])))
    after = held(1)
    after.restore(device, saved, 9)
    assert after.states["device_health"]["heard_ms"].tolist() == [START_MS]


def test_only_the_blocks_of_those_who_spoke_are_saved_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detection, "BLOCK", 2)
    one = held(7)
    one.observe(np.array([6, 3, 2]), columns([1, 2, 3]))
    assert one.dirty.tolist() == [False, True, False, True]
    list(one.tick(START_MS + 1000))
    assert one.dirty.tolist() == [False, True, False, True]


def test_new_deadline_of_a_device_is_taken_over_and_its_past_is_kept() -> None:
    one = heard(2)
    one.table.put([(2, "carehub:w1", "", "", 2, "area", 90, None, "live")])
    one.fit()
    state = one.states["device_health"]
    assert state["deadline_s"].tolist() == [600, 90]
    assert state["heard_ms"].tolist() == [START_MS, START_MS]
    silent = [finding.row for found in one.tick(START_MS + 100_000) for finding in found]
    assert silent == [1]


BOUND = datetime(2026, 1, 1, tzinfo=UTC)
CREATED = datetime(2025, 1, 1, tzinfo=UTC)
PULSE: dict[str, Any] = {"heart_rate_bpm": 115, "respiration_rpm": 22}
PRESSURE: dict[str, Any] = {"systolic_mmhg": 98}
FEVER: dict[str, Any] = {"temperature_c": 38.4}


def line(device_id: int, address: str, resident: int | None, *, bound: datetime = BOUND, scale: int = 1) -> list[Any]:
    """Return a device as the queries return it."""
    since = (None if resident is None else bound, CREATED, False, scale)
    return [device_id, address, "", "", resident, "", None, None, "seen" if resident is None else "live", *since]


def home(*lines: list[Any]) -> Detection:
    table = DeviceTable()
    table.put(lines)
    return Detection(table, detectors())


def told(one: Detection, row: int, minute: int, **values: Any) -> list[str]:
    """Let one device say something in one minute; returns the rules that are raised, with whose device's row."""
    at = np.array([START_MS + minute * 60_000])
    given: dict[str, Any] = {name: np.array([value], np.float32) for name, value in values.items()}
    if "steps" in values:
        given["steps"] = np.array([values["steps"]], np.int32)
    batch = columns([-1], received_ms=at, measured_ms=at.tolist(), **given)
    return [f"{f.rule}@{f.row}" for f in one.observe(np.array([row]), batch)]


def three_devices() -> Detection:
    """A watch, a cuff and a thermometer of resident 10; between them a watch of resident 20."""
    return home(
        line(1, "carehub:watch", 10), line(2, "carehub:other", 20), line(3, "ble:cuff", 10), line(4, "ble:warm", 10)
    )


def test_devices_of_one_resident_make_one_score_and_nobody_elses() -> None:
    one = three_devices()
    assert one.table.first_row[:4].tolist() == [0, 1, 0, 0]
    said = [told(one, 2, 0, **PRESSURE), told(one, 3, 1, **FEVER), told(one, 1, 2, **PULSE), told(one, 0, 3, **PULSE)]
    assert said == [[], [], [], []]
    assert told(one, 1, 8, **PULSE) == []  # her neighbour is told apart
    assert told(one, 0, 8, **PULSE) == ["V8@0"]


def test_values_of_the_resident_before_are_not_those_of_the_next_one() -> None:
    one = three_devices()
    told(one, 2, 0, **PRESSURE)
    told(one, 3, 1, **FEVER)
    later = datetime(2026, 2, 1, tzinfo=UTC)
    one.table.put([line(1, "carehub:watch", 20, bound=later)])
    one.fit()
    assert one.table.first_row[:4].tolist() == [0, 0, 2, 2]
    assert [told(one, row, minute, **PULSE) for row, minute in ((0, 3), (0, 8), (1, 13))] == [[], [], []]
    assert one.dirty.all()


def test_watch_bound_to_somebody_else_knows_nothing_of_the_wearer_before() -> None:
    one = three_devices()
    vitals, still = one.states["vitals"], one.states["stillness"]
    vitals["nights"][0], vitals["rest_bins"][0], still["ups"][0], still["up_min"][0] = 70, 5, 30, 200
    one.states["device_health"]["battery_level"][0] = 1  # the device's own
    one.table.put([line(1, "carehub:watch", 20, bound=datetime(2026, 2, 1, tzinfo=UTC))])
    one.fit()
    assert not vitals["nights"][0].any()
    assert not vitals["rest_bins"][0].any()
    assert still["up_min"][0] == -1
    assert vitals["high_bpm"][0].tolist() == [255] * 8
    assert one.states["device_health"]["battery_level"][0] == 1


def test_new_deadline_or_scale_leaves_what_is_known() -> None:
    one = three_devices()
    told(one, 0, 0, **PULSE)
    one.states["vitals"]["nights"][0] = 70
    one.table.put([line(1, "carehub:watch", 10, scale=2)])
    one.fit()
    assert one.states["vitals"]["nights"][0].all()
    assert one.states["vitals"]["spo2_scale2"][:2].tolist() == [1, 0]
    assert one.states["early_warning"]["spo2_scale2"][0] == 1


def test_table_knows_what_is_worn_and_what_feels_skin() -> None:
    one = home(line(1, "watch3g:1", 10), line(2, "bed:2", 10), line(3, "carehub:3", None))
    assert one.states["device_health"]["wearable"].tolist() == [1, 0, 0]
    assert one.states["vitals"]["skin"].tolist() == [1, 0, 0]
    assert [told(one, 0, m, temperature_c=33.5) for m in (0, 10)] == [[], []]
    assert [told(one, 2, m, temperature_c=33.5) for m in (0, 10)] == [[], ["V7@2"]]


def test_everything_goes_on_after_a_restart() -> None:
    before = three_devices()
    for minute in range(10):
        told(before, 0, minute, **PULSE, spo2_pct=90 if minute > 7 else 97)
    told(before, 2, 9, **PRESSURE)
    told(before, 3, 9, temperature_c=39.5)
    after = three_devices()
    after.restore(*before.block_columns(0), 9)
    after.fit()
    for name, state in before.states.items():
        assert all((state[key] == after.states[name][key]).all() for key in state), name
    said = [(3, 14, {"temperature_c": 39.5}), (0, 15, {**PULSE, "spo2_pct": 90.0})]
    assert [told(before, *one[:2], **one[2]) for one in said] == [told(after, *one[:2], **one[2]) for one in said]
    assert told(three_devices(), 3, 14, temperature_c=39.5) == []  # what a hub that had forgotten would say


def test_score_is_taken_along_when_a_resident_has_another_first_device() -> None:
    one = home(line(1, "carehub:spare", 20), line(3, "carehub:watch", 10), line(4, "ble:cuff", 10))
    told(one, 2, 0, **PRESSURE)
    told(one, 1, 1, temperature_c=38.4)
    told(one, 1, 3, **PULSE)
    one.table.put([line(1, "carehub:spare", 10, bound=datetime(2026, 2, 1, tzinfo=UTC))])  # a smaller number
    one.fit()
    assert one.table.first_row[:3].tolist() == [0, 0, 0]
    assert told(one, 1, 8, **PULSE) == ["V8@0"]
    one.table.put([line(1, "carehub:spare", None)])  # taken away again
    one.fit()
    assert one.table.first_row[:3].tolist() == [0, 1, 1]
    assert told(one, 1, 13, **PULSE) == []  # said, and not forgotten
    assert one.states["early_warning"]["raised"][:2].tolist() == [0, 3]  # seven points: high


def test_score_leaves_out_a_pulse_of_a_sensor_that_has_just_lost_it() -> None:
    def scored(lost: bool) -> list[str]:
        one = three_devices()
        found = [told(one, 0, minute, steps=0, heart_rate_bpm=70) for minute in range(100)]
        found += [told(one, 0, 100 + k, steps=0, **({} if lost else {"heart_rate_bpm": 70})) for k in range(4)]
        found += [told(one, 2, 105, **PRESSURE)]
        found += [told(one, 0, 110 + k, steps=0, **PULSE) for k in range(40)]
        return [rule for some in found for rule in some if rule.startswith("V8")]

    assert scored(lost=False) == ["V8@0"]
    assert scored(lost=True) == []


class OfLastRelease(VitalsDetector):
    """As the state was kept before: bytes a saturation, minutes in full, one rule fewer, narrower bins."""

    fields: Mapping[str, Field] = {
        **{n: field for n, field in VitalsDetector.fields.items() if n not in ("cleared", "begun", "spo2_bits")},
        "cleared_min": Field(dtype="int32", shape=(7,)), "spo2": Field(dtype="uint8", shape=(64,)),
        "rest_bins": Field(dtype="uint8", shape=(8, 32)),
    }  # fmt: skip


def test_state_of_the_release_before_goes_on_after_an_upgrade() -> None:
    minute = START_MS // 60_000
    before = Detection(table_of(2), (OfLastRelease(),))
    state = before.states["vitals"]
    state["newest_min"][:], state["cleared_min"][0] = minute, minute - np.arange(7)
    state["spo2"][0, minute & 63], state["rest_bins"][0, :, 10] = 88, 60  # 66 to 68 a minute
    after = Detection(table_of(2), (VitalsDetector(),))
    after.restore(*before.block_columns(0), 9)
    state, row = after.states["vitals"], np.array([0])
    assert [int(spent.told(state, "cleared", 0, k, minute)) for k in range(8)] == [*(minute - k for k in range(7)), 0]
    assert oxygen.read(state, row, np.array([[minute & 63, 0 if minute & 63 else 1]])).tolist() == [[88, 0]]
    assert baseline.usual_bpm(state, 0, 0)[0] == pytest.approx(67, abs=2)
    assert not state["rest_bins"][1].any()


def test_clock_that_is_behind_is_known_to_whoever_stores_what_its_device_says() -> None:
    one = held(2)
    for k in range(8):
        received = START_MS + k * 60_000
        one.observe(np.array([1]), columns([k], received_ms=np.array([received]), measured_ms=[received - 7_200_000]))
    assert one.table.behind_ms[:2].tolist() == [0, 7_200_000]
    after = held(2)
    after.restore(*one.block_columns(0), 9)
    after.fit()
    assert after.table.behind_ms[:2].tolist() == [0, 7_200_000]


def test_score_is_found_by_its_resident_when_her_first_device_changed_while_the_hub_was_down() -> None:
    watch, cuff = line(3, "carehub:watch", 10), line(4, "ble:cuff", 10)
    before = home(line(1, "carehub:spare", 20), watch, cuff)
    told(before, 2, 0, **PRESSURE)
    told(before, 1, 1, temperature_c=38.4)
    told(before, 1, 3, **PULSE)
    after = home(line(1, "carehub:spare", 10, bound=datetime(2026, 2, 1, tzinfo=UTC)), watch, cuff)
    after.restore(*before.block_columns(0), 9)
    after.bring_scores()
    after.fit()
    assert after.table.first_row[:3].tolist() == [0, 0, 0]
    assert told(after, 1, 8, **PULSE) == ["V8@0"]


def test_score_of_a_resident_who_has_no_device_any_more_is_nobody_elses() -> None:
    before = home(line(1, "carehub:spare", 20), line(3, "carehub:watch", 10))
    told(before, 1, 0, **PRESSURE)
    told(before, 1, 1, temperature_c=38.4)
    after = home(line(1, "carehub:spare", 20), line(3, "carehub:watch", 20, bound=datetime(2026, 2, 1, tzinfo=UTC)))
    after.restore(*before.block_columns(0), 9)
    after.bring_scores()
    after.fit()
    assert told(after, 1, 3, **PULSE) == []
    assert [told(after, 1, m, **PULSE) for m in (8, 13)] == [[], []]


def test_numbers_of_every_device_are_aligned_and_what_is_seldom_written_is_some_detectors() -> None:
    one = Detection(table_of(3), detectors(480))
    columns_of_all = {f"{name}.{key}": column for name, state in one.states.items() for key, column in state.items()}
    assert all(column.flags.aligned for column in columns_of_all.values())
    assert columns_of_all.keys() >= SELDOM


def test_table_that_grows_keeps_what_is_known_of_each_device() -> None:
    one = Detection(table_of(1), detectors(480))
    one.observe(np.array([0]), columns([7], heart_rate_bpm=[72.0]))
    before = {name: {key: column.copy() for key, column in state.items()} for name, state in one.states.items()}
    one.table.put((row + 1, f"carehub:w{row}", "", "", None, "", None, None, "live") for row in range(1, 3_000))
    one.fit()
    for name, state in before.items():
        for key, column in state.items():
            assert one.states[name][key][:1].tolist() == column.tolist(), (name, key)
