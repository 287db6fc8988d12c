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


class SideBySide:
    """Several streams in one: row k is `names[k]`, whose first minute is minute `begins[name]` of somebody's record."""

    def __init__(self, streams: Mapping[str, Stream], begins: Mapping[str, int] | None = None) -> None:
        # Long streams first: those that still speak are then the first rows, and nothing has to be searched.
        self.names = sorted(streams, key=lambda name: -len(streams[name].hr))
        self.length = np.array([len(streams[name].hr) for name in self.names], np.int64)
        self.offset = np.cumsum(self.length) - self.length
        self.hr = np.concatenate([np.zeros(0, np.int16), *(streams[name].hr for name in self.names)])
        self.steps = np.concatenate([np.zeros(0, np.int16), *(streams[name].steps for name in self.names)])
        self.begin = np.array([(begins or {}).get(name, 0) for name in self.names], np.int64)
        self.longest = int(self.length.max(initial=0))

    def minute(self, minute: int) -> tuple[NDArray[np.int64], NDArray[np.int64], Columns]:
        """Return of one minute of all streams the rows that speak, where in `hr` and `steps`, and what they say."""
        rows = np.arange(int(np.searchsorted(-self.length, -minute)))
        at = self.offset[rows] + minute
        spoken = (self.hr[at] > 0) | (self.steps[at] >= 0)
        rows, at = rows[spoken], at[spoken]
        return rows, at, minute_batch(rows, EPOCH_MIN + self.begin[rows] + minute, self.hr[at], self.steps[at])


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
    beside = SideBySide(streams)
    names = beside.names
    states = [new_state(detector.fields, len(names)) for detector in DETECTORS]
    usual = next((state for state in states if LIMIT in state), None)
    stood = np.full(len(beside.hr), baseline.UNKNOWN, np.uint8)
    found: dict[str, list[tuple[int, Finding]]] = {name: [] for name in streams}
    for minute in range(beside.longest):
        if minute % 1440 == 0:
            told(minute, beside.longest)
        rows, at, batch = beside.minute(minute)
        for detector, state in zip(DETECTORS, states, strict=True):
            for finding in detector.observe(state, rows, batch):
                found[names[finding.row]].append((minute, finding))
        if usual is not None:
            stood[at] = usual[LIMIT][rows, (EPOCH_MIN + minute) % 1440 // baseline.PART_MIN]
    if limits is not None:
        limits |= {name: stood[at : at + n] for name, at, n in zip(names, beside.offset, beside.length, strict=True)}
    return found


def minute_batch(rows: NDArray[np.int64], minute: NDArray[np.int64], hr: NDArray[Any], steps: NDArray[Any]) -> Columns:
    """Return one message a device with heart rate (0 = none) and steps (-1 = none) of one minute of its own."""
    n = len(rows)
    nothing = np.full(n, np.nan, np.float32)
    at = minute * MINUTE_MS
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
