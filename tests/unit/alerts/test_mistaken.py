"""Tapped by mistake: what a responder's phone took back, and what nobody may lose by it."""

from datetime import timedelta
from typing import Any

import pytest

from alerts.events import Arrived, CannotGo, Closed, Dispatched, EnRoute, HandedOver, Mistaken, Resolved
from alerts.mistaken import TAKES_BACK_WITHIN
from alerts.model import Disposition, Role, State, TimerKind
from tests.unit.alerts.duty import DAUGHTER, GUARD, SON, XIAO_LI, Duty, sos


def back(
    tap: Any, person: int = GUARD, *, since_s: float = 20, goes: bool = True, role: Role = Role.PROPERTY
) -> Mistaken:
    return Mistaken(person_id=person, tap=tap, seq=5, since_s=since_s, goes=goes, role=role)


def guard_is_there() -> Duty:
    """02:16: xiao li has it, the guard said that he comes, and is there."""
    night = sos().until("02:16:00")
    night.takes(XIAO_LI)
    night.does(Dispatched(by=XIAO_LI, person_id=GUARD))
    night.does(EnRoute(person_id=GUARD))
    night.does(Arrived(person_id=GUARD))
    return night


def handed_over() -> Duty:
    night = guard_is_there().until("02:20:00")
    night.does(HandedOver(person_id=GUARD, to="120 #4711"))
    return night


def test_hand_over_by_mistake_is_taken_back_and_he_has_to_stay() -> None:
    night = handed_over().until("02:20:30")
    night.does(back("handed_over"))
    assert (night.incident.state, night.incident.responder_id) == (State.ON_SCENE, GUARD)
    assert (night.incident.handed_to, night.incident.handler_id) == (None, XIAO_LI)
    assert night.what()[-1] == "mistaken"
    assert night.facts("mistaken") == {"person": GUARD, "tap": "handed_over", "takes_back": 5}
    assert night.incident.timer is not None
    assert night.incident.timer.kind is TimerKind.EXPIRY
    assert night.called("02:20:00") == [], "she is in good hands: nobody is rung"


def test_he_hands_over_again_afterwards_and_this_time_it_is_true() -> None:
    night = handed_over().until("02:20:30")
    night.does(back("handed_over"))
    night.until("02:25:00").does(HandedOver(person_id=GUARD, to="her daughter"))
    assert (night.incident.state, night.incident.handed_to) == (State.HANDED_OVER, "her daughter")


def test_operator_who_went_by_the_hand_over_has_resolved_nothing() -> None:
    night = handed_over()
    night.does(Resolved(by=XIAO_LI, how="report"))
    night.does(back("handed_over"))
    assert (night.incident.state, night.incident.resolved_by) == (State.ON_SCENE, None)


def test_critical_case_that_no_operator_has_rings_them_when_a_hand_over_was_none() -> None:
    night = sos()
    night.does(EnRoute(person_id=DAUGHTER))
    night.does(Arrived(person_id=DAUGHTER))
    night.until("02:15:00").does(HandedOver(person_id=DAUGHTER, to="120 #4711"))
    night.does(back("handed_over", DAUGHTER, role=Role.FAMILY))
    assert {line.split()[1] for line in night.called("02:15:00")} == {"xiao", "lao"}


def test_case_that_was_closed_stays_closed() -> None:
    night = handed_over()
    night.does(Resolved(by=XIAO_LI, how="report"))
    night.does(Closed(by=XIAO_LI, disposition=Disposition.HOSPITAL, with_whom="120", called_back=True))
    assert night.refuses(back("handed_over")) == "ended"


def test_arrival_by_mistake_leaves_him_on_his_way_and_is_waited_for() -> None:
    night = guard_is_there()
    night.does(back("arrived"))
    assert (night.incident.state, night.incident.responder_id, night.incident.proof) == (State.EN_ROUTE, GUARD, None)
    assert night.incident.timer is not None
    night.until("02:50:00")
    assert "expired" in night.what(), "he never came: the queue has it again"


def test_arrival_of_who_never_said_that_he_comes_puts_the_case_back_into_the_queue() -> None:
    night = sos().until("02:15:00")
    night.does(Arrived(person_id=DAUGHTER))
    night.does(back("arrived", DAUGHTER, goes=False, role=Role.FAMILY))
    assert (night.incident.state, night.incident.responder_id) == (State.OPEN, None)
    assert night.called("02:15:00") != []


def test_cannot_go_by_mistake_has_him_going_again_and_calls_the_others_off() -> None:
    night = sos().until("02:14:20")
    night.does(EnRoute(person_id=DAUGHTER))
    night.does(CannotGo(person_id=DAUGHTER))
    assert night.incident.state is State.OPEN
    night.does(back("cannot_go", DAUGHTER, role=Role.FAMILY))
    assert (night.incident.state, night.incident.responder_id) == (State.TAKEN, DAUGHTER)
    assert night.last.withdraw
    assert night.what()[-3:-1] == ["mistaken", "taken"]


def test_who_was_only_asked_is_asked_again_and_promises_nothing_by_it() -> None:
    night = sos()
    night.does(CannotGo(person_id=SON))
    assert night.incident.declined == {SON}
    night.does(back("cannot_go", SON, goes=False, role=Role.FAMILY))
    assert (night.incident.state, night.incident.declined, night.incident.responder_id) == (
        State.OPEN,
        frozenset(),
        None,
    )


def test_somebody_else_goes_by_now_and_keeps_it() -> None:
    night = sos()
    night.does(EnRoute(person_id=DAUGHTER))
    night.does(CannotGo(person_id=DAUGHTER))
    night.does(EnRoute(person_id=SON))
    assert night.refuses(back("cannot_go", DAUGHTER, role=Role.FAMILY)) == "already_taken"
    assert night.incident.responder_id == SON


@pytest.mark.parametrize("tap", ["handed_over", "arrived", "cannot_go"])
def test_after_five_minutes_he_telephones(tap: str) -> None:
    night = handed_over()
    late = TAKES_BACK_WITHIN + timedelta(seconds=1)
    assert night.refuses(back(tap, since_s=late.total_seconds())) == "too_late_to_take_back"


def test_nobody_takes_back_what_another_said() -> None:
    night = handed_over()
    assert night.refuses(back("handed_over", DAUGHTER)) == "nothing_to_take_back"
    assert guard_is_there().refuses(back("arrived", DAUGHTER)) == "nothing_to_take_back"


def test_arrival_is_not_taken_back_once_she_was_handed_over() -> None:
    assert handed_over().refuses(back("arrived")) == "nothing_to_take_back"
