"""V7 as the duty log would tell it: thermometers, watches that feel skin, and the hours between readings."""

import pytest

from alerts.detectors.detector import Finding
from alerts.detectors.vitals import VitalsDetector
from alerts.model import AlertKind, Severity

from .wearers import START_MIN, Said, fresh, tell

VITALS = VitalsDetector()


def measured(*readings: tuple[int, float], steps: int | None = None) -> list[Said]:
    """Readings as (minute, degrees), of a thermometer unless it counts steps."""
    return [Said(minute=minute, temp=celsius, steps=steps) for minute, celsius in readings]


def heard(said: list[Said], *, skin: bool = False) -> list[Finding]:
    state = fresh(VITALS)
    state["skin"][:] = skin
    return tell(VITALS, state, said)


def test_fever_in_two_readings_raises_and_says_why() -> None:
    (found,) = heard(measured((0, 39.1), (5, 39.4)))
    assert (found.rule, found.kind, found.severity) == ("V7", AlertKind.VITALS, Severity.MEDIUM)
    assert (found.identity, found.at_ms // 60_000 - START_MIN) == (f"V7:{START_MIN}", 5)
    assert found.evidence == {"temperature_c": 39.4, "minutes": 5, "limit_c": 39.1, "confidence": 1.0}


@pytest.mark.parametrize(("celsius", "raised"), [(35.0, True), (35.1, False), (39.0, False), (39.1, True)])
def test_limits_are_a_tenth_of_a_degree_sharp(celsius: float, raised: bool) -> None:
    assert bool(heard(measured((0, celsius), (10, celsius)))) is raised


def test_two_readings_within_five_minutes_are_one_measurement() -> None:
    assert heard(measured((0, 39.5), (4, 39.6))) == []
    assert len(heard(measured((0, 39.5), (4, 39.6), (5, 39.5)))) == 1


def test_good_reading_between_two_odd_ones_parts_them() -> None:
    assert heard(measured((0, 39.5), (5, 37.2), (10, 39.5))) == []


def test_fever_of_the_morning_and_of_the_evening_is_one_fever() -> None:
    (found,) = heard(measured((0, 39.2), (600, 39.6)))
    assert found.identity == f"V7:{START_MIN}"
    assert heard(measured((0, 39.2), (100, 37.0), (600, 39.6))) == []


def test_readings_more_than_a_day_apart_say_nothing_together() -> None:
    assert heard(measured((0, 39.2), (1500, 39.6))) == []


def test_one_fever_raises_once_until_a_good_reading() -> None:
    fever = [(k * 60, 39.3) for k in range(20)]
    assert len(heard(measured(*fever))) == 1
    over = [*fever, (1200, 38.8), (1260, 39.4)]
    assert len(heard(measured(*over))) == 1  # 38.8 is not good yet
    again = [*fever, (1200, 38.5), (1260, 39.4), (1270, 39.4)]
    assert [f.identity for f in heard(measured(*again))] == [f"V7:{START_MIN}", f"V7:{START_MIN + 1260}"]


def test_fever_a_month_later_is_another_one_although_nobody_measured_its_end() -> None:
    later = 30 * 1440
    assert len(heard(measured((0, 39.5), (10, 39.5), (later, 39.5), (later + 10, 39.5)))) == 2


def test_late_reading_completes_the_pair() -> None:
    state = fresh(VITALS)
    said = measured((0, 39.5), (16, 37.0))
    assert tell(VITALS, state, said) == []
    (found,) = tell(VITALS, state, [Said(minute=6, temp=39.5, received=16)])
    assert found.identity == f"V7:{START_MIN}"
    assert tell(VITALS, state, measured((17, 37.0))) == []  # and 37.0 had ended it already


def test_cold_person_measured_by_a_thermometer_is_found() -> None:
    (found,) = heard(measured((0, 31.0), (10, 31.2)))
    assert (found.evidence["temperature_c"], found.evidence["limit_c"]) == (31.2, 35.0)


def test_watch_that_shows_the_skin_of_a_winters_morning_raises_nothing() -> None:
    assert heard(measured(*((k, 31.0) for k in range(60)), steps=0)) == []
    assert heard(measured(*((k, 33.5) for k in range(60))), skin=True) == []


def test_watch_that_shows_a_body_too_cold_is_believed_down_to_33() -> None:
    assert len(heard(measured(*((k, 34.5) for k in range(60)), steps=0))) == 1


def test_fever_that_reaches_the_skin_is_believed() -> None:
    assert len(heard(measured((0, 39.5), (6, 39.5)), skin=True)) == 1


def test_watch_taken_off_and_laid_on_the_stove_raises_nothing() -> None:
    assert heard([Said(minute=k, temp=41, worn=0) for k in range(30)]) == []
