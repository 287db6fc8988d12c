"""Detector state over restarts: of another release, of a hub that was away, of a device that repeats itself."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from alerts.detectors.detector import Field
from alerts.detectors.device_health import DeviceHealth
from hub import detection
from hub.detection import Detection, pack
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
    after.restore(pack(*before.block_columns(0)), 9)
    state = after.states["device_health"]
    assert state["heard_ms"].tolist() == [0, 0]
    assert state["mood"].tolist() == [5, 5]
    assert state["ticked_ms"].tolist() == before.states["device_health"]["ticked_ms"].tolist()
    assert after.states["repeats"]["keys"].any()


def test_repeat_of_a_message_from_before_the_restart_is_recognised_and_of_its_own_device_only() -> None:
    before = held(2)
    before.observe(np.array([0]), columns([7]))
    after = held(2)
    after.restore(pack(*before.block_columns(0)), 9)
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
    after.restore(pack(device, saved), 9)
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
