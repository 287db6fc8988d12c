"""Falls in a stream of wrist acceleration: an impact wakes it, what came before and after decides.

Cheap while nothing happens: samples go into a ring and are compared with 1.4 g. An impact is looked at once per stage
of the model, a fixed time after it, so the answer does not depend on how the stream was cut into bursts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray

from alerts.detectors.fall_features import RATE_HZ
from alerts.detectors.fall_model import FallModel
from alerts.detectors.fall_net import BEFORE
from alerts.model import AlertError

Samples = NDArray[np.int16]

NO_TURN = -32768  # a turn rate that is not known
TURN_RAD_S = 0.002  # a unit of turn rate
IMPACT_MG = 1400
ALONE_S = 0.6  # an impact is the greatest acceleration this far to either side
BRIDGED_S = 0.4  # a shorter gap is filled with the last sample; a longer one starts the history anew
REFRACTORY_S = 20.0  # one fall, one alarm
SMALL = 24  # up to this many samples plain Python is quicker than numpy
PENDING = 32  # impacts waiting for a look; more than fit into 3 s at one per 0.6 s
NEVER = -(1 << 40)


class RateError(AlertError):
    """A stream so slow or so quick that nothing was learnt of its like."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FallFinding:
    """A fall. Sample numbers count as the device counts them."""

    at_sample: int  # the last sample the decision used
    impact_sample: int
    confidence: float  # 0 to 1, the model's probability
    evidence: Mapping[str, float] = field(default_factory=dict)


