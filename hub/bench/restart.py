"""What `carehub bench detect --restart` measures: everybody's state as checkpoints, and back into a new hub."""

import time
from collections.abc import Iterator

import numpy as np

from alerts.detectors import detectors
from hub.bench.detect import OFFSET_MIN, SEED, Figures, Watches
from hub.detection import Detection
from hub.device_table import DeviceTable
from hub.pieces import cut, joined

NOISY = (("vitals", "hr"), ("vitals", "rest_bins"), ("vitals", "nights"), ("stillness", "ups"))  # nobody's are alike
PLAYED = 16_384  # watches that are played; their states are given to all


def restart(residents: int, minutes: int = 20) -> Figures:
    """Return what checkpointing and restoring so many watches takes; their states are those of played ones."""
    before = _hub(residents)
    watches = Watches(min(residents, PLAYED), minutes)
    watches.through_hub()
    for name, state in watches.hub.states.items():
        for key, column in state.items():
            for part in _parts(residents, len(column)):
                before.states[name][key][part] = column[: part.stop - part.start]
    del watches
    for name, key in NOISY:
        column = before.states[name][key]
        column[...] = np.random.default_rng(SEED).integers(0, 200, column.shape, column.dtype)
    began = time.process_time()
    blocks = [cut(*before.block_columns(block)) for block in range(len(before.dirty))]
    packed = time.process_time() - began
    del before
    began = time.process_time()
    after = _hub(residents)
    made = time.process_time() - began
    for block in blocks:
        after.restore(*joined(block.layout, dict(zip(block.places, block.bodies, strict=True))), 1)
    after.bring_scores()
    after.fit()
    restored = time.process_time() - began - made
    return {
        "residents": residents, "blocks": len(blocks), "checkpoint_s": packed,
        "bytes": sum(len(body) for block in blocks for body in block.bodies), "table_s": made, "restore_s": restored,
    }  # fmt: skip


def _hub(residents: int) -> Detection:
    table = DeviceTable()
    table.put((row + 1, f"bench:{row}", "", "", row + 1, "", None, None, "live") for row in range(residents))
    return Detection(table, detectors(OFFSET_MIN))


def _parts(total: int, size: int) -> Iterator[slice]:
    for start in range(0, total, size):
        yield slice(start, min(start + size, total))
