"""Heart-rate alerts are scored by their protocol: windows, ramps, silences, and figures of findings that are known."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from alerts.detectors.detector import Finding
from alerts.model import AlertKind, Severity
from hub.evaluate import streams, vitals
from hub.evaluate.streams import Stream
from hub.evaluate.vitals import DAY, Rise, Silence, Trial, Wearer

DAYS = 20


def wearer(name: str = "W", days: int = DAYS) -> Wearer:
    """Somebody who walks from eight to nine and sits for the rest of the day."""
    steps = np.zeros(days * DAY, np.int16)
    for day in range(days):
        steps[day * DAY + 480 : day * DAY + 540] = 40
    return Wearer(name=name, hr=np.full(days * DAY, 70, np.int16), steps=steps)


def finding(rule: str = "V1", severity: Severity = Severity.MEDIUM) -> Finding:
    return Finding(row=0, rule=rule, kind=AlertKind.VITALS, severity=severity, at_ms=0, identity=rule)


def said(*minutes: int, rule: str = "V1", severity: Severity = Severity.MEDIUM) -> Sequence[tuple[int, Finding]]:
    return [(minute, finding(rule, severity)) for minute in minutes]


def test_windows_are_calm_have_their_fortnight_before_and_the_same_plain_twin() -> None:
    made = vitals.trial([wearer()], windows=4)
    assert len(made.rises) == 4
    for rise in made.rises:
        plain = made.streams[rise.plain]
        assert vitals.BEFORE_DAYS * DAY <= rise.begin < (vitals.BEFORE_DAYS + 1) * DAY
        assert (plain.steps[rise.begin : rise.begin + 240] > 0).mean() < 0.1
        for bpm, name in rise.risen.items():
            more = made.streams[name].hr - plain.hr
            assert more[: rise.begin].max() == 0
            assert more[rise.end :].max(initial=0) == 0
            assert (more[rise.begin + 60 : rise.end] == bpm).all()


def test_same_seed_draws_the_same_windows_and_another_seed_others() -> None:
    begins = [[r.begin for r in vitals.trial([wearer()], 4, seed).rises] for seed in (7, 7, 8)]
    assert begins[0] == begins[1] != begins[2]


def test_rise_leaves_minutes_without_a_pulse_and_stays_within_what_a_heart_can_do() -> None:
    hr = np.array([70, 0, 200, 70] * 60, np.int16)
    risen = vitals.raised(hr, 0, 60)
    assert (risen[1::4] == 0).all()
    assert risen.max() == 220
    assert risen[0] == 70


def test_silence_is_a_wearer_who_lies_still_with_a_resting_pulse() -> None:
    made = vitals.trial([wearer()], windows=4)
    assert len(made.silences) == 2
    for silence in made.silences:
        stream = made.streams[silence.stream]
        assert (stream.steps[silence.begin :] == 0).all()
        assert (stream.hr[silence.begin :] == 70).all()
        assert 540 <= silence.begin % DAY < 840
        assert (stream.steps[: silence.begin] > 0).any()


def test_record_that_is_too_short_gives_no_window_and_no_silence() -> None:
    made = vitals.trial([wearer(days=10)], windows=4)
    assert (made.rises, made.silences) == ([], [])
    told = vitals.score(made, {})
    assert told["rises"]["40"]["sensitivity"] is None
    assert told["silence"]["share"] is None


def test_alerts_a_day_count_medium_and_high_ones_about_vital_signs() -> None:
    made = Trial(wearers=[wearer("A", 10), wearer("B", 30)])
    found = {"A": [*said(1), *said(2, rule="V2", severity=Severity.HIGH), *said(3, rule="V5", severity=Severity.LOW)],
             "B": [*said(4, rule="B1"), *said(5, rule="B2", severity=Severity.LOW)]}  # fmt: skip
    told = vitals.score(made, found)
    assert told["wearer_days"] == 40
    assert (told["alerts"]["count"], told["alerts"]["per_wearer_day"]) == (2, 0.05)
    assert {rule: rate["count"] for rule, rate in told["alerts"]["by_rule"].items()} == {"V1": 1, "V2": 1}
    assert {rule: rate["count"] for rule, rate in told["alerts"]["low_by_rule"].items()} == {"B2": 1, "V5": 1}
    assert told["alerts"]["by_wearer"]["A"]["per_day"] == pytest.approx(0.2)
    assert told["silence"]["false"]["B1"]["count"] == told["silence"]["false"]["B2"]["count"] == 1
    assert told["silence"]["false"]["B1"]["per_100_wearer_days"] == pytest.approx(2.5)


def test_rise_is_found_inside_its_three_hours_and_a_window_that_alarms_anyway_is_left_out() -> None:
    names = ("in time", "too late", "too early", "never", "anyway")
    made = Trial(wearers=[wearer()])
    made.rises = [
        Rise(wearer="W", plain=name, risen={bpm: f"{name}+{bpm}" for bpm in vitals.RISES_BPM}, begin=1000)
        for name in names
    ]
    found = {"in time+40": said(1050, 1100), "too late+40": said(1180), "too early+40": said(999),
             "anyway": said(940), "anyway+40": said(1050)}  # fmt: skip
    told = vitals.score(made, found)["rises"]["40"]
    assert (told["windows"], told["left_out"], told["found"]) == (4, 1, 1)
    assert (told["sensitivity"], told["delay_median_min"]) == (0.25, 50)


def test_silence_counts_when_either_rule_speaks_within_twelve_hours() -> None:
    made = Trial(wearers=[wearer()])
    made.silences = [Silence(wearer="W", stream=name, begin=100) for name in ("b1", "b2", "late", "before")]
    found = {"b1": said(100 + 715, rule="B1"), "b2": said(100 + 720, rule="B2"), "late": said(100 + 721, rule="B1"),
             "before": said(50, rule="B1")}  # fmt: skip
    told = vitals.score(made, found)["silence"]
    assert (told["hits"], told["of"], told["delay_median_min"]) == (2, 4, 717.5)


def test_streams_of_different_length_are_heard_to_their_own_end() -> None:
    fast = np.array([70] * 15 + [140] * 10, np.int16)
    given = {"cut": Stream(fast[:18], np.zeros(18, np.int16)), "fast": Stream(fast, np.zeros(25, np.int16)),
             "calm": Stream(np.full(30, 70, np.int16), np.zeros(30, np.int16))}  # fmt: skip
    limits: dict[str, NDArray[np.uint8]] = {}
    told: list[int] = []
    found = streams.watch(given, lambda minute, of: told.append(of), limits)
    assert {name: [(at, f.rule) for at, f in several] for name, several in found.items()} == {
        "cut": [], "fast": [(19, "V2")], "calm": []
    }  # fmt: skip
    assert told == [30]
    assert {name: len(limit) for name, limit in limits.items()} == {"cut": 18, "fast": 25, "calm": 30}
