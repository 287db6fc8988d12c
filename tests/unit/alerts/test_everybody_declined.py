"""Nobody who was called can go: the next step is not waited for, and none is skipped."""

from datetime import timedelta

from alerts.events import CannotGo, Dispatched, MadeReal, Taken
from alerts.model import Role, State
from tests.unit.alerts.duty import DAUGHTER, GUARD, RIDER, SON, XIAO_LI, Duty, alert, sos


def test_ring_asks_everybody_it_calls_but_the_operators() -> None:
    assert sos().incident.asked == {DAUGHTER, SON}


def test_one_no_of_two_changes_nothing_but_the_log() -> None:
    night = sos()
    due = night.incident.timer
    night.does(CannotGo(person_id=DAUGHTER))
    assert (night.incident.step, night.incident.timer, night.incident.declined) == (0, due, frozenset({DAUGHTER}))


def test_all_said_no_and_the_guard_is_called_at_once() -> None:
    night = sos()
    night.does(CannotGo(person_id=DAUGHTER))
    decision = night.does(CannotGo(person_id=SON))
    assert {p.person_id for p in decision.pages} == {GUARD}  # the community step is outside its hours
    assert night.incident.step == 2
    assert "nobody_can" in night.what()
    assert (night.incident.asked, night.incident.declined) == (frozenset({GUARD}), frozenset[int]())


def test_no_that_was_said_twice_counts_once() -> None:
    night = sos()
    night.does(CannotGo(person_id=DAUGHTER))
    night.does(CannotGo(person_id=DAUGHTER))
    assert night.incident.step == 0


def test_no_of_somebody_who_was_not_called_counts_for_nothing() -> None:
    night = sos()
    night.does(CannotGo(person_id=GUARD))
    night.does(CannotGo(person_id=XIAO_LI))
    night.does(CannotGo(person_id=DAUGHTER))
    assert (night.incident.step, night.incident.declined) == (0, frozenset({DAUGHTER}))


def test_every_rung_is_climbed_in_order_and_the_last_rings_on() -> None:
    night = sos()
    seen = [0]
    for person in (DAUGHTER, SON, GUARD, RIDER, DAUGHTER, SON):
        night.does(CannotGo(person_id=person))
        seen.append(night.incident.step)
    assert sorted(seen) == seen
    assert night.incident.step == night.incident.policy.last
    assert night.incident.state is State.OPEN
    assert night.incident.timer is not None


def test_pressing_again_asks_everybody_anew() -> None:
    night = sos().until("02:15:20")  # the guard has been called
    night.press()
    assert night.incident.asked == {GUARD}
    night = sos()
    night.does(CannotGo(person_id=DAUGHTER))
    night.now = night.incident.opened_at + timedelta(seconds=30)
    night.press()
    assert (night.incident.asked, night.incident.declined) == (frozenset({DAUGHTER, SON}), frozenset[int]())


def test_operator_has_it_and_a_no_only_stands_in_the_log() -> None:
    night = sos()
    night.takes(XIAO_LI)
    night.does(CannotGo(person_id=DAUGHTER))
    night.does(CannotGo(person_id=SON))
    assert night.incident.state is State.TAKEN


def test_next_step_that_was_sent_and_cannot_go_is_followed_by_the_next() -> None:
    night = sos()
    night.takes(XIAO_LI)
    night.does(Dispatched(by=XIAO_LI))
    assert night.incident.asked == {GUARD}
    step = night.incident.step
    night.does(CannotGo(person_id=GUARD))
    assert (night.incident.state, night.incident.step) == (State.OPEN, step + 1)


def test_test_press_is_not_hurried_on() -> None:
    night = Duty().opens(alert(test=True))
    night.does(CannotGo(person_id=DAUGHTER))
    assert night.incident.step == 0


def test_test_that_is_none_rings_as_it_would_have_rung() -> None:
    night = Duty().opens(alert(test=True))
    decision = night.does(MadeReal(by=XIAO_LI))
    assert {p.person_id for p in decision.pages} >= {DAUGHTER, SON}
    assert (night.incident.test, night.incident.state, night.incident.step) == (False, State.OPEN, 0)
    assert night.does(MadeReal(by=XIAO_LI)).reasons == ()


def test_late_tap_is_written_with_its_age() -> None:
    night = sos()
    decision = night.does(Taken(person_id=SON, role=Role.FAMILY, age_s=127.4))
    assert decision.reasons[0] == ("taken", {"person": SON, "role": "family", "age_s": 127})
    assert "age_s" not in sos().does(Taken(person_id=SON, role=Role.FAMILY, age_s=3)).reasons[0][1]


def test_no_of_somebody_called_before_does_not_call_off_whom_an_operator_sent() -> None:
    night = sos()
    night.does(Dispatched(by=XIAO_LI, person_id=GUARD))
    night.does(CannotGo(person_id=DAUGHTER))
    assert (night.incident.state, night.incident.handler_id) == (State.DISPATCHED, XIAO_LI)
    night.until("02:14:39")
    night.press()  # and it rings the family again
    states = []
    for person in (DAUGHTER, GUARD):
        night.does(CannotGo(person_id=person))
        states.append(night.incident.state)
    assert states == [State.DISPATCHED, State.OPEN]
