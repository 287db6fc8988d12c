"""A block of state in pieces: only what has changed is written, and what comes back is what was there."""

import numpy as np
import pytest

from alerts.detectors.detector import Columnar
from hub.pieces import Cut, cut, joined, read_layout, read_whole, remembered, write_layout

DEVICE = np.array([4, 7, 9])


def state() -> Columnar:
    return {
        "vitals.hr": np.arange(12, dtype=np.uint8).reshape(3, 4),
        "vitals.bins": np.arange(12, dtype=np.uint8).reshape(3, 2, 2),
        "health.heard_ms": np.array([1, 2, 3]),
    }


def read(block: Cut) -> tuple[np.ndarray, Columnar]:
    return joined(read_layout(write_layout(block.layout)), dict(zip(block.places, block.bodies, strict=True)))


def test_what_was_cut_is_what_comes_back() -> None:
    device, columns = read(cut(DEVICE, state()))
    assert device.tolist() == DEVICE.tolist()
    for name, column in state().items():
        assert columns[name].dtype == column.dtype
        assert columns[name].tolist() == column.tolist()


def test_one_place_of_a_ring_is_one_piece() -> None:
    before, after = state(), state()
    after["vitals.hr"][1, 2] = 99
    later = cut(DEVICE, after)
    assert [later.places[one] for one in later.since(cut(DEVICE, before).seal())] == [("vitals.hr", 2)]


def test_nothing_has_changed() -> None:
    assert cut(DEVICE, state()).since(cut(DEVICE, state()).seal()) == []


@pytest.mark.parametrize("device", [np.array([4, 7, 9, 11]), np.array([4, 7])])
def test_another_number_of_devices_is_another_block(device: np.ndarray) -> None:
    more = {name: np.resize(column, (len(device), *column.shape[1:])) for name, column in state().items()}
    later = cut(device, more)
    assert len(later.since(cut(DEVICE, state()).seal())) == len(later.places)


def test_what_was_read_need_not_be_written() -> None:
    block = cut(DEVICE, state())
    read_again = remembered(read_layout(write_layout(block.layout)), dict(zip(block.places, block.bodies, strict=True)))
    assert block.since(read_again) == []


def test_missing_piece_is_not_made_up() -> None:
    block = cut(DEVICE, state())
    pieces = dict(zip(block.places, block.bodies, strict=True))
    del pieces["vitals.hr", 3]
    with pytest.raises(KeyError):
        joined(block.layout, pieces)


def test_to_an_earlier_release_it_is_a_block_of_no_device() -> None:
    device, columns = read_whole(write_layout(cut(DEVICE, state()).layout))
    assert len(device) == 0
    assert columns == {}
