"""V6 as the duty log would tell it, and what respiration says for V1."""

import pytest

from alerts.detectors.detector import Finding
from alerts.detectors.vitals import VitalsDetector
from alerts.model import AlertKind, Severity

from .test_vitals import known
from .wearers import START_MIN, Said, fresh, tell

VITALS = VitalsDetector()


def asleep(*breaths: float | None, start: int = 0, every: int = 1) -> list[Said]:
    """What a bed mat says, which counts no steps."""
    return [Said(minute=start + k * every, rr=rr) for k, rr in enumerate(breaths)]


def heard(said: list[Said]) -> list[Finding]:
    return tell(VITALS, fresh(VITALS), said)


def test_fast_respiration_raises_after_ten_minutes_and_says_why() -> None:
    (found,) = heard(asleep(*[16] * 20, *[26] * 20))
    assert (found.rule, found.kind, found.severity) == ("V6", AlertKind.VITALS, Severity.HIGH)
    assert found.at_ms // 60_000 - START_MIN == 29
    assert found.identity == f"V6:{START_MIN + 20}"
    assert found.evidence == {"respiration_rpm": 26, "minutes": 10, "known_min": 14, "confidence": 0.69}


@pytest.mark.parametrize(("rpm", "raised"), [(8, True), (9, False), (24, False), (25, True)])
def test_limits_are_eight_and_twenty_five(rpm: int, raised: bool) -> None:
    assert bool(heard(asleep(*[rpm] * 15))) is raised


def test_fast_respiration_for_nine_minutes_raises_nothing() -> None:
    assert heard(asleep(*[16] * 20, *[28] * 9, *[16] * 20)) == []


def test_bed_mat_that_reports_every_five_minutes_raises_with_the_third_report() -> None:
    (found,) = heard(asleep(16, 16, 26, 27, 28, every=5))
    assert found.at_ms // 60_000 - START_MIN == 20


def test_bed_mat_half_of_whose_reports_are_good_raises_nothing() -> None:
    assert heard(asleep(*[26, 16] * 20)) == []


def test_gap_does_not_complete_the_ten_minutes() -> None:
    assert heard(asleep(*[26] * 6) + asleep(*[26] * 6, start=40)) == []


def test_fast_respiration_of_somebody_who_walks_raises_nothing() -> None:
    assert heard([Said(minute=k, rr=30, steps=50) for k in range(40)]) == []


def test_watch_that_counts_no_steps_for_twelve_minutes_is_at_rest() -> None:
    walk = [Said(minute=k, rr=20, steps=50) for k in range(5)]
    found = heard(walk + [Said(minute=5 + k, rr=30, steps=0) for k in range(40)])
    assert [f.at_ms // 60_000 - START_MIN for f in found] == [5 + 11 + 9]


def test_episode_is_over_after_ten_minutes_between_ten_and_twenty_two() -> None:
    fast = [26.0] * 14
    assert len(heard(asleep(*fast, *[23] * 15, *fast))) == 1  # not yet good
    assert len(heard(asleep(*fast, *[22] * 5, *fast))) == 1  # not for long enough
    assert len(heard(asleep(*fast, *[22] * 12, *fast))) == 2


def test_empty_bed_says_nothing_and_half_an_hour_of_it_ends_the_episode() -> None:
    fast = asleep(*[26] * 12)
    assert len(heard(fast + [Said(minute=12 + k) for k in range(40)] + asleep(*[26] * 12, start=60))) == 2


def test_watch_taken_off_is_not_believed() -> None:
    assert heard([Said(minute=k, rr=40, worn=0) for k in range(30)]) == []


@pytest.mark.parametrize(("rpm", "surer"), [(17.0, False), (24.0, True)])
def test_fast_heart_is_surer_when_respiration_is_fast_as_well(rpm: float, surer: bool) -> None:
    said = [Said(minute=2880 + k, hr=104, rr=rpm, steps=0) for k in range(12)]
    (alone,) = tell(VITALS, known(), [Said(minute=s.minute, hr=s.hr, steps=0) for s in said])
    (found,) = tell(VITALS, known(), said)
    assert (found.identity, found.evidence["respiration_rpm"]) == (alone.identity, rpm)
    assert (found.evidence["confidence"] > alone.evidence["confidence"]) is surer
    assert "respiration_rpm" not in alone.evidence
