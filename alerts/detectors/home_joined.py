"""Weak signs that together are worth a telephone call: one welfare check (B0) instead of several findings.

No sign alone says much: people lie in, go without a shower, stay at home. The weights are a table so that whoever
reads an alert can add them up.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from alerts.detectors.home_signs import Bools, Ints, clock

NEVER = 1 << 40
WEIGHTS = {
    "late_up": 2,  # B2: no movement three hours after the usual time
    "out_of_bed": 2,  # left the bed at night, longer than ever (B6), and has not been noticed anywhere since
    "no_water": 1,  # none drawn since the day began, two hours after the usual rising; the meter is heard
    "door_unopened": 1,  # B5: for a day
}
ENOUGH = 4
NO_WATER_MIN = 2 * 60
DOOR_MIN = 24 * 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Weak:
    """One weak sign for all homes: the minute since which it holds, NEVER where it does not."""

    name: str
    since_min: Ints


def holding(name: str, since_min: Ints, holds: Bools) -> Weak:
    """Return a weak sign that holds since these minutes, where it does."""
    return Weak(name=name, since_min=np.where(holds, since_min, NEVER))


def enough_since(signs: Iterable[Weak]) -> Ints:
    """Return (n,) the minute since which the weights of what holds add up to ENOUGH, NEVER where they do not."""
    since = np.stack([sign.since_min for sign in signs])
    weight = np.array([WEIGHTS[sign.name] for sign in signs])
    found = np.full(since.shape[1], NEVER)
    rows = np.flatnonzero(((since < NEVER) * weight[:, None]).sum(axis=0) >= ENOUGH)
    for then in since[:, rows]:
        by_then = ((since[:, rows] <= then) * weight[:, None]).sum(axis=0) >= ENOUGH
        found[rows] = np.where(by_then, np.minimum(found[rows], then), found[rows])
    return found


def evidence(signs: Iterable[Weak], row: int, offset_min: int) -> list[dict[str, object]]:
    """Return what holds in one home, earliest first."""
    held = sorted((int(sign.since_min[row]), sign.name) for sign in signs if sign.since_min[row] < NEVER)
    return [{"sign": name, "since": clock(since, offset_min), "weight": WEIGHTS[name]} for since, name in held]
