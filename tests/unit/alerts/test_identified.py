"""A call of nobody known gets its name, and her people are called."""

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.events import CannotGo, EnRoute, Identified
from alerts.invariants import violations
from alerts.model import AlertKind, Roster, State, TimerKind
from tests.unit.alerts.duty import DAUGHTER, GUARD, LAO_ZHANG, SON, XIAO_LI, Duty, alert

HER = 9


def orphan() -> Duty:
    """A button of nobody's is pressed: operators are rung, and nobody else is known."""
    duty = Duty()
    everybody = duty.people
    duty.people = Roster(responders=tuple(r for r in everybody.responders if r.person_id in (XIAO_LI, LAO_ZHANG)))
    duty.opens(replace(alert(AlertKind.SOS), resident_id=None))
    duty.people = everybody
    return duty


def called(duty: Duty, by: int = XIAO_LI, her: int = HER) -> set[int]:
    decision = duty.does(Identified(by=by, resident_id=her, area="和平社区"))
    assert violations(duty.incident) == []
    return {page.person_id for page in decision.pages}


def test_her_people_are_rung_from_the_first_step() -> None:
    duty = orphan()
    assert {DAUGHTER, SON} <= called(duty)
    assert (duty.incident.resident_id, duty.incident.area, duty.incident.step) == (HER, "和平社区", 0)
    assert duty.incident.state is State.OPEN
    assert duty.incident.timer is not None
    assert duty.incident.timer.kind is TimerKind.STEP


def test_operator_who_has_it_keeps_it_and_hers_are_called_beside_him() -> None:
    duty = orphan()
    duty.takes(XIAO_LI)
    before = duty.incident.timer
    assert before is not None
    assert {DAUGHTER, SON} <= called(duty)
    assert (duty.incident.state, duty.incident.handler_id) == (State.TAKEN, XIAO_LI)
    assert duty.incident.timer is not None
    assert duty.incident.timer.due_at == before.due_at, "no timer moves"
    duty.does(EnRoute(person_id=DAUGHTER))
    assert duty.incident.state is State.EN_ROUTE


def test_another_press_of_the_same_button_joins_the_case() -> None:
    duty = orphan()
    key = duty.incident.dedup_key
    called(duty)
    assert duty.incident.dedup_key == key == replace(alert(AlertKind.SOS), resident_id=None).dedup_key


def test_wrong_word_is_put_right_and_said_again_it_changes_nothing() -> None:
    duty = orphan()
    called(duty)
    assert called(duty) == set()
    assert called(duty, her=HER + 1)
    assert duty.incident.resident_id == HER + 1


def test_only_an_operator_says_whose_case_it_is() -> None:
    duty = orphan()
    assert duty.refuses(Identified(by=GUARD, resident_id=HER)) == "not_an_operator"


def test_case_of_a_known_resident_is_not_given_to_another() -> None:
    duty = Duty()
    duty.opens(alert(AlertKind.SOS))
    assert duty.refuses(Identified(by=XIAO_LI, resident_id=HER)) == "has_resident"


@pytest.mark.parametrize("late_s", [0, 45, 600])
def test_steps_go_on_after_her_people_cannot(late_s: int) -> None:
    duty = orphan()
    called(duty)
    duty.now += timedelta(seconds=late_s)
    for person in (DAUGHTER, SON):
        duty.does(CannotGo(person_id=person))
    assert duty.incident.step >= 1
