"""Recognises telemetry that was sent again: a bounded window of each device's latest messages, vectorised."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.detectors.detector import Columnar, Field
from devices.columns import Columns

WINDOW = 16  # messages remembered a device: what a device has in flight when its line breaks
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


def _short(keys: NDArray[Any]) -> NDArray[Any]:
    """Return names of a message as they are kept: one in four milliards is taken for another."""
    mixed = keys.astype(np.int64).view(np.uint64) * _SPREAD
    return np.where(keys == 0, 0, np.maximum(mixed >> np.uint64(32), np.uint64(1))).astype(np.uint32)


class Repeats:
    """Not a detector, but its state lives, grows and is checkpointed as theirs does."""

    name = "repeats"
    fields: Mapping[str, Field] = {
        "keys": Field(dtype="uint32", shape=(WINDOW,), was=("keys", _short)),
        "next": Field(dtype="int8"),
    }

    def keys(self, batch: Columns) -> NDArray[np.uint32]:
        """Return what names each message within its device, 0 where nothing does. Shape (n,).

        The counter alone starts again with the device; with the device's own time it does not.
        """
        own_ms = np.where(batch.measured_ms == batch.received_ms, 0, batch.measured_ms).astype(np.uint64)
        mixed = (batch.sequence.astype(np.uint64) * _SPREAD) ^ own_ms | np.uint64(1)
        return np.where(batch.sequence >= 0, _short(mixed.view(np.int64)), 0).astype(np.uint32)

    def fresh(self, state: Columnar, rows: NDArray[np.int64], keys: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """Return which messages are heard for the first time; of repeats within the batch, the first. Shape (n,)."""
        known = (state["keys"][rows] == keys[:, None]).any(axis=1)
        order = np.lexsort((keys, rows))
        same = np.zeros(len(rows), bool)
        same[order[1:]] = (rows[order[1:]] == rows[order[:-1]]) & (keys[order[1:]] == keys[order[:-1]])
        fresh: NDArray[Any] = ~(known | same) | (keys == 0)
        return fresh

    def remember(self, state: Columnar, rows: NDArray[np.int64], keys: NDArray[np.uint32]) -> None:
        """Put messages into their devices' windows, the oldest out."""
        named = keys != 0
        rows, keys = rows[named], keys[named]
        if len(rows) == 0:
            return
        order = np.argsort(rows, kind="stable")
        rows, keys = rows[order], keys[order]
        starts = np.flatnonzero(np.concatenate(([True], rows[1:] != rows[:-1])))
        counts = np.diff(np.append(starts, len(rows)))
        rank = np.arange(len(rows)) - np.repeat(starts, counts)
        heads = rows[starts]
        slot = (state["next"][rows] + rank) % WINDOW
        state["keys"][rows, slot] = keys
        state["next"][heads] = (state["next"][heads] + counts) % WINDOW
