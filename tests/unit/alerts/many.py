"""Plays seeded histories side by side, one process for each core, and brings back what broke, made short."""

import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from alerts.events import Refused
from alerts.model import AlertError
from tests.unit.alerts.histories import BrokenLawError, play, seeded, shrink

AT_ONCE = 500  # seeds a process is given in one go
ENOUGH = 5  # broken seeds brought back; more say nothing new


@dataclass(kw_only=True)
class Played:
    """What a range of seeds came to."""

    histories: int = 0
    steps: int = 0
    took_s: float = 0.0
    ends: Counter[str] = field(default_factory=Counter)
    broken: dict[int, str] = field(default_factory=dict)

    def __str__(self) -> str:
        rate = self.histories / self.took_s if self.took_s else 0.0
        return (
            f"{self.histories} histories, {self.steps} steps in {self.took_s:.1f} s ({rate:.0f} histories/s),"
            f" ended {dict(self.ends)}"
        )


def play_seeds(seeds: range) -> Played:
    """Play them in this process."""
    played = Played()
    for seed in seeds:
        played.histories += 1
        try:
            night = play(seeded(seed))
        except Exception as err:  # whatever it is, it is the engine's, and its seed is wanted
            played.broken[seed] = f"{type(err).__name__}: {err}"
            if len(played.broken) >= ENOUGH:
                break
            continue
        played.steps += night.steps
        played.ends[night.incident.state.value] += 1
    return played


def play_many(first: int, count: int) -> Played:
    """Play `count` seeds from `first` on over all cores; the same seeds give the same, however many cores there are."""
    started = time.monotonic()
    whole = Played()
    for part in _parts(first, count):
        whole.histories += part.histories
        whole.steps += part.steps
        whole.ends += part.ends
        whole.broken |= part.broken
    whole.took_s = time.monotonic() - started
    return whole


def _parts(first: int, count: int) -> Iterator[Played]:
    ranges = [range(n, min(n + AT_ONCE, first + count)) for n in range(first, first + count, AT_ONCE)]
    cores = min(len(os.sched_getaffinity(0)), len(ranges))
    if cores < 2:
        yield from map(play_seeds, ranges)
        return
    # A fresh interpreter each: nothing that a test has planted in this one is in them, and no thread is forked away.
    with ProcessPoolExecutor(cores, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(play_seeds, ranges)


def told(broken: Iterable[int]) -> str:
    """Return how to play broken seeds again, each with the shortest history that still breaks the same law."""
    lines = []
    for seed in sorted(broken)[:ENOUGH]:
        short = shrink(seeded(seed), breaks)
        lines.append(f"CAREHUB_SEED={seed}: {why(short)}\n    as short as it gets: bytes.fromhex({short.hex()!r})")
    return "\n".join(lines)


def breaks(history: bytes) -> bool:
    return why(history) is not None


def why(history: bytes) -> str | None:
    """Return which law a history breaks."""
    try:
        play(history)
    except (BrokenLawError, AlertError, Refused, LookupError, TypeError, ValueError, AssertionError) as err:
        return f"{type(err).__name__}: {err}"
    return None
