"""Telemetry side by side: one array per measured thing, one row per message. What the hot path carries."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

ABSENT = -1  # in integer columns; NaN in float columns


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """n messages from n (not necessarily different) devices, in order of arrival.

    Every array has shape (n,). Times are milliseconds since 1970 UTC. Float columns use NaN, integer columns -1 for
    "not in this message"; values a living body cannot show have already been made absent (see `devices.plausible`).
    """

    device: NDArray[np.int64]  # the hub's device number, > 0
    received_ms: NDArray[np.int64]
    measured_ms: NDArray[np.int64]  # the device's clock if it can be believed, else received_ms
    sequence: NDArray[np.int64]  # the device's message counter
    heart_rate_bpm: NDArray[np.float32]
    spo2_pct: NDArray[np.float32]
    respiration_rpm: NDArray[np.float32]
    temperature_c: NDArray[np.float32]
    systolic_mmhg: NDArray[np.float32]
    diastolic_mmhg: NDArray[np.float32]
    steps: NDArray[np.int32]  # steps in the minute that ends at measured_ms
    battery_pct: NDArray[np.float32]
    worn: NDArray[np.int8]  # 1 worn, 0 taken off
    implausible: NDArray[Any] | None = None  # bool: a vital sign no living body shows was left out; None: of none

    def __len__(self) -> int:
        return len(self.device)

    @classmethod
    def absent(cls, count: int) -> "Columns":
        """Return rows that say nothing yet."""
        return cls(
            device=np.zeros(count, np.int64), received_ms=np.zeros(count, np.int64),
            measured_ms=np.zeros(count, np.int64), sequence=np.full(count, ABSENT, np.int64),
            steps=np.full(count, ABSENT, np.int32), worn=np.full(count, ABSENT, np.int8),
            **{name: np.full(count, np.nan, np.float32) for name in VITALS},
        )  # fmt: skip

    def take(self, index: NDArray[np.intp] | NDArray[np.bool_]) -> "Columns":
        """Return the rows that `index` picks, as a boolean mask or positions."""
        odd = None if self.implausible is None else self.implausible[index]
        return Columns(implausible=odd, **{name: getattr(self, name)[index] for name in ARRAYS})


ARRAYS = tuple(f.name for f in fields(Columns) if f.name != "implausible")
VITALS = (
    "heart_rate_bpm", "spo2_pct", "respiration_rpm", "temperature_c", "systolic_mmhg", "diastolic_mmhg", "battery_pct",
)  # fmt: skip


def joined(*parts: Columns) -> Columns:
    """Return rows of several batches as one, in order."""
    filled = [part for part in parts if len(part)]
    if len(filled) < 2:
        return filled[0] if filled else Columns.absent(0)
    odd = None
    if any(part.implausible is not None for part in filled):
        nowhere = (np.zeros(len(part), np.bool_) if part.implausible is None else part.implausible for part in filled)
        odd = np.concatenate(list(nowhere))
    return Columns(
        implausible=odd, **{name: np.concatenate([getattr(part, name) for part in filled]) for name in ARRAYS}
    )
