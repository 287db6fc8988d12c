"""V9 as the duty log would tell it: nights of a wearer, one pulse a night."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest

from alerts.detectors import nights
from alerts.detectors.detector import Columnar, Finding
from alerts.detectors.nights import NIGHTS
from alerts.detectors.vitals import VitalsDetector
from alerts.model import AlertKind, Severity

from .wearers import START_MIN, Said, fresh, tell

VITALS = VitalsDetector()
MIDNIGHT = 1440 - START_MIN % 1440  # the first one after START_MIN
USUAL = [60.0, 61, 59, 60, 62, 58, 60, 61, 59, 60, 60, 61, 59, 60, 60]


def night(day: int, bpm: float, *, minutes: int = 150, midnight: int = MIDNIGHT, steps: int | None = 0) -> list[Said]:
    """One night, and the message in the morning after which it is judged."""
    start = midnight + day * 1440
    slept = [Said(minute=start + k, hr=bpm, steps=steps) for k in range(minutes)]
    return [*slept, Said(minute=start + 400, hr=bpm + 10, steps=20)]


def lived(nights: Sequence[float], state: Columnar, first: int = len(USUAL), **how: int) -> list[Finding]:
    said = [s for day, bpm in enumerate(nights) for s in night(first + day, bpm, **how)]
    return tell(VITALS, state, said, batch=2000)


@cache
def _learnt(nights: int) -> Columnar:
    state = fresh(VITALS)
    assert lived(USUAL[:nights], state, first=0) == []
    return state


def known(nights: int = len(USUAL)) -> Columnar:
    """A wearer of whom so many nights are known."""
    return {name: column.copy() for name, column in _learnt(nights).items()}


def test_night_far_above_the_others_raises_in_the_morning_and_says_why() -> None:
    (found,) = lived([68], known())
    assert (found.rule, found.kind, found.severity) == ("V9", AlertKind.VITALS, Severity.LOW)
    assert found.at_ms // 60_000 - START_MIN == MIDNIGHT + 15 * 1440 + 360
    assert found.evidence == {
        "night_bpm": 68.0, "usual_bpm": 60.0, "spread_bpm": 2.0, "z": 4.0, "cusum": 3.0, "nights": 15,
        "confidence": 0.54,
    }  # fmt: skip


def test_pulse_that_rises_a_little_every_night_raises_by_its_sum() -> None:
    (found,) = lived([64, 64, 65, 65], known())
    assert found.evidence["z"] < 3
    assert found.evidence["cusum"] >= 4


def test_nights_as_ever_raise_nothing() -> None:
    assert lived(USUAL * 2, known()) == []


def test_wearer_of_thirteen_nights_is_not_known_yet() -> None:
    assert lived([80], known(13), first=13) == []
    assert len(lived([80], known(14), first=14)) == 1


def test_one_episode_raises_once_until_the_sum_has_gone() -> None:
    assert len(lived([68, 68, 68], known())) == 1
    assert len(lived([68, *[60] * 3, 68], known())) == 2


def test_night_with_too_few_minutes_is_no_night() -> None:
    state = known()
    assert lived([80], state, minutes=50) == []
    assert (state["nights"] > 0).sum() == 15


def test_watch_put_aside_for_a_week_adds_nothing_and_for_a_month_makes_a_stranger() -> None:
    state = known()
    cusum = state["night_cusum"].copy()
    assert lived([60], state, first=22) == []
    assert (state["nights"] > 0).sum() == 16
    assert state["night_cusum"] <= cusum
    assert lived([80], state, first=22 + NIGHTS + 1) == []
    assert (state["nights"] > 0).sum() == 1


def test_bed_mat_that_counts_no_steps_has_nights_too() -> None:
    state = fresh(VITALS)
    said = [s for day, bpm in enumerate([*USUAL, 68]) for s in night(day, bpm, steps=None)]
    assert [f.rule for f in tell(VITALS, state, said, batch=2000)] == ["V9"]


def test_walks_in_the_night_are_left_out() -> None:
    state = fresh(VITALS)
    walk = [Said(minute=MIDNIGHT + k, hr=120, steps=60) for k in range(100)]
    tell(VITALS, state, walk, batch=100)
    assert state["night_count"][0] == 0


@pytest.mark.parametrize("offset_min", [-300, 480])
def test_night_is_that_of_the_district(offset_min: int) -> None:
    local = VitalsDetector(offset_min)
    state = fresh(local)
    midnight = MIDNIGHT - offset_min
    said = [s for day, bpm in enumerate([*USUAL, 68]) for s in night(day + 1, bpm, midnight=midnight)]
    (found,) = tell(local, state, said, batch=2000)
    assert found.at_ms // 60_000 - START_MIN == midnight + 16 * 1440 + 360


def test_shuffled_repeated_and_late_nights_are_the_same() -> None:
    said = [s for day, bpm in enumerate([60, 68, 69]) for s in night(len(USUAL) + day, bpm)]
    rng = np.random.default_rng(3)
    arrival = np.array([s.minute for s in said]) + rng.integers(0, 17, len(said))
    late = [said[i] for i in np.argsort(arrival, kind="stable")]
    straight, bent = known(), known()
    found = tell(VITALS, straight, said, batch=100)
    assert [f.identity for f in tell(VITALS, bent, late + late[-300:], batch=100)] == [f.identity for f in found]
    assert (straight["nights"] == bent["nights"]).all()


def test_state_restored_in_the_middle_of_a_night_goes_on() -> None:
    said, state = night(len(USUAL), 68), known()
    assert tell(VITALS, state, said[:-80], batch=500) == []
    restored = {n: np.frombuffer(v.tobytes(), v.dtype).reshape(v.shape).copy() for n, v in state.items()}
    assert [f.evidence["z"] for f in tell(VITALS, restored, said[-80:], batch=50)] == [4.0]


@pytest.mark.parametrize("since", [[], [62, 64, 64], [62, 64, 65, 65, 66], [70, 70, 60, 60, 60]])
def test_nights_taken_from_elsewhere_have_risen_as_far_as_they_had(since: list[float]) -> None:
    """The roll-up knows the nights alone; what they add up to is the same, and what was raised is not raised again."""
    watched = known()
    raised = lived(since, watched)
    morning = START_MIN + MIDNIGHT + (len(USUAL) + len(since)) * 1440 - 1440 + 400
    told = fresh(VITALS)
    bpm = np.full((1, NIGHTS), np.nan)
    for k, pulse in enumerate([*USUAL, *since]):
        bpm[0, nights.slot_of((START_MIN + MIDNIGHT) // 1440 + k)] = pulse
    nights.take_over(told, np.array([0]), bpm, morning, 0)
    assert (told["nights"] == watched["nights"]).all()
    assert (told["night_cusum"], told["night_raised"]) == (watched["night_cusum"], watched["night_raised"])
    assert len(raised) == (1 if len(since) == 5 else 0)
    told["newest_min"][:] = watched["newest_min"]
    ahead = len(USUAL) + len(since)
    assert len(lived([66, 66], told, first=ahead)) == len(lived([66, 66], watched, first=ahead))
