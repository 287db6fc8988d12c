"""Whom the default policy calls for what is found in a home, by day and in the night."""

from importlib.resources import files

import pytest

from alerts.detectors.home_found import KINDS
from alerts.dry_run import imagined, play
from alerts.dry_run_words import tell, text
from alerts.model import AlertKind, Severity
from alerts.policy import load
from tests.unit.alerts.duty import DAUGHTER, LAO_ZHANG, NAMES, RESIDENT, SON, WORKER, XIAO_LI, at, roster

POLICIES = load(files("alerts").joinpath("default_policy.toml").read_text(encoding="utf-8"))
OPERATORS = {XIAO_LI, LAO_ZHANG}


def called(kind: AlertKind, severity: Severity, clock: str) -> set[int]:
    start = at(clock)
    done = play(imagined(kind, start, resident_id=RESIDENT, severity=severity), POLICIES, start, lambda _: roster())
    return {call.person_id for call in done.calls}


@pytest.mark.parametrize("kind", sorted(set(KINDS.values()) - {AlertKind.WANDERING}))
def test_what_is_merely_unusual_rings_nobody_at_night(kind: AlertKind) -> None:
    assert called(kind, Severity.LOW, "02:14:07") == OPERATORS


def test_by_day_the_family_and_the_community_hear_of_a_late_riser() -> None:
    assert called(AlertKind.STILLNESS, Severity.LOW, "10:30:00") == {*OPERATORS, DAUGHTER, SON, WORKER}


def test_who_has_left_the_safe_area_has_her_family_called_at_any_hour() -> None:
    at_night = called(AlertKind.WANDERING, Severity.MEDIUM, "02:14:07")
    assert {*OPERATORS, DAUGHTER, SON} <= at_night
    assert WORKER not in at_night
    assert WORKER in called(AlertKind.WANDERING, Severity.MEDIUM, "14:00:00")


def test_a_welfare_check_is_an_operators_first() -> None:
    start = at("10:30:00")
    done = play(imagined(AlertKind.STILLNESS, start, resident_id=RESIDENT), POLICIES, start, lambda _: roster())
    assert {c.person_id for c in done.moments[0].calls} == OPERATORS
    assert {DAUGHTER, WORKER} <= {c.person_id for c in done.moments[1].calls}


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(("kind", "zh", "en"), [
    (AlertKind.ROUTINE, "作息异常", "unusual routine"), (AlertKind.WANDERING, "走出安全范围", "left the safe area"),
])  # fmt: skip
def test_the_rehearsal_has_words_for_the_new_kinds(kind: AlertKind, zh: str, en: str, lang: str) -> None:
    start = at("10:30:00")
    done = play(imagined(kind, start, resident_id=RESIDENT), POLICIES, start, lambda _: roster())
    assert done.alert.severity is (Severity.LOW if kind is AlertKind.ROUTINE else Severity.MEDIUM)
    assert {"zh": zh, "en": en}[lang] in text(tell(done, NAMES, lang))
