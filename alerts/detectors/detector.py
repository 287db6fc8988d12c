"""What a detector is: named state columns, a batch of telemetry in, findings out. Vectorised over devices, pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from alerts.model import AlertKind, Severity
from devices.columns import Columns

MINUTE_MS = 60_000
LATE_MIN = 16  # a message may be this late and still complete what a rule waits for

Column: TypeAlias = NDArray[Any]
Columnar: TypeAlias = dict[str, Column]
"""State of one detector for all devices: name -> array whose first axis is the device's row. The shell allocates,
grows, checkpoints and restores it; the detector changes it in place, because a copy for 1.1 million devices a batch
would cost more than everything else."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """One state column: its type, the shape it has per device, and what it holds for a device never seen.

    `was`: the name it had in an earlier release, or its own, and how what was kept then is told in it.
    """

    dtype: str
    shape: tuple[int, ...] = ()
    fill: float = 0
    was: tuple[str, Callable[[Column], Column]] | None = None

    def column(self, count: int) -> Column:
        """Return the column of so many devices never seen."""
        return np.full((count, *self.shape), self.fill, np.dtype(self.dtype))


def carried(field: Field, name: str, old: Column) -> Column | None:
    """Return what an earlier release kept under a name as this field holds it, None where it cannot be told.

    Places that were added at the end are as of a device never seen: a rule that is new knows nothing, the others go on.
    """
    if field.was is not None and name == field.was[0] and (old.dtype != field.dtype or old.shape[1:] != field.shape):
        old = field.was[1](old)
    if old.dtype != field.dtype or old.ndim != 1 + len(field.shape):
        return None
    if old.shape[1:] == field.shape:
        return old
    if old.shape[1:-1] != field.shape[:-1] or old.shape[-1] > field.shape[-1]:
        return None
    grown = field.column(len(old))
    grown[..., : old.shape[-1]] = old
    return grown


def new_state(fields: Mapping[str, Field], count: int) -> Columnar:
    """Return the state of so many devices never seen."""
    return {name: field.column(count) for name, field in fields.items()}


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What a detector noticed about one device.

    `identity` is the same when the same data is seen again (shuffled, repeated, after a restart): rule and the start
    of the episode in the device's time. The hub opens at most one alert for it.
    """

    row: int
    rule: str  # "V2" …
    kind: AlertKind
    severity: Severity
    at_ms: int
    identity: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    countdown_s: float = 0.0
    since_ms: int = 0  # of what lasts: since when; 0 = not said


class Detector(Protocol):
    """One family of rules."""

    name: str
    fields: Mapping[str, Field]

    def observe(self, state: Columnar, rows: NDArray[np.int64], batch: Columns) -> list[Finding]:
        """Take a batch in and return what it gives reason for.

        Args:
            state: this detector's columns, changed in place.
            rows: (n,) state row of each message.
            batch: the n messages; rows may repeat, times may be late or out of order.
        """

    def tick(self, state: Columnar, now_ms: int) -> list[Finding]:
        """Return what the mere passing of time gives reason for (a missed heartbeat). Called about once a second."""
