"""Watches that speak every few minutes up to a quarter of an hour: their readings are judged one after another.

Five of seven minutes are never there of such a watch, nor nine of twelve in which it counted no step. So a reading is
one at rest when its own minute has no step and QUIET_MIN before it none is known, and a rule wants so many odd readings
at rest, so far apart, with no good one between: a fast pulse right after steps says nothing. A watch is seldom when it
spoke twice in the half-hour before the last LATE_MIN and no two minutes told since stand side by side: what came late,
or was lost, does not make it one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.detectors.detector import LATE_MIN, Columnar

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

LOOKS_MIN = 32  # in which it must have spoken at least twice
QUIET_MIN = 12
LOSSES = 2  # so many reports of an hour without a pulse: it is not worn well
CALM_MIN, CALM_READINGS = 20, 2  # an episode is over after so many good readings, and no bad one, in so long
ONE = np.uint64(1)
ALL_OF_IT = np.uint64((1 << (LOOKS_MIN + LATE_MIN)) - 1)
HALF_HOUR = np.uint64((1 << LOOKS_MIN) - 1)
QUIET = np.uint64((1 << QUIET_MIN) - 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """So many odd readings in a row, the first at least `apart_min` before the last, within `within_min`."""

    readings: int
    apart_min: int
    within_min: int


RUNS: Mapping[str, Run] = {
    "V2": Run(readings=2, apart_min=4, within_min=34),
    "V1": Run(readings=3, apart_min=10, within_min=34),
    "V3": Run(readings=3, apart_min=10, within_min=34),
    "V4": Run(readings=3, apart_min=20, within_min=40),
}
BLIND_FAST = Run(
    readings=3, apart_min=20, within_min=40
)  # V2 of a watch that counts no steps: nobody walks so fast long


def speaks_seldom(spoken: NDArray[np.uint64], back: NDArray[np.uint64], newest: int) -> Bools:
    """Return whether masks of minutes told are those of a watch that speaks seldom.

    Twice in LOOKS_MIN from `back` on, which is `newest` minutes ago or more, and never side by side since: who has just
    begun to speak, with a minute lost, is not yet known.
    """
    seen = (spoken >> back) & HALF_HOUR
    all_of_it = (spoken >> (back - np.uint64(newest))) & ALL_OF_IT
    found: Bools = ((all_of_it & (all_of_it >> ONE)) == 0) & (np.bitwise_count(seen) >= 2)
    return found


def seldom(state: Columnar, rows: Ints) -> Bools:
    """Return (m, LATE_MIN) by age."""
    spoken: NDArray[Any] = state["no_steps"][rows] | state["pulse"][rows]
    return speaks_seldom(spoken[:, None], np.arange(LATE_MIN, 2 * LATE_MIN, dtype=np.uint64), LATE_MIN)


def settled(state: Columnar, rows: Ints, age: Ints) -> Bools:
    """Return (n,) whether a minute of each, so old that nothing of it comes any more, is a reading at rest of such."""
    back = age.astype(np.uint64)
    spoken: NDArray[Any] = state["no_steps"][rows] | state["pulse"][rows]
    next_to_none: Bools = (spoken >> back & np.uint64(3)) == ONE
    return next_to_none & speaks_seldom(spoken, back + ONE, 1) & _quiet(state, rows, back)


def quiet(state: Columnar, rows: Ints, ring: int) -> Bools:
    """Return (m, ring) by age: its own minute has no step, and none is known of QUIET_MIN before it."""
    return _quiet(state, rows[:, None], np.arange(ring, dtype=np.uint64))


def _quiet(state: Columnar, rows: Ints, back: NDArray[np.uint64]) -> Bools:
    blind = state["counts_steps"][rows] == 0
    own = (state["no_steps"][rows] >> back & ONE) != 0
    found: Bools = ((state["moved"][rows] >> back & QUIET) == 0) & (own | blind)
    return found


def believed(state: Columnar, rows: Ints) -> Bools:
    """Return (m,) whether the watch finds a pulse when it speaks."""
    found: Bools = np.bitwise_count(state["no_steps"][rows] & ~state["pulse"][rows]) < LOSSES
    return found


def fires(rule: str, holds: Bools, contrary: Bools, blind: Bools) -> Bools:
    """Return (m, LATE_MIN): does a run of the rule end at this age? `blind` (m,): the watch counts no steps."""
    found = in_a_row(RUNS[rule], holds, contrary)
    if rule == "V2" and blind.any():
        found[blind] = in_a_row(BLIND_FAST, holds[blind], contrary[blind])
    return found


def in_a_row(run: Run, holds: Bools, contrary: Bools) -> Bools:
    """Return (m, LATE_MIN): does a run end at this age? Odd readings at rest and good ones, (m, RING) by age."""
    ring = holds.shape[1]
    ages = np.arange(ring)
    parted = np.where(contrary, ages, ring)
    ends = np.minimum.accumulate(parted[:, ::-1], axis=1)[:, ::-1][:, :LATE_MIN]
    ends = np.minimum(ends, ages[:LATE_MIN] + run.within_min)
    total = np.zeros((len(holds), ring + 1), np.int64)
    np.cumsum(holds, axis=1, out=total[:, 1:])
    upto = np.take_along_axis(total, ends, axis=1)
    early = total[:, run.apart_min : run.apart_min + LATE_MIN]
    enough = upto - total[:, :LATE_MIN] >= run.readings
    found: Bools = holds[:, :LATE_MIN] & enough & (upto - early >= 1)
    return found


def length(run: Run, contrary: Bools) -> int:
    """Return how many minutes a run is long at most that ends at the first of (k,) ages: to the first contrary one."""
    parted = np.flatnonzero(contrary[: run.within_min])
    return int(parted[0]) if len(parted) else run.within_min
