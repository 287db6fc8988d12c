"""Running counts of steps as steps of a minute: what a watch has counted since it last said how many there are.

Most watches tell of steps as a count of the day, and the detectors know minutes: without them a walk looks like a heart
that races at rest. A rise says that she walked, about so many steps a minute; a count that stays the same says that she
did not. A count that fell was begun anew, at midnight or with an empty battery, and says nothing.

A pulse at rest needs to know of its own minute. Some watches tell their count right after each pulse, and their pulse
waits for it. Others tell the two at times of their own: there the newest count, if it is not old, speaks for the pulse.
That they did not walk is told with pulses only: the detectors take a watch that speaks of steps and finds no pulse for
one that is not worn well.
"""

import math
from collections import OrderedDict
from dataclasses import dataclass

import msgspec

from devices.telemetry import Observation, Quality, Telemetry, TimeQuality

TOTAL, OF_A_MINUTE, PULSE = "activity.steps", "activity.steps_minute", "vital.heart_rate"
MINUTE_MS = 60_000
NEWS_MS = 12 * MINUTE_MS  # a count so old still speaks for a pulse: so long without a step is rest
KEPT_MS = 2 * MINUTE_MS  # a message measured longer ago was kept by the device, and says nothing of now
GONE_MS = 24 * 60 * MINUTE_MS  # who has not been heard for so long makes room for another
MOST = 100_000  # watches that are remembered; of those beyond it no steps are known
FASTEST = 400  # steps a minute: nobody walks faster


@dataclass(slots=True)
class Count:
    """What a watch counted last, and when it said so. Times in ms."""

    total: int
    said_ms: int
    steps: int | None = None  # what that was a minute; None: nobody knows
    pulse_ms: int = -NEWS_MS  # its newest pulse
    follows: bool = False  # it tells its count within a minute of its pulse


class Walked:
    """The newest count of each watch. It is not stored: the first one after a restart of the hub says nothing.

    Looking at a message twice, which both lanes may do, changes nothing.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._counts: OrderedDict[str, Count] = OrderedDict()  # by device address

    def hear(self, said: Telemetry, at_ms: int, *, retained: bool = False) -> Telemetry:
        """Return a message with the steps of its minute, if a running count tells them."""
        total, pulse, known = None, False, False
        for one in said.observations:
            if one.quality is Quality.OK and isinstance(one.value, int | float):
                total = int(one.value) if one.code == TOTAL else total
                pulse |= one.code == PULSE
                known |= one.code == OF_A_MINUTE
        if known or retained or (total is None and not pulse) or _kept(said, at_ms):
            return said
        count = self._counts.get(said.device)
        if count is None:
            if total is not None:
                self._begin(said.device, Count(total, at_ms, pulse_ms=at_ms if pulse else -NEWS_MS))
            return said
        self._counts.move_to_end(said.device)
        steps = _pulsed(count, at_ms) if total is None else _counted(count, total, at_ms, pulse=pulse)
        if steps is None:
            return said
        return msgspec.structs.replace(
            said, observations=(*said.observations, Observation(code=OF_A_MINUTE, value=steps, unit="{steps}"))
        )

    def _begin(self, device: str, count: Count) -> None:
        if len(self._counts) >= self._most:
            oldest = next(iter(self._counts))
            if count.said_ms - self._counts[oldest].said_ms < GONE_MS:
                return
            del self._counts[oldest]
        self._counts[device] = count


def _kept(said: Telemetry, at_ms: int) -> bool:
    own = said.measured_at if said.time_quality is TimeQuality.DEVICE else None
    return own is not None and own.tzinfo is not None and at_ms - own.timestamp() * 1000 > KEPT_MS


def _counted(count: Count, total: int, at_ms: int, *, pulse: bool) -> int | None:
    """Take a running count in; return what it is a minute."""
    if at_ms < count.said_ms:
        return None
    if pulse:
        count.pulse_ms = at_ms
    if at_ms > count.said_ms:
        rate = math.ceil((total - count.total) / max(1.0, (at_ms - count.said_ms) / MINUTE_MS))
        count.steps = rate if 0 <= rate <= FASTEST else None
        count.follows = 0 <= at_ms - count.pulse_ms <= MINUTE_MS
        count.total, count.said_ms = total, at_ms
    return count.steps if count.steps or count.follows else None


def _pulsed(count: Count, at_ms: int) -> int | None:
    """Take a pulse in; return the steps of its minute as far as the count that was told before it knows them."""
    count.pulse_ms = max(count.pulse_ms, at_ms)
    known = count.steps == 0 and not count.follows and 0 <= at_ms - count.said_ms <= NEWS_MS
    return 0 if known else None
