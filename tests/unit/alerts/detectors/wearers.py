"""Devices side by side for detector tests: a state as the shell would keep it, and minutes as they would send them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from alerts.detectors.detector import Columnar, Detector, Finding, new_state
from devices.columns import VITALS, Columns

MINUTE_MS = 60_000
START_MIN = 29_000_000  # some minute of 2025


@dataclass(frozen=True, kw_only=True)
class Said:
    """What one device said in one minute, counted from START_MIN."""

    minute: int
    row: int = 0
    hr: float | None = None
    spo2: float | None = None
    rr: float | None = None
    temp: float | None = None
    sbp: float | None = None
    bad: bool = False  # carried a value no body shows
    steps: int | None = None
    battery: float | None = None
    worn: int = -1
    received: int | None = None  # minute of arrival; the same minute if None


def fresh(detector: Detector, rows: int = 1) -> Columnar:
    return new_state(detector.fields, rows)


def columns(said: Sequence[Said]) -> tuple[np.ndarray[Any, np.dtype[np.int64]], Columns]:
    def real(values: Iterable[float | None]) -> Any:
        return np.array([np.nan if v is None else v for v in values], np.float32)

    measured = np.array([(START_MIN + s.minute) * MINUTE_MS for s in said], np.int64)
    arrived = [s.minute if s.received is None else s.received for s in said]
    vitals = {name: real([None] * len(said)) for name in VITALS}
    vitals |= {"heart_rate_bpm": real(s.hr for s in said), "spo2_pct": real(s.spo2 for s in said)}
    vitals["battery_pct"] = real(s.battery for s in said)
    vitals |= {"respiration_rpm": real(s.rr for s in said), "temperature_c": real(s.temp for s in said)}
    vitals["systolic_mmhg"] = real(s.sbp for s in said)
    bad = np.array([s.bad for s in said], np.bool_)
    rows = np.array([s.row for s in said], np.int64)
    return rows, Columns(
        device=rows + 1,
        received_ms=(np.array(arrived, np.int64) + START_MIN) * MINUTE_MS,
        measured_ms=measured,
        sequence=np.full(len(said), -1, np.int64),
        steps=np.array([-1 if s.steps is None else s.steps for s in said], np.int32),
        worn=np.array([s.worn for s in said], np.int8),
        implausible=bad if bad.any() else None,
        **vitals,
    )


def tell(detector: Detector, state: Columnar, said: Sequence[Said], batch: int = 1) -> list[Finding]:
    """Send messages in this order, `batch` at a time; return all findings."""
    found: list[Finding] = []
    for at in range(0, len(said), batch):
        rows, sent = columns(said[at : at + batch])
        found += detector.observe(state, rows, sent)
    return found


def resting(
    hr: Sequence[float | None] | None = None, spo2: Sequence[float | None] | None = None, start: int = 0
) -> list[Said]:
    """Minutes of a wearer who does not walk."""
    n = len(hr if hr is not None else spo2 or ())
    pulse, oxygen = hr or [None] * n, spo2 or [None] * n
    return [Said(minute=start + k, hr=pulse[k], spo2=oxygen[k], steps=0) for k in range(n)]