class FallDetector:
    """One stream. Not vectorised over devices: only a wrist that moves costs anything."""

    __slots__ = (
        "_acc", "_alone", "_due", "_last", "_model", "_next", "_pending", "_rate", "_size", "_start", "_turn",
        "_unheard",
    )  # fmt: skip

    def __init__(self, rate_hz: float, model: FallModel) -> None:
        """Make a detector for a stream of `rate_hz`, 20 to 104 samples a second."""
        if not 10 <= rate_hz <= 250:
            raise RateError(f"a rate of {rate_hz} samples/s cannot be judged: 20 to 104 is what falls were learnt at")
        ratio = rate_hz / RATE_HZ
        self._model, self._rate = model, rate_hz
        half = ratio / 2 if ratio > 1 else 0.0
        self._due = [ceil(stage.after * ratio + half) for stage in model.stages]
        self._alone = round(ALONE_S * rate_hz)
        self._size = 1 << ceil((BEFORE + 4) * ratio + max(self._due) + 2 * rate_hz).bit_length()
        self._acc = np.zeros((self._size, 3), np.int16)
        self._turn: Samples | None = None  # a ring like it, from the first turn rate on
        self._next, self._start, self._last = -1, 0, NEVER
        self._unheard: list[tuple[int, int]] = []  # gaps in the ring: [since, until)
        self._pending: list[list[int]] = []  # [sample, squared magnitude, next stage]

    def feed(self, accel_mg: Samples, gyro_2mrad: Samples | None, first: int) -> list[FallFinding]:
        """Take the next samples in.

        Args:
            accel_mg: (n, 3) thousandths of g, gravity included.
            gyro_2mrad: (n, 3) turn rate in 0.002 rad/s, or None; rows of NO_TURN are not known.
            first: the device's number of the first sample. Repeats are left out, gaps are seen; other samples under
                numbers already used are a device that counts anew.
        """
        n = len(accel_mg)
        if first != self._next and n:
            skip = self._join(first, accel_mg)
            if skip:
                accel_mg, first, n = accel_mg[skip:], first + skip, n - skip
                gyro_2mrad = None if gyro_2mrad is None else gyro_2mrad[skip:]
        if n <= SMALL:
            return self._take(accel_mg, gyro_2mrad, first, n) if n else []
        found: list[FallFinding] = []
        part = max(SMALL, int(self._rate))  # the ring has room for the longest window and two seconds more
        for at in range(0, n, part):
            piece = accel_mg[at : at + part]
            turn = None if gyro_2mrad is None else gyro_2mrad[at : at + part]
            found += self._take(piece, turn, first + at, len(piece))
        return found

    def _take(self, acc: Samples, turn: Samples | None, first: int, n: int) -> list[FallFinding]:
        size = self._size
        at = first & (size - 1)
        if turn is not None and self._turn is None:
            self._turn = np.full((size, 3), NO_TURN, np.int16)
        slots: slice | NDArray[np.int64] = (
            slice(at, at + n) if at + n <= size else np.arange(first, first + n) & (size - 1)
        )
        self._acc[slots] = acc
        if self._turn is not None:
            self._turn[slots] = NO_TURN if turn is None else turn
        self._next = first + n
        if n <= SMALL:
            sample = first
            for x, y, z in acc.tolist():
                power = x * x + y * y + z * z
                if power >= IMPACT_MG * IMPACT_MG:
                    self._loud(sample, power)
                sample += 1
        else:
            wide = acc.astype(np.int64)
            powers = (wide * wide).sum(axis=1)
            for i in np.flatnonzero(powers >= IMPACT_MG * IMPACT_MG).tolist():
                self._loud(first + i, int(powers[i]))
        return self._decide() if self._pending else []

    def _join(self, first: int, acc: Samples) -> int:
        """Bring the ring to `first`; return how many of the samples are already known."""
        ahead = first - self._next
        if self._next >= 0 and -self._size <= ahead < 0 and self._same(first, acc[:-ahead]):
            return min(len(acc), -ahead)
        anew = self._next < 0 or ahead < 0
        if not anew and ahead <= BRIDGED_S * self._rate:
            last = (self._next - 1) & (self._size - 1)
            for ring in (self._acc,) if self._turn is None else (self._acc, self._turn):
                ring[np.arange(self._next, first) & (self._size - 1)] = ring[last]
        else:
            self._pending.clear()
            self._start = first
        if anew:  # whatever was heard under another count is not of this one
            self._unheard, self._last = [(NEVER, first)], NEVER
        else:
            self._unheard = [gap for gap in self._unheard if gap[1] > first - self._size] + [(self._next, first)]
        return 0

    def _same(self, first: int, acc: Samples) -> bool:
        """Whether samples under known numbers are those known; what fell into a gap and comes late contradicts nothing.

        The same numbers come again with other samples from a device that restarts, or that numbers each window from 0.
        """
        number = np.arange(first, first + len(acc))
        heard = np.ones(len(acc), bool)
        for since, until in self._unheard:
            heard &= (number < since) | (number >= until)
        return bool((self._acc[number & (self._size - 1)] == acc)[heard].all())

    def _loud(self, sample: int, power: int) -> None:
        pending = self._pending
        while pending and sample - pending[-1][0] <= self._alone and power > pending[-1][1]:
            pending.pop()
        near = pending and sample - pending[-1][0] <= self._alone
        if not near and len(pending) < PENDING:
            pending.append([sample, power, 0])

    def _decide(self) -> list[FallFinding]:
        """Look at every impact whose time has come, in the order in which the times came."""
        found: list[FallFinding] = []
        while True:
            due = [(p[0] + self._due[p[2]], k) for k, p in enumerate(self._pending)]
            at, k = min(due, default=(self._next, 0))
            if at >= self._next:
                return found
            sample, power, stage = self._pending[k]
            again = stage + 1 < len(self._due)
            if (stage == 0 and not self._stands_out(sample, power)) or at - self._last <= self._refractory:
                again = False
            else:
                look = self._model.stages[stage]
                turn = self._turned(sample, look.after)
                limit = look.limit(turning=turn is not None)
                confidence = look.probability(self._window(self._acc, sample, look.after), turn)
                if confidence >= limit:
                    found.append(self._finding(sample, power, at, confidence))
                    self._last = at
                again &= look.dismiss <= confidence < limit
            if again:
                self._pending[k][2] += 1
            else:
                del self._pending[k]

    @property
    def _refractory(self) -> int:
        return round(REFRACTORY_S * self._rate)

    def _stands_out(self, sample: int, power: int) -> bool:
        """A louder sample shortly before was dropped from the list in favour of a still louder one: look again."""
        since = max(sample - self._alone, self._start)
        slots = np.arange(since, sample) & (self._size - 1)
        before = self._acc[slots].astype(np.int64)
        return len(before) == 0 or int((before * before).sum(axis=1).max()) < power

    def _finding(self, sample: int, power: int, at: int, confidence: float) -> FallFinding:
        evidence = {"peak_g": round(sqrt(power) / 1000, 2), "delay_s": round((at - sample) / self._rate, 2)}
        return FallFinding(at_sample=at, impact_sample=sample, confidence=round(confidence, 4), evidence=evidence)

    def _turned(self, sample: int, after: int) -> NDArray[np.float64] | None:
        """Return the turn rate around an impact in rad/s; None where a part is not known or nothing ever turned.

        An impact turns every wrist: a watch without the sensor that sends zeros has not measured one.
        """
        if self._turn is None:
            return None
        ratio = self._rate / RATE_HZ
        since = max(self._start, sample - ceil((BEFORE + 1) * ratio))
        until = min(self._next, sample + ceil((after + 1) * ratio) + 1)
        heard = self._turn[np.arange(since, until) & (self._size - 1)]
        if (heard == NO_TURN).any() or not heard.any():
            return None
        return self._window(self._turn, sample, after) * TURN_RAD_S

    def _window(self, ring: Samples, sample: int, after: int) -> NDArray[np.float64]:
        """Return the samples around an impact at 25 Hz; before the history began, its first sample stands."""
        ratio = self._rate / RATE_HZ
        centre = sample + np.arange(-BEFORE, after + 1) * ratio
        if ratio == 1:
            return self._at(ring, centre.astype(np.int64))
        if ratio < 1:
            lo = np.floor(centre).astype(np.int64)
            part = (centre - lo)[:, None]
            between: NDArray[np.float64] = self._at(ring, lo) * (1 - part) + self._at(ring, lo + 1) * part
            return between
        # The average over one 25 Hz period keeps out what 25 Hz cannot show.
        index = np.ceil(centre - ratio / 2).astype(np.int64)[:, None] + np.arange(ceil(ratio))
        inside = (index <= (centre + ratio / 2)[:, None])[:, :, None]
        average: NDArray[np.float64] = (self._at(ring, index) * inside).sum(axis=1) / inside.sum(axis=1)
        return average

    def _at(self, ring: Samples, samples: NDArray[np.int64]) -> NDArray[np.float64]:
        known: Samples = ring[np.clip(samples, self._start, self._next - 1) & (self._size - 1)]
        return known.astype(np.float64)
