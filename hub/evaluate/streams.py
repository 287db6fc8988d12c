"""Minute streams through the hub's own detectors, all wearers side by side, minute by minute."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alerts.detectors import DETECTORS, baseline
from alerts.detectors.detector import Finding, new_state
from alerts.detectors.minutes import MINUTE_MS
from devices.columns import VITALS, Columns

EPOCH_MIN = 27_000_000  # any midnight long after 1970: minute 0 of every stream
LIMIT = "high_bpm"  # the column of V1's limits by part of the day
Findings = Mapping[str, Sequence[tuple[int, Finding]]]


class Stream(NamedTuple):
    """One wearer met for the first time: heart rate (0 = none) and steps (-1 = none) a minute."""

    hr: NDArray[Any]
    steps: NDArray[Any]


def watch(
    streams: Mapping[str, Stream],
    told: Callable[[int, int], None] = lambda minute, of: None,
    limits: dict[str, NDArray[np.uint8]] | None = None,
) -> Findings:
    """Feed all streams; return by name what is found and in which minute of the stream.

    Args:
        streams: the wearers, each met for the first time.
        told: called once a day of the streams with the minute and how many there are.
        limits: filled by name with the limit of a resting heart rate (V1) that stood in each minute, in bpm.
    """
    # Long streams first: those that still speak are then the first rows, and nothing has to be searched.
    names = sorted(streams, key=lambda name: -len(streams[name].hr))
    length = np.array([len(streams[name].hr) for name in names], np.int64)
    offset = np.cumsum(length) - length
    hr = np.concatenate([streams[name].hr for name in names]) if names else np.zeros(0, np.int16)
    steps = np.concatenate([streams[name].steps for name in names]) if names else np.zeros(0, np.int16)
    states = [new_state(detector.fields, len(names)) for detector in DETECTORS]
    usual = next((state for state in states if LIMIT in state), None)
    stood = np.full(len(hr), baseline.UNKNOWN, np.uint8)
    found: dict[str, list[tuple[int, Finding]]] = {name: [] for name in streams}
    longest = int(length.max(initial=0))
    for minute in range(longest):
        if minute % 1440 == 0:
            told(minute, longest)
        rows = np.arange(int(np.searchsorted(-length, -minute)))
        at = offset[rows] + minute
        spoken = (hr[at] > 0) | (steps[at] >= 0)
        rows, at = rows[spoken], at[spoken]
        batch = minute_batch(rows, EPOCH_MIN + minute, hr[at], steps[at])
        for detector, state in zip(DETECTORS, states, strict=True):
            for finding in detector.observe(state, rows, batch):
                found[names[finding.row]].append((minute, finding))
        if usual is not None:
            stood[at] = usual[LIMIT][rows, (EPOCH_MIN + minute) % 1440 // baseline.PART_MIN]
    if limits is not None:
        limits |= {name: stood[at : at + n] for name, at, n in zip(names, offset, length, strict=True)}
    return found


def minute_batch(rows: NDArray[np.int64], minute: int, hr: NDArray[Any], steps: NDArray[Any]) -> Columns:
    """Return one message a device with heart rate (0 = none) and steps (-1 = none) of one minute."""
    n = len(rows)
    nothing = np.full(n, np.nan, np.float32)
    at = np.full(n, minute * MINUTE_MS, np.int64)
    vitals = dict.fromkeys(VITALS, nothing) | {"heart_rate_bpm": np.where(hr > 0, hr, np.nan).astype(np.float32)}
    return Columns(
        device=rows + 1,
        received_ms=at,
        measured_ms=at,
        sequence=np.full(n, -1, np.int64),
        steps=steps.astype(np.int32),
        worn=np.full(n, -1, np.int8),
        **vitals,
    )
