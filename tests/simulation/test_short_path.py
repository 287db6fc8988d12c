"""What detectors make of invented lives: few false alarms in quiet days, and what a watch can show is found.

The lines are a little below what was measured, so that a rule or a life that gets worse is noticed here.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache

import numpy as np
import pytest

from alerts.detectors import FallDetector, nights
from hub.models import fall_model
from simulator.life import Life, invent
from simulator.life.model import CHINA, FallKind, Mix, What

from .short_path import ShortPath, Told, by_kind

MONDAY = datetime(2026, 3, 9, tzinfo=CHINA)
EVERYBODY = Mix(wears=1.0, wrist={"carehub": 1.0}, illnesses={})
EACH, QUIET_DAYS, EVERY_MIN = 10, 3, 15
RACES, FEVERS, WANDERS, OTHERS = (range(k * EACH, (k + 1) * EACH) for k in range(4))
RESIDENT_DAYS = 4 * EACH * QUIET_DAYS


@cache
def days() -> tuple[ShortPath, Sequence[Told], Sequence[Told]]:
    """Three quiet days of forty residents, and a night and a day in which things befall thirty of them."""
    path = ShortPath(invent(3, 4 * EACH, EVERYBODY), 5, MONDAY, EVERY_MIN)
    quiet = path.live(QUIET_DAYS * 1440 + 9 * 60)
    known = path._states[0]["nights"]  # as if the nights of four weeks had been like these
    known[:] = np.where(known > 0, known, known.max(axis=1, keepdims=True) - np.arange(nights.NIGHTS) % 3)
    at = path.life.at
    for who in RACES:
        path.life.happen(who, What.FAST_HEART, at + timedelta(hours=1), rise_bpm=80.0, lasts=timedelta(minutes=90))
    for who in FEVERS:
        path.life.happen(who, What.FEVER, at + timedelta(hours=1), degrees=2.0, lasts=timedelta(days=2))
    for who in WANDERS:
        path.life.happen(who, What.WANDERS, at + timedelta(hours=15), lasts=timedelta(minutes=45))
    return path, quiet, path.live(22 * 60)


def worn(whom: range, hours_ago: float) -> set[int]:
    """Return who wore the watch so long before the end."""
    path, _, _ = days()
    at = path.life.at - timedelta(hours=hours_ago)
    return {who for who in whom if any(span.since <= at < span.until for span in path.life.truth.worn(who))}


def found(whom: range, rules: str) -> set[int]:
    _, _, told = days()
    return {each.who for each in told if each.who in whom and each.rule in rules.split()}


def test_quiet_days_accuse_hardly_anybody() -> None:
    _, quiet, _ = days()
    false = by_kind([each for each in quiet if each.rule != "V5"])
    assert false["stillness"] <= 0.01 * RESIDENT_DAYS
    assert false["vitals"] <= 0.05 * RESIDENT_DAYS
    assert sum(each.rule == "V5" for each in quiet) <= 0.06 * RESIDENT_DAYS


def test_racing_heart_is_found_by_a_watch_that_speaks_every_quarter_of_an_hour() -> None:
    """The others are out and on their feet, or take a step before every second report: that is no rest."""
    assert worn(RACES, 21) & worn(RACES, 20) == set(RACES)
    assert len(found(RACES, "V1 V2")) >= 6


def test_fever_is_found_by_the_next_morning() -> None:
    assert len(found(FEVERS, "V1 V9")) >= 6


def test_who_wanders_with_her_watch_on_is_found() -> None:
    able = worn(WANDERS, 7)
    assert len(able) >= 5
    assert able <= found(WANDERS, "B7")


def test_who_stays_at_home_or_goes_her_ways_is_not_said_to_wander() -> None:
    assert found(OTHERS, "V2 V3 V4 V6 B1") == set()


@pytest.mark.parametrize(
    ("kinds", "least"),
    [((FallKind.FORWARD, FallKind.BACKWARD, FallKind.SIDE, FallKind.SLIP), 9), ((FallKind.FROM_SITTING,), 4)],
)
def test_falls_are_found_in_so_many_of_ten(kinds: tuple[FallKind, ...], least: int) -> None:
    life = Life(invent(1, EACH), seed=3, start=MONDAY)
    for kind in kinds:
        hits = 0
        for who in range(EACH):
            motion = life.motion(who, kind, before_s=4.0, after_s=6.0)
            detector = FallDetector(motion.rate_hz, fall_model())
            hits += bool(detector.feed(motion.accel_mg, motion.gyro_2mrad, 0))
        assert hits >= least, kind
