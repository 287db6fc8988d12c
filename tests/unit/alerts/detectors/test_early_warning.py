"""V8 as the duty log would tell it. Row 0 is a resident's first device; hers are all told under it."""

from typing import Any

import numpy as np
import pytest

from alerts.detectors.detector import Columnar, Finding
from alerts.detectors.early_warning import EarlyWarning
from alerts.model import AlertKind, Severity

from .wearers import START_MIN, Said, fresh, tell

SCORE = EarlyWarning()
ILL: dict[str, Any] = {"hr": 115.0, "rr": 22.0, "temp": 38.4}  # 2 + 2 + 1
VERY_ILL = ILL | {"sbp": 98.0}  # and 2
WELL: dict[str, Any] = {"hr": 72.0, "rr": 15.0, "temp": 36.8}


def sets(*told: dict[str, Any], start: int = 0, every: int = 5) -> list[Said]:
    return [Said(minute=start + k * every, **values) for k, values in enumerate(told)]


def heard(said: list[Said], state: Columnar | None = None) -> list[Finding]:
    return tell(SCORE, fresh(SCORE) if state is None else state, said)


def told(found: list[Finding]) -> list[tuple[Severity, int]]:
    return [(f.severity, f.at_ms // 60_000 - START_MIN) for f in found]


def test_five_points_in_two_sets_raise_and_say_of_what() -> None:
    (found,) = heard(sets(ILL, ILL))
    assert (found.rule, found.kind, found.severity) == ("V8", AlertKind.VITALS, Severity.MEDIUM)
    assert (found.identity, found.at_ms // 60_000 - START_MIN) == (f"V8:{START_MIN}", 5)
    assert found.evidence == {
        "total": 5, "total_upper": 5 + 3 + 2 + 3 + 3, "components": {"hr": 2, "rr": 2, "temp": 1},
        "missing": ["spo2", "o2", "sbp", "acvpu"], "heart_rate_bpm": 115, "respiration_rpm": 22, "temperature_c": 38.4,
        "ages_min": {"heart_rate_bpm": 0, "respiration_rpm": 0, "temperature_c": 0}, "spo2_scale": 1, "minutes": 5,
        "confidence": 0.43,
    }  # fmt: skip


def test_one_set_raises_nothing() -> None:
    assert heard(sets(ILL)) == []
    assert heard(sets(ILL, ILL, every=4)) == []  # still the same five minutes


def test_four_points_raise_nothing() -> None:
    assert heard(sets(*[ILL | {"temp": 37.0}] * 20)) == []


def test_seven_points_raise_high_and_speak_for_both_levels() -> None:
    (found,) = heard(sets(VERY_ILL, VERY_ILL))
    assert (found.severity, found.identity) == (Severity.HIGH, f"V8:high:{START_MIN}")


def test_wearer_who_gets_worse_is_raised_again_and_on_the_way_back_not() -> None:
    found = heard(sets(ILL, ILL, ILL, VERY_ILL, VERY_ILL, ILL, ILL))
    assert told(found) == [(Severity.MEDIUM, 5), (Severity.HIGH, 20)]


def test_watch_cuff_and_thermometer_make_one_score_within_an_hour() -> None:
    watch = [Said(minute=k, hr=115, rr=22, steps=0) for k in range(60)]
    found = heard([*watch[:20], Said(minute=20, sbp=98), *watch[21:40], Said(minute=40, temp=38.4), *watch[41:]])
    assert told(found) == [(Severity.MEDIUM, 25), (Severity.HIGH, 45)]
    assert found[0].evidence["ages_min"] == {"heart_rate_bpm": 0, "respiration_rpm": 0, "systolic_mmhg": 5}
    assert [f.evidence["total"] for f in found] == [6, 7]


def test_pressure_of_more_than_an_hour_ago_counts_no_more() -> None:
    pressed = [Said(minute=0, sbp=98)]
    fast = [Said(minute=m, hr=115, rr=22, steps=0) for m in (61, 66, 71, 76)]
    assert heard(pressed + fast) == []
    assert told(heard(pressed + [Said(minute=m, hr=115, rr=22, steps=0) for m in (50, 55)])) == [(Severity.MEDIUM, 55)]


def test_gap_never_makes_an_alert() -> None:
    assert heard(sets(ILL) + sets(ILL, start=300)) == []
    assert SCORE.tick(fresh(SCORE), 10**13) == []


def test_fast_heart_alone_is_left_to_the_rules_about_hearts() -> None:
    assert heard(sets(*[{"hr": 150.0}] * 30)) == []
    assert heard(sets(*[{"hr": 35.0, "temp": 36.8, "rr": 15.0}] * 30)) == []


@pytest.mark.parametrize("mmhg", [90.0, 220.0])
def test_pressure_at_its_worst_raises_alone_because_no_other_rule_knows_it(mmhg: float) -> None:
    cuff = [Said(minute=k * 10, sbp=mmhg, hr=70) for k in range(2)]
    (found,) = heard(cuff)
    assert (found.severity, found.evidence["total"], found.evidence["systolic_mmhg"]) == (Severity.MEDIUM, 3, mmhg)
    assert heard([Said(minute=k * 10, sbp=91 if mmhg < 100 else 219, hr=70) for k in range(9)]) == []


def test_blip_within_five_minutes_is_no_set() -> None:
    blip = [Said(minute=10, hr=150, spo2=90), Said(minute=11, hr=72, spo2=97)]
    calm = [Said(minute=m, hr=72, spo2=97) for m in range(12, 30)]
    again = [Said(minute=30, hr=150, spo2=90), Said(minute=31, hr=72, spo2=97)]
    assert heard(blip + calm + again) == []


def test_values_of_somebody_who_walks_are_not_scored() -> None:
    walk = [Said(minute=k, hr=140, rr=26, spo2=92, steps=80) for k in range(30)]
    assert heard(walk) == []
    after = [Said(minute=30 + k, hr=140, rr=26, spo2=92, steps=0) for k in range(20)]
    assert told(heard(walk + after))[0] == (Severity.HIGH, 46)  # the walk was over at 29, the first set began at 41


def test_one_episode_raises_once_until_an_hour_below_the_band() -> None:
    ill = sets(*[ILL] * 6)
    assert len(heard(ill + sets(*[WELL] * 10, start=30) + sets(*[ILL] * 6, start=80))) == 1
    assert len(heard(ill + sets(*[WELL] * 14, start=30) + sets(*[ILL] * 6, start=100))) == 2


def test_silence_of_hours_ends_the_episode_too() -> None:
    assert len(heard(sets(ILL, ILL) + sets(ILL, ILL, start=600))) == 2


def test_saturation_of_90_is_as_it_should_be_on_scale_2() -> None:
    low = ILL | {"spo2": 90.0, "temp": 37.0}  # 2 + 2 + 3
    assert told(heard(sets(low, low))) == [(Severity.HIGH, 5)]
    state = fresh(SCORE)
    state["spo2_scale2"][:] = 1
    assert heard(sets(low, low), state) == []


def test_late_value_takes_its_own_place_and_completes_the_set() -> None:
    state = fresh(SCORE)
    half = {"hr": 115.0, "rr": 22.0}
    assert heard(sets(half, half, half), state) == []
    assert heard([Said(minute=4, temp=38.4, received=10)], state) == []  # the first set that is known to be one
    (found,) = heard(sets(half, start=15), state)
    assert found.evidence["ages_min"]["temperature_c"] == 11


def test_values_sent_again_do_not_make_a_second_set() -> None:
    state = fresh(SCORE)
    assert heard(sets(ILL), state) == heard(sets(ILL), state) == []


def test_residents_do_not_hear_each_other() -> None:
    said = [Said(minute=m, row=row, **(ILL if row == 3 else WELL)) for m in (0, 5) for row in range(6)]
    assert [f.row for f in tell(SCORE, fresh(SCORE, 6), said, batch=6)] == [3]


def test_state_restored_from_a_checkpoint_goes_on() -> None:
    state = fresh(SCORE)
    heard(sets(ILL), state)
    restored = {n: np.frombuffer(v.tobytes(), v.dtype).reshape(v.shape).copy() for n, v in state.items()}
    assert [f.identity for f in heard(sets(ILL, start=5), restored)] == [f"V8:{START_MIN}"]
