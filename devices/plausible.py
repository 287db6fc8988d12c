"""What a living body and a working clock can show. Everything outside is kept, marked, and fed to no detector."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from devices.telemetry import Quality, TimeQuality, Value

# Rule T4: SpO2 below 70 or 0 and a heart rate outside 25-220 are the sensor's failure, not the wearer's. The other
# rows are wider than any survivable reading and narrower than the sensors' error values (0, 255, 6553.5).
LIMITS: dict[str, tuple[float, float]] = {
    "vital.heart_rate": (25, 220),
    "vital.spo2": (70, 100),
    "vital.respiratory_rate": (3, 70),
    "vital.body_temperature": (25, 45),
    "vital.bp_systolic": (50, 280),
    "vital.bp_diastolic": (20, 200),
    "vital.body_weight": (2, 400),
    "activity.steps": (0, 200_000),
    "activity.steps_minute": (0, 400),
    "activity.turns": (0, 10_000),
    "battery.level": (0, 100),
    "battery.voltage": (0.5, 60),
    "device.temperature": (-50, 150),
    "env.temperature": (-60, 125),
    "env.humidity": (0, 100),
    "env.pressure": (300, 1200),
    "water.total": (0, 2_000_000),  # no domestic meter has more digits
}

EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)  # a clock that shows less was reset: no device of ours is older
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
AHEAD = timedelta(minutes=10)  # a device clock that has drifted; more is another zone or a wrong year
BEHIND = timedelta(days=30)  # the longest a device has been seen to keep readings while it had no line

EARLIEST_MS = int(EARLIEST.timestamp() * 1000)
LATEST_MS = int(LATEST.timestamp() * 1000)
AHEAD_MS = int(AHEAD.total_seconds() * 1000)
BEHIND_MS = int(BEHIND.total_seconds() * 1000)
SECONDS_BELOW = 100_000_000_000  # as milliseconds this is 1973, as seconds the year 5138


def quality(code: str, value: Value) -> Quality:
    """Return how far a value can be believed on its own."""
    if value is None:
        return Quality.ABSENT
    limits = LIMITS.get(code)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return Quality.OK if limits is None else Quality.IMPLAUSIBLE
    if not math.isfinite(value):
        return Quality.IMPLAUSIBLE
    return Quality.OK if limits is None or limits[0] <= value <= limits[1] else Quality.IMPLAUSIBLE


def keep(code: str, values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the values with what no living body shows made NaN. Any shape; NaN stays NaN."""
    low, high = LIMITS[code]
    return np.where((values >= low) & (values <= high), values, np.nan).astype(np.float32)


def clock(measured_at: datetime | None, received_at: datetime) -> TimeQuality:
    """Return whose clock to order by. A device's time is believed from 30 days behind ours to 10 minutes ahead."""
    if measured_at is None:
        return TimeQuality.HUB
    if measured_at.tzinfo is None or not EARLIEST <= measured_at < LATEST:
        return TimeQuality.SUSPECT
    behind = received_at - measured_at
    return TimeQuality.DEVICE if -AHEAD <= behind <= BEHIND else TimeQuality.SUSPECT


def believed_ms(measured_ms: NDArray[np.int64], received_ms: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the device's time where `clock` would believe it, else ours. Shapes (n,); absent is negative."""
    behind = received_ms - measured_ms
    good = (measured_ms >= EARLIEST_MS) & (measured_ms < LATEST_MS) & (behind >= -AHEAD_MS) & (behind <= BEHIND_MS)
    return np.where(good, measured_ms, received_ms)


def instant(value: object) -> datetime | None:
    """Return the time a device wrote: ISO 8601, or seconds or milliseconds since 1970. None if it wrote neither.

    A text without a zone gives a naive datetime, which `clock` calls suspect.
    """
    if isinstance(value, bool):
        return None
    try:
        if isinstance(value, int | float):
            seconds = value if abs(value) < SECONDS_BELOW else value / 1000
            return datetime.fromtimestamp(seconds, UTC)
        if isinstance(value, str) and 10 <= len(value) <= 40:
            return datetime.fromisoformat(value.strip())
    except (ValueError, OverflowError, OSError):
        return None
    return None
