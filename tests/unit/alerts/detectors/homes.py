"""One home at a time for detector tests: what its sensors noticed, and a hub that looks at it every few minutes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from alerts.detectors.detector import Columnar, Finding, new_state
from alerts.detectors.home import HomeDetector
from alerts.detectors.home_signs import MINUTE_MS, Sign, Signs

OFFSET_MIN = 480
DAY_MIN = 1440
MIDNIGHT_MIN = 20_600 * DAY_MIN - OFFSET_MIN  # a local midnight of May 2026: times below are minutes after it
HOME = HomeDetector(OFFSET_MIN)
SINGLE = (1 << Sign.MOTION) | (1 << Sign.DOOR)
EVERYTHING = sum(1 << sign for sign in Sign)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One sign, `at` minutes after MIDNIGHT_MIN; `came` when it is not the same minute."""

    at: float
    sign: Sign = Sign.MOTION
    value: float = 0.0
    row: int = 0
    came: float | None = None

    @property
    def arrival(self) -> float:
        return self.at if self.came is None else self.came


def fresh(rows: int = 1, **columns: int) -> Columnar:
    """Return a state as the shell makes it; `columns` are what it writes for every resident."""
    state = new_state(HomeDetector.fields, rows)
    for name, value in {"has": SINGLE, **columns}.items():
        state[name][:] = value
    return state


def ms(at: float) -> int:
    return int((MIDNIGHT_MIN + at) * MINUTE_MS)


def signs(seen: Sequence[Seen]) -> Signs:
    return Signs(
        np.array([s.row for s in seen], np.int64),
        np.array([ms(s.at) for s in seen], np.int64),
        np.array([s.sign for s in seen], np.uint8),
        np.array([s.value for s in seen], np.float64),
    )


def live(
    seen: Iterable[Seen],
    until: float,
    *,
    state: Columnar | None = None,
    start: float = 0,
    every: float = 5,
    deaf: tuple[float, float] | None = None,
) -> list[Finding]:
    """Tell signs as they come and look `every` minutes; the gateway is heard each time, but for `deaf`."""
    state = fresh() if state is None else state
    coming = sorted(seen, key=lambda s: s.arrival)
    found: list[Finding] = []
    sent = 0
    now = start
    while now <= until:
        batch = []
        while sent < len(coming) and coming[sent].arrival <= now:
            batch.append(coming[sent])
            sent += 1
        if deaf is None or not deaf[0] < now < deaf[1]:
            state["alive_ms"][:] = ms(now)
        found += HOME.observe(state, signs(batch), ms(now))
        found += HOME.tick(state, ms(now))
        now += every
    return found


def told(found: Iterable[Finding], rule: str | None = None) -> list[tuple[str, int, float]]:
    """Return (rule, severity, at) in the order found."""
    return [
        (f.rule, int(f.severity), f.at_ms / MINUTE_MS - MIDNIGHT_MIN) for f in found if rule is None or f.rule == rule
    ]


def hours(hour: float) -> float:
    return hour * 60
