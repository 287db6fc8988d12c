"""Nights on duty: who is called when, as the log book has it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.events import Arrived, Cancelled, CannotGo, Dispatched, Due, EnRoute, Held, Raised, Released
from alerts.incident import apply
from alerts.model import AlertKind, Incident, Purpose, Role, Roster, Severity, State, TimerKind
from tests.unit.alerts.duty import (
    AMBULANCE,
    DAUGHTER,
    GUARD,
    LAO_ZHANG,
    NIGHT,
    OFF_DUTY_GUARD,
    PEOPLE,
    SON,
    WORKER,
    XIAO_LI,
    Duty,
    alert,
    at,
    changed,
    off_duty,
    roster,
    sos,
    who,
)

OPERATORS = ["xiao li console", "lao zhang console"]


def test_press_at_night_climbs_the_ladder_until_somebody_comes() -> None:
    duty = sos().until("02:19:00")
    assert duty.called() == [
        "02:14:07 daughter mqtt",
        "02:14:07 son webhook",
        "02:14:07 xiao li console",
        "02:14:07 lao zhang console",
        "02:14:17 daughter webhook",
        "02:14:37 guard mqtt",  # the community worker sleeps: nobody waits for her
        "02:15:37 xiao li console",
        "02:15:37 lao zhang console",
        "02:16:22 120 webhook",  # an operator was asked 45 s ago
        "02:16:37 xiao li console",
        "02:16:37 lao zhang console",
        "02:17:22 120 webhook",
        "02:17:37 xiao li console",
        "02:17:37 lao zhang console",
        "02:18:22 120 webhook",
        "02:18:37 xiao li console",
        "02:18:37 lao zhang console",
    ]
    assert duty.incident.state is State.OPEN


def test_press_by_day_calls_the_community_worker_in_her_turn() -> None:
    duty = sos(now=at("10:00:00")).until("10:01:31")
    assert "10:00:30 worker mqtt" in duty.called()
    assert "10:01:30 guard mqtt" in duty.called()


def test_press_is_written_with_its_first_pages_and_answered_in_the_same_decision() -> None:
    duty = Duty()
    duty.opens(alert(identity="press-3"))
    assert [(t.say, t.identity) for t in duty.told] == [("received", "press-3")]
    assert duty.last.pages
    assert duty.incident.presses == 1


def test_person_with_one_way_only_is_called_at_once_and_not_after_the_ladders_delay() -> None:
    duty = sos()
    assert "02:14:07 son webhook" in duty.called()  # webhook stands at 10 s for who has the louder way too


def test_person_with_none_of_the_ladders_ways_is_called_by_any_he_has() -> None:
    people = changed(SON, lambda r: replace(r, contacts=who(SON, Role.FAMILY, "device").contacts))
    assert "02:14:07 son device" in sos(people=people).called()


def test_person_without_any_way_is_named_and_not_waited_for() -> None:
    people = changed(GUARD, lambda r: replace(r, contacts=()))
    duty = sos(people=people).until("02:14:37")
    assert ("person_unreachable", {"step": 2, "person": GUARD}) in duty.last.reasons
    assert duty.incident.step == 3
    assert "02:14:37 xiao li console" in duty.called()


def test_empty_steps_are_passed_at_once_and_said() -> None:
    duty = sos(people=roster(without=[WORKER, GUARD, OFF_DUTY_GUARD])).until("02:14:37")
    assert duty.incident.step == 3
    assert [f["why"] for w, f in duty.last.reasons if w == "step_empty"] == ["outside_hours", "nobody_to_call"]


def test_step_told_to_wait_when_empty_waits() -> None:
    text = NIGHT.replace(
        'wait = "60s"\n[[policy."急".step]]\nnotify = [ { role = "property"',
        'wait = "60s"\nif_empty = "wait"\n[[policy."急".step]]\nnotify = [ { role = "property"',
    )
    duty = sos(text=text).until("02:15:36")
    assert duty.incident.step == 1
    assert "02:15:37 guard mqtt" in duty.until("02:15:37").called()


def test_last_step_rings_on_for_ever_with_nobody_at_all() -> None:
    duty = sos(people=Roster())
    assert "nobody_reachable" in duty.what()
    duty.until("03:14:07")
    assert duty.what().count("nobody_reachable") == 61  # every minute somebody could have come on duty
    duty.people = roster()
    assert "03:15:07 xiao li console" in duty.until("03:16:00").called("03:14:08")


def test_last_step_that_has_lost_its_people_rings_everybody_above() -> None:
    duty = sos(people=roster(without=[XIAO_LI, LAO_ZHANG, AMBULANCE])).until("02:15:37")
    assert "02:15:37 daughter mqtt" in duty.called()
    assert "02:15:37 guard mqtt" in duty.called()
    assert "everybody" in duty.what()


def test_sequential_people_are_called_one_after_the_other_within_the_step() -> None:
    text = NIGHT.replace(
        'role = "family", channels', 'role = "family", order = "sequential", next_after = "12s", channels'
    )
    called = sos(text=text).until("02:14:36").called()
    assert "02:14:07 daughter mqtt" in called
    assert "02:14:19 son webhook" in called


def test_many_sequential_people_all_get_their_call_before_the_step_is_over() -> None:
    many = [who(n, Role.FAMILY, "mqtt") for n in range(100, 110)]
    text = NIGHT.replace('role = "family", channels = ["mqtt", "webhook@10s"]', 'role = "family", order = "sequential"')
    pages = Duty(text=text, people=Roster(responders=tuple(many))).opens(alert()).last.pages
    offsets = [(p.due_at - at("02:14:07")).total_seconds() for p in pages]
    assert offsets == [3.0 * i for i in range(10)]


def test_nearest_are_chosen_by_minutes_and_unknown_distance_comes_last() -> None:
    text = NIGHT.replace('{ role = "property" }', '{ role = "property", nearest = 2 }')
    guards = [
        who(60, Role.PROPERTY, "mqtt"),
        who(61, Role.PROPERTY, "mqtt", away=9),
        who(62, Role.PROPERTY, "mqtt", away=float("nan")),
        who(63, Role.PROPERTY, "mqtt", away=2),
    ]
    duty = Duty(text=text, people=Roster(responders=tuple(guards)))
    duty.opens(alert())
    assert [p.person_id for p in duty.last.pages] == [63, 61]


def test_somebody_in_two_targets_is_called_once() -> None:
    twice = (*PEOPLE, who(XIAO_LI, Role.FAMILY, "console"))
    assert sos(people=Roster(responders=twice)).called().count("02:14:07 xiao li console") == 1


def test_nobody_off_duty_is_paged() -> None:
    duty = sos(people=off_duty(GUARD)).until("02:16:00")
    assert not [c for c in duty.called() if "guard" in c]
    assert "02:14:07 son webhook" in duty.called()  # family keeps no hours


def test_named_fallback_is_called_off_duty_only_when_nobody_is_on() -> None:
    text = NIGHT.replace('{ role = "property" }', f'{{ role = "property", fallback = [{OFF_DUTY_GUARD}] }}')
    assert "off-duty guard" not in str(sos(text=text).until("02:15:00").called())
    assert "02:14:37 off-duty guard mqtt" in sos(text=text, people=off_duty(GUARD)).until("02:15:00").called()


def test_ambulance_is_not_called_when_an_operator_answers_the_question() -> None:
    duty = sos().until("02:15:40")
    duty.takes(XIAO_LI)
    assert not [c for c in duty.until("02:20:00").called() if "120" in c]


def test_operator_who_sends_the_last_step_has_confirmed_the_ambulance() -> None:
    duty = sos().until("02:15:00")
    assert duty.incident.step == 2
    duty.does(Dispatched(by=XIAO_LI))
    assert "02:15:00 120 webhook" in duty.called()
    duty = sos().until("02:15:40")  # asked, 20 s before the ambulance is called by itself
    duty.does(Dispatched(by=XIAO_LI))
    assert "02:15:40 120 webhook" in duty.called()
    assert duty.incident.policy.steps[-1].notify[0].operator_confirms  # the case keeps its policy


def test_timer_woken_too_early_is_nothing() -> None:
    duty = sos()
    duty.now += timedelta(seconds=29)
    before = duty.incident
    assert duty.does(Due()).incident is before
    assert not duty.last.reasons


def test_timer_woken_hours_late_fires_one_step_and_gives_it_its_whole_time() -> None:
    duty = sos()
    duty.now = at("05:00:00")
    duty.does(Due())
    assert duty.incident.step == 2
    assert duty.incident.timer is not None
    assert duty.incident.timer.due_at == at("05:01:00")


def test_operator_takes_and_all_else_falls_silent() -> None:
    duty = sos().until("02:14:12")
    duty.takes(XIAO_LI)
    assert duty.incident.state is State.TAKEN
    assert duty.last.withdraw
    assert set(duty.last.stand_down) == set(Role)
    assert duty.until("02:19:11").called("02:14:13") == []  # the daughter's webhook of 02:14:17 with them


def test_taken_and_nothing_heard_rings_the_same_rung_again_and_goes_on() -> None:
    duty = sos().until("02:14:12")
    duty.takes(XIAO_LI)
    duty.until("02:20:00")
    assert "02:19:12 daughter mqtt" in duty.called()
    assert "02:19:42 guard mqtt" in duty.called()
    assert duty.incident.handler_id is None


def test_daughter_goes_and_the_operators_ring_on_until_one_of_them_has_it() -> None:
    duty = sos().until("02:14:20")
    duty.takes(DAUGHTER, Role.FAMILY)
    assert Role.OPERATOR not in duty.last.stand_down
    assert [(t.say, t.role) for t in duty.told][-1] == ("coming", Role.FAMILY)
    duty.until("02:16:30")
    expected = [f"02:{t} {who_}" for t in ("14:20", "15:20", "16:20") for who_ in OPERATORS]
    assert duty.called("02:14:20") == expected
    duty.takes(XIAO_LI)
    assert duty.incident.state is State.TAKEN
    assert duty.incident.responder_id == DAUGHTER
    assert duty.last.stand_down == (Role.OPERATOR,)
    assert duty.until("02:21:29").called("02:16:31") == []


def test_daughter_said_she_goes_and_is_not_heard_of_though_the_operators_ring() -> None:
    duty = sos().until("02:14:20")
    duty.takes(DAUGHTER, Role.FAMILY)
    duty.until("02:19:20")
    assert duty.incident.state is State.OPEN
    assert "02:19:20 son webhook" in duty.called()


def test_less_urgent_incident_is_left_to_whoever_said_he_goes() -> None:
    duty = Duty()
    duty.opens(alert(AlertKind.VITALS, Severity.HIGH))
    duty.takes(DAUGHTER, Role.FAMILY)
    assert Role.OPERATOR in duty.last.stand_down
    assert duty.until("02:19:06").called("02:14:08") == []


def test_guard_who_cannot_go_puts_it_back_at_once() -> None:
    duty = sos().until("02:14:40")
    duty.takes(GUARD, Role.PROPERTY)
    duty.until("02:14:50")
    duty.does(CannotGo(person_id=GUARD))
    assert duty.incident.state is State.OPEN
    assert duty.incident.step == 2
    assert "02:15:50 xiao li console" in duty.until("02:15:50").called()


def test_handler_sends_the_next_step_and_it_answers() -> None:
    duty = sos().until("02:14:12")
    duty.takes(XIAO_LI)
    duty.does(Dispatched(by=XIAO_LI))
    assert duty.incident.state is State.DISPATCHED
    assert duty.called("02:14:12")[-1] == "02:14:12 guard mqtt"
    duty.takes(GUARD, Role.PROPERTY)
    assert (duty.incident.handler_id, duty.incident.responder_id) == (XIAO_LI, GUARD)
    assert duty.incident.state is State.DISPATCHED


def test_step_that_was_sent_and_does_not_answer_is_followed_by_the_next() -> None:
    duty = sos().until("02:14:12")
    duty.takes(XIAO_LI)
    duty.does(Dispatched(by=XIAO_LI))
    duty.until("02:15:12")
    assert duty.incident.state is State.OPEN
    assert duty.incident.step == 3


def test_chosen_person_who_does_not_answer_is_not_waited_for() -> None:
    duty = sos().until("02:14:12")
    duty.takes(XIAO_LI)
    duty.does(Dispatched(by=XIAO_LI, person_id=WORKER))
    assert duty.called("02:14:12")[-1] == "02:14:12 worker mqtt"
    duty.until("02:14:57")
    assert duty.incident.state is State.OPEN
    assert duty.incident.step == 0


def test_chosen_person_must_be_reachable_and_on_duty() -> None:
    duty = sos()
    duty.takes(XIAO_LI)
    assert duty.refuses(Dispatched(by=XIAO_LI, person_id=OFF_DUTY_GUARD)) == "off_duty"
    assert duty.refuses(Dispatched(by=XIAO_LI, person_id=999)) == "unknown_person"
    duty.people = changed(WORKER, lambda r: replace(r, contacts=()))
    assert duty.refuses(Dispatched(by=XIAO_LI, person_id=WORKER)) == "unreachable"


def test_more_help_is_sent_without_calling_off_who_is_on_the_way() -> None:
    duty = sos().until("02:14:40")
    duty.takes(GUARD, Role.PROPERTY)
    duty.takes(XIAO_LI)
    duty.does(EnRoute(person_id=GUARD))
    duty.does(Dispatched(by=XIAO_LI, person_id=AMBULANCE))
    assert duty.incident.state is State.EN_ROUTE
    assert duty.incident.responder_id == GUARD
    assert "02:14:40 120 webhook" in duty.called()


def test_son_far_away_is_given_his_way_before_he_is_missed() -> None:
    duty = sos()
    duty.takes(SON, Role.FAMILY)
    duty.takes(XIAO_LI)
    duty.does(EnRoute(person_id=SON))
    assert duty.incident.expires_at == at("03:11:07")  # 38 min away, half as long again


def test_guard_on_the_way_who_never_arrives_is_missed() -> None:
    duty = sos().until("02:14:40")
    duty.takes(GUARD, Role.PROPERTY)
    duty.takes(XIAO_LI)
    duty.does(EnRoute(person_id=GUARD))
    duty.until("02:29:40")
    assert duty.incident.state is State.OPEN
    assert "02:29:40 guard mqtt" in duty.called()


def test_neighbour_who_arrives_first_is_the_responder() -> None:
    duty = sos().until("02:14:40")
    duty.takes(SON, Role.FAMILY)
    duty.does(Arrived(person_id=GUARD))
    assert duty.incident.state is State.ON_SCENE
    assert duty.incident.responder_id == GUARD


def test_hold_is_not_prolonged_by_holding_again() -> None:
    """Put aside, taken, put aside: every fourteen minutes, and nobody would ever come."""
    duty = sos().until("02:14:12")
    duty.takes(XIAO_LI)
    duty.does(Held(by=XIAO_LI, reason="rings back", until=at("02:20:00")))
    duty.until("02:19:00")
    duty.takes(XIAO_LI)
    assert duty.refuses(Held(by=XIAO_LI, reason="rings back", until=at("02:30:00"))) == "held_before"
    duty.until("02:24:00")
    assert duty.called("02:24:00"), "nothing was heard for five minutes: it rings"
    duty.takes(XIAO_LI)
    duty.does(Held(by=XIAO_LI, reason="once more", until=at("02:30:00")))


def test_hold_has_a_reason_a_maximum_and_an_end_that_rings() -> None:
    duty = sos().until("02:14:12")
    duty.takes(XIAO_LI)
    assert duty.refuses(Held(by=XIAO_LI, reason=" ", until=at("02:20:00"))) == "hold_needs_reason"
    assert duty.refuses(Held(by=XIAO_LI, reason="rings back", until=at("02:29:13"))) == "hold_too_long"
    assert duty.refuses(Held(by=XIAO_LI, reason="rings back", until=at("02:14:12"))) == "hold_too_long"
    duty.does(Held(by=XIAO_LI, reason="rings back", until=at("02:20:00")))
    assert duty.until("02:19:59").called("02:14:13") == []
    duty.until("02:20:00")
    assert duty.incident.state is State.OPEN
    assert "02:20:00 daughter mqtt" in duty.called()


def test_end_of_a_hold_rings_somebody_though_the_step_may_wait_when_empty() -> None:
    text = NIGHT.replace('only = { between = ["07:00", "22:00"] }', 'if_empty = "wait"')
    duty = sos(text=text).until("02:14:40")
    duty.does(Held(by=XIAO_LI, reason="rings back", until=at("02:20:00")))
    duty.people = off_duty(WORKER)
    assert "02:20:00 guard mqtt" in duty.until("02:20:00").called()


def test_released_incident_rings_again() -> None:
    duty = sos().until("02:14:12")
    duty.takes(XIAO_LI)
    duty.does(Released(by=XIAO_LI))
    assert duty.incident.state is State.OPEN
    assert duty.called("02:14:12")[-1] == "02:14:12 lao zhang console"


@pytest.mark.parametrize("by", ["wearer", XIAO_LI])
def test_fall_is_cancelled_within_its_countdown_and_nobody_was_called(by: object) -> None:
    duty = Duty()
    duty.opens(alert(AlertKind.FALL, countdown_s=20))
    assert duty.incident.timer is not None
    assert duty.incident.timer.kind is TimerKind.CONFIRM
    duty.until("02:14:20")
    duty.does(Cancelled(by=by))  # type: ignore[arg-type]
    assert duty.incident.state is State.CANCELLED
    assert duty.until("03:00:00").called() == []
    assert [t.say for t in duty.told] == ["asking", "cancelled"]


def test_watch_that_named_its_fall_is_answered_before_its_wearer_is_asked() -> None:
    duty = Duty()
    duty.opens(alert(AlertKind.FALL, identity="3", countdown_s=20))
    assert [(t.say, t.identity) for t in duty.told] == [("received", "3"), ("asking", None)]


def test_fall_nobody_cancels_is_called_out() -> None:
    duty = Duty()
    duty.opens(alert(AlertKind.FALL, countdown_s=20)).until("02:14:22")  # the policy asks for 15 s
    assert duty.incident.state is State.OPEN
    assert "02:14:22 daughter mqtt" in duty.called()
    assert duty.refuses(Cancelled(by="wearer")) == "not_confirming"


@pytest.mark.parametrize("countdown_s", [float("nan"), float("inf"), -5.0, 0.0])
def test_fall_with_a_countdown_no_device_means_is_called_out_at_once(countdown_s: float) -> None:
    duty = Duty()
    assert duty.opens(alert(AlertKind.FALL, countdown_s=countdown_s)).incident.state is State.OPEN


def test_press_is_never_asked_about() -> None:
    duty = Duty()
    assert duty.opens(alert(AlertKind.SOS, countdown_s=15)).incident.state is State.OPEN


def test_press_during_the_countdown_calls_at_once() -> None:
    duty = Duty()
    duty.opens(alert(AlertKind.FALL, countdown_s=15)).until("02:14:10")
    duty.press()
    assert duty.incident.state is State.OPEN
    assert duty.incident.presses == 1
    assert "02:14:10 daughter mqtt" in duty.called()
    assert duty.refuses(Cancelled(by="wearer")) == "not_confirming"


def test_dangerous_vitals_during_the_countdown_are_not_lost_with_a_cancel() -> None:
    duty = Duty()
    duty.opens(alert(AlertKind.FALL, countdown_s=15)).until("02:14:10")
    duty.does(Raised(alert=alert(AlertKind.VITALS, Severity.HIGH, duty.now)))
    assert duty.incident.state is State.OPEN


def test_second_fall_during_the_countdown_waits_with_the_first() -> None:
    duty = Duty()
    duty.opens(alert(AlertKind.FALL, countdown_s=15)).until("02:14:10")
    duty.does(Raised(alert=alert(AlertKind.FALL, now=duty.now, countdown_s=15)))
    assert duty.incident.state is State.CONFIRMING
    assert duty.incident.timer is not None
    assert duty.incident.timer.due_at == at("02:14:22")


def test_test_press_is_shown_to_the_operators_and_goes_no_further() -> None:
    duty = Duty()
    duty.opens(alert(test=True)).until("02:30:00")
    assert duty.called() == []
    assert {p.person_id for p in duty.sent} == {XIAO_LI, LAO_ZHANG}
    assert {p.purpose for p in duty.sent} == {Purpose.NOTICE}


def test_real_press_in_a_test_is_a_real_incident() -> None:
    duty = Duty()
    duty.opens(alert(test=True)).until("02:15:00")
    duty.press()
    assert not duty.incident.test
    assert "02:15:00 daughter mqtt" in duty.called()
    assert duty.incident.timer is not None
    assert duty.incident.timer.kind is TimerKind.STEP


def test_live_incident_that_lost_its_timer_rings_instead_of_staying_silent() -> None:
    duty = sos()
    silent: Incident = replace(duty.incident, timer=None)
    decision = apply(silent, Due(), duty.people, duty.now)
    assert decision.pages
    assert decision.incident.timer is not None
